//! What changed in the worktrees of a run: what `status --git` adds.

use super::steps::open_repo;
use super::{ServiceError, ServiceResult};
use crate::git::{DiffCounts, Repository};
use crate::model::{Run, RunWorktree};
use std::path::PathBuf;

/// At most this many commits are told by their subjects.
const SUBJECTS: usize = 5;

/// What changed in one worktree since its start.
#[derive(Debug, Clone, Default)]
pub struct TreeChanges {
    /// The ticket.
    pub ticket: String,
    /// The repository.
    pub repo: String,
    /// Its directory.
    pub path: PathBuf,
    /// Commits that the branch brings.
    pub commits: usize,
    /// The first lines of the newest of them, newest first.
    pub subjects: Vec<String>,
    /// How much they change.
    pub counts: DiffCounts,
    /// What is not committed.
    pub dirty: Vec<DirtyPath>,
    /// What is half done there, such as a rebase.
    pub half_done: Option<String>,
    /// Why it could not be looked at.
    pub odd: Option<String>,
}

/// A path that is not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyPath {
    /// The path.
    pub path: String,
    /// What is the matter, such as `untracked`.
    pub what: String,
}

impl TreeChanges {
    /// `<ticket>/<repository>`.
    pub fn place(&self) -> String {
        format!("{}/{}", self.ticket, self.repo)
    }
}

/// Looks at all worktrees of a run, at the same time.
pub(super) fn tree_changes(run: &Run) -> Vec<TreeChanges> {
    std::thread::scope(|scope| {
        let tasks: Vec<_> =
            run.worktrees.iter().map(|tree| scope.spawn(move || looked_at(run, tree))).collect();
        tasks.into_iter().filter_map(|task| task.join().ok()).collect()
    })
}

fn looked_at(run: &Run, tree: &RunWorktree) -> TreeChanges {
    let mut changes = TreeChanges {
        ticket: tree.ticket.to_string(),
        repo: tree.repo.to_string(),
        path: tree.path.clone().unwrap_or_default(),
        ..TreeChanges::default()
    };
    let looked = open_repo(run, &tree.repo).and_then(|repo| look(run, &repo, tree, &mut changes));
    changes.odd = looked.err().map(|e| e.to_string());
    changes
}

fn look(
    run: &Run,
    repository: &Repository,
    tree: &RunWorktree,
    changes: &mut TreeChanges,
) -> ServiceResult<()> {
    // A closed run may have no worktree any more.
    if run.state.is_open() || changes.path.is_dir() {
        let state = repository.clean_state(&changes.path)?;
        let dirt =
            |d: &crate::git::Dirty| DirtyPath { path: d.path.text().into_owned(), what: d.what.to_string() };
        changes.dirty = state.unexpected().map(dirt).collect();
        changes.half_done = state.operation.map(|operation| operation.to_string());
    }
    let Some(head) = repository.branch_id(&tree.branch)? else {
        let message = format!("The run branch '{}' of {} no longer exists", tree.branch, tree.repo);
        return Err(ServiceError::failed(message, &["git metawsm check"]));
    };
    if tree.start.is_empty() || head == tree.start {
        return Ok(());
    }
    let base = run.repo(&tree.repo).map(|r| repository.branch_id(&r.base)).transpose()?.flatten();
    let shared = base.map(|base| repository.merge_base(&base, &head)).transpose()?.flatten();
    // What was taken in from base is none of the branch's; once base holds all of it, its start tells what it brought.
    let from = shared.filter(|shared| *shared != head).unwrap_or_else(|| tree.start.clone());
    let commits = repository.commits(&from, &head)?;
    changes.commits = commits.len();
    changes.subjects = commits.into_iter().take(SUBJECTS).map(|commit| commit.subject).collect();
    changes.counts = repository.diff_counts(&from, &head)?;
    Ok(())
}
