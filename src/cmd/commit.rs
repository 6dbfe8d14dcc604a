//! `commit`: what agents left, committed.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use std::process::ExitCode;

/// Commit what agents left, in all repositories of a run, on its branches.
///
/// A file that the policy forbids stops it before anything is committed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The commit message; by default the ticket and its title.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let (run, commits) = service::commit(caller, &args.run.into(), args.message.as_deref())?;
    render::committed(screen, &run, &commits);
    Ok(ExitCode::SUCCESS)
}
