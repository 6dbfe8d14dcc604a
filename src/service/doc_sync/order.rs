//! What a sync is about to write, on disk before the first byte of the worktree changes: whoever comes after a kill
//! finishes it.

use super::super::{ServiceError, ServiceResult};
use crate::model::{RunId, TicketId};
use crate::store::{Hold, Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const FORMAT: u32 = 1;
const KIND: &str = "docs-order";

/// A sync of one ticket that was decided and may not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::service) struct Order {
    /// Format version of the file.
    pub format: u32,
    /// Always `docs-order`.
    pub kind: String,
    /// When it was decided: nothing was touched before.
    pub at: Timestamp,
    /// The commit on which the run's branch was.
    pub head: String,
    /// The tree that the workspace copy is to hold.
    pub tree: String,
    /// The tree of the source that is then in common.
    pub source: String,
    /// The message of the commit.
    pub message: String,
}

fn name_of(ticket: &TicketId) -> String {
    format!("docs-orders/{ticket}.toml")
}

impl Order {
    pub fn new(at: Timestamp, [head, tree, source]: [&str; 3], message: String) -> Self {
        let [head, tree, source] = [head, tree, source].map(str::to_owned);
        Self { format: FORMAT, kind: KIND.to_owned(), at, head, tree, source, message }
    }

    /// Writes it down; once this returns it survives a power cut.
    pub fn save(&self, hold: &mut Hold, ticket: &TicketId) -> ServiceResult<()> {
        let text = toml::to_string_pretty(self).map_err(|e| StoreError::Refused {
            id: hold.run().id.to_string(),
            why: format!("what is to be written of {ticket} cannot be noted: {e}"),
        })?;
        Ok(hold.save_part(&name_of(ticket), &text)?)
    }

    /// The sync of a ticket that was stopped half way, if one was.
    pub fn find(store: &Store, run: &RunId, ticket: &TicketId) -> ServiceResult<Option<Self>> {
        let name = name_of(ticket);
        let Some(text) = store.find_part(run, &name)? else { return Ok(None) };
        let broken =
            |why: &str| StoreError::Broken { path: store.run_dir(run).join(&name), why: why.to_owned() };
        let order: Self = toml::from_str(&text).map_err(|e| broken(e.message()))?;
        if order.kind != KIND {
            return Err(broken("it is no order of a sync").into());
        }
        if order.format > FORMAT {
            let path = store.run_dir(run).join(&name);
            return Err(StoreError::Newer { path, format: order.format }.into());
        }
        Ok(Some(order))
    }

    /// Refuses while a sync of one of these tickets is half done: its files are no work of anybody.
    pub fn require_none<'a>(
        store: &Store,
        run: &RunId,
        tickets: impl IntoIterator<Item = &'a TicketId>,
    ) -> ServiceResult<()> {
        for ticket in tickets {
            if Self::find(store, run, ticket)?.is_some() {
                let message =
                    format!("A sync of the documents of {ticket} was stopped half way; finish it first.");
                let hint = format!("git metawsm docs sync {run} --ticket {ticket}");
                return Err(ServiceError::failed(message, &[&hint]));
            }
        }
        Ok(())
    }

    /// Forgets it.
    pub fn remove(hold: &mut Hold, ticket: &TicketId) -> ServiceResult<()> {
        Ok(hold.remove_part(&name_of(ticket))?)
    }
}
