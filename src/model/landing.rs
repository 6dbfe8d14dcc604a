//! How the work of a run came into a base: by us, by somebody's word, or around the gates.

use super::{RepoName, TicketId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A merge of ours, written down once its base has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeDone {
    /// When.
    pub at: Timestamp,
    /// The ticket whose branch was merged.
    pub ticket: TicketId,
    /// The repository.
    pub repo: RepoName,
    /// The branch merged into.
    pub base: String,
    /// The head of the run's branch that was merged, a full id.
    pub head: String,
    /// The commit on base that holds it (a merge, or the one commit of a squash), a full id.
    pub commit: String,
}

/// Somebody's word that a commit of base holds a branch of the run (`--landed`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedMark {
    /// When it was said.
    pub at: Timestamp,
    /// Who said so, `Name <mail>`.
    pub actor: String,
    /// The repository.
    pub repo: RepoName,
    /// The head of the run's branch that it speaks of, a full id.
    pub head: String,
    /// The commit of base that holds the work, a full id.
    pub commit: String,
}

/// Work of an open run that came into a base without us while its gates did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypass {
    /// Its id, for `hooks ack`: short, and the same whenever the same move is found again.
    pub id: String,
    /// When it was found.
    pub at: Timestamp,
    /// The repository.
    pub repo: RepoName,
    /// The branch that moved.
    pub base: String,
    /// Where base was when it was last known to be in order, a full id.
    pub old: String,
    /// Where base was when this was found, a full id.
    pub new: String,
    /// What was found, a full sentence.
    pub what: String,
    /// Why it stands: the words of `METAWSM_BYPASS` or of `hooks ack`; nothing while nobody has answered for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who answered for it, `Name <mail>`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub actor: String,
}

impl Bypass {
    /// Whether nobody has answered for it yet.
    pub fn is_unanswered(&self) -> bool {
        self.reason.is_none()
    }
}
