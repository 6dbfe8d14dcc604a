//! What history keeps of a run, and when.

use crate::kit::Repo;
use crate::stage::{Stage, WORKER, holds, id};
use serde_json::json;

#[test]
fn the_words_for_the_changelog_are_kept_until_the_record_comes_into_history() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let origin = stage.api.with_origin();
    stage.api.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    let run = stage.run(&["--ticket", "ONE", "--create", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    // The server squashes the branch, and base follows.
    stage.api.git(["merge", "-q", "--squash", "task/one"]);
    stage.api.git(["commit", "-q", "-m", "Go ahead (#1)"]);
    stage.api.git(["push", "-q", "origin", "main"]);
    stage.do_(["close", "--changelog-entry", "Written down for ever."]).ok().says("the record waits");
    assert_eq!(stage.api.rev("main"), stage.api.rev("origin/main"));
    // The team goes on by pull requests: nothing of ours is in the way.
    let server = colleague(&stage, &origin);
    server.commit("more.txt", "more\n");
    server.git(["push", "-q"]);
    stage.api.git(["pull", "-q", "--ff-only"]);
    // The next merge takes the record along.
    let next = stage.run(&["Another one"]);
    stage.wait_state(id(&next), "completed");
    stage.do_(["merge", id(&next)]).ok();
    let names = stage.api.git(["ls-tree", "-r", "--name-only", "main"]);
    holds(&names, &[&format!("{}.toml", id(&run))]);
    assert!(!names.contains(id(&next)), "the other run is still open: {names}");
    let log =
        names.lines().find(|name| name.contains("ONE--") && name.ends_with("changelog.md")).expect("a log");
    holds(&stage.api.git(["show", &format!("main:{log}")]), &["Written down for ever."]);
    stage.api.git(["push", "-q"]);
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
}

fn colleague(stage: &Stage, origin: &std::path::Path) -> Repo {
    let place = stage.world.root().join("server");
    stage
        .git(
            stage.world.root(),
            &["clone", "-q", &origin.display().to_string(), &place.display().to_string()],
        )
        .ok();
    let clone = stage.api.seen_from(&place);
    clone.git(["config", "user.name", "Server"]);
    clone.git(["config", "user.email", "server@example.org"]);
    clone
}

#[test]
fn a_waiting_record_goes_with_a_push() {
    let stage = Stage::new(&[("coder", WORKER)]);
    stage.api.with_origin();
    stage.api.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage.api.git(["merge", "-q", "--squash", "task/go-ahead"]);
    stage.api.git(["commit", "-q", "-m", "Go ahead (#1)"]);
    stage.api.git(["push", "-q", "origin", "main"]);
    stage.do_(["close"]).ok().says("the record waits");
    stage.do_(["close", "--push", id(&run)]).ok().says("'main' of api was pushed to origin");
    assert_eq!(stage.api.rev("main"), stage.api.rev("origin/main"));
    holds(&stage.api.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/runs"]), &[id(&run)]);
    stage.do_(["publish"]).ok().says("Nothing waits");
}

#[test]
fn a_reader_of_history_sees_what_was_decided_by_whom_and_why_it_was_allowed() {
    let stage = Stage::with(&[("coder", WORKER)], "process", &json!({}));
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    std::fs::write(crate::stage::tree(&run, 0, "api").join("note.txt"), "a note\n").expect("a file");
    stage.do_(["close", "--waive", "clean-tree=only a note"]).ok();
    let message = stage.api.git(["log", "-1", "--format=%B"]);
    holds(
        &message,
        &[
            "Close ",
            "1 merge into 'main'",
            "Closed by Ada Tester",
            "Waived: clean-tree (only a note).",
            "Metawsm-Closed: ",
        ],
    );
    let change = stage.api.git(["log", "-1", "-p", "--format="]);
    holds(&change, &["policy_hash", "journal_hash", "[[receipt.gates]]", "merges = [", "only a note"]);
    let root = stage.world.root().display().to_string();
    assert!(!change.contains(&root) && !change.contains("/home/"), "{change}");
}

#[test]
fn the_record_of_a_large_run_stays_small() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let mut names = vec!["api".to_owned()];
    for number in 0..11 {
        let name = format!("service-{number}");
        stage.repo_on(&name, "main");
        names.push(name);
    }
    let run = stage.run(&["--repos", &names.join(","), "--ticket", "T-1,T-2,T-3", "Go ahead everywhere"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    let path = stage.api.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/runs"]);
    let record = stage.api.git(["show", &format!("main:{path}")]);
    eprintln!("{} bytes for 12 repositories and 36 worktrees", record.len());
    assert!(record.len() <= 12 << 10, "{} bytes", record.len());
}

#[test]
fn the_threads_of_a_run_go_into_history_with_its_record() {
    let stage = Stage::with(&[("coder", WORKER)], "process", &json!({}));
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let words =
        ["forum", "ask", "--run-id", id(&run), "--title", "Which port?", "--body", "Taken.", "--json"];
    let asked = stage.do_(words).ok().json();
    let thread = asked["thread"]["id"].as_str().expect("an id");
    stage.do_(["forum", "answer", thread, "--body", "Use 8081."]).ok();
    stage.do_(["forum", "ask", "--project", "--body", "Of no run."]).ok();
    stage.do_(["close"]).ok();
    let names = stage.api.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/forum"]);
    let names: Vec<_> = names.lines().collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        let (month, rest) =
            name.strip_prefix(".metawsm/forum/").and_then(|n| n.split_once('/')).expect("a path");
        assert!(rest.starts_with(thread), "{name}");
        let live = stage.api.common_dir().join("metawsm/forum").join(month).join(rest);
        let published = stage.api.git(["show", &format!("main:{name}")]);
        assert_eq!(std::fs::read_to_string(live).expect("live").trim_end(), published.trim_end());
    }
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
    stage.do_(["forum", "thread", thread]).ok().says("Use 8081.");
}
