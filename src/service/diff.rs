//! `diff` and `path`: what a run changed, and where it lies.

use super::select::{Selector, require_run, select};
use super::steps::open_repo;
use super::{Caller, ServiceError, ServiceResult, control};
use crate::model::{Run, RunWorktree};
use std::path::PathBuf;

/// What `diff` was asked.
#[derive(Debug, Clone, Default)]
pub struct DiffRequest {
    /// Which run.
    pub selector: Selector,
    /// Only this repository.
    pub repo: Option<String>,
    /// Numbers only.
    pub stat: bool,
}

/// One worktree's difference against its merge base with base, what is not committed included.
#[derive(Debug, Clone)]
pub struct TreeDiff {
    /// The ticket.
    pub ticket: String,
    /// The repository.
    pub repo: String,
    /// What git printed.
    pub text: Vec<u8>,
}

/// The differences of all worktrees of a run.
pub fn diff(caller: &Caller, request: &DiffRequest) -> ServiceResult<(Run, Vec<TreeDiff>)> {
    let control = control(caller)?;
    let id = select(caller, &control, &request.selector, |_| true)?;
    let run = require_run(&control, &id)?;
    let wanted: Vec<_> = trees(&run, request.repo.as_deref())?;
    let mut diffs = Vec::new();
    for tree in wanted {
        let repository = open_repo(&run, &tree.repo)?;
        let head = head_of(&run, &repository, tree)?;
        let base = run.repo(&tree.repo).map(|r| repository.branch_id(&r.base)).transpose()?.flatten();
        let shared = base.map(|base| repository.merge_base(&base, &head)).transpose()?.flatten();
        // Once base holds the branch, the merge base is its head: then the start tells what the run changed.
        let from = shared.filter(|shared| *shared != head).unwrap_or_else(|| tree.base_id.clone());
        let text = match tree.path.as_deref().filter(|p| p.is_dir()) {
            Some(path) => repository.diff(path, &from, request.stat)?,
            None => repository.diff_commits(&from, &head, request.stat)?,
        };
        diffs.push(TreeDiff { ticket: tree.ticket.to_string(), repo: tree.repo.to_string(), text });
    }
    Ok((run, diffs))
}

/// The head of a run's branch; after a cleanup the one that its receipt names.
fn head_of(run: &Run, repository: &crate::git::Repository, tree: &RunWorktree) -> ServiceResult<String> {
    if let Some(head) = repository.branch_id(&tree.branch)? {
        return Ok(head);
    }
    let index = run.worktrees_of(&tree.repo).position(|other| other == tree);
    let landed = run.receipt.iter().flat_map(|receipt| &receipt.repos).find(|r| r.repo == tree.repo);
    let head = landed.zip(index).and_then(|(landed, index)| landed.heads.get(index));
    head.cloned().ok_or_else(|| {
        let message = format!("The run branch '{}' of {} no longer exists.", tree.branch, tree.repo);
        ServiceError::failed(message, &[&format!("git metawsm log {}", run.id)])
    })
}

fn trees<'a>(run: &'a Run, repo: Option<&str>) -> ServiceResult<Vec<&'a RunWorktree>> {
    let found: Vec<_> = run.worktrees.iter().filter(|t| repo.is_none_or(|r| t.repo.as_str() == r)).collect();
    if found.is_empty() { Err(no_repo(run, "diff", repo.unwrap_or_default())) } else { Ok(found) }
}

fn no_repo(run: &Run, command: &str, repo: &str) -> ServiceError {
    let names: Vec<_> = run.repos.iter().map(|r| r.name.as_str()).collect();
    let message = format!("{} has no repository '{repo}'; it has {}.", run.id, names.join(", "));
    let hints = names.iter().take(5).map(|name| format!("git metawsm {command} {} {name}", run.id)).collect();
    ServiceError::Wrong { message, hints }
}

/// The directory of a run's workspace, or of one of its worktrees.
pub fn path(caller: &Caller, selector: &Selector, repo: Option<&str>) -> ServiceResult<PathBuf> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |_| true)?;
    let run = require_run(&control, &id)?;
    let ticket = selector.ticket.as_deref().or(selector.word.as_deref());
    let named = |t: &&crate::model::RunTicket| ticket.is_some_and(|w| t.id.as_str().eq_ignore_ascii_case(w));
    let tickets: Vec<_> = match run.tickets.iter().find(named) {
        Some(one) => vec![one],
        None => run.tickets.iter().collect(),
    };
    let [ticket] = tickets.as_slice() else {
        let hints =
            tickets.iter().map(|t| format!("git metawsm path --run-id {id} --ticket {}", t.id)).collect();
        return Err(ServiceError::Wrong {
            message: format!("{id} has several workspaces; name a ticket."),
            hints,
        });
    };
    let found = match repo {
        Some(repo) => {
            let mut trees = run.worktrees_for(&ticket.id);
            let tree = trees.find(|t| t.repo.as_str() == repo);
            tree.ok_or_else(|| no_repo(&run, "path", repo))?.path.clone()
        }
        None => ticket.path.clone(),
    };
    // A record that others published holds no path.
    let Some(dir) = found else {
        let message = format!("The workspace of {id} lies on another machine.");
        return Err(ServiceError::failed(message, &[&format!("git metawsm log {id}")]));
    };
    if !dir.is_dir() {
        let message = format!("The workspace {} is not there any more.", dir.display());
        return Err(ServiceError::failed(message, &[&format!("git metawsm status {id}")]));
    }
    Ok(dir)
}
