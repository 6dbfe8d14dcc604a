//! `agent`: the wrapper that we start above every agent, typed by hand.

use super::stage::plain;
use crate::kit::World;

#[test]
fn typed_by_hand_it_says_what_it_takes() {
    let world = World::new();
    let output = world.run(["agent"]).code(1);
    plain(&output);
    output.tells("'agent' is for the program itself; its words are 'exec <launch file>' or 'child -- <program> [argument]...'");
    let output = world.run(["agent", "exec", "nowhere.json"]).code(1);
    plain(&output);
    output.tells("nowhere.json");
    let output = world.run(["agent", "child", "--", "no-such-program"]).code(127);
    plain(&output);
    output.tells("The program 'no-such-program' could not be started");
}

#[test]
fn a_launch_file_of_somebody_else_starts_nothing() {
    let world = World::new();
    for (name, text) in [("empty", ""), ("other", "{\"argv\":[\"touch\",\"made\"]}"), ("text", "\u{1b}[31m")]
    {
        let file = world.root().join(name);
        std::fs::write(&file, text).expect("a file");
        let output = world.run(["agent", "exec", name]).code(1);
        plain(&output);
        assert!(!world.root().join("made").exists(), "{name} was run");
    }
}
