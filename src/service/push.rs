//! Pushing the bases of a run, after everything else; what one remote refuses stops nothing.

use super::base::control_base;
use super::event::{Event, Progress};
use super::steps::open_repo;
use super::{Control, ServiceResult};
use crate::git::{Pushed, Repository};
use crate::model::{RepoName, plain_line};
use crate::store::Hold;

/// What came of one base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePush {
    /// The repository.
    pub repo: String,
    /// The branch.
    pub base: String,
    /// The remote; empty where there is none.
    pub remote: String,
    /// Why it was not pushed; nothing where the remote has it.
    pub failure: Option<String>,
    /// What came of it, a sentence's rest.
    pub what: String,
}

/// Pushes the base of every repository of a run, and that of the control repository, last.
pub(super) fn push_all(
    control: &Control,
    hold: &Hold,
    progress: Progress<'_>,
) -> ServiceResult<Vec<BasePush>> {
    let run = hold.run();
    let mut bases = Vec::new();
    for repo in super::participate::in_path_order(run) {
        bases.push((repo.name.clone(), open_repo(run, &repo.name)?, repo.base.clone()));
    }
    bases.sort_by_key(|(_, repository, _)| repository.common_dir() == control.repo.common_dir());
    if !bases.iter().any(|(_, repository, _)| repository.common_dir() == control.repo.common_dir())
        && let Some(base) = control_base(control)?
    {
        let name = super::repos::name_of(&control.repo).or_else(|_| RepoName::parse("control"))?;
        bases.push((name, control.repo.clone(), base.branch));
    }
    let mut pushes = Vec::new();
    for (name, repository, base) in bases {
        let repository = repository.with_hold(hold.token(), run.id.as_str());
        pushes.push(push(name.as_str(), &repository, &base, progress)?);
    }
    Ok(pushes)
}

/// Pushes one base to where it follows, else to `origin`.
pub(super) fn push(
    repo: &str,
    repository: &Repository,
    base: &str,
    progress: Progress<'_>,
) -> ServiceResult<BasePush> {
    let mut push = BasePush {
        repo: repo.to_owned(),
        base: base.to_owned(),
        remote: String::new(),
        failure: None,
        what: String::new(),
    };
    let (remote, remote_ref, known) = match repository.upstream(base)? {
        Some(upstream) if upstream.remote != "." => (upstream.remote, upstream.remote_ref, upstream.id),
        _ if repository.remotes()?.iter().any(|name| name == "origin") => {
            ("origin".to_owned(), format!("refs/heads/{base}"), repository.tracking_id("origin", base)?)
        }
        _ => {
            "has no remote to be pushed to".clone_into(&mut push.what);
            return Ok(push);
        }
    };
    push.remote.clone_from(&remote);
    let local = repository.branch_id(base)?;
    let pushed = if local.is_none() || local == known {
        Pushed::Already
    } else {
        let label = format!("push '{base}' of {repo} to {remote}");
        progress(Event::Began(label.clone()));
        let pushed = repository.push_branch(&remote, base, &remote_ref)?;
        progress(match &pushed {
            Pushed::Failed { why } => Event::Failed(label, plain_line(why)),
            _ => Event::Done(label),
        });
        pushed
    };
    match pushed {
        Pushed::Done => push.what = format!("was pushed to {remote}"),
        Pushed::Already => push.what = format!("is at {remote} already"),
        Pushed::Failed { why } => {
            push.what = format!("was not taken by {remote}: {}", plain_line(&why));
            push.failure = Some(plain_line(&why));
        }
    }
    Ok(push)
}
