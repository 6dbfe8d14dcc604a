//! `doctor`: what is wrong here, and what mends it.

use super::Outcome;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, DoctorRequest};

/// Look at everything that runs stand on, and say what mends it.
///
/// Programs, policy, records and their journals, the index, repositories, worktrees, branches, hooks. Nothing is changed
/// without --repair, which does only what loses nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Put right what can be put right safely.
    #[arg(long)]
    repair: bool,
    /// Throw the index of records away and build it anew.
    #[arg(long)]
    rebuild_index: bool,
}

impl Args {
    /// Whether it changes anything.
    pub(super) fn acts(&self) -> bool {
        self.repair || self.rebuild_index
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: &Args) -> Outcome {
    let request = DoctorRequest { repair: args.repair, rebuild_index: args.rebuild_index };
    Ok(render::diagnosis(screen, &service::doctor(caller, request, &mut progress(screen))?))
}
