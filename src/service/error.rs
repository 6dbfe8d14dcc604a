//! What a use case can fail with.

use crate::bus::BusError;
use crate::gate::Verdict;
use crate::git::GitError;
use crate::hooks::HookError;
use crate::model::{IllegalMove, NameError};
use crate::plan::PlanError;
use crate::policy::Problem;
use crate::sessions::SessionError;
use crate::store::StoreError;
use crate::sys::SysError;
use crate::tickets::TicketError;
use crate::workspaces::WorkspaceError;
use std::path::PathBuf;

/// The result of a use case.
pub type ServiceResult<T> = Result<T, ServiceError>;

/// A verdict that refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The run.
    pub run: String,
    /// What was to be done, such as "close".
    pub action: &'static str,
    /// All gates.
    pub verdict: Verdict,
}

/// What a use case can fail with.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// From the git room.
    #[error(transparent)]
    Git(#[from] GitError),
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From the operating system.
    #[error(transparent)]
    Sys(#[from] SysError),
    /// From the tickets.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// From the workspaces.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// From the sessions.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// From the hooks.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// From the way between machines.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A name outside the allow-list.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A move that the table of states does not hold.
    #[error("{source}")]
    Move {
        /// The run.
        run: String,
        /// The move.
        source: IllegalMove,
    },
    /// A plan that cannot be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The policy file is wrong.
    #[error("The policy {} has {} problem{}", path.display(), problems.len(), if problems.len() == 1 { "" } else { "s" })]
    Policy {
        /// The file.
        path: PathBuf,
        /// All of them.
        problems: Vec<Problem>,
    },
    /// Gates refuse.
    #[error("{} refuses to {}: {} in the way", .0.run, .0.action, count(&.0.verdict))]
    Refused(Box<Refusal>),
    /// The request cannot be meant.
    #[error("{message}")]
    Wrong {
        /// A full sentence.
        message: String,
        /// Commands to paste.
        hints: Vec<String>,
    },
    /// Several runs or agents could be meant.
    #[error("{message}")]
    Several {
        /// A full sentence.
        message: String,
        /// The words that would have named one, for the command that was asked.
        words: Vec<String>,
    },
    /// The request is understood and cannot be done now.
    #[error("{message}")]
    Failed {
        /// A full sentence.
        message: String,
        /// Commands to paste.
        hints: Vec<String>,
    },
    /// A guard refuses (an agent's reach, untrusted policy).
    #[error("{message}")]
    Forbidden {
        /// A full sentence.
        message: String,
        /// Commands to paste.
        hints: Vec<String>,
    },
    /// Somebody pressed Ctrl-C or sent a signal.
    #[error("Interrupted by signal {signal}; nothing is lost")]
    Interrupted {
        /// The signal.
        signal: i32,
        /// Commands to paste.
        hints: Vec<String>,
    },
}

fn count(verdict: &Verdict) -> String {
    let blockers: usize = verdict.refusals().map(|line| line.blockers.len()).sum();
    if blockers == 1 { "1 thing is".to_owned() } else { format!("{blockers} things are") }
}

impl ServiceError {
    /// A request that cannot be meant.
    pub fn wrong(message: impl Into<String>, hints: &[&str]) -> Self {
        Self::Wrong { message: message.into(), hints: hints.iter().map(|h| (*h).to_owned()).collect() }
    }

    /// A request that cannot be done now.
    pub fn failed(message: impl Into<String>, hints: &[&str]) -> Self {
        Self::Failed { message: message.into(), hints: hints.iter().map(|h| (*h).to_owned()).collect() }
    }

    /// A guard's refusal.
    pub fn forbidden(message: impl Into<String>, hints: &[&str]) -> Self {
        Self::Forbidden { message: message.into(), hints: hints.iter().map(|h| (*h).to_owned()).collect() }
    }
}
