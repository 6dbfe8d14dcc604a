//! `on-branch`: every worktree is on its run branch.

use super::{Blocker, Facts, HeadFact};
use crate::model::quoted;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for tree in &facts.worktrees {
        let (path, branch) = (quoted(&tree.path), quoted(&tree.branch));
        let (at, command) = match &tree.head {
            Some(HeadFact::Branch(name)) if name == &tree.branch => continue,
            None => continue,
            // Somebody has renamed it.
            Some(HeadFact::Branch(name)) if !tree.branch_exists => {
                let command = format!("git -C {path} branch -m {} {branch}", quoted(name));
                (format!("on branch '{name}'"), command)
            }
            Some(HeadFact::Branch(name)) => {
                (format!("on branch '{name}'"), format!("git -C {path} switch {branch}"))
            }
            Some(HeadFact::Detached(id)) => {
                let make = if tree.branch_exists { "" } else { "-c " };
                let at = format!("detached at {}", id.get(..12).unwrap_or(id));
                (at, format!("git -C {path} switch {make}{branch}"))
            }
        };
        blockers.push(Blocker {
            what: format!("The worktree is {at}, not on '{}'.", tree.branch),
            place: format!("{} ({})", tree.repo, tree.path),
            command,
        });
    }
    blockers
}
