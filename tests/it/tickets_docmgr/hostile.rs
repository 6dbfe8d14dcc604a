//! Documents that nobody would write who meant well, in a run from its begin to its close.

use crate::stage::{Stage, WORKER, holds, id};

/// Tickets whose documents are odd, and still theirs: id, and the bytes of the index.
fn odd() -> Vec<(&'static str, String)> {
    let plain = "---\nTitle: T\nTicket: ID\nStatus: active\nTopics: [a]\nDocType: index\n---\n\n# B  \n";
    let long = format!("Summary: {}\nStatus:", "x".repeat(64 << 10));
    let odd: [(&str, &str, &str); 9] = [
        ("UNKNOWN-1", "Topics:", "# a remark\nMine: {a: [1, 2]} # kept\nmine:\n    - x\nTopics:"),
        ("BLOCK-1", "Status:", "Summary: |\n    Status: not this one\n    ---x\n\n    # text\nStatus:"),
        ("SCALAR-1", "Topics: [a]", "Topics: a, b"),
        ("LONG-1", "Status:", &long),
        ("TAB-1", "Status: active", "Status:\tactive\t# why\nOwners:\n\t- me"),
        ("ANCHOR-1", "Title: T", "Title: &t T\nSummary: *t"),
        ("TWICE-1", "Topics:", "Summary: a\nSummary: b\nTopics:"),
        ("QUOTE-1", "Status: active", "Status: 'act\n    ive'"),
        ("CASE-1", "DocType", "\"DocType\""),
    ];
    let mut all: Vec<_> =
        odd.into_iter().map(|(id, old, new)| (id, plain.replace("ID", id).replacen(old, new, 1))).collect();
    let windows = plain.replace("ID", "WINDOWS-1").replace('\n', "\r\n");
    all.push(("WINDOWS-1", format!("\u{feff}{windows}")));
    all
}

fn at(id: &str) -> String {
    format!("ttmp/2026/07/06/{id}--x/index.md")
}

#[test]
fn odd_documents_are_worked_on_and_closed_without_the_loss_of_a_byte() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let mut words = Vec::new();
    for (id, text) in odd() {
        stage.api.commit(&at(id), &text);
        words.extend(["--ticket", id]);
    }
    stage.api.commit("ttmp/2026/07/06/BROKEN-1--x/index.md", "no frontmatter\n");
    let run = stage.run(&words);
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    stage.wait_state(id(&run), "completed");
    let before = stage.api.rev("main").expect("main");
    stage.do_(["close", id(&run)]).ok();
    for (id, text) in odd() {
        let new = stage.api.read(&at(id));
        let changed = stage.api.git(["diff", "--unified=0", &before, "HEAD", "--", &at(id)]);
        let lines = |sign: char| {
            let of = changed
                .lines()
                .filter(|l| l.starts_with(sign) && !l.starts_with(&sign.to_string().repeat(3)));
            of.map(|l| l[1..].trim_end().to_owned()).collect::<Vec<_>>()
        };
        let came = lines('+');
        assert_eq!(came.len(), 2, "{id}: {changed}");
        assert!(
            came.iter().all(|l| l.starts_with("Status") || l.starts_with("LastUpdated: 2")),
            "{id}: {came:?}"
        );
        assert!(lines('-').iter().all(|l| l.starts_with("Status") || l == "    ive'"), "{id}: {changed}");
        let ends = |text: &str| text[text.rfind("---").expect("a fence")..].to_owned();
        assert_eq!(ends(&new), ends(&text), "{id}");
        assert_eq!(new.matches("\r\n").count() > 0, id == "WINDOWS-1", "{id}");
        assert_eq!(new.matches('\n').count(), new.lines().count(), "{id}");
    }
    assert_eq!(stage.api.read("ttmp/2026/07/06/BROKEN-1--x/index.md"), "no frontmatter\n");
}

#[test]
fn a_document_that_cannot_be_read_says_so_and_hides_no_other() {
    let stage = Stage::new(&[("coder", "true")]);
    let good = "---\nTitle: T\nTicket: GOOD-1\nStatus: active\nTopics: [a]\nDocType: index\n---\n";
    stage.api.commit(&at("GOOD-1"), good);
    for (name, text) in [
        ("NONE-1", "# no frontmatter\n"),
        ("OPEN-1", "---\nTicket: OPEN-1\nDocType: index\n"),
        ("NAMELESS-1", "---\nTitle: x\nDocType: index\n---\n"),
        ("TWO-1", &good.replace("GOOD-1", "TWO-1")),
    ] {
        stage.api.commit(&at(name), text);
    }
    stage.api.commit("ttmp/2026/07/07/TWO-1--again/index.md", &good.replace("GOOD-1", "two-1"));
    let linked = stage.api.file("ttmp/2026/07/06/LINK-1--x");
    std::os::unix::fs::symlink(stage.api.file("ttmp/2026/07/06/GOOD-1--x"), linked).expect("a link");
    stage.api.git(["add", "ttmp"]);
    stage.api.git(["commit", "-qm", "A link"]);
    let before = stage.api.snapshot();
    for (name, why) in [
        (
            "NONE-1",
            "NONE-1--x/index.md: The document's frontmatter cannot be read: the first line is not '---'",
        ),
        (
            "open-1",
            "OPEN-1--x/index.md: The document's frontmatter cannot be read: there is no closing '---'",
        ),
        (
            "NAMELESS-1",
            "The ticket 'NAMELESS-1' cannot be read: ttmp/2026/07/06/NAMELESS-1--x/index.md: It names no ticket.",
        ),
        ("LINK-1", "The ticket 'LINK-1' does not exist."),
        ("Two-1", "ttmp/2026/07/07/TWO-1--again"),
    ] {
        let told = stage.do_(["run", "--ticket", name]).output();
        assert_ne!(told.status, Some(0), "{told}");
        told.tells(why);
    }
    for name in ["NONE-1", "OPEN-1", "NAMELESS-1"] {
        let told = stage.do_(["run", "--ticket", name, "--create"]).code(1);
        holds(&told.stderr, &[&format!("ttmp/2026/07/06/{name}--x/index.md"), "cannot be read"]);
    }
    assert_eq!(stage.api.snapshot(), before);
    let run = stage.run(&["--ticket", "good-1"]);
    stage.wait_ended(id(&run));
}
