//! What a sync is about to write, on disk before the first byte of the worktree changes: whoever comes after a kill
//! finishes it.

use super::super::ServiceResult;
use crate::model::{RunId, TicketId};
use crate::store::{Hold, Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const FORMAT: u32 = 1;
const KIND: &str = "docs-order";

/// A sync of one ticket that was decided and may not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
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

    /// Forgets it.
    pub fn remove(hold: &mut Hold, ticket: &TicketId) -> ServiceResult<()> {
        Ok(hold.remove_part(&name_of(ticket))?)
    }
}
