//! The interop table: every format that docmgr, wsm or the first metawsm and we share, and every command of theirs that
//! meets it, with the tests that prove it in both directions. It is data: a test that it names exists, and the README
//! shows exactly this table.
//!
//! The tests named first in a cell need the real program and say "skipped" where it is not installed; those after `;` run
//! everywhere, with a stand-in that behaves as the program is documented, or without any.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One direction of a row.
enum Cell {
    /// Tests that run against the real program, and tests that run everywhere.
    Proven(&'static [&'static str], &'static [&'static str]),
    /// There is nothing to prove, for this reason.
    Nothing(&'static str),
}

use Cell::{Nothing, Proven};

/// A format or a command.
struct Row {
    what: &'static str,
    /// We write, and they read.
    ours: Cell,
    /// They write, and we read.
    theirs: Cell,
}

const DOCMGR: &str = "tickets_docmgr/interop.rs::";

const TABLE: &[Row] = &[
TABLE_ROWS
];

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")
}

/// A cell of the README: how many tests prove it, and how many of those need the real program.
fn shown(cell: &Cell) -> String {
    match cell {
        Nothing(why) => (*why).to_owned(),
        Proven(real, everywhere) => {
            let count = |tests: &[&str], what: &str| match tests.len() {
                0 => None,
                n => Some(format!("{n} {what}")),
            };
            let parts = [count(real, "real"), count(everywhere, "everywhere")];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    }
}

fn table() -> String {
    let mut text = String::from("| format or command | we write, they read | they write, we read |\n|---|---|---|\n");
    for row in TABLE {
        text.push_str(&format!("| {} | {} | {} |\n", row.what, shown(&row.ours), shown(&row.theirs)));
    }
    text
}

#[test]
fn every_test_that_the_table_names_exists() {
    let mut missing = Vec::new();
    for cell in TABLE.iter().flat_map(|row| [&row.ours, &row.theirs]) {
        let Proven(real, everywhere) = cell else { continue };
        assert!(!(real.is_empty() && everywhere.is_empty()), "a cell that proves nothing says why");
        for name in real.iter().chain(*everywhere) {
            let (file, test) = name.split_once("::").expect("a file and a test");
            let path = if file.starts_with("src/") { tests().join("../..").join(file) } else { tests().join(file) };
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            let function = test.rsplit("::").next().unwrap_or(test);
            if !source.contains(&format!("fn {function}(")) && !source.contains(&format!("{function} ")) {
                missing.push(*name);
            }
        }
    }
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn a_row_stands_once_and_proves_something_in_one_direction_at_least() {
    let mut seen = BTreeSet::new();
    for row in TABLE {
        assert!(seen.insert(row.what), "{} stands twice", row.what);
        assert!(
            matches!(row.ours, Proven(..)) || matches!(row.theirs, Proven(..)),
            "{} is not tried in any direction",
            row.what
        );
    }
    assert!(!DOCMGR.is_empty());
}

#[test]
fn the_readme_shows_this_table() {
    let readme = std::fs::read_to_string(tests().join("../../README.md")).expect("the README");
    assert!(readme.contains(&table()), "README.md shall hold exactly this table:\n{}", table());
}
