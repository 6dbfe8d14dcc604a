//! `path`: where a run's work lies.

use super::Outcome;
use super::args::NamedRun;
use crate::render::{self, Screen};
use crate::service::{self, Caller, Selector};
use std::process::ExitCode;

/// Print the directory of a run's workspace, or of one of its worktrees.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run id, a unique prefix of one, or a ticket.
    #[arg(value_name = "RUN")]
    word: Option<String>,
    /// The worktree of this repository.
    #[arg(value_name = "REPO")]
    repo: Option<String>,
    #[command(flatten)]
    named: NamedRun,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let selector = Selector { word: args.word, ..args.named.into() };
    render::plain_path(screen, &service::path(caller, &selector, args.repo.as_deref())?);
    Ok(ExitCode::SUCCESS)
}
