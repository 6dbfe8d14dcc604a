//! `status`: what needs you.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Screen};
use crate::service::{self, Caller, StatusRequest};
use std::process::ExitCode;

/// Show what needs you: one run in full, or all open ones.
///
/// Takes the signals of agents and settles runs whose agents have ended, unless somebody holds the run.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Only look: take no signals.
    #[arg(long)]
    no_ingest: bool,
    /// Add what changed in each worktree.
    #[arg(long)]
    git: bool,
    /// All control repositories of this user.
    #[arg(short = 'A', long)]
    all: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = StatusRequest {
        selector: args.run.into(),
        // An agent may look, and must not move its own run.
        no_ingest: args.no_ingest || caller.below_agent.is_some(),
        git: args.git,
        everywhere: args.all,
    };
    render::status(screen, &service::status(caller, &request)?);
    Ok(ExitCode::SUCCESS)
}
