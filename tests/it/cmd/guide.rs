//! `guide`: the answer to what an agent has asked.

use super::stage::{Stage, WAITS, WORKS};

const ASKS: &str = r#"printf '{"question": "Red or blue?"}' > "$METAWSM_WORKSPACE/.metawsm/guidance-request.json"
exec sleep 600"#;

#[test]
fn the_oldest_question_is_answered() {
    let stage = Stage::with(ASKS);
    stage.start("one", "Do the work");
    stage.wait("one", "awaiting_guidance");
    let answer = stage.json(&["guide", "--answer", "Blue"]);
    let said = |key: &str| answer[key].clone();
    assert_eq!((said("run"), said("state"), said("agent")), ("one".into(), "running".into(), "agent".into()));
    assert_eq!(
        (said("words"), said("delivered"), said("open")),
        ("Red or blue?".into(), "left".into(), 0.into())
    );
    insta::assert_snapshot!(stage.refuses(&["guide", "one", "--answer", "Red"]), @"
    1 failed
    error: one has no open question (it is running).
    next:
      git metawsm status one
    ");
    stage.run(&["stop"]).ok();
}

#[test]
fn an_answer_says_something() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    insta::assert_snapshot!(stage.refuses(&["guide", "one", "--answer", " "]), @"
    2 usage
    error: The answer is empty.
    next:
      git metawsm guide -h
    ");
    insta::assert_snapshot!(stage.refuses(&["guide", "--answer", "Red"]), @"
    1 failed
    error: one has no open question (it is running).
    next:
      git metawsm status one
    ");
    insta::assert_snapshot!(stage.refuses(&["guide", "one", "--question", "fthr-x", "--answer", "Red"]), @"
    1 failed
    error: one has no open question 'fthr-x'.
    next:
      git metawsm status one
    ");
    stage.run(&["stop"]).ok();
}

#[test]
fn nobody_asks_in_a_run_that_is_over() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.refuses(&["guide", "one", "--answer", "Red"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
