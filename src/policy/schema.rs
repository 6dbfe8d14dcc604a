//! The policy as a whole, and its defaults.

use super::agent::{AgentProfile, AgentRole, built_in_profiles, default_roles};
use super::closing::{ClosePolicy, GitPrPolicy, HooksPolicy, MergePolicy, StatePolicy};
use super::forum::ForumPolicy;
use super::running::{
    ExecutionPolicy, HealthPolicy, NotifyPolicy, OperatorPolicy, SessionsPolicy, TmuxPolicy,
};
use super::work::{DocsPolicy, TicketsPolicy, WorkspacePolicy};
use crate::model::GateLevel;
use serde::{Deserialize, Serialize};

/// The newest version of the schema, and the one that is written.
pub const POLICY_VERSION: u32 = 2;

/// The ids that `close.gates` and `close.never_waive` know, each with the level of a policy that does not name it.
pub const GATES: [(&str, GateLevel); 17] = [
    ("run-state", GateLevel::Block),
    ("agents-quiet", GateLevel::Block),
    ("clean-tree", GateLevel::Block),
    ("on-branch", GateLevel::Block),
    ("records-untouched", GateLevel::Block),
    ("forbidden-files", GateLevel::Block),
    ("checks", GateLevel::Block),
    ("docs-synced", GateLevel::Block),
    ("docs-fresh", GateLevel::Warn),
    ("brief", GateLevel::Block),
    ("validation", GateLevel::Block),
    ("guidance", GateLevel::Block),
    ("forum-quiet", GateLevel::Warn),
    ("mergeable", GateLevel::Block),
    ("base-ready", GateLevel::Block),
    ("bypass", GateLevel::Block),
    ("policy-drift", GateLevel::Warn),
];

/// A whole policy, every key set. Field order is the order in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// The version of the schema, 1 or 2.
    pub version: u32,
    /// Where and how work is laid out.
    pub workspace: WorkspacePolicy,
    /// Ticket documents.
    pub docs: DocsPolicy,
    /// Sessions in tmux.
    pub tmux: TmuxPolicy,
    /// Steps of a plan.
    pub execution: ExecutionPolicy,
    /// When an agent counts as idle or stalled.
    pub health: HealthPolicy,
    /// What a close demands.
    pub close: ClosePolicy,
    /// Automatic restarts.
    pub operator: OperatorPolicy,
    /// Threads between agents and people.
    pub forum: ForumPolicy,
    /// Commits, checks and pull requests.
    pub git_pr: GitPrPolicy,
    /// Tickets.
    pub tickets: TicketsPolicy,
    /// Where agents run.
    pub sessions: SessionsPolicy,
    /// git hooks.
    pub hooks: HooksPolicy,
    /// What a merge does.
    pub merge: MergePolicy,
    /// Records.
    pub state: StatePolicy,
    /// Who is told.
    pub notify: NotifyPolicy,
    /// What kinds of agents there are; the built-in ones stand in every policy.
    pub agent_profiles: Vec<AgentProfile>,
    /// The roles of a run.
    pub agents: Vec<AgentRole>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: POLICY_VERSION,
            workspace: WorkspacePolicy::default(),
            docs: DocsPolicy::default(),
            tmux: TmuxPolicy::default(),
            execution: ExecutionPolicy::default(),
            health: HealthPolicy::default(),
            close: ClosePolicy::default(),
            operator: OperatorPolicy::default(),
            forum: ForumPolicy::default(),
            git_pr: GitPrPolicy::default(),
            tickets: TicketsPolicy::default(),
            sessions: SessionsPolicy::default(),
            hooks: HooksPolicy::default(),
            merge: MergePolicy::default(),
            state: StatePolicy::default(),
            notify: NotifyPolicy::default(),
            agent_profiles: built_in_profiles(),
            agents: default_roles(),
        }
    }
}

impl Policy {
    /// The level of a gate: what `close.gates` says, else `default`; `close.require_clean_git = false` lowers
    /// `clean-tree` to a warning where `close.gates` does not name it.
    pub fn gate_level(&self, gate: &str, default: GateLevel) -> GateLevel {
        match self.close.gates.get(gate) {
            Some(&level) => level,
            None if gate == "clean-tree" && !self.close.require_clean_git => default.min(GateLevel::Warn),
            None => default,
        }
    }
}
