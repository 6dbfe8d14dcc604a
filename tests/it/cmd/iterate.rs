//! `iterate`: feedback, and the agents go on with it.

use super::stage::{Stage, WAITS, WORKS};

#[test]
fn a_completed_run_goes_on_with_feedback() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.said(&["iterate", "--dry-run", "--feedback", "Mind the colours"]), @"
    one would go on with the feedback:
      start do-the-work.agent in its conversation with it
    ");
    stage.agent(WAITS);
    insta::assert_snapshot!(stage.said(&["iterate", "--feedback", "Mind the colours"]), @"
    one goes on with feedback 1:
      start do-the-work.agent in its conversation with it
    -- story
      ok     start agent on do-the-work
    ");
    stage.wait_for_words("one", "waiting for you\n");
    let answer = stage.json(&["iterate", "one", "--feedback", "And the words"]);
    assert_eq!(
        (&answer["state"], &answer["feedback"], &answer["dry_run"]),
        (&"running".into(), &2.into(), &false.into())
    );
    let file =
        std::fs::read_to_string(stage.tree("one").join("../.metawsm/prompt-agent.md")).expect("a prompt");
    assert!(file.contains("## Feedback on your earlier work\nAnd the words"), "{file}");
    let brief = std::fs::read_to_string(stage.tree("one").join("../.metawsm/brief.md")).expect("a brief");
    assert!(brief.contains("## Feedback 1 on your earlier work\nMind the colours"), "{brief}");
    assert!(brief.contains("## Feedback 2 on your earlier work\nAnd the words"), "{brief}");
    stage.run(&["stop"]).ok();
}

#[test]
fn feedback_says_something_and_is_for_a_run_that_is_open() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.refuses(&["iterate", "--feedback", "\n"]), @"
    2 usage
    error: The feedback is empty.
    next:
      git metawsm iterate -h
    ");
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.refuses(&["iterate", "one", "--feedback", "More"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
