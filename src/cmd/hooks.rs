//! `hooks install|uninstall|status|ack`, and `hooks run`, by which the shims enter.

use super::args::below_agent;
use super::{Outcome, plain_screen};
use crate::render::{self, Screen};
use crate::service::{self, Caller, HookCall, ServiceError};
use crate::sys::env;
use clap::Subcommand;
use std::ffi::OsString;
use std::io::Read;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How long somebody's git command may wait for us.
const LIMIT: Duration = Duration::from_secs(60);

/// The most that git says to a hook.
const MOST_INPUT: u64 = 64 << 20;

/// Install, remove or prove the git hooks that keep unfinished work out of a base.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Put our hooks into a repository, beside those that are there; `run` does it by itself.
    Install {
        /// Instead, the hook of a bare repository that others push to.
        #[arg(long)]
        server: bool,
        /// Repositories: directories, or names in open runs; by default the one around the working directory.
        #[arg(value_name = "REPO")]
        repos: Vec<String>,
    },
    /// Take our hooks out again; what was there before comes back byte for byte.
    Uninstall {
        /// Repositories, as for install.
        #[arg(value_name = "REPO")]
        repos: Vec<String>,
    },
    /// Prove that each hook fires, in the main worktree and in every linked one, and show what it costs.
    Status {
        /// Repositories, as for install.
        #[arg(value_name = "REPO")]
        repos: Vec<String>,
    },
    /// Answer for work that came into a base around the hooks; until then its run cannot be closed.
    Ack {
        /// The id that status shows.
        id: String,
        /// Why it may stand; this becomes part of the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Called by the hooks themselves.
    #[command(hide = true)]
    Run {
        /// The hook and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    match args.verb {
        Verb::Install { server, repos } => {
            render::hooks_changed(screen, &service::hooks_install(caller, &repos, server)?);
        }
        Verb::Uninstall { repos } => {
            render::hooks_changed(screen, &service::hooks_uninstall(caller, &repos)?);
        }
        Verb::Status { repos } => {
            return Ok(render::hooks_proven(screen, &service::hooks_prove(caller, &repos)?));
        }
        Verb::Ack { id, reason } => {
            let (run, bypass) = service::hooks_ack(caller, &id, &reason)?;
            render::hooks_acknowledged(screen, &run, &bypass);
        }
        Verb::Run { words } => return Ok(enter(&words)),
    }
    Ok(ExitCode::SUCCESS)
}

/// A hook fires: the words after `hooks run`. Inside somebody's git command every millisecond counts, so this comes
/// before the command line is parsed.
pub(super) fn enter(words: &[OsString]) -> ExitCode {
    let screen = plain_screen(false);
    let Some((name, args)) = words.split_first() else { return ExitCode::from(2) };
    let name = name.to_string_lossy().into_owned();
    let mut input = Vec::new();
    if matches!(name.as_str(), "pre-push" | "reference-transaction") {
        // What cannot be read in full is judged by what came.
        let _ = std::io::stdin().lock().take(MOST_INPUT).read_to_end(&mut input);
    }
    let Some(cwd) = env::cwd() else { return ExitCode::from(2) };
    let call = HookCall { name: name.clone(), args: args.to_vec(), input, cwd, below_agent: below_agent() };
    match within_limit(call) {
        Ok(answer) => render::hook_answer(&screen, &answer),
        Err(error) => render::hook_failed(&screen, &name, &error, service::fails_closed(&name)),
    }
}

fn within_limit(call: HookCall) -> Result<service::HookAnswer, ServiceError> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let _ = sender.send(service::run_hook(&call));
    });
    match receiver.recv_timeout(LIMIT) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => {
            let message = format!("It could not be judged within {} seconds.", LIMIT.as_secs());
            Err(ServiceError::failed(message, &["git metawsm check"]))
        }
        Err(RecvTimeoutError::Disconnected) => {
            Err(ServiceError::failed("The judge died; this is a bug of git-metawsm.", &["git metawsm check"]))
        }
    }
}

/// A probe: says that git reached this hook.
pub(super) fn probe(words: &[OsString]) -> ExitCode {
    let screen = plain_screen(false);
    let name = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    screen.complaint(&service::told_by_probe(&name));
    ExitCode::SUCCESS
}
