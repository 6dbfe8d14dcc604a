//! `check`: every gate, judged, and nothing changed.

use super::stage::{LEAVES, Stage, WAITS, WORKS};

#[test]
fn a_run_that_may_close_passes() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&["check"]), @"
      ok     run-state
      ok     agents-quiet
      ok     clean-tree
      ok     on-branch
      ok     records-untouched
      ok     forbidden-files
      ok     checks
      ok     docs-synced
      ok     docs-fresh
      ok     brief
      ok     validation
      ok     guidance
      ok     forum-quiet
      ok     mergeable
      ok     base-ready
      ok     bypass
      ok     policy-drift
    one: passes
    ");
    let answer = stage.json(&["check", "one"]);
    assert_eq!((&answer["run"], &answer["passes"]), (&"one".into(), &true.into()));
    let gates = answer["gates"].as_array().expect("a list");
    assert!(gates.iter().all(|gate| gate["verdict"] == "pass" && gate["judge"].is_string()), "{answer}");
    before.assert_same(&stage.world.snapshot());
}

#[test]
fn every_blocker_is_named_at_once_with_its_command_and_exit_3() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    let before = stage.world.snapshot();
    let output = stage.run(&["check", "one"]).code(3);
    insta::assert_snapshot!(stage.told(&output), @"
      BLOCK  run-state
             The run is running, not completed.
               git metawsm complete one --reason '<why the work is done>'
      ok     agents-quiet
      BLOCK  clean-tree
             api ($WORLD/home/workspaces/DATE/do-the-work/api): 1 file is not committed: left.txt (untracked).
               git metawsm commit one
      ok     on-branch
      ok     records-untouched
      ok     forbidden-files
      ok     checks
      ok     docs-synced
      ok     docs-fresh
      ok     brief
      ok     validation
      ok     guidance
      ok     forum-quiet
      ok     mergeable
      ok     base-ready
      ok     bypass
      ok     policy-drift
    one: refused
    ");
    let answer = super::stage::answer(&stage.run(&["check", "one", "--json"]).code(3));
    assert_eq!(answer["passes"], false);
    for gate in answer["gates"].as_array().expect("a list") {
        for blocker in gate["blockers"].as_array().expect("a list") {
            assert!(blocker["command"].as_str().is_some_and(|c| c.starts_with("git ")), "{blocker}");
        }
    }
    before.assert_same(&stage.world.snapshot());
}

#[test]
fn an_agent_that_still_works_blocks() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    let output = stage.run(&["check"]).code(3);
    insta::assert_snapshot!(stage.told(&output), @"
      BLOCK  run-state
             The run is running, not completed.
               git metawsm complete one --reason '<why the work is done>'
      BLOCK  agents-quiet
             do-the-work.agent: The agent is still working.
               git metawsm stop one
      ok     clean-tree
      ok     on-branch
      ok     records-untouched
      ok     forbidden-files
      ok     checks
      ok     docs-synced
      ok     docs-fresh
      ok     brief
      ok     validation
      ok     guidance
      ok     forum-quiet
      ok     mergeable
      ok     base-ready
      ok     bypass
      ok     policy-drift
    one: refused
    ");
}

#[test]
fn a_run_that_is_over_is_not_judged() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.refuses(&["check", "one"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
