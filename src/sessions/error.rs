//! What can go wrong with sessions.

use crate::sys::SysError;
use std::path::PathBuf;

/// What can go wrong with sessions.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The operating system refused.
    #[error(transparent)]
    Sys(#[from] SysError),
    /// `sessions.backend` holds a word that is none.
    #[error("The session backend '{0}' is not known; it is auto, tmux or process")]
    UnknownBackend(String),
    /// tmux was asked for and is not there.
    #[error("Sessions are to run in tmux, and no program 'tmux' is on PATH")]
    NoTmux,
    /// tmux said something that we do not understand, or refused.
    #[error("tmux could not {action}: {said}")]
    Tmux {
        /// The middle of a sentence, such as "start session x".
        action: String,
        /// What it said.
        said: String,
    },
    /// A session of that name exists and is not ours to replace.
    #[error("A tmux session named '{name}' exists already; {why}")]
    Duplicate {
        /// The session's name.
        name: String,
        /// Whose it is, as a clause.
        why: String,
    },
    /// The agent is running already.
    #[error("Agent '{agent}' on ticket '{ticket}' is running already, in session '{name}'")]
    Running {
        /// The agent.
        agent: String,
        /// The ticket.
        ticket: String,
        /// The session's name.
        name: String,
    },
    /// The name of a session, or a token, holds characters that it must not hold.
    #[error("{what} '{text}' may hold only letters, digits, '_' and '-'")]
    BadName {
        /// "The session name" or "The session token".
        what: &'static str,
        /// The text.
        text: String,
    },
    /// The wrapper was started by hand.
    #[error(
        "'agent' is for the program itself; its words are 'exec <launch file>' or 'child -- <program> [argument]...'"
    )]
    Usage,
    /// The agent's program is not there.
    #[error("The program '{program}' of agent '{agent}' is not on PATH and is not a file that can be run")]
    NoProgram {
        /// The program.
        program: String,
        /// The agent.
        agent: String,
    },
    /// No agent program is installed and none was named.
    #[error(
        "No agent is named, and neither claude nor codex is on PATH; install one, or name another with --agent, with \
         'git config metawsm.agent', or in agent_profiles of the policy ('--agent shell' is a shell for you)"
    )]
    NoAgent,
    /// The runner is not known.
    #[error("The runner '{0}' is not known; it is shell, codex, claude or command")]
    UnknownRunner(String),
    /// The profile lacks something that its runner needs, or holds what it does not take.
    #[error("The agent cannot be started with the runner '{runner}': {why}")]
    Profile {
        /// The runner.
        runner: String,
        /// The reason, as a clause.
        why: String,
    },
    /// The wrapper was started and never said so.
    #[error("The session '{name}' was started and ended before its agent began{}", said(output))]
    NotBegun {
        /// The session's name.
        name: String,
        /// What it left in its log.
        output: String,
    },
    /// The session is a process without a terminal.
    #[error("The session runs as a process without a terminal; its output is in {}", log.display())]
    NoTerminal {
        /// The log.
        log: PathBuf,
    },
    /// The session is over, or its place was taken by something that does not carry our mark.
    #[error("The session is over; there is no agent to talk to")]
    Gone,
    /// A file of a session cannot be understood.
    #[error("{} cannot be read as a {what}: {why}", path.display())]
    Record {
        /// "launch file" or "session record".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The parser's words.
        why: String,
    },
    /// Processes of the session outlived SIGKILL.
    #[error("Processes of the session could not be ended: {0}")]
    Left(String),
}

fn said(output: &str) -> String {
    let text = output.trim();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
