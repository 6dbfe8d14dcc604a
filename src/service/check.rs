//! `check`: judges every gate of a run and changes nothing.

use super::event::Progress;
use super::needs::tampered;
use super::select::{Selector, require_open, require_run, select};
use super::verdicts::judge;
use super::{Caller, ServiceResult, checks, control, intent, landed, settle};
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

/// What `check` found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The run, settled in memory.
    pub run: Run,
    /// What the gates say.
    pub verdict: Verdict,
    /// Why what was written down of the run cannot be trusted, a sentence.
    pub tampered: Option<String>,
}

/// Judges all gates of a close. The run is settled in memory only; with `run` the results of its tests are kept.
pub fn check(caller: &Caller, request: &CheckRequest, progress: Progress<'_>) -> ServiceResult<Checked> {
    let mut control = control(caller)?;
    if !request.run {
        control = control.frozen();
    }
    let id = select(caller, &control, &request.selector, |run| run.state.is_open())?;
    if request.run {
        require_open(&require_run(&control, &id)?)?;
        let mut hold = control.hold(&id, "check", caller)?;
        require_open(hold.run())?;
        checks::ensure(&control, caller, &mut hold, progress)?;
        landed::ask(&mut hold)?;
    }
    control = control.frozen();
    let run = require_run(&control, &id)?;
    require_open(&run)?;
    intent::require_none(&control, &id)?;
    let run = settle::preview(&control, run, Action::Close)?;
    let judged = judge(&control, &run, Action::Close, &request.waivers)?;
    let tampered = tampered(control.store.journal(&id)?.chain);
    Ok(Checked { run, verdict: judged.verdict, tampered })
}
