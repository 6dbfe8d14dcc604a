//! Starting: the launch file first, then the wrapper, then the proof that it runs.

use super::launch::{Launch, Record};
use super::{SessionError, find_running, process, tmux};
use crate::model::{Session, SessionBackend};
use crate::sys::{SysError, env, files, procs};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a wrapper may take until it says that it runs.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// The backend for a word of the policy: `auto` is tmux where it is installed.
pub fn backend(choice: &str) -> Result<SessionBackend, SessionError> {
    match (choice, tmux::is_installed()) {
        ("process", _) | ("auto", false) => Ok(SessionBackend::Process),
        ("tmux" | "auto", true) => Ok(SessionBackend::Tmux),
        ("tmux", false) => Err(SessionError::NoTmux),
        _ => Err(SessionError::UnknownBackend(choice.to_owned())),
    }
}

/// The name of a session: the pattern's `{agent}`, `{workspace}` and `{run}` filled in, what is not of
/// `[A-Za-z0-9_-]` replaced by `-`.
pub fn session_name(pattern: &str, agent: &str, workspace: &str, run: &str) -> String {
    let filled = pattern.replace("{agent}", agent).replace("{workspace}", workspace).replace("{run}", run);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = filled.chars().map(plain).take(200).collect();
    let name = name.trim_start_matches('-');
    if name.is_empty() { "agent".to_owned() } else { name.to_owned() }
}

/// Starts an agent: writes its launch file, starts the wrapper and waits until that has said that it runs. What a
/// kill in between leaves is found by [`find_running`].
pub fn start(backend: SessionBackend, launch: &Launch) -> Result<Session, SessionError> {
    launch.check()?;
    require_startable(launch)?;
    if find_running(&launch.files)?.is_some() {
        return Err(SessionError::Running {
            agent: launch.agent.clone(),
            ticket: launch.ticket.clone(),
            name: launch.name.clone(),
        });
    }
    let program = launch.program.clone().or_else(env::own_program);
    let program = program.ok_or_else(|| SysError::Other("Our own program cannot be found".to_owned()))?;
    if backend == SessionBackend::Tmux {
        clear_name(launch)?;
    }
    launch.save()?;
    files::remove_durable(&launch.files.exit)?;
    let session = match backend {
        SessionBackend::Tmux => tmux::start(launch, &program)?,
        SessionBackend::Process => process::start(launch, &program)?,
    };
    wait_for_wrapper(launch, session)
}

/// What would only fail behind a terminal that nobody looks at.
fn require_startable(launch: &Launch) -> Result<(), SessionError> {
    if !launch.cwd.is_dir() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(SysError::file("start an agent in", &launch.cwd, source).into());
    }
    let program = launch.argv.first().map_or("", String::as_str);
    if find_program(program, launch).is_some() {
        return Ok(());
    }
    Err(SessionError::NoProgram { program: program.to_owned(), agent: launch.agent.clone() })
}

fn find_program(name: &str, launch: &Launch) -> Option<PathBuf> {
    let Some(path) = launch.path_var.as_deref().filter(|_| !name.contains('/')) else {
        return env::find_program(&launch.cwd.join(name).to_string_lossy())
            .filter(|_| name.contains('/'))
            .or_else(|| env::find_program(name));
    };
    let dirs = std::env::split_paths(path).filter(|dir| dir.is_absolute());
    dirs.map(|dir| dir.join(name)).find_map(|file| env::find_program(&file.to_string_lossy()))
}

/// Frees the session's name where only the shell of an agent of ours that has ended still holds it.
fn clear_name(launch: &Launch) -> Result<(), SessionError> {
    let Some(pane) = tmux::panes()?.into_iter().find(|pane| pane.name == launch.name) else { return Ok(()) };
    let duplicate = |why: &str| SessionError::Duplicate { name: launch.name.clone(), why: why.to_owned() };
    if pane.token.is_empty() {
        return Err(duplicate("it was started by somebody else; rename it, or give the agent another name"));
    }
    let record = Record::find_of(&launch.files.exit, &pane.token)?.filter(|_| pane.run == launch.run);
    let Some(record) = record else {
        return Err(duplicate(&format!("it belongs to another agent, of run '{}'", pane.run)));
    };
    if record.ended.is_none() && record.wrapper_is_alive() {
        return Err(duplicate("its agent is still at work"));
    }
    tmux::kill(&record.session).map(|_| ())
}

fn wait_for_wrapper(launch: &Launch, session: Session) -> Result<Session, SessionError> {
    let begun = Instant::now();
    let is_there = || Record::find_of(&launch.files.exit, &launch.token);
    while begun.elapsed() < PATIENCE {
        if let Some(record) = is_there()? {
            // A process that leads its session is the one we started; in tmux we keep the ids that tmux told us.
            debug_assert_eq!(record.session.token, session.token);
            return Ok(session);
        }
        let gone = match session.backend {
            SessionBackend::Process => !procs::is_alive(session.process),
            SessionBackend::Tmux => {
                // Asked rarely: it is a process each time.
                begun.elapsed() > Duration::from_millis(500)
                    && !tmux::panes()?.iter().any(|pane| pane.is_of(&session))
            }
        };
        // The wrapper may have written and ended between the two looks.
        if gone && is_there()?.is_none() {
            break;
        }
        std::thread::sleep(if begun.elapsed() > Duration::from_millis(500) { PAUSE * 20 } else { PAUSE });
    }
    let output = super::talk::tail(&launch.files.log, 5);
    let _ = super::stop(&session, &launch.files, Duration::ZERO);
    Err(SessionError::NotBegun { name: launch.name.clone(), output })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_holds_only_plain_characters() {
        let cases = [
            ("{agent}-{workspace}", "agent-ws-1"),
            ("{run}:{agent}.x #(touch y)", "r1-agent-x---touch-y-"),
            ("--{agent}", "agent"),
            ("é", "agent"),
            ("", "agent"),
        ];
        for (pattern, name) in cases {
            assert_eq!(session_name(pattern, "agent", "ws.1", "r1"), name, "{pattern:?}");
        }
    }

    #[test]
    fn an_unknown_backend_is_named() {
        assert!(matches!(backend("screen"), Err(SessionError::UnknownBackend(word)) if word == "screen"));
        assert!(matches!(backend("process"), Ok(SessionBackend::Process)));
    }
}
