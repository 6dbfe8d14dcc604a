//! `checks`: the project's own tests have succeeded on the very tree that the merge yields.

use super::{Blocker, CheckStanding, Facts};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let blocker = |check: &super::CheckFact| {
        let what = match &check.standing {
            CheckStanding::Passed => return None,
            CheckStanding::Failed { how, log } => {
                format!("'{}' failed on the merge result ({how}); its output is in {log}.", check.command)
            }
            CheckStanding::Unknown(why) => {
                format!("Whether '{}' succeeds on the merge result is unknown: {why}.", check.command)
            }
        };
        let command = format!("git metawsm check --run {}", facts.run);
        Some(Blocker { what, place: check.repo.clone(), command })
    };
    facts.checks.iter().filter_map(blocker).collect()
}
