//! `list` and `log`: runs, newest first; the journal of one.

use super::history::published;
use super::select::{Selector, select};
use super::{Caller, ServiceResult, control};
use crate::model::{Run, RunId, RunState};
use crate::store::{Entry, Journal};

/// What `list` was asked.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Decided runs too.
    pub all: bool,
    /// Only runs of this ticket.
    pub ticket: Option<String>,
    /// Only runs in this state.
    pub state: Option<RunState>,
}

/// Runs, newest first, and records that cannot be read.
#[derive(Debug, Clone, Default)]
pub struct ListReport {
    /// Runs.
    pub runs: Vec<Run>,
    /// Sentences.
    pub broken: Vec<String>,
}

/// Lists runs: open ones, with `all` also decided ones and those published on base by anybody.
pub fn list(caller: &Caller, request: &ListRequest) -> ServiceResult<ListReport> {
    let control = control(caller)?;
    let mut report = ListReport::default();
    let mut entries = control.store.open_runs()?;
    if request.all || request.state.is_some_and(|s| !s.is_open()) {
        entries.extend(control.store.closed_runs()?);
        entries.extend(published(&control)?);
    }
    for entry in entries {
        match entry {
            Entry::Run(run) if report.runs.iter().any(|other| other.id == run.id) => {}
            Entry::Run(run) => report.runs.push(*run),
            Entry::Broken { why, .. } => report.broken.push(why),
        }
    }
    let ticket =
        |run: &Run, wanted: &str| run.tickets.iter().any(|t| t.id.as_str().eq_ignore_ascii_case(wanted));
    report.runs.retain(|run| {
        request.ticket.as_deref().is_none_or(|wanted| ticket(run, wanted))
            && request.state.is_none_or(|state| run.state == state)
    });
    report.runs.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    Ok(report)
}

/// The journal of a run, oldest line first.
pub fn log(caller: &Caller, selector: &Selector) -> ServiceResult<(RunId, Journal)> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |_| true)?;
    let journal = control.store.journal(&id)?;
    Ok((id, journal))
}
