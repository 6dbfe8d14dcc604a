//! `complete`: a person says that the work is done.

use super::stage::{LEAVES, Stage, WORKS};

#[test]
fn a_reason_completes_a_run_and_stands_in_its_record() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    insta::assert_snapshot!(stage.refuses(&["complete"]), @"
    2 usage
    error: The following required arguments were not provided: --reason <TEXT>.
      Usage: git metawsm complete --reason <TEXT> [RUN]
    next:
      git metawsm complete -h
    ");
    insta::assert_snapshot!(stage.refuses(&["complete", "--reason", " "]), @"
    2 usage
    error: Say why the run is complete.
    next:
      git metawsm complete one --reason '<why the work is done>'
    ");
    insta::assert_snapshot!(stage.said(&["complete", "--reason", "the file is a note"]), @"
    one completed (the file is a note)
    -- story
    next:
      git metawsm diff one
      git metawsm check one
      git metawsm close one
    ");
    let answer = stage.json(&["complete", "one", "--reason", "again"]);
    assert_eq!((&answer["state"], &answer["reason"]), (&"completed".into(), &"the file is a note".into()));
    assert_eq!(answer["next"][0], "git metawsm diff one");
}

#[test]
fn a_run_that_is_over_cannot_be_completed() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["complete", "one", "--reason", "x"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
