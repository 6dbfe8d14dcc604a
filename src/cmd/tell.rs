//! `tell`: a line to a live agent.

use super::Outcome;
use super::args::NamedRun;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, Selector};
use std::process::ExitCode;

/// Type a line to a live agent and press Enter.
///
/// Where the agent has asked something, the line is the answer, as with 'git metawsm guide'.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run (id, prefix or ticket), or RUN:agent where it has several.
    #[arg(value_name = "RUN[:AGENT]")]
    word: String,
    /// The line.
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    named: NamedRun,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let selector = Selector { word: Some(args.word), ..args.named.into() };
    let (agent, guided) = service::tell(caller, &selector, &args.text, &mut progress(screen))?;
    render::told(screen, &agent, guided.as_ref());
    Ok(ExitCode::SUCCESS)
}
