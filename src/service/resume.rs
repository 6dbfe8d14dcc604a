//! `resume` and `restart`: what is not done goes on, agents that are not alive start again.

use super::event::Progress;
use super::iterate::documents_of_feedback;
use super::run::carry_out;
use super::select::{Selector, require_open, select};
use super::settle::{ended_well, settle};
use super::{
    Caller, Control, ServiceError, ServiceResult, control, guidance, policies, sessions as agents_now,
    signals,
};
use crate::model::{Run, RunId, RunState, RunWorktree, Step, StepKind, StepState, Strategy};
use crate::plan;
use crate::sessions::Observation;
use crate::store::{Entry, Hold};

/// What `resume` was asked.
#[derive(Debug, Clone, Default)]
pub struct ResumeRequest {
    /// Which run.
    pub selector: Selector,
    /// Every open run that has something to go on with.
    pub all: bool,
}

/// The runs that went on, and those that could not, with the reason.
pub type Resumed = (Vec<Run>, Vec<(RunId, ServiceError)>);

/// Resumes a run, or all of them after a reboot.
pub fn resume(caller: &Caller, request: &ResumeRequest, progress: Progress<'_>) -> ServiceResult<Resumed> {
    let control = control(caller)?;
    if !request.all {
        let id = select(caller, &control, &request.selector, is_resumable)?;
        return Ok((vec![resume_one(caller, &control, &id, progress)?], Vec::new()));
    }
    let runs = control.store.open_runs()?;
    let ids: Vec<_> =
        runs.iter().filter_map(Entry::run).filter(|r| is_resumable(r)).map(|r| r.id.clone()).collect();
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for id in ids {
        match resume_one(caller, &control, &id, progress) {
            Ok(run) => done.push(run),
            Err(error @ ServiceError::Interrupted { .. }) => return Err(error),
            Err(error) => failed.push((id, error)),
        }
    }
    Ok((done, failed))
}

fn is_resumable(run: &Run) -> bool {
    run.state.is_open() && !matches!(run.state, RunState::Completed | RunState::Closing)
}

fn resume_one(caller: &Caller, control: &Control, id: &RunId, progress: Progress<'_>) -> ServiceResult<Run> {
    let mut hold = control.hold(id, "resume", caller)?;
    require_open(hold.run())?;
    require_trust_of(hold.run())?;
    settle(control, &mut hold)?;
    if hold.run().state == RunState::Completed {
        bring_back(caller, control, &mut hold, progress)?;
        return Ok(hold.run().clone());
    }
    to_running(&mut hold, "resumed")?;
    let seen = agents_now::observe(control, hold.run());
    make_again(&mut hold)?;
    documents_of_feedback(&mut hold)?;
    let has_news: Vec<bool> =
        hold.run().agents.iter().map(|agent| guidance::has_news(hold.run(), agent)).collect();
    start_again(&mut hold, &|index| {
        !matches!(seen.get(index), Some(Observation::Alive { .. }))
            && (has_news[index] || !seen.get(index).is_some_and(ended_well))
    })?;
    carry_out(caller, control, &mut hold, progress)?;
    Ok(hold.run().clone())
}

/// No agent of a completed run is needed any more, started or not; its workspace is, for whoever looks at the work and
/// closes the run.
fn bring_back(
    caller: &Caller,
    control: &Control,
    hold: &mut Hold,
    progress: Progress<'_>,
) -> ServiceResult<()> {
    make_again(hold)?;
    if plan::is_finished(&hold.run().steps) {
        return Ok(());
    }
    hold.update(|run| {
        let is_start = |step: &&mut Step| step.kind == StepKind::StartAgent && step.state != StepState::Done;
        run.steps.iter_mut().filter(is_start).for_each(|step| step.state = StepState::Skipped);
    })?;
    let reason = hold.run().reason.clone();
    to_running(hold, "its workspace is made again")?;
    carry_out(caller, control, hold, progress)?;
    if hold.run().state == RunState::Running {
        hold.go(RunState::Completed, &reason)?;
    }
    Ok(())
}

/// A policy that was trusted when the run was planned may no longer be: ask again before anything starts.
pub(super) fn require_trust_of(run: &Run) -> ServiceResult<()> {
    let rules = policies::Rules { policy: policies::stored(run)?, path: None };
    policies::require_trust(&rules).map_err(|error| match error {
        // The present policy may be another one, and to trust that one would not help.
        ServiceError::Forbidden { message, .. } => {
            ServiceError::forbidden(message, &[&format!("git metawsm policy trust {}", run.id)])
        }
        error => error,
    })
}

/// Brings an open run to `running`, along legal moves.
pub(super) fn to_running(hold: &mut Hold, reason: &str) -> ServiceResult<()> {
    if hold.run().state == RunState::Created {
        hold.go(RunState::Planning, reason)?;
    }
    if hold.run().state == RunState::Stopping {
        hold.go(RunState::Stopped, "the stop had not finished")?;
    }
    if hold.run().state != RunState::Running {
        hold.go(RunState::Running, reason)?;
    }
    Ok(())
}

/// Sets the steps of worktrees that are gone back to pending: no agent may start in a folder that is none. Says
/// whether there are any.
pub(super) fn make_again(hold: &mut Hold) -> ServiceResult<bool> {
    let run = hold.run();
    if run.strategy == Strategy::Reuse {
        return Ok(false);
    }
    let is_gone = |t: &&RunWorktree| t.path.as_deref().is_some_and(|path| !path.join(".git").exists());
    let gone: Vec<_> =
        run.worktrees.iter().filter(is_gone).map(|t| (t.ticket.clone(), t.repo.clone())).collect();
    if gone.is_empty() {
        return Ok(false);
    }
    hold.update(|run| {
        for step in run.steps.iter_mut().filter(|s| s.state == StepState::Done) {
            let is_of = |(ticket, repo): &(_, _)| match step.kind {
                StepKind::EnsureWorktree => step.ticket == *ticket && step.repo.as_ref() == Some(repo),
                StepKind::FinishWorkspace => step.ticket == *ticket,
                _ => false,
            };
            if gone.iter().any(is_of) {
                step.state = StepState::Pending;
                step.attempts = 0;
            }
        }
    })?;
    Ok(true)
}

/// Sets the start steps of the chosen agents back to pending.
pub(super) fn start_again(hold: &mut Hold, chosen: &dyn Fn(usize) -> bool) -> ServiceResult<()> {
    hold.update(|run| reset_starts(run, chosen))?;
    Ok(())
}

/// The same in a record that is not written yet.
pub(super) fn reset_starts(run: &mut Run, chosen: &dyn Fn(usize) -> bool) {
    for index in 0..run.agents.len() {
        let agent = run.agents[index].clone();
        if !chosen(index) || agent.completed.is_some() {
            continue;
        }
        let is_start = |s: &&mut Step| {
            s.kind == StepKind::StartAgent
                && s.ticket == agent.ticket
                && s.agent.as_ref() == Some(&agent.name)
        };
        for step in run.steps.iter_mut().filter(is_start) {
            step.state = StepState::Pending;
            step.attempts = 0;
        }
    }
}

const RESTARTED: &str = "restarted";

/// Ends all sessions of a run and starts its agents again; their completion no longer counts.
pub fn restart(caller: &Caller, selector: &Selector, progress: Progress<'_>) -> ServiceResult<Run> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |run| run.state.is_open() && run.state != RunState::Closing)?;
    let mut hold = control.hold(&id, "restart", caller)?;
    require_open(hold.run())?;
    require_trust_of(hold.run())?;
    hold.run().state.check_move(RunState::Running).or_else(|error| match hold.run().state {
        RunState::Created | RunState::Stopping => Ok(()),
        _ => Err(ServiceError::Move { run: id.to_string(), source: error }),
    })?;
    agents_now::end_sessions(&control, &mut hold)?;
    // What was said and not yet taken is about the work before.
    signals::put_all_away(hold.run())?;
    hold.update(|run| {
        for agent in &mut run.agents {
            agent.completed = None;
            agent.validation = None;
        }
    })?;
    documents_of_feedback(&mut hold)?;
    to_running(&mut hold, RESTARTED)?;
    if hold.run().reason != RESTARTED {
        hold.go(RunState::Running, RESTARTED)?;
    }
    make_again(&mut hold)?;
    start_again(&mut hold, &|_| true)?;
    carry_out(caller, &control, &mut hold, progress)?;
    Ok(hold.run().clone())
}
