//! What hooks decided about the work of open runs, in `hooks.log` of the control repository: one JSON object a line.
//!
//! Hooks run inside somebody's git command and take no lock, so they write nothing but this file, each line in one
//! write. The next command that holds the run reads it; a line that a kill cut off counts for nothing.

use super::StoreResult;
use super::live::dir_of;
use crate::model::RunId;
use crate::sys::files;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a hook decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookVerdict {
    /// The run's gates held.
    Passed,
    /// They did not, and the operation was refused.
    Refused,
    /// They did not, and somebody let it pass with a reason.
    Bypassed,
}

/// One decision about the work of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookLine {
    /// When.
    pub at: Timestamp,
    /// The run.
    pub run: RunId,
    /// The common directory of the repository.
    pub repo: PathBuf,
    /// The branch that was to move, without `refs/heads/`.
    pub base: String,
    /// The hook.
    pub hook: String,
    /// The decision.
    pub verdict: HookVerdict,
    /// The commits of the run that would come in, full ids.
    pub work: Vec<String>,
    /// The reason of a bypass, or the gates that refused.
    #[serde(default)]
    pub reason: String,
    /// Who did it, `Name <mail>`.
    #[serde(default)]
    pub actor: String,
}

fn log(common_dir: &Path) -> PathBuf {
    dir_of(common_dir).join("hooks.log")
}

/// Adds a line to the log of a control repository.
pub fn add_hook_line(common_dir: &Path, line: &HookLine) -> StoreResult<()> {
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    // A line that was cut off must not take this one with it.
    let is_torn = files::find_text(&log(common_dir))
        .ok()
        .flatten()
        .is_some_and(|t| !t.is_empty() && !t.ends_with('\n'));
    if is_torn {
        text.insert(0, '\n');
    }
    Ok(files::append_durable(&log(common_dir), text.as_bytes())?)
}

/// How long the log is, in bytes: who has read it to there knows it all.
pub fn hook_log_size(common_dir: &Path) -> u64 {
    log(common_dir).metadata().map_or(0, |meta| meta.len())
}

/// What hooks decided about a run, oldest first.
pub fn hook_lines(common_dir: &Path, run: &RunId) -> StoreResult<Vec<HookLine>> {
    let text = files::find_text(&log(common_dir))?.unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<HookLine>(line).ok());
    Ok(lines.filter(|line| line.run == *run).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, run_id};
    use super::*;
    use crate::sys::clock;

    #[test]
    fn decisions_are_read_back_by_run_and_a_torn_line_costs_only_itself() {
        let place = Place::new();
        let common = place.common();
        let line = |run: &str, verdict| HookLine {
            at: clock::now(),
            run: run_id(run),
            repo: common.clone(),
            base: "main".to_owned(),
            hook: "pre-merge-commit".to_owned(),
            verdict,
            work: vec!["a".repeat(40)],
            reason: "because\nof \"this\"".to_owned(),
            actor: "Ada <ada@example.org>".to_owned(),
        };
        assert_eq!(hook_lines(&common, &run_id("r1")).expect("none"), []);
        let (one, two) = (line("r1", HookVerdict::Refused), line("r1", HookVerdict::Bypassed));
        add_hook_line(&common, &one).expect("added");
        add_hook_line(&common, &line("r2", HookVerdict::Passed)).expect("added");
        files::append_durable(&log(&common), b"{\"at\":").expect("torn");
        add_hook_line(&common, &two).expect("added");
        assert_eq!(hook_lines(&common, &run_id("r1")).expect("read"), [one, two]);
    }
}
