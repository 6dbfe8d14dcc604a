//! What can go wrong with records.

use crate::model::{IllegalMove, RECORD_FORMAT};
use crate::sys::SysError;
use std::path::PathBuf;

/// The result of a call into this room.
pub type StoreResult<T> = Result<T, StoreError>;

/// What can go wrong with records.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused, or a lock is held ([`SysError::Busy`]).
    #[error(transparent)]
    Sys(#[from] SysError),
    /// There is no such run.
    #[error("There is no run {id} here")]
    NotFound {
        /// The asked id.
        id: String,
    },
    /// There is a run of that id already.
    #[error("There is a run {id} already; run ids are used once")]
    Exists {
        /// The asked id.
        id: String,
    },
    /// The id would collide with a name of ours.
    #[error("The run id '{id}' is reserved; take another one")]
    Reserved {
        /// The asked id.
        id: String,
    },
    /// A record was written by a newer version; it is read where possible and never written.
    #[error(
        "{} has record format {format}, and this version writes format {RECORD_FORMAT}; a newer git-metawsm made it, so it is left alone",
        path.display()
    )]
    Newer {
        /// The record.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A record cannot be understood.
    #[error("{} cannot be used: {why}", path.display())]
    Broken {
        /// The record.
        path: PathBuf,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// The table of states does not allow the move.
    #[error(transparent)]
    Illegal(#[from] IllegalMove),
    /// The index could not be rebuilt; answers do not depend on it.
    #[error("The index {} could not be used: {why}", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// The change asked for is none that a record may take.
    #[error("Run {id} was left as it is: {why}")]
    Refused {
        /// The run.
        id: String,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// An event that the forum does not take.
    #[error("The thread {thread} was left as it is: {why}")]
    Event {
        /// The thread.
        thread: String,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// A thread that a newer version wrote in; it is read where possible and nothing is added to it.
    #[error(
        "The thread {thread} holds an event of format {format}, which a newer git-metawsm wrote, so nothing is added to it"
    )]
    NewerEvent {
        /// The thread.
        thread: String,
        /// The format.
        format: u32,
    },
    /// A change to a repository's shared files was asked for under another lock.
    #[error("{} changes only under its own lock {}, and {} was held", dir.display(), needed.display(), held.display())]
    WrongLock {
        /// The repository's common directory.
        dir: PathBuf,
        /// The lock that is needed.
        needed: PathBuf,
        /// The lock that was given.
        held: PathBuf,
    },
    /// Something of the user's stands where our link would go.
    #[error("{} was left alone: {why}", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// Published records could not be read from the repository.
    #[error("The published records could not be read: {0}")]
    Published(String),
    /// The database of the first metawsm cannot be read.
    #[error("The database {} cannot be imported: {why}", path.display())]
    OldDatabase {
        /// The file.
        path: PathBuf,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// The database has a schema that no known version of the first metawsm made.
    #[error(
        "The database {} has schema version {version}, and the first metawsm never numbered its schema; a later program made it, so nothing was imported",
        path.display()
    )]
    NewerDatabase {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
    /// There is no home directory to keep a user's lists in.
    #[error("Neither HOME nor XDG_STATE_HOME is set, so the list of control repositories cannot be kept")]
    NoHome,
}

impl StoreError {
    /// Whether the cause is a lock that another process holds.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Sys(SysError::Busy { .. }))
    }

    /// Whether the cause is a record from a newer version.
    pub fn is_newer(&self) -> bool {
        matches!(self, Self::Newer { .. } | Self::NewerEvent { .. } | Self::NewerDatabase { .. })
    }
}
