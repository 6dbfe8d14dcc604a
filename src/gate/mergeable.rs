//! `mergeable`: the chain of the run's branches merges into base without a conflict.

use super::{Blocker, ChainFact, Facts, Outcome};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for base in &facts.bases {
        let links = match &base.chain {
            ChainFact::Computed { links, .. } => links,
            ChainFact::Impossible(why) => {
                let command = format!("git -C {} branch --list --all", base.path);
                blockers.push(Blocker { what: why.clone(), place: base.repo.to_string(), command });
                continue;
            }
        };
        for link in links {
            if let Outcome::Conflicts { files } = &link.outcome {
                blockers.push(Blocker {
                    what: format!(
                        "Merging '{}' into '{}' conflicts in {}.",
                        link.branch,
                        base.base,
                        files.join(", ")
                    ),
                    place: base.repo.to_string(),
                    command: format!("git -C {} merge {}", link.worktree, base.base),
                });
            }
        }
    }
    blockers
}
