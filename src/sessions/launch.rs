//! What a session is started from, and what its wrapper writes down: two files per agent.

use super::SessionError;
use crate::model::{Child, Session};
use crate::sys::{Exit, files, procs};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
const CAP: u64 = 8 << 20;
/// A program that refuses its command line has ended after so many seconds.
const AT_ONCE: i64 = 15;

/// Everything that a wrapper has to know; written before anything is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The run.
    pub run: String,
    /// The ticket.
    pub ticket: String,
    /// The agent.
    pub agent: String,
    /// The session's name, of `[A-Za-z0-9_-]`.
    pub name: String,
    /// The random token of this start, of `[A-Za-z0-9_-]`.
    pub token: String,
    /// The worktree of the control repository that the agent's commands are to use.
    pub root: PathBuf,
    /// The workspace.
    pub workspace: PathBuf,
    /// The agent's working directory.
    pub cwd: PathBuf,
    /// The agent's program and arguments.
    pub argv: Vec<String>,
    /// The user's PATH at launch; a tmux server may have been started with another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_var: Option<String>,
    /// tmux: a shell is left open where the agent was.
    #[serde(default)]
    pub keep_shell: bool,
    /// Directories where signal files appear; changes there wake the wrapper's caller.
    #[serde(default)]
    pub signal_roots: Vec<PathBuf>,
    /// The user's `notify.command`, kept for the wrapper's caller.
    #[serde(default)]
    pub notify: Vec<String>,
    /// The conversation that begins or goes on with this start, where it is known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What this start gives the agent to read.
    #[serde(default)]
    pub given: Given,
    /// The program that is the wrapper; our own binary where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// The session's files.
    pub files: SessionFiles,
}

/// What a start gives an agent to read, for whoever writes it down later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Whether an older conversation goes on.
    #[serde(default)]
    pub continues: bool,
    /// How many of the run's feedbacks it has been given with it.
    #[serde(default)]
    pub feedback: usize,
    /// The threads of the questions whose answers are new to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
}

/// Where a session's files lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFiles {
    /// What the session is started from.
    pub launch: PathBuf,
    /// What the wrapper wrote: its start at once, its end when nothing of the agent is left.
    pub exit: PathBuf,
    /// The output: of a process session as it comes, of a tmux session once the agent has ended.
    pub log: PathBuf,
}

impl SessionFiles {
    /// The files of the agent with this key (`<ticket>.<agent>`).
    pub fn of(agents_dir: &Path, logs_dir: &Path, key: &str) -> Self {
        Self {
            launch: agents_dir.join(format!("{key}.launch.toml")),
            exit: agents_dir.join(format!("{key}.exit.toml")),
            log: logs_dir.join(format!("{key}.log")),
        }
    }
}

/// How an agent ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// When nothing of it was left.
    pub at: Timestamp,
    /// Whether we had been asked to stop it.
    pub stopped: bool,
}

impl Ended {
    pub(super) fn of(exit: Exit, at: Timestamp, stopped: bool) -> Self {
        let (status, signal) = match exit {
            Exit::Code(code) => (Some(code), None),
            Exit::Signal(signal) => (None, Some(signal)),
        };
        Self { status, signal, at, stopped }
    }
}

/// What the wrapper writes down. With `ended` the agent is gone and everything below it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub format: u32,
    pub kind: String,
    /// The boot of the machine that the process ids belong to.
    pub boot: String,
    pub started: Timestamp,
    pub session: Session,
    pub wrapper: Child,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Child>,
    /// Processes that outlived even SIGKILL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Child>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

impl Record {
    pub(super) fn begun(session: Session, wrapper: Child, started: Timestamp) -> Self {
        let (format, kind, boot) = (FORMAT, "session".to_owned(), procs::boot_id());
        Self { format, kind, boot, started, session, wrapper, agent: None, left: Vec::new(), ended: None }
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), SessionError> {
        save(self, "session record", path, 0o644)
    }

    /// The record, if there is one; of whatever start of the agent.
    pub(super) fn find(path: &Path) -> Result<Option<Self>, SessionError> {
        load(path, "session record")
    }

    /// The record of exactly this start.
    pub(super) fn find_of(path: &Path, token: &str) -> Result<Option<Self>, SessionError> {
        Ok(Self::find(path)?.filter(|record| record.session.token == token))
    }

    /// Whether the wrapper that wrote this is alive. One of an ended agent may have become a shell.
    pub(super) fn wrapper_is_alive(&self) -> bool {
        self.boot == procs::boot_id() && procs::is_alive(self.wrapper)
    }
}

impl Launch {
    /// Checks what will become part of a tmux command line.
    pub(super) fn check(&self) -> Result<(), SessionError> {
        require_plain("The session name", &self.name)?;
        require_plain("The session token", &self.token)
    }

    pub(super) fn save(&self) -> Result<(), SessionError> {
        // The prompt may hold what the user would not show to others on the machine.
        save(self, "launch file", &self.files.launch, 0o600)
    }

    /// What the last start of an agent gave it, and its conversation; `None` where it was never started, or that
    /// cannot be read.
    pub fn last(files: &SessionFiles) -> Option<Self> {
        Self::load(&files.launch).ok()
    }

    /// Whether the last start was to go on with a conversation, and ended at once and badly: its program most likely
    /// does not know that conversation any more.
    pub fn failed_to_continue(&self) -> bool {
        let record = Record::find_of(&self.files.exit, &self.token).ok().flatten();
        let Some((record, ended)) = record.and_then(|r| r.ended.clone().map(|ended| (r, ended))) else {
            return false;
        };
        let seconds = ended.at.as_second() - record.started.as_second();
        let badly = !ended.stopped && ended.status != Some(0);
        self.given.continues && badly && seconds <= AT_ONCE
    }

    pub(super) fn load(path: &Path) -> Result<Self, SessionError> {
        load(path, "launch file")?.ok_or_else(|| SessionError::Record {
            what: "launch file",
            path: path.to_owned(),
            why: "it is not there".to_owned(),
        })
    }
}

/// Refuses what tmux could read as anything but a name.
pub(super) fn require_plain(what: &'static str, text: &str) -> Result<(), SessionError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain) {
        return Ok(());
    }
    Err(SessionError::BadName { what, text: text.chars().take(80).collect() })
}

fn save<T: Serialize>(value: &T, what: &'static str, path: &Path, mode: u32) -> Result<(), SessionError> {
    let text = toml::to_string(value).map_err(|e| SessionError::Record {
        what,
        path: path.to_owned(),
        why: e.to_string(),
    })?;
    Ok(files::write_atomic_mode(path, text.as_bytes(), mode)?)
}

fn load<T: for<'de> Deserialize<'de>>(path: &Path, what: &'static str) -> Result<Option<T>, SessionError> {
    let Some(bytes) = files::find_foreign(path, CAP)? else { return Ok(None) };
    let broken = |why: String| SessionError::Record { what, path: path.to_owned(), why };
    let text = std::str::from_utf8(&bytes).map_err(|e| broken(e.to_string()))?;
    toml::from_str(text).map(Some).map_err(|e| broken(e.to_string()))
}
