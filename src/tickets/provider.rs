//! Who keeps the tickets.

use super::{Created, DocsRoot, Found, Listing, NewTicket, TicketResult, create, find, list};
use std::path::Path;

/// Who keeps the tickets (policy key `tickets.provider`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provider {
    /// The `ttmp/` tree, read and written by ourselves.
    #[default]
    Builtin,
}

impl Provider {
    /// All tickets; see [`list`](super::list).
    pub fn list(self, root: &DocsRoot) -> TicketResult<Listing> {
        match self {
            Self::Builtin => list(root),
        }
    }

    /// One ticket; see [`find`](super::find).
    pub fn find(self, root: &DocsRoot, id: &str) -> TicketResult<Found> {
        match self {
            Self::Builtin => find(root, id),
        }
    }

    /// A new ticket; see [`create`](super::create).
    pub fn create(self, worktree: &Path, new: &NewTicket<'_>) -> TicketResult<Created> {
        match self {
            Self::Builtin => create(worktree, new),
        }
    }
}
