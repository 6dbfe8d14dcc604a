//! `commit`: what agents left, committed on the run's branches.

use super::stage::{LEAVES, Stage, WORKS};

#[test]
fn what_an_agent_left_is_committed_and_completes_the_run() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    insta::assert_snapshot!(stage.said(&["commit"]), @"
      do-the-work/api  OID
    one completed
    ");
    let message = stage.repo.git(["log", "-1", "--format=%B", "task/do-the-work"]);
    insta::assert_snapshot!(message, @"
    do-the-work: Do the work

    Metawsm-Run: one
    ");
    insta::assert_snapshot!(stage.said(&["commit", "one"]), @"
      do-the-work/api  nothing to commit
    one completed
    ");
}

#[test]
fn the_message_can_be_given_and_programs_get_the_commit() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    let answer = stage.json(&["commit", "one", "-m", "Keep what was left"]);
    assert_eq!((&answer["run"], &answer["state"]), (&"one".into(), &"completed".into()));
    let commit = &answer["commits"][0];
    assert_eq!((&commit["ticket"], &commit["repo"]), (&"do-the-work".into(), &"api".into()));
    assert_eq!(commit["commit"].as_str(), stage.repo.rev("task/do-the-work").as_deref());
    assert_eq!(stage.repo.git(["log", "-1", "--format=%s", "task/do-the-work"]), "Keep what was left");
    assert_eq!(stage.json(&["commit", "one"])["commits"][0]["commit"], serde_json::Value::Null);
}

#[test]
fn a_forbidden_file_stops_it_before_anything_is_committed() {
    let stage = Stage::with("echo KEY=1 > .env\necho left > left.txt");
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    insta::assert_snapshot!(stage.refuses(&["commit"]), @"
    3 refused
    error: $WORLD/home/workspaces/DATE/do-the-work/api holds files that policy never lets be committed: .env.
    next:
      echo .env >> $WORLD/home/workspaces/DATE/do-the-work/api/.gitignore
    ");
    assert_eq!(stage.repo.rev("task/do-the-work"), stage.repo.rev("main"));
}

#[test]
fn a_worktree_that_is_not_on_its_branch_is_left_alone() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    stage.repo.seen_from(stage.tree("one")).git(["switch", "-q", "-c", "elsewhere"]);
    insta::assert_snapshot!(stage.refuses(&["commit"]), @"
    1 failed
    error: $WORLD/home/workspaces/DATE/do-the-work/api is not on its run branch 'task/do-the-work'.
    next:
      git -C $WORLD/home/workspaces/DATE/do-the-work/api switch task/do-the-work
    ");
}

#[test]
fn a_run_that_is_over_takes_no_commit() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["discard", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["commit", "one"]), @"
    1 failed
    error: The run one is discarded, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
