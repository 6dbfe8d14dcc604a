//! `list`: runs, newest first.

use super::Outcome;
use crate::model::RunState;
use crate::render::{self, Screen, Which};
use crate::service::{self, Caller, ListRequest};
use std::process::ExitCode;

/// List runs, newest first: the open ones, or all.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Closed and discarded runs too, also those that others published on base.
    #[arg(short, long)]
    all: bool,
    /// Only runs of this ticket.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Only runs in this state, such as running, awaiting_guidance, failed, completed or closed.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<RunState>,
}

fn state(text: &str) -> Result<RunState, String> {
    RunState::parse(text).ok_or_else(|| {
        let words: Vec<_> = RunState::ALL.iter().map(|s| s.as_str()).collect();
        format!("the states are {}", words.join(", "))
    })
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let asked = match (&args.ticket, args.state) {
        (None, None) if args.all => Which::All,
        (None, None) => Which::Open,
        _ => Which::Some,
    };
    let request = ListRequest { all: args.all, ticket: args.ticket, state: args.state };
    let mut listing = render::Listing::new(screen, asked);
    let broken = if screen.json {
        service::list_whole(caller, &request, &mut |run| listing.add_whole(run))?
    } else {
        service::list(caller, &request, &mut |run| listing.add(run))?
    };
    listing.end(&broken);
    Ok(ExitCode::SUCCESS)
}
