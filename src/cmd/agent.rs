//! `agent`: the wrapper above every agent. Started by us only.

use super::plain_screen;
use crate::service;
use crate::sessions::{self, Launch, Occasion, SessionError};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// Runs `agent exec <launch file>` or `agent child -- <argv>`; the words after `agent` are given.
pub(super) fn run(words: &[OsString]) -> ExitCode {
    let screen = plain_screen(false);
    let mut on_event = |launch: &Launch, occasion: Occasion| match occasion {
        Occasion::NotStarted(why) => screen.complaint(&crate::render::escape_lines(&why)),
        // Whoever holds the run settles it too; else the next command that looks does. A `stop` that holds it waits
        // for this very wrapper, which answers only after the look: the look must be short.
        Occasion::Signals => settle(launch, Duration::from_millis(500)),
        Occasion::Ended(_) => settle(launch, Duration::from_secs(5)),
    };
    match sessions::dispatch(words, &mut on_event) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            screen.complaint(&crate::render::escape_lines(&error.to_string()));
            ExitCode::from(if matches!(error, SessionError::Sys(_)) { 127 } else { 1 })
        }
    }
}

fn settle(launch: &Launch, wait: Duration) {
    let _ = service::agent_event(&launch.root, &launch.run, wait);
}
