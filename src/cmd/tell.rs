//! `tell`: a line to a live agent.

use super::Outcome;
use super::args::NamedRun;
use crate::render::{self, Screen};
use crate::service::{self, Caller, Selector};
use std::process::ExitCode;

/// Type a line to a live agent and press Enter.
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
    render::told(screen, &service::tell(caller, &selector, &args.text)?);
    Ok(ExitCode::SUCCESS)
}
