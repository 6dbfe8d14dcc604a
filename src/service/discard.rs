//! `discard`: a run is given up; nothing of its work is lost.

use super::event::Progress;
use super::forum::{self, Deed, Speaker};
use super::losses::require_savable;
use super::removal::{Removal, remove_branches, remove_workspaces};
use super::select::{Selector, require_open, select};
use super::{Caller, ServiceError, ServiceResult, control, decided, sessions};
use crate::model::{Run, RunState};
use crate::store::Hold;

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
    close_questions(caller, &mut hold)?;
    let mut removal = remove_workspaces(caller, &mut hold, "discard", progress)?;
    // Behind rescue refs: the branches hold work that base does not.
    removal.merge(remove_branches(caller, &mut hold, "discard", true)?);
    hold.go(RunState::Discarded, if reason.is_empty() { "discarded" } else { reason })?;
    decided::finish(caller, &control, &mut hold)?;
    Ok((hold.run().clone(), removal))
}

/// Nobody waits any more for an answer to what the agents asked. A thread that cannot be closed keeps no run.
fn close_questions(caller: &Caller, hold: &mut Hold) -> ServiceResult<()> {
    let open: Vec<_> = hold
        .run()
        .guidance
        .iter()
        .filter(|asked| asked.is_open())
        .map(|asked| asked.thread.clone())
        .collect();
    for thread in open {
        match forum::act_always(caller, thread.as_str(), &Speaker::default(), &Deed::Close) {
            Ok(_) => hold.note("question closed", thread.as_str())?,
            Err(error) => hold.note("question not closed", &format!("{thread}: {error}"))?,
        }
    }
    Ok(())
}
