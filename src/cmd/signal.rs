//! `signal`: an agent says something to whoever watches its run.

use super::Outcome;
use super::forum::body_of;
use crate::render::{self, Screen};
use crate::service::{self, Caller, SignalRequest, SignalWords};
use crate::sys::signals::Interrupt;
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Say as an agent that it asks, is done, or has validated the result.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

/// What `--wait` gives to the option that it shares with the global one: no number that anybody types.
const FOR_EVER: &str = "18446744073709551615";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Passed,
    Failed,
}

#[derive(Debug, clap::Args)]
struct AgentArgs {
    /// Who speaks, outside of a session where several agents work.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Ask a person for a decision that the work cannot go on without.
    ///
    /// The words come from --question, --body-file or standard input.
    Question {
        /// The question.
        #[arg(
            long,
            value_name = "TEXT",
            visible_alias = "body",
            conflicts_with = "body_file",
            allow_hyphen_values = true
        )]
        question: Option<String>,
        /// The file with the question; - is standard input.
        #[arg(long, value_name = "FILE")]
        body_file: Option<PathBuf>,
        /// What the question is about.
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        context: Option<String>,
        /// Wait for the answer, and print it; exit 1 where the time is up.
        // As in `forum ask`: the global --wait is for locks, of which this command takes none.
        #[arg(id = "wait", long = "wait", num_args = 0, default_missing_value = FOR_EVER)]
        wait: Option<u64>,
        /// Wait for the answer at most this long.
        #[arg(long, value_name = "SECONDS", requires = "wait")]
        timeout: Option<u64>,
        #[command(flatten)]
        who: AgentArgs,
    },
    /// Say that all work is done and committed.
    Complete {
        /// What was done.
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        summary: Option<String>,
        #[command(flatten)]
        who: AgentArgs,
    },
    /// Say what checking the result against the brief came to.
    Validate {
        /// Whether the done criteria hold.
        #[arg(long, value_name = "STATUS")]
        status: Status,
        /// What was checked, and what does not hold.
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        summary: Option<String>,
        /// The done criteria that it was checked against, instead of the brief's id.
        #[arg(long, value_name = "TEXT", conflicts_with = "brief_id", allow_hyphen_values = true)]
        done_criteria: Option<String>,
        /// The brief that it was checked against; by default the one of this run.
        #[arg(long, value_name = "ID")]
        brief_id: Option<String>,
        #[command(flatten)]
        who: AgentArgs,
    },
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let say = |who: AgentArgs, words: SignalWords| {
        service::signal(caller, &SignalRequest { agent: who.agent, words })
    };
    let said = match args.verb {
        Verb::Question { question, body_file, context, wait, timeout, who } => {
            let question = body_of(caller, "question", "signal question", (question, body_file))?;
            let said = say(who, SignalWords::Question { question, context })?;
            if wait == Some(u64::MAX) {
                let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
                screen.story("asked; waiting for an answer");
                let limit = timeout.map(Duration::from_secs);
                let answer = service::wait_for_response(&caller, &said, limit)?;
                render::responded(screen, &said, answer.as_deref());
                return Ok(if answer.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            said
        }
        Verb::Complete { summary, who } => say(who, SignalWords::Completion { summary })?,
        Verb::Validate { status, summary, done_criteria, brief_id, who } => {
            let passed = matches!(status, Status::Passed);
            say(who, SignalWords::Validation { passed, summary, done_criteria, brief_id })?
        }
    };
    render::signalled(screen, &said);
    Ok(ExitCode::SUCCESS)
}
