//! `resume`: go on with what is not done.

use super::Outcome;
use super::args::RunArgs;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, ResumeRequest};
use crate::sys::signals::Interrupt;
use std::process::ExitCode;

/// Go on with what is not done, and start agents that are not alive.
///
/// Every step looks whether it holds already; agents go on in their old conversation where their program can.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Every open run, as after a reboot.
    #[arg(long)]
    all: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    let request = ResumeRequest { selector: args.run.into(), all: args.all };
    let (runs, failed) = service::resume(&caller, &request, &mut progress(screen))?;
    let failed: Vec<_> = failed.into_iter().map(|(id, error)| (id.to_string(), error.to_string())).collect();
    render::resumed(screen, &runs, &failed);
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
