//! The chain of a run's branches onto one base: what `git merge` would come to, computed before any ref moves.

use super::{ServiceError, ServiceResult};
use crate::gate::{ChainFact, ChainLink, Outcome};
use crate::git::{Merged, Repository};
use crate::model::{Run, RunRepo, RunWorktree};

/// A computed chain and what it would write.
#[derive(Debug)]
pub(super) struct Chain {
    /// The fact for the gates.
    pub fact: ChainFact,
    /// The local base's commit now; `None` where base exists only on a remote.
    pub local: Option<String>,
    /// The tree at the end of the chain, where it has one.
    pub tree: Option<String>,
}

/// Computes the chain of one repository's branches, in ticket order. A local base strictly behind its upstream
/// starts from the upstream.
pub(super) fn chain(repository: &Repository, run: &Run, repo: &RunRepo) -> ServiceResult<Chain> {
    let local = repository.branch_id(&repo.base)?;
    let Some(onto) = start_of(repository, &repo.base, local.as_deref())? else {
        let why = format!("The base branch '{}' of {} no longer exists.", repo.base, repo.name);
        return Ok(Chain { fact: ChainFact::Impossible(why), local, tree: None });
    };
    let mut links = Vec::new();
    let mut tip = Tip { commit: onto.clone(), tree: tree_of(repository, &onto)?, broken: false };
    for worktree in run.worktrees_of(&repo.name) {
        let Some(head) = repository.branch_id(&worktree.branch)? else {
            let why = format!("The run branch '{}' of {} no longer exists.", worktree.branch, repo.name);
            return Ok(Chain { fact: ChainFact::Impossible(why), local, tree: None });
        };
        let outcome = tip.take(repository, &head)?;
        links.push(link(worktree, head, outcome));
    }
    let tree = (!tip.broken).then_some(tip.tree);
    Ok(Chain { fact: ChainFact::Computed { onto, links }, local, tree })
}

/// Where a chain onto base starts: the local base, or its upstream where base is strictly behind it.
pub(super) fn start_of(
    repository: &Repository,
    base: &str,
    local: Option<&str>,
) -> ServiceResult<Option<String>> {
    let upstream = match repository.upstream(base)? {
        Some(upstream) => upstream.id,
        None if local.is_none() => repository.tracking_id("origin", base)?,
        None => None,
    };
    Ok(match (local, upstream) {
        (Some(local), Some(upstream)) if repository.is_ancestor(local, &upstream)? => Some(upstream),
        (Some(local), _) => Some(local.to_owned()),
        (None, upstream) => upstream,
    })
}

fn tree_of(repository: &Repository, commit: &str) -> ServiceResult<String> {
    repository.tree_id(commit)?.ok_or_else(|| {
        let message = format!("The commit {commit} is missing in {}.", repository.dir().display());
        ServiceError::failed(message, &[&format!("git -C {} fsck", repository.dir().display())])
    })
}

fn link(worktree: &RunWorktree, head: String, outcome: Outcome) -> ChainLink {
    ChainLink {
        ticket: worktree.ticket.clone(),
        branch: worktree.branch.clone(),
        head,
        worktree: worktree.path.as_deref().map(|p| p.display().to_string()).unwrap_or_default(),
        outcome,
    }
}

/// The end of the chain so far.
struct Tip {
    commit: String,
    tree: String,
    broken: bool,
}

impl Tip {
    fn take(&mut self, repository: &Repository, head: &str) -> ServiceResult<Outcome> {
        if repository.is_ancestor(head, &self.commit)? {
            return Ok(Outcome::Contained);
        }
        Ok(match repository.merge_trees(&self.commit, head)? {
            // The work is there already, by a squash or a rebase.
            Merged::Clean { tree } if tree == self.tree => Outcome::Contained,
            Merged::Clean { tree } => {
                self.commit = repository.scratch_commit(&tree, &[&self.commit, head])?;
                self.tree.clone_from(&tree);
                Outcome::Merges { tree }
            }
            Merged::Conflict { files } => {
                self.broken = true;
                Outcome::Conflicts { files: files.iter().map(ToString::to_string).collect() }
            }
            Merged::Unrelated => {
                self.broken = true;
                Outcome::Conflicts { files: vec!["(the branches have no common history)".to_owned()] }
            }
        })
    }
}
