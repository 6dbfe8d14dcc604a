//! `check`: judges every gate of a run and changes nothing.

use super::select::{Selector, require_open, require_run, select};
use super::verdicts::judge;
use super::{Caller, ServiceResult, control, settle};
use crate::gate::{Action, Verdict};
use crate::model::Run;

/// Judges all gates of a close; the run is settled in memory only.
pub fn check(caller: &Caller, selector: &Selector) -> ServiceResult<(Run, Verdict)> {
    let control = control(caller)?.frozen();
    let id = select(caller, &control, selector, |run| run.state.is_open())?;
    let run = require_run(&control, &id)?;
    require_open(&run)?;
    let run = settle::preview(&control, run)?;
    let judged = judge(&control, &run, Action::Close, &[])?;
    Ok((run, judged.verdict))
}
