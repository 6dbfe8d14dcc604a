//! What can go wrong with ticket documents.

use crate::sys::SysError;
use std::path::PathBuf;

/// The result of a call into this room.
pub type TicketResult<T> = Result<T, TicketError>;

/// What can go wrong with ticket documents.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// A document's head cannot be read.
    #[error("The document's frontmatter cannot be read: {why}")]
    Frontmatter {
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// A field cannot be changed by editing its line.
    #[error("The frontmatter field '{key}' cannot be changed: {why}")]
    Field {
        /// The field.
        key: String,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// Several directories claim one ticket id.
    #[error("The ticket {id} is in more than one directory: {}. Keep one of them", dirs.join(", "))]
    Several {
        /// The id.
        id: String,
        /// The directories, relative to the repository's top.
        dirs: Vec<String>,
    },
    /// The directory of a new ticket is taken by something that is not that ticket.
    #[error("The ticket {id} cannot be created: {dir} is there already, and {why}")]
    Occupied {
        /// The id.
        id: String,
        /// The directory or document, relative to the repository's top.
        dir: String,
        /// What is wrong with it, as the rest of a sentence.
        why: String,
    },
    /// The docs root is not a directory inside the repository.
    #[error("The docs root {} of the repository {} is not used: {why}", root.display(), top.display())]
    Root {
        /// The root as configured.
        root: PathBuf,
        /// The repository's top.
        top: PathBuf,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// The program that keeps the tickets cannot be used.
    #[error(
        "docmgr keeps the tickets here (tickets.provider = \"docmgr\"), but {why}. With tickets.provider = \"builtin\" it is not needed"
    )]
    Program {
        /// The reason, as the rest of a sentence.
        why: String,
        /// A command to paste.
        hint: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Sys(#[from] SysError),
}

impl TicketError {
    pub(super) fn frontmatter(why: impl Into<String>) -> Self {
        Self::Frontmatter { why: why.into() }
    }

    pub(super) fn program(why: impl Into<String>, hint: &str) -> Self {
        let why = why.into();
        Self::Program { why: why.trim_end_matches('.').to_owned(), hint: hint.to_owned() }
    }

    pub(super) fn field(key: &str, why: impl Into<String>) -> Self {
        Self::Field { key: key.to_owned(), why: why.into() }
    }
}
