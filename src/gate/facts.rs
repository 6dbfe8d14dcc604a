//! What gates are told. Facts are found by services; gates never look themselves.

use crate::model::{Agreement, DocSyncState, RepoName, RunState, TicketId};

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
    /// What each run branch brings.
    pub branches: Vec<BranchFact>,
    /// One per repository that a merge would touch; none for a hook.
    pub bases: Vec<BaseFact>,
    /// One per test command that policy demands of the merge result; none where nothing is merged.
    pub checks: Vec<CheckFact>,
    /// One per ticket whose documents were seeded; none where nothing is closed.
    pub docs: Vec<DocFact>,
    /// What a bootstrap run has to show; `None` for others.
    pub bootstrap: Option<BootstrapFact>,
    /// Questions of agents that wait for an answer.
    pub questions: Vec<QuestionFact>,
    /// Threads of the run that should have been answered by now; none where nothing is closed.
    pub escalated: Vec<ThreadFact>,
    /// Work that came into a base around the gates, and that nobody has answered for.
    pub bypasses: Vec<BypassFact>,
    /// In what the stored and the present policy differ, a line each.
    pub drift: Vec<String>,
}

/// What a bootstrap run has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootstrapFact {
    /// Whether its brief names a goal.
    pub has_goal: bool,
    /// Whether its brief says when the work is done.
    pub has_criteria: bool,
    /// What its agents say of their validation, one per agent.
    pub validations: Vec<ValidationFact>,
}

/// What an agent says of its validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationFact {
    /// `<ticket>.<agent>`.
    pub agent: String,
    /// The ticket.
    pub ticket: String,
    /// What it says.
    pub claim: Claim,
}

/// What a validation came to, as its agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing was said.
    None,
    /// The result holds against the brief of the run.
    Passed,
    /// It holds against something else.
    OfOther,
    /// It does not hold; the agent's words, one line.
    Failed(String),
}

/// A question that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionFact {
    /// `<ticket>.<agent>`.
    pub agent: String,
    /// The question, one line.
    pub question: String,
    /// Its thread.
    pub thread: String,
    /// Whether it was taken in; before that it has no thread yet.
    pub is_taken: bool,
}

/// A thread that should have been answered by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadFact {
    /// Its id.
    pub id: String,
    /// Its title, one line.
    pub title: String,
    /// Its priority.
    pub priority: String,
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
    /// Whether that branch exists.
    pub branch_exists: bool,
    /// Why it could not be looked at (missing, unreadable), if so.
    pub missing: Option<String>,
    /// Where HEAD is.
    pub head: Option<HeadFact>,
    /// What is dirty, signal files left out.
    pub dirty: Vec<DirtFact>,
    /// A half-done operation, such as "A rebase", and the command that ends it.
    pub operation: Option<(String, String)>,
    /// Who judged: `git2` or `git`.
    pub judge: String,
}

/// A dirty path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtFact {
    /// The path, for people.
    pub path: String,
    /// What is wrong with it, such as "modified".
    pub what: String,
    /// The command that clears it, where committing does not.
    pub command: Option<String>,
}

impl DirtFact {
    /// Dirt that a commit clears.
    pub fn committable(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into(), command: None }
    }
}

/// What a run branch brings into its base, against the merge base of the two.
#[derive(Debug, Clone, Default)]
pub struct BranchFact {
    /// The repository, for people.
    pub repo: String,
    /// The branch.
    pub branch: String,
    /// The base.
    pub base: String,
    /// A worktree for commands.
    pub path: String,
    /// The merge base, a full id.
    pub merge_base: String,
    /// Paths under `.metawsm/` that are neither as in the merge base nor as in base.
    pub records: Vec<String>,
    /// Files that policy forbids and that the branch adds or changes.
    pub forbidden: Vec<String>,
    /// Who judged: `git2` or `git`.
    pub judge: String,
}

/// How a demanded test command stands for the merge result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckStanding {
    /// It has succeeded on this very tree.
    Passed,
    /// It has not.
    Failed {
        /// How it ended, such as "exit 2".
        how: String,
        /// Where its output is kept.
        log: String,
    },
    /// Nobody has run it on this tree; why.
    Unknown(String),
}

/// A test command that policy demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFact {
    /// The repository, for people.
    pub repo: String,
    /// The command as shown to people.
    pub command: String,
    /// How it stands.
    pub standing: CheckStanding,
}

/// Work that came into a base around the gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BypassFact {
    /// Its id.
    pub id: String,
    /// The repository, for people.
    pub repo: String,
    /// What was found, a full sentence.
    pub what: String,
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
    /// Base or a branch is missing.
    Impossible {
        /// A full sentence.
        why: String,
        /// The command that mends it.
        command: String,
    },
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
    /// The two share no history, and git refuses.
    Unrelated,
    /// Base holds the revert of an earlier merge of this branch: merging would bring nothing back.
    Reverted {
        /// The commit that reverts, a full id.
        by: String,
        /// What it reverts, a full id.
        of: String,
        /// The command that reverts the revert.
        command: String,
    },
}

/// The two copies of a seeded ticket's documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocFact {
    /// The ticket.
    pub ticket: String,
    /// The doc home.
    pub home: String,
    /// The doc home's worktree, for people.
    pub place: String,
    /// Whether the doc home is another repository than the control repository, whose copy a close brings along.
    pub is_foreign: bool,
    /// How they stand.
    pub standing: DocStanding,
}

/// How the two copies stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocStanding {
    /// It could be told.
    Known {
        /// How far the last seeding or sync came.
        state: DocSyncState,
        /// What its failure said.
        error: String,
        /// Whether it wrote down what it came to.
        has_revision: bool,
        /// Whether the workspace copy is there.
        is_present: bool,
        /// The command that brings it back.
        restore: String,
        /// What is not committed of it.
        dirty: Vec<String>,
        /// How the copies stand to each other.
        agreement: Agreement,
    },
    /// It could not be told.
    Unknown {
        /// Why.
        why: String,
        /// The command that goes on.
        command: String,
    },
}
