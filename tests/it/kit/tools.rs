//! Outside programs, and how much of the tests to run.

use git_metawsm::sys::env::find_program;
use std::io::Write;
use std::path::PathBuf;

/// A program on PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    find_program(name)
}

/// The program, or `None` with a line that says the test is skipped. A tool that `METAWSM_TEST_REQUIRE` (names
/// with commas) lists must be there: the test fails without it.
#[track_caller]
pub fn require(name: &str) -> Option<PathBuf> {
    let required = std::env::var("METAWSM_TEST_REQUIRE").unwrap_or_default();
    match judge(find(name), &required, name) {
        Ok(found) => Some(found),
        Err((true, message)) => panic!("{message}"),
        Err((false, message)) => {
            // Past the capture of the test harness: a skipped test is always told.
            let _ = writeln!(std::io::stderr(), "{message}");
            None
        }
    }
}

/// What [`require`] does: the program, or whether the test must fail, and the message.
pub fn judge(found: Option<PathBuf>, required: &str, name: &str) -> Result<PathBuf, (bool, String)> {
    let must = required.split(',').any(|r| r.trim() == name);
    found.ok_or_else(|| {
        let needed = format!("{name} is not installed, and METAWSM_TEST_REQUIRE names it");
        let skipped = format!("skipped: {name} is not installed");
        (must, if must { needed } else { skipped })
    })
}

/// Whether the long tests are asked for (`tests/run --all`).
pub fn all() -> bool {
    std::env::var_os("METAWSM_TEST_ALL").is_some_and(|v| v == "1")
}

/// The seed of randomized tests (`METAWSM_TEST_SEED`, printed by `tests/run`), else a fixed one.
pub fn seed() -> u64 {
    std::env::var("METAWSM_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_260_102)
}
