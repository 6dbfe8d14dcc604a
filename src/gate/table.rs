//! The table of gates.

use super::{
    Blocker, Facts, agents_quiet, base_ready, brief, bypass, checks, clean_tree, docs_fresh, docs_synced,
    forbidden_files, forum_quiet, guidance, mergeable, on_branch, policy_drift, records_untouched, run_state,
    validation,
};
use crate::model::GateLevel;
use std::collections::BTreeSet;

/// One invariant: its id, its default level, where it counts, who answers it.
pub struct Gate {
    /// The id, as in policy and records.
    pub id: &'static str,
    /// The level where policy says nothing.
    pub level: GateLevel,
    /// Whether `merge` needs it.
    pub merge: bool,
    /// Whether `close` needs it.
    pub close: bool,
    /// Whether our hooks need it, before somebody else's git brings the work into a base.
    pub hook: bool,
    pub(super) judge: fn(&Facts) -> Vec<Blocker>,
    pub(super) judged_by: fn(&Facts) -> String,
}

fn us(_: &Facts) -> String {
    "us".to_owned()
}

fn git(_: &Facts) -> String {
    "git".to_owned()
}

fn of_branches(facts: &Facts) -> String {
    let judges: BTreeSet<_> = facts.branches.iter().map(|branch| branch.judge.as_str()).collect();
    judges.into_iter().collect::<Vec<_>>().join("+")
}

/// Every gate, in the order of reports.
pub const ALL: [Gate; 17] = [
    Gate {
        id: "run-state",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: true,
        judge: run_state::judge,
        judged_by: us,
    },
    Gate {
        id: "agents-quiet",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: false,
        judge: agents_quiet::judge,
        judged_by: us,
    },
    Gate {
        id: "clean-tree",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: true,
        judge: clean_tree::judge,
        judged_by: clean_tree::judged_by,
    },
    Gate {
        id: "on-branch",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: false,
        judge: on_branch::judge,
        judged_by: git,
    },
    Gate {
        id: "records-untouched",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: true,
        judge: records_untouched::judge,
        judged_by: of_branches,
    },
    Gate {
        id: "forbidden-files",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: true,
        judge: forbidden_files::judge,
        judged_by: of_branches,
    },
    Gate {
        id: "checks",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: true,
        judge: checks::judge,
        judged_by: us,
    },
    Gate {
        id: "docs-synced",
        level: GateLevel::Block,
        merge: false,
        close: true,
        hook: false,
        judge: docs_synced::judge,
        judged_by: us,
    },
    Gate {
        id: "docs-fresh",
        level: GateLevel::Warn,
        merge: false,
        close: true,
        hook: false,
        judge: docs_fresh::judge,
        judged_by: us,
    },
    Gate {
        id: "brief",
        level: GateLevel::Block,
        merge: false,
        close: true,
        hook: true,
        judge: brief::judge,
        judged_by: us,
    },
    Gate {
        id: "validation",
        level: GateLevel::Block,
        merge: false,
        close: true,
        hook: true,
        judge: validation::judge,
        judged_by: validation::judged_by,
    },
    Gate {
        id: "guidance",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: true,
        judge: guidance::judge,
        judged_by: us,
    },
    Gate {
        id: "forum-quiet",
        level: GateLevel::Warn,
        merge: false,
        close: true,
        hook: false,
        judge: forum_quiet::judge,
        judged_by: us,
    },
    Gate {
        id: "mergeable",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: false,
        judge: mergeable::judge,
        judged_by: git,
    },
    Gate {
        id: "base-ready",
        level: GateLevel::Block,
        merge: true,
        close: true,
        hook: false,
        judge: base_ready::judge,
        judged_by: git,
    },
    Gate {
        id: "bypass",
        level: GateLevel::Block,
        merge: false,
        close: true,
        hook: false,
        judge: bypass::judge,
        judged_by: us,
    },
    Gate {
        id: "policy-drift",
        level: GateLevel::Warn,
        merge: true,
        close: true,
        hook: false,
        judge: policy_drift::judge,
        judged_by: us,
    },
];
