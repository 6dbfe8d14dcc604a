//! `run-state`: the run is completed and no step is under way.

use super::{Blocker, Facts};
use crate::model::RunState;

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let run = &facts.run;
    let mut blockers = Vec::new();
    if !matches!(facts.state, RunState::Completed | RunState::Closing) {
        let command = match facts.state {
            RunState::Running
            | RunState::AwaitingGuidance
            | RunState::Paused
            | RunState::Stopped
            | RunState::Failed => {
                format!("git metawsm complete {run} --reason '<why the work is done>'")
            }
            RunState::Created | RunState::Planning => format!("git metawsm resume {run}"),
            _ => format!("git metawsm status {run}"),
        };
        blockers.push(Blocker {
            what: format!("The run is {}, not completed.", facts.state),
            place: String::new(),
            command,
        });
    }
    for step in &facts.unfinished_steps {
        blockers.push(Blocker {
            what: format!("The step '{step}' is not done."),
            place: String::new(),
            command: format!("git metawsm resume {run}"),
        });
    }
    blockers
}
