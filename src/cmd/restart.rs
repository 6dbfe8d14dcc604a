//! `restart`: the agents of a run end and start again.

use super::Outcome;
use super::args::RunArgs;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use crate::sys::signals::Interrupt;
use std::process::ExitCode;

/// End the agents of a run and start them again; their completion no longer counts.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    render::acted(screen, &service::restart(&caller, &args.run.into(), &mut progress(screen))?);
    Ok(ExitCode::SUCCESS)
}
