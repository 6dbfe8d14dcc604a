//! What can go wrong with a workspace.

use crate::git::GitError;
use crate::model::{NameError, RepoName, quoted};
use crate::sys::SysError;
use std::path::PathBuf;

/// The result of a call into this room.
pub type WorkspaceResult<T> = Result<T, WorkspaceError>;

/// What can go wrong with a workspace.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// git refused or failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The operating system refused or failed.
    #[error(transparent)]
    Sys(#[from] SysError),
    /// A name is not usable.
    #[error(transparent)]
    Name(#[from] NameError),
    /// All the numbered names are taken.
    #[error("No free workspace name was found for '{stem}': it and {tried} numbered names are taken")]
    NoFreeName {
        /// The name without a number.
        stem: String,
        /// How many numbers were tried.
        tried: u32,
    },
    /// Something of somebody else lies where a worktree should be.
    #[error("{} was left alone: {why}. Move it away, then go on", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
        /// What lies there, as a clause.
        why: String,
    },
    /// The branch is there and not ours.
    #[error("The branch '{branch}' exists in {} and was not made by this run; it is never touched", repo.display())]
    BranchExists {
        /// The branch.
        branch: String,
        /// The repository.
        repo: PathBuf,
    },
    /// Another worktree has the branch.
    #[error("The branch '{branch}' is checked out at {}, not at {}", at.display(), wanted.display())]
    BranchElsewhere {
        /// The branch.
        branch: String,
        /// Where it is.
        at: PathBuf,
        /// Where it should be.
        wanted: PathBuf,
    },
    /// The worktree is there, on something else.
    #[error("The worktree {} is on {found}, not on the branch '{wanted}'", path.display())]
    WrongBranch {
        /// The worktree.
        path: PathBuf,
        /// What it is on.
        found: String,
        /// The branch it should be on.
        wanted: String,
    },
    /// The worktree is damaged in a way that our own kill does not explain.
    #[error("The worktree {} is damaged: {why}. Nothing in it was changed", path.display())]
    Damaged {
        /// The worktree.
        path: PathBuf,
        /// What is missing, as a clause.
        why: String,
    },
    /// A git process of an earlier attempt does not come to an end.
    #[error("Process {pid} of an earlier attempt still works on {} after {seconds} seconds ('{command}')", path.display())]
    StillRunning {
        /// Its id.
        pid: i32,
        /// Its command line.
        command: String,
        /// What it works on.
        path: PathBuf,
        /// How long we waited.
        seconds: u64,
    },
    /// More ignored files match than are copied.
    #[error("The ignored files to be copied from {} are too many: {why}. Narrow workspace.copy or .worktreeinclude", source_dir.display())]
    TooMuchToCopy {
        /// Where they lie.
        source_dir: PathBuf,
        /// Which limit, and the file that went over it.
        why: String,
    },
    /// A set-up command failed.
    #[error("The set-up command '{command}' in {} ended with {exit}{}", dir.display(), told(output))]
    SetupFailed {
        /// The command line.
        command: String,
        /// Where it ran.
        dir: PathBuf,
        /// How it ended.
        exit: String,
        /// The end of what it said.
        output: String,
    },
    /// A set-up command is no command.
    #[error("A set-up command is empty; each must be a list of a program and its arguments")]
    EmptyCommand,
    /// A file of ours or of wsm does not hold what it should.
    #[error("{} could not be understood: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// A file written by a newer version.
    #[error("{} has schema {found}, and this version knows {known} at most", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// wsm knows another workspace by that name.
    #[error("wsm knows a workspace '{name}' at {}, so {} cannot have the name", path.display(), wanted.display())]
    WsmNameTaken {
        /// The name.
        name: String,
        /// Where that workspace lies.
        path: PathBuf,
        /// Where ours lies.
        wanted: PathBuf,
    },
    /// A file of wsm says what cannot be followed.
    #[error("The file {} of wsm cannot be used: {why}", path.display())]
    OddWsmFile {
        /// The file.
        path: PathBuf,
        /// What is odd about it, as a clause.
        why: String,
    },
    /// The program wsm is asked for and not there.
    #[error("The policy says workspace.provider = \"wsm\", and no program wsm is on PATH")]
    NoWsm,
    /// wsm does not know a repository, or another one by its name.
    #[error("wsm cannot make a workspace of the repository '{name}' ({}): {why}", path.display())]
    NotRegistered {
        /// The repository's name.
        name: RepoName,
        /// Where it lies.
        path: PathBuf,
        /// What stands against it, as a clause.
        why: String,
        /// Commands that mend it.
        mending: Vec<String>,
    },
    /// wsm did not do what it was asked.
    #[error("'{command}' {how}{}", said(output))]
    WsmFailed {
        /// The command line.
        command: String,
        /// What it did instead, as a clause that follows the command.
        how: String,
        /// The end of what it said.
        output: String,
    },
    /// There is no place for user configuration.
    #[error("Neither HOME nor XDG_CONFIG_HOME names a directory, so wsm's files cannot be found")]
    NoConfigDir,
}

impl WorkspaceError {
    /// Commands that mend it, where it is known what does.
    pub fn mending(&self) -> Vec<String> {
        match self {
            Self::NotRegistered { mending, .. } => mending.clone(),
            Self::NoWsm => vec!["command -v wsm".to_owned(), "git metawsm policy show".to_owned()],
            Self::OddWsmFile { path, .. } | Self::Malformed { path, .. } => {
                vec![format!("${{EDITOR:-vi}} {}", quoted(&path.display().to_string()))]
            }
            Self::WsmNameTaken { name, .. } => vec![format!("wsm info {}", quoted(name))],
            _ => Vec::new(),
        }
    }
}

fn told(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(":\n{output}") }
}

fn said(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(": {output}") }
}
