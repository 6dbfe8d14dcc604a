//! `demo`: the main job on two throwaway repositories.

use super::Outcome;
use crate::render::{self, Screen};
use crate::service::{self, DemoRequest};
use std::process::ExitCode;

/// Play the main job, whole, on two throwaway repositories with a scripted agent.
///
/// Needs nothing but git; uses tmux if it is there.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Leave the folder to look around in.
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(screen: &Screen, args: &Args) -> Outcome {
    let mut scenes = render::Scenes::new(screen);
    let kept = service::demo(&DemoRequest { keep: args.keep }, &mut |event| scenes.show(&event))?;
    scenes.end(kept.as_deref());
    Ok(ExitCode::SUCCESS)
}
