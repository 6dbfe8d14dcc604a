//! `discard`: a run is given up, its work is kept.

use super::Outcome;
use super::args::RunArgs;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use std::process::ExitCode;

/// Give a run up; its work is kept under rescue refs.
///
/// Its sessions end, its worktrees and branches go. Nothing is merged and nothing is committed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Why; it stands in the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let (run, removal) = service::discard(caller, &args.run.into(), &args.reason, &mut progress(screen))?;
    render::discarded(screen, &run, &removal);
    Ok(ExitCode::SUCCESS)
}
