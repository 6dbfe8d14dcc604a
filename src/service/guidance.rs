//! Answers on their way: from a forum thread into the run's record, and on to the agent that asked.

use super::{Control, ServiceResult};
use crate::model::ThreadState;
use crate::store::Hold;
use crate::sys::clock;

/// Takes in what was answered meanwhile, by whatever command on whatever machine: marks it in the record. The caller
/// holds the run.
pub(super) fn take_answers(control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    for index in 0..hold.run().guidance.len() {
        let asked = hold.run().guidance[index].clone();
        if !asked.is_open() {
            continue;
        }
        let standing = super::forum::standing(control, &asked.thread)?;
        let is_over = standing
            .is_some_and(|(thread, _)| matches!(thread.state, ThreadState::Answered | ThreadState::Closed));
        if is_over {
            let now = clock::now();
            hold.update(|run| run.guidance[index].answered = Some(now))?;
            hold.note("answered", &format!("{}.{}: {}", asked.ticket, asked.agent, asked.thread))?;
        }
    }
    Ok(())
}
