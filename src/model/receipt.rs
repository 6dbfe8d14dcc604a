//! What a close did, and why it was allowed.

use super::RepoName;
use serde::{Deserialize, Serialize};

/// The receipt of a close (behaviour 5.3); part of the published record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Receipt {
    /// When the close was decided.
    pub at: Option<jiff::Timestamp>,
    /// Who closed, `Name <mail>`.
    #[serde(default)]
    pub actor: String,
    /// SHA-256 of the policy that the gates were judged under.
    #[serde(default)]
    pub policy_hash: String,
    /// Hash of the journal's last line at that time.
    #[serde(default)]
    pub journal_hash: String,
    /// One entry per repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repos: Vec<RepoReceipt>,
    /// One entry per gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateLine>,
    /// Checks that were run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
}

/// What a close did in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoReceipt {
    /// The repository.
    pub repo: RepoName,
    /// The branch merged into.
    pub base: String,
    /// The base before, a full object id.
    pub old: String,
    /// The base after the merges, a full object id. Where the record itself is committed on top, the commit that
    /// holds it cannot name itself: this is its parent.
    pub new: String,
    /// The heads of the run's branches, in ticket order.
    pub heads: Vec<String>,
    /// The merge commits, in ticket order; fewer than heads where base held the work already.
    pub merges: Vec<String>,
}

/// One gate's verdict as it stands in the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateLine {
    /// The gate's id.
    pub gate: String,
    /// `pass`, `warn`, `off` or `waived`.
    pub verdict: String,
    /// Who answered: `git2`, `git` or `us`.
    pub judge: String,
    /// The reason of a waiver, or what a warning said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// One test command that was run on the merge result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The repository.
    pub repo: RepoName,
    /// The tree that was tested.
    pub tree: String,
    /// The command as shown to people.
    pub command: String,
    /// Its exit status; -1 where a signal or the time limit ended it.
    pub status: i32,
    /// SHA-256 of the policy that named the command.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<jiff::Timestamp>,
}
