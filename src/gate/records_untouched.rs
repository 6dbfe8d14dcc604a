//! `records-untouched`: under `.metawsm/` the branch is as its merge base or as base: a branch cannot change the
//! rules and records by which it is judged.

use super::{Blocker, Facts, named};
use crate::model::quoted;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let changing = facts.branches.iter().filter(|branch| !branch.records.is_empty());
    let blocker = |branch: &super::BranchFact| {
        let path = quoted(&branch.path);
        let from = quoted(&branch.merge_base);
        Blocker {
            what: format!(
                "'{}' changes {} against '{}'.",
                branch.branch,
                named(&branch.records),
                branch.base
            ),
            place: branch.repo.clone(),
            command: format!(
                "git -C {path} restore --source={from} --staged --worktree -- .metawsm && git -C {path} commit -m 'Leave .metawsm as it was'"
            ),
        }
    };
    changing.map(blocker).collect()
}
