//! What can go wrong with a server of documents. No message holds the server's address, which may hold a password.

/// The result of a call into this room.
pub type FederationResult<T> = Result<T, FederationError>;

/// What can go wrong with one server. Each is a sentence about "it", the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FederationError {
    /// The address cannot be meant.
    #[error("Its base_url cannot be used as an address: {why}")]
    Address {
        /// What the parser said.
        why: String,
    },
    /// No connection came about, or it broke.
    #[error("It cannot be reached: {why}")]
    Away {
        /// The innermost reason.
        why: String,
    },
    /// The time is over.
    #[error("It did not answer in whole within {seconds} s")]
    Slow {
        /// The limit.
        seconds: u64,
    },
    /// It answered with an error of its own.
    #[error("It answered {code}{said}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// What it said, in brackets after a blank, or nothing.
        said: String,
    },
    /// It answered with another place.
    #[error("It sends us elsewhere ({to}), and no answer is followed to another place")]
    Redirect {
        /// The place.
        to: String,
    },
    /// Its answer is packed.
    #[error("It packed its answer ({how}), although nobody asked for that")]
    Packed {
        /// The header's value.
        how: String,
    },
    /// Its answer is of another kind.
    #[error("It answered with {kind} where JSON belongs: is it docmgr's?")]
    Other {
        /// The content type.
        kind: String,
    },
    /// Its answer goes past a limit.
    #[error("Its answer was cut: {why}")]
    Limit {
        /// Which limit, as the rest of a sentence.
        why: String,
    },
    /// Its answer is JSON of another shape, or none.
    #[error("Its answer is not understood: {why}")]
    Odd {
        /// What the parser said.
        why: String,
    },
    /// Its pages go round.
    #[error("Its pages lead back to one that was read already, or on without end")]
    Circle,
    /// We cannot ask.
    #[error("It was not asked: {why}")]
    Unasked {
        /// The reason.
        why: String,
    },
}
