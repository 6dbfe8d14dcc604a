//! What may not be committed in a run's worktree: forbidden files, and our own records and rules.

use super::super::ServiceResult;
use super::open::OpenRun;
use super::work::repo_of;
use super::{HookAnswer, HookCall, HookRefusal};
use crate::git::{Repository, Staged};
use crate::policy;
use crate::store::{self, HookLine, HookVerdict};
use crate::sys::process::quoted;
use crate::sys::{clock, env};
use std::path::PathBuf;

/// A file that may not be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    /// Its path.
    pub path: String,
    /// Why.
    pub why: &'static str,
}

/// Judges what is about to be committed in a worktree of this run.
pub(super) fn judge(call: &HookCall, repo: &Repository, open: &OpenRun) -> ServiceResult<HookAnswer> {
    let index = env::os("GIT_INDEX_FILE").map(|file| call.cwd.join(PathBuf::from(file)));
    let staged = repo.staged(index.as_deref())?;
    if staged.is_empty() {
        return Ok(HookAnswer::default());
    }
    let patterns = open.forbidden()?;
    let is_odd = |s: &&Staged| {
        s.path.is_below(".metawsm")
            || (s.id.is_some() && policy::matches_forbidden(&patterns, &s.path.text()))
    };
    let odd: Vec<_> = staged.iter().filter(is_odd).collect();
    if odd.is_empty() {
        return Ok(HookAnswer::default());
    }
    let allowed = allowed_trees(repo, open)?;
    let mut files = Vec::new();
    for staged in odd {
        // What base holds comes in with a merge of base, and is nobody's doing here.
        let Some(path) = staged.path.as_str() else { continue };
        let mut same = false;
        for tree in &allowed {
            same |= repo.path_id(tree, path)? == staged.id;
        }
        if !same {
            let records = staged.path.is_below(".metawsm");
            let why = if records {
                "records and policy change on base only"
            } else {
                "forbidden by git_pr.forbidden_file_patterns"
            };
            files.push(StagedFile { path: path.to_owned(), why });
        }
    }
    if files.is_empty() {
        return Ok(HookAnswer::default());
    }
    if let (Some(reason), None) = (env::text(env::BYPASS), &call.below_agent) {
        let line = HookLine {
            at: clock::now(),
            run: open.run.id.clone(),
            repo: repo.common_dir().to_owned(),
            base: repo_of(repo, &open.run).map(|r| r.base.clone()).unwrap_or_default(),
            hook: call.name.clone(),
            verdict: HookVerdict::Bypassed,
            work: Vec::new(),
            reason: reason.clone(),
            actor: repo.identity(),
        };
        store::add_hook_line(open.control.repo.common_dir(), &line)?;
        return Ok(HookAnswer { notes: vec![format!("forbidden files pass: {reason}")], refusal: None });
    }
    let paths: Vec<_> = files.iter().map(|file| quoted(&file.path)).collect();
    let top = quoted(&repo.dir().display().to_string());
    let refusal = HookRefusal {
        what: format!("This commit on a branch of {} would hold what no run may change.", open.run.id),
        files,
        left: "Nothing was committed, and what was staged is staged still. This takes it out:".to_owned(),
        restore: Some(format!("git -C {top} restore --staged -- {}", paths.join(" "))),
        ..HookRefusal::default()
    };
    Ok(HookAnswer { notes: Vec::new(), refusal: Some(refusal) })
}

/// The base of the run and where this branch left it.
fn allowed_trees(repo: &Repository, open: &OpenRun) -> ServiceResult<Vec<String>> {
    let mut trees = Vec::new();
    let Some(part) = repo_of(repo, &open.run) else { return Ok(trees) };
    let head = repo.head()?.id().map(str::to_owned);
    for base in
        [repo.branch_id(&part.base)?, repo.upstream(&part.base)?.and_then(|u| u.id)].into_iter().flatten()
    {
        if let Some(head) = &head {
            trees.extend(repo.merge_base(&base, head)?);
        }
        trees.push(base);
    }
    Ok(trees)
}
