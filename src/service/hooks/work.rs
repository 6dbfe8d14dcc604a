//! Whose work a move would bring in: commits of a run's branches, and copies of them.

use super::super::ServiceResult;
use crate::git::{Merged, Repository};
use crate::model::{Run, RunRepo};
use std::collections::HashSet;

/// Commits that are looked at one by one for being copies; a longer way is judged by its end alone.
const MOST_COPIES: usize = 500;

/// A run's branch with work on it.
#[derive(Debug, Clone)]
pub(in crate::service) struct Branch {
    /// Its head.
    pub head: String,
    /// Its own commits that are nowhere else yet, newest first.
    pub own: Vec<String>,
}

/// The repository's entry in a run.
pub(in crate::service) fn repo_of<'a>(repo: &Repository, run: &'a Run) -> Option<&'a RunRepo> {
    run.repos.iter().find(|r| r.common_dir.as_deref() == Some(repo.common_dir()))
}

/// What is no news on a base: what every remote knows of it, what our own merges brought or somebody vouched for, and
/// where the run's branches started.
pub(in crate::service) fn known(repo: &Repository, run: &Run, base: &str) -> ServiceResult<Vec<String>> {
    let mut known = Vec::new();
    known.extend(repo.upstream(base)?.filter(|u| u.remote != ".").and_then(|u| u.id));
    for remote in repo.remotes()? {
        known.extend(repo.tracking_id(&remote, base)?);
    }
    let Some(part) = repo_of(repo, run) else { return Ok(known) };
    known.extend(run.merges.iter().filter(|m| m.repo == part.name).map(|m| m.head.clone()));
    known.extend(run.landed.iter().filter(|m| m.repo == part.name).map(|m| m.head.clone()));
    for tree in run.worktrees_of(&part.name) {
        known.push(if tree.start.is_empty() { tree.base_id.clone() } else { tree.start.clone() });
    }
    known.sort();
    known.dedup();
    Ok(known)
}

/// The branches of a run that hold work which is nowhere else. A branch that is gone is looked for where its worktree
/// is now.
pub(in crate::service) fn unfinished(
    repo: &Repository,
    run: &Run,
    known: &[String],
) -> ServiceResult<Vec<Branch>> {
    let Some(part) = repo_of(repo, run) else { return Ok(Vec::new()) };
    let mut branches = Vec::new();
    for tree in run.worktrees_of(&part.name) {
        let head = match repo.branch_id(&tree.branch)? {
            Some(head) => Some(head),
            None => match tree.path.as_deref().map(|path| repo.at(path)) {
                Some(Ok(place)) => place.head()?.id().map(str::to_owned),
                _ => None,
            },
        };
        let Some(head) = head else { continue };
        let own = repo.first_parents(&head, known)?;
        if !own.is_empty() {
            branches.push(Branch { head, own });
        }
    }
    Ok(branches)
}

/// The commits of a run that a move of a base from `old` to any of `new` brings in, sorted. A copy counts as what it
/// was copied from; one that only names the run, as itself.
pub(in crate::service) fn brought(
    repo: &Repository,
    run: &Run,
    branches: &[Branch],
    (old, new): (Option<&str>, &[String]),
    known: &[String],
) -> ServiceResult<Vec<String>> {
    let mut hidden = known.to_vec();
    hidden.extend(old.map(str::to_owned));
    let incoming = repo.outside(new, &hidden)?;
    let own: HashSet<&str> = branches.iter().flat_map(|b| &b.own).map(String::as_str).collect();
    let (taken, rest): (Vec<_>, Vec<_>) = incoming.into_iter().partition(|id| own.contains(id.as_str()));
    let mut found: HashSet<String> = taken.into_iter().collect();
    let rest = &rest[..rest.len().min(MOST_COPIES)];
    if !rest.is_empty() {
        let patched = patch_copies(repo, branches, &on_same_paths(repo, branches, rest)?)?;
        let is_patched = |id: &&String| patched.iter().any(|(copy, _)| copy == *id);
        let others: Vec<_> = rest.iter().filter(|id| !is_patched(id)).cloned().collect();
        found.extend(named_copies(repo, run, &own, &others)?);
        found.extend(patched.into_iter().map(|(_, original)| original));
        for branch in branches {
            let is_seen = branch.own.iter().any(|id| found.contains(id));
            for tip in new.iter().filter(|_| !is_seen) {
                if holds_all(repo, &branch.head, old, tip)? {
                    found.extend(branch.own.iter().cloned());
                }
            }
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort();
    Ok(found)
}

/// Copies by their messages: the trailer of the run, or the commits that a squash lists.
fn named_copies(
    repo: &Repository,
    run: &Run,
    own: &HashSet<&str>,
    rest: &[String],
) -> ServiceResult<Vec<String>> {
    let trailer = format!("Metawsm-Run: {}", run.id);
    let mut found = Vec::new();
    for id in rest {
        let message = repo.message(id)?;
        let listed = message.lines().filter_map(|line| line.strip_prefix("commit "));
        let listed: Vec<_> = listed.filter(|id| own.contains(id)).map(str::to_owned).collect();
        // A squash indents trailers.
        if listed.is_empty() && message.lines().any(|line| line.trim() == trailer) {
            found.push(id.clone());
        }
        found.extend(listed);
    }
    Ok(found)
}

/// The commits that touch a path which a branch changes too: no other can be a copy of a patch of it.
fn on_same_paths(repo: &Repository, branches: &[Branch], rest: &[String]) -> ServiceResult<Vec<String>> {
    let mut paths = HashSet::new();
    for branch in branches {
        let oldest = branch.own.last().map(|id| repo.parents(id)).transpose()?.unwrap_or_default();
        if let Some(before) = oldest.first() {
            paths.extend(repo.changed_paths(before, &branch.head)?);
        }
    }
    let mut found = Vec::new();
    for id in rest {
        let parents = repo.parents(id)?;
        if let [parent] = parents.as_slice()
            && repo.changed_paths(parent, id)?.iter().any(|path| paths.contains(path))
        {
            found.push(id.clone());
        }
    }
    Ok(found)
}

/// Copies by what they change, each with what it was copied from.
fn patch_copies(
    repo: &Repository,
    branches: &[Branch],
    rest: &[String],
) -> ServiceResult<Vec<(String, String)>> {
    let mut patches = std::collections::HashMap::new();
    for id in branches.iter().flat_map(|b| &b.own).take(if rest.is_empty() { 0 } else { MOST_COPIES }) {
        if let Some(patch) = repo.patch_id(id)? {
            patches.insert(patch, id.clone());
        }
    }
    let mut found = Vec::new();
    for id in rest.iter().filter(|_| !patches.is_empty()) {
        let original = repo.patch_id(id)?.and_then(|patch| patches.get(&patch).cloned());
        found.extend(original.map(|original| (id.clone(), original)));
    }
    Ok(found)
}

/// Whether all that a branch changes has come with the move: merging it would leave the new tree as it is, and would
/// have changed the old one.
fn holds_all(repo: &Repository, head: &str, old: Option<&str>, new: &str) -> ServiceResult<bool> {
    let Some(old) = old else { return Ok(false) };
    let Some(fork) = repo.merge_base(old, head)? else { return Ok(false) };
    let branch: HashSet<_> = repo.changed_paths(&fork, head)?.into_iter().collect();
    if !repo.changed_paths(old, new)?.iter().any(|path| branch.contains(path)) {
        return Ok(false);
    }
    Ok(adds_nothing(repo, new, head)? && !adds_nothing(repo, old, head)?)
}

fn adds_nothing(repo: &Repository, base: &str, head: &str) -> ServiceResult<bool> {
    Ok(match repo.merge_trees(base, head)? {
        Merged::Clean { tree } => repo.tree_id(base)?.as_deref() == Some(&tree),
        Merged::Conflict { .. } | Merged::Unrelated => false,
    })
}
