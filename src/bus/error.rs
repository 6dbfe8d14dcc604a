//! What can go wrong between us and a Redis server. No message ever holds a password.

use crate::sys::SysError;

/// The result of a call into this room.
pub type BusResult<T> = Result<T, BusError>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The address cannot be meant.
    #[error("The address of the Redis server cannot be used: {why}")]
    Address {
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// Nobody answers there, or not in time.
    #[error("Redis at {place} does not answer: {why}")]
    Away {
        /// The server, without its password.
        place: String,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// The server knows us not.
    #[error("Redis at {place} {why}")]
    Locked {
        /// The server, without its password.
        place: String,
        /// The rest of the sentence.
        why: &'static str,
    },
    /// The server refuses a command.
    #[error("Redis at {place} refuses {command}: {why}")]
    Refused {
        /// The server, without its password.
        place: String,
        /// The command's word.
        command: String,
        /// The first word of what it said, such as `NOGROUP`.
        code: String,
        /// What it said, on one line.
        why: String,
    },
    /// The server answers more than there is room for.
    #[error("Redis at {place} answers {command} with more than is taken at once")]
    TooLarge {
        /// The server, without its password.
        place: String,
        /// The command's word.
        command: String,
    },
    /// The server answers what nobody can use.
    #[error("Redis at {place} answers {command} with something that cannot be used: {why}")]
    Odd {
        /// The server, without its password.
        place: String,
        /// The command's word.
        command: String,
        /// The reason, as the rest of a sentence.
        why: String,
    },
    /// The operating system refused a file of ours.
    #[error(transparent)]
    Sys(#[from] SysError),
}

impl BusError {
    /// Whether the server refused with this word.
    pub fn is_refusal(&self, word: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == word)
    }

    /// Whether another try in a moment may do: the server is gone, starting, or broke off.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Address { .. } | Self::Sys(_))
    }
}
