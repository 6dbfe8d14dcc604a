//! `resume`: go on with what is not done.

use super::stage::{Stage, WAITS, WORKS};

#[test]
fn a_stopped_run_goes_on() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    stage.run(&["stop"]).ok();
    stage.agent(WORKS);
    insta::assert_snapshot!(stage.said(&["resume"]), @"
    one running (3 of 3 steps hold)
    -- story
    hooks: api: installed reference-transaction
      ok     start agent on do-the-work
    ");
    stage.wait("one", "completed");
    insta::assert_snapshot!(stage.said(&["resume", "one"]), @"one completed (3 of 3 steps hold)");
}

#[test]
fn after_a_reboot_every_run_goes_on() {
    let stage = Stage::with(WAITS);
    assert_eq!(stage.said(&["resume", "--all"]), "No open run has anything to go on with.\n");
    stage.start("one", "First work");
    stage.start("two", "Second work");
    stage.run(&["stop", "one"]).ok();
    stage.run(&["stop", "two"]).ok();
    let answer = stage.json(&["resume", "--all"]);
    let mut runs: Vec<_> = answer["runs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| (r["run"].as_str(), r["state"].as_str()))
        .collect();
    runs.sort_unstable();
    assert_eq!(runs, [(Some("one"), Some("running")), (Some("two"), Some("running"))]);
    assert_eq!(answer["failed"], serde_json::json!([]));
}

#[test]
fn a_workspace_that_is_gone_is_made_again_before_an_agent_starts_in_it() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    stage.run(&["stop"]).ok();
    let tree = stage.tree("one");
    std::fs::remove_dir_all(tree.parent().expect("the workspace")).expect("it can be removed");
    stage.agent(WORKS);
    insta::assert_snapshot!(stage.said(&["resume"]), @"
    one running (3 of 3 steps hold)
    -- story
    hooks: api: installed reference-transaction
      ok     worktree of api for do-the-work
      ok     set up the workspace of do-the-work
      ok     start agent on do-the-work
    ");
    stage.wait("one", "completed");
    assert!(tree.join("work.txt").is_file());
}

#[test]
fn a_run_that_cannot_go_on_is_told_and_the_others_do() {
    let stage = Stage::with(WAITS);
    stage.start("one", "First work");
    stage.start("two", "Second work");
    stage.run(&["stop", "one"]).ok();
    stage.run(&["stop", "two"]).ok();
    let tree = stage.tree("one");
    std::fs::remove_dir_all(&tree).expect("it can be removed");
    std::fs::write(&tree, "mine\n").expect("a file in its place");
    let output = stage.run(&["resume", "--all"]).code(1);
    super::stage::plain(&output);
    assert!(output.stdout.contains("two running") && output.stderr.contains("one: "), "{output}");
    assert!(tree.is_file(), "what lies there is left alone");
}

#[test]
fn a_run_that_is_over_does_not_go_on() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["discard", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["resume", "one"]), @"
    1 failed
    error: The run one is discarded, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
