//! `logs`: an agent's output.

use super::Outcome;
use super::args::NamedRun;
use crate::render::{self, Screen};
use crate::service::{self, Caller, Selector};
use crate::sys::signals::Interrupt;
use std::process::ExitCode;

/// Show an agent's output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run (id, prefix or ticket), or RUN:agent where it has several.
    #[arg(value_name = "RUN[:AGENT]")]
    word: Option<String>,
    #[command(flatten)]
    named: NamedRun,
    /// Go on as output comes, until the agent has ended.
    #[arg(short, long)]
    follow: bool,
    /// At most this many lines.
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 1000)]
    lines: usize,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let selector = Selector { word: args.word, ..args.named.into() };
    if args.follow {
        let interrupt = Interrupt::install()?;
        service::follow(caller, &selector, &mut |text| {
            render::output_lines(screen, text);
            !interrupt.is_set() && !screen.is_closed()
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    render::output_end(screen, &service::logs(caller, &selector, args.lines)?);
    Ok(ExitCode::SUCCESS)
}
