//! The record of a run: spec, brief, state, steps, agents. One file, replaced whole at each transition.

use super::{
    AgentName, Bypass, CheckResult, Feedback, Guidance, IllegalMove, LandedMark, MergeDone, Receipt,
    RepoName, RunId, RunState, StepState, StoredPolicy, TicketId, Validation, WorkspaceName,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The format version that this program writes.
pub const RECORD_FORMAT: u32 = 4;

/// A run. Field order is the order in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Format version of the record.
    pub format: u32,
    /// Always `run`.
    pub kind: String,
    /// The id.
    pub id: RunId,
    /// The state; changed by [`Run::go`] only.
    pub state: RunState,
    /// What the last move said.
    #[serde(default)]
    pub reason: String,
    /// When the run was made.
    pub created: Timestamp,
    /// When the state last changed.
    pub changed: Timestamp,
    /// Who made it, `Name <mail>`.
    #[serde(default)]
    pub actor: String,
    /// Standard or bootstrap.
    #[serde(default)]
    pub mode: Mode,
    /// How workspaces come about.
    #[serde(default)]
    pub strategy: Strategy,
    /// The workspace or run named by `--from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The repository that holds the tickets' documents.
    pub doc_home: RepoName,
    /// Which copy of the documents is the truth.
    #[serde(default)]
    pub doc_authority: String,
    /// How documents come into the doc home.
    #[serde(default)]
    pub doc_seed: String,
    /// Goal, scope and so on.
    #[serde(default)]
    pub brief: Brief,
    /// The tickets, in the order given.
    pub tickets: Vec<RunTicket>,
    /// The repositories, in the order given.
    pub repos: Vec<RunRepo>,
    /// One per ticket and repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worktrees: Vec<RunWorktree>,
    /// One per ticket and agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<RunAgent>,
    /// What its agents asked a person, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guidance: Vec<Guidance>,
    /// What a person said about finished work, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<Feedback>,
    /// The plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The merges of ours that have landed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<MergeDone>,
    /// What `--landed` said, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub landed: Vec<LandedMark>,
    /// The last result of each check on a merge result; left out of the published record, whose receipt names those
    /// that counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
    /// Work that came into a base around the gates, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypasses: Vec<Bypass>,
    /// What a close did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The policy that the run was planned under; left out of the published record.
    #[serde(default, skip_serializing_if = "StoredPolicy::is_empty")]
    pub policy: StoredPolicy,
}

impl Run {
    /// Moves the run to another state, if the table of states allows it.
    pub fn go(&mut self, to: RunState, reason: &str, now: Timestamp) -> Result<(), IllegalMove> {
        self.state.check_move(to)?;
        self.state = to;
        reason.clone_into(&mut self.reason);
        self.changed = now;
        Ok(())
    }

    /// The ticket's entry.
    pub fn ticket(&self, id: &TicketId) -> Option<&RunTicket> {
        self.tickets.iter().find(|t| &t.id == id)
    }

    /// The repository's entry.
    pub fn repo(&self, name: &RepoName) -> Option<&RunRepo> {
        self.repos.iter().find(|r| &r.name == name)
    }

    /// The worktrees of one repository, in ticket order.
    pub fn worktrees_of<'a>(&'a self, repo: &'a RepoName) -> impl Iterator<Item = &'a RunWorktree> {
        self.worktrees.iter().filter(move |w| &w.repo == repo)
    }

    /// The worktrees of one ticket's workspace, in repository order.
    pub fn worktrees_for<'a>(&'a self, ticket: &'a TicketId) -> impl Iterator<Item = &'a RunWorktree> {
        self.worktrees.iter().filter(move |w| &w.ticket == ticket)
    }

    /// A short text of what the run is for: the goal's first line, else the tickets.
    pub fn title(&self) -> String {
        if self.brief.goal.trim().is_empty() {
            let ids: Vec<_> = self.tickets.iter().map(|t| t.id.as_str()).collect();
            return ids.join(", ");
        }
        super::title_of(&self.brief.goal, 72)
    }
}

/// Standard or bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Made by `run`.
    #[default]
    Standard,
    /// Made by `bootstrap`, with a brief.
    Bootstrap,
}

/// How workspaces come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// New branches from base.
    #[default]
    Create,
    /// New branches from the branches of another run, which are also their base.
    Fork,
    /// An existing workspace, never removed by us.
    Reuse,
}

impl Strategy {
    /// The strategy's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Fork => "fork",
            Self::Reuse => "reuse",
        }
    }
}

/// What is to be done, as the person said it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Brief {
    /// What should be built or changed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub goal: String,
    /// Which areas are in scope.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// What defines complete.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub done_criteria: String,
    /// Limits and non-goals.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub constraints: String,
    /// What should happen at the merge.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub merge_intent: String,
}

/// One ticket of a run and its workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTicket {
    /// The ticket.
    pub id: TicketId,
    /// The title, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The workspace's name.
    pub workspace: WorkspaceName,
    /// Where the workspace lies; absolute in live records, left out of published ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The ticket's directory relative to the doc home's worktree, `/` between parts, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// The git tree id of that directory when the run was decided; only published records hold it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// Whether `--create` made the ticket for this run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made_by_us: bool,
}

/// One repository of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRepo {
    /// The name; also the directory in each workspace.
    pub name: RepoName,
    /// A checkout of it (or the bare repository); left out of published records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Its git common directory; left out of published records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_dir: Option<PathBuf>,
    /// The branch merged into, without `refs/heads/`.
    pub base: String,
    /// The commit that new branches started from, and where it was found ("local", "origin").
    pub base_id: String,
    /// What a person should know about the base, such as that it has diverged from its upstream.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_note: String,
}

/// The worktree of one repository in one ticket's workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunWorktree {
    /// The ticket.
    pub ticket: TicketId,
    /// The repository.
    pub repo: RepoName,
    /// Where it lies; left out of published records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Its branch, without `refs/heads/`.
    pub branch: String,
    /// The base commit for this worktree's branch (a fork's base differs from the repository's).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_id: String,
    /// The head after provisioning; empty before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// Whether we made the branch; one that existed before is never deleted by us.
    #[serde(default)]
    pub branch_is_ours: bool,
}

/// One agent on one ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAgent {
    /// The ticket.
    pub ticket: TicketId,
    /// The role's name.
    pub name: AgentName,
    /// The policy profile.
    #[serde(default)]
    pub profile: String,
    /// `shell`, `codex`, `claude` or `command`.
    pub runner: String,
    /// The session's name, one everywhere.
    pub session: String,
    /// How often the session was started.
    #[serde(default)]
    pub starts: u32,
    /// The running or ended session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Session>,
    /// Whether its completion signal was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<String>,
    /// The runner's conversation id, to continue it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// How many of the run's feedbacks it was given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub heard: usize,
    /// What it last said that its validation came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is how serde asks")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl RunAgent {
    /// The agent's key within its run, `<ticket>.<agent>`; also the stem of its files.
    pub fn key(&self) -> String {
        format!("{}.{}", self.ticket, self.name)
    }
}

/// Which backend holds a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionBackend {
    /// A session of the user's tmux server.
    Tmux,
    /// A detached process with a log file.
    Process,
}

impl SessionBackend {
    /// The backend's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tmux => "tmux",
            Self::Process => "process",
        }
    }
}

/// How to find a session again, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The backend.
    pub backend: SessionBackend,
    /// tmux: the session id (`$3`); tmux ids restart with the server, so the server stands beside it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// tmux: the pane id (`%5`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pane: String,
    /// tmux: the server's process. Process backend: the wrapper.
    pub process: Child,
    /// The random token of this start; the wrapper's files and the environment of everything below carry it.
    pub token: String,
}

/// A process that can be recognised again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    pub start: u64,
}

/// What a step ensures. The order is the order in which steps of one ticket depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The ticket exists.
    VerifyTicket,
    /// One repository's worktree stands in the workspace.
    EnsureWorktree,
    /// The ticket's documents are in the doc home (made there when `--create` asked for it).
    EnsureDocs,
    /// Copied files, set-up commands, context, brief and the wsm file are there.
    FinishWorkspace,
    /// The agent's session was started.
    StartAgent,
}

/// One step of a run's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it ensures.
    pub kind: StepKind,
    /// For which ticket.
    pub ticket: TicketId,
    /// For which repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoName>,
    /// For which agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// How far it is.
    pub state: StepState,
    /// Attempts so far.
    #[serde(default)]
    pub attempts: u32,
    /// What the last failed attempt said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// A git child that changes things, while the step runs; who finds it alive waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<Child>,
}

impl Step {
    /// A new pending step.
    pub fn new(kind: StepKind, ticket: TicketId) -> Self {
        Self {
            kind,
            ticket,
            repo: None,
            agent: None,
            state: StepState::Pending,
            attempts: 0,
            error: String::new(),
            child: None,
        }
    }

    /// The step's name for people.
    pub fn label(&self) -> String {
        let ticket = &self.ticket;
        match (self.kind, &self.repo, &self.agent) {
            (StepKind::VerifyTicket, ..) => format!("verify ticket {ticket}"),
            (StepKind::EnsureWorktree, Some(repo), _) => format!("worktree of {repo} for {ticket}"),
            (StepKind::EnsureWorktree, None, _) => format!("worktree for {ticket}"),
            (StepKind::FinishWorkspace, ..) => format!("set up the workspace of {ticket}"),
            (StepKind::EnsureDocs, ..) => format!("documents of {ticket}"),
            (StepKind::StartAgent, _, Some(agent)) => format!("start {agent} on {ticket}"),
            (StepKind::StartAgent, ..) => format!("start the agent on {ticket}"),
        }
    }
}
