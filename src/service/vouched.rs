//! `--landed`: somebody's word that a commit of base holds the run's work.

use super::chain::start_of;
use super::steps::open_repo;
use super::{Control, ServiceError, ServiceResult};
use crate::model::{LandedMark, RepoName, Run, RunRepo};
use crate::sys::clock;

/// One `--landed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandedWord {
    /// The repository, where one was named.
    pub repo: Option<String>,
    /// The commit, in any way that git has to name one.
    pub commit: String,
}

/// The marks that these words stand for, one for each branch of the repository. The commit must be there, and in base.
pub(super) fn marks(control: &Control, run: &Run, words: &[LandedWord]) -> ServiceResult<Vec<LandedMark>> {
    let mut marks = Vec::new();
    for word in words {
        let repo = repo_of(run, word)?;
        let repository = open_repo(run, &repo.name)?;
        let dir = repository.dir().display().to_string();
        let fetch = format!("git -C {dir} fetch");
        let commit = repository.find_commit(&word.commit)?.ok_or_else(|| {
            ServiceError::failed(format!("'{}' names no commit in {}.", word.commit, repo.name), &[&fetch])
        })?;
        let local = repository.branch_id(&repo.base)?;
        let base = start_of(&repository, &repo.base, local.as_deref())?;
        if !base.is_some_and(|base| repository.is_ancestor(&commit, &base).unwrap_or(false)) {
            let message = format!(
                "'{}' of {} does not hold {}, so nothing landed there by it.",
                repo.base, repo.name, word.commit
            );
            let look = format!("git -C {dir} branch --all --contains {commit}");
            return Err(ServiceError::failed(message, &[&fetch, &look]));
        }
        let actor = control.repo.identity();
        for tree in run.worktrees_of(&repo.name) {
            let Some(head) = repository.branch_id(&tree.branch)? else { continue };
            let is_known = |m: &LandedMark| m.repo == repo.name && m.head == head && m.commit == commit;
            if !run.landed.iter().chain(&marks).any(is_known) {
                marks.push(LandedMark {
                    at: clock::now(),
                    actor: actor.clone(),
                    repo: repo.name.clone(),
                    head,
                    commit: commit.clone(),
                });
            }
        }
    }
    Ok(marks)
}

fn repo_of<'a>(run: &'a Run, word: &LandedWord) -> ServiceResult<&'a RunRepo> {
    let names = || run.repos.iter().map(|r| r.name.to_string()).collect::<Vec<_>>();
    let hints = || {
        let of = |name: &String| format!("git metawsm close {} --landed {name}={}", run.id, word.commit);
        names().iter().map(of).collect::<Vec<_>>()
    };
    match (&word.repo, run.repos.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(ServiceError::Wrong {
            message: format!(
                "The run has several repositories ({}): name the one that '{}' is in.",
                names().join(", "),
                word.commit
            ),
            hints: hints(),
        }),
        (Some(name), repos) => {
            let parsed = RepoName::parse(name).ok();
            repos.iter().find(|r| Some(&r.name) == parsed.as_ref()).ok_or_else(|| ServiceError::Wrong {
                message: format!("The run has no repository '{name}'; it has {}.", names().join(", ")),
                hints: hints(),
            })
        }
    }
}
