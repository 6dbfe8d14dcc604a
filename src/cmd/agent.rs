//! `agent`: the wrapper above every agent. Started by us only.

use super::plain_screen;
use crate::service;
use crate::sessions::{self, Launch, Occasion, SessionError};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs `agent exec <launch file>`, `agent child -- <argv>` or `agent alone -- <argv>`; the words after `agent` are given.
pub(super) fn run(words: &[OsString]) -> ExitCode {
    let screen = plain_screen(false);
    if let Some((_, words)) = words.split_first().filter(|(verb, _)| *verb == "notify") {
        return service::notify(words).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let mut on_event = |launch: &Launch, occasion: Occasion| match occasion {
        Occasion::NotStarted(why) => {
            screen.complaint(&crate::render::escape_lines(&why));
            true
        }
        Occasion::Signals => service::agent_signals(&launch.root, &launch.run).unwrap_or(true),
        // Who stops an agent holds its run, and writes down what came of it.
        Occasion::Ended(ended) if ended.stopped => true,
        Occasion::Ended(_) => service::agent_ended(&launch.root, &launch.run).is_ok(),
    };
    match sessions::dispatch(words, &mut on_event) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            screen.complaint(&crate::render::escape_lines(&error.to_string()));
            ExitCode::from(if matches!(error, SessionError::Sys(_)) { 127 } else { 1 })
        }
    }
}
