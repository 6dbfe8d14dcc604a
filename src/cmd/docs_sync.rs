//! `docs sync`: the source's changes into the workspace copies of a run.

use super::Outcome;
use crate::render::{self, Screen};
use crate::service::doc_sync::{self, DocSyncRequest, Keep};
use crate::service::{Caller, Selector};
use std::process::ExitCode;

/// Take what changed in the control repository into the documents of a run.
///
/// Both copies are merged from what they last had in common, and the result is one commit on the run's branch. Where
/// both changed the same lines, nothing changes and the files are named (exit 1).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// Where both changed the same file, take it whole as this side has it.
    #[arg(long, value_name = "SIDE")]
    keep: Option<Side>,
    /// Say only what would come of it, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Side {
    Workspace,
    Source,
}

/// Which run is meant, and which of its tickets.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// A run id, a unique prefix of one, or a ticket.
    #[arg(value_name = "RUN")]
    word: Option<String>,
    /// The run's id, or a unique prefix of it.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Only this ticket; may be given several times.
    #[arg(long, value_name = "TICKET", value_delimiter = ',')]
    ticket: Vec<String>,
}

impl Which {
    /// The words that name the run, and those that name its tickets.
    pub(super) fn split(self) -> (Selector, Vec<String>) {
        let named = self.word.is_some() || self.run_id.is_some();
        let ticket = self.ticket.first().filter(|_| !named).cloned();
        (Selector { word: self.word, run_id: self.run_id, ticket }, self.ticket)
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let (selector, tickets) = args.which.split();
    let request = DocSyncRequest {
        selector,
        tickets,
        keep: args.keep.map(|side| match side {
            Side::Workspace => Keep::Workspace,
            Side::Source => Keep::Source,
        }),
        dry_run: args.dry_run,
    };
    let report = doc_sync::sync(caller, &request)?;
    render::docs_synced(screen, &report);
    Ok(if report.is_partial() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
