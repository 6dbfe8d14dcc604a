//! `forbidden-files`: no branch adds or changes a file that policy forbids.

use super::{Blocker, Facts, named};
use crate::model::quoted;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let bringing = facts.branches.iter().filter(|branch| !branch.forbidden.is_empty());
    let blocker = |branch: &super::BranchFact| {
        let path = quoted(&branch.path);
        let from = quoted(&branch.merge_base);
        let files: Vec<_> =
            branch.forbidden.iter().map(|file| quoted(&format!(":(literal){file}"))).collect();
        Blocker {
            what: format!("'{}' brings what policy forbids: {}.", branch.branch, named(&branch.forbidden)),
            place: branch.repo.clone(),
            command: format!(
                "git -C {path} restore --source={from} --staged --worktree -- {} && git -C {path} commit -m 'Leave out what policy forbids'",
                files.join(" ")
            ),
        }
    };
    bringing.map(blocker).collect()
}
