//! `diff`: what a run changed.

use super::Outcome;
use super::args::NamedRun;
use crate::render::{self, Screen};
use crate::service::{self, Caller, DiffRequest, Selector};
use crate::sys::{Cmd, term};
use std::process::ExitCode;

/// Show what a run changed in all its repositories.
///
/// Against the merge base with each base; what is not committed yet is included.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run id, a unique prefix of one, or a ticket.
    #[arg(value_name = "RUN")]
    word: Option<String>,
    /// Only this repository.
    #[arg(value_name = "REPO")]
    repo: Option<String>,
    #[command(flatten)]
    named: NamedRun,
    /// Numbers only.
    #[arg(long)]
    stat: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = DiffRequest {
        selector: Selector { word: args.word, ..args.named.into() },
        repo: args.repo,
        stat: args.stat,
    };
    let (run, diffs) = service::diff(caller, &request)?;
    if let Some(text) = render::diffs(screen, &run.id, &diffs) {
        page(screen, &text);
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows a text in a pager where somebody looks at a terminal, elsewhere as it is.
pub(super) fn page(screen: &Screen, text: &[u8]) {
    // One pager for everything, the user's own, as git finds it.
    if term::stdout_is_terminal()
        && let Ok(pager) = Cmd::new("git").args(["var", "GIT_PAGER"]).run()
        && pager.text() != "cat"
        && Cmd::new("sh").args(["-c", &pager.text()]).env("LESS", "FRX").stdin(text).feed_terminal().is_ok()
    {
        return;
    }
    render::raw(screen, text);
}
