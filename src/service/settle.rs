//! Settling: what agents have said and how they ended becomes the run's state. The completion rule lives here.

use super::facts_of_work::{self, Work};
use super::needs::{Need, needs, of_unseen, of_unwritten};
use super::signals::{self, Signals};
use super::{Control, ServiceResult, bypass, forum, guidance, sessions as agents_now};
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
    /// Whether settling would change the run: a signal waits, or the completion rule holds.
    pub would_change: bool,
}

/// Takes completion signals and applies the completion rule; the caller holds the run.
pub(super) fn settle(control: &Control, hold: &mut Hold) -> ServiceResult<Settled> {
    // First what came in behind our back: whether it was finished then, the state before says. Where that cannot be
    // told, such as on a full disk, it is said, and looked at again.
    let unseen = bypass::look(control, hold).err();
    let signals = signals::look(hold.run());
    for said in &signals.completions {
        let key = hold.run().agents[said.agent].key();
        let summary = if said.summary.is_empty() { "completed".to_owned() } else { said.summary.clone() };
        // First the record, then the file: a crash in between takes the same words once more, which is harmless.
        hold.update(|run| run.agents[said.agent].completed = Some(summary.clone()))?;
        hold.note("completion signal", &format!("{key}: {summary}"))?;
        signals::put_away(&said.path, &clock::compact(clock::now()))?;
    }
    guidance::take_answers(control, hold)?;
    let unwritten = forum::write_decisions(control, hold).err();
    let observations = agents_now::observe(control, hold.run());
    let work = ended_work(hold.run(), &observations, &signals)?;
    if let Some(why) = completion(hold.run(), &signals, work.as_ref()) {
        hold.go(RunState::Completed, &why)?;
    }
    let mut needs = needs(hold.run(), &observations, &signals, work.as_ref());
    needs.extend(unseen.map(|error| of_unseen(hold.run(), &error.to_string())));
    needs.extend(unwritten.map(|error| of_unwritten(hold.run(), &error.to_string())));
    Ok(Settled { observations, needs, would_change: false })
}

/// The same in memory only: what the run would be after settling.
pub(super) fn preview(control: &Control, mut run: Run) -> ServiceResult<Run> {
    let signals = signals::look(&run);
    for said in &signals.completions {
        run.agents[said.agent].completed = Some(said.summary.clone());
    }
    let work = ended_work(&run, &agents_now::observe(control, &run), &signals)?;
    if let Some(why) = completion(&run, &signals, work.as_ref()) {
        let now = clock::now();
        // The table allows it: `completion` answers for running runs only.
        let _ = run.go(RunState::Completed, &why, now);
    }
    Ok(run)
}

/// As [`settle`] without writing, for signals and observations already looked at.
pub(super) fn look_only(
    run: &Run,
    observations: Vec<Observation>,
    signals: &Signals,
) -> ServiceResult<Settled> {
    let work = ended_work(run, &observations, signals)?;
    let needs = needs(run, &observations, signals, work.as_ref());
    let would_change = !signals.completions.is_empty() || completion(run, signals, work.as_ref()).is_some();
    Ok(Settled { observations, needs, would_change })
}

/// What the agents of a run left, where all have signalled or ended well, its plan is through, and their word alone
/// does not complete it. Costs opening its repositories, so it is looked at once.
fn ended_work(run: &Run, observations: &[Observation], signals: &Signals) -> ServiceResult<Option<Work>> {
    if completion(run, signals, None).is_some() {
        return Ok(None);
    }
    let at_end = |(agent, seen): (&RunAgent, &Observation)| agent.completed.is_some() || ended_well(seen);
    let is_at_end = matches!(run.state, RunState::Running | RunState::AwaitingGuidance)
        && plan::is_finished(&run.steps)
        && run.agents.iter().zip(observations).all(at_end);
    if is_at_end { facts_of_work::work(run).map(Some) } else { Ok(None) }
}

/// The completion rule (behaviour 4): every agent has written its completion signal; or each has ended with exit
/// 0 (or signalled) while the branches hold at least one commit since their start and all worktrees are clean.
fn completion(run: &Run, signals: &Signals, work: Option<&Work>) -> Option<String> {
    if run.state != RunState::Running || !signals.questions.is_empty() || run.agents.is_empty() {
        return None;
    }
    if !plan::is_finished(&run.steps) {
        return None;
    }
    if run.agents.iter().all(|agent| agent.completed.is_some()) {
        return Some("every agent has signalled completion".to_owned());
    }
    let work = work.filter(|work| work.commits > 0 && work.dirty == 0 && work.odd.is_empty())?;
    let commits = if work.commits == 1 { "1 commit".to_owned() } else { format!("{} commits", work.commits) };
    Some(format!("every agent has ended with exit 0, and its work is committed ({commits})"))
}

/// Whether a session has ended by itself with exit 0.
pub(super) fn ended_well(observation: &Observation) -> bool {
    matches!(observation, Observation::Ended(ended) if ended.status == Some(0) && !ended.stopped)
}
