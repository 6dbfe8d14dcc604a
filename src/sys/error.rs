//! What can go wrong at the operating system.

use super::process::Exit;
use std::io;
use std::path::{Path, PathBuf};

/// The result of a call into this room.
pub type SysResult<T> = Result<T, SysError>;

/// What can go wrong at the operating system.
#[derive(Debug, thiserror::Error)]
pub enum SysError {
    /// A file could not be read, written, moved or removed.
    #[error("Could not {action} {}: {source}", path.display())]
    File {
        /// The verb, such as "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A foreign file is not what we are willing to read.
    #[error("{} was left alone: {why}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// A program could not be started.
    #[error("The program '{program}' could not be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// The cause.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("'{command}' ended with {exit}{}", tail(stderr))]
    Failed {
        /// The command line, for people.
        command: String,
        /// How it ended.
        exit: Exit,
        /// The end of what it said on standard error.
        stderr: String,
    },
    /// A program took too long and was ended.
    #[error("'{command}' took longer than {seconds} seconds and was ended")]
    TimedOut {
        /// The command line, for people.
        command: String,
        /// The limit.
        seconds: u64,
    },
    /// A lock is held by another process.
    #[error("{what} is in use by {holder}; gave up after {waited} seconds")]
    Busy {
        /// What the lock protects.
        what: String,
        /// Process id, command and age of the holder, as far as known.
        holder: String,
        /// How long we waited, in whole seconds.
        waited: u64,
    },
    /// Something else of the system.
    #[error("{0}")]
    Other(String),
}

impl SysError {
    /// Wraps a file error.
    pub fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

    /// Whether the cause is a file that is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::File { source, .. } | Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

fn tail(stderr: &str) -> String {
    let text = stderr.trim();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
