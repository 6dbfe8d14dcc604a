//! `close`: merge, close the ticket, publish the record.

use super::Outcome;
use super::args::RunArgs;
use super::progress::progress;
use crate::gate::{Action, Waiver};
use crate::render::{self, Screen};
use crate::service::{self, Caller, CloseRequest, LandedWord, Resume};
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
    /// Finish what a stop left half done.
    #[arg(long = "continue", conflicts_with_all = ["dry_run", "abort", "waive"])]
    go_on: bool,
    /// Take back what a stop left half done.
    #[arg(long, conflicts_with_all = ["dry_run", "waive", "push"])]
    abort: bool,
    /// Push the bases at the end, never by force; on a run that is merged or closed already too.
    #[arg(long, conflicts_with = "dry_run")]
    push: bool,
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
    /// A commit of base that holds the work already, such as a squash made on the server.
    #[arg(long, value_name = "[REPO=]COMMIT", value_parser = landed)]
    landed: Vec<LandedWord>,
}

fn landed(text: &str) -> Result<LandedWord, String> {
    let (repo, commit) = text.split_once('=').map_or((None, text), |(repo, commit)| (Some(repo), commit));
    if commit.trim().is_empty() {
        return Err("name a commit".to_owned());
    }
    Ok(LandedWord { repo: repo.map(str::to_owned), commit: commit.trim().to_owned() })
}

/// Reads `gate=reason`.
pub(super) fn waiver(text: &str) -> Result<Waiver, String> {
    let (gate, reason) = text.split_once('=').ok_or_else(|| "write it as gate=reason".to_owned())?;
    Ok(Waiver { gate: gate.to_owned(), reason: reason.to_owned() })
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = request(args.common, Action::Close);
    let request = CloseRequest { changelog_entry: args.changelog_entry, landed: args.landed, ..request };
    land(caller, screen, &request)
}

/// What both ask for.
pub(super) fn request(args: Common, action: Action) -> CloseRequest {
    CloseRequest {
        selector: args.run.into(),
        action,
        dry_run: args.dry_run,
        waivers: args.waive,
        changelog_entry: None,
        resume: match (args.go_on, args.abort) {
            (true, _) => Some(Resume::Continue),
            (_, true) => Some(Resume::Abort),
            _ => None,
        },
        push: args.push,
        landed: Vec::new(),
    }
}

/// Asks the service for either of the two.
pub(super) fn land(caller: &Caller, screen: &Screen, request: &CloseRequest) -> Outcome {
    let report = service::close(caller, request, &mut progress(screen))?;
    render::closing(screen, &report);
    // The run is merged or closed all the same.
    let refused = report.pushes.iter().any(|push| push.failure.is_some());
    Ok(if refused { ExitCode::from(5) } else { ExitCode::SUCCESS })
}
