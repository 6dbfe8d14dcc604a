//! `publish`: records that wait go into history.

use super::Outcome;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, PublishRequest};
use std::process::ExitCode;

/// Commit records of decided runs and threads that are not yet in history.
///
/// They are committed on base. A close does it by itself for its run, unless the record would be the only commit that puts base ahead of its
/// upstream: then it waits for the next merge, or for this command. Threads about other runs or none wait for this
/// command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Say only what would be committed, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: &Args) -> Outcome {
    let request = PublishRequest { dry_run: args.dry_run };
    render::published(screen, &service::publish(caller, &request, &mut progress(screen))?);
    Ok(ExitCode::SUCCESS)
}
