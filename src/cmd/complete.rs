//! `complete`: a person says that the work is done.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use std::process::ExitCode;

/// Say that the work of a run is done.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Why; it stands in the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    render::acted(screen, &service::complete(caller, &args.run.into(), &args.reason)?);
    Ok(ExitCode::SUCCESS)
}
