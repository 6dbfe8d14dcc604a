//! `restart`: the agents of a run end and start again.

use super::stage::{Stage, WAITS, WORKS};

#[test]
fn a_live_agent_is_ended_and_started_again() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    stage.wait_for_words("one", "waiting for you\n");
    stage.agent(WORKS);
    insta::assert_snapshot!(stage.said(&["restart"]), @"
    one running (restarted)
    -- story
      ok     start agent on do-the-work
    next:
      git metawsm status one
      git metawsm logs -f one
      git metawsm diff one
    ");
    stage.wait("one", "completed");
    assert_eq!(stage.said(&["logs", "one"]), "waiting for you\nall is done\n");
}

#[test]
fn a_completed_run_goes_back_to_work() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.agent(WAITS);
    let answer = stage.json(&["restart", "one"]);
    assert_eq!(
        (&answer["run"], &answer["state"], &answer["reason"]),
        (&"one".into(), &"running".into(), &"restarted".into())
    );
    let agent = stage.json(&["status", "one"])["runs"][0]["agents"][0].clone();
    assert_eq!((&agent["health"], &agent["completed"]), (&"working".into(), &().into()));
}

#[test]
fn a_run_that_is_over_is_not_started_again() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.refuses(&["restart", "one"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
