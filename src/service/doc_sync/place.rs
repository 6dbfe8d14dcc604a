//! Where the two copies of a ticket's documents are.

use super::super::base::control_base;
use super::super::{Control, ServiceResult};
use crate::git::Repository;

/// The repository whose commits are the source, and the revision that counts there: the HEAD of the control
/// repository's main worktree, whichever of its worktrees the caller stands in; base where it is bare. `None` where
/// there is no commit.
pub(in crate::service) fn source_repo(control: &Control) -> ServiceResult<Option<(Repository, String)>> {
    let main = if control.repo.is_linked() {
        Repository::discover(control.root())?.unwrap_or_else(|| control.repo.clone())
    } else {
        control.repo.clone()
    };
    let head = if main.is_bare() { None } else { main.head()?.id().map(str::to_owned) };
    let head = match head {
        Some(head) => Some(head),
        None => control_base(control)?.map(|base| base.id),
    };
    Ok(head.map(|head| (main, head)))
}
