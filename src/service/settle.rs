//! Settling: what agents have said and how they ended becomes the run's state. The completion rule lives here.

use super::needs::{Need, needs};
use super::signals::{self, Signals};
use super::{Control, ServiceResult, facts_of_work, sessions as agents_now};
use crate::model::{Run, RunAgent, RunState};
use crate::plan;
use crate::sessions::Observation;
use crate::store::Hold;
use crate::sys::clock;

/// What was found while settling.
#[derive(Debug, Clone, Default)]
pub(super) struct Settled {
    /// How each agent is, in the order of the record.
    pub observations: Vec<Observation>,
    /// What a person is needed for.
    pub needs: Vec<Need>,
    /// Whether completion signals wait to be taken.
    pub said: bool,
}

/// Takes completion signals and applies the completion rule; the caller holds the run.
pub(super) fn settle(control: &Control, hold: &mut Hold) -> ServiceResult<Settled> {
    let signals = signals::look(hold.run());
    for said in &signals.completions {
        let key = hold.run().agents[said.agent].key();
        let summary = if said.summary.is_empty() { "completed".to_owned() } else { said.summary.clone() };
        // First the record, then the file: a crash in between takes the same words once more, which is harmless.
        hold.update(|run| run.agents[said.agent].completed = Some(summary.clone()))?;
        hold.note("completion signal", &format!("{key}: {summary}"))?;
        signals::put_away(&said.path, &clock::compact(clock::now()))?;
    }
    let observations = agents_now::observe(control, hold.run());
    if let Some(why) = completion(hold.run(), &observations, &signals)? {
        hold.go(RunState::Completed, &why)?;
    }
    let needs = needs(hold.run(), &observations, &signals)?;
    Ok(Settled { observations, needs, said: false })
}

/// The same in memory only: what the run would be after settling.
pub(super) fn preview(control: &Control, mut run: Run) -> ServiceResult<Run> {
    let signals = signals::look(&run);
    for said in &signals.completions {
        run.agents[said.agent].completed = Some(said.summary.clone());
    }
    let observations = agents_now::observe(control, &run);
    if let Some(why) = completion(&run, &observations, &signals)? {
        let now = clock::now();
        // The table allows it: `completion` answers for running runs only.
        let _ = run.go(RunState::Completed, &why, now);
    }
    Ok(run)
}

/// As [`settle`] without writing, for observations already made.
pub(super) fn look_only(run: &Run, observations: Vec<Observation>) -> ServiceResult<Settled> {
    let signals = signals::look(run);
    let needs = needs(run, &observations, &signals)?;
    let said = !signals.completions.is_empty();
    Ok(Settled { observations, needs, said })
}

/// Whether settling could change the run: a signal waits, or its agents have ended while it counts as running.
pub(super) fn is_worthwhile(run: &Run, looked: &Settled) -> bool {
    let at_end = |(agent, seen): (&RunAgent, &Observation)| agent.completed.is_some() || ended_well(seen);
    looked.said || (run.state == RunState::Running && run.agents.iter().zip(&looked.observations).all(at_end))
}

/// The completion rule (behaviour 4): every agent has written its completion signal; or each has ended with exit
/// 0 (or signalled) while the branches hold at least one commit since their start and all worktrees are clean.
fn completion(run: &Run, observations: &[Observation], signals: &Signals) -> ServiceResult<Option<String>> {
    if run.state != RunState::Running || !signals.questions.is_empty() || run.agents.is_empty() {
        return Ok(None);
    }
    if !plan::is_finished(&run.steps) {
        return Ok(None);
    }
    if run.agents.iter().all(|agent| agent.completed.is_some()) {
        return Ok(Some("every agent has signalled completion".to_owned()));
    }
    let at_end = |(agent, seen): (&RunAgent, &Observation)| agent.completed.is_some() || ended_well(seen);
    if !run.agents.iter().zip(observations).all(at_end) {
        return Ok(None);
    }
    let work = facts_of_work::work(run)?;
    if work.commits > 0 && work.dirty == 0 && work.odd.is_empty() {
        let commits =
            if work.commits == 1 { "1 commit".to_owned() } else { format!("{} commits", work.commits) };
        return Ok(Some(format!("every agent has ended with exit 0, and its work is committed ({commits})")));
    }
    Ok(None)
}

/// Whether a session has ended by itself with exit 0.
pub(super) fn ended_well(observation: &Observation) -> bool {
    matches!(observation, Observation::Ended(ended) if ended.status == Some(0) && !ended.stopped)
}
