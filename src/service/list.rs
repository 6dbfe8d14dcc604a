//! `list` and `log`: runs, newest first; the journal of one.

use super::select::{Selector, select};
use super::{Caller, Control, ServiceResult, base, control};
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

/// The records in base's tree: switching branches changes nothing, and unchanged history costs one comparison.
fn published(control: &Control) -> ServiceResult<Vec<Entry>> {
    let Some(base) = base::control_base(control)? else { return Ok(Vec::new()) };
    let Some(tree) = control.repo.path_id(&base.id, ".metawsm/runs")? else { return Ok(Vec::new()) };
    let mut read = || {
        let mut files = Vec::new();
        for entry in control.repo.list_tree(&base.id, ".metawsm/runs", true).map_err(|e| e.to_string())? {
            if let Some(bytes) = control.repo.read_blob(&entry.id).map_err(|e| e.to_string())? {
                files.push((entry.path.to_string(), bytes));
            }
        }
        Ok(files)
    };
    Ok(control.store.published_runs(&tree, &mut read)?)
}

/// The journal of a run, oldest line first.
pub fn log(caller: &Caller, selector: &Selector) -> ServiceResult<(RunId, Journal)> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |_| true)?;
    let journal = control.store.journal(&id)?;
    Ok((id, journal))
}
