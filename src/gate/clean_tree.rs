//! `clean-tree`: no worktree of the run holds anything that is not committed.

use super::{Blocker, Facts};
use std::collections::BTreeSet;

/// At most this many paths stand in one blocker.
const SHOWN: usize = 5;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let run = &facts.run;
    let mut blockers = Vec::new();
    for tree in &facts.worktrees {
        let place = format!("{} ({})", tree.repo, tree.path);
        if let Some(why) = &tree.missing {
            let what = format!("The worktree cannot be looked at: {why}.");
            blockers.push(Blocker { what, place, command: format!("git metawsm resume {run}") });
            continue;
        }
        if let Some(operation) = &tree.operation {
            let what = format!("{operation} is half done.");
            blockers.push(Blocker {
                what,
                place: place.clone(),
                command: format!("git -C {} status", tree.path),
            });
        }
        if !tree.dirty.is_empty() {
            let count = tree.dirty.len();
            let mut names = tree.dirty.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            if count > SHOWN {
                names = format!("{names} and {} more", count - SHOWN);
            }
            let files = if count == 1 { "1 file is".to_owned() } else { format!("{count} files are") };
            let what = format!("{files} not committed: {names}.");
            blockers.push(Blocker { what, place, command: format!("git metawsm commit {run}") });
        }
    }
    blockers
}

pub(super) fn judged_by(facts: &Facts) -> String {
    let judges: BTreeSet<_> =
        facts.worktrees.iter().map(|t| t.judge.as_str()).filter(|j| !j.is_empty()).collect();
    judges.into_iter().collect::<Vec<_>>().join("+")
}
