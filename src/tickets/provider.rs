//! Who keeps the tickets.

use super::docmgr::{self, Adding};
use super::{Closing, Created, DocsRoot, Found, Listing, NewTicket, TicketResult, create, find, list};
use crate::policy::{Policy, TicketsProvider};
use std::path::Path;

/// Who keeps the tickets (policy key `tickets.provider`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provider {
    /// The `ttmp/` tree, read and written by ourselves.
    #[default]
    Builtin,
    /// The docmgr program, on the same tree.
    Docmgr,
}

impl Provider {
    /// Whom a policy names.
    pub fn of(policy: &Policy) -> Self {
        match policy.tickets.provider {
            TicketsProvider::Builtin => Self::Builtin,
            TicketsProvider::Docmgr => Self::Docmgr,
        }
    }

    /// Requires that it can be asked at all.
    pub fn require(self) -> TicketResult<()> {
        match self {
            Self::Builtin => Ok(()),
            Self::Docmgr => docmgr::require(),
        }
    }

    /// All tickets; see [`list`](super::list).
    pub fn list(self, root: &DocsRoot) -> TicketResult<Listing> {
        match self {
            Self::Builtin => list(root),
            Self::Docmgr => docmgr::list(root),
        }
    }

    /// One ticket; see [`find`](super::find).
    pub fn find(self, root: &DocsRoot, id: &str) -> TicketResult<Found> {
        match self {
            Self::Builtin => find(root, id),
            Self::Docmgr => docmgr::find(root, id),
        }
    }

    /// A new ticket; see [`create`](super::create).
    pub fn create(self, worktree: &Path, new: &NewTicket<'_>) -> TicketResult<Created> {
        match self {
            Self::Builtin => create(worktree, new),
            Self::Docmgr => docmgr::create(worktree, new),
        }
    }

    /// A new reference document, its path and the bytes it is to have, where it is not we who write it: the caller
    /// replaces it by these, and then removes the note. `None` for the built-in: see [`super::reference_document`].
    pub fn add(self, worktree: &Path, order: &Adding<'_>) -> TicketResult<Option<(String, Vec<u8>)>> {
        match self {
            Self::Builtin => Ok(None),
            Self::Docmgr => docmgr::add(worktree, order).map(Some),
        }
    }

    /// What closing a ticket makes of its documents, where it is not we who edit them: `top` is a checkout that nobody
    /// else uses, `dir` the ticket's directory in it. `None` for the built-in: see [`super::closed_bytes`].
    pub fn close(self, top: &Path, dir: &str, entry: &str) -> TicketResult<Option<Closing>> {
        match self {
            Self::Builtin => Ok(None),
            Self::Docmgr => docmgr::close(top, dir, entry).map(Some),
        }
    }
}
