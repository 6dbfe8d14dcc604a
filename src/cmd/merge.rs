//! `merge`: a run's branches into their bases.

use super::Outcome;
use super::close::{Common, land, request};
use crate::gate::Action;
use crate::render::Screen;
use crate::service::Caller;

/// Merge a run's branches into their bases; the run stays open.
///
/// All results are computed before the first branch moves; what base holds already is not merged again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Accepted for the first program's sake: every merge here is a person's.
    #[arg(long, hide = true)]
    human: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    if args.human {
        screen.story("note: --human is not needed: only people can merge");
    }
    land(caller, screen, &request(args.common, Action::Merge))
}
