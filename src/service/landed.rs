//! Whether base holds the work of a run already: by reachability and content as libgit2 sees them, by the record, and
//! by answers that a command which may ask git has kept.

use super::chain::{Held, held};
use super::reverts::{Revert, find_revert};
use super::steps::open_repo;
use super::{ServiceResult, remedies};
use crate::git::{Glance, Outlook, Repository, Seen};
use crate::model::{RepoName, Run, RunId, RunRepo, RunWorktree};
use crate::store::{Hold, Store};

/// The file of kept answers in a run's directory: lines of repository, base commit, head, held or not.
const KEPT: &str = "contained.txt";

/// How the work of a run stands to its bases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landed {
    /// Base holds all of it, and it is something.
    Yes,
    /// Base does not hold all of it, or there is nothing yet.
    No,
    /// Base held it and has taken it back.
    Reverted {
        /// What happened, a sentence.
        what: String,
        /// The command that takes the revert back.
        command: String,
    },
    /// It cannot be told without starting git.
    Unknown,
}

impl Landed {
    /// The word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Reverted { .. } => "reverted",
            Self::Unknown => "unknown",
        }
    }
}

/// Looks at the branches of a run without starting a process.
pub(super) fn landed(store: &Store, run: &Run) -> Landed {
    let mut sum = Sum::default();
    for repo in &run.repos {
        let trees: Vec<_> = run.worktrees_of(&repo.name).collect();
        let Ok(repository) = open_repo(run, &repo.name) else { return Landed::Unknown };
        for (tree, glance) in trees.iter().zip(glances(&repository, run, repo, &trees)) {
            match glance {
                Glance::Unknown => sum.unknown = true,
                Glance::Nothing => {}
                Glance::Held(seen) => sum.held.push((repository.clone(), (*tree).clone(), seen)),
                Glance::Open(seen)
                    if seen.base != tree.start && is_kept(store, &run.id, &repo.name, &seen) =>
                {
                    sum.held.push((repository.clone(), (*tree).clone(), seen));
                }
                Glance::Open(_) => return Landed::No,
            }
        }
    }
    sum.said(run)
}

#[derive(Default)]
struct Sum {
    unknown: bool,
    held: Vec<(Repository, RunWorktree, Seen)>,
}

impl Sum {
    /// Where base seems to hold everything: whether it has taken something back.
    fn said(self, run: &Run) -> Landed {
        for (repository, tree, seen) in &self.held {
            match find_revert(repository, run, tree, (&seen.head, &seen.base)) {
                Ok(None) => {}
                Ok(Some(revert)) => return reverted(repository, run, tree, &revert),
                Err(_) => return Landed::Unknown,
            }
        }
        match (self.unknown, self.held.is_empty()) {
            (true, _) => Landed::Unknown,
            (false, true) => Landed::No,
            (false, false) => Landed::Yes,
        }
    }
}

fn reverted(repository: &Repository, run: &Run, tree: &RunWorktree, revert: &Revert) -> Landed {
    let base = run.repo(&tree.repo).map(|r| r.base.as_str()).unwrap_or_default();
    let short = revert.by.get(..12).unwrap_or(&revert.by);
    let what = format!("'{base}' of {} has taken the work back: {short} reverts its merge.", tree.repo);
    let command = remedies::reverted(repository, base, &revert.by)
        .unwrap_or_else(|_| format!("git metawsm check {}", run.id));
    Landed::Reverted { what, command }
}

fn glances(repository: &Repository, run: &Run, repo: &RunRepo, trees: &[&RunWorktree]) -> Vec<Glance> {
    let ours = run.merges.iter().filter(|m| m.repo == repo.name && m.base == repo.base);
    let said = run.landed.iter().filter(|l| l.repo == repo.name);
    let said: Vec<_> = ours
        .map(|m| (m.head.as_str(), m.commit.as_str()))
        .chain(said.map(|l| (l.head.as_str(), l.commit.as_str())))
        .collect();
    let mut outlooks = Vec::new();
    for tree in trees {
        outlooks.push(Outlook { base: &repo.base, branch: &tree.branch, start: &tree.start, said: &said });
    }
    repository.glance(&outlooks)
}

fn is_kept(store: &Store, run: &RunId, repo: &RepoName, seen: &Seen) -> bool {
    let line = kept_line(repo, seen, true);
    let text = store.find_part(run, KEPT).ok().flatten().unwrap_or_default();
    text.lines().any(|kept| kept == line)
}

fn kept_line(repo: &RepoName, seen: &Seen, held: bool) -> String {
    format!("{repo} {} {} {}", seen.base, seen.head, if held { "held" } else { "open" })
}

/// Asks git about every branch that a mere look leaves open, and keeps the answers for looks to come. For commands
/// that hold the run.
pub(super) fn ask(hold: &mut Hold) -> ServiceResult<()> {
    let run = hold.run().clone();
    let mut lines = Vec::new();
    for repo in &run.repos {
        let repository = open_repo(&run, &repo.name)?;
        let trees: Vec<_> = run.worktrees_of(&repo.name).collect();
        for (tree, glance) in trees.iter().zip(glances(&repository, &run, repo, &trees)) {
            if let Glance::Open(seen) = glance
                && seen.base != tree.start
            {
                let answer = held(&repository, &run, tree)?;
                let is_held = matches!(answer, Held::Reachable | Held::Otherwise);
                lines.push(kept_line(&repo.name, &seen, is_held));
            }
        }
    }
    let text = lines.join("\n");
    if hold.store().find_part(&run.id, KEPT)?.unwrap_or_default() != text {
        hold.save_part(KEPT, &text)?;
    }
    Ok(())
}
