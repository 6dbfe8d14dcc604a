//! Workspaces and branches taken away, each behind a rescue where it holds what is nowhere else.

use super::event::{Event, Progress};
use super::losses::unmerged;
use super::participate::in_path_order;
use super::steps::open_repo;
use super::{Caller, ServiceResult, policies, provision};
use crate::git::{Kept, Repository, RescueLimits};
use crate::model::{RepoName, Run, RunWorktree, Strategy};
use crate::store::{self, Hold};
use crate::workspaces;

/// A rescue saves files up to this size (design 6), in bytes.
const MOST_OF_A_FILE: u64 = 10 << 20;
/// And this much in all.
const MOST_IN_ALL: u64 = 100 << 20;

/// What the rescues of a run may drop, and how much they save.
pub(super) fn limits(run: &Run) -> ServiceResult<RescueLimits> {
    let disposable = policies::stored(run)?.workspace.disposable;
    Ok(RescueLimits { disposable, max_file: MOST_OF_A_FILE, max_total: MOST_IN_ALL })
}

/// Something that was saved before it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The repository.
    pub repo: RepoName,
    /// The rescue ref in it.
    pub reference: String,
    /// The id of the rescue, by which people call it.
    pub id: String,
}

/// What was removed and where what was saved lies, as sentences for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// Removed workspaces and branches.
    pub removed: Vec<String>,
    /// What was saved first.
    pub rescued: Vec<Saved>,
    /// Disposable folders that were dropped.
    pub dropped: Vec<String>,
    /// What is still there, and why.
    pub kept: Vec<String>,
}

impl Removal {
    fn save(&mut self, repo: &RepoName, kept: Kept) {
        self.rescued.push(Saved { repo: repo.clone(), reference: kept.reference, id: kept.id });
    }

    /// Writes down what was saved.
    fn note(&self, hold: &mut Hold) -> ServiceResult<()> {
        for saved in &self.rescued {
            hold.note("rescued", &format!("{}: {}", saved.repo, saved.reference))?;
        }
        Ok(())
    }

    /// Takes in what another part removed.
    pub(super) fn merge(&mut self, other: Self) {
        self.removed.extend(other.removed);
        self.rescued.extend(other.rescued);
        self.dropped.extend(other.dropped);
        self.kept.extend(other.kept);
    }
}

/// Removes every workspace of a run; what is dirty, untracked or ignored in it is saved behind rescue refs first.
/// A reused workspace is never removed.
pub(super) fn remove_workspaces(
    caller: &Caller,
    hold: &mut Hold,
    why: &str,
    progress: Progress<'_>,
) -> ServiceResult<Removal> {
    let run = &hold.run().clone();
    let mut removal = Removal::default();
    if run.strategy == Strategy::Reuse {
        removal.kept.extend(
            run.tickets.iter().map(|t| format!("the workspace {} (it was there before)", t.workspace)),
        );
        return Ok(removal);
    }
    let limits = limits(run)?;
    let _locks =
        super::land::lock_all(caller, in_path_order(run).iter().filter_map(|r| r.common_dir.clone()), why)?;
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
            provider: provision::provider_of(run)?,
            limits: &limits,
            why,
        };
        let removed = workspaces::remove(&request)?;
        for rescued in removed.rescued {
            removal.save(&rescued.repo, rescued.kept);
        }
        for note in &removed.notes {
            hold.note("told", note)?;
            progress(Event::Note(format!("note: {note}")));
        }
        removal.dropped.extend(removed.dropped.iter().cloned());
        removal.kept.extend(removed.kept.iter().map(|p| p.display().to_string()));
        if was_there {
            removal.removed.push(format!("workspace {}", dir.display()));
            progress(Event::Done(format!("remove workspace {}", ticket.workspace)));
        }
    }
    removal.note(hold)?;
    Ok(removal)
}

/// Deletes the run's branches: those that base contains; the others only behind a rescue ref, and only with
/// `all`. A branch that existed before the run is never touched.
pub(super) fn remove_branches(
    caller: &Caller,
    hold: &mut Hold,
    why: &str,
    all: bool,
) -> ServiceResult<Removal> {
    let run = &hold.run().clone();
    let mut removal = Removal::default();
    for repo in in_path_order(run) {
        let repository = open_repo(run, &repo.name)?;
        let _lock = store::lock_repo(repository.common_dir(), why, caller.wait)?;
        for tree in run.worktrees_of(&repo.name).filter(|t| t.branch_is_ours) {
            if all || unmerged(&repository, run, tree)?.is_none() {
                remove_branch(&repository, run, tree, why, &mut removal)?;
            } else {
                let kept = format!("branch '{}' of {} (base does not hold it)", tree.branch, tree.repo);
                removal.kept.push(kept);
            }
        }
    }
    removal.note(hold)?;
    Ok(removal)
}

fn remove_branch(
    repository: &Repository,
    run: &Run,
    tree: &RunWorktree,
    why: &str,
    removal: &mut Removal,
) -> ServiceResult<()> {
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(()) };
    if !repository.base_holders(&tree.branch)?.is_empty() {
        removal.kept.push(format!("branch '{}' of {} (it is checked out)", tree.branch, tree.repo));
        return Ok(());
    }
    let base = run.repo(&tree.repo).map(|r| repository.branch_id(&r.base)).transpose()?.flatten();
    let is_held = match &base {
        Some(base) => repository.is_ancestor(&head, base)?,
        None => false,
    };
    let workspace = run.ticket(&tree.ticket).map_or("branch", |t| t.workspace.as_str());
    let reference = workspaces::free_rescue_ref(repository, &run.id, workspace, &tree.repo)?;
    if let Some(kept) = repository.rescue_branch(&tree.branch, &reference, why, is_held)? {
        removal.save(&tree.repo, kept);
    }
    repository.delete_ref(&format!("refs/heads/{}", tree.branch), &head)?;
    removal.removed.push(format!("branch '{}' of {}", tree.branch, tree.repo));
    Ok(())
}
