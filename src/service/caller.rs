//! Who asks, from where, and with which global options.

use crate::sys::signals::Interrupt;
use std::path::PathBuf;
use std::time::Duration;

/// The global part of every request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// `--root`, else `METAWSM_ROOT`.
    pub root: Option<PathBuf>,
    /// `--policy`.
    pub policy: Option<PathBuf>,
    /// `--wait`.
    pub wait: Duration,
    /// Whether somebody asked us to stop.
    pub interrupt: Interrupt,
    /// The agent we run below, if we do (`METAWSM_AGENT`, or an agent's wrapper above us).
    pub below_agent: Option<String>,
    /// The run named by the environment of a session.
    pub run_hint: Option<String>,
}
