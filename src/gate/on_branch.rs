//! `on-branch`: every worktree is on its run branch.

use super::{Blocker, Facts, HeadFact};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for tree in &facts.worktrees {
        let at = match &tree.head {
            Some(HeadFact::Branch(name)) if name == &tree.branch => continue,
            Some(HeadFact::Branch(name)) => format!("on branch '{name}'"),
            Some(HeadFact::Detached(id)) => format!("detached at {}", id.get(..12).unwrap_or(id)),
            None => continue,
        };
        blockers.push(Blocker {
            what: format!("The worktree is {at}, not on '{}'.", tree.branch),
            place: format!("{} ({})", tree.repo, tree.path),
            command: format!("git -C {} switch {}", tree.path, tree.branch),
        });
    }
    blockers
}
