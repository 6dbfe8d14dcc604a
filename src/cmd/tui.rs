//! `tui`: the runs on a screen that stays.

use super::args::RunArgs;
use super::{Outcome, failure};
use crate::render::Screen;
use crate::service::Caller;
use crate::tui::{self, TuiRequest};

/// Look after runs on a screen: what needs you, live output, gates, diffs.
///
/// Runs on the left, the chosen one on the right; every key is shown. What changes anything shows its plan first and
/// asks.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// All control repositories of this user.
    #[arg(short = 'A', long)]
    all: bool,
    /// Accepted for the first program's sake: the screen follows changes as they happen.
    #[arg(long, value_name = "SECONDS", hide = true)]
    interval: Option<String>,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    if args.interval.is_some() {
        screen.story("note: --interval is not needed: the screen follows changes as they happen");
    }
    let request = TuiRequest { selector: args.run.into(), everywhere: args.all };
    tui::run(caller, screen, &request, |error, command, words| {
        failure::explained(error, &failure::Asked { command, words })
    })
}
