//! What can go wrong with git.

use super::{OLDEST, Obstacle, Operation, Version};
use crate::sys::{SysError, env};
use std::path::PathBuf;

/// The result of a call into this room.
pub type GitResult<T> = Result<T, GitError>;

/// What can go wrong with git.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git program.
    #[error("The program 'git' is not on PATH")]
    Missing,
    /// The git program lacks what we need.
    #[error("git {found} is installed, and git {}.{} or newer is needed", OLDEST.0, OLDEST.1)]
    TooOld {
        /// The installed version.
        found: Version,
    },
    /// A directory lies in no repository.
    #[error("{} is not inside a git repository", dir.display())]
    NotARepository {
        /// The directory.
        dir: PathBuf,
    },
    /// git does not open what belongs to another user.
    #[error("git opens no repository at {}: it belongs to another user", dir.display())]
    OfAnother {
        /// The directory.
        dir: PathBuf,
        /// The place to trust, quoted for a shell as git names it.
        place: String,
    },
    /// A directory is not the top of a worktree of the repository at hand.
    #[error("{} is not a worktree of {}", path.display(), repository.display())]
    NotAWorktree {
        /// The directory.
        path: PathBuf,
        /// The repository's common directory.
        repository: PathBuf,
    },
    /// A child process failed, or a file did.
    #[error("{0}")]
    Sys(#[source] SysError),
    /// A ref is not where it was expected; it was left alone.
    #[error("{reference} was left alone: it should be at {}, and is at {}", at(expected.as_deref()), at(found.as_deref()))]
    Moved {
        /// The full name of the ref.
        reference: String,
        /// The id that was expected, `None` for "absent".
        expected: Option<String>,
        /// The id that was found, `None` for "absent".
        found: Option<String>,
    },
    /// A branch does not exist.
    #[error("There is no branch '{branch}' in {}", repository.display())]
    NoBranch {
        /// The branch.
        branch: String,
        /// The repository.
        repository: PathBuf,
    },
    /// A branch is checked out where it must not be.
    #[error("The branch '{branch}' is checked out in {}", worktree.display())]
    CheckedOut {
        /// The branch.
        branch: String,
        /// The worktree that holds it.
        worktree: PathBuf,
    },
    /// A worktree has another HEAD than the branch it should be on.
    #[error("{} is not on the branch '{branch}' but on {found}", worktree.display())]
    NotOnBranch {
        /// The worktree.
        worktree: PathBuf,
        /// The branch it should be on.
        branch: String,
        /// What HEAD is.
        found: String,
    },
    /// A worktree is in the middle of something.
    #[error("A {operation} is not finished in {}", worktree.display())]
    Busy {
        /// The worktree.
        worktree: PathBuf,
        /// What is not finished.
        operation: Operation,
    },
    /// Another program holds a lock of git, or left it.
    #[error("Another git command is at work here, or one was killed and left {} behind", lock.display())]
    Locked {
        /// The lock.
        lock: PathBuf,
    },
    /// Something lies where a merge would write.
    #[error("The merge would write over {} in {}", list(obstacles), worktree.display())]
    Obstructed {
        /// The worktree.
        worktree: PathBuf,
        /// What lies in the way.
        obstacles: Vec<Obstacle>,
    },
    /// A move that is not a fast-forward.
    #[error("The branch '{branch}' cannot be moved to {new}: that commit does not contain {old}")]
    NotForward {
        /// The branch.
        branch: String,
        /// Where it is.
        old: String,
        /// Where it should go.
        new: String,
    },
    /// Files hold neither the state before nor the state after a move.
    #[error("{} in {} changed meanwhile and were left alone", paths.join(", "), worktree.display())]
    Foreign {
        /// The worktree.
        worktree: PathBuf,
        /// The files.
        paths: Vec<String>,
    },
    /// A worktree holds what a rescue cannot save.
    #[error("{} holds what cannot be saved in a rescue ref: {}", worktree.display(), names.join(", "))]
    RescueRefused {
        /// The worktree.
        worktree: PathBuf,
        /// Paths, each with the reason.
        names: Vec<String>,
    },
    /// Git does not take a name.
    #[error("'{name}' cannot be the name of a branch")]
    BadName {
        /// The name.
        name: String,
    },
    /// A program answered what we do not understand.
    #[error("{what}")]
    Odd {
        /// A full sentence.
        what: String,
    },
}

impl GitError {
    pub(super) fn odd(what: impl Into<String>) -> Self {
        Self::Odd { what: what.into() }
    }
}

impl From<SysError> for GitError {
    fn from(error: SysError) -> Self {
        // A missing working directory gives the same error as a missing program.
        match &error {
            SysError::Start { program, .. }
                if program == "git" && error.is_not_found() && env::find_program("git").is_none() =>
            {
                Self::Missing
            }
            _ => Self::Sys(error),
        }
    }
}

fn at(id: Option<&str>) -> &str {
    id.unwrap_or("no commit")
}

fn list(obstacles: &[Obstacle]) -> String {
    let mut texts: Vec<_> = obstacles.iter().take(5).map(ToString::to_string).collect();
    if obstacles.len() > texts.len() {
        texts.push(format!("{} more", obstacles.len() - texts.len()));
    }
    texts.join(", ")
}
