//! `iterate`: feedback, and the agents go on with it.

use super::Outcome;
use super::args::RunArgs;
use super::forum::body_of;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, IterateRequest};
use crate::sys::signals::Interrupt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say what is still to be done, and let the agents go on with it.
///
/// The feedback goes into the ticket's documents and to every agent, in its old conversation where its program can. What
/// agents had said about the work before, completion and validation, no longer counts.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The feedback, or - for standard input; otherwise it is read from --feedback-file or standard input.
    #[arg(long, value_name = "TEXT", conflicts_with = "feedback_file", allow_hyphen_values = true)]
    feedback: Option<String>,
    /// The file with the feedback; - is standard input.
    #[arg(long, value_name = "FILE")]
    feedback_file: Option<PathBuf>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    let feedback =
        body_of(&caller, "feedback", "iterate", (args.feedback.filter(|t| t != "-"), args.feedback_file))?;
    let request = IterateRequest { selector: args.run.into(), feedback, dry_run: args.dry_run };
    render::iterated(screen, &service::iterate(&caller, &request, &mut progress(screen))?);
    Ok(ExitCode::SUCCESS)
}
