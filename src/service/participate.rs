//! A run's entries in every repository that takes part.

use super::{Caller, Control, ServiceResult};
use crate::model::{Run, RunRepo};
use crate::store::{self, Hold, OpenEntry};

/// Writes the run's entry into every repository that takes part, one after the other in path order.
pub(super) fn enter(caller: &Caller, control: &Control, hold: &Hold) -> ServiceResult<()> {
    for repo in in_path_order(hold.run()) {
        let Some(common_dir) = &repo.common_dir else { continue };
        let lock = store::lock_repo(common_dir, "run", caller.wait)?;
        store::enter(common_dir, &entry(control, hold.run(), repo), &lock)?;
    }
    Ok(())
}

/// Takes the run's entry out of every repository that took part; one that is gone is passed over.
pub(super) fn leave(caller: &Caller, control: &Control, run: &Run) -> ServiceResult<()> {
    for repo in in_path_order(run) {
        let Some(common_dir) = repo.common_dir.as_ref().filter(|dir| dir.is_dir()) else { continue };
        let lock = store::lock_repo(common_dir, "leave", caller.wait)?;
        store::leave(common_dir, &run.id, control.root(), &lock)?;
    }
    Ok(())
}

/// The repositories of a run in the order in which their locks are taken.
pub(super) fn in_path_order(run: &Run) -> Vec<&RunRepo> {
    let mut repos: Vec<_> = run.repos.iter().collect();
    repos.sort_by(|a, b| a.common_dir.cmp(&b.common_dir));
    repos
}

fn entry(control: &Control, run: &Run, repo: &RunRepo) -> OpenEntry {
    let trees: Vec<_> = run.worktrees_of(&repo.name).collect();
    OpenEntry {
        run: run.id.clone(),
        root: control.root().to_owned(),
        base: repo.base.clone(),
        branches: trees.iter().map(|t| t.branch.clone()).collect(),
        worktrees: trees.iter().filter_map(|t| t.path.clone()).collect(),
        starts: trees.iter().map(|t| t.base_id.clone()).collect(),
    }
}
