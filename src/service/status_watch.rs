//! `status --watch`: looks again whenever something has changed.

use super::{Caller, Changes, ServiceError, ServiceResult, StatusReport, StatusRequest, status};
use std::time::Duration;

/// How long nothing may happen before the words of ages are made anew.
const MINUTE: Duration = Duration::from_secs(60);
/// The same while somebody holds a run that is shown: to let go of it changes no file.
const WHILE_HELD: Duration = Duration::from_secs(2);

/// Looks, and looks again after each change, at least once a minute, until `take` says that it is enough or the caller
/// is interrupted. Waits without asking anything. A first look that fails is an error; of later ones `take` is told.
pub fn watch_status(
    caller: &Caller,
    request: &StatusRequest,
    changes: &mut Changes,
    take: &mut dyn FnMut(Result<&StatusReport, &ServiceError>) -> bool,
) -> ServiceResult<()> {
    let first = status(caller, request)?;
    let mut roots = first.roots.clone();
    let mut goes_on = take(Ok(&first));
    // What is followed before it is looked at cannot change unseen in between; the first look was before that.
    let mut limit = Duration::ZERO;
    while goes_on && !caller.interrupt.is_set() {
        changes.follow(&roots);
        if request.git {
            changes.follow_worktrees(&roots);
        }
        changes.wait(limit);
        if caller.interrupt.is_set() {
            break;
        }
        changes.follow(&roots);
        let looked = status(caller, request);
        goes_on = take(looked.as_ref());
        let is_held =
            looked.as_ref().is_ok_and(|report| report.runs.iter().any(|view| view.holder.is_some()));
        limit = if is_held { WHILE_HELD } else { MINUTE };
        if let Ok(report) = looked {
            roots = report.roots;
        }
    }
    Ok(())
}
