//! `stop`: sessions end, everything is kept.

use super::stage::{Stage, WAITS, WORKS};

#[test]
fn a_running_run_is_stopped_and_kept() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    // What a look at the run starts must not be in the way of the stop.
    stage.run(&["status"]).ok();
    insta::assert_snapshot!(stage.said(&["stop"]), @"
    one stopped (stopped by a person)
    -- story
    next:
      git metawsm resume one
      git metawsm status one
      git metawsm discard one
    ");
    assert!(stage.tree("one").is_dir());
    let agent = stage.json(&["status", "one"])["runs"][0]["agents"][0].clone();
    assert_eq!(agent["health"], "ended", "{agent}");
    assert!(stage.said(&["status", "one"]).contains("ended    stopped AGE ago"));
    insta::assert_snapshot!(stage.said(&["stop", "one"]), @"
    one stopped (stopped by a person)
    -- story
    next:
      git metawsm resume one
      git metawsm status one
      git metawsm discard one
    ");
}

#[test]
fn programs_get_the_run_and_what_comes_next() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    let answer = stage.json(&["stop", "do-the-work"]);
    assert_eq!((&answer["run"], &answer["state"]), (&"one".into(), &"stopped".into()));
    assert_eq!(answer["next"][0], "git metawsm resume one");
}

#[test]
fn a_completed_run_stays_completed() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    assert!(stage.said(&["stop"]).starts_with("one completed "));
}

#[test]
fn a_run_that_somebody_else_holds_is_waited_for_and_then_named() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    let lock = stage.repo.common_dir().join("metawsm/locks/one.lock");
    let held = git_metawsm::sys::lock::try_take(&lock, "a test", "").expect("a lock");
    let refusal = stage.refuses(&["--wait", "0", "stop", "one"]);
    assert!(held.is_some(), "nobody else held it");
    drop(held);
    insta::assert_snapshot!(refusal, @"
    4 busy
    error: Run one is in use by 'a test' (process PID) since AGE; gave up after 0 seconds.
    next:
      git metawsm --wait 60 stop one
    ");
}
