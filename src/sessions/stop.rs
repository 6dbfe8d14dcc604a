//! Stopping: the wrapper ends its tree; where it cannot, the token finds what is left; then the tmux session.

use super::launch::{Ended, Record, SessionFiles};
use super::{SessionError, tmux, tree};
use crate::model::{Child, Session, SessionBackend};
use crate::sys::procs;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);
/// What the wrapper needs beyond its own grace to kill, to write and to leave.
const EXTRA: Duration = Duration::from_secs(4);
/// How long a wrapper has to leave once it has written the end down.
const PARTING: Duration = Duration::from_millis(700);

/// What a stop found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stopped {
    /// Whether anything was alive.
    pub was_alive: bool,
    /// Processes without a wrapper that were found by their token and ended.
    pub strays: usize,
    /// How the agent ended, where that is known.
    pub ended: Option<Ended>,
}

/// Ends a session with its whole process tree: SIGTERM, after `grace` (two seconds where the wrapper does it)
/// SIGKILL. Touches nothing that does not carry the session's token. Once it is over, stopping does nothing.
pub fn stop(session: &Session, files: &SessionFiles, grace: Duration) -> Result<Stopped, SessionError> {
    let mut stopped = Stopped::default();
    let record = Record::find_of(&files.exit, &session.token)?;
    let wrapper = wrapper_of(session, record.as_ref());
    if let Some(wrapper) = wrapper {
        stopped.was_alive = true;
        let is_ended = || {
            let record = Record::find_of(&files.exit, &session.token);
            record.is_ok_and(|r| r.is_some_and(|r| r.ended.is_some()))
        };
        ask_wrapper(wrapper, grace.max(tree::GRACE) + EXTRA, is_ended);
    }
    let record = Record::find_of(&files.exit, &session.token)?;
    stopped.ended = record.as_ref().and_then(|r| r.ended.clone());
    let finished = record.as_ref().is_some_and(|r| r.ended.is_some() && r.left.is_empty());
    if !finished {
        let (strays, left) = tree::end_marked(&session.token, grace);
        stopped.strays = strays;
        stopped.was_alive |= strays > 0;
        if !left.is_empty() {
            return Err(SessionError::Left(names_of(&left)));
        }
    }
    if session.backend == SessionBackend::Tmux && procs::is_alive(session.process) {
        let gone = tmux::kill(session)?;
        stopped.was_alive |= gone && !finished;
    }
    Ok(stopped)
}

/// The wrapper, while it still is one and not the shell that it became.
fn wrapper_of(session: &Session, record: Option<&Record>) -> Option<Child> {
    match record {
        Some(record) if record.ended.is_some() || !record.wrapper_is_alive() => None,
        Some(record) => Some(record.wrapper),
        None if session.backend == SessionBackend::Process => {
            Some(session.process).filter(|p| procs::is_alive(*p))
        }
        None => None,
    }
}

/// Asks the wrapper to end its tree and waits for its end; one that does not answer is killed with all below it.
/// One that has written the agent's end down may just have become a shell: that ends with its session.
fn ask_wrapper(wrapper: Child, patience: Duration, is_ended: impl Fn() -> bool) {
    procs::terminate(wrapper);
    let begun = Instant::now();
    let mut ended = None;
    while procs::is_alive(wrapper) {
        if ended.is_none() && is_ended() {
            ended = Some(Instant::now());
        }
        if ended.is_some_and(|at| at.elapsed() > PARTING) {
            return;
        }
        if begun.elapsed() > patience {
            let below = procs::descendants(wrapper.pid);
            procs::kill_hard(wrapper);
            for child in below {
                procs::kill_hard(child);
            }
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

fn names_of(left: &[Child]) -> String {
    let name = |c: &Child| {
        let line = procs::command_line(c.pid).unwrap_or_else(|| "?".to_owned());
        format!("{} ({line})", c.pid)
    };
    left.iter().map(name).collect::<Vec<_>>().join(", ")
}
