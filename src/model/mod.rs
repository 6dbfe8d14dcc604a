//! Floor 0. The nouns of the program: ids, names, states with their legal moves, and the shapes of records.
//!
//! Lives here: plain values and the rules that hold between them. Does not live here: I/O, clocks, git,
//! formatting for people. Everybody may import it; it imports no room. One rule: a value that exists is valid,
//! because every id is parsed once, at the edge, by its own type.

mod age;
mod blank;
mod digest;
mod doc_sync;
mod landing;
mod level;
mod name;
mod receipt;
mod run;
mod shell;
mod signal;
mod slug;
mod state;
mod stored_policy;
mod talk;
mod text;
mod thread;
mod thread_event;
mod thread_fold;
#[cfg(test)]
mod thread_fold_tests;

pub use age::{ago, span};
pub use digest::{content_hash, sha256_hex};
pub use doc_sync::{Agreement, DOC_SYNC_FORMAT, DOC_SYNC_KIND, DocSync, DocSyncState};
pub use landing::{Bypass, LandedMark, MergeDone};
pub use level::GateLevel;
pub use name::{
    AgentName, EventId, NameError, RepoName, RunId, ThreadId, TicketId, WorkspaceName, check_name,
};
pub use receipt::{CheckResult, GateLine, Receipt, RepoReceipt};
pub use run::{
    Brief, Child, Mode, RECORD_FORMAT, Run, RunAgent, RunRepo, RunTicket, RunWorktree, Session,
    SessionBackend, Step, StepKind, Strategy,
};
pub use shell::{quoted, split_words};
pub use signal::{SignalKind, is_signal_path};
pub use slug::{slug_of, title_of, workspace_stem};
pub use state::{IllegalMove, RunState, StepState};
pub use stored_policy::StoredPolicy;
pub use talk::{Delivery, Feedback, Guidance, Validation, ValidationStatus};
pub use text::{is_deceptive, plain_line};
pub use thread::{Actor, ActorKind, Pressing, Priority, Thread, ThreadKind, ThreadState};
pub use thread_event::{EVENT_FORMAT, EVENT_KIND, EventWhat, FiledEvent, ForumEvent, says_something};
pub use thread_fold::{Folded, Told, fold};
