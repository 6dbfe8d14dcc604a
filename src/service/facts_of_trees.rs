//! What the gates are told of a run's worktrees and branches.

use super::chain::start_of;
use super::{ServiceResult, remedies};
use crate::gate::{BranchFact, DirtFact, HeadFact, WorktreeFact};
use crate::git::{CleanState, Head, RepoPath, Repository};
use crate::model::{Run, RunWorktree};
use crate::policy::matches_forbidden;
use std::path::Path;

/// Looks at one worktree; `forbidden` are the patterns of policy.
pub(super) fn worktree_fact(
    repository: &Repository,
    run: &Run,
    tree: &RunWorktree,
    forbidden: &[String],
) -> WorktreeFact {
    let path = tree.path.clone().unwrap_or_default();
    let mut fact = WorktreeFact {
        ticket: tree.ticket.clone(),
        repo: tree.repo.clone(),
        path: path.display().to_string(),
        branch: tree.branch.clone(),
        branch_exists: !matches!(repository.branch_id(&tree.branch), Ok(None)),
        missing: None,
        head: None,
        dirty: Vec::new(),
        operation: None,
        judge: String::new(),
    };
    match clean_state(repository, &path) {
        Ok(state) => {
            let dirt = |dirt: &crate::git::Dirty| DirtFact {
                path: dirt.path.to_string(),
                what: dirt.what.to_string(),
                command: remedies::of_dirt(
                    run.id.as_str(),
                    &path,
                    dirt,
                    matches_forbidden(forbidden, &dirt.path.text()),
                ),
            };
            fact.dirty = state.unexpected().map(dirt).collect();
            fact.operation = state.operation.map(|o| (format!("A {o}"), remedies::ended(o, &path)));
            fact.judge = state.judge.to_string();
            fact.head = Some(match state.head {
                Head::Branch { name, .. } => HeadFact::Branch(name),
                Head::Detached(id) => HeadFact::Detached(id),
            });
        }
        Err(why) => fact.missing = Some(why),
    }
    fact
}

fn clean_state(repository: &Repository, path: &Path) -> Result<CleanState, String> {
    if !path.is_dir() {
        return Err(format!("{} is gone", path.display()));
    }
    repository.clean_state(path).map_err(|e| e.to_string().trim_end_matches('.').to_owned())
}

/// What one run branch brings into its base, judged on `base...branch`; `None` where either is gone, which the gate
/// `mergeable` tells.
pub(super) fn branch_fact(
    repository: &Repository,
    run: &Run,
    tree: &RunWorktree,
    forbidden: &[String],
) -> ServiceResult<Option<BranchFact>> {
    let Some(repo) = run.repo(&tree.repo) else { return Ok(None) };
    let Some(head) = repository.branch_id(&tree.branch)? else { return Ok(None) };
    let local = repository.branch_id(&repo.base)?;
    let Some(base) = start_of(repository, &repo.base, local.as_deref())? else { return Ok(None) };
    // Without a common commit everything is brought.
    let merge_base = repository.merge_base(&base, &head)?;
    let changed = match &merge_base {
        Some(from) => repository.changed_paths(from, &head)?,
        None => repository.list_tree(&head, "", true)?.into_iter().map(|entry| entry.path).collect(),
    };
    let is_as_base = |path: &RepoPath| -> ServiceResult<bool> {
        let Some(path) = path.as_str() else { return Ok(false) };
        Ok(repository.path_id(&base, path)? == repository.path_id(&head, path)?)
    };
    let is_there = |path: &RepoPath| -> ServiceResult<bool> {
        Ok(path.as_str().is_none_or(|path| repository.path_id(&head, path).is_ok_and(|id| id.is_some())))
    };
    let (mut records, mut bad) = (Vec::new(), Vec::new());
    for path in &changed {
        let is_record = path.is_below(".metawsm");
        let is_bad = matches_forbidden(forbidden, &path.text());
        if (!is_record && !is_bad) || is_as_base(path)? {
            continue;
        }
        if is_record {
            records.push(path.to_string());
        }
        if is_bad && is_there(path)? {
            bad.push(path.to_string());
        }
    }
    Ok(Some(BranchFact {
        repo: tree.repo.to_string(),
        branch: tree.branch.clone(),
        base: repo.base.clone(),
        path: tree.path.as_deref().unwrap_or(repository.dir()).display().to_string(),
        merge_base: merge_base.unwrap_or(base),
        records,
        forbidden: bad,
        judge: repository.reader().to_string(),
    }))
}
