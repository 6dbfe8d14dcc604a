//! Settling: what agents have said and how they ended becomes the run's state. The completion rule lives here.

use super::facts_of_work::{self, Work};
use super::needs::{Need, needs, of_unseen, of_unwritten};
use super::signals::{self, Signals};
use super::{Control, ServiceResult, bypass, forum, guidance, health, notify, sessions as agents_now};
use crate::gate::Action;
use crate::model::{Guidance, Mode, Run, RunAgent, RunState};
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

/// Takes signals and answers, and applies the completion rule; the caller holds the run.
pub(super) fn settle(control: &Control, hold: &mut Hold) -> ServiceResult<Settled> {
    // First what came in behind our back: whether it was finished then, the state before says. Where that cannot be
    // told, such as on a full disk, it is said, and looked at again.
    let unseen = bypass::look(control, hold).err();
    let odd = signals::take(control, hold)?;
    guidance::take_questions(control, hold)?;
    guidance::take_answers(control, hold)?;
    let waiting = follow_questions(hold.run());
    if let Some((state, why)) = waiting {
        hold.go(state, &why)?;
    }
    let unwritten = forum::write_decisions(control, hold).err();
    let observations = agents_now::observe(control, hold.run());
    guidance::keep_conversations(control, hold)?;
    let work = ended_work(hold.run(), &observations)?;
    if let Some(why) = completion(hold.run(), work.as_ref()) {
        hold.go(RunState::Completed, &why)?;
    }
    let mut needs = needs(hold.run(), &observations, &odd, work.as_ref());
    needs.extend(guidance::needs(hold.run(), &observations));
    needs.extend(health::of_conversations(control, hold.run(), &observations));
    needs.extend(unseen.map(|error| of_unseen(hold.run(), &error.to_string())));
    needs.extend(unwritten.map(|error| of_unwritten(hold.run(), &error.to_string())));
    let settled = Settled { observations, needs, would_change: false };
    notify::look(control, hold, &settled);
    Ok(settled)
}

/// The state that follows from the questions of a run, with the reason: it waits while one is open.
fn follow_questions(run: &Run) -> Option<(RunState, String)> {
    let open = run.guidance.iter().find(|asked| asked.is_open());
    match (run.state, open) {
        (RunState::Running, Some(asked)) => {
            Some((RunState::AwaitingGuidance, format!("{} asks: {}", asked.agent, asked.question)))
        }
        (RunState::AwaitingGuidance, None) => {
            Some((RunState::Running, "every question is answered".to_owned()))
        }
        _ => None,
    }
}

/// The same in memory only: what the run would be after settling. Hooks read no thread.
pub(super) fn preview(control: &Control, mut run: Run, action: Action) -> ServiceResult<Run> {
    let signals = signals::look(&run);
    signals::fold_in(&mut run, &signals)?;
    if action != Action::Hook {
        guidance::fold_questions(control, &mut run)?;
    }
    let now = clock::now();
    for index in 0..run.guidance.len() {
        if action != Action::Hook && guidance::is_answered(control, &run.guidance[index])? {
            run.guidance[index].answered = Some(now);
        }
    }
    // The tables allow both moves: they are asked of runs in a state that has them.
    if let Some((state, why)) = follow_questions(&run) {
        let _ = run.go(state, &why, now);
    }
    let work = ended_work(&run, &agents_now::observe(control, &run))?;
    if let Some(why) = completion(&run, work.as_ref()) {
        let _ = run.go(RunState::Completed, &why, now);
    }
    Ok(run)
}

/// As [`settle`] without writing, for signals and observations already looked at.
pub(super) fn look_only(
    control: &Control,
    run: &Run,
    observations: Vec<Observation>,
    signals: &Signals,
) -> ServiceResult<Settled> {
    let mut then = run.clone();
    signals::fold_in(&mut then, signals)?;
    let mut answers = false;
    for asked in &run.guidance {
        answers = answers || !asked.file.is_empty() || guidance::is_answered(control, asked)?;
    }
    let work = ended_work(&then, &observations)?;
    let mut needs = needs(&then, &observations, &signals.odd, work.as_ref());
    needs.extend(guidance::needs(&then, &observations));
    needs.extend(health::of_conversations(control, &then, &observations));
    let would_change = signals.is_any()
        || answers
        || follow_questions(run).is_some()
        || completion(&then, work.as_ref()).is_some();
    Ok(Settled { observations, needs, would_change })
}

/// What the agents of a run left, where all have signalled or ended well, its plan is through, and their word alone
/// does not complete it. Costs opening its repositories, so it is looked at once.
fn ended_work(run: &Run, observations: &[Observation]) -> ServiceResult<Option<Work>> {
    if completion(run, None).is_some() {
        return Ok(None);
    }
    let at_end = |(agent, seen): (&RunAgent, &Observation)| agent.completed.is_some() || ended_well(seen);
    let is_at_end = run.state == RunState::Running
        && !run.guidance.iter().any(Guidance::is_open)
        && plan::is_finished(&run.steps)
        && run.agents.iter().zip(observations).all(at_end);
    if is_at_end { facts_of_work::work(run).map(Some) } else { Ok(None) }
}

/// The completion rule (behaviour 4): every agent has written its completion signal; or, in a standard run, each has
/// ended with exit 0 (or signalled) while the branches hold at least one commit since their start and all worktrees are
/// clean.
fn completion(run: &Run, work: Option<&Work>) -> Option<String> {
    if run.state != RunState::Running || run.agents.is_empty() || !plan::is_finished(&run.steps) {
        return None;
    }
    if run.guidance.iter().any(Guidance::is_open) {
        return None;
    }
    if run.agents.iter().all(|agent| agent.completed.is_some()) {
        return Some("every agent has signalled completion".to_owned());
    }
    if run.mode == Mode::Bootstrap {
        return None;
    }
    // Who ended to wait for an answer has not done the work yet.
    if run.agents.iter().any(|agent| guidance::is_owed(run, agent)) {
        return None;
    }
    let work = work.filter(|work| work.commits > 0 && work.dirty == 0 && work.odd.is_empty())?;
    let commits = if work.commits == 1 { "1 commit".to_owned() } else { format!("{} commits", work.commits) };
    Some(format!("every agent has ended with exit 0, and its work is committed ({commits})"))
}

/// Whether a session has ended by itself with exit 0.
pub(super) fn ended_well(observation: &Observation) -> bool {
    matches!(observation, Observation::Ended(ended) if ended.status == Some(0) && !ended.stopped)
}
