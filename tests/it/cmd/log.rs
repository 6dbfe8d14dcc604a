//! `log`: the journal of a run.

use super::stage::{Stage, WORKS};
use std::fs;

#[test]
fn what_happened_is_told_from_the_beginning() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["merge"]).ok();
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.said(&["log", "one"]), @"
    TIME  created            Do the work
    TIME  planning           planned
    TIME  running            started
    TIME  completed          every agent has ended with exit 0, and its work is committed (1 commit)
    TIME  merged             do-the-work: OID into 'main' of api as OID
    TIME  closing            gates passed
    TIME  closed             closed
    ");
    let answer = stage.json(&["log", "do-the-work"]);
    assert_eq!((&answer["run"], &answer["chain"]), (&"one".into(), &"whole".into()));
    let first = &answer["entries"][0];
    assert_eq!(
        (&first["seq"], &first["event"], &first["state"]),
        (&1.into(), &"created".into(), &"created".into())
    );
    assert!(first["actor"].as_str().is_some_and(|who| who.contains("ada@example.org")), "{first}");
}

#[test]
fn a_line_that_was_changed_shows() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let journal = stage.repo.common_dir().join("metawsm/runs/one/journal.jsonl");
    let text = fs::read_to_string(&journal).expect("the journal");
    fs::write(&journal, text.replacen("planned", "nothing", 1)).expect("the journal");
    let output = stage.run(&["log", "one"]).ok();
    insta::assert_snapshot!(stage.masked(&output.stderr), @"journal: line 3 does not follow from the line before it; one was changed or removed");
    assert_ne!(stage.json(&["log", "one"])["chain"], "whole");
}
