//! The last step before the agent: a group of its own, the terminal's foreground, and then the agent itself.

use super::SessionError;
use crate::sys::{Cmd, supervise};
use std::ffi::OsString;

/// Becomes the agent; returns only where that fails. A process in a group of its own cannot read its terminal
/// unless that group is the foreground one, and only the child itself can see to both before the agent begins.
pub fn child(words: &[OsString]) -> SessionError {
    let Some((program, args)) = words.split_first() else {
        return SessionError::NoProgram { program: String::new(), agent: String::new() };
    };
    supervise::lead_group();
    supervise::take_terminal();
    Cmd::new(program).args(args).exec().into()
}
