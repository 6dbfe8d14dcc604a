//! `docs diff`: how the two copies of a run's documents differ.

use super::{Outcome, diff, docs_sync};
use crate::render::{self, Screen};
use crate::service::Caller;
use crate::service::doc_sync::{self, DocDiffRequest};
use std::process::ExitCode;

/// Show how the documents of a run differ from the control repository's.
///
/// From the source, as committed there, to the workspace copy, as its files are. Where it is text, 'git apply' takes it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run id, a unique prefix of one, or a ticket.
    #[arg(value_name = "RUN")]
    word: Option<String>,
    /// The run's id, or a unique prefix of it.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Only this ticket; may be given several times.
    #[arg(long, value_name = "TICKET", value_delimiter = ',')]
    ticket: Vec<String>,
    /// Numbers only.
    #[arg(long)]
    stat: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = DocDiffRequest {
        selector: docs_sync::selector(args.word, args.run_id, &args.ticket),
        tickets: args.ticket,
    };
    let report = doc_sync::diff(caller, &request)?;
    if let Some(text) = render::docs_diff(screen, &report, args.stat) {
        diff::page(screen, &text);
    }
    Ok(if report.is_partial() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
