//! `check`: every gate, judged.

use super::Outcome;
use super::args::RunArgs;
use super::close::waiver;
use super::progress::progress;
use crate::gate::Waiver;
use crate::render::{self, Screen};
use crate::service::{self, Caller, CheckRequest, RangeVerdict};
use std::process::ExitCode;

/// Judge every gate of a run and change nothing; exit 3 when one refuses.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: RunArgs,
    /// Run the test commands of the policy on the merge result first, and keep what they said.
    #[arg(long)]
    run: bool,
    /// Judge as if one gate's blockers passed; nothing is written down.
    #[arg(long, value_name = "GATE=REASON", value_parser = waiver)]
    waive: Vec<Waiver>,
    /// Judge the commits of a range instead, from history alone: for CI, where no run is.
    #[arg(long, value_name = "A..B", conflicts_with_all = ["run", "waive", "word", "run_id", "ticket"])]
    range: Option<String>,
}

impl Args {
    /// Whether it starts programs of the policy.
    pub(super) fn runs(&self) -> bool {
        self.run
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    if let Some(range) = args.range {
        let report = service::check_range(caller, &range)?;
        render::range(screen, &report);
        let passes = report.verdict() == RangeVerdict::Passes;
        return Ok(if passes { ExitCode::SUCCESS } else { ExitCode::from(3) });
    }
    let request = CheckRequest { selector: args.which.into(), run: args.run, waivers: args.waive };
    let checked = service::check(caller, &request, &mut progress(screen))?;
    render::judged(screen, &checked);
    Ok(if checked.verdict.refuses() { ExitCode::from(3) } else { ExitCode::SUCCESS })
}
