//! What became of sessions: from the wrapper's record, its process, and one look at tmux for all of them.

use super::launch::{Ended, Record, SessionFiles};
use super::{SessionError, tmux};
use crate::model::{Session, SessionBackend};
use crate::sys::procs;
use jiff::Timestamp;
use std::path::Path;

/// What became of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Nothing was ever started.
    NotStarted,
    /// The agent runs.
    Alive {
        /// Since when.
        since: Timestamp,
        /// When it last wrote to its terminal or log, as far as that can be told.
        last_activity: Option<Timestamp>,
    },
    /// The agent ended, and nothing of it is left.
    Ended(Ended),
    /// The wrapper is gone and has not said how the agent ended.
    Dead {
        /// Why, as a clause.
        why: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why, as a clause.
        why: String,
    },
}

/// Why a session is dead that nobody ended: the clause of [`Observation::Dead`].
pub const REBOOTED: &str = "the machine was started again since";

/// Observes sessions, answers in the same order, without their last activity. Starts no process.
pub fn observe_states(sessions: &[(&Session, &SessionFiles)]) -> Vec<Observation> {
    let boot = procs::boot_id();
    sessions.iter().map(|(session, files)| observe(session, files, &boot)).collect()
}

/// As [`observe_states`], with the last activity of those that live. Costs one tmux process if any living one is a tmux
/// session, and none else.
pub fn observe_all(sessions: &[(&Session, &SessionFiles)]) -> Vec<Observation> {
    let boot = procs::boot_id();
    let mut seen = Vec::with_capacity(sessions.len());
    // tmux answers while we look at the others.
    let panes = std::thread::scope(|scope| {
        let mut asked = None;
        for (session, files) in sessions {
            let observation = observe(session, files, &boot);
            let in_tmux = session.backend == SessionBackend::Tmux;
            if in_tmux && asked.is_none() && matches!(observation, Observation::Alive { .. }) {
                asked = Some(scope.spawn(tmux::panes));
            }
            seen.push(observation);
        }
        asked.and_then(|answer| answer.join().ok()?.ok()).unwrap_or_default()
    });
    for (observation, (session, files)) in seen.iter_mut().zip(sessions) {
        if let Observation::Alive { last_activity, .. } = observation {
            *last_activity = match session.backend {
                SessionBackend::Tmux => panes
                    .iter()
                    .find(|pane| pane.is_of(session))
                    .and_then(|pane| Timestamp::from_second(pane.activity).ok()),
                SessionBackend::Process => written(&files.log),
            };
        }
    }
    seen
}

fn written(log: &Path) -> Option<Timestamp> {
    Timestamp::try_from(log.metadata().ok()?.modified().ok()?).ok()
}

fn observe(session: &Session, files: &SessionFiles, boot: &str) -> Observation {
    let record = match Record::find_of(&files.exit, &session.token) {
        Ok(Some(record)) => record,
        Ok(None) => return unrecorded(session, files),
        Err(error) => return Observation::Unknown { why: error.to_string() },
    };
    if let Some(ended) = record.ended {
        return Observation::Ended(ended);
    }
    if record.boot != boot {
        return Observation::Dead { why: REBOOTED.to_owned() };
    }
    if procs::is_alive(record.wrapper) {
        return Observation::Alive { since: record.started, last_activity: None };
    }
    // The wrapper may have ended between our two looks, properly and with a word.
    match Record::find_of(&files.exit, &session.token) {
        Ok(Some(Record { ended: Some(ended), .. })) => Observation::Ended(ended),
        _ => Observation::Dead {
            why: format!("its wrapper (process {}) was killed before the agent ended", record.wrapper.pid),
        },
    }
}

/// The record of this start is not there: it was taken away, or the wrapper never came to write it.
fn unrecorded(session: &Session, files: &SessionFiles) -> Observation {
    let alive = procs::is_alive(session.process);
    if !files.launch.exists() && !alive {
        return Observation::NotStarted;
    }
    let name = files.exit.display();
    if alive {
        return Observation::Unknown { why: format!("the record of this start is not in {name}") };
    }
    Observation::Dead { why: format!("it left no record of this start in {name}") }
}

/// When a session began; `None` where its record is not there.
pub fn began(session: &Session, files: &SessionFiles) -> Option<Timestamp> {
    Record::find_of(&files.exit, &session.token).ok().flatten().map(|record| record.started)
}

/// The session of an agent that is running now, by its files alone: who was stopped between starting a session
/// and writing that down finds it again.
pub fn find_running(files: &SessionFiles) -> Result<Option<Session>, SessionError> {
    let record = Record::find(&files.exit)?;
    let running = record.filter(|r| r.ended.is_none() && r.wrapper_is_alive());
    Ok(running.map(|record| record.session))
}
