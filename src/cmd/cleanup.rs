//! `cleanup`: what a run that is over leaves on disk goes.

use super::Outcome;
use super::args::RunArgs;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, CleanupRequest};
use std::process::ExitCode;

/// Remove the workspaces and integrated branches of a run that is over.
///
/// Refuses to lose work and names it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// End the sessions only, and keep the workspaces.
    #[arg(long)]
    keep_workspaces: bool,
    /// Remove also work that is nowhere else; it is saved in rescue refs first.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = CleanupRequest {
        selector: args.run.into(),
        keep_workspaces: args.keep_workspaces,
        force: args.force,
    };
    let (run, removal) = service::cleanup(caller, &request, &mut progress(screen))?;
    render::cleanup(screen, &run, &removal);
    Ok(ExitCode::SUCCESS)
}
