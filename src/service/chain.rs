//! The chain of a run's branches onto one base: what `git merge` would come to, computed before any ref moves; and
//! whether base holds a branch already.

use super::remedies;
use super::reverts::{Revert, find_revert};
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
    /// The end of the chain, where it has one.
    pub end: Option<ChainEnd>,
}

/// What base would be at the end of a chain.
#[derive(Debug, Clone)]
pub(super) struct ChainEnd {
    /// A commit of that tree that no ref names; base's own where nothing is merged.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// Whether anything is merged.
    pub merges: bool,
}

impl Chain {
    fn impossible(why: String, command: String, local: Option<String>) -> Self {
        Self { fact: ChainFact::Impossible { why, command }, local, end: None }
    }
}

/// Computes the chain of one repository's branches, in ticket order. A local base strictly behind its upstream
/// starts from the upstream.
pub(super) fn chain(repository: &Repository, run: &Run, repo: &RunRepo) -> ServiceResult<Chain> {
    let local = repository.branch_id(&repo.base)?;
    let Some(onto) = start_of(repository, &repo.base, local.as_deref())? else {
        let why = format!("The base branch '{}' of {} no longer exists.", repo.base, repo.name);
        let command = remedies::restored_branch(repository.dir(), &repo.base, &repo.base_id);
        return Ok(Chain::impossible(why, command, local));
    };
    let tree = tree_of(repository, &onto)?;
    let mut tip = Tip { base: onto.clone(), commit: onto.clone(), tree, broken: false, merges: false };
    let mut links = Vec::new();
    for worktree in run.worktrees_of(&repo.name) {
        let Some(head) = repository.branch_id(&worktree.branch)? else {
            let why = format!("The run branch '{}' of {} no longer exists.", worktree.branch, repo.name);
            let command = remedies::missing_branch(repository, worktree);
            return Ok(Chain::impossible(why, command, local));
        };
        let outcome = tip.take(repository, run, worktree, &head)?;
        links.push(link(worktree, head, outcome));
    }
    let end = ChainEnd { commit: tip.commit, tree: tip.tree, merges: tip.merges };
    let end = (!tip.broken).then_some(end);
    Ok(Chain { fact: ChainFact::Computed { onto, links }, local, end })
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
    base: String,
    commit: String,
    tree: String,
    broken: bool,
    merges: bool,
}

impl Tip {
    fn take(
        &mut self,
        repository: &Repository,
        run: &Run,
        tree: &RunWorktree,
        head: &str,
    ) -> ServiceResult<Outcome> {
        match told(repository, run, tree, (head, &self.base))? {
            Told::Reverted(Revert { by, of }) => {
                self.broken = true;
                let base = run.repo(&tree.repo).map(|r| r.base.as_str()).unwrap_or_default();
                let command = remedies::reverted(repository, base, &by)?;
                return Ok(Outcome::Reverted { by, of, command });
            }
            Told::Contained => return Ok(Outcome::Contained),
            Told::Nothing => {}
        }
        if repository.is_ancestor(head, &self.commit)? {
            return Ok(Outcome::Contained);
        }
        Ok(match repository.merge_trees(&self.commit, head)? {
            // The work is there already, by a squash or a rebase.
            Merged::Clean { tree } if tree == self.tree => Outcome::Contained,
            Merged::Clean { tree } => {
                self.commit = repository.scratch_commit(&tree, &[&self.commit, head])?;
                self.tree.clone_from(&tree);
                self.merges = true;
                Outcome::Merges { tree }
            }
            Merged::Conflict { files } => {
                self.broken = true;
                Outcome::Conflicts { files: files.iter().map(ToString::to_string).collect() }
            }
            Merged::Unrelated => {
                self.broken = true;
                Outcome::Unrelated
            }
        })
    }
}

/// What history and the record tell of a branch, before any merge is tried.
enum Told {
    Reverted(Revert),
    Contained,
    Nothing,
}

fn told(
    repository: &Repository,
    run: &Run,
    tree: &RunWorktree,
    (head, base): (&str, &str),
) -> ServiceResult<Told> {
    if let Some(revert) = find_revert(repository, run, tree, (head, base))? {
        return Ok(Told::Reverted(revert));
    }
    if repository.is_ancestor(head, base)? {
        return Ok(Told::Contained);
    }
    for commit in commits_said_to_hold(run, tree, head) {
        // A base that was set back holds it no longer.
        if repository.find_commit(commit)?.is_some() && repository.is_ancestor(commit, base)? {
            return Ok(Told::Contained);
        }
    }
    Ok(Told::Nothing)
}

/// The commits of base that, by our journal or somebody's word, hold this very head.
pub(super) fn commits_said_to_hold<'a>(
    run: &'a Run,
    tree: &'a RunWorktree,
    head: &'a str,
) -> impl Iterator<Item = &'a str> {
    let base = run.repo(&tree.repo).map(|r| r.base.as_str()).unwrap_or_default();
    let ours = run
        .merges
        .iter()
        .filter(move |m| m.repo == tree.repo && m.ticket == tree.ticket && m.base == base && m.head == head);
    let said = run.landed.iter().filter(move |l| l.repo == tree.repo && l.head == head);
    ours.map(|m| m.commit.as_str()).chain(said.map(|l| l.commit.as_str()))
}

/// How base holds a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// The branch no longer exists.
    Gone,
    /// Its head is reachable from base.
    Reachable,
    /// Base holds its work by other commits: our journal or `--landed` says so, or merging would change nothing.
    Otherwise,
    /// Base holds a revert of it.
    Reverted(Revert),
    /// No; this many commits of it are not reachable from base.
    No(usize),
}

/// Whether base holds one branch of a run, in any way that counts (behaviour 5.2). Base is the newer of local and
/// upstream; a branch whose base is gone is not held.
pub(super) fn held(repository: &Repository, run: &Run, tree: &RunWorktree) -> ServiceResult<Held> {
    let Some(repo) = run.repo(&tree.repo) else { return Ok(Held::Gone) };
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(Held::Gone) };
    let local = repository.branch_id(&repo.base)?;
    let Some(base) = start_of(repository, &repo.base, local.as_deref())? else { return Ok(Held::No(1)) };
    match told(repository, run, tree, (&head, &base))? {
        Told::Reverted(revert) => return Ok(Held::Reverted(revert)),
        Told::Contained if repository.is_ancestor(&head, &base)? => return Ok(Held::Reachable),
        Told::Contained => return Ok(Held::Otherwise),
        Told::Nothing => {}
    }
    if let Merged::Clean { tree: merged } = repository.merge_trees(&base, &head)?
        && merged == tree_of(repository, &base)?
    {
        return Ok(Held::Otherwise);
    }
    Ok(Held::No(repository.count_between(&base, &head)?))
}
