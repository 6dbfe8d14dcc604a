//! `discard`: a run is given up; nothing of its work is lost.

use super::event::Progress;
use super::losses::require_savable;
use super::removal::{Removal, remove_branches, remove_workspaces};
use super::select::{Selector, require_open, select};
use super::{Caller, ServiceError, ServiceResult, control, decided, sessions};
use crate::model::{Run, RunState};

/// Ends the sessions, saves everything behind rescue refs, removes worktrees and branches, and sets the run
/// discarded. It makes no commit: the record goes with the next publication.
pub fn discard(
    caller: &Caller,
    selector: &Selector,
    reason: &str,
    progress: Progress<'_>,
) -> ServiceResult<(Run, Removal)> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |run| run.state.is_open())?;
    decided::finish_all(caller, &control)?;
    let mut hold = control.hold(&id, "discard", caller)?;
    if hold.run().state == RunState::Discarded {
        return Ok((hold.run().clone(), Removal::default()));
    }
    require_open(hold.run())?;
    hold.run()
        .state
        .check_move(RunState::Discarded)
        .map_err(|source| ServiceError::Move { run: id.to_string(), source })?;
    // A refusal leaves the sessions alone.
    require_savable(hold.run(), false, "discard")?;
    sessions::end_sessions(&control, &mut hold)?;
    let mut removal = remove_workspaces(caller, &mut hold, "discard", progress)?;
    // Behind rescue refs: the branches hold work that base does not.
    removal.merge(remove_branches(caller, &mut hold, "discard", true)?);
    hold.go(RunState::Discarded, if reason.is_empty() { "discarded" } else { reason })?;
    decided::finish(caller, &control, &mut hold)?;
    Ok((hold.run().clone(), removal))
}
