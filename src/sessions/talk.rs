//! Looking into a session and talking to its agent.

use super::launch::{Record, SessionFiles};
use super::{Observation, SessionError, observe_states, tmux};
use crate::model::{Session, SessionBackend};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(200);
/// A paste is taken in by a screen program before the key that follows it counts as one.
const SETTLE: Duration = Duration::from_millis(300);
const HISTORY: usize = 50_000;

/// The command that brings the user into the session; it is to be run on the user's terminal.
pub fn attach_argv(session: &Session, files: &SessionFiles) -> Result<Vec<String>, SessionError> {
    if session.backend == SessionBackend::Process {
        return Err(SessionError::NoTerminal { log: files.log.clone() });
    }
    if !tmux::panes()?.iter().any(|pane| pane.is_of(session)) {
        return Err(SessionError::Gone);
    }
    Ok(tmux::attach_argv(session))
}

/// Where the session's output is kept: as it comes for a process, from the agent's end on for tmux.
pub fn log_path(_session: &Session, files: &SessionFiles) -> PathBuf {
    files.log.clone()
}

/// Types a text to a live agent and presses Enter. Control characters are taken out, so that the text cannot be
/// anything but text.
pub fn tell(session: &Session, files: &SessionFiles, text: &str) -> Result<(), SessionError> {
    if session.backend == SessionBackend::Process {
        return Err(SessionError::NoTerminal { log: files.log.clone() });
    }
    let alive = Record::find_of(&files.exit, &session.token)?
        .is_some_and(|record| record.ended.is_none() && record.wrapper_is_alive());
    if !alive {
        return Err(SessionError::Gone);
    }
    let text: String =
        text.trim_end().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if !text.is_empty() {
        tmux::paste(session, &text)?;
        std::thread::sleep(SETTLE);
    }
    tmux::enter(session)
}

/// The last lines of a session's output: the pane with its history, else the log.
pub fn capture(session: &Session, files: &SessionFiles, lines: usize) -> Result<String, SessionError> {
    if session.backend == SessionBackend::Tmux {
        match tmux::capture(session, lines) {
            Err(SessionError::Gone) => {}
            answer => return answer,
        }
    }
    Ok(tail(&files.log, lines))
}

/// The last lines of a file; empty where there is none.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    const CAP: u64 = 4 << 20;
    let read = || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(CAP)))?;
        let mut bytes = Vec::new();
        file.take(CAP).read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<_> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Hands out a session's output as it comes, from its beginning, until the agent has ended or `take` returns
/// `false`.
pub fn follow(
    session: &Session,
    files: &SessionFiles,
    take: &mut dyn FnMut(&str) -> bool,
) -> Result<(), SessionError> {
    let mut source = Source { at: 0, shown: Vec::new() };
    loop {
        // Asked before reading: what was written until the end is read after it.
        let alive = matches!(observe_states(&[(session, files)])[..], [Observation::Alive { .. }]);
        let text = match session.backend {
            SessionBackend::Process => source.appended(&files.log),
            SessionBackend::Tmux => {
                let text = if alive { tmux::capture(session, HISTORY) } else { Err(SessionError::Gone) };
                match text {
                    Err(SessionError::Gone) => source.grown(&tail(&files.log, HISTORY), true),
                    text => source.grown(&text?, false),
                }
            }
        };
        if !take(&text) || !alive {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

/// How far a follower has read.
struct Source {
    at: u64,
    shown: Vec<String>,
}

impl Source {
    /// What was added to a file. A character that was cut in two is handed out whole with the next part.
    fn appended(&mut self, log: &Path) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut file) = File::open(log)
            && file.seek(SeekFrom::Start(self.at)).is_ok()
        {
            let _ = file.read_to_end(&mut bytes);
        }
        let cut = match std::str::from_utf8(&bytes) {
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            _ => bytes.len(),
        };
        self.at += cut as u64;
        String::from_utf8_lossy(&bytes[..cut]).into_owned()
    }

    /// The lines of a screen that were not there at the last look. The lowest line may still be growing and is
    /// held back until another follows, or until the end.
    fn grown(&mut self, text: &str, end: bool) -> String {
        let mut now: Vec<String> = text.lines().map(|l| l.trim_end().to_owned()).collect();
        if !end {
            now.pop();
        }
        let new = match self.shown.iter().rev().find(|l| !l.is_empty()) {
            _ if now.starts_with(&self.shown) => self.shown.len(),
            // The history has lost its beginning, or the screen was drawn anew: go on after the last known line.
            Some(last) => now.iter().rposition(|l| l == last).map_or(0, |at| at + 1),
            None => 0,
        };
        let lines = &now[new..];
        let text = if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" };
        self.shown = now;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_screen_is_handed_out_once() {
        let mut source = Source { at: 0, shown: Vec::new() };
        assert_eq!(source.grown("a\nb\n$ ", false), "a\nb\n");
        assert_eq!(source.grown("a\nb\nc\n$ ", false), "c\n");
        assert_eq!(source.grown("a\nb\nc\n$ ", false), "");
        assert_eq!(source.grown("c\nd\n$ ", false), "d\n", "the history lost its beginning");
        assert_eq!(source.grown("c\nd\ne", true), "e\n");
    }

    #[test]
    fn a_character_that_was_cut_in_two_comes_whole() {
        let dir = tempfile::tempdir().expect("temp");
        let log = dir.path().join("log");
        let mut source = Source { at: 0, shown: Vec::new() };
        std::fs::write(&log, b"a\xc3").expect("write");
        assert_eq!(source.appended(&log), "a");
        std::fs::write(&log, "aä\n").expect("write");
        assert_eq!(source.appended(&log), "ä\n");
    }
}
