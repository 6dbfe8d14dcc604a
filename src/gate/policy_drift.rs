//! `policy-drift`: the policy that the run was planned under is the present one.

use super::{Blocker, Facts, named};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    if facts.drift.is_empty() {
        return Vec::new();
    }
    vec![Blocker {
        what: format!("The policy has changed since the run was planned: {}.", named(&facts.drift)),
        place: String::new(),
        command: format!("git metawsm policy apply {}", facts.run),
    }]
}
