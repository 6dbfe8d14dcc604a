//! What agents have done: commits since the start, and what is not committed.

use super::ServiceResult;
use super::documents::MADE;
use super::steps::open_repo;
use crate::git::Repository;
use crate::model::{Run, RunWorktree};

/// The work in a run's worktrees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Commits on the run's branches since their start that we did not make, merge parents excluded.
    pub commits: usize,
    /// Paths that are not committed.
    pub dirty: usize,
    /// Worktrees that could not be looked at, with the reason.
    pub odd: Vec<String>,
}

/// Looks at every worktree of a run.
pub(super) fn work(run: &Run) -> ServiceResult<Work> {
    let mut sum = Work::default();
    for tree in &run.worktrees {
        let repository = open_repo(run, &tree.repo)?;
        sum.commits += commits_of_others(&repository, tree)?;
        if repository.branch_id(&tree.branch)?.is_none() {
            sum.odd.push(format!("The run branch '{}' of {} no longer exists", tree.branch, tree.repo));
        }
        match tree.path.as_deref().filter(|path| path.is_dir()) {
            Some(path) => match repository.clean_state(path) {
                Ok(state) => {
                    sum.dirty += state.unexpected().count();
                    if let Some(operation) = state.operation {
                        sum.odd.push(format!("A {operation} is half done in {}", path.display()));
                    }
                }
                Err(error) => sum.odd.push(error.to_string()),
            },
            None => sum.odd.push(format!("the worktree of {} for {} is gone", tree.repo, tree.ticket)),
        }
    }
    Ok(sum)
}

/// Commits on a run branch since its start, without what we committed there (documents, merges of base) and without
/// what came in by merges.
fn commits_of_others(repository: &Repository, tree: &RunWorktree) -> ServiceResult<usize> {
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(0) };
    if tree.start.is_empty() || head == tree.start {
        return Ok(0);
    }
    let mut count = 0;
    for id in repository.first_parents(&head, std::slice::from_ref(&tree.start))? {
        let is_ours = repository.message(&id)?.lines().any(|line| line.trim_end() == MADE);
        count += usize::from(!is_ours);
    }
    Ok(count)
}

/// Commits on a run branch since its start.
pub(super) fn commits_since_start(repository: &Repository, tree: &RunWorktree) -> ServiceResult<usize> {
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(0) };
    if tree.start.is_empty() || head == tree.start {
        return Ok(0);
    }
    Ok(repository.commits(&tree.start, &head)?.len())
}
