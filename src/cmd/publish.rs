//! `publish`: records that wait go into history.

use super::Outcome;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, PublishRequest};
use std::process::ExitCode;

/// Commit the records of decided runs that are not yet in history on base.
///
/// A close does it by itself, unless the record would be the only commit that puts base ahead of its upstream: then it
/// waits for the next merge, or for this command.
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
