//! `stop`: sessions end, everything is kept.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use std::process::ExitCode;

/// End the sessions of a run and keep everything.
///
/// TERM first, then KILL, and the whole process tree with it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    render::acted(screen, &service::stop(caller, &args.run.into())?);
    Ok(ExitCode::SUCCESS)
}
