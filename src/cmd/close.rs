//! `close`: merge, close the ticket, publish the record.

use super::Outcome;
use super::args::RunArgs;
use super::progress::progress;
use crate::gate::{Action, Waiver};
use crate::render::{self, Screen};
use crate::service::{self, Caller, CloseRequest};
use std::process::ExitCode;

/// What `merge` and `close` share.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    run: RunArgs,
    /// Judge and plan, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Let one gate's blockers pass once; the reason stands in the receipt.
    #[arg(long, value_name = "GATE=REASON", value_parser = waiver)]
    waive: Vec<Waiver>,
}

/// Merge a run's branches, close its tickets and publish its record.
///
/// Every gate is judged first; all blockers are named together, each with the command that clears it (exit 3).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// The entry in the ticket's changelog.
    #[arg(long, value_name = "TEXT")]
    changelog_entry: Option<String>,
}

/// Reads `gate=reason`.
pub(super) fn waiver(text: &str) -> Result<Waiver, String> {
    let (gate, reason) = text.split_once('=').ok_or_else(|| "write it as gate=reason".to_owned())?;
    Ok(Waiver { gate: gate.to_owned(), reason: reason.to_owned() })
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    land(caller, screen, args.common, Action::Close, args.changelog_entry)
}

/// Asks the service for either of the two.
pub(super) fn land(
    caller: &Caller,
    screen: &Screen,
    args: Common,
    action: Action,
    changelog_entry: Option<String>,
) -> Outcome {
    let request = CloseRequest {
        selector: args.run.into(),
        action,
        dry_run: args.dry_run,
        waivers: args.waive,
        changelog_entry,
    };
    render::closing(screen, &service::close(caller, &request, &mut progress(screen))?);
    Ok(ExitCode::SUCCESS)
}
