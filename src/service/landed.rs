//! Whether base holds the work of a run already: by reachability and content as libgit2 sees them, by the record, and
//! by answers that a command which may ask git has kept.

use super::chain::{Held, held};
use super::reverts::{Revert, find_revert};
use super::steps::open_repo;
use super::{ServiceResult, remedies};
use crate::git::{Glance, Outlook, Repository, Seen};
use crate::model::{RepoName, Run, RunId, RunRepo, RunState, RunWorktree};
use crate::store::{Hold, Store};
use std::collections::BTreeMap;

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

/// Looks at the branches of runs without starting a process; one answer each. Each repository is opened once for all
/// of them.
pub(super) fn landed(store: &Store, runs: &[&Run]) -> Vec<Landed> {
    let mut sums: Vec<_> =
        runs.iter().map(|run| Sum { asked: may_have_landed(run), ..Sum::default() }).collect();
    for (repository, looks) in by_repository(runs) {
        let said: Vec<_> = looks.iter().map(|look| said(look.run, look.repo)).collect();
        let outlooks: Vec<_> = looks.iter().zip(&said).map(|(look, said)| look.outlook(said)).collect();
        let glances = match &repository {
            Some(repository) => repository.glance(&outlooks),
            None => vec![Glance::Unknown; looks.len()],
        };
        for (look, glance) in looks.into_iter().zip(glances) {
            sums[look.index].take(store, repository.as_ref(), &look, glance);
        }
    }
    runs.iter().zip(sums).map(|(run, sum)| sum.said(run)).collect()
}

fn may_have_landed(run: &Run) -> bool {
    !matches!(run.state, RunState::Created | RunState::Planning | RunState::Closed | RunState::Discarded)
}

/// One branch of one of several runs.
struct Look<'a> {
    index: usize,
    run: &'a Run,
    repo: &'a RunRepo,
    tree: &'a RunWorktree,
}

impl<'a> Look<'a> {
    fn outlook(&self, said: &'a [(&'a str, &'a str)]) -> Outlook<'a> {
        Outlook { base: &self.repo.base, branch: &self.tree.branch, start: &self.tree.start, said }
    }
}

/// The branches of all runs that may have landed, by the repository that they lie in.
fn by_repository<'a>(runs: &[&'a Run]) -> Vec<(Option<Repository>, Vec<Look<'a>>)> {
    let mut groups: BTreeMap<_, Vec<Look<'a>>> = BTreeMap::new();
    for (index, run) in runs.iter().copied().enumerate().filter(|(_, run)| may_have_landed(run)) {
        for repo in &run.repos {
            let looks = groups.entry((&repo.common_dir, &repo.path)).or_default();
            looks.extend(run.worktrees_of(&repo.name).map(|tree| Look { index, run, repo, tree }));
        }
    }
    let opened = |looks: Vec<Look<'a>>| {
        let repository = looks.first().and_then(|look| open_repo(look.run, &look.repo.name).ok());
        (repository, looks)
    };
    groups.into_values().map(opened).collect()
}

/// Pairs of a head and the commit that holds it, by our record or somebody's word.
fn said<'a>(run: &'a Run, repo: &RunRepo) -> Vec<(&'a str, &'a str)> {
    let ours = run.merges.iter().filter(|m| m.repo == repo.name && m.base == repo.base);
    let said = run.landed.iter().filter(|l| l.repo == repo.name);
    ours.map(|m| (m.head.as_str(), m.commit.as_str()))
        .chain(said.map(|l| (l.head.as_str(), l.commit.as_str())))
        .collect()
}

/// What is known of one run.
#[derive(Default)]
struct Sum {
    asked: bool,
    unknown: bool,
    open: bool,
    held: Vec<(Repository, RunWorktree, Seen)>,
}

impl Sum {
    fn take(&mut self, store: &Store, repository: Option<&Repository>, look: &Look<'_>, glance: Glance) {
        match (glance, repository) {
            (Glance::Nothing, _) => {}
            (Glance::Held(seen), Some(repository)) => {
                self.held.push((repository.clone(), look.tree.clone(), seen));
            }
            (Glance::Open(seen), Some(repository)) => {
                // Where base has not moved nothing was kept.
                let moved = seen.base != look.tree.start && !self.open;
                if moved && is_kept(store, &look.run.id, &look.repo.name, &seen) {
                    self.held.push((repository.clone(), look.tree.clone(), seen));
                } else {
                    self.open = true;
                }
            }
            _ => self.unknown = true,
        }
    }

    /// Where base seems to hold everything: whether it has taken something back.
    fn said(self, run: &Run) -> Landed {
        if run.state == RunState::Closed {
            return Landed::Yes;
        }
        if self.open || !self.asked {
            return Landed::No;
        }
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
        let said = said(&run, repo);
        let trees: Vec<_> = run.worktrees_of(&repo.name).collect();
        let looks: Vec<_> = trees.iter().map(|tree| Look { index: 0, run: &run, repo, tree }).collect();
        let outlooks: Vec<_> = looks.iter().map(|look| look.outlook(&said)).collect();
        for (tree, glance) in trees.iter().zip(repository.glance(&outlooks)) {
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
