//! Floor 1, pure. Invariants: from facts to a verdict, one file per gate.
//!
//! Lives here: what must hold before a merge or a close, and the command that clears each blocker. Does not live
//! here: how facts are found, and what happens after. Services call it; it imports only `model`. One rule: all
//! gates are judged and all blockers are reported together, and only a verdict without blockers yields a
//! [`Pass`], which `plan::merge` and `plan::close` demand.

mod agents_quiet;
mod base_ready;
mod brief;
mod bypass;
mod checks;
mod clean_tree;
mod docs_fresh;
mod docs_synced;
mod facts;
mod forbidden_files;
mod forum_quiet;
mod guidance;
mod mergeable;
mod on_branch;
mod policy_drift;
mod records_untouched;
mod run_state;
mod table;
mod validation;
mod verdict;

pub use facts::{
    AgentFact, AgentPulse, BaseFact, BootstrapFact, BranchFact, BypassFact, ChainFact, ChainLink, CheckFact,
    CheckStanding, Claim, DirtFact, DocFact, DocStanding, Facts, HeadFact, Outcome, QuestionFact, ThreadFact,
    ValidationFact, WorktreeFact,
};
pub use table::{ALL, Gate};
pub use validation::AGENTS_WORD;
pub use verdict::{Blocker, Line, Pass, Standing, Verdict, Waiver};

use crate::model::GateLevel;

/// What is to be done with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Merge what is not contained.
    Merge,
    /// Merge, close the ticket, publish.
    Close,
    /// Let git bring the run's work into a base: what a hook asks. Nothing is computed for it that a merge of ours
    /// would need, and nothing is executed.
    Hook,
}

/// At most this many things are named in one sentence.
const SHOWN: usize = 5;

/// The first few of a list, and how many more there are.
fn named(list: &[String]) -> String {
    let shown = list[..list.len().min(SHOWN)].join(", ");
    match list.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Judges every gate that the action needs. `level` tells the level in force for a gate's id and default;
/// a waiver lets one gate's blockers pass.
pub fn judge(
    action: Action,
    facts: &Facts,
    level: &dyn Fn(&str, GateLevel) -> GateLevel,
    waivers: &[Waiver],
) -> Verdict {
    let counts = |gate: &&Gate| match action {
        Action::Merge => gate.merge,
        Action::Close => gate.close,
        Action::Hook => gate.hook,
    };
    let line = |gate: &Gate| {
        let level = level(gate.id, gate.level);
        let blockers = if level == GateLevel::Off { Vec::new() } else { (gate.judge)(facts) };
        let waiver =
            waivers.iter().find(|w| w.gate == gate.id && is_waivable(gate.id)).map(|w| w.reason.clone());
        let standing = match (level, blockers.is_empty(), waiver) {
            (GateLevel::Off, ..) => Standing::Off,
            (_, true, _) => Standing::Pass,
            (GateLevel::Warn, ..) => Standing::Warn,
            (GateLevel::Block, false, Some(reason)) => Standing::Waived(reason),
            (GateLevel::Block, false, None) => Standing::Block,
        };
        Line { gate: gate.id, standing, judge: (gate.judged_by)(facts), blockers }
    };
    Verdict { lines: ALL.iter().filter(counts).map(line).collect() }
}

/// Whether a gate of this id exists.
pub fn is_gate(id: &str) -> bool {
    ALL.iter().any(|gate| gate.id == id)
}

/// Whether somebody may let this gate's blockers pass: no reason makes a conflict mergeable, or a half-done
/// rebase a place to merge into.
pub fn is_waivable(id: &str) -> bool {
    !matches!(id, "mergeable" | "base-ready")
}

#[cfg(test)]
mod docs_tests;
#[cfg(test)]
mod tests;
