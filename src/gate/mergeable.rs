//! `mergeable`: the chain of the run's branches merges into base without a conflict, and brings what it should.

use super::{BaseFact, Blocker, ChainFact, ChainLink, Facts, Outcome, named};
use crate::model::quoted;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    facts.bases.iter().flat_map(of_base).collect()
}

fn of_base(base: &BaseFact) -> Vec<Blocker> {
    let blocker = |what: String, command: String| Blocker { what, place: base.repo.to_string(), command };
    match &base.chain {
        ChainFact::Computed { links, .. } => {
            let told = |link: &ChainLink| of_link(base, link).map(|(what, command)| blocker(what, command));
            links.iter().filter_map(told).collect()
        }
        ChainFact::Impossible { why, command } => vec![blocker(why.clone(), command.clone())],
    }
}

fn of_link(base: &BaseFact, link: &ChainLink) -> Option<(String, String)> {
    let take_base_in = format!("git -C {} merge {}", quoted(&link.worktree), quoted(&base.base));
    let (branch, name) = (&link.branch, &base.base);
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    match &link.outcome {
        Outcome::Contained | Outcome::Merges { .. } => None,
        Outcome::Conflicts { files } => {
            Some((format!("Merging '{branch}' into '{name}' conflicts in {}.", named(files)), take_base_in))
        }
        Outcome::Unrelated => Some((
            format!("'{branch}' and '{name}' have no common history, and git merges no such two."),
            format!("{take_base_in} --allow-unrelated-histories"),
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
