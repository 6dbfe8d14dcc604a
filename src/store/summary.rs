//! What lists and selections need of a run. It is all that the index keeps of decided ones: the rest is in the record.

use super::Entry;
use crate::model::{Run, RunId, RunState, TicketId};
use jiff::Timestamp;

/// What lists and selections need of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The id.
    pub id: RunId,
    /// The state.
    pub state: RunState,
    /// When the run was made; a time that nanoseconds since 1970 cannot say in 64 bits is the nearest that they can.
    pub created: Timestamp,
    /// When the state last changed, as `created`.
    pub changed: Timestamp,
    /// The tickets, in the order given.
    pub tickets: Vec<TicketId>,
    /// What the run is for, as [`Run::title`] says it.
    pub title: String,
}

impl Summary {
    /// What there is to say of this run.
    pub fn of(run: &Run) -> Self {
        Self {
            id: run.id.clone(),
            state: run.state,
            created: at(nanoseconds(run.created)),
            changed: at(nanoseconds(run.changed)),
            tickets: run.tickets.iter().map(|ticket| ticket.id.clone()).collect(),
            title: run.title(),
        }
    }

    /// Whether the run is for this ticket, whatever the case of its letters.
    pub fn has_ticket(&self, ticket: &str) -> bool {
        self.tickets.iter().any(|own| own.as_str().eq_ignore_ascii_case(ticket))
    }

    pub(super) fn of_entry(entry: &Entry) -> Entry<Self> {
        match entry {
            Entry::Run(run) => Entry::Run(Box::new(Self::of(run))),
            Entry::Broken { id, why, newer } => {
                Entry::Broken { id: id.clone(), why: why.clone(), newer: *newer }
            }
        }
    }
}

/// Nanoseconds since 1970, never the smallest number, which stands for no time.
pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    let exact = time.as_nanosecond();
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX }).max(i64::MIN + 1)
}

/// The time that [`nanoseconds`] told of.
pub(super) fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}
