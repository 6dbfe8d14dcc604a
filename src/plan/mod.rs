//! Floor 2, pure. From facts to typed steps.
//!
//! Lives here: which steps a run takes and in what order, and what a merge or close will do. Does not live here:
//! doing it. Services call it; it imports `model` and `gate`. One rule: a merge or close cannot be planned
//! without the [`crate::gate::Pass`] that its gates gave.

mod merge;
mod run;

pub use merge::{Link, MergePlan, PlanError, RepoMerge, close, merge};
pub use run::{Wants, is_finished, ready, run_steps};
