//! Runs whose tickets docmgr keeps (a stand-in), from the ticket that is made to the one that is closed; the same with
//! the built-in; and a docmgr that misbehaves in every way, of which nothing half is left.

use super::doctor::assert_healthy;
use super::stand_in::StandIn;
use crate::kit::{Output, Repo};
use crate::stage::{Stage, holds, id, tree};
use git_metawsm::sys::dir_lock;
use serde_json::{Value, json};
use std::time::Duration;

/// An agent that commits something each time it is started.
const AGENT: &str = r#"cd "$METAWSM_WORKSPACE/api"
echo again >> work.txt
git add work.txt && git commit -qm Work"#;

/// A stage whose tickets docmgr keeps.
fn kept_by_docmgr(agent: &str) -> Stage {
    let stage = Stage::with(&[("coder", agent)], "process", &json!({ "tickets": { "provider": "docmgr" } }));
    StandIn::install(&stage.world);
    stage
}

fn create(stage: &Stage) -> Value {
    stage.run(&["--ticket", "PAGE-1", "--create", "Build: the page"])
}

/// The one ticket's directory at main, relative to the top.
fn dir_of(repo: &Repo) -> String {
    let listed = repo.git(["ls-files", "--", "ttmp/*/index.md"]);
    assert_eq!(listed.lines().count(), 1, "one ticket: {listed}");
    listed.trim_end_matches("/index.md").to_owned()
}

/// From the making of a ticket to its close, with feedback and a decision in between.
fn whole_story(stage: &Stage) -> (String, String) {
    let run = create(stage);
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    assert_healthy(home.path());
    let words =
        ["forum", "ask", "--json", "--ticket", "PAGE-1", "--title", "Which: port?", "--body", "Well?"];
    let asked = stage.do_(words).ok().json();
    let thread = asked["thread"]["id"].as_str().expect("an id");
    stage.do_(["forum", "answer", thread, "--body", "8080, said they"]).ok();
    stage.do_(["iterate", id(&run), "--feedback", "Raise the contrast"]).ok();
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    assert_healthy(home.path());
    stage.wait_state(id(&run), "completed");
    let closing = ["close", id(&run), "--changelog-entry", "The page stands.\n# Not a heading"];
    stage.do_(closing).ok();
    assert_healthy(stage.api.path());
    let dir = dir_of(&stage.api);
    let references = stage.api.git(["ls-files", "--", &format!("{dir}/reference")]);
    assert_eq!(references.lines().count(), 2, "{references}");
    let texts: String = references.lines().map(|name| stage.api.read(name)).collect();
    for words in ["8080, said they", "Raise the contrast"] {
        assert_eq!(texts.matches(words).count(), 1, "{words:?} stands once in {texts}");
    }
    assert!(!texts.contains("Add your content here"), "{texts}");
    let index = stage.api.read(&format!("{dir}/index.md"));
    holds(&index, &["Ticket: PAGE-1\n", "Title: 'Build: the page'\n", "Status: complete\n"]);
    let changelog = stage.api.read(&format!("{dir}/changelog.md"));
    assert_eq!(changelog.matches("The page stands.\n\\# Not a heading\n").count(), 1, "{changelog}");
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
    (index, changelog)
}

#[test]
fn the_built_in_keeps_a_ticket_from_its_making_to_its_close_and_doctor_is_content_at_every_step() {
    whole_story(&Stage::new(&[("coder", AGENT)]));
}

#[test]
fn docmgr_keeps_a_ticket_from_its_making_to_its_close() {
    let stage = kept_by_docmgr(AGENT);
    let stand_in = StandIn::of(&stage.world);
    let (index, _) = whole_story(&stage);
    assert!(index.contains("Document workspace for PAGE-1."), "docmgr wrote it: {index}");
    let calls = stand_in.calls();
    for verb in ["list tickets", "ticket create-ticket", "doc add", "ticket close"] {
        assert!(calls.iter().any(|call| call.1.starts_with(verb)), "{verb} is missing in {calls:#?}");
    }
    // Structured, with a root of ours, in the repository or a worktree of it, and nobody else's repository.
    for (place, call) in &calls {
        assert!(call.contains("--with-glaze-output --output=json"), "{call}");
        assert!(call.contains(&format!("--root={place}/ttmp")), "{place}: {call}");
    }
    assert_eq!(stand_in.environment(), "GIT_CONFIG_NOSYSTEM=1\nGIT_TERMINAL_PROMPT=0\nMETAWSM_STARTER");
    // What docmgr did beside the ticket's documents was left in its checkout.
    let files = stage.api.git(["ls-tree", "-r", "--name-only", "main"]);
    assert!(!files.contains("stray") && !stage.api.file("stray-of-docmgr").exists(), "{files}");
    assert_eq!(stage.api.git(["worktree", "list"]).lines().count(), 2, "its checkout is gone");
}

#[test]
fn an_older_docmgr_does_the_same() {
    let stage = kept_by_docmgr(AGENT);
    StandIn::of(&stage.world).set("old");
    whole_story(&stage);
}

#[test]
fn a_bootstrap_has_its_ticket_and_brief_from_docmgr() {
    let stage = kept_by_docmgr("true");
    let words =
        ["bootstrap", "--json", "--ticket", "T-1", "--goal", "Say hello", "--done", "hello.txt is there"];
    let run = stage.do_(words).ok().json();
    stage.wait_nobody();
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    let dir = dir_of(&home);
    let brief = home.git(["ls-files", "--", &format!("{dir}/reference/01-bootstrap-brief-*.md")]);
    holds(&home.read(&brief), &["DocType: reference\n", "## Goal\n\nSay hello", "hello.txt is there"]);
    holds(&home.read(&format!("{dir}/changelog.md")), &["Initial workspace created", "Say hello"]);
    assert_eq!(home.git(["status", "--porcelain"]), "");
    assert_healthy(home.path());
}

#[test]
fn a_vocabulary_that_is_there_learns_our_topic_and_none_is_made() {
    for (before, after) in [
        (None, None),
        (
            Some("# ours\ntopics:\n  - slug: chat # why\n    description: Chat\n"),
            Some(
                "# ours\ntopics:\n  - slug: chat # why\n    description: Chat\n  - slug: metawsm\n    description: metawsm\n",
            ),
        ),
        (
            Some("topics: [{slug: chat, description: Chat}]\n"),
            Some("topics: [{slug: chat, description: Chat}, {slug: metawsm, description: metawsm}]\n"),
        ),
    ] {
        let stage = kept_by_docmgr("true");
        if let Some(before) = before {
            stage.api.commit("ttmp/vocabulary.yaml", before);
        }
        let run = create(&stage);
        let home = stage.api.seen_from(tree(&run, 0, "api"));
        let found = home.git(["ls-files", "--", "ttmp/vocabulary.yaml"]);
        assert_eq!((!found.is_empty()).then(|| home.read(&found)).as_deref(), after);
        assert_healthy(home.path());
    }
}

/// What a command that docmgr keeps from its end says.
fn refused(output: Output, why: &str) {
    let told =
        output.code(5).tells("docmgr keeps the tickets here (tickets.provider = \"docmgr\")").tells(why);
    told.tells("With tickets.provider = \"builtin\" it is not needed");
}

#[test]
fn a_run_whose_tickets_docmgr_cannot_keep_is_not_begun() {
    let stage = kept_by_docmgr("true");
    stage.api.commit(
        "ttmp/2026/07/06/T-1--x/index.md",
        "---\nTitle: T\nTicket: T-1\nTopics: [a]\nDocType: index\n---\n",
    );
    let stand_in = StandIn::of(&stage.world);
    let before = stage.api.snapshot();
    for (mode, why) in [
        ("error", "did not answer with a list of rows: Error: the index is broken, and this is exit 0"),
        ("html", "did not answer with a list of rows: <html>"),
        ("flood", "printed more than 16777216 bytes and was ended"),
        ("ancient", "does not know 'docmgr list tickets' as v0.0.19 and later do: Error: unknown flag"),
        ("crash", "'docmgr list tickets' ended with signal 9"),
        ("broken-list_tickets", "'docmgr list tickets' ended with exit 1: Error: the disk is full"),
    ] {
        stand_in.set(mode);
        for words in [["run", "--ticket", "T-1", "x"], ["run", "--create", "--ticket", "T-2"]] {
            refused(stage.do_(words).output(), why);
        }
    }
    stand_in.set("outside");
    let why =
        "../../elsewhere: docmgr says that the ticket T-1 is there, and that is outside of the docs root";
    refused(stage.do_(["run", "--ticket", "T-1"]).output(), why);
    stand_in.set("good");
    stage.world.unscript("docmgr");
    for words in [vec!["run", "--ticket", "T-1"], vec!["run", "--create", "Something"]] {
        let output = stage.world.run(words).at(&stage.api).output();
        output
            .clone()
            .tells("go install -tags sqlite_fts5 github.com/go-go-golems/docmgr/cmd/docmgr@v0.0.20");
        refused(output, "the program 'docmgr' is not on PATH");
    }
    assert_eq!(stage.do_(["list", "--all", "--json"]).ok().json()["runs"], json!([]));
    assert_eq!(stage.api.snapshot(), before, "no byte has changed");
    // Work without a ticket needs none.
    let run = stage.run(&["Something else"]);
    stage.wait_ended(id(&run));
}

#[test]
fn what_a_killed_docmgr_left_of_a_ticket_is_gone_on_with() {
    let stage = kept_by_docmgr("true");
    let stand_in = StandIn::of(&stage.world);
    // It dies behind the index; the step is tried again.
    stand_in.set("half");
    let run = create(&stage);
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    let dir = dir_of(&home);
    let files = home.git(["ls-files", "--", &dir]);
    for name in ["index.md", "README.md", "tasks.md", "changelog.md"] {
        assert!(files.lines().any(|file| file == format!("{dir}/{name}")), "{name} is missing in {files}");
    }
    assert_eq!(home.git(["status", "--porcelain"]), "");
    // The same with a document.
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    stage.do_(["complete", id(&run), "--reason", "enough"]).ok();
    stand_in.set("half");
    stage.do_(["iterate", id(&run), "--feedback", "Once more"]).ok();
    stage.wait_nobody();
    assert_eq!(home.git(["ls-files", "--", &format!("{dir}/reference")]), "", "docmgr was killed over it");
    stage.do_(["iterate", id(&run), "--feedback", "And again"]).ok();
    stage.wait_nobody();
    let files = home.git(["ls-files", "--", &format!("{dir}/reference")]);
    assert_eq!(files.lines().count(), 2, "one document each: {files}");
    let texts: String = files.lines().map(|name| home.read(name)).collect();
    holds(&texts, &["Once more", "And again"]);
    assert!(!texts.contains("Add your content here"), "{texts}");
    assert_eq!(home.git(["status", "--porcelain"]), "");
    assert_healthy(home.path());
}

#[test]
fn docmgr_is_not_asked_where_a_link_would_lead_it_out_of_the_repository() {
    let stage = kept_by_docmgr("true");
    let outside = stage.world.root().join("outside");
    std::fs::create_dir(&outside).expect("made");
    let link = |path: &str| {
        let at = stage.api.file(path);
        std::fs::create_dir_all(at.parent().expect("a folder")).expect("made");
        std::os::unix::fs::symlink(&outside, at).expect("linked");
        stage.api.git(["add", "-A"]);
        stage.api.git(["commit", "-q", "-m", "A link"]);
    };
    let refused = |words: &[&str], why: &str| {
        let told = stage.world.run(words.to_vec()).at(&stage.api).output();
        assert_ne!(told.status, Some(0), "{told}");
        told.tells(why);
        assert_eq!(std::fs::read_dir(&outside).expect("listed").count(), 0, "nothing was written there");
    };
    let index = "---\nTitle: T\nTicket: T-1\nStatus: active\nTopics: [a]\nDocType: index\n---\n\n# T\n";
    stage.api.commit("ttmp/2020/07/06/T-1--x/index.md", index);
    link("ttmp/2020/07/06/T-1--x/reference");
    let brief = ["--goal", "Say hello", "--done", "hello.txt is there"];
    let words =
        [&["bootstrap", "--existing", "--ticket", "T-1", "--doc-seed-mode", "none"], &brief[..]].concat();
    refused(&words, "reference is not a directory");
    let year = jiff::Zoned::now().year();
    link(&format!("ttmp/{year}"));
    let words = ["run", "--ticket", "PAGE-1", "--create", "Build the page"];
    refused(&words, &format!("ttmp/{year} is there already, and it is not a directory of its own"));
}

#[test]
fn a_docmgr_that_only_says_so_has_made_nothing() {
    let stage = kept_by_docmgr("true");
    StandIn::of(&stage.world).set("silent-ticket_create-ticket");
    let words = ["run", "--ticket", "PAGE-1", "--create", "Build the page"];
    let told = stage.do_(words).output();
    assert_ne!(told.status, Some(0), "{told}");
    told.tells("said that all went well, and the ticket PAGE-1 is not there: it printed nothing");
}

#[test]
fn a_docmgr_that_fails_stops_the_close_before_anything_moved() {
    let stage = kept_by_docmgr(AGENT);
    let stand_in = StandIn::of(&stage.world);
    let run = create(&stage);
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    stage.wait_state(id(&run), "completed");
    let main = stage.api.rev("main");
    for (mode, why) in [
        ("broken-ticket_close", "'docmgr ticket close' ended with exit 1: Error: the disk is full"),
        ("silent-ticket_close", "said that all went well, and the ticket PAGE-1 is not closed: []"),
        ("crash", "'docmgr ticket close' ended with signal 9"),
        ("flood", "printed more than"),
    ] {
        stand_in.set(mode);
        let told = stage.do_(["close", id(&run)]).output();
        refused(told.clone().lacks("/metawsm/scratch/"), why);
        assert_eq!(stage.api.rev("main"), main, "{mode}");
        assert_eq!(stage.look(id(&run))["state"], "completed");
        assert_eq!(stage.api.git(["status", "--porcelain"]), "");
    }
    stand_in.set("good");
    stage.do_(["close", id(&run)]).ok();
    holds(&stage.api.read(&format!("{}/index.md", dir_of(&stage.api))), &["Status: complete"]);
}

#[test]
fn a_ticket_that_docmgr_cannot_read_is_named_and_not_made_twice() {
    let stage = kept_by_docmgr("true");
    // docmgr takes no single word for a list of topics.
    stage.api.commit(
        "ttmp/2026/07/06/T-1--x/index.md",
        "---\nTitle: T\nTicket: T-1\nTopics: one\nDocType: index\n---\n",
    );
    for words in [["run", "--ticket", "T-1", "x"], ["run", "--create", "--ticket", "T-1"]] {
        let why = "does not list the ticket T-1, although ttmp/2026/07/06/T-1--x/index.md is its index";
        refused(stage.do_(words).output(), why);
    }
}

#[test]
fn an_agents_docmgr_that_has_locked_the_ticket_is_waited_for_and_nothing_is_lost() {
    let stage = Stage::new(&[("coder", "true")]);
    let run = create(&stage);
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    stage.do_(["complete", id(&run), "--reason", "enough"]).ok();
    let lock = dir_lock::take(&home.file(&dir_of(&home)), "the ticket", Duration::ZERO).expect("free");
    stage.do_(["iterate", id(&run), "--feedback", "Once more"]).ok();
    stage.wait_nobody();
    stage.do_(["log", id(&run)]).ok().says("The directory of the ticket PAGE-1 is in use by another program");
    drop(lock);
    stage.do_(["complete", id(&run), "--reason", "enough"]).ok();
    stage.do_(["iterate", id(&run), "--feedback", "And again"]).ok();
    let files = home.git(["ls-files", "--", &format!("{}/reference", dir_of(&home))]);
    let texts: String = files.lines().map(|name| home.read(name)).collect();
    holds(&texts, &["Once more", "And again"]);
}
