//! `check`: judges every gate of a run and changes nothing.

use super::event::Progress;
use super::select::{Selector, require_open, require_run, select};
use super::verdicts::judge;
use super::{Caller, ServiceResult, checks, control, settle};
use crate::gate::{Action, Verdict, Waiver};
use crate::model::Run;

/// What `check` was asked.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// Which run.
    pub selector: Selector,
    /// Run the tests that the policy demands first, and keep their results.
    pub run: bool,
    /// Gates to let pass, to see what is left.
    pub waivers: Vec<Waiver>,
}

/// Judges all gates of a close. The run is settled in memory only; with `run` the results of its tests are kept.
pub fn check(
    caller: &Caller,
    request: &CheckRequest,
    progress: Progress<'_>,
) -> ServiceResult<(Run, Verdict)> {
    let mut control = control(caller)?;
    let id = select(caller, &control, &request.selector, |run| run.state.is_open())?;
    if request.run {
        require_open(&require_run(&control, &id)?)?;
        let mut hold = control.hold(&id, "check", caller)?;
        require_open(hold.run())?;
        checks::ensure(&control, caller, &mut hold, progress)?;
    }
    control = control.frozen();
    let run = require_run(&control, &id)?;
    require_open(&run)?;
    let run = settle::preview(&control, run)?;
    let judged = judge(&control, &run, Action::Close, &request.waivers)?;
    Ok((run, judged.verdict))
}
