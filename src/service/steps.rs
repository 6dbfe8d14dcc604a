//! What each kind of step does. Every step is "ensure X": it looks whether X holds before it acts.

use super::{
    Caller, Control, ServiceError, ServiceResult, agents, doc_sync, documents, furnish, policies, provision,
};
use crate::git::Repository;
use crate::model::{
    Child, Delivery, DocSync, Mode, Run, RunTicket, RunWorktree, Session, Step, StepKind, Strategy,
    plain_line, title_of,
};
use crate::sessions::{Given, Launch};
use crate::tickets::{self, Found, NewTicket};
use crate::workspaces::{self, Provider, WorktreeOrder};
use crate::{sessions, store};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One step's view of its run: a copy, since only the executor writes.
pub(super) struct Work<'a> {
    pub caller: &'a Caller,
    pub control: &'a Control,
    pub run: Run,
    pub step: Step,
}

/// What a start of an agent began and gave.
#[derive(Debug, Default)]
struct Started {
    conversation: Option<String>,
    given: Given,
}

impl Started {
    fn of(launch: Launch) -> Self {
        Self { conversation: launch.conversation, given: launch.given }
    }
}

/// What a step changes in the record.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Ticket directories, by ticket index.
    docs: Option<(usize, String)>,
    /// Start commits, by worktree index.
    starts: Vec<(usize, String)>,
    /// What is known of a ticket's two copies now; written before the record of the run.
    pub(super) doc_sync: Option<Box<DocSync>>,
    /// A session, by agent index.
    session: Option<Box<(usize, Session, Started)>>,
    /// Where a workspace lies after all, by ticket index.
    pub(super) moved: Option<(usize, PathBuf)>,
    /// What was saved before something was made again, for the journal.
    pub(super) rescued: Option<String>,
    /// What a person should know, for the journal and the story.
    pub(super) notes: Vec<String>,
}

impl Change {
    /// What making a worktree changes.
    pub(super) fn of_worktree(
        moved: Option<(usize, PathBuf)>,
        rescued: Option<String>,
        notes: Vec<String>,
    ) -> Self {
        Self { moved, rescued, notes, ..Self::default() }
    }

    /// Applies the change to the record.
    pub(super) fn apply(self, run: &mut Run) {
        if let Some((index, dir)) = self.docs {
            run.tickets[index].docs = Some(dir);
        }
        if let Some((index, dir)) = self.moved {
            *run = provision::moved(run, index, dir);
        }
        for (index, id) in self.starts {
            run.worktrees[index].start = id;
        }
        if let Some((index, session, started)) = self.session.map(|started| *started) {
            let agent = &mut run.agents[index];
            agent.live = Some(session);
            agent.starts += 1;
            agent.conversation = started.conversation;
            agent.heard = started.given.feedback;
            for asked in &mut run.guidance {
                if started.given.answers.iter().any(|thread| *thread == asked.thread.as_str()) {
                    asked.delivered = Some(Delivery::Continued);
                }
            }
        }
    }
}

/// Carries out one step.
pub(super) fn act(work: &Work<'_>, on_child: &mut dyn FnMut(Child)) -> ServiceResult<Change> {
    match work.step.kind {
        StepKind::VerifyTicket => verify_ticket(work),
        StepKind::EnsureWorktree => ensure_worktree(work, on_child),
        StepKind::EnsureDocs => ensure_docs(work),
        StepKind::FinishWorkspace => finish_workspace(work),
        StepKind::StartAgent => start_agent(work),
    }
}

impl Work<'_> {
    pub(super) fn ticket(&self) -> ServiceResult<(usize, &RunTicket)> {
        let found = self.run.tickets.iter().enumerate().find(|(_, t)| t.id == self.step.ticket);
        found.ok_or_else(|| damaged(&self.run, "a step names a ticket that it does not have"))
    }

    fn workspace(&self) -> ServiceResult<&Path> {
        let (_, ticket) = self.ticket()?;
        ticket.path.as_deref().ok_or_else(|| damaged(&self.run, "a workspace has no path"))
    }

    pub(super) fn worktree(&self) -> ServiceResult<(&RunWorktree, &Path)> {
        let wanted = self.step.repo.as_ref();
        let found = self.run.worktrees_for(&self.step.ticket).find(|w| Some(&w.repo) == wanted);
        let tree =
            found.ok_or_else(|| damaged(&self.run, "a step names a worktree that it does not have"))?;
        let path = tree.path.as_deref().ok_or_else(|| damaged(&self.run, "a worktree has no path"))?;
        Ok((tree, path))
    }
}

pub(super) fn damaged(run: &Run, why: &str) -> ServiceError {
    let message = format!("The record of {} is damaged: {why}.", run.id);
    ServiceError::failed(message, &[&format!("git metawsm log {}", run.id)])
}

/// Opens a repository of a run by the path that its record holds.
pub(super) fn open_repo(run: &Run, name: &crate::model::RepoName) -> ServiceResult<Repository> {
    let repo = run.repo(name).ok_or_else(|| damaged(run, "a worktree's repository is missing"))?;
    let place = repo.common_dir.as_deref().or(repo.path.as_deref()).unwrap_or(Path::new(""));
    let by_path = repo.path.as_deref().map(Repository::discover).transpose()?.flatten();
    if let Some(found) = by_path.filter(|r| r.common_dir() == place) {
        return Ok(found);
    }
    Repository::discover(place)?.ok_or_else(|| {
        let message =
            format!("The repository '{name}' is gone: {} is not a git repository.", place.display());
        ServiceError::failed(message, &[&format!("git metawsm discard {}", run.id)])
    })
}

fn verify_ticket(work: &Work<'_>) -> ServiceResult<Change> {
    let (_, ticket) = work.ticket()?;
    if ticket.made_by_us || ticket.docs.is_none() {
        return Ok(Change::default());
    }
    let home = open_repo(&work.run, &work.run.doc_home)?;
    let keeper = policies::keeper(&work.run)?;
    for top in [work.control.repo.worktree(), home.worktree()].into_iter().flatten() {
        if let Some(root) = tickets::docs_root(top)?
            && matches!(keeper.find(&root, ticket.id.as_str())?, Found::One(_))
        {
            return Ok(Change::default());
        }
    }
    Err(ServiceError::failed(
        format!("The ticket '{}' is no longer there.", ticket.id),
        &[&format!("git metawsm resume {}", work.run.id), &format!("git metawsm discard {}", work.run.id)],
    ))
}

fn ensure_worktree(work: &Work<'_>, on_child: &mut dyn FnMut(Child)) -> ServiceResult<Change> {
    if provision::provider_of(&work.run)? == Provider::Wsm {
        return provision::ensure_by_wsm(work, on_child);
    }
    let (tree, path) = work.worktree()?;
    let repo = open_repo(&work.run, &tree.repo)?;
    let lock =
        store::lock_repo(repo.common_dir(), "worktree add", work.caller.wait.max(Duration::from_secs(60)))?;
    workspaces::exclude_signals(&repo)?;
    if work.run.strategy == Strategy::Reuse {
        super::participate::mark(&work.run, path)?;
        return Ok(Change::default());
    }
    let order = WorktreeOrder {
        repo: &repo,
        path,
        branch: &tree.branch,
        from: &tree.base_id,
        run: &work.run.id,
        branch_is_ours: tree.branch_is_ours,
    };
    let made = workspaces::ensure_worktree(&order, on_child)?;
    super::participate::mark(&work.run, path)?;
    drop(lock);
    let rescued = made.rescued.map(|kept| format!("{}: {}", tree.repo, kept.reference));
    Ok(Change { rescued, ..Change::default() })
}

fn ensure_docs(work: &Work<'_>) -> ServiceResult<Change> {
    let (index, ticket) = work.ticket()?;
    if !ticket.made_by_us {
        let known = doc_sync::seed(work.control, &work.run, ticket, work.caller.wait)?;
        add_brief(work, &work.run)?;
        return Ok(Change { doc_sync: known.map(Box::new), ..Change::default() });
    }
    let (_, path) = work.worktree()?;
    let new = NewTicket {
        id: &ticket.id,
        title: &ticket.title,
        topics: &["metawsm".to_owned()],
        summary: &ticket.title,
        body: &work.run.brief.goal,
        now: work.run.created,
    };
    let created = policies::keeper(&work.run)?.create(path, &new)?;
    let repo = require_repo(path)?;
    if repo.path_id("HEAD", &format!("{}/index.md", created.dir))?.is_none() {
        let message = format!(
            "Open ticket {}: {}\n\nMetawsm-Run: {}\n{}\n",
            ticket.id,
            title_of(&plain_line(&ticket.title), 60),
            work.run.id,
            documents::MADE
        );
        let files: Vec<_> = created.files.into_iter().map(crate::git::RepoPath::new).collect();
        repo.commit_paths(path, &files, &message)?;
    }
    let mut run = work.run.clone();
    run.tickets[index].docs = Some(created.dir.clone());
    add_brief(work, &run)?;
    Ok(Change { docs: Some((index, created.dir)), ..Change::default() })
}

/// The brief of a bootstrap as a document of the ticket, committed before any agent starts.
fn add_brief(work: &Work<'_>, run: &Run) -> ServiceResult<()> {
    if run.mode != Mode::Bootstrap {
        return Ok(());
    }
    let Some(shelf) = documents::shelf(run, &work.step.ticket, None)? else { return Ok(()) };
    shelf.add(&format!("Bootstrap brief {}", run.id), &super::bootstrap::brief_document(run)).map(|_| ())
}

fn require_repo(path: &Path) -> ServiceResult<Repository> {
    Repository::discover(path)?.ok_or_else(|| {
        ServiceError::failed(format!("{} is no longer a worktree.", path.display()), &["git metawsm status"])
    })
}

fn finish_workspace(work: &Work<'_>) -> ServiceResult<Change> {
    let workspace = work.workspace()?.to_owned();
    let policy = policies::stored(&work.run)?;
    let mut starts = Vec::new();
    for (index, tree) in work.run.worktrees.iter().enumerate().filter(|(_, t)| t.ticket == work.step.ticket) {
        let path = tree.path.as_deref().ok_or_else(|| damaged(&work.run, "a worktree has no path"))?;
        if tree.start.is_empty() {
            let here = require_repo(path)?;
            starts.push((index, here.find_commit("HEAD")?.unwrap_or_else(|| tree.base_id.clone())));
        }
        if work.run.strategy != Strategy::Reuse
            && let Some(top) = open_repo(&work.run, &tree.repo)?.worktree()
        {
            workspaces::copy_ignored(top, path, &policy.workspace.copy)?;
        }
    }
    workspaces::save_context(&workspace, &context(work)?)?;
    let notes = match work.run.strategy {
        Strategy::Reuse => Vec::new(),
        Strategy::Create | Strategy::Fork => furnish::furnish(work, &workspace)?,
    };
    let mut brief = agents::brief_text(&work.run, &work.step.ticket)?;
    let id = work.run.brief.id();
    if work.run.mode == Mode::Bootstrap && !brief.contains(&id) {
        let _ = writeln!(brief, "\nThis brief has the id {id}.");
    }
    workspaces::save_brief(&workspace, None, &brief)?;
    if !policy.workspace.setup_commands.is_empty() {
        let commands: Vec<_> =
            policy.workspace.setup_commands.iter().map(crate::policy::Command::argv).collect();
        workspaces::run_setup(&workspace, &commands, &agents::environment(work, &workspace))?;
    }
    Ok(Change { starts, notes, ..Change::default() })
}

fn context(work: &Work<'_>) -> ServiceResult<workspaces::Context> {
    let (_, ticket) = work.ticket()?;
    let repos = work.run.worktrees_for(&ticket.id).map(|t| t.repo.clone()).collect();
    let root = work.control.root().to_owned();
    let context = workspaces::Context::new(
        root,
        work.run.id.clone(),
        ticket.id.clone(),
        ticket.workspace.clone(),
        repos,
    );
    let brief = (work.run.mode == Mode::Bootstrap).then(|| work.run.brief.id());
    Ok(context.speaking(work.run.doc_home.clone(), brief))
}

fn start_agent(work: &Work<'_>) -> ServiceResult<Change> {
    let name = work.step.agent.as_ref();
    let found = work
        .run
        .agents
        .iter()
        .enumerate()
        .find(|(_, a)| a.ticket == work.step.ticket && Some(&a.name) == name);
    let (index, agent) =
        found.ok_or_else(|| damaged(&work.run, "a step names an agent that it does not have"))?;
    let files = agents::session_files(work.control, &work.run, agent);
    if let Some(session) = &agent.live
        && matches!(
            sessions::observe_states(&[(session, &files)]).as_slice(),
            [sessions::Observation::Alive { .. }]
        )
    {
        return Ok(Change::default());
    }
    // Started by somebody who was killed before writing it down.
    if let Some(session) = sessions::find_running(&files)? {
        let started = Launch::last(&files).map(Started::of).unwrap_or_default();
        return Ok(Change { session: Some(Box::new((index, session, started))), ..Change::default() });
    }
    let workspace: PathBuf = work.workspace()?.to_owned();
    let start = agents::prepare(work, agent, &workspace)?;
    let session = sessions::start(start.backend, &start.launch)?;
    Ok(Change { session: Some(Box::new((index, session, Started::of(start.launch)))), ..Change::default() })
}
