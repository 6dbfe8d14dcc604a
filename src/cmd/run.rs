//! `run`: start agents on a text or on tickets.

use super::Outcome;
use super::progress::progress;
use crate::model::Strategy;
use crate::render::{self, Screen};
use crate::service::{self, Caller, RunRequest, ServiceError};
use crate::sys::signals::Interrupt;
use clap::ValueEnum;
use std::io::Read;
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrategyWord {
    /// New branches from base
    Create,
    /// New branches from the branches of --from
    Fork,
    /// The workspace named by --from, as it is
    Reuse,
}

/// Start agents on a text or on tickets, each in its own workspace.
///
/// Works in any repository with a commit: the repository around the current directory, a workspace of its own for
/// each ticket with a worktree of each repository, and an agent started in it. Without a policy the agent is claude
/// or codex, whichever is installed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to do, in free text; '-' reads it from standard input.
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// A ticket to work on; repeats, or takes commas.
    #[arg(long, value_name = "TICKET", value_delimiter = ',', allow_hyphen_values = true)]
    ticket: Vec<String>,
    /// Make tickets that do not exist.
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    how: How,
}

/// How a run is made, whatever it is for.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Repositories: names, paths or repo:base; repeats, or takes commas.
    #[arg(long, value_name = "REPO", value_delimiter = ',')]
    repos: Vec<String>,
    /// Agents by role or profile; repeats, or takes commas.
    #[arg(long, value_name = "AGENT", value_delimiter = ',')]
    agent: Vec<String>,
    /// The repository that holds the tickets' documents; the first one by default.
    #[arg(long, value_name = "REPO")]
    doc_home_repo: Option<String>,
    /// The old name of --doc-home-repo.
    #[arg(long, value_name = "REPO", hide = true)]
    doc_repo: Option<String>,
    /// Which copy of the documents is the truth.
    #[arg(long, value_name = "MODE", value_parser = ["workspace_active"])]
    doc_authority_mode: Option<String>,
    /// How documents come into the doc home.
    #[arg(long, value_name = "MODE", value_parser = ["none", "copy_from_repo_on_start"])]
    doc_seed_mode: Option<String>,
    /// How workspaces come about.
    #[arg(long, value_name = "STRATEGY")]
    workspace_strategy: Option<StrategyWord>,
    /// The workspace or run to fork from or to reuse.
    #[arg(long, value_name = "WORKSPACE|RUN")]
    from: Option<String>,
    /// The branch to start from and to merge into.
    #[arg(long, value_name = "BRANCH")]
    base_branch: Option<String>,
    /// The id of the new run.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Start another run although one is open for the ticket.
    #[arg(long)]
    again: bool,
    /// Show the plan and change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl How {
    /// The request for a run that is made like this.
    pub(super) fn request(self) -> RunRequest {
        RunRequest {
            repos: self.repos,
            agents: self.agent,
            doc_home: self.doc_home_repo,
            doc_repo: self.doc_repo,
            doc_authority: self.doc_authority_mode,
            doc_seed: self.doc_seed_mode,
            strategy: self.workspace_strategy.map(|word| match word {
                StrategyWord::Create => Strategy::Create,
                StrategyWord::Fork => Strategy::Fork,
                StrategyWord::Reuse => Strategy::Reuse,
            }),
            from: self.from,
            base_branch: self.base_branch,
            run_id: self.run_id,
            again: self.again,
            dry_run: self.dry_run,
            ..RunRequest::default()
        }
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let text = match args.text.as_deref() {
        Some("-") => Some(from_stdin()?),
        _ => args.text,
    };
    let request = RunRequest { text, tickets: args.ticket, create: args.create, ..args.how.request() };
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    let report = service::run(&caller, &request, &mut progress(screen))?;
    render::ran(screen, &report);
    Ok(ExitCode::SUCCESS)
}

/// A goal of at most a mebibyte from standard input.
fn from_stdin() -> Result<String, ServiceError> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(1 << 20).read_to_end(&mut bytes);
    let text = read.ok().and_then(|_| String::from_utf8(bytes).ok());
    text.ok_or_else(|| {
        ServiceError::wrong("The text on standard input is not UTF-8.", &["git metawsm run '<what to do>'"])
    })
}
