//! `brief`: a bootstrap run has a brief that says when the work is done.

use super::{Blocker, Facts};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let Some(bootstrap) = &facts.bootstrap else { return Vec::new() };
    let what = match (bootstrap.has_goal, bootstrap.has_criteria) {
        (true, true) => return Vec::new(),
        (false, false) => "The run has no brief.",
        (false, true) => "The brief of the run names no goal.",
        (true, false) => "The brief of the run has no done criteria.",
    };
    // What was asked for is not written anew under finished work; a person may say why it can stand.
    let command = format!("git metawsm close {} --waive 'brief=<why it may pass>'", facts.run);
    vec![Blocker { what: what.to_owned(), place: String::new(), command }]
}
