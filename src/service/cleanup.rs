//! `cleanup`: what a decided run leaves on disk goes; work that is nowhere else is named and kept.

use super::event::{Event, Progress};
use super::participate::in_path_order;
use super::select::{Selector, require_run, select};
use super::steps::open_repo;
use super::{Caller, Control, ServiceError, ServiceResult, control, decided, history, policies, sessions};
use crate::git::{Repository, RescueLimits};
use crate::model::{Run, RunId, RunState, RunWorktree, Strategy};
use crate::{store, workspaces};

/// A rescue saves files up to this size (design 6), in bytes.
const MOST_OF_A_FILE: u64 = 10 << 20;
/// And this much in all.
const MOST_IN_ALL: u64 = 100 << 20;

/// What `cleanup` was asked.
#[derive(Debug, Clone, Default)]
pub struct CleanupRequest {
    /// Which run.
    pub selector: Selector,
    /// End sessions only.
    pub keep_workspaces: bool,
    /// Remove what holds unmerged or uncommitted work too, behind rescue refs.
    pub force: bool,
}

/// What was removed and where what was saved lies, as sentences for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// Removed workspaces and branches.
    pub removed: Vec<String>,
    /// Rescue refs: `<repository>: <ref>`.
    pub rescued: Vec<String>,
    /// Disposable folders that were dropped.
    pub dropped: Vec<String>,
    /// What is still there, and why.
    pub kept: Vec<String>,
}

impl Removal {
    /// Takes in what another part removed.
    pub(super) fn merge(&mut self, other: Self) {
        self.removed.extend(other.removed);
        self.rescued.extend(other.rescued);
        self.dropped.extend(other.dropped);
        self.kept.extend(other.kept);
    }
}

/// Ends the sessions of a run, removes its workspaces and its integrated branches.
pub fn cleanup(
    caller: &Caller,
    request: &CleanupRequest,
    progress: Progress<'_>,
) -> ServiceResult<(Run, Removal)> {
    let control = control(caller)?;
    decided::finish_all(caller, &control)?;
    let id = find_decided(caller, &control, &request.selector)?;
    let run = require_run(&control, &id)?;
    if !matches!(run.state, RunState::Closed | RunState::Discarded | RunState::Completed | RunState::Stopped)
    {
        let message = format!("The run {id} is {}; only a run that is over is cleaned up.", run.state);
        let hints = [
            format!("git metawsm close {id}"),
            format!("git metawsm stop {id}"),
            format!("git metawsm discard {id}"),
        ];
        return Err(ServiceError::Failed { message, hints: hints.to_vec() });
    }
    let mut hold = control.hold(&id, "cleanup", caller)?;
    let may_lose = request.force || request.keep_workspaces;
    if !may_lose {
        // A refusal leaves the sessions alone.
        require_nothing_lost(hold.run())?;
    }
    let worked = sessions::end_sessions(&control, &mut hold)?;
    let run = hold.run().clone();
    let mut removal = Removal::default();
    if request.keep_workspaces {
        removal.kept.push("the workspaces (asked for)".to_owned());
        return Ok((run, removal));
    }
    if worked && !may_lose {
        // An agent that was still alive may have written between the look and its end.
        require_nothing_lost(&run)?;
    }
    removal.merge(remove_workspaces(caller, &run, progress)?);
    removal.merge(remove_branches(caller, &run, request.force)?);
    for line in &removal.rescued {
        hold.note("rescued", line)?;
    }
    hold.note("cleaned up", &format!("{} removed, {} kept", removal.removed.len(), removal.kept.len()))?;
    drop(hold);
    history::retire(&control)?;
    Ok((run, removal))
}

/// The named run; without a name the only closed or discarded run that still has a workspace.
fn find_decided(caller: &Caller, control: &Control, selector: &Selector) -> ServiceResult<RunId> {
    if !selector.is_empty() {
        return select(caller, control, selector, |_| true);
    }
    let has_place =
        |run: &Run| run.tickets.iter().any(|t| t.path.as_deref().is_some_and(std::path::Path::is_dir));
    let mut left = Vec::new();
    control.store.each_closed(&mut |entry| {
        left.extend(entry.into_run().filter(has_place).map(|run| (run.created, run.id)));
    })?;
    left.sort_by(|a, b| b.cmp(a));
    match left.as_slice() {
        [(_, only)] => Ok(only.clone()),
        [] => Err(ServiceError::failed(
            "No closed or discarded run has a workspace left to clean up.",
            &["git metawsm list --all"],
        )),
        several => {
            let hints = several.iter().map(|(_, id)| format!("git metawsm cleanup {id}")).collect();
            Err(ServiceError::Wrong {
                message: "Several closed or discarded runs have workspaces; name one.".to_owned(),
                hints,
            })
        }
    }
}

/// Refuses where work is nowhere but in the run's worktrees and branches, and names it.
fn require_nothing_lost(run: &Run) -> ServiceResult<()> {
    let lost = would_be_lost(run)?;
    if lost.is_empty() {
        return Ok(());
    }
    let id = &run.id;
    let message = format!("Cleaning up {id} would lose work: {}.", lost.join("; "));
    let mut hints = vec![format!("git metawsm diff {id}")];
    if run.state.is_open() {
        hints.push(format!("git metawsm close {id}"));
    }
    hints.push(format!("git metawsm cleanup {id} --force"));
    Err(ServiceError::Forbidden { message, hints })
}

/// What is nowhere but in the run's worktrees and branches.
fn would_be_lost(run: &Run) -> ServiceResult<Vec<String>> {
    let mut lost = Vec::new();
    if run.strategy == Strategy::Reuse {
        return Ok(lost);
    }
    for tree in &run.worktrees {
        let repository = open_repo(run, &tree.repo)?;
        if let Some(path) = tree.path.as_deref().filter(|p| p.is_dir()) {
            let state = repository.clean_state(path)?;
            let dirty: Vec<_> = state.unexpected().map(|d| d.path.to_string()).collect();
            if !dirty.is_empty() {
                lost.push(format!("not committed in {}: {}", path.display(), some_of(&dirty)));
            }
            if let Some(operation) = state.operation {
                lost.push(format!("a {operation} is half done in {}", path.display()));
            }
        }
        if let (Some(repo), Some(count)) = (run.repo(&tree.repo), unmerged(&repository, run, tree)?)
            && run.state != RunState::Discarded
        {
            let commits = if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
            lost.push(format!(
                "{commits} of '{}' that '{}' of {} does not hold",
                tree.branch, repo.base, repo.name
            ));
        }
    }
    Ok(lost)
}

/// The first few names, and how many more there are.
fn some_of(names: &[String]) -> String {
    let shown = names[..names.len().min(5)].join(", ");
    match names.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How many commits of a run branch base does not hold, in any way that counts as contained; `None` where none.
fn unmerged(repository: &Repository, run: &Run, tree: &RunWorktree) -> ServiceResult<Option<usize>> {
    let Some(repo) = run.repo(&tree.repo) else { return Ok(None) };
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(None) };
    let Some(base) = repository.branch_id(&repo.base)? else { return Ok(Some(1)) };
    if repository.is_ancestor(&head, &base)? || landed_by_receipt(run, tree, &head) {
        return Ok(None);
    }
    if let crate::git::Merged::Clean { tree: merged } = repository.merge_trees(&base, &head)?
        && Some(&merged) == repository.tree_id(&base)?.as_ref()
    {
        return Ok(None);
    }
    Ok(Some(repository.commits(&base, &head)?.len()))
}

fn landed_by_receipt(run: &Run, tree: &RunWorktree, head: &str) -> bool {
    run.receipt
        .iter()
        .flat_map(|r| &r.repos)
        .any(|r| r.repo == tree.repo && r.heads.iter().any(|h| h == head))
}

/// Removes every workspace of a run; what is dirty, untracked or ignored in it is saved behind rescue refs first.
/// A reused workspace is never removed.
pub(super) fn remove_workspaces(
    caller: &Caller,
    run: &Run,
    progress: Progress<'_>,
) -> ServiceResult<Removal> {
    let mut removal = Removal::default();
    if run.strategy == Strategy::Reuse {
        removal.kept.extend(
            run.tickets.iter().map(|t| format!("the workspace {} (it was there before)", t.workspace)),
        );
        return Ok(removal);
    }
    let limits = RescueLimits {
        disposable: policies::stored(run)?.workspace.disposable,
        max_file: MOST_OF_A_FILE,
        max_total: MOST_IN_ALL,
    };
    let _locks = super::land::lock_all(
        caller,
        in_path_order(run).iter().filter_map(|r| r.common_dir.clone()),
        "cleanup",
    )?;
    for ticket in &run.tickets {
        let Some(dir) = &ticket.path else { continue };
        let was_there = dir.exists();
        progress(Event::Began(format!("remove workspace {}", ticket.workspace)));
        let repositories = run
            .worktrees_for(&ticket.id)
            .map(|tree| Ok((tree, open_repo(run, &tree.repo)?)))
            .collect::<ServiceResult<Vec<_>>>()?;
        let request = workspaces::Removal {
            run: &run.id,
            workspace: &ticket.workspace,
            dir,
            worktrees: repositories
                .iter()
                .filter_map(|(tree, repo)| {
                    Some(workspaces::RemovalWorktree { repo, name: &tree.repo, path: tree.path.as_deref()? })
                })
                .collect(),
            limits: &limits,
        };
        let removed = workspaces::remove(&request)?;
        removal.rescued.extend(removed.rescued.iter().map(|r| format!("{}: {}", r.repo, r.reference)));
        removal.dropped.extend(removed.dropped.iter().cloned());
        removal.kept.extend(removed.kept.iter().map(|p| p.display().to_string()));
        if was_there {
            removal.removed.push(format!("workspace {}", dir.display()));
            progress(Event::Done(format!("remove workspace {}", ticket.workspace)));
        }
    }
    Ok(removal)
}

/// Deletes the run's branches: those that base contains; the others only behind a rescue ref, and only with
/// `all`. A branch that existed before the run is never touched.
pub(super) fn remove_branches(caller: &Caller, run: &Run, all: bool) -> ServiceResult<Removal> {
    let mut removal = Removal::default();
    for repo in in_path_order(run) {
        let repository = open_repo(run, &repo.name)?;
        let _lock = store::lock_repo(repository.common_dir(), "cleanup", caller.wait)?;
        for tree in run.worktrees_of(&repo.name).filter(|t| t.branch_is_ours) {
            removal.merge(remove_branch(&repository, run, tree, all)?);
        }
    }
    Ok(removal)
}

fn remove_branch(
    repository: &Repository,
    run: &Run,
    tree: &RunWorktree,
    all: bool,
) -> ServiceResult<Removal> {
    let mut removal = Removal::default();
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(removal) };
    if !repository.base_holders(&tree.branch)?.is_empty() {
        removal.kept.push(format!("branch '{}' of {} (it is checked out)", tree.branch, tree.repo));
        return Ok(removal);
    }
    if !all && unmerged(repository, run, tree)?.is_some() {
        removal.kept.push(format!("branch '{}' of {} (base does not hold it)", tree.branch, tree.repo));
        return Ok(removal);
    }
    let base = run.repo(&tree.repo).map(|r| repository.branch_id(&r.base)).transpose()?.flatten();
    let reachable = match &base {
        Some(base) => repository.is_ancestor(&head, base)?,
        None => false,
    };
    if !reachable {
        let workspace = run.ticket(&tree.ticket).map_or("branch", |t| t.workspace.as_str());
        let name = workspaces::free_rescue_ref(repository, &run.id, workspace, &tree.repo)?;
        repository.rescue_branch(&tree.branch, &name)?;
        removal.rescued.push(format!("{}: {name}", tree.repo));
    }
    repository.delete_ref(&format!("refs/heads/{}", tree.branch), &head)?;
    removal.removed.push(format!("branch '{}' of {}", tree.branch, tree.repo));
    Ok(removal)
}
