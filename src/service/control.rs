//! The control repository: the one that holds the records.

use super::{Caller, ServiceError, ServiceResult, intent};
use crate::git::Repository;
use crate::model::RunId;
use crate::store::{self, Hold, Store, StoreResult};
use crate::workspaces;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Commands that change what a merge stands on, and wait until one that was stopped half way is finished or taken back.
const AFTER_MERGES: [&str; 8] =
    ["discard", "resume", "restart", "iterate", "complete", "commit", "cleanup", "update"];

/// Who acts where nobody ordered it.
const OURSELVES: &str = "git-metawsm";

/// The control repository and its store.
#[derive(Debug)]
pub struct Control {
    /// The repository.
    pub repo: Repository,
    /// Its records.
    pub store: Store,
}

impl Control {
    pub(super) fn of(repo: Repository) -> Self {
        let store = Store::at(repo.common_dir(), repo.worktree());
        Self { repo, store }
    }

    /// Takes the hold of a run, in the name of whoever acts here: the journal says by whom.
    pub(super) fn hold(&self, id: &RunId, command: &str, caller: &Caller) -> ServiceResult<Hold> {
        let mut hold = self.store.hold(id, command, caller.wait)?;
        if AFTER_MERGES.contains(&command) {
            intent::require_none(self, id)?;
        }
        hold.set_actor(&self.repo.identity());
        Ok(hold)
    }

    /// Takes the hold of a run to write down what was seen, by nobody's order.
    pub(super) fn hold_to_settle(&self, id: &RunId, wait: Duration) -> StoreResult<Hold> {
        let mut hold = self.store.hold(id, "settle", wait)?;
        hold.set_actor(OURSELVES);
        Ok(hold)
    }

    /// The same for who only looks: not even the index of records changes.
    pub(super) fn frozen(self) -> Self {
        Self { store: self.store.frozen(), ..self }
    }

    /// The directory by which agents and other repositories name this control repository: its main worktree, which
    /// outlives linked ones, else its common directory.
    pub fn root(&self) -> &Path {
        let common = self.repo.common_dir();
        let main = if common.file_name().is_some_and(|name| name == ".git") { common.parent() } else { None };
        main.unwrap_or(common)
    }
}

/// The control repository, in the order of design 5; an error outside any repository.
pub fn control(caller: &Caller) -> ServiceResult<Control> {
    find_control(caller)?.ok_or_else(|| {
        ServiceError::failed(
            format!("{} is not inside a git repository.", caller.cwd.display()),
            &[
                "git init && git commit --allow-empty -m 'First commit'",
                "git metawsm --root <repository> status",
            ],
        )
    })
}

/// As [`control`], `None` outside any repository.
pub fn find_control(caller: &Caller) -> ServiceResult<Option<Control>> {
    if let Some(root) = &caller.root {
        let dir = caller.cwd.join(root);
        let repo = Repository::discover(&dir)?.ok_or_else(|| {
            let message = format!("The control repository {} is not a git repository.", dir.display());
            ServiceError::failed(message, &["git metawsm --root <repository> status"])
        })?;
        return Ok(Some(Control::of(repo)));
    }
    if let Some(control) = of_workspace(&caller.cwd)? {
        return Ok(Some(control));
    }
    let Some(around) = Repository::discover(&caller.cwd)? else { return Ok(None) };
    let here = Control::of(around);
    let has_files = here.repo.worktree().is_some_and(|top| top.join(".metawsm").is_dir());
    if here.store.has_runs() || has_files {
        return Ok(Some(here));
    }
    if let [only] = other_roots(&here).as_slice()
        && let Some(repo) = Repository::discover(only)?
    {
        return Ok(Some(Control::of(repo)));
    }
    Ok(Some(here))
}

/// The control repository of the nearest workspace above a directory. Agents can write such a file too, so what it
/// says counts only where that repository knows the run.
fn of_workspace(cwd: &Path) -> ServiceResult<Option<Control>> {
    let Some(found) = workspaces::find_context(cwd)? else { return Ok(None) };
    let Some(repo) = Repository::discover(&found.context.root)? else { return Ok(None) };
    let control = Control::of(repo);
    let known = control.store.find_run(&found.context.run)?;
    let is_its =
        |run: &crate::model::Run| run.tickets.iter().any(|t| t.path.as_deref() == Some(found.dir.as_path()));
    Ok(known.filter(is_its).map(|_| control))
}

fn other_roots(here: &Control) -> Vec<PathBuf> {
    store::roots(here.repo.common_dir()).into_iter().filter(|root| root.is_dir()).collect()
}
