//! `guide`: the answer to what an agent has asked.

use super::Outcome;
use super::args::RunArgs;
use super::forum::{SpeakerArgs, body_of};
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, GuideRequest};
use crate::sys::signals::Interrupt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Answer the oldest open question of a run, or the one that is named.
///
/// The answer is typed into the session of a live agent; one that has ended goes on with it in its old conversation.
/// It also lies in the file guidance-response.json of the workspace.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The answer; otherwise it is read from --body-file or standard input.
    #[arg(
        long,
        visible_alias = "body",
        value_name = "TEXT",
        conflicts_with = "body_file",
        allow_hyphen_values = true
    )]
    answer: Option<String>,
    /// The file with the answer; - is standard input.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// The question: its thread, or a unique beginning of the id or of its last part.
    #[arg(long, value_name = "ID")]
    question: Option<String>,
    /// Do not start an agent that has ended; the answer is kept for it.
    #[arg(long)]
    no_restart: bool,
    #[command(flatten)]
    speaker: SpeakerArgs,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    let request = GuideRequest {
        selector: args.run.into(),
        question: args.question,
        answer: body_of(&caller, "answer", "guide", (args.answer, args.body_file))?,
        no_restart: args.no_restart,
        speaker: args.speaker.into(),
    };
    render::guided(screen, &service::guide(&caller, &request, &mut progress(screen))?);
    Ok(ExitCode::SUCCESS)
}
