//! `log`: the journal of a run.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use std::process::ExitCode;

/// Show the journal of a run, oldest line first.
///
/// Each line carries the hash of the line before; a line changed behind our back shows.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let (id, journal) = service::log(caller, &args.run.into())?;
    render::journal(screen, &id, &journal);
    Ok(ExitCode::SUCCESS)
}
