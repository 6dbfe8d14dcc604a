//! `tui`: where it cannot be shown. What it shows is told by `tests/it/tui`.

use super::stage::{Stage, WORKS};
use crate::kit::World;

#[test]
fn without_a_terminal_it_says_what_shows_the_same() {
    let stage = Stage::with(WORKS);
    let output = stage.run(&["tui"]).code(1);
    insta::assert_snapshot!(stage.told(&output), @"
    -- story
    error: The screen needs a terminal: standard input and output have to be one.
    next:
      git metawsm status --watch
      git metawsm status
    ");
    let answer = stage.run(&["tui", "--json"]).code(2).json();
    assert_eq!(answer["error"]["kind"], "usage", "{answer}");
}

#[test]
fn a_run_that_is_named_is_looked_for_before_anything_is_shown() {
    let stage = Stage::with(WORKS);
    stage.run(&["tui", "nobody"]).code(1).tells("Neither a run nor a ticket with a run is called 'nobody'.");
    stage.finish("one", "Do the work");
    stage.run(&["tui", "one"]).code(1).tells("The screen needs a terminal");
    World::new().run(["tui"]).code(1).tells("is not inside a git repository.");
}
