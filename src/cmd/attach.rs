//! `attach`: into an agent's session.

use super::Outcome;
use super::args::NamedRun;
use crate::render::{self, Screen};
use crate::service::{self, Caller, Selector};
use crate::sys::Cmd;
use std::process::ExitCode;

/// Enter an agent's session; inside tmux the client switches to it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run (id, prefix or ticket), or RUN:agent where it has several.
    #[arg(value_name = "RUN[:AGENT]")]
    word: Option<String>,
    #[command(flatten)]
    named: NamedRun,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let words = service::attach(caller, &Selector { word: args.word, ..args.named.into() })?;
    if screen.json {
        render::attach_command(screen, &words);
        return Ok(ExitCode::SUCCESS);
    }
    let Some((program, rest)) = words.split_first() else { return Ok(ExitCode::FAILURE) };
    let exit = Cmd::new(program).args(rest).on_terminal()?;
    Ok(if exit.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(5) })
}
