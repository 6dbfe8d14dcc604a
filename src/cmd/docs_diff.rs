//! `docs diff`: how the two copies of a run's documents differ.

use super::docs_sync::Which;
use super::{Outcome, diff};
use crate::render::{self, Screen};
use crate::service::Caller;
use crate::service::doc_sync::{self, DocDiffRequest};
use std::process::ExitCode;

/// Show how the documents of a run differ from the control repository's.
///
/// From the source, as committed there, to the workspace copy, as its files are. Where it is text, 'git apply' takes it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// Numbers only.
    #[arg(long)]
    stat: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let (selector, tickets) = args.which.split();
    let report = doc_sync::diff(caller, &DocDiffRequest { selector, tickets })?;
    if let Some(text) = render::docs_diff(screen, &report, args.stat) {
        diff::page(screen, &text);
    }
    Ok(if report.is_partial() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
