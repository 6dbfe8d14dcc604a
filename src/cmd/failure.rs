//! The one place that maps errors to a kind, an exit code and hints.

use super::plain_screen;
use crate::git::GitError;
use crate::render::{self, Failure, Screen};
use crate::service::ServiceError;
use crate::sessions::SessionError;
use crate::store::StoreError;
use crate::sys::SysError;
use crate::tickets::TicketError;
use crate::workspaces::WorkspaceError;
use clap::error::ErrorKind;
use std::process::ExitCode;

/// Shows an error and gives its exit code.
pub(super) fn of(screen: &Screen, error: &ServiceError) -> ExitCode {
    let (kind, code) = class(error);
    let failure = Failure {
        kind,
        message: error.to_string(),
        details: details(error),
        hints: hints(error),
        verdict: match error {
            ServiceError::Refused(refusal) => Some(refusal.verdict.clone()),
            _ => None,
        },
    };
    render::failure(screen, &failure);
    ExitCode::from(code)
}

/// Shows what is wrong with the command line, or the help that was asked for.
pub(super) fn of_usage(error: &clap::Error, json: bool) -> ExitCode {
    let screen = plain_screen(json);
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        screen.answer(&error.render().to_string());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let text = text.trim().trim_start_matches("error: ");
    let failure = Failure {
        kind: "usage",
        message: text.to_owned(),
        details: Vec::new(),
        hints: Vec::new(),
        verdict: None,
    };
    render::failure(&screen, &failure);
    ExitCode::from(2)
}

/// Kind and exit code (design 9): 1 failed, 2 usage, 3 refused, 4 busy, 5 an outside program, 6 newer records.
fn class(error: &ServiceError) -> (&'static str, u8) {
    match error {
        ServiceError::Wrong { .. } | ServiceError::Name(_) => ("usage", 2),
        ServiceError::Policy { .. } => ("policy", 2),
        ServiceError::Refused(_) | ServiceError::Forbidden { .. } => ("refused", 3),
        ServiceError::Interrupted { signal, .. } => {
            ("interrupted", 128_u8.saturating_add(u8::try_from(*signal).unwrap_or(2)))
        }
        ServiceError::Store(error) => of_store(error),
        ServiceError::Git(error) => of_git(error),
        ServiceError::Sys(error) => of_sys(error),
        ServiceError::Session(error) => of_session(error),
        ServiceError::Workspace(error) => of_workspace(error),
        ServiceError::Ticket(error) => of_ticket(error),
        ServiceError::Move { .. } | ServiceError::Plan(_) | ServiceError::Failed { .. } => ("failed", 1),
    }
}

fn of_sys(error: &SysError) -> (&'static str, u8) {
    match error {
        SysError::Busy { .. } => ("busy", 4),
        SysError::Start { .. } | SysError::Failed { .. } | SysError::TimedOut { .. } => ("outside", 5),
        _ => ("failed", 1),
    }
}

fn of_store(error: &StoreError) -> (&'static str, u8) {
    match error {
        error if error.is_busy() => ("busy", 4),
        error if error.is_newer() => ("newer", 6),
        StoreError::Sys(error) => of_sys(error),
        _ => ("failed", 1),
    }
}

fn of_git(error: &GitError) -> (&'static str, u8) {
    match error {
        GitError::Missing | GitError::TooOld { .. } => ("outside", 5),
        GitError::BadName { .. } => ("usage", 2),
        GitError::Sys(error) => of_sys(error),
        _ => ("failed", 1),
    }
}

fn of_session(error: &SessionError) -> (&'static str, u8) {
    match error {
        SessionError::NoTmux
        | SessionError::NoProgram { .. }
        | SessionError::NoAgent
        | SessionError::Tmux { .. } => ("outside", 5),
        SessionError::Sys(error) => of_sys(error),
        _ => ("failed", 1),
    }
}

fn of_workspace(error: &WorkspaceError) -> (&'static str, u8) {
    match error {
        WorkspaceError::Git(error) => of_git(error),
        WorkspaceError::Sys(error) => of_sys(error),
        WorkspaceError::Name(_) => ("usage", 2),
        _ => ("failed", 1),
    }
}

fn of_ticket(error: &TicketError) -> (&'static str, u8) {
    match error {
        TicketError::Sys(error) => of_sys(error),
        _ => ("failed", 1),
    }
}

fn details(error: &ServiceError) -> Vec<String> {
    match error {
        ServiceError::Policy { problems, .. } => problems.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn hints(error: &ServiceError) -> Vec<String> {
    let some = |hints: &[&str]| hints.iter().map(|h| (*h).to_owned()).collect();
    match error {
        ServiceError::Wrong { hints, .. }
        | ServiceError::Failed { hints, .. }
        | ServiceError::Forbidden { hints, .. }
        | ServiceError::Interrupted { hints, .. } => hints.clone(),
        ServiceError::Refused(refusal) => vec![format!("git metawsm status {}", refusal.run)],
        ServiceError::Move { run, .. } => vec![format!("git metawsm status {run}")],
        ServiceError::Policy { .. } => some(&["git metawsm policy check --fix"]),
        ServiceError::Store(StoreError::NotFound { .. }) => some(&["git metawsm list --all"]),
        ServiceError::Store(error) if error.is_busy() => some(&["git metawsm --wait 60 <the same command>"]),
        ServiceError::Store(error) if error.is_newer() => some(&["git metawsm --version"]),
        ServiceError::Session(SessionError::NoAgent) => {
            some(&["git metawsm run --agent shell '<what to do>'"])
        }
        ServiceError::Session(SessionError::NoTerminal { .. }) => {
            some(&["git metawsm logs -f", "git config metawsm.sessions.backend tmux"])
        }
        ServiceError::Session(SessionError::NoTmux) => some(&["git config metawsm.sessions.backend process"]),
        ServiceError::Name(_) => some(&["git metawsm help"]),
        _ => some(&["git metawsm status"]),
    }
}
