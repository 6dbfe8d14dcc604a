//! `check --range` and the hook of a server: what may come into main is told from history alone.

use crate::cmd::stage::{Stage, WORKS, answer};
use crate::kit::{BINARY, Output, Repo};
use serde_json::Value;
use std::path::PathBuf;

/// A stage whose agent's commits carry the trailer of its run.
fn stage() -> Stage {
    Stage::with(&WORKS.replace("Do the work'", "Do the work' -m \"Metawsm-Run: $METAWSM_RUN\""))
}

/// The judgement of a range in a repository, with its exit code.
fn judged(stage: &Stage, repo: &Repo, range: &str) -> (i32, Value) {
    let output = stage.world.run(["--json", "check", "--range", range]).at(repo).output();
    (output.status.expect("it ends by itself"), answer(&output))
}

fn verdict(stage: &Stage, repo: &Repo, range: &str) -> String {
    let (code, value) = judged(stage, repo, range);
    let verdict = value["verdict"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    assert_eq!(code, if verdict == "passes" { 0 } else { 3 }, "{value}");
    verdict
}

/// git in the main worktree past every hook.
fn past_hooks(repo: &Repo, words: &[&str]) -> Output {
    repo.try_git([&["-c", "core.hooksPath=/dev/null"], words].concat()).ok()
}

fn plain_clone(stage: &Stage, name: &str, more: &[&str]) -> Repo {
    let path = stage.world.root().join("repos").join(name);
    let url = format!("file://{}", stage.repo.path().display());
    let words = [&["clone", "-q"], more, &[&url, path.to_str().expect("text")]].concat();
    stage.repo.git(words);
    stage.repo.seen_from(path)
}

#[test]
fn what_close_brought_in_passes_also_in_a_clone_that_knows_no_run() {
    let stage = stage();
    let before = stage.repo.git(["rev-parse", "HEAD"]);
    stage.finish("one", "Do the work");
    stage.run(&["close", "one"]).ok();
    let range = format!("{before}..main");
    insta::assert_snapshot!(stage.said(&["check", "--range", &range]), @"OID..OID: 3 commits, of 1 run: passes");
    let clone = plain_clone(&stage, "clone", &[]);
    let (code, value) = judged(&stage, &clone, &format!("{before}..HEAD"));
    assert_eq!((code, &value["verdict"], &value["runs"]), (0, &"passes".into(), &serde_json::json!(["one"])));
    assert!(!clone.common_dir().join("metawsm").exists(), "looking leaves nothing");
    // A range that begins with nothing is all of history.
    assert_eq!(verdict(&stage, &clone, &format!("{}..HEAD", "0".repeat(40))), "passes");
    assert_eq!(verdict(&stage, &clone, "HEAD..HEAD"), "passes");
}

#[test]
fn work_that_came_in_by_hand_is_refused_and_named() {
    let stage = stage();
    let before = stage.repo.git(["rev-parse", "HEAD"]);
    stage.finish("one", "Do the work");
    let range = format!("{before}..HEAD");
    for words in [
        &["merge", "-q", "--no-ff", "-m", "By hand", "task/do-the-work"][..],
        &["merge", "-q", "--ff-only", "task/do-the-work"],
        &["cherry-pick", "task/do-the-work"],
    ] {
        past_hooks(&stage.repo, words);
        assert_eq!(verdict(&stage, &stage.repo, &range), "refused", "{words:?}");
        past_hooks(&stage.repo, &["reset", "-q", "--hard", &before]);
    }
    past_hooks(&stage.repo, &["merge", "-q", "--ff-only", "task/do-the-work"]);
    let output = stage.run(&["check", "--range", &range]).code(3);
    insta::assert_snapshot!(stage.told(&output), @"
      BLOCK    OID  Do the work
               It belongs to the run one and lies below no merge of that run, and no published record covers it.
                 git metawsm check one
    OID..OID: 1 commit, of 1 run: refused
    ");
}

#[test]
fn a_squash_passes_with_both_trailers_and_a_copied_message_does_not() {
    let stage = stage();
    let before = stage.repo.git(["rev-parse", "HEAD"]);
    stage.finish("one", "Do the work");
    let range = format!("{before}..HEAD");
    let both = "All at once\n\nMetawsm-Run: one\nMetawsm-Merged: one";
    let copied = "All at once\n\n* Do the work\n\n    Metawsm-Run: one\n\nMerged on the server";
    for (message, expected) in [(both, "passes"), (copied, "refused")] {
        past_hooks(&stage.repo, &["merge", "-q", "--squash", "task/do-the-work"]);
        past_hooks(&stage.repo, &["commit", "-q", "-m", message]);
        assert_eq!(verdict(&stage, &stage.repo, &range), expected, "{message}");
        past_hooks(&stage.repo, &["reset", "-q", "--hard", &before]);
    }
}

#[test]
fn a_published_record_covers_what_it_names() {
    let stage = stage();
    let before = stage.repo.git(["rev-parse", "HEAD"]);
    stage.finish("one", "Do the work");
    let head = stage.repo.rev("task/do-the-work").expect("the branch");
    stage.run(&["close", "one"]).ok();
    // As if a server had made another history of the same commits, and the record came with it.
    past_hooks(&stage.repo, &["branch", "published"]);
    past_hooks(&stage.repo, &["reset", "-q", "--hard", &head]);
    assert_eq!(verdict(&stage, &stage.repo, &format!("{before}..HEAD")), "refused");
    past_hooks(&stage.repo, &["checkout", "-q", "published", "--", ".metawsm"]);
    past_hooks(&stage.repo, &["commit", "-q", "-m", "The record"]);
    assert_eq!(verdict(&stage, &stage.repo, &format!("{before}..HEAD")), "passes");
    // A record that a newer version wrote tells nothing.
    let record = stage.repo.git(["ls-files", ".metawsm/runs"]);
    let newer =
        stage.repo.read(&record).replacen("format = ", "format = 9", 1).replacen("id = ", "id = 7 #", 1);
    stage.repo.write(&record, &newer);
    past_hooks(&stage.repo, &["commit", "-q", "-a", "--amend", "-m", "A newer record"]);
    let (code, value) = judged(&stage, &stage.repo, &format!("{before}..HEAD"));
    assert_eq!((code, &value["verdict"]), (3, &"unknown".into()), "{value}");
}

#[test]
fn records_are_only_added_and_a_run_changes_no_rules() {
    let stage = stage();
    stage.finish("one", "Do the work");
    stage.run(&["close", "one"]).ok();
    let before = stage.repo.git(["rev-parse", "HEAD"]);
    let record = stage.repo.git(["ls-files", ".metawsm/runs"]);
    past_hooks(&stage.repo, &["rm", "-q", &record]);
    past_hooks(&stage.repo, &["commit", "-q", "-m", "Forget it"]);
    let (_, value) = judged(&stage, &stage.repo, &format!("{before}..HEAD"));
    assert!(value["refused"][0]["why"].as_str().is_some_and(|why| why.contains("is removed")), "{value}");
    past_hooks(&stage.repo, &["reset", "-q", "--hard", &before]);
    // A run's own branch loosens the policy and brings what base's policy forbids.
    stage.repo.git(["switch", "-q", "-c", "side"]);
    stage
        .repo
        .write(".metawsm/policy.json", "{\"version\": 2, \"git_pr\": {\"forbidden_file_patterns\": []}}\n");
    stage.repo.write("secret.pem", "x\n");
    stage.repo.git(["add", "-f", "."]);
    past_hooks(&stage.repo, &["commit", "-q", "-m", "Work\n\nMetawsm-Run: two"]);
    stage.repo.git(["switch", "-q", "main"]);
    past_hooks(&stage.repo, &["merge", "-q", "--no-ff", "-m", "In\n\nMetawsm-Merged: two", "side"]);
    let (_, value) = judged(&stage, &stage.repo, &format!("{before}..HEAD"));
    let whys = value["refused"].to_string();
    for part in [".metawsm/policy.json, and a run changes nothing", "secret.pem, which the policy forbids"] {
        assert!(whys.contains(part), "{part:?} is missing: {value}");
    }
}

#[test]
fn where_history_is_missing_nobody_can_say() {
    let stage = stage();
    let before = stage.repo.git(["rev-parse", "HEAD"]);
    stage.finish("one", "Do the work");
    stage.run(&["close", "one"]).ok();
    let clone = plain_clone(&stage, "shallow", &["--depth=1"]);
    let output = stage.world.run(["check", "--range", &format!("{before}..HEAD")]).at(&clone).code(3);
    insta::assert_snapshot!(stage.told(&output), @"
      unknown  'OID' lies before the beginning of this shallow clone.
                 git fetch --unshallow
    ..OID: 0 commits, of no run: unknown
    ");
    assert_eq!(verdict(&stage, &clone, &format!("{}..HEAD", "0".repeat(40))), "unknown");
    for (words, code) in [("main", 2), ("..main", 2), ("a...b", 2), ("none..main", 1), ("main..none", 1)] {
        let refusal = stage.refuses(&["check", "--range", words]);
        assert!(refusal.starts_with(&code.to_string()), "{words}: {refusal}");
    }
    stage.run(&["check", "one", "--range", "HEAD..HEAD"]).code(2);
}

/// A bare repository whose hook judges what is pushed into its main branch.
fn server(stage: &Stage) -> PathBuf {
    let bare = stage.repo.with_origin();
    stage.repo.git(["branch", "-q", "-u", "origin/main", "main"]);
    stage.world.run(["hooks", "install", "--server"]).at(&bare).ok();
    bare
}

#[test]
fn a_server_lets_finished_work_in_and_nothing_else_into_its_main_branch() {
    let stage = stage();
    let bare = server(&stage);
    let before = stage.repo.git(["rev-parse", "HEAD"]);
    stage.finish("one", "Do the work");
    past_hooks(&stage.repo, &["merge", "-q", "--no-ff", "-m", "By hand", "task/do-the-work"]);
    let push = |words: &[&str]| {
        stage.repo.try_git([&["-c", "core.hooksPath=/dev/null", "push", "-q"], words].concat())
    };
    let refused = push(&["origin", "main"]).code(1);
    for part in ["what no run has let in", "It belongs to the run one", "git metawsm close one --push"] {
        assert!(refused.stderr.contains(part), "{part:?} is missing: {refused}");
    }
    let main = || stage.repo.seen_from(&bare).rev("main");
    assert_eq!(main().as_deref(), Some(before.as_str()));
    // Every other branch, tags and the end of a branch are nobody's business.
    push(&["origin", "main:elsewhere"]).ok();
    push(&["origin", "task/do-the-work"]).ok();
    push(&["origin", "HEAD:refs/tags/v1"]).ok();
    push(&["origin", ":elsewhere"]).ok();
    // What a push brings is judged where it lies before git has taken it in, too.
    let hook = bare.join("hooks/pre-receive");
    let script = format!("#!/bin/sh\nread -r old new ref\n'{BINARY}' check --range \"$old..$new\"\n");
    std::fs::copy(stage.world.script("pre-receive", &script), &hook).expect("the hook");
    past_hooks(&stage.repo, &["commit", "-q", "--amend", "--no-edit", "--date=2026-01-01T00:00:00Z"]);
    push(&["origin", "main"])
        .code(1)
        .tells("lies below no merge of that run")
        .lacks("what no run has let in");
    past_hooks(&stage.repo, &["reset", "-q", "--hard", &before]);
    stage.run(&["close", "one"]).ok();
    push(&["origin", "main"]).ok();
}
