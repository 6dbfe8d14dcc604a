//! Whether a worktree is clean, and who says so.

use super::{DirtKind, Dirty, GitResult, Head, Operation, RepoPath, Repository, probe};
use git2::{Status, StatusOptions, StatusShow};
use std::fmt;
use std::path::Path;

/// Who answered a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// libgit2.
    Git2,
    /// The git program.
    Git,
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Git2 => "git2",
            Self::Git => "git",
        })
    }
}

/// What stands between a worktree and being clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanState {
    /// Every dirty path, sorted.
    pub dirty: Vec<Dirty>,
    /// What HEAD is.
    pub head: Head,
    /// What is half done.
    pub operation: Option<Operation>,
    /// Who looked at the files.
    pub judge: Judge,
}

impl CleanState {
    /// Whether nothing is dirty and nothing is half done. What HEAD should be, the caller knows.
    pub fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.operation.is_none()
    }
}

impl Repository {
    /// Everything that makes a worktree other than its HEAD commit, edits hidden by flags, nested repositories and
    /// submodules included. libgit2 answers where it is known to agree with git, elsewhere git.
    pub fn clean_state(&self, worktree: &Path) -> GitResult<CleanState> {
        let place = self.at(worktree)?;
        let quick = place.quick().filter(|repo| probe::may_judge(repo, &place));
        let (dirty, judge) = match quick.map(|repo| dirt_by_git2(&repo)) {
            Some(Ok(dirty)) => (dirty, Judge::Git2),
            _ => (place.dirt_by_git()?, Judge::Git),
        };
        Ok(CleanState { dirty, head: place.head()?, operation: place.operation()?, judge })
    }
}

fn dirt_by_git2(repo: &git2::Repository) -> Result<Vec<Dirty>, git2::Error> {
    let mut options = StatusOptions::new();
    options
        .show(StatusShow::IndexAndWorkdir)
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(false)
        .exclude_submodules(false)
        .update_index(false);
    let mut dirty = Vec::new();
    for entry in repo.statuses(Some(&mut options))?.iter() {
        let path = RepoPath::new(entry.path_bytes());
        let status = entry.status();
        let staged = Status::INDEX_NEW
            | Status::INDEX_MODIFIED
            | Status::INDEX_DELETED
            | Status::INDEX_RENAMED
            | Status::INDEX_TYPECHANGE;
        let what = if status.contains(Status::CONFLICTED) {
            DirtKind::Conflicted
        } else if status.intersects(staged) {
            DirtKind::Staged
        } else if status.contains(Status::WT_NEW) {
            if path.as_bytes().ends_with(b"/") { DirtKind::NestedRepository } else { DirtKind::Untracked }
        } else if status.is_ignored() || status == Status::CURRENT {
            continue;
        } else {
            DirtKind::Modified
        };
        dirty.push(Dirty { path, what });
    }
    dirty.sort();
    Ok(dirty)
}
