//! `list`: runs, newest first.

use super::stage::{Stage, WORKS};
use std::fs;

#[test]
fn open_runs_are_listed_and_all_of_them_when_asked() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["list"]), @"No open runs; 'git metawsm list --all' shows those that are over, too.");
    insta::assert_snapshot!(stage.said(&["list", "--all"]), @"No runs.");
    insta::assert_snapshot!(stage.said(&["list", "--all", "--ticket", "t-9"]), @"No such runs.");
    stage.finish("a-1", "First work");
    stage.run(&["close", "a-1"]).ok();
    stage.finish("a-2", "Second work");
    stage.run(&["run", "Third work", "--run-id", "a-3", "--ticket", "T-1,T-2"]).ok();
    stage.wait("a-3", "completed");
    insta::assert_snapshot!(stage.said(&["list"]), @"
    a-3  completed          T-1,T-2  Third work
    a-2  completed          second-work  Second work
    ");
    insta::assert_snapshot!(stage.said(&["list", "--all"]), @"
    a-3  completed          T-1,T-2  Third work
    a-2  completed          second-work  Second work
    a-1  closed             first-work  First work
    ");
    insta::assert_snapshot!(stage.said(&["list", "--ticket", "t-2"]), @"a-3  completed          T-1,T-2  Third work");
    insta::assert_snapshot!(stage.said(&["list", "--state", "closed"]), @"a-1  closed             first-work  First work");
    insta::assert_snapshot!(stage.refuses(&["list", "--state", "over"]), @"
    2 usage
    error: Invalid value 'over' for '--state <STATE>': the states are created, planning, running, awaiting_guidance, paused, failed, stopping, stopped, completed, closing, closed, discarded.
    next:
      git metawsm list -h
    ");
    let answer = stage.json(&["list", "-a"]);
    let ids: Vec<_> = answer["runs"].as_array().expect("a list").iter().map(|r| r["run"].as_str()).collect();
    assert_eq!(ids, [Some("a-3"), Some("a-2"), Some("a-1")]);
    let newest = &answer["runs"][0];
    assert_eq!((&newest["state"], &newest["title"]), (&"completed".into(), &"Third work".into()));
    assert_eq!(newest["tickets"][1]["ticket"], "T-2");
    assert_eq!(answer["broken"], serde_json::json!([]));
}

#[test]
fn a_record_that_cannot_be_read_is_named_beside_the_others() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "First work");
    stage.finish("two", "Second work");
    let record = stage.repo.common_dir().join("metawsm/runs/two/run.toml");
    fs::write(&record, "format = 1\nkind = \u{1b}[31m\n").expect("the record");
    let output = stage.run(&["list"]).ok();
    super::stage::plain(&output);
    assert!(output.stdout.starts_with("one ") && output.stderr.starts_with("unreadable: "), "{output}");
    assert_eq!(stage.json(&["list"])["broken"].as_array().map(Vec::len), Some(1));
}
