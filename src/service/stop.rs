//! `stop`: sessions end, everything is kept.

use super::select::{Selector, select};
use super::{Caller, ServiceResult, control, participate, sessions};
use crate::model::{Run, RunState};

/// Ends all sessions of a run (TERM, then KILL, the whole process tree). A completed run stays completed.
pub fn stop(caller: &Caller, selector: &Selector) -> ServiceResult<Run> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |run| run.state.is_open())?;
    let mut hold = control.hold(&id, "stop", caller)?;
    let keeps_state = matches!(
        hold.run().state,
        RunState::Completed | RunState::Stopped | RunState::Closed | RunState::Discarded | RunState::Closing
    );
    if !keeps_state && hold.run().state != RunState::Stopping {
        hold.go(RunState::Stopping, "stop")?;
    }
    sessions::end_sessions(&control, &mut hold)?;
    if !keeps_state {
        hold.go(RunState::Stopped, "stopped by a person")?;
    }
    participate::loosen(caller, hold.run())?;
    Ok(hold.run().clone())
}
