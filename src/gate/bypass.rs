//! `bypass`: whoever brought work into a base around the gates has answered for it.

use super::{Blocker, Facts};
use crate::model::quoted;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let blocker = |bypass: &super::BypassFact| Blocker {
        what: bypass.what.clone(),
        place: bypass.repo.clone(),
        command: format!("git metawsm hooks ack {} --reason '<why it may stand>'", quoted(&bypass.id)),
    };
    facts.bypasses.iter().map(blocker).collect()
}
