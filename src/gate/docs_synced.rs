//! `docs-synced`: the workspace copy of each seeded ticket's documents is whole, committed, and can be brought home.

use super::facts::DocStanding;
use super::{Blocker, DocFact, Facts, named};
use crate::model::DocSyncState;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    facts.docs.iter().filter_map(|fact| blocker(&facts.run, fact)).collect()
}

fn blocker(run: &str, fact: &DocFact) -> Option<Blocker> {
    let DocFact { ticket, home, .. } = fact;
    let sync = || format!("git metawsm docs sync {run} --ticket {ticket}");
    let (what, command) = match &fact.standing {
        DocStanding::Unknown { why, command } => (
            format!("How the documents of {ticket} stand cannot be told: {}.", why.trim_end_matches('.')),
            command.clone(),
        ),
        DocStanding::Known { state: DocSyncState::Pending, .. } => (
            format!("The documents of {ticket} were being brought into {home}, and that was not finished."),
            sync(),
        ),
        DocStanding::Known { state: DocSyncState::Failed, error, .. } => {
            let error = error.trim_end_matches('.');
            (format!("The documents of {ticket} could not be brought into {home}: {error}."), sync())
        }
        DocStanding::Known { is_present: false, restore, .. } => {
            (format!("The documents of {ticket} are gone from {home}."), restore.clone())
        }
        DocStanding::Known { has_revision: false, .. } => {
            (format!("The documents of {ticket} in {home} have no revision."), sync())
        }
        DocStanding::Known { dirty, .. } if !dirty.is_empty() => (
            format!("The documents of {ticket} in {home} are not committed: {}.", named(dirty)),
            format!("git metawsm commit {run}"),
        ),
        DocStanding::Known { agreement, .. } if fact.is_foreign && agreement.is_warning() => (
            format!(
                "The control repository's copy of the documents of {ticket} has changed since it was seeded into {home} ({}), so the close could not bring it along.",
                agreement.as_str()
            ),
            sync(),
        ),
        DocStanding::Known { .. } => return None,
    };
    Some(Blocker { what, place: fact.place.clone(), command })
}
