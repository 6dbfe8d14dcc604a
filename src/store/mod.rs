//! Floor 2. What must outlive us: run records, locks, journals, the index, and who takes part in what.
//!
//! Lives here: live state in `<git common dir>/metawsm/`, the text form of records and their migration, the hold
//! of a run, the hash-chained journal, the SQLite index, the entries by which a repository's hooks know of open
//! runs, and the lists each user keeps. Does not live here: git (published records arrive as bytes and leave as
//! text), policy, decisions. Services and above may call it; it imports `model` and `sys` only. One rule: files
//! win, and only a [`Hold`] writes them; the index may vanish at any time and never changes an answer.
//!
//! Order of locks everywhere: run, repositories by path, thread, index.

mod brevity;
mod closed;
mod decided;
mod doc_sync;
mod entry;
mod error;
mod forum;
mod forum_event;
mod forum_index;
mod forum_overview;
#[cfg(test)]
mod forum_tests;
mod hold;
mod hook_log;
mod index;
mod index_rows;
mod journal;
mod link;
mod live;
mod old_database;
mod ordinary;
mod participation;
mod path_list;
mod person;
mod places;
mod publication;
mod published;
mod record;
mod summary;
mod sweep;
mod temps;

#[cfg(test)]
#[cfg(test)]
mod testing;

pub use decided::TakeDecided;
pub use entry::Entry;
pub use error::{StoreError, StoreResult};
pub use forum::{
    FORUM_TREE, OddEvent, ThreadFiles, event_name, is_its_month, is_month, month_of, new_thread_id,
    take_event,
};
pub use forum_event::{event_bytes, parse_event};
pub use forum_index::ThreadRow;
pub use forum_overview::{Changes, Overview};
pub use hold::{Hold, PastLine, verify_hold_token};
pub use hook_log::{HookLine, HookVerdict, add_hook_line, hook_lines, hook_log_size};
pub use index::{Index, IndexHealth};
pub use journal::{Chain, Journal, JournalEntry};
pub use live::Store;
pub use old_database::{
    DATABASE_CAP, OldAgent, OldBrief, OldDatabase, OldForumEvent, OldPast, OldPull, OldQuestion, OldRun,
    OldStep, OldThread, TEXT_CAP,
};
pub use ordinary::{Ordinary, Outside};
pub use participation::{OpenEntry, enter, leave, lock_repo, open_all, open_entries, roots};
pub use person::{KnownRoot, forget_root, is_trusted, known_roots, remember_root, trust};
pub use publication::Publication;
pub use published::{PublishedTree, TakeRecord};
pub use record::{RecordError, parse_run, published_form, published_path, to_toml};
pub use summary::Summary;
