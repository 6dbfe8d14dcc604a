//! `tell`: a line to a live agent.

use super::stage::{Stage, WAITS, WORKS};
use crate::kit::{require, wait_until};
use std::time::Duration;

#[test]
fn a_line_reaches_an_agent_in_tmux() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with("while read -r line; do printf '%s\\n' \"$line\" >> heard.txt; done");
    stage.repo.git(["config", "metawsm.sessions.backend", "tmux"]);
    stage.start("one", "Do the work");
    insta::assert_snapshot!(stage.said(&["tell", "one", "go on; $(touch bad) #{pane_id} C-c"]), @"told do-the-work.agent");
    let heard = stage.tree("one").join("heard.txt");
    let text = || std::fs::read_to_string(&heard).unwrap_or_default();
    wait_until("the agent has heard", Duration::from_secs(30), || text().ends_with("C-c\n"));
    assert_eq!(text(), "go on; $(touch bad) #{pane_id} C-c\n");
    assert_eq!(stage.json(&["tell", "do-the-work:agent", "more"])["told"], "do-the-work.agent");
    assert!(stage.said(&["log", "one"]).contains("do-the-work.agent: more"));
}

#[test]
fn an_agent_that_cannot_hear_is_said_to_be_deaf() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    insta::assert_snapshot!(stage.refuses(&["tell", "one", "hello"]), @"
    1 failed
    error: The agent do-the-work.agent runs without a terminal; its output can be read.
    next:
      git metawsm logs one:do-the-work.agent
    ");
    stage.run(&["stop"]).ok();
    insta::assert_snapshot!(stage.refuses(&["tell", "one", "hello"]), @"
    1 failed
    error: do-the-work.agent is not running, so nobody would read it.
    next:
      git metawsm iterate one --feedback '<the words>'
    ");
    insta::assert_snapshot!(stage.refuses(&["tell", "one"]), @"
    2 usage
    error: The following required arguments were not provided: <TEXT>.
      Usage: git metawsm tell <RUN[:AGENT]> <TEXT>
    next:
      git metawsm tell -h
    ");
}

#[test]
fn nobody_hears_in_a_run_that_is_over() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.refuses(&["tell", "one", "hello"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
