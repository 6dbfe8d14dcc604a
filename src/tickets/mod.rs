//! Floor 3. Ticket documents: finding, verifying, creating and closing tickets in a `ttmp/` tree.
//!
//! Lives here: the tree on disk in docmgr's form, its frontmatter, and the edits of a close as pure bytes. Does not
//! live here: commits, branches, seeding and locks; callers hold the repository's lock while they create. Called
//! by `service`. One rule: a document that exists is edited line by line, never written anew, so that comments,
//! unknown keys, quoting and body bytes stay as their author left them.
//!
//! [`Provider`] names who keeps the tickets: the tree itself, or the docmgr program on the same tree. Another program
//! that keeps tickets gets a folder here and a variant there.

mod close;
mod create;
mod docmgr;
mod document;
mod error;
mod find;
mod front;
mod glance;
mod ignore;
mod provider;
mod root;
mod value;
mod vocabulary;

pub use close::{Closing, closed_bytes};
pub use create::{Created, NewTicket, broken, create};
pub use docmgr::Adding;
pub use document::{IndexHead, Reference, parse_index, reference_document, reference_name, set_field};
pub use error::{TicketError, TicketResult};
pub use find::{Found, Listing, Source, Ticket, find, find_in, list, list_in};
pub use glance::{Glance, glance};
pub use provider::Provider;
pub use root::{DocsRoot, docs_root, intended as intended_root};
