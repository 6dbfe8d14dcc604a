//! What an attempt of wsm has made of a workspace, told by the repositories: found, brought up to its base, taken back.

use super::site::{Site, is_same_place, roll_back};
use super::wsm::{WsmOrder, WsmTree};
use super::{WorkspaceError, WorkspaceResult};
use crate::git::{BaseMove, Repository};
use std::path::{Path, PathBuf};

/// Where an attempt has made worktrees on the run's branch, told by the repositories.
pub(super) fn standing(order: &WsmOrder<'_>) -> WorkspaceResult<Option<PathBuf>> {
    for tree in order.repos {
        for found in tree.repo.worktrees()? {
            let here = found.path.file_name().is_some_and(|name| name == tree.name.as_str());
            let dir =
                found.path.parent().filter(|dir| dir.file_name().is_some_and(|n| n == order.name.as_str()));
            if let Some(dir) = dir.filter(|_| here && found.branch.as_deref() == Some(order.branch)) {
                return Ok(Some(dir.to_owned()));
            }
        }
    }
    Ok(None)
}

pub(super) fn all_stand(order: &WsmOrder<'_>, dir: &Path) -> WorkspaceResult<bool> {
    for tree in order.repos {
        let worktrees = tree.repo.worktrees()?;
        let is_it = match Site::look(tree.repo, &worktrees, &dir.join(tree.name.as_str()))? {
            Site::Stands(found) => found.branch.as_deref() == Some(order.branch),
            _ => false,
        };
        if !is_it {
            return Ok(false);
        }
    }
    Ok(true)
}

/// wsm starts from the local base; where the run's base is newer by its upstream, the new branch follows. Nobody has
/// worked there yet.
pub(super) fn bring_up(tree: &WsmTree<'_>, branch: &str) -> WorkspaceResult<()> {
    let head = tree.repo.require_branch(branch)?;
    if head == tree.base_id || tree.repo.is_ancestor(tree.base_id, &head)? {
        return Ok(());
    }
    Ok(tree.repo.advance(&BaseMove { branch: branch.to_owned(), old: head, new: tree.base_id.to_owned() })?)
}

/// Takes back what is empty of an attempt that came to nothing: worktrees without a change, branches without a
/// commit, the directory. Gives what is not and stays, for people.
pub(super) fn take_back(order: &WsmOrder<'_>, dir: &Path) -> WorkspaceResult<Vec<String>> {
    let mut left = Vec::new();
    for tree in order.repos {
        let path = dir.join(tree.name.as_str());
        let worktrees = tree.repo.worktrees()?;
        let holds_more = match tree.repo.branch_id(order.branch)? {
            Some(head) => !is_of_base(tree, order.base, &head)?,
            None => false,
        };
        match Site::look(tree.repo, &worktrees, &path) {
            Ok(Site::Free) => {}
            Ok(Site::HalfMade(admin)) => roll_back(&path, admin.as_deref())?,
            Ok(Site::Stands(found))
                if !holds_more && is_untouched(tree.repo, &path, order.branch, found.branch.as_deref())? =>
            {
                tree.repo.remove_worktree(&found.path, false)?;
            }
            Ok(Site::Stands(_) | Site::Missing(_) | Site::Foreign(_))
            | Err(WorkspaceError::Damaged { .. }) => {
                left.push(format!("the worktree {}", path.display()));
                continue;
            }
            Err(error) => return Err(error),
        }
        let elsewhere = |w: &&crate::git::Worktree| {
            w.branch.as_deref() == Some(order.branch) && !is_same_place(&w.path, &path)
        };
        let elsewhere = worktrees.iter().find(elsewhere);
        if let Some(head) = tree.repo.branch_id(order.branch)? {
            match elsewhere {
                Some(other) => left.push(format!("the worktree {}", other.path.display())),
                None if holds_more => left.push(format!("the branch '{}' of {}", order.branch, tree.name)),
                None => tree.repo.delete_ref(&format!("refs/heads/{}", order.branch), &head)?,
            }
        }
    }
    if left.is_empty() {
        // At most an empty directory; what somebody else put there stays, and is in nobody's way.
        let _ = std::fs::remove_dir(dir);
    }
    Ok(left)
}

/// Whether a branch holds nothing but its base.
fn is_of_base(tree: &WsmTree<'_>, base: &str, head: &str) -> WorkspaceResult<bool> {
    if tree.repo.is_ancestor(head, tree.base_id)? {
        return Ok(true);
    }
    match tree.repo.branch_id(base)? {
        Some(base) => Ok(tree.repo.is_ancestor(head, &base)?),
        None => Ok(false),
    }
}

fn is_untouched(repo: &Repository, path: &Path, branch: &str, found: Option<&str>) -> WorkspaceResult<bool> {
    Ok(found == Some(branch) && repo.clean_state(path)?.is_clean() && repo.ignored_files(path)?.is_empty())
}
