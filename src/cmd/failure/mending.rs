//! Commands to paste for errors of the rooms below: what to look at, or what to do next.

use super::{Asked, again_patiently, same_words};
use crate::git::GitError;
use crate::sessions::SessionError;
use crate::store::StoreError;
use crate::sys::{SysError, process::quoted};
use crate::tickets::TicketError;
use crate::workspaces::WorkspaceError;
use std::io;
use std::path::Path;

fn place(path: &Path) -> String {
    quoted(&path.display().to_string())
}

fn look(path: &Path) -> Vec<String> {
    vec![format!("ls -ld {}", place(path))]
}

fn git_at(path: &Path, words: &str) -> Vec<String> {
    vec![format!("git -C {} {words}", place(path))]
}

pub(super) fn of_git(error: &GitError, asked: &Asked<'_>) -> Vec<String> {
    match error {
        GitError::Sys(error) => of_sys(error, asked),
        GitError::NotARepository { .. } => vec!["git metawsm -C <repository> status".to_owned()],
        GitError::OfAnother { place, .. } => {
            vec![format!("git config --global --add safe.directory {place}")]
        }
        GitError::NotAWorktree { repository, .. } => git_at(repository, "worktree list"),
        GitError::Moved { .. } | GitError::NotForward { .. } => vec![same_words(asked.words)],
        GitError::NoBranch { repository, .. } => git_at(repository, "branch --list --all"),
        GitError::NotOnBranch { worktree, branch, .. } => {
            git_at(worktree, &format!("switch {}", quoted(branch)))
        }
        GitError::CheckedOut { worktree, .. }
        | GitError::Busy { worktree, .. }
        | GitError::Obstructed { worktree, .. }
        | GitError::Foreign { worktree, .. } => git_at(worktree, "status"),
        GitError::RescueRefused { worktree, .. } => {
            git_at(worktree, "status --ignored --untracked-files=all")
        }
        GitError::Locked { lock } => [vec![again_patiently(asked.words)], look(lock)].concat(),
        GitError::BadName { name } => vec![format!("git check-ref-format --branch {}", quoted(name))],
        GitError::Missing | GitError::TooOld { .. } | GitError::Odd { .. } => {
            vec!["git --version".to_owned()]
        }
    }
}

pub(super) fn of_sys(error: &SysError, asked: &Asked<'_>) -> Vec<String> {
    match error {
        SysError::File { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
            vec![format!("df -h {}", place(path.parent().unwrap_or(path)))]
        }
        SysError::File { path, source, .. } if source.kind() == io::ErrorKind::NotFound => {
            look(path.parent().unwrap_or(path))
        }
        SysError::File { path, .. } | SysError::Foreign { path, .. } => look(path),
        SysError::Start { program, .. } => vec![format!("command -v {}", quoted(program))],
        SysError::Busy { .. } => vec![again_patiently(asked.words)],
        SysError::TimedOut { .. } | SysError::Failed { .. } | SysError::Other(_) => {
            vec![same_words(asked.words)]
        }
    }
}

pub(super) fn of_store(error: &StoreError, asked: &Asked<'_>) -> Vec<String> {
    match error {
        error if error.is_busy() => vec![again_patiently(asked.words)],
        StoreError::OldDatabase { .. } => vec!["git metawsm import <path of metawsm.db>".to_owned()],
        error if error.is_newer() => vec!["git metawsm --version".to_owned()],
        StoreError::Sys(error) => of_sys(error, asked),
        StoreError::NotFound { .. } => vec!["git metawsm list --all".to_owned()],
        StoreError::Exists { id } | StoreError::Reserved { id } => {
            vec![format!("git metawsm status {}", quoted(id)), "git metawsm list --all".to_owned()]
        }
        StoreError::Broken { path, .. }
        | StoreError::Index { path, .. }
        | StoreError::Occupied { path, .. }
        | StoreError::WrongLock { dir: path, .. } => look(path),
        StoreError::Refused { id, .. } => vec![format!("git metawsm log {}", quoted(id))],
        StoreError::Event { thread, .. } => vec![format!("git metawsm forum thread {}", quoted(thread))],
        StoreError::NoHome => vec!["export HOME=<your home directory>".to_owned()],
        _ => vec!["git metawsm status".to_owned()],
    }
}

/// The same command with an agent that is on every machine.
fn with_a_shell(asked: &Asked<'_>) -> Vec<String> {
    let is_whole = !asked.words.iter().any(|word| word == "--" || word == "--agent");
    let line = match asked.command {
        "run" | "bootstrap" if is_whole => format!("{} --agent shell", same_words(asked.words)),
        _ => "git metawsm run --agent shell '<what to do>'".to_owned(),
    };
    vec![line]
}

pub(super) fn of_session(error: &SessionError, asked: &Asked<'_>) -> Vec<String> {
    let one = |hint: &str| vec![hint.to_owned()];
    match error {
        SessionError::Sys(error) => of_sys(error, asked),
        SessionError::NoAgent => with_a_shell(asked),
        SessionError::NoTmux => one("git config metawsm.sessions.backend process"),
        SessionError::NoProgram { program, .. } => {
            vec![format!("command -v {}", quoted(program)), "git metawsm policy show".to_owned()]
        }
        SessionError::Tmux { .. } | SessionError::Duplicate { .. } => one("tmux list-sessions"),
        SessionError::UnknownBackend(_) | SessionError::UnknownRunner(_) | SessionError::Profile { .. } => {
            one("git metawsm policy show")
        }
        SessionError::NoTerminal { log } | SessionError::Record { path: log, .. } => look(log),
        _ => one("git metawsm status"),
    }
}

pub(super) fn of_workspace(error: &WorkspaceError, asked: &Asked<'_>) -> Vec<String> {
    match error {
        WorkspaceError::Git(error) => of_git(error, asked),
        WorkspaceError::Sys(error) => of_sys(error, asked),
        error if !error.mending().is_empty() => error.mending(),
        _ => vec!["git metawsm policy show".to_owned(), "git metawsm status".to_owned()],
    }
}

pub(super) fn of_ticket(error: &TicketError, asked: &Asked<'_>) -> Vec<String> {
    match error {
        TicketError::Sys(error) => of_sys(error, asked),
        TicketError::Program { hint, .. } => vec![hint.clone()],
        _ => vec!["git metawsm docs".to_owned()],
    }
}
