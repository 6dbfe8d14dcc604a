//! Sections about what may land: close, merge, state, hooks, git_pr.

use super::command::TestCommands;
use super::words::{
    Assistance, CredentialMode, HooksInstall, HooksStrict, MergeStyle, RequiredCheck, ReviewMode, Track,
};
use crate::model::GateLevel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `close.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClosePolicy {
    /// Whether uncommitted work refuses; `false` makes the gate `clean-tree` warn.
    pub require_clean_git: bool,
    /// Gate id to level, where it differs from the gate's own.
    pub gates: BTreeMap<String, GateLevel>,
    /// Gates that `--waive` does not pass.
    pub never_waive: Vec<String>,
}

impl Default for ClosePolicy {
    fn default() -> Self {
        Self { require_clean_git: true, gates: BTreeMap::new(), never_waive: Vec::new() }
    }
}

/// `merge.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MergePolicy {
    /// Whether bases are pushed after a merge.
    pub push: bool,
    /// What a merge leaves on base.
    pub style: MergeStyle,
}

impl Default for MergePolicy {
    fn default() -> Self {
        Self { push: false, style: MergeStyle::Merge }
    }
}

/// `state.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatePolicy {
    /// When records are committed.
    pub track: Track,
}

impl Default for StatePolicy {
    fn default() -> Self {
        Self { track: Track::OnClose }
    }
}

/// `hooks.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HooksPolicy {
    /// Who installs hooks.
    pub install: HooksInstall,
    /// When the reference-transaction hook is installed.
    pub strict: HooksStrict,
    /// Whether commits in a run's worktree get the trailer `Metawsm-Run`.
    pub trailer: bool,
}

impl Default for HooksPolicy {
    fn default() -> Self {
        Self { install: HooksInstall::Auto, strict: HooksStrict::Auto, trailer: true }
    }
}

/// `git_pr.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitPrPolicy {
    /// How much is done unasked.
    pub mode: Assistance,
    /// Whose credentials push and open pull requests.
    pub credential_mode: CredentialMode,
    /// The name of a pull request's branch, with `{ticket}`, `{repo}` and `{run}`.
    pub branch_template: String,
    /// Whether all required checks must pass; `false`: any one.
    pub require_all: bool,
    /// What is looked at before a commit or pull request is made.
    pub required_checks: Vec<RequiredCheck>,
    /// Commands that must succeed on the merge result.
    pub test_commands: TestCommands,
    /// Globs of files that no branch may add or change; see [`super::matches_forbidden`].
    pub forbidden_file_patterns: Vec<String>,
    /// Repositories that commits and pull requests are made in; empty: all.
    pub allowed_repos: Vec<String>,
    /// Labels of new pull requests.
    pub default_labels: Vec<String>,
    /// Reviewers of new pull requests.
    pub default_reviewers: Vec<String>,
    /// What is done with review comments.
    pub review_feedback: ReviewFeedbackPolicy,
}

impl Default for GitPrPolicy {
    fn default() -> Self {
        let forbidden =
            [".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "id_rsa", "id_ed25519"].map(str::to_owned);
        Self {
            mode: Assistance::Assist,
            credential_mode: CredentialMode::LocalUserAuth,
            branch_template: "{ticket}/{repo}/{run}".to_owned(),
            require_all: true,
            required_checks: vec![
                RequiredCheck::Tests,
                RequiredCheck::ForbiddenFiles,
                RequiredCheck::CleanTree,
                RequiredCheck::TicketWorkflow,
            ],
            test_commands: TestCommands::default(),
            forbidden_file_patterns: forbidden.to_vec(),
            allowed_repos: Vec::new(),
            default_labels: Vec::new(),
            default_reviewers: Vec::new(),
            review_feedback: ReviewFeedbackPolicy::default(),
        }
    }
}

/// `git_pr.review_feedback.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewFeedbackPolicy {
    /// Whether review comments are taken in at all.
    pub enabled: bool,
    /// How much is done with them unasked.
    pub mode: ReviewMode,
    /// Whether the comments on lines are taken; must be `true`.
    pub include_review_comments: bool,
    /// Authors whose comments are left out.
    pub ignore_authors: Vec<String>,
    /// How many comments one sync takes.
    pub max_items_per_sync: u32,
    /// How many comments are handed on at once.
    pub auto_dispatch_cap_per_interval: u32,
}

impl Default for ReviewFeedbackPolicy {
    fn default() -> Self {
        Self {
            enabled: false,
            mode: ReviewMode::Assist,
            include_review_comments: true,
            ignore_authors: Vec::new(),
            max_items_per_sync: 50,
            auto_dispatch_cap_per_interval: 1,
        }
    }
}
