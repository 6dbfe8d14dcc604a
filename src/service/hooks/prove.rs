//! The proof that git really runs our hooks, and what that costs.

use super::super::{Caller, ServiceResult};
use super::admin::repositories;
use crate::git::Repository;
use crate::hooks::{self, HookFile, ON_SERVER, USUAL};
use crate::store;
use std::path::PathBuf;

/// What a hook says when it is asked whether it fires.
pub fn told_by_probe(hook: &str) -> String {
    format!("git-metawsm:{hook}")
}

/// One hook in one worktree.
#[derive(Debug, Clone)]
pub struct HookProof {
    /// The worktree, or the bare directory.
    pub place: PathBuf,
    /// The hook.
    pub hook: &'static str,
    /// The file that git runs there.
    pub file: PathBuf,
    /// What the file is.
    pub is: HookFile,
    /// Whether it fired when git ran it; `None` where it was not run.
    pub fires: Option<bool>,
    /// What one run of it costs, in microseconds; 0 where it was not run.
    pub micros: u64,
}

/// The hooks of one repository.
#[derive(Debug, Clone)]
pub struct HooksProven {
    /// The repository's directory.
    pub repo: PathBuf,
    /// The runs that are open in it.
    pub open: Vec<String>,
    /// Why nothing of ours is ever written there, if so.
    pub foreign: Option<String>,
    /// One per worktree and hook.
    pub proofs: Vec<HookProof>,
}

/// Runs every hook of ours through git, in the main worktree and in each linked one.
pub fn prove(caller: &Caller, repos: &[String]) -> ServiceResult<Vec<HooksProven>> {
    repositories(caller, repos)?.iter().map(prove_one).collect()
}

fn prove_one(repo: &Repository) -> ServiceResult<HooksProven> {
    let place = hooks::place(repo)?;
    let entries = store::open_entries(repo.common_dir());
    let mut report = HooksProven {
        repo: repo.dir().to_owned(),
        open: entries.iter().map(|entry| entry.run.to_string()).collect(),
        foreign: place.foreign,
        proofs: Vec::new(),
    };
    for worktree in repo.worktrees()? {
        if worktree.prunable {
            continue;
        }
        let Some(here) = Repository::discover(&worktree.path)? else { continue };
        for shim in USUAL.iter().chain([&ON_SERVER]) {
            let file = here.hooks_dir()?.join(shim.name);
            let is = hooks::hook_file(&file);
            let is_optional = shim.name == ON_SERVER.name || shim.is_strict();
            if is_optional && !matches!(is, HookFile::Ours) {
                continue;
            }
            let (fires, micros) = match is {
                // Somebody else's hook is never run for a question of ours.
                HookFile::Ours => {
                    let (fires, micros) = here.probe_hook(shim.name, &told_by_probe(shim.name))?;
                    (Some(fires), micros)
                }
                _ => (None, 0),
            };
            report.proofs.push(HookProof {
                place: worktree.path.clone(),
                hook: shim.name,
                file,
                is,
                fires,
                micros,
            });
        }
    }
    Ok(report)
}
