//! `docs`: tickets of every known tree of documents.

use super::args::Reach;
use super::{Outcome, docs_diff, docs_sync};
use crate::render::{self, Screen};
use crate::service::{self, Caller, DocsRequest, ServiceError};
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
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Sync(docs_sync::Args),
    Diff(docs_diff::Args),
}

impl Args {
    /// Looking at documents is reading.
    pub(super) fn reach(&self) -> Reach {
        match self.verb {
            Some(Verb::Sync(_)) => Reach::Act,
            Some(Verb::Diff(_)) | None => Reach::Read,
        }
    }

    fn asks_servers(&self) -> bool {
        self.refresh || !self.ticket.is_empty() || !self.endpoint.is_empty()
    }
}

impl Verb {
    fn name(&self) -> &'static str {
        match self {
            Self::Sync(_) => "sync",
            Self::Diff(_) => "diff",
        }
    }
}

/// Options of `docs` alone, which global ones must not be mistaken for.
fn misplaced(verb: &str) -> ServiceError {
    let message = format!(
        "--refresh, --ticket and --endpoint before '{verb}' belong to 'docs' alone; what is meant for '{verb}' follows it."
    );
    ServiceError::wrong(message, &[&format!("git metawsm docs {verb} -h"), "git metawsm docs -h"])
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    if args.asks_servers()
        && let Some(verb) = &args.verb
    {
        return Err(misplaced(verb.name()));
    }
    match args.verb {
        Some(Verb::Sync(args)) => return docs_sync::run(caller, screen, args),
        Some(Verb::Diff(args)) => return docs_diff::run(caller, screen, args),
        None => {}
    }
    let request = DocsRequest { refresh: args.refresh, tickets: args.ticket, endpoints: args.endpoint };
    let view = service::docs(caller, &request)?;
    render::docs(screen, &view);
    Ok(ExitCode::from(if view.all_down() { 5 } else { 0 }))
}
