//! The two copies of a ticket's documents: the source in the control repository, and the workspace copy in the doc
//! home, which is the truth while the run is open.
//!
//! Lives here: where both are, how they stand to each other, how the copy comes about and is kept in step. Does not
//! live here: finding tickets, single documents of ours, the commit that closes a ticket. `run`, `status`, the gates
//! and `docs` come here. One rule: what somebody edited in the workspace is never written over.

mod look;
mod place;

pub use look::{DocView, look};
pub(super) use place::source_repo;
