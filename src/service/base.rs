//! Which branch is base in a repository, and from which commit new branches start.

use super::{Control, ServiceError, ServiceResult};
use crate::git::{Fetched, Head, Repository};
use std::time::Duration;

/// A base branch and the commit it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// A full commit id.
    pub id: String,
    /// What a person should know, empty mostly.
    pub note: String,
}

/// What a person or the policy asked for, strongest first; a wish must exist, a habit may not.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    /// `repo:base`, `workspace.bases`, `--base-branch`: the first one given.
    pub wish: Option<String>,
    /// `workspace.base_branch`.
    pub habit: Option<String>,
}

/// The base of a repository (behaviour 4): the wish, else policy, `origin/HEAD`, main, master, else its only
/// branch. Its start commit is the newer of local and upstream, fetched within `fetch_seconds` (0: never).
pub(super) fn base_of(repo: &Repository, wishes: &Wishes, fetch_seconds: u64) -> ServiceResult<Base> {
    let branch = base_branch(repo, wishes)?;
    let mut note = String::new();
    let upstream = repo.upstream(&branch)?;
    let remote = match &upstream {
        Some(upstream) => Some((upstream.remote.clone(), bare_branch(&upstream.remote_ref).to_owned())),
        None if repo.remotes()?.iter().any(|r| r == "origin") => Some(("origin".to_owned(), branch.clone())),
        None => None,
    };
    let Some((remote, remote_branch)) = remote else {
        let id = require_local(repo, &branch)?;
        return Ok(Base { branch, id, note });
    };
    if fetch_seconds > 0
        && let Fetched::Failed { why } =
            repo.fetch_branch(&remote, &remote_branch, Duration::from_secs(fetch_seconds))?
    {
        note = format!("{remote} could not be fetched, so '{branch}' may be old: {why}");
    }
    let local = repo.branch_id(&branch)?;
    let tracked = repo.tracking_id(&remote, &remote_branch)?;
    let id = match (local, tracked) {
        (Some(local), None) => local,
        (None, Some(tracked)) => tracked,
        (None, None) => return Err(no_base(repo, &branch)),
        (Some(local), Some(tracked)) if repo.is_ancestor(&tracked, &local)? => local,
        (Some(local), Some(tracked)) if repo.is_ancestor(&local, &tracked)? => tracked,
        (Some(local), Some(_)) => {
            note = format!(
                "local '{branch}' and {remote}/{remote_branch} have diverged; starting from the local one"
            );
            local
        }
    };
    Ok(Base { branch, id, note })
}

fn require_local(repo: &Repository, branch: &str) -> ServiceResult<String> {
    repo.branch_id(branch)?.ok_or_else(|| no_base(repo, branch))
}

fn no_base(repo: &Repository, branch: &str) -> ServiceError {
    let dir = repo.dir().display();
    ServiceError::failed(
        format!("{dir} has no branch '{branch}' to start from."),
        &[
            &format!("git -C {dir} branch --list --all"),
            "git metawsm run --base-branch <branch> '<what to do>'",
        ],
    )
}

/// A branch's name without `refs/heads/`.
fn bare_branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

fn branches(repo: &Repository) -> ServiceResult<Vec<String>> {
    let refs = repo.refs_below("refs/heads/")?;
    Ok(refs.into_iter().map(|(name, _)| bare_branch(&name).to_owned()).collect())
}

fn exists(repo: &Repository, branch: &str) -> ServiceResult<bool> {
    Ok(repo.branch_id(branch)?.is_some() || repo.tracking_id("origin", branch)?.is_some())
}

/// The name of a repository's base branch.
pub(super) fn base_branch(repo: &Repository, wishes: &Wishes) -> ServiceResult<String> {
    if let Some(wish) = &wishes.wish {
        let wish = wish.strip_prefix("origin/").unwrap_or(wish);
        return if exists(repo, wish)? { Ok(wish.to_owned()) } else { Err(no_base(repo, wish)) };
    }
    if let Some(habit) = wishes.habit.as_deref() {
        let habit = habit.strip_prefix("origin/").unwrap_or(habit);
        return if exists(repo, habit)? { Ok(habit.to_owned()) } else { Err(no_base(repo, habit)) };
    }
    if let Some(remote) = repo.remote_head()?
        && exists(repo, &remote)?
    {
        return Ok(remote);
    }
    for name in ["main", "master"] {
        if exists(repo, name)? {
            return Ok(name.to_owned());
        }
    }
    match (repo.head()?, branches(repo)?.as_slice()) {
        (Head::Branch { name, id: None }, []) => Err(ServiceError::failed(
            format!("{} has no commit yet on '{name}'.", repo.dir().display()),
            &[&format!("git -C {} commit --allow-empty -m 'First commit'", repo.dir().display())],
        )),
        (_, [only]) => Ok(only.clone()),
        (..) => Err(no_base(repo, "main")),
    }
}

/// The control repository's own base, without fetching; `None` where it has no commit.
pub(super) fn control_base(control: &Control) -> ServiceResult<Option<Base>> {
    let Ok(branch) = base_branch(&control.repo, &Wishes::default()) else { return Ok(None) };
    let id = control.repo.branch_id(&branch)?;
    Ok(id.map(|id| Base { branch, id, note: String::new() }))
}
