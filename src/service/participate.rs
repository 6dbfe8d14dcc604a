//! A run's entries in every repository that takes part.

use super::event::Progress;
use super::hooks::{self, MARKER, NO_TRAILER};
use super::{Caller, Control, ServiceResult, policies, steps};
use crate::git::Repository;
use crate::model::{Run, RunRepo, RunWorktree};
use crate::policy::{self, HooksInstall};
use crate::store::{self, Hold, OpenEntry};
use crate::sys::files;
use crate::sys::lock::Lock;
use std::path::Path;

/// Writes the run's entry into every repository that takes part, one after the other in path order, and the hooks
/// that it needs.
pub(super) fn enter(
    caller: &Caller,
    control: &Control,
    hold: &Hold,
    progress: Progress<'_>,
) -> ServiceResult<()> {
    let installs = policies::stored(hold.run())?.hooks.install == HooksInstall::Auto;
    for repo in in_path_order(hold.run()) {
        let Some(common_dir) = &repo.common_dir else { continue };
        let lock = store::lock_repo(common_dir, "run", caller.wait)?;
        store::enter(common_dir, &entry(control, hold.run(), repo), &lock)?;
        if installs {
            let report = hooks::install_for(&steps::open_repo(hold.run(), &repo.name)?)?;
            hooks::announce(repo.name.as_str(), &report, &mut *progress);
        }
    }
    Ok(())
}

/// Writes the run's entries anew where its workspaces lie elsewhere than they were to; the locks of all its
/// repositories are held, in path order.
pub(super) fn note_places(control: &Control, run: &Run, locks: &[Lock]) -> ServiceResult<()> {
    let repos = in_path_order(run).into_iter().filter(|repo| repo.common_dir.is_some());
    for (repo, lock) in repos.zip(locks) {
        let common_dir = repo.common_dir.as_deref().unwrap_or(Path::new(""));
        store::enter(common_dir, &entry(control, run, repo), lock)?;
    }
    Ok(())
}

/// Marks a worktree as one of the run's, which wakes the hooks in it; the caller holds the repository's lock.
pub(super) fn mark(run: &Run, worktree: &Path) -> ServiceResult<()> {
    let Some(here) = Repository::discover(worktree)? else { return Ok(()) };
    let text = if policy::hooks_from_table(&run.policy).trailer {
        format!("{}\n", run.id)
    } else {
        format!("{} {NO_TRAILER}\n", run.id)
    };
    Ok(files::write_atomic(&here.git_dir().join(MARKER), text.as_bytes())?)
}

fn unmark(run: &Run, tree: &RunWorktree) -> ServiceResult<()> {
    let Some(path) = tree.path.as_deref().filter(|path| path.is_dir()) else { return Ok(()) };
    let Ok(Some(here)) = Repository::discover(path) else { return Ok(()) };
    let marker = here.git_dir().join(MARKER);
    if files::find_text(&marker)?.is_some_and(|text| text.split_whitespace().next() == Some(run.id.as_str()))
    {
        files::remove_durable(&marker)?;
    }
    Ok(())
}

/// Takes the costly hooks out of the repositories of a run that has stopped, where no other run is at work.
pub(super) fn loosen(caller: &Caller, run: &Run) -> ServiceResult<()> {
    for repo in in_path_order(run) {
        let Some(common_dir) = repo.common_dir.as_ref().filter(|dir| dir.is_dir()) else { continue };
        let _lock = store::lock_repo(common_dir, "stop", caller.wait)?;
        if let Ok(repository) = steps::open_repo(run, &repo.name) {
            let _ = hooks::loosen(&repository);
        }
    }
    Ok(())
}

/// Takes the run's entry out of every repository that took part; one that is gone is passed over.
pub(super) fn leave(caller: &Caller, control: &Control, run: &Run) -> ServiceResult<()> {
    for repo in in_path_order(run) {
        let Some(common_dir) = repo.common_dir.as_ref().filter(|dir| dir.is_dir()) else { continue };
        let lock = store::lock_repo(common_dir, "leave", caller.wait)?;
        store::leave(common_dir, &run.id, control.root(), &lock)?;
        // What cannot be taken out is asleep, and no reason to keep a decided run.
        for tree in run.worktrees_of(&repo.name) {
            let _ = unmark(run, tree);
        }
        if let Ok(repository) = steps::open_repo(run, &repo.name) {
            let _ = hooks::uninstall_unneeded(&repository);
        }
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
