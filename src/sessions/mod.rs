//! Floor 3. Running agents: in tmux sessions of the user's own server, or as detached processes.
//!
//! Lives here: the two providers, one file each ([`SessionBackend`] is their enum), the wrapper that every agent
//! runs under, the command lines of the known agent programs, the prompt. Does not live here: when an agent is to
//! run, what its signals mean, the records of runs. `service` calls it; the wrapper's entry is [`dispatch`].
//! One rule: nothing is ended and nothing is typed into that does not carry our mark (the random token of one
//! start of one session), checked together with process id, start time and boot.

mod child;
mod error;
mod launch;
mod observe;
mod process;
mod prompt;
mod runners;
mod start;
mod stop;
mod talk;
mod tmux;
mod tree;
mod wrapper;

pub use crate::model::SessionBackend;
pub use child::child;
pub use error::SessionError;
pub use launch::{Ended, Given, Launch, SessionFiles};
pub use observe::{Observation, REBOOTED, began, find_running, observe_all, observe_states};
pub use prompt::{PromptAnswer, PromptInput, PromptTree, continuation, prompt};
pub use runners::{
    AgentCommand, RunnerInput, command_line, could_commit, default_runner, find_conversation, git_places,
};
pub use start::{backend, session_name, start};
pub use stop::{Stopped, stop};
pub use talk::{attach_argv, capture, follow, log_path, tell};
pub use wrapper::{Occasion, dispatch};
