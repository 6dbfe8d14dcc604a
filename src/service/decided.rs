//! The end of a decision: a closed or discarded run leaves the sweep and the repositories that took part. A kill
//! between the decision and this leaves a decided run among the live ones; the next command finishes it.

use super::base::control_base;
use super::{Caller, Control, ServiceResult, participate, record, transaction};
use crate::store::{self, Hold};

/// Archives a decided run and takes its entries out of every repository. Safe to repeat.
pub(super) fn finish(caller: &Caller, control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    transaction::finish_decided(control, hold)?;
    let path = store::published_path(hold.run());
    let commit = match control_base(control)? {
        Some(base) if control.repo.path_id(&base.id, &path)?.is_some() => Some(base.id),
        _ => None,
    };
    // Archived last: until then the next command finds it among the live ones and comes here again.
    participate::leave(caller, control, hold.run())?;
    hold.archive(commit.is_some())?;
    if let Some(commit) = commit {
        hold.mark_published(&commit)?;
    }
    Ok(())
}

/// Finishes every decided run that a kill left among the live ones.
pub(super) fn finish_all(caller: &Caller, control: &Control) -> ServiceResult<()> {
    for run in control.store.unarchived_runs()? {
        let mut hold = control.hold(&run.id, "finish", caller)?;
        finish(caller, control, &mut hold)?;
    }
    record::finish_stopped(caller, control)
}
