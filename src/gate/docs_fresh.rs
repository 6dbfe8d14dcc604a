//! `docs-fresh`: nobody has changed the source of a ticket's documents since the run took it.

use super::facts::DocStanding;
use super::{Blocker, Facts};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let stale = |fact: &&super::DocFact| match &fact.standing {
        DocStanding::Known { agreement, .. } => agreement.is_warning(),
        DocStanding::Unknown { .. } => false,
    };
    let blocker = |fact: &super::DocFact| Blocker {
        what: format!(
            "The source of the documents of {} has changed in the control repository since the run took it.",
            fact.ticket
        ),
        place: fact.place.clone(),
        command: format!("git metawsm docs sync {} --ticket {}", facts.run, fact.ticket),
    };
    facts.docs.iter().filter(stale).map(blocker).collect()
}
