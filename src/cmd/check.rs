//! `check`: every gate, judged.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use std::process::ExitCode;

/// Judge every gate of a run and change nothing; exit 3 when one refuses.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let (run, verdict) = service::check(caller, &args.run.into())?;
    render::judged(screen, &run, &verdict);
    Ok(if verdict.refuses() { ExitCode::from(3) } else { ExitCode::SUCCESS })
}
