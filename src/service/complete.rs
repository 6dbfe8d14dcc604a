//! `complete`: a person says that the work is done.

use super::select::{Selector, require_open, select};
use super::{Caller, ServiceError, ServiceResult, control, notify};
use crate::model::{Run, RunState};

/// Sets a run completed for a reason.
pub fn complete(caller: &Caller, selector: &Selector, reason: &str) -> ServiceResult<Run> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |run| run.state.check_move(RunState::Completed).is_ok())?;
    if reason.trim().is_empty() {
        let hint = format!("git metawsm complete {id} --reason '<why the work is done>'");
        return Err(ServiceError::wrong("Say why the run is complete.", &[&hint]));
    }
    let mut hold = control.hold(&id, "complete", caller)?;
    require_open(hold.run())?;
    if hold.run().state == RunState::Completed {
        return Ok(hold.run().clone());
    }
    // A close that was stopped goes back by `close --abort` only.
    if hold.run().state == RunState::Closing {
        let hint = format!("git metawsm close {id}");
        return Err(ServiceError::failed(format!("A close of {id} has begun; finish it."), &[&hint]));
    }
    hold.go(RunState::Completed, reason)?;
    notify::is_known(&control, hold.run());
    Ok(hold.run().clone())
}
