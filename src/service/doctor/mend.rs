//! What `--repair` does: each under the locks of those who write there, each safe to repeat.

use super::super::event::Progress;
use super::super::{Caller, Control, ServiceResult, decided, hooks, participate};
use super::{counted, records};
use crate::git::Repository;
use crate::model::RunId;
use crate::store;
use std::path::PathBuf;

/// One repair, in the order in which they are done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mend {
    /// What killed commands left under temporary names goes.
    Temps,
    /// The index is built anew.
    Index,
    /// The record and the journal of a run are brought together, as every command does that takes the run.
    Settle(RunId),
    /// Decided runs leave the open ones.
    Finish,
    /// `.metawsm/live` and the line that hides it.
    Link,
    /// The entries of a run in its repositories, with the hooks that it needs.
    Enter(RunId),
    /// An entry of a run that is over: the repository, the run, its control repository.
    Leave(PathBuf, RunId, PathBuf),
    /// Hooks that no run needs any more.
    Hooks(PathBuf),
    /// git's own note of a worktree that is gone.
    Forget(PathBuf, PathBuf),
}

impl Mend {
    /// Does it; says what came of it, or nothing where nothing was left to do.
    pub(super) fn carry_out(
        &self,
        caller: &Caller,
        control: &Control,
        progress: Progress<'_>,
    ) -> ServiceResult<Option<String>> {
        let done = match self {
            Self::Temps => match control.store.sweep_temps()? {
                0 => return Ok(None),
                count => format!("removed {}", counted(count, "leftover")),
            },
            Self::Index => {
                control.store.index().rebuild()?;
                format!("built the index anew from {}", counted(records::fill_index(control)?, "record"))
            }
            Self::Settle(run) => {
                control.hold(run, "doctor", caller)?;
                format!("brought the record and the journal of {run} together")
            }
            Self::Finish => {
                decided::finish_all(caller, control)?;
                "finished what a decided run had left".to_owned()
            }
            Self::Link => {
                let _lock = store::lock_repo(control.repo.common_dir(), "doctor", caller.wait)?;
                control.store.ensure_link()?;
                "made .metawsm/live anew".to_owned()
            }
            Self::Enter(run) => {
                let hold = control.hold(run, "doctor", caller)?;
                if !hold.run().state.is_open() {
                    return Ok(None);
                }
                participate::enter(caller, control, &hold, progress)?;
                format!("wrote the entries of {run} into its repositories")
            }
            Self::Leave(common_dir, run, root) => leave(caller, control, common_dir, run, root)?,
            Self::Hooks(common_dir) => {
                let Some(repo) = Repository::discover(common_dir)? else { return Ok(None) };
                let _lock = store::lock_repo(repo.common_dir(), "doctor", caller.wait)?;
                hooks::uninstall_unneeded(&repo)?;
                format!("took hooks that no run needs out of {}", repo.dir().display())
            }
            Self::Forget(common_dir, worktree) => {
                let Some(repo) = Repository::discover(common_dir)? else { return Ok(None) };
                let _lock = store::lock_repo(repo.common_dir(), "doctor", caller.wait)?;
                if worktree.join(".git").symlink_metadata().is_ok() {
                    return Ok(None);
                }
                repo.remove_worktree(worktree, true)?;
                format!("git no longer lists the worktree {}, which is gone", worktree.display())
            }
        };
        Ok(Some(done))
    }
}

/// Takes out the entry of a run that is over. Looked at again under the lock: it may have come back.
fn leave(
    caller: &Caller,
    control: &Control,
    common_dir: &std::path::Path,
    run: &RunId,
    root: &std::path::Path,
) -> ServiceResult<String> {
    let lock = store::lock_repo(common_dir, "doctor", caller.wait)?;
    let is_open =
        root == control.root() && control.store.find_run(run)?.is_some_and(|run| run.state.is_open());
    if !is_open {
        store::leave(common_dir, run, root, &lock)?;
        if let Some(repo) = Repository::discover(common_dir)? {
            hooks::uninstall_unneeded(&repo)?;
        }
    }
    Ok(format!("took the entry of {run}, which is over, out of {}", common_dir.display()))
}
