//! "Needs you": what keeps a run from going on by itself, each with the command that goes on.

use super::Control;
use super::facts_of_work::Work;
use super::intent;
use super::landed::Landed;
use super::signals::Signals;
use crate::model::{Run, RunAgent, RunState, StepState};
use crate::sessions::{Ended, Observation};
use crate::store::{Chain, Journal};
use serde::Serialize;

/// One thing that a person is needed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// What is the matter, a sentence.
    pub what: String,
    /// The command that goes on.
    pub command: String,
}

fn need(what: impl Into<String>, command: String) -> Need {
    Need { what: what.into(), command }
}

/// Nobody could tell whether work came into a base around the hooks.
pub(super) fn of_unseen(run: &Run, why: &str) -> Need {
    let what =
        format!("Whether work came into a base around the hooks is unknown: {}.", why.trim_end_matches('.'));
    need(what, format!("git metawsm status {}", run.id))
}

/// A decision of the forum that could not be written into the documents; it is tried again each time.
pub(super) fn of_unwritten(run: &Run, why: &str) -> Need {
    let why = crate::model::plain_line(why.trim_end_matches('.'));
    let what = format!("What the forum decided is not in the ticket's documents yet: {why}.");
    need(what, format!("git metawsm status {}", run.id))
}

/// What is to be done with a run whose work base holds already, or has taken back.
pub(super) fn of_landed(run: &Run, landed: &Landed, needs: &mut Vec<Need>) {
    let close = || format!("git metawsm close {}", run.id);
    match landed {
        Landed::Yes if run.state == RunState::Completed => {
            needs.retain(|need| need.what != DONE);
            needs.push(need("Base holds the work already; close the run.", close()));
        }
        Landed::Reverted { what, command } => needs.push(need(what.clone(), command.clone())),
        _ => {}
    }
}

/// Said of a run that is completed.
const DONE: &str = "The work is done; look at it, then close.";

/// What a run needs a person for, most urgent first; `work` is what its agents left, where all have ended.
pub(super) fn needs(
    run: &Run,
    observations: &[Observation],
    signals: &Signals,
    work: Option<&Work>,
) -> Vec<Need> {
    let id = &run.id;
    let mut found = Vec::new();
    for path in &signals.questions {
        let command = format!("git metawsm tell {id} '<the answer>'");
        found.push(need(format!("A question is open in {}.", path.display()), command));
    }
    for odd in &signals.odd {
        let command = format!("cat {}", crate::sys::process::quoted(&odd.path.display().to_string()));
        found.push(need(format!("The signal {} was left alone: {}.", odd.path.display(), odd.why), command));
    }
    for bypass in run.bypasses.iter().filter(|bypass| bypass.is_unanswered()) {
        let command = format!("git metawsm hooks ack {} --reason '<why it may stand>'", bypass.id);
        found.push(need(bypass.what.clone(), command));
    }
    match run.state {
        RunState::Failed => {
            found.push(need(format!("The run failed: {}.", run.reason), format!("git metawsm resume {id}")));
        }
        RunState::Stopped
        | RunState::Paused
        | RunState::Stopping
        | RunState::Created
        | RunState::Planning => {
            found.push(need(
                format!("The run is {} ({}).", run.state, or_dash(&run.reason)),
                format!("git metawsm resume {id}"),
            ));
        }
        RunState::Closing => {
            found.push(need("A close has begun and is not finished.", format!("git metawsm close {id}")));
        }
        RunState::Completed => {
            found.push(need(DONE, format!("git metawsm diff {id}")));
        }
        RunState::Running | RunState::AwaitingGuidance => found.extend(of_running(run, observations, work)),
        RunState::Closed | RunState::Discarded => {}
    }
    found
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "no reason recorded" } else { text }
}

fn of_running(run: &Run, observations: &[Observation], work: Option<&Work>) -> Vec<Need> {
    let id = &run.id;
    let mut found = Vec::new();
    let unfinished =
        run.steps.iter().filter(|s| !matches!(s.state, StepState::Done | StepState::Skipped)).count();
    if unfinished > 0 {
        found.push(need(
            format!("{unfinished} of {} steps are not done.", run.steps.len()),
            format!("git metawsm resume {id}"),
        ));
        return found;
    }
    for (agent, seen) in run.agents.iter().zip(observations) {
        if agent.completed.is_none() {
            found.extend(of_agent(run, agent, seen));
        }
    }
    if found.is_empty() {
        found.extend(work.into_iter().flat_map(|work| of_ended_work(run, work)));
    }
    found
}

fn of_agent(run: &Run, agent: &RunAgent, seen: &Observation) -> Option<Need> {
    let (key, restart) = (agent.key(), format!("git metawsm restart {}", run.id));
    let logs = format!("git metawsm logs {}:{}", run.id, agent.name);
    match seen {
        Observation::Ended(Ended { stopped: true, .. }) => {
            Some(need(format!("{key} was stopped."), format!("git metawsm resume {}", run.id)))
        }
        Observation::Ended(Ended { status: Some(0), .. }) | Observation::Alive { .. } => None,
        Observation::Ended(Ended { status: Some(code), .. }) => {
            Some(need(format!("{key} ended with exit {code}."), logs))
        }
        Observation::Ended(Ended { signal: Some(signal), .. }) => {
            Some(need(format!("{key} was ended by signal {signal}."), logs))
        }
        Observation::Ended(_) => Some(need(format!("{key} ended, and how is unknown."), logs)),
        Observation::Dead { why } => Some(need(format!("{key} is dead: {why}."), restart)),
        Observation::NotStarted => Some(need(format!("{key} was never started."), restart)),
        Observation::Unknown { why } => Some(need(format!("Whether {key} works is unknown: {why}."), logs)),
    }
}

/// Why what was written down of a run cannot be trusted; `None` where it hangs together. A last line that is
/// incomplete was never acknowledged, or is being written just now.
pub(super) fn tampered(journal: &Journal) -> Option<String> {
    match journal.chain {
        Chain::Whole | Chain::TornTail => None,
        Chain::Missing => Some("The journal of the run is missing: somebody has removed it.".to_owned()),
        Chain::BrokenAt(line) => Some(format!(
            "Line {line} of the run's journal does not follow from the line before it: somebody has changed what was written down."
        )),
    }
}

/// The same as something that a person is needed for.
pub(super) fn of_journal(run: &Run, journal: &Journal) -> Option<Need> {
    tampered(journal).map(|what| need(what, format!("git metawsm log {}", run.id)))
}

/// A merge or close that was stopped half way: the two ways on.
pub(super) fn of_half_done(control: &Control, run: &Run) -> Vec<Need> {
    // Of a run that is decided nothing is left to choose: the next command finishes it.
    if !run.state.is_open() {
        return Vec::new();
    }
    match intent::find(&control.store, &run.id) {
        Ok(None) => Vec::new(),
        Ok(Some(intent)) => {
            let [on, back] = intent.ways_on(&run.id);
            vec![need(intent.describe(&run.id), on), need("Or take it back.", back)]
        }
        Err(error) => vec![need(error.to_string(), format!("git metawsm log {}", run.id))],
    }
}

/// A live agent that neither prints nor commits any more.
pub(super) fn of_stalled(run: &Run, agent: &RunAgent, health: &super::Health) -> Option<Need> {
    if health.word != "stalled" || !matches!(run.state, RunState::Running | RunState::AwaitingGuidance) {
        return None;
    }
    let command = format!("git metawsm logs {}:{}", run.id, agent.name);
    Some(need(format!("{} seems to be stalled.", agent.key()), command))
}

/// Every agent ended well and the run is still not completed: why.
fn of_ended_work(run: &Run, work: &Work) -> Vec<Need> {
    let id = &run.id;
    let mut found: Vec<_> =
        work.odd.iter().map(|odd| need(format!("{odd}."), format!("git metawsm path {id}"))).collect();
    match (work.commits, work.dirty) {
        (0, 0) => found.push(need(
            "The agents ended with exit 0, and nothing was changed.".to_owned(),
            format!("git metawsm restart {id}"),
        )),
        (_, 0) => {}
        (_, 1) => found
            .push(need("The agents ended, and 1 file is not committed.", format!("git metawsm commit {id}"))),
        (_, n) => {
            found.push(need(
                format!("The agents ended, and {n} files are not committed."),
                format!("git metawsm commit {id}"),
            ));
        }
    }
    found
}
