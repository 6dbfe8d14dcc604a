//! `update`: base into every branch of a run.

use super::Outcome;
use super::args::RunArgs;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, UpdateRequest};
use std::process::ExitCode;

/// Take base into every branch of a run.
///
/// Each worktree must be clean and on its branch, and no agent may be at work. Conflicts are left in the worktree for
/// the agent or for you (exit 1).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Say only what would come of it, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = UpdateRequest { selector: args.run.into(), dry_run: args.dry_run };
    let report = service::update(caller, &request, &mut progress(screen))?;
    render::updated(screen, &report);
    Ok(if report.is_partial() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
