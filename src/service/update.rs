//! `update`: base is taken into every branch of a run; conflicts are left in the worktree and handed over.

use super::agents::session_files;
use super::chain::start_of;
use super::documents::MADE;
use super::event::{Event, Progress};
use super::land::{lock_all, require_identity};
use super::select::{Selector, require_open, require_run, select};
use super::steps::{self, open_repo};
use super::{
    Caller, Control, ServiceError, ServiceResult, control, intent, policies, sessions as agents_now, settle,
};
use crate::git::{Fetched, Head, Merged, RepoPath, Repository, TakenIn};
use crate::model::{Run, RunWorktree, TicketId};
use crate::sessions::{self, Observation};
use crate::store::Hold;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// What `update` was asked.
#[derive(Debug, Clone, Default)]
pub struct UpdateRequest {
    /// Which run.
    pub selector: Selector,
    /// Say only what would come of it.
    pub dry_run: bool,
}

/// What `update` came to.
#[derive(Debug, Clone)]
pub struct UpdateReport {
    /// The run.
    pub run: Run,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// One per worktree, in the order of the record.
    pub updates: Vec<Update>,
    /// Agents that were told of their conflicts.
    pub told: Vec<String>,
}

/// What came of one worktree.
#[derive(Debug, Clone)]
pub struct Update {
    /// Its entry in the record.
    pub tree: RunWorktree,
    /// The branch that was taken in.
    pub base: String,
    /// What came of it.
    pub taken: Taken,
}

/// What came of taking base into one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The branch holds base already.
    Already,
    /// The branch is at this commit; a dry run names none.
    Done(Option<String>),
    /// These files conflict.
    Conflict(Vec<String>),
    /// A hook or git refused.
    Refused(String),
}

impl UpdateReport {
    /// Whether base was not taken into every branch.
    pub fn is_partial(&self) -> bool {
        self.updates.iter().any(|u| matches!(u.taken, Taken::Conflict(_) | Taken::Refused(_)))
    }
}

/// Takes base into every branch of a run. Every worktree is looked at before the first one is touched.
pub fn update(
    caller: &Caller,
    request: &UpdateRequest,
    progress: Progress<'_>,
) -> ServiceResult<UpdateReport> {
    let mut control = control(caller)?;
    if request.dry_run {
        control = control.frozen();
    }
    let id = select(caller, &control, &request.selector, |run| run.state.is_open())?;
    let run = require_run(&control, &id)?;
    require_open(&run)?;
    intent::require_none(&control, &id)?;
    if request.dry_run {
        let run = settle::preview(&control, run, crate::gate::Action::Merge)?;
        require_ready(&control, &run)?;
        let foresee = |tree: &RunWorktree| foresee(&run, tree);
        let updates = run.worktrees.iter().map(foresee).collect::<ServiceResult<_>>()?;
        return Ok(UpdateReport { run, dry_run: true, updates, told: Vec::new() });
    }
    let mut hold = control.hold(&id, "update", caller)?;
    require_open(hold.run())?;
    settle::settle(&control, &mut hold)?;
    require_ready(&control, hold.run())?;
    fetch(hold.run(), progress)?;
    let mut updates = Vec::new();
    for tree in hold.run().worktrees.clone() {
        updates.push(take(caller, &mut hold, tree, progress)?);
    }
    let told = hand_over(&control, &mut hold, &updates)?;
    Ok(UpdateReport { run: hold.run().clone(), dry_run: false, updates, told })
}

/// Refuses while an agent works, and where a worktree is dirty, gone, or on another branch: all of it at once.
fn require_ready(control: &Control, run: &Run) -> ServiceResult<()> {
    let (mut wrong, mut hints) = (Vec::new(), Vec::new());
    for (agent, seen) in run.agents.iter().zip(agents_now::observe(control, run)) {
        if matches!(seen, Observation::Alive { .. } | Observation::Unknown { .. })
            && agent.completed.is_none()
        {
            wrong.push(format!("{} still works", agent.key()));
            hints.push(format!("git metawsm stop {}", run.id));
        }
    }
    for tree in &run.worktrees {
        let path = tree.path.as_deref().unwrap_or(Path::new(""));
        let repository = open_repo(run, &tree.repo)?;
        if let Some((why, hint)) = not_ready(&repository, tree, path)? {
            wrong.push(why);
            hints.push(hint.unwrap_or_else(|| format!("git metawsm commit {}", run.id)));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    hints.dedup();
    let message = format!("Nothing was updated: {}.", wrong.join("; "));
    Err(ServiceError::Failed { message, hints })
}

fn not_ready(
    repository: &Repository,
    tree: &RunWorktree,
    path: &Path,
) -> ServiceResult<Option<(String, Option<String>)>> {
    let place = path.display();
    let status = Some(format!("git -C {place} status"));
    if !path.is_dir() {
        return Ok(Some((format!("the worktree {place} is gone"), Some("git metawsm status".to_owned()))));
    }
    let state = repository.clean_state(path)?;
    if let Some(operation) = state.operation {
        return Ok(Some((format!("a {operation} is half done in {place}"), status)));
    }
    match &state.head {
        Head::Branch { name, .. } if *name == tree.branch => {}
        head => {
            return Ok(Some((
                format!("{place} is on {} and not on '{}'", head.describe(), tree.branch),
                status,
            )));
        }
    }
    let dirty: Vec<_> = state.unexpected().map(|d| format!("{} ({})", d.path, d.what)).collect();
    match dirty.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some((format!("{only} is not committed in {place}"), None))),
        [first, more @ ..] => {
            Ok(Some((format!("{first} and {} more are not committed in {place}", more.len()), None)))
        }
    }
}

/// Looks for a newer base, as `run` does before it starts; a remote that does not answer is only told.
fn fetch(run: &Run, progress: Progress<'_>) -> ServiceResult<()> {
    let seconds = policies::stored(run)?.workspace.fetch_seconds;
    if seconds == 0 {
        return Ok(());
    }
    for repo in &run.repos {
        let repository = open_repo(run, &repo.name)?;
        let (remote, branch) = match repository.upstream(&repo.base)? {
            Some(up) if up.remote == "." => continue,
            Some(up) => (up.remote, up.remote_ref.trim_start_matches("refs/heads/").to_owned()),
            None if repository.remotes()?.iter().any(|r| r == "origin") => {
                ("origin".to_owned(), repo.base.clone())
            }
            None => continue,
        };
        if let Fetched::Failed { why } =
            repository.fetch_branch(&remote, &branch, Duration::from_secs(seconds))?
        {
            progress(Event::Note(format!(
                "{} could not be fetched, so its base may be old: {why}",
                repo.name
            )));
        }
    }
    Ok(())
}

/// Base as it is taken in: its name, and its commit, the upstream's where base is strictly behind it.
fn base_of(repository: &Repository, run: &Run, tree: &RunWorktree) -> ServiceResult<(String, String)> {
    let repo =
        run.repo(&tree.repo).ok_or_else(|| steps::damaged(run, "a worktree's repository is missing"))?;
    let local = repository.branch_id(&repo.base)?;
    let id = start_of(repository, &repo.base, local.as_deref())?.ok_or_else(|| {
        let message = format!("The base branch '{}' of {} no longer exists.", repo.base, repo.name);
        let hint = format!("git -C {} branch --list --all", repository.dir().display());
        ServiceError::failed(message, &[&hint])
    })?;
    Ok((repo.base.clone(), id))
}

fn foresee(run: &Run, tree: &RunWorktree) -> ServiceResult<Update> {
    let repository = open_repo(run, &tree.repo)?;
    let (base, id) = base_of(&repository, run, tree)?;
    let head = repository.branch_id(&tree.branch)?.unwrap_or_default();
    let taken = if repository.is_ancestor(&id, &head)? {
        Taken::Already
    } else {
        match repository.merge_trees(&head, &id)? {
            Merged::Clean { .. } => Taken::Done(None),
            Merged::Conflict { files } => Taken::Conflict(names(&files)),
            Merged::Unrelated => Taken::Refused("the two have no common history".to_owned()),
        }
    };
    Ok(Update { tree: tree.clone(), base, taken })
}

fn names(files: &[RepoPath]) -> Vec<String> {
    files.iter().map(ToString::to_string).collect()
}

fn take(
    caller: &Caller,
    hold: &mut Hold,
    tree: RunWorktree,
    progress: Progress<'_>,
) -> ServiceResult<Update> {
    let run = hold.run().clone();
    let repository = open_repo(&run, &tree.repo)?.with_hold(hold.token(), run.id.as_str());
    let (base, id) = base_of(&repository, &run, &tree)?;
    let path = tree.path.clone().unwrap_or_default();
    let label = format!("take '{base}' into '{}' of {}", tree.branch, tree.repo);
    let _locks = lock_all(caller, [repository.common_dir().to_owned()], "update")?;
    if repository
        .branch_id(&tree.branch)?
        .is_some_and(|head| repository.is_ancestor(&id, &head).unwrap_or(false))
    {
        return Ok(Update { tree, base, taken: Taken::Already });
    }
    require_identity(&repository.at(&path)?)?;
    progress(Event::Began(label.clone()));
    let message = format!("Merge '{base}' into '{}'\n\nMetawsm-Run: {}\n{MADE}\n", tree.branch, run.id);
    let taken = match repository.take_in(&path, &id, &message)? {
        TakenIn::Already => Taken::Already,
        TakenIn::Done { id } => Taken::Done(Some(id)),
        TakenIn::Conflict { files } => Taken::Conflict(names(&files)),
        TakenIn::Refused { why } => Taken::Refused(why),
    };
    let said = match &taken {
        Taken::Conflict(files) => format!("conflicts in {}", files.join(", ")),
        Taken::Refused(why) => format!("refused: {}", crate::model::plain_line(why)),
        Taken::Already | Taken::Done(_) => String::new(),
    };
    progress(if said.is_empty() {
        Event::Done(label.clone())
    } else {
        Event::Failed(label.clone(), said.clone())
    });
    hold.note("updated", format!("{label}: {}", if said.is_empty() { "done" } else { &said }).as_str())?;
    Ok(Update { tree, base, taken })
}

/// Tells the agents of tickets with conflicts, where one is there to be told.
fn hand_over(control: &Control, hold: &mut Hold, updates: &[Update]) -> ServiceResult<Vec<String>> {
    let run = hold.run().clone();
    let mut told = Vec::new();
    for agent in &run.agents {
        let text = words_for(&agent.ticket, updates);
        let Some(session) = agent.live.as_ref().filter(|_| !text.is_empty()) else { continue };
        if sessions::tell(session, &session_files(control, &run, agent), &text).is_ok() {
            hold.note("told", &format!("{}: {text}", agent.key()))?;
            told.push(agent.key());
        }
    }
    Ok(told)
}

fn words_for(ticket: &TicketId, updates: &[Update]) -> String {
    let mut text = String::new();
    for update in updates.iter().filter(|u| u.tree.ticket == *ticket) {
        if let Taken::Conflict(files) = &update.taken {
            let place = update.tree.path.as_deref().unwrap_or(Path::new(""));
            let _ = write!(
                text,
                "'{}' was merged into '{}' in {} and conflicts in {}. Resolve these files, then 'git add' and 'git commit'. ",
                update.base,
                update.tree.branch,
                place.display(),
                files.join(", ")
            );
        }
    }
    text.trim_end().to_owned()
}
