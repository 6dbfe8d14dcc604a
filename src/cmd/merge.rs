//! `merge`: a run's branches into their bases.

use super::Outcome;
use super::close::{Common, land};
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
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    land(caller, screen, args.common, Action::Merge, None)
}
