//! Sections about where work happens: workspace, tickets, docs.

use super::command::Command;
use super::words::{AuthorityMode, SeedMode, TicketsProvider, TicketsRequired, WorkspaceProvider};
use crate::model::{RepoName, Strategy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Folders that any build tool makes again.
const REBUILDABLE: [&str; 12] = [
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".gradle",
    ".next",
    ".turbo",
];

/// `workspace.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspacePolicy {
    /// How workspaces come about where no flag says so.
    pub default_strategy: Strategy,
    /// What stands before `/<workspace>` in branch names; may be empty.
    pub branch_prefix: String,
    /// The branch that work starts from and returns to, where neither a flag nor `bases` names one; where this is
    /// not set either, each repository's own default branch is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_branch: Option<String>,
    /// Who lays workspaces out.
    pub provider: WorkspaceProvider,
    /// Where workspaces lie; a leading `~/` is the home directory.
    pub root: String,
    /// Repository name to path.
    pub repos: BTreeMap<RepoName, String>,
    /// Repository name to base branch.
    pub bases: BTreeMap<RepoName, String>,
    /// Globs of ignored files that are copied into a new worktree.
    pub copy: Vec<String>,
    /// Commands that run in each new worktree.
    pub setup_commands: Vec<Command>,
    /// Names of ignored folders that rescue may drop, because any build makes them again.
    pub disposable: Vec<String>,
    /// Limit for fetching base before branching; 0 never fetches.
    pub fetch_seconds: u64,
}

impl Default for WorkspacePolicy {
    fn default() -> Self {
        Self {
            default_strategy: Strategy::Create,
            branch_prefix: "task".to_owned(),
            base_branch: None,
            provider: WorkspaceProvider::Builtin,
            root: "~/workspaces".to_owned(),
            repos: BTreeMap::new(),
            bases: BTreeMap::new(),
            copy: Vec::new(),
            setup_commands: Vec::new(),
            disposable: REBUILDABLE.map(str::to_owned).to_vec(),
            fetch_seconds: 10,
        }
    }
}

impl WorkspacePolicy {
    /// The branch of a workspace, `<branch_prefix>/<workspace>`, or the workspace's name where the prefix is empty.
    pub fn branch_of(&self, workspace: &str) -> String {
        match self.branch_prefix.as_str() {
            "" => workspace.to_owned(),
            prefix => format!("{prefix}/{workspace}"),
        }
    }
}

/// `tickets.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TicketsPolicy {
    /// Who keeps the ticket documents.
    pub provider: TicketsProvider,
    /// When a ticket must exist before a run.
    pub required: TicketsRequired,
}

impl Default for TicketsPolicy {
    fn default() -> Self {
        Self { provider: TicketsProvider::Builtin, required: TicketsRequired::Auto }
    }
}

/// `docs.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocsPolicy {
    /// Which copy of a ticket's documents is the truth.
    pub authority_mode: AuthorityMode,
    /// How documents come into the doc home.
    pub seed_mode: SeedMode,
    /// Age from which an index, or a workspace copy whose source has changed, counts as stale.
    pub stale_warning_seconds: u64,
    /// Where other trees of documents are served.
    pub api: DocsApiPolicy,
}

impl Default for DocsPolicy {
    fn default() -> Self {
        Self {
            authority_mode: AuthorityMode::WorkspaceActive,
            seed_mode: SeedMode::CopyFromRepoOnStart,
            stale_warning_seconds: 900,
            api: DocsApiPolicy::default(),
        }
    }
}

/// `docs.api.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocsApiPolicy {
    /// Limit for one request.
    pub request_timeout_seconds: u64,
    /// Servers over a workspace's documents.
    pub workspace_endpoints: Vec<DocsEndpoint>,
    /// Servers over a repository's documents.
    pub repo_endpoints: Vec<DocsEndpoint>,
}

impl Default for DocsApiPolicy {
    fn default() -> Self {
        Self { request_timeout_seconds: 3, workspace_endpoints: Vec::new(), repo_endpoints: Vec::new() }
    }
}

/// One server of documents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DocsEndpoint {
    /// Its name, unique among all endpoints.
    pub name: String,
    /// Where it answers, http or https.
    pub base_url: String,
    /// Where people look at it; may be empty.
    pub web_url: String,
    /// The repository whose documents it serves.
    pub repo: String,
    /// The workspace whose documents it serves; empty for a repository's own.
    pub workspace: String,
}

/// Whether a key, of a file or of a difference, holds the address of a server of documents.
pub(super) fn is_endpoint_url(key: &str) -> bool {
    key.starts_with("docs.api.") && (key.ends_with(".base_url") || key.ends_with(".web_url"))
}

/// The address of a web server without the user and password in it: for everything that people are shown.
pub fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#', '"']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{}", &rest[end..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_user() {
        let cases = [
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("https://me:se@cret@h:1/@team?a@b", "https://***@h:1/@team?a@b"),
            ("https://h/@team", "https://h/@team"),
            ("\"http://token@h\"", "\"http://***@h\""),
            ("nothing", "nothing"),
        ];
        for (text, shown) in cases {
            assert_eq!(without_user(text), shown);
        }
        assert!(is_endpoint_url("docs.api.repo_endpoints[0].base_url"));
        assert!(is_endpoint_url("docs.api.workspace_endpoints.w.web_url"));
        assert!(!is_endpoint_url("forum.redis.url"));
    }
}
