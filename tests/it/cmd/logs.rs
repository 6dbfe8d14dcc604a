//! `logs`: an agent's output.

use super::stage::{Stage, WAITS, WORKS};
use std::time::Duration;

#[test]
fn the_output_of_an_agent_is_shown_line_by_line() {
    let stage = Stage::with("printf 'one\\ntwo\\nthree'");
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    insta::assert_snapshot!(stage.said(&["logs"]), @"
    one
    two
    three
    ");
    assert_eq!(stage.said(&["logs", "one", "-n", "1"]), "three\n");
    assert_eq!(stage.said(&["logs", "do-the-work:agent", "--follow"]), "one\ntwo\nthree");
    let lines = stage.run(&["logs", "--json", "--run-id", "one"]).ok().json_lines();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["schema"], &lines[0]["line"]), (&1.into(), &"one".into()));
    insta::assert_snapshot!(stage.refuses(&["logs", "one:nobody"]), @"
    2 usage
    error: one has no agent 'nobody'; it has do-the-work.agent.
    next:
      git metawsm logs one:do-the-work.agent
    ");
}

#[test]
fn following_goes_on_until_the_agent_has_ended() {
    let stage = Stage::with("echo begun\nwhile [ ! -e go ]; do sleep 0.05; done\nrm go\necho ended");
    stage.start("one", "Do the work");
    let follower = stage.run(&["logs", "-f", "one"]).limit(Duration::from_secs(60)).start();
    std::fs::write(stage.tree("one").join("go"), "").expect("a file");
    let output = follower.end().ok();
    assert_eq!(output.stdout, "begun\nended\n");
}

#[test]
fn several_agents_are_listed() {
    let stage = Stage::with(WAITS);
    stage.run(&["run", "Do both", "--ticket", "T-1,T-2", "--run-id", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["logs"]), @"
    2 usage
    error: one has several agents, so name one: one:T-1.agent, one:T-2.agent.
    next:
      git metawsm logs one:T-1.agent
      git metawsm logs one:T-2.agent
    ");
    assert!(stage.run(&["logs", "t-1"]).ok().stderr.is_empty());
}

#[test]
fn the_output_stays_readable_after_the_close() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    assert_eq!(stage.said(&["logs", "one"]), "all is done\n");
}
