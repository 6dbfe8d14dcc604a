//! What would be lost: work that is nowhere but in a run's worktrees and branches, and what not even a rescue saves.

use super::chain::{Held, held};
use super::facts_of_work::commits_since_start;
use super::removal::limits;
use super::steps::open_repo;
use super::{ServiceError, ServiceResult};
use crate::git::{GitError, Head, Repository};
use crate::model::{Run, RunState, RunWorktree, Strategy};
use crate::sys::process::quoted;
use std::path::Path;

/// Refuses where work is nowhere but in the run's worktrees and branches, and names it.
pub(super) fn require_nothing_lost(run: &Run) -> ServiceResult<()> {
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
            lost.extend(lost_in(&repository, path)?);
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

/// What a worktree holds that no commit or no branch holds.
fn lost_in(repository: &Repository, path: &Path) -> ServiceResult<Vec<String>> {
    let mut lost = Vec::new();
    let state = match repository.clean_state(path) {
        Ok(state) => state,
        // Somebody else's directory is kept.
        Err(GitError::NotAWorktree { .. }) => return Ok(lost),
        Err(error) => return Err(error.into()),
    };
    let dirty: Vec<_> = state.unexpected().map(|d| d.path.to_string()).collect();
    if !dirty.is_empty() {
        lost.push(format!("not committed in {}: {}", path.display(), some_of(&dirty)));
    }
    if let Some(operation) = state.operation {
        lost.push(format!("a {operation} is half done in {}", path.display()));
    }
    if let Head::Detached(id) = &state.head
        && !repository.is_held_by_a_ref(id)?
    {
        let short = id.get(..12).unwrap_or(id);
        lost.push(format!("commits up to {short} that no branch holds in {}", path.display()));
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
pub(super) fn unmerged(
    repository: &Repository,
    run: &Run,
    tree: &RunWorktree,
) -> ServiceResult<Option<usize>> {
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(None) };
    Ok(match held(repository, run, tree)? {
        Held::Gone | Held::Reachable | Held::Otherwise => None,
        _ if landed_by_receipt(run, tree, &head) => None,
        Held::No(count) => Some(count),
        Held::Reverted(_) => Some(commits_since_start(repository, tree)?),
    })
}

fn landed_by_receipt(run: &Run, tree: &RunWorktree, head: &str) -> bool {
    run.receipt
        .iter()
        .flat_map(|r| &r.repos)
        .any(|r| r.repo == tree.repo && r.heads.iter().any(|h| h == head))
}

/// Refuses where a worktree holds what a rescue cannot save whole, and names it; a worktree that somebody has locked
/// goes only by `force`. Nothing is changed.
pub(super) fn require_savable(run: &Run, force: bool, command: &str) -> ServiceResult<()> {
    if run.strategy == Strategy::Reuse {
        return Ok(());
    }
    let limits = limits(run)?;
    let (mut why, mut hints) = (Vec::new(), Vec::new());
    for tree in &run.worktrees {
        let repository = open_repo(run, &tree.repo)?;
        let Some(path) = tree.path.as_deref() else { continue };
        let place = quoted(&path.display().to_string());
        let real = crate::sys::files::real_path(path);
        let locked = repository.worktrees()?.iter().any(|w| w.locked && (w.path == path || w.path == real));
        if locked && !force && !repository.is_unfinished_worktree(path)? {
            why.push(format!("the worktree {} is locked", path.display()));
            let dir = quoted(&repository.dir().display().to_string());
            hints.push(format!("git -C {dir} worktree unlock {place}"));
        }
        if !path.is_dir() {
            continue;
        }
        let names = match repository.rescue_refusals(path, &limits) {
            Err(GitError::NotAWorktree { .. }) => continue,
            names => names?,
        };
        if !names.is_empty() {
            why.push(format!("in {} it cannot save {}", path.display(), some_of(&names)));
            hints.push(format!("git -C {place} status --ignored --untracked-files=all"));
        }
    }
    if why.is_empty() {
        return Ok(());
    }
    let id = &run.id;
    if command == "cleanup" {
        hints.push(format!("git metawsm cleanup {id} --keep-workspaces"));
    } else {
        hints.push(format!("git metawsm stop {id}"));
    }
    let message = format!("'{command}' of {id} would lose what it can save nowhere: {}.", why.join("; "));
    Err(ServiceError::Forbidden { message, hints })
}
