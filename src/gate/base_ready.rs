//! `base-ready`: where base is checked out, nothing is in the way of the merge.

use super::{Blocker, Facts};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let blocker = |repo: &str, (what, command): &(String, String)| Blocker {
        what: what.clone(),
        place: repo.to_owned(),
        command: command.clone(),
    };
    facts
        .bases
        .iter()
        .flat_map(|base| base.obstacles.iter().map(|o| blocker(base.repo.as_str(), o)))
        .collect()
}
