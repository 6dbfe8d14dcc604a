//! `cleanup`: what a decided run leaves on disk goes; work that is nowhere else is named and kept.

use super::event::Progress;
use super::losses::{require_nothing_lost, require_savable};
use super::removal::{Removal, remove_branches, remove_workspaces};
use super::select::{Selector, require_run, select};
use super::{Caller, Control, ServiceError, ServiceResult, control, decided, forum, history, sessions};
use crate::model::{Run, RunId, RunState};

/// What `cleanup` was asked.
#[derive(Debug, Clone, Default)]
pub struct CleanupRequest {
    /// Which run.
    pub selector: Selector,
    /// End sessions only.
    pub keep_workspaces: bool,
    /// Remove what holds unmerged or uncommitted work too, behind rescue refs.
    pub force: bool,
}

/// Ends the sessions of a run, removes its workspaces and its integrated branches.
pub fn cleanup(
    caller: &Caller,
    request: &CleanupRequest,
    progress: Progress<'_>,
) -> ServiceResult<(Run, Removal)> {
    let control = control(caller)?;
    decided::finish_all(caller, &control)?;
    let id = find_decided(caller, &control, &request.selector)?;
    let run = require_run(&control, &id)?;
    if !matches!(run.state, RunState::Closed | RunState::Discarded | RunState::Completed | RunState::Stopped)
    {
        let message = format!("The run {id} is {}; only a run that is over is cleaned up.", run.state);
        let hints = [
            format!("git metawsm close {id}"),
            format!("git metawsm stop {id}"),
            format!("git metawsm discard {id}"),
        ];
        return Err(ServiceError::Failed { message, hints: hints.to_vec() });
    }
    let mut hold = control.hold(&id, "cleanup", caller)?;
    let may_lose = request.force || request.keep_workspaces;
    // A refusal leaves the sessions alone.
    if !may_lose {
        require_nothing_lost(hold.run())?;
    }
    if !request.keep_workspaces {
        require_savable(hold.run(), request.force, "cleanup")?;
    }
    let worked = sessions::end_sessions(&control, &mut hold)?;
    let run = hold.run().clone();
    let mut removal = Removal::default();
    if request.keep_workspaces {
        removal.kept.push("the workspaces (asked for)".to_owned());
        return Ok((run, removal));
    }
    if worked && !may_lose {
        // An agent that was still alive may have written between the look and its end.
        require_nothing_lost(&run)?;
    }
    removal.merge(remove_workspaces(caller, &mut hold, "cleanup", progress)?);
    removal.merge(remove_branches(caller, &mut hold, "cleanup", request.force)?);
    hold.note("cleaned up", &format!("{} removed, {} kept", removal.removed.len(), removal.kept.len()))?;
    drop(hold);
    history::retire(&control)?;
    forum::retire(&control)?;
    Ok((run, removal))
}

/// The named run; without a name the only closed or discarded run that still has a workspace.
fn find_decided(caller: &Caller, control: &Control, selector: &Selector) -> ServiceResult<RunId> {
    if !selector.is_empty() {
        return select(caller, control, selector, |_| true);
    }
    let has_place =
        |run: &Run| run.tickets.iter().any(|t| t.path.as_deref().is_some_and(std::path::Path::is_dir));
    let mut left = Vec::new();
    control.store.each_closed(&mut |entry| {
        left.extend(entry.into_run().filter(has_place).map(|run| (run.created, run.id)));
    })?;
    left.sort_by(|a, b| b.cmp(a));
    match left.as_slice() {
        [(_, only)] => Ok(only.clone()),
        [] => Err(ServiceError::failed(
            "No closed or discarded run has a workspace left to clean up.",
            &["git metawsm list --all"],
        )),
        several => {
            let hints = several.iter().map(|(_, id)| format!("git metawsm cleanup {id}")).collect();
            Err(ServiceError::Wrong {
                message: "Several closed or discarded runs have workspaces; name one.".to_owned(),
                hints,
            })
        }
    }
}
