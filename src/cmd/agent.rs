//! `agent`: the wrapper above every agent. Started by us only.

use super::plain_screen;
use crate::service;
use crate::sessions::{self, Launch, Occasion, SessionError};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs `agent exec <launch file>` or `agent child -- <argv>`; the words after `agent` are given.
pub(super) fn run(words: &[OsString]) -> ExitCode {
    let screen = plain_screen(false);
    let mut on_event = |launch: &Launch, occasion: Occasion| match occasion {
        Occasion::NotStarted(why) => screen.complaint(&crate::render::escape_lines(&why)),
        Occasion::Signals | Occasion::Ended(_) => {
            // Whoever holds the run settles it too; else the next command that looks does.
            let _ = service::agent_event(&launch.root, &launch.run);
        }
    };
    match sessions::dispatch(words, &mut on_event) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            screen.complaint(&crate::render::escape_lines(&error.to_string()));
            ExitCode::from(if matches!(error, SessionError::Sys(_)) { 127 } else { 1 })
        }
    }
}
