//! What the flags that every command takes do.

use super::stage::{Stage, WORKS, plain};
use crate::kit::BINARY;
use std::os::unix::ffi::OsStringExt;

#[test]
fn quiet_leaves_the_answer_and_colour_comes_when_it_is_asked_for() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let output = stage.run(&["-q", "stop", "one"]).ok();
    assert_eq!((output.stderr.as_str(), output.stdout.lines().count()), ("", 1));
    let output = stage.run(&["--color", "always", "list"]).ok();
    assert!(output.stdout.starts_with("\u{1b}[1mone\u{1b}[0m"), "{output}");
    let plain_again = stage.run(&["--color", "always", "list", "--json"]).ok();
    plain(&plain_again);
}

#[test]
fn the_first_programs_database_is_taken_and_explained() {
    let stage = Stage::with(WORKS);
    let output = stage.run(&["--db", "metawsm.db", "list"]).ok();
    let output = output.says("No open runs;");
    output.tells("note: --db is not needed: records lie in the git directory, and 'git metawsm import' takes over old ones");
    assert!(!stage.repo.file("metawsm.db").exists());
}

#[test]
fn words_that_are_no_text_are_refused() {
    let stage = Stage::with(WORKS);
    let odd = std::ffi::OsString::from_vec(vec![b'x', 0xff]);
    let mut command = stage.world.command(BINARY);
    let output = command.arg("status").arg(&odd).current_dir(stage.repo.path()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).expect("what is told is text");
    assert!(told.starts_with("error: Invalid UTF-8 was detected"), "{told}");
}
