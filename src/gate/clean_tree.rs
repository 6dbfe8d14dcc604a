//! `clean-tree`: no worktree of the run holds anything that is not committed.

use super::{Blocker, DirtFact, Facts, WorktreeFact, named};
use std::collections::BTreeSet;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    facts.worktrees.iter().flat_map(|tree| of_tree(&facts.run, tree)).collect()
}

fn of_tree(run: &str, tree: &WorktreeFact) -> Vec<Blocker> {
    let blocker = |what: String, command: String| Blocker {
        what,
        place: format!("{} ({})", tree.repo, tree.path),
        command,
    };
    if let Some(why) = &tree.missing {
        let what = format!("The worktree cannot be looked at: {why}.");
        return vec![blocker(what, format!("git metawsm resume {run}"))];
    }
    let mut blockers = Vec::new();
    if let Some((operation, command)) = &tree.operation {
        blockers.push(blocker(format!("{operation} is half done."), command.clone()));
    }
    let text = |dirt: &DirtFact| format!("{} ({})", dirt.path, dirt.what);
    let plain: Vec<_> = tree.dirty.iter().filter(|dirt| dirt.command.is_none()).map(text).collect();
    if !plain.is_empty() {
        let files =
            if plain.len() == 1 { "1 file is".to_owned() } else { format!("{} files are", plain.len()) };
        let what = format!("{files} not committed: {}.", named(&plain));
        blockers.push(blocker(what, format!("git metawsm commit {run}")));
    }
    for dirt in &tree.dirty {
        if let Some(command) = &dirt.command {
            blockers.push(blocker(format!("{} is not committed.", text(dirt)), command.clone()));
        }
    }
    blockers
}

pub(super) fn judged_by(facts: &Facts) -> String {
    let judges: BTreeSet<_> =
        facts.worktrees.iter().map(|t| t.judge.as_str()).filter(|j| !j.is_empty()).collect();
    judges.into_iter().collect::<Vec<_>>().join("+")
}
