//! `--continue` and `--abort`: what a stop left half done.

use super::close::{CloseReport, CloseRequest, Resume};
use super::event::Progress;
use super::intent::{self, Deed, Intent};
use super::land::lock_all;
use super::select::{Selector, require_run, select};
use super::{Caller, Control, ServiceError, ServiceResult, compose, decided, policies, push, transaction};
use crate::gate::{Action, Verdict};
use crate::model::{Run, RunId, RunState};
use crate::store::{Entry, Hold};

/// The run that is meant: where none is named, the only one that is half done, before all others.
pub(super) fn which(
    caller: &Caller,
    control: &Control,
    selector: &Selector,
    fits: fn(&Run) -> bool,
) -> ServiceResult<RunId> {
    if selector.is_empty() {
        let runs: Vec<_> = control.store.open_runs()?.into_iter().filter_map(Entry::into_run).collect();
        let mut half = Vec::new();
        for run in runs {
            if intent::find(&control.store, &run.id)?.is_some() {
                half.push(run.id);
            }
        }
        if let [only] = half.as_slice() {
            return Ok(only.clone());
        }
    }
    select(caller, control, selector, fits)
}

/// Finishes or takes back what is half done; `None` where nothing is, and the command may go its usual way.
pub(super) fn resume(
    caller: &Caller,
    control: &Control,
    (id, request, resume): (&RunId, &CloseRequest, Resume),
    progress: Progress<'_>,
) -> ServiceResult<Option<CloseReport>> {
    let run = require_run(control, id)?;
    if control.store.find_run(id)?.is_none() || !run.state.is_open() {
        return over(run, request, resume).map(Some);
    }
    let mut hold = control.hold(id, super::verdicts::word(request.action), caller)?;
    let Some(intent) = intent::find(&control.store, id)? else {
        return nothing_moved(&mut hold, request, resume);
    };
    let dirs = intent.moves.iter().map(|m| m.common_dir.clone());
    let dirs: Vec<_> = dirs.chain([control.repo.common_dir().to_owned()]).collect();
    let locks = lock_all(caller, dirs, super::verdicts::word(request.action))?;
    let (acts, published) = match resume {
        Resume::Abort => (transaction::undo(&mut hold, &intent)?, None),
        Resume::Continue => {
            let acts = acts(control, &hold, &intent)?;
            let (commit, is_close) = (intent.commit.clone(), intent.deed == Deed::Close);
            let pushes = intent.push;
            transaction::go_on(control, &mut hold, intent, progress)?;
            drop(locks);
            if is_close {
                decided::finish(caller, control, &mut hold)?;
            }
            let mut report = report(hold.run().clone(), request, acts);
            report.published = commit;
            if pushes || request.push {
                report.pushes = push::push_all(control, &hold, progress)?;
            }
            return Ok(Some(report));
        }
    };
    let mut report = report(hold.run().clone(), request, acts);
    report.published = published;
    Ok(Some(report))
}

fn acts(control: &Control, hold: &Hold, intent: &Intent) -> ServiceResult<Vec<String>> {
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    let of = |done: &crate::model::MergeDone| {
        format!("merged {} into '{}' of {} as {}", done.ticket, done.base, done.repo, short(&done.commit))
    };
    let mut acts: Vec<_> = intent.merges.iter().map(of).collect();
    if intent.deed == Deed::Close {
        let policy = policies::at_base(control)?;
        acts.push(compose::told_of_record(hold.run(), intent.commit.as_deref(), &policy));
    }
    Ok(acts)
}

fn report(run: Run, request: &CloseRequest, acts: Vec<String>) -> CloseReport {
    CloseReport::of(run, request, Verdict::default(), acts)
}

/// A run that is decided has nothing half done that a choice is left in.
fn over(run: Run, request: &CloseRequest, resume: Resume) -> ServiceResult<CloseReport> {
    let is_closed = run.state == RunState::Closed;
    if resume == Resume::Abort && is_closed {
        let reverts: Vec<_> = run.merges.iter().rev().filter_map(|done| revert_of(&run, done)).collect();
        let message = format!("{} is closed, and that is final; its merges can be reverted.", run.id);
        let log = vec![format!("git metawsm log {}", run.id)];
        return Err(ServiceError::Failed { message, hints: [reverts, log].concat() });
    }
    super::select::require_open(&run).or_else(|error| if is_closed { Ok(()) } else { Err(error) })?;
    let mut report = report(run, request, Vec::new());
    report.already = true;
    Ok(report)
}

fn revert_of(run: &Run, done: &crate::model::MergeDone) -> Option<String> {
    let path = run.repo(&done.repo)?.path.as_ref()?;
    Some(format!("git -C {} revert -m 1 {}", path.display(), done.commit))
}

/// Nothing had moved when the command was stopped, or all had and was written down.
fn nothing_moved(
    hold: &mut Hold,
    request: &CloseRequest,
    resume: Resume,
) -> ServiceResult<Option<CloseReport>> {
    let is_closing = hold.run().state == RunState::Closing;
    let said = match resume {
        // A close that was stopped before anything moved goes on by beginning again.
        Resume::Continue if is_closing && request.action == Action::Close => return Ok(None),
        Resume::Abort if is_closing => {
            hold.go(RunState::Completed, "the close was taken back by --abort")?;
            "nothing had moved: the close is taken back".to_owned()
        }
        _ => format!("nothing of {} is half done", hold.run().id),
    };
    Ok(Some(report(hold.run().clone(), request, vec![said])))
}
