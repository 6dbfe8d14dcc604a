//! `agents-quiet`: no session is still working; one that signalled completion is ended by close.

use super::{AgentPulse, Blocker, Facts};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let run = &facts.run;
    let blocker = |what: String, key: &str| Blocker {
        what,
        place: key.to_owned(),
        command: format!("git metawsm stop {run}"),
    };
    let judged = facts.agents.iter().filter_map(|agent| match &agent.pulse {
        AgentPulse::Working if !agent.completed => {
            Some(blocker("The agent is still working.".to_owned(), &agent.key))
        }
        AgentPulse::Unknown(why) => {
            Some(blocker(format!("Whether the agent still works is unknown: {why}."), &agent.key))
        }
        _ => None,
    });
    judged.collect()
}
