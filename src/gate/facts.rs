//! What gates are told. Facts are found by services; gates never look themselves.

use crate::model::{RepoName, RunState, TicketId};

/// Everything about a run that gates judge.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The run's id, for commands.
    pub run: String,
    /// Its state.
    pub state: RunState,
    /// Labels of steps that are running or failed.
    pub unfinished_steps: Vec<String>,
    /// Its agents.
    pub agents: Vec<AgentFact>,
    /// Its worktrees.
    pub worktrees: Vec<WorktreeFact>,
    /// One per repository that a merge would touch.
    pub bases: Vec<BaseFact>,
}

/// How an agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentPulse {
    /// No session, or it has ended.
    Quiet,
    /// Still at work.
    Working,
    /// It could not be told; the reason.
    Unknown(String),
}

/// One agent.
#[derive(Debug, Clone)]
pub struct AgentFact {
    /// `<ticket>.<agent>`.
    pub key: String,
    /// How it is.
    pub pulse: AgentPulse,
    /// Whether it signalled completion; then close ends it.
    pub completed: bool,
}

/// Where a worktree's HEAD is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadFact {
    /// On this branch.
    Branch(String),
    /// Detached at this commit.
    Detached(String),
}

/// One worktree of the run.
#[derive(Debug, Clone)]
pub struct WorktreeFact {
    /// The ticket.
    pub ticket: TicketId,
    /// The repository.
    pub repo: RepoName,
    /// Its directory, for people and commands.
    pub path: String,
    /// The branch it should be on.
    pub branch: String,
    /// Why it could not be looked at (missing, unreadable), if so.
    pub missing: Option<String>,
    /// Where HEAD is.
    pub head: Option<HeadFact>,
    /// Dirty paths with what is wrong with them, signal files left out.
    pub dirty: Vec<String>,
    /// A half-done operation, such as "a rebase".
    pub operation: Option<String>,
    /// Who judged: `git2` or `git`.
    pub judge: String,
}

/// What a merge into one base comes to.
#[derive(Debug, Clone)]
pub struct BaseFact {
    /// The repository.
    pub repo: RepoName,
    /// A directory for commands.
    pub path: String,
    /// The branch merged into.
    pub base: String,
    /// The chain of merges.
    pub chain: ChainFact,
    /// What is in the way where base is checked out: full sentences with the command that clears each.
    pub obstacles: Vec<(String, String)>,
}

/// The chain of a run's branches onto one base, in ticket order.
#[derive(Debug, Clone)]
pub enum ChainFact {
    /// It could be computed.
    Computed {
        /// The base before, a full commit id (of the upstream where base is strictly behind it).
        onto: String,
        /// One per branch.
        links: Vec<ChainLink>,
    },
    /// Base or a branch is missing; a full sentence.
    Impossible(String),
}

/// One branch in a chain.
#[derive(Debug, Clone)]
pub struct ChainLink {
    /// The ticket.
    pub ticket: TicketId,
    /// The branch.
    pub branch: String,
    /// Its head, a full commit id.
    pub head: String,
    /// The worktree of the branch, for commands.
    pub worktree: String,
    /// What merging it comes to.
    pub outcome: Outcome,
}

/// What merging one branch comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Base holds it already.
    Contained,
    /// The merge yields this tree.
    Merges {
        /// A full tree id.
        tree: String,
    },
    /// These files conflict.
    Conflicts {
        /// Paths for people.
        files: Vec<String>,
    },
}
