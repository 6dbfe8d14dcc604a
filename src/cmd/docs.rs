//! `docs`: tickets of every known tree of documents.

use super::Outcome;
use super::args::Reach;
use crate::render::{self, Screen};
use crate::service::{self, Caller, DocsRequest};
use std::process::ExitCode;

/// Show the tickets of every known tree: docmgr's servers, open runs and this repository.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Have the servers read their trees anew first.
    #[arg(long)]
    refresh: bool,
    /// Only this ticket; may be given several times.
    #[arg(long, value_name = "TICKET", value_delimiter = ',')]
    ticket: Vec<String>,
    /// Ask only this server of docs.api in the policy; may be given several times.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    endpoint: Vec<String>,
}

impl Args {
    /// Looking at documents is reading.
    #[expect(clippy::unused_self, reason = "its words will tell")]
    pub(super) fn reach(&self) -> Reach {
        Reach::Read
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = DocsRequest { refresh: args.refresh, tickets: args.ticket, endpoints: args.endpoint };
    let view = service::docs(caller, &request)?;
    render::docs(screen, &view);
    Ok(ExitCode::from(if view.all_down() { 5 } else { 0 }))
}
