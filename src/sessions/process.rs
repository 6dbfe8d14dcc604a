//! The embedded provider: the wrapper as a detached process, its output in a log file.

use super::SessionError;
use super::launch::Launch;
use crate::model::{Session, SessionBackend};
use crate::sys::{Cmd, SysError, files};
use std::fs::OpenOptions;
use std::path::Path;

/// Starts the wrapper; it makes itself the leader of a session, so that no terminal of ours reaches it.
pub(super) fn start(launch: &Launch, program: &Path) -> Result<Session, SessionError> {
    let log = &launch.files.log;
    if let Some(dir) = log.parent() {
        files::ensure_dir(dir)?;
    }
    let opened = OpenOptions::new().create(true).append(true).open(log);
    let output = opened.map_err(|e| SysError::file("open", log, e))?;
    let cmd = Cmd::new(program).args(["agent", "exec"]).arg(&launch.files.launch);
    let cmd = cmd.cwd(&launch.cwd).without_outside().without_env(["TMUX", "TMUX_PANE"]);
    let process = cmd.start_session(output)?;
    let (id, pane, token) = (String::new(), String::new(), launch.token.clone());
    Ok(Session { backend: SessionBackend::Process, id, pane, process, token })
}
