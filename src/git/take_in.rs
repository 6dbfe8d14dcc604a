//! Taking a commit into the branch of a worktree, by a real merge.

use super::{DirtKind, GitError, GitResult, RepoPath, Repository};
use std::path::Path;

/// What a merge in a worktree came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenIn {
    /// The branch holds the commit already.
    Already,
    /// The branch is at this commit now.
    Done {
        /// Its id.
        id: String,
    },
    /// Conflicts, left in the worktree with the merge half done.
    Conflict {
        /// The files in conflict, sorted.
        files: Vec<RepoPath>,
    },
    /// A hook refused, or git did; nothing is left of the merge.
    Refused {
        /// What was said.
        why: String,
    },
}

impl Repository {
    /// Merges a commit (a full id) into the branch that a worktree is on, with the user's hooks. The worktree is
    /// clean, as the caller has seen; nothing there is written over that git does not track.
    pub fn take_in(&self, worktree: &Path, commit: &str, message: &str) -> GitResult<TakenIn> {
        let place = self.at(worktree)?;
        let head = place.head()?.id().unwrap_or_default().to_owned();
        if place.is_ancestor(commit, &head)? {
            return Ok(TakenIn::Already);
        }
        let cmd =
            place.action().args(["-c", "i18n.commitEncoding=UTF-8", "-c", "merge.verifySignatures=false"]);
        let cmd = cmd.args(["-c", "gc.auto=0", "-c", "maintenance.auto=false", "merge", "--ff", "--commit"]);
        let cmd =
            cmd.args(["--no-squash", "--no-edit", "--no-autostash", "--no-overwrite-ignore", "--no-stat"]);
        let output = cmd.args(["--quiet", "-m", message, "--end-of-options", commit]).output()?;
        if output.exit.is_ok() {
            return match place.head()?.id() {
                Some(id) => Ok(TakenIn::Done { id: id.to_owned() }),
                None => Err(GitError::odd(format!("{} has lost its branch", place.dir().display()))),
            };
        }
        let conflicted = |d: &super::Dirty| d.what == DirtKind::Conflicted;
        let mut files: Vec<_> = place.dirt_by_git()?.into_iter().filter(conflicted).map(|d| d.path).collect();
        if !files.is_empty() {
            files.sort();
            return Ok(TakenIn::Conflict { files });
        }
        if place.operation()?.is_some() {
            place.action().args(["merge", "--abort"]).run()?;
        }
        let said = [output.stdout, output.stderr].concat();
        Ok(TakenIn::Refused { why: String::from_utf8_lossy(&said).trim().to_owned() })
    }
}
