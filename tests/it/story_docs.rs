//! Documents of tickets in two places: the control repository keeps the source, the doc home of a run the copy that
//! counts while the run is open.

mod runs;

use crate::kit::Repo;
use crate::stage::{Stage, WORKER, blockers, holds, id, tree};
use serde_json::{Value, json};

const DAY: &str = "ttmp/2026/01/02";

/// Commits the documents of a ticket, as docmgr lays them.
fn ticket(repo: &Repo, name: &str) -> String {
    let dir = format!("{DAY}/{name}--a-ticket");
    let index = format!(
        "---\nTitle: The ticket {name}\nTicket: {name}\nStatus: active\nTopics:\n    - app\nDocType: index\nIntent: long-term\n---\n\n# The ticket {name}\n"
    );
    repo.write(&format!("{dir}/index.md"), &index);
    repo.write(&format!("{dir}/tasks.md"), "# Tasks\n\n- [ ] Do it\n");
    repo.write(&format!("{dir}/changelog.md"), "# Changelog\n\n## 2026-01-02\n\nMade it\n");
    repo.git(["add", "ttmp"]);
    repo.git(["commit", "-qm", &format!("Open {name}")]);
    dir
}

/// What status says of the documents of the ticket at this place, by JSON and in words alike.
#[track_caller]
fn state(stage: &Stage, run: &str, at: usize) -> String {
    let answer = stage.at(&stage.api, ["--json", "status", run]).ok().json();
    let docs = &answer["runs"][0]["docs"][at];
    let word = docs["state"].as_str().unwrap_or("nothing").to_owned();
    let text = stage.at(&stage.api, ["status", run]).ok().stdout;
    let revision = docs["revision"].as_str().and_then(|r| r.get(..12)).unwrap_or_default();
    let line = format!("{}  {word}  {revision}\n", docs["ticket"].as_str().unwrap_or("?"));
    let place =
        format!("in {} (workspace_active, copy_from_repo_on_start)\n", docs["repo"].as_str().unwrap_or("?"));
    holds(&text, &[line.trim_end_matches("  \n"), &place]);
    let warns = matches!(word.as_str(), "source-ahead" | "diverged");
    assert_eq!(docs["warnings"].as_array().map_or(0, Vec::len), usize::from(warns), "{docs:#}");
    if warns {
        let sync = format!("git metawsm docs sync {run} --ticket {}", docs["ticket"].as_str().unwrap_or("?"));
        holds(&text, &[&sync]);
        // Who looks at all runs is told before closing is tried.
        holds(&stage.at(&stage.api, ["status"]).ok().stdout, &["needs you\n", &sync]);
    }
    word
}

fn edit(repo: &Repo, file: &str, text: &str) {
    repo.commit(file, text);
}

/// The paths of a ticket's documents on main.
fn files_of(repo: &Repo, name: &str) -> Vec<String> {
    let listed = repo.git(["ls-tree", "-r", "--name-only", "main"]);
    listed.lines().filter(|path| path.contains(&format!("/{name}--"))).map(str::to_owned).collect()
}

/// Both copies end as one: the ticket is closed once, and the published record says in which state.
fn is_home_once(stage: &Stage, home: &Repo, (name, dir): (&str, &str), run: &str) {
    let names: Vec<_> =
        ["changelog.md", "index.md", "notes.md", "tasks.md"].map(|file| format!("{dir}/{file}")).into();
    for repo in [&stage.api, home] {
        assert_eq!(files_of(repo, name), names, "one directory, nothing beside it");
        let changelog = repo.git(["show", &format!("main:{dir}/changelog.md")]);
        assert_eq!(
            changelog.matches(&format!("Closed by {run}")).count(),
            2,
            "title and text, once: {changelog}"
        );
        assert_eq!(changelog.matches("Made it").count(), 1);
        holds(&repo.git(["show", &format!("main:{dir}/index.md")]), &["Status: complete"]);
        holds(&repo.git(["show", &format!("main:{dir}/tasks.md")]), &["- [x] Do it"]);
        assert_eq!(repo.git(["status", "--porcelain"]), "", "what is checked out follows");
    }
    let revision = home.git(["rev-parse", &format!("main:{dir}")]);
    assert_eq!(stage.api.git(["rev-parse", &format!("main:{dir}")]), revision);
    let records = stage.api.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/runs"]);
    let record = records.lines().find(|path| path.contains(run)).expect("the record");
    holds(&stage.api.git(["show", &format!("main:{record}")]), &[&format!("revision = \"{revision}\"")]);
}

/// Goes through all four states, is refused where it must be, and is closed.
fn through_all_states(is_foreign: bool) {
    let stage = Stage::new(&[("coder", WORKER)]);
    let dir = ticket(&stage.api, "MW-1");
    let docs = stage.repo_on("docs", "main");
    let mut words = vec!["run", "--json", "--ticket", "MW-1", "--repos", "api,docs"];
    words.extend(if is_foreign { ["--doc-home-repo", "docs"] } else { ["--doc-repo", "api"] });
    let run = stage.world.run(words).at(&stage.api).ok().json();
    let name = id(&run).to_owned();
    stage.wait_state(&name, "completed");
    let home = if is_foreign { &docs } else { &stage.api };
    let copy = home.seen_from(tree(&run, 0, if is_foreign { "docs" } else { "api" }));
    if is_foreign {
        let made = copy.git(["log", "-1", "--format=%B", "--", &dir]);
        holds(&made, &["Seed the documents of MW-1", "Metawsm-Made: yes", &format!("Metawsm-Run: {name}")]);
        assert!(!tree(&run, 0, "docs").join(&dir).join("notes.md").exists());
    }
    assert_eq!(state(&stage, &name, 0), "in-sync");
    edit(&stage.api, &format!("{dir}/notes.md"), "What a person noted\n");
    assert_eq!(state(&stage, &name, 0), "source-ahead");
    edit(&copy, &format!("{dir}/tasks.md"), "# Tasks\n\n- [x] Do it\n");
    assert_eq!(state(&stage, &name, 0), "diverged");
    let judged = stage.at(&stage.api, ["--json", "close", "--dry-run", &name]);
    if is_foreign {
        let refused = judged.code(3).json();
        holds(&blockers(&refused), &["docs-synced: ", "(diverged)", "docs sync"]);
    } else {
        holds(&blockers(&judged.ok().json()), &["docs-fresh: "]);
    }
    stage.at(&stage.api, ["docs", "sync", &name]).ok();
    assert_eq!(state(&stage, &name, 0), "workspace-ahead");
    // Not committed: it is shown, and close is refused.
    copy.write(&format!("{dir}/tasks.md"), "half\n");
    assert_eq!(state(&stage, &name, 0), "workspace-ahead");
    let refused = stage.at(&stage.api, ["--json", "close", &name]).code(3).json();
    holds(&blockers(&refused), &["docs-synced: ", "not committed", "tasks.md (modified)"]);
    copy.git(["restore", "."]);
    stage.at(&stage.api, ["close", &name]).ok();
    is_home_once(&stage, home, ("MW-1", &dir), &name);
    assert!(is_foreign || files_of(&docs, "MW-1").is_empty(), "documents lie in the doc home only");
}

#[test]
fn documents_at_home_go_through_all_four_states_and_base_holds_them_once() {
    through_all_states(false);
}

#[test]
fn documents_in_another_repository_go_through_all_four_states_and_both_bases_hold_them_once() {
    through_all_states(true);
}

#[test]
fn two_tickets_are_judged_each_against_its_own_workspace() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let dirs = [ticket(&stage.api, "MW-1"), ticket(&stage.api, "MW-2")];
    let docs = stage.repo_on("docs", "main");
    let words = ["run", "--json", "--ticket", "MW-1,MW-2", "--repos", "docs", "--doc-home-repo", "../docs"];
    let run = stage.world.run(words).at(&stage.api).ok().json();
    let name = id(&run).to_owned();
    stage.wait_state(&name, "completed");
    let copies = [0, 1].map(|at| docs.seen_from(tree(&run, at, "docs")));
    for (copy, dir) in copies.iter().zip(&dirs) {
        edit(copy, &format!("{dir}/tasks.md"), "# Tasks\n\n- [x] Do it\n");
    }
    // The second ticket's documents of the first workspace are nobody's concern.
    assert!(!tree(&run, 0, "docs").join(&dirs[1]).exists());
    edit(&stage.api, &format!("{}/notes.md", dirs[1]), "New\n");
    assert_eq!([state(&stage, &name, 0), state(&stage, &name, 1)], ["workspace-ahead", "diverged"]);
    let refused = stage.at(&stage.api, ["--json", "close", &name]).code(3).json();
    let said = blockers(&refused);
    holds(&said, &["MW-2"]);
    assert!(!said.contains("MW-1"), "{said}");
    edit(&copies[0], &format!("{}/notes.md", dirs[0]), "Ours\n");
    stage.at(&stage.api, ["docs", "sync", &name]).ok();
    stage.at(&stage.api, ["close", &name]).ok();
    for (ticket, dir) in [("MW-1", &dirs[0]), ("MW-2", &dirs[1])] {
        is_home_once(&stage, &docs, (ticket, dir), &name);
    }
}

/// The answer of a refused `run`.
fn refused(stage: &Stage, more: &[&str]) -> Value {
    let words = ["run", "--json", "--ticket", "MW-1"];
    let before = stage.world.snapshot();
    let answer = stage.world.run([&words, more].concat()).at(&stage.api).output();
    assert_ne!(answer.status, Some(0), "{answer}");
    before.assert_same(&stage.world.snapshot());
    serde_json::from_str(&answer.stdout).unwrap_or_else(|_| answer.json())
}

#[test]
fn what_could_not_be_seeded_is_refused_before_anything_is_made() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let dir = ticket(&stage.api, "MW-1");
    stage.repo_on("docs", "main");
    let said = |answer: &Value| answer["error"].to_string();
    stage.api.write(&format!("{dir}/tasks.md"), "edited\n");
    stage.api.write(&format!("{dir}/new.md"), "new\n");
    for more in [&[] as &[&str], &["--repos", "docs"], &["--dry-run"]] {
        let answer = said(&refused(&stage, more));
        holds(&answer, &["not committed", "new.md", "tasks.md", "commit -m"]);
    }
    // The command of the hint clears it.
    let answer = refused(&stage, &[]);
    let hint = answer["error"]["hints"][0].as_str().expect("a hint").to_owned();
    let sh = stage.world.command("sh").args(["-c", &hint]).status().expect("sh starts");
    assert!(sh.success(), "{hint}");
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
    let both =
        said(&refused(&stage, &["--doc-home-repo", "docs", "--doc-repo", "api", "--repos", "api,docs"]));
    holds(&both, &["--doc-home-repo says 'docs'", "--doc-repo", "'api'"]);
    // A second directory that claims the ticket.
    let copy = dir.replace("a-ticket", "another");
    let index = stage.api.read(&format!("{dir}/index.md"));
    stage.api.commit(&format!("{copy}/index.md"), &index);
    holds(&said(&refused(&stage, &[])), &["exists 2 times", &dir, &copy]);
    stage.api.git(["rm", "-rq", &copy]);
    stage.api.git(["commit", "-qm", "One is enough"]);
    // Links out of the documents, and what is neither file nor directory.
    std::os::unix::fs::symlink("/etc/passwd", stage.api.file(&format!("{dir}/out"))).expect("a link");
    holds(&said(&refused(&stage, &[])), &["out", "link that leads out"]);
    stage.api.git(["add", "."]);
    stage.api.git(["commit", "-qm", "A link"]);
    holds(&said(&refused(&stage, &[])), &["link that leads out"]);
    stage.api.git(["rm", "-q", &format!("{dir}/out")]);
    stage.api.git(["commit", "-qm", "No link"]);
    let fifo = stage.api.file(&format!("{dir}/pipe"));
    assert!(stage.world.command("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    holds(&said(&refused(&stage, &[])), &["a named pipe"]);
    std::fs::remove_file(fifo).expect("gone");
    // Without seeding nobody asks for any of it.
    stage.api.write(&format!("{dir}/tasks.md"), "edited again\n");
    stage.world.run(["run", "--dry-run", "--ticket", "MW-1", "--doc-seed-mode", "none"]).at(&stage.api).ok();
}

#[test]
fn what_an_update_brought_in_is_no_longer_missing_in_the_workspace() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let dir = ticket(&stage.api, "MW-1");
    let run = stage.run(&["--ticket", "MW-1"]);
    stage.wait_state(id(&run), "completed");
    edit(&stage.api, &format!("{dir}/notes.md"), "New\n");
    assert_eq!(state(&stage, id(&run), 0), "source-ahead");
    stage.do_(["update", id(&run)]).ok();
    assert_eq!(state(&stage, id(&run), 0), "in-sync");
    let copy = stage.api.seen_from(tree(&run, 0, "api"));
    edit(&copy, &format!("{dir}/tasks.md"), "# Tasks\n\n- [x] Do it\n");
    assert_eq!(state(&stage, id(&run), 0), "workspace-ahead");
    stage.do_(["close", id(&run)]).ok().lacks("docs-fresh");
}

#[test]
fn a_waiver_leaves_what_somebody_changed_in_the_source_and_says_so() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let dir = ticket(&stage.api, "MW-1");
    let docs = stage.repo_on("docs", "main");
    let run = stage.run(&["--ticket", "MW-1", "--repos", "docs"]);
    stage.wait_state(id(&run), "completed");
    edit(&stage.api, &format!("{dir}/tasks.md"), "Mine alone\n");
    let before = stage.world.snapshot();
    stage.do_(["close", id(&run), "--dry-run"]).code(3).tells("docs-synced");
    before.assert_same(&stage.world.snapshot());
    let closed = stage.do_(["close", id(&run), "--waive", "docs-synced=they disagree"]).ok();
    holds(&closed.stdout, &[&format!("left {dir} of the control repository as it is")]);
    assert_eq!(stage.api.git(["show", &format!("main:{dir}/tasks.md")]), "Mine alone");
    holds(&stage.api.git(["show", &format!("main:{dir}/index.md")]), &["Status: active"]);
    holds(&docs.git(["show", &format!("main:{dir}/index.md")]), &["Status: complete"]);
    stage.do_(["log", id(&run)]).ok().says("left ");
}

#[test]
fn the_brief_and_decisions_of_a_bootstrap_lie_in_the_seeded_documents_under_the_homes_own_root() {
    let stage = Stage::new(&[("coder", "true")]);
    let dir = ticket(&stage.api, "MW-1");
    let docs = stage.repo_on("docs", "main");
    docs.commit(".ttmp.yaml", "root: papers\n");
    let there = dir.replacen("ttmp", "papers", 1);
    let words = [
        "bootstrap",
        "--json",
        "--existing",
        "--ticket",
        "MW-1",
        "--goal",
        "Say hello",
        "--done",
        "It is said",
    ];
    let more = ["--repos", "api,docs", "--doc-home-repo", "docs"];
    let made = stage.world.run([&words[..], &more].concat()).at(&stage.api).ok();
    assert!(!made.stdout.contains("in the record and in the prompt only"), "{made}");
    let run = made.json();
    stage.wait_ended(id(&run));
    let copy = docs.seen_from(tree(&run, 0, "docs"));
    let listed = copy.git(["ls-files"]);
    holds(&listed, &[&format!("{there}/index.md"), &format!("{there}/reference/01-bootstrap-brief")]);
    assert_eq!(state(&stage, id(&run), 0), "workspace-ahead");
    let asked = ["forum", "ask", "--json", "--title", "Which port?", "--body", "Which one?"];
    let thread =
        stage.world.run(asked).at(&stage.api).ok().json()["thread"]["id"].as_str().expect("an id").to_owned();
    stage.do_(["forum", "answer", &thread, "--body", "8080"]).ok();
    holds(&copy.git(["ls-files"]), &[&format!("{there}/reference/02-forum-decisions")]);
    // Giving up touches no source.
    let source = stage.api.git(["rev-parse", &format!("main:{dir}")]);
    stage.do_(["discard", id(&run), "--reason", "not wanted"]).ok();
    assert_eq!(stage.api.git(["rev-parse", &format!("main:{dir}")]), source);
    assert_eq!(docs.git(["ls-tree", "-r", "--name-only", "main", "papers"]), "");
}

#[test]
fn a_doc_home_that_has_the_ticket_is_brought_forward_left_ahead_or_left_apart_and_never_thrown_away() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let dir = ticket(&stage.api, "MW-1");
    let seeded = |stage: &Stage, docs: &Repo, word: &str| {
        let run =
            stage.run(&["--ticket", "MW-1", "--repos", docs.path().to_str().expect("a path"), "--dry-run"]);
        assert_eq!(run["tickets"][0]["docs"], dir.as_str());
        let run = stage.run(&["--ticket", "MW-1", "--repos", docs.path().to_str().expect("a path")]);
        stage.wait_state(id(&run), "completed");
        assert_eq!(state(stage, id(&run), 0), word);
        let text =
            docs.seen_from(tree(&run, 0, docs.path().file_name().expect("a name").to_str().expect("text")));
        let text = text.read(&format!("{dir}/tasks.md"));
        stage.do_(["discard", id(&run), "--reason", "next"]).ok();
        text
    };
    // Behind: what it has is an older state of the source.
    let behind = stage.repo_on("behind", "main");
    ticket(&behind, "MW-1");
    // Ahead: the source's state is one of its older ones.
    let ahead = stage.repo_on("ahead", "main");
    ticket(&ahead, "MW-1");
    edit(&stage.api, &format!("{dir}/tasks.md"), "newer\n");
    edit(&ahead, &format!("{dir}/tasks.md"), "newer\n");
    edit(&ahead, &format!("{dir}/tasks.md"), "newest\n");
    // Apart: neither comes from the other.
    let apart = stage.repo_on("apart", "main");
    ticket(&apart, "MW-1");
    edit(&apart, &format!("{dir}/tasks.md"), "another\n");
    assert_eq!(seeded(&stage, &behind, "in-sync"), "newer\n");
    assert_eq!(seeded(&stage, &ahead, "workspace-ahead"), "newest\n");
    assert_eq!(seeded(&stage, &apart, "diverged"), "another\n");
}

/// An agent whose work differs from run to run.
const AGAIN: &str = r#"cd "$METAWSM_WORKSPACE"/docs
echo "$METAWSM_WORKSPACE" > work.txt
git add work.txt && git commit -qm Work"#;

/// A run on MW-1 whose documents lie in `docs`, done; its worktree there.
fn done_in(stage: &Stage, docs: &Repo, more: &[&str]) -> (String, Repo) {
    let words = ["--ticket", "MW-1", "--repos", "docs", "--doc-home-repo", "docs"];
    let run = stage.run(&[&words, more].concat());
    stage.wait_state(id(&run), "completed");
    (id(&run).to_owned(), docs.seen_from(tree(&run, 0, "docs")))
}

#[test]
fn tickets_are_closed_and_brought_home_where_records_stay_out_of_history() {
    for is_foreign in [true, false] {
        let stage = Stage::with(&[("coder", WORKER)], "process", &json!({ "state": { "track": "never" } }));
        let dir = ticket(&stage.api, "MW-1");
        let docs = stage.repo_on("docs", "main");
        let name = if is_foreign { "docs" } else { "api" };
        let run = stage.run(&["--ticket", "MW-1", "--repos", "api,docs", "--doc-home-repo", name]);
        stage.wait_state(id(&run), "completed");
        let home = if is_foreign { &docs } else { &stage.api };
        edit(&home.seen_from(tree(&run, 0, name)), &format!("{dir}/notes.md"), "Ours\n");
        let before = stage.world.snapshot();
        let foreseen = stage.do_(["close", id(&run), "--dry-run"]).ok();
        before.assert_same(&stage.world.snapshot());
        holds(&foreseen.stdout, &["close ticket MW-1\n", "the record stays out of history"]);
        assert!(!foreseen.stdout.contains("publish "), "{foreseen}");
        stage.do_(["close", id(&run)]).ok().says("the record stays out of history");
        for repo in [&stage.api, home] {
            holds(&repo.git(["show", &format!("main:{dir}/index.md")]), &["Status: complete"]);
            assert_eq!(repo.git(["show", &format!("main:{dir}/notes.md")]), "Ours");
            assert_eq!(repo.git(["status", "--porcelain"]), "");
        }
        assert_eq!(stage.api.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/runs"]), "");
    }
}

#[test]
fn what_a_person_took_back_in_the_source_is_not_brought_again() {
    let stage = Stage::new(&[("coder", AGAIN)]);
    let dir = ticket(&stage.api, "MW-1");
    let docs = stage.repo_on("docs", "main");
    let (run, copy) = done_in(&stage, &docs, &[]);
    edit(&copy, &format!("{dir}/notes.md"), "Not wanted\n");
    stage.do_(["close", &run]).ok();
    stage.api.git(["checkout", "-q", "HEAD~1", "--", &dir]);
    stage.api.git(["rm", "-q", &format!("{dir}/notes.md")]);
    stage.api.git(["commit", "-qm", "Take the documents back"]);
    let taken_back = stage.api.git(["rev-parse", &format!("main:{dir}")]);
    let (next, copy) = done_in(&stage, &docs, &[]);
    assert_eq!(state(&stage, &next, 0), "diverged");
    assert!(copy.file(&format!("{dir}/notes.md")).exists());
    stage.do_(["close", &next]).code(3).tells("docs-synced");
    assert_eq!(stage.api.git(["rev-parse", &format!("main:{dir}")]), taken_back);
}
