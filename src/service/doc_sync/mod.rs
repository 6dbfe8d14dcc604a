//! The two copies of a ticket's documents: the source in the control repository, and the workspace copy in the doc
//! home, which is the truth while the run is open.
//!
//! Lives here: where both are, how they stand to each other, how the copy comes about and is kept in step. Does not
//! live here: finding tickets, single documents of ours, the commit that closes a ticket. `run`, `status`, the gates
//! and `docs` come here. One rule: what somebody edited in the workspace is never written over.

mod diff;
mod home;
mod look;
mod merge;
mod order;
mod place;
mod seed;
mod show;
mod sync;
mod unified;

pub use diff::{DocDiff, DocDiffReport, DocDiffRequest, FileChange, FileDiff, FileText, diff};
pub(super) use home::{Home, Homecoming, base_of_home, bring_home, homecoming_paths, is_foreign};
pub use look::{DocView, look};
pub(super) use order::Order;
pub(super) use place::{committed_ticket, dir_in_home, require_seedable, source_repo, twice};
pub(super) use seed::{failed, seed};
pub use show::DocsShown;
pub(super) use show::show;
pub use sync::{DocSyncLine, DocSyncReport, DocSyncRequest, DocSynced, Keep, sync};
