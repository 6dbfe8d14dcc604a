//! `mergeable`: the chain of the run's branches merges into base without a conflict, and brings what it should.

use super::{BaseFact, Blocker, ChainFact, ChainLink, Facts, Outcome, named};
use crate::model::quoted;
use std::fmt::Write as _;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    facts.bases.iter().flat_map(|base| of_base(&facts.run, base)).collect()
}

fn of_base(run: &str, base: &BaseFact) -> Vec<Blocker> {
    let blocker = |what: String, command: String| Blocker { what, place: base.repo.to_string(), command };
    match &base.chain {
        ChainFact::Computed { links, .. } => {
            let told = |(at, link): (usize, &ChainLink)| {
                of_link((run, base), &links[..at], link).map(|(what, command)| blocker(what, command))
            };
            links.iter().enumerate().filter_map(told).collect()
        }
        ChainFact::Impossible { why, command } => vec![blocker(why.clone(), command.clone())],
    }
}

fn of_link(
    (run, base): (&str, &BaseFact),
    earlier: &[ChainLink],
    link: &ChainLink,
) -> Option<(String, String)> {
    let (branch, name) = (&link.branch, &base.base);
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    match &link.outcome {
        Outcome::Contained | Outcome::Merges { .. } => None,
        Outcome::Conflicts { files } => {
            let what = format!("Merging '{branch}' into '{name}' conflicts in {}.", named(files));
            let mut command = format!("git metawsm update {run}");
            // It may be another branch of the run that it does not fit with, which lands before it.
            let before = earlier.iter().rev().find(|link| matches!(link.outcome, Outcome::Merges { .. }));
            if let Some(before) = before {
                let _ =
                    write!(command, " && git -C {} merge {}", quoted(&link.worktree), quoted(&before.branch));
            }
            Some((what, command))
        }
        Outcome::Unrelated => Some((
            format!("'{branch}' and '{name}' have no common history, and git merges no such two."),
            format!("git -C {} merge {} --allow-unrelated-histories", quoted(&link.worktree), quoted(name)),
        )),
        Outcome::Reverted { by, of, command } => Some((
            format!(
                "'{name}' holds {}, which reverts {} of '{branch}': merging again would bring nothing back.",
                short(by),
                short(of)
            ),
            command.clone(),
        )),
    }
}
