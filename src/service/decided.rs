//! The end of a decision: a closed or discarded run leaves the sweep and the repositories that took part. A kill
//! between the decision and this leaves a decided run among the live ones; the next command finishes it.

use super::base::control_base;
use super::forum::{self, Deed, Speaker};
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
    close_questions(caller, hold)?;
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

/// Nobody waits any more for an answer to what the agents asked. A thread that cannot be closed keeps no run.
fn close_questions(caller: &Caller, hold: &mut Hold) -> ServiceResult<()> {
    let open: Vec<_> = hold
        .run()
        .guidance
        .iter()
        .filter(|asked| asked.is_open())
        .map(|asked| asked.thread.clone())
        .collect();
    for thread in open {
        match forum::act_always(caller, thread.as_str(), &Speaker::default(), &Deed::Close) {
            Ok(_) => hold.note("question closed", thread.as_str())?,
            Err(error) => hold.note("question not closed", &format!("{thread}: {error}"))?,
        }
    }
    Ok(())
}
