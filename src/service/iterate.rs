//! `iterate`: a person says what is still to be done, and the agents go on with it.

use super::briefing::is_of;
use super::event::Progress;
use super::forum::{self, Deed, Speaker};
use super::resume::{make_again, require_trust_of, to_running};
use super::run::carry_out;
use super::select::{Selector, require_open, require_run, select};
use super::settle::settle;
use super::{
    Caller, Control, ServiceError, ServiceResult, control, documents, notify, sessions as agents_now, signals,
};
use crate::model::{Delivery, Feedback, Run, RunState, SignalKind, says_something};
use crate::sessions::Observation;
use crate::store::Hold;
use crate::sys::{clock, files};

/// What `iterate` was asked.
#[derive(Debug, Clone, Default)]
pub struct IterateRequest {
    /// Which run.
    pub selector: Selector,
    /// What is still to be done.
    pub feedback: String,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// What `iterate` came to.
#[derive(Debug, Clone)]
pub struct IterateReport {
    /// The run as it stands.
    pub run: Run,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// What is done, or would be.
    pub actions: Vec<String>,
}

/// Records feedback and starts the agents of a run again with it, in their old conversations where they can. What
/// they had said about the work before no longer counts. Stopped at any point it can be asked again.
pub fn iterate(
    caller: &Caller,
    request: &IterateRequest,
    progress: Progress<'_>,
) -> ServiceResult<IterateReport> {
    let control = control(caller)?;
    let id = select(caller, &control, &request.selector, can_iterate)?;
    if !says_something(&request.feedback) {
        let hint = format!("git metawsm iterate {id} --feedback '<what is still to be done>'");
        return Err(ServiceError::wrong("Say what is still to be done.", &[&hint]));
    }
    if request.dry_run {
        let control = control.frozen();
        let run = require_run(&control, &id)?;
        require_iterable(&run)?;
        let actions = actions(&control, &run);
        return Ok(IterateReport { run, dry_run: true, actions });
    }
    let mut hold = control.hold(&id, "iterate", caller)?;
    require_iterable(hold.run())?;
    require_trust_of(hold.run())?;
    settle(&control, &mut hold)?;
    require_iterable(hold.run())?;
    let actions = actions(&control, hold.run());
    agents_now::end_sessions(&control, &mut hold)?;
    // Before the feedback stands in the record: what is still there afterwards is newer than it.
    signals::put_all_away(hold.run())?;
    answer_open(caller, hold.run(), &request.feedback)?;
    if matches!(hold.run().state, RunState::Created | RunState::Stopping) {
        to_running(&mut hold, "iterate")?;
    }
    record(&control, &mut hold, &request.feedback)?;
    documents_of_feedback(&mut hold)?;
    make_again(&mut hold)?;
    carry_out(caller, &control, &mut hold, progress)?;
    Ok(IterateReport { run: hold.run().clone(), dry_run: false, actions })
}

fn can_iterate(run: &Run) -> bool {
    run.state.is_open() && run.state != RunState::Closing
}

fn require_iterable(run: &Run) -> ServiceResult<()> {
    require_open(run)?;
    if can_iterate(run) {
        return Ok(());
    }
    let message = format!("A close of {} has begun; finish it, or take it back first.", run.id);
    Err(ServiceError::failed(
        message,
        &[&format!("git metawsm close {}", run.id), &format!("git metawsm close {} --abort", run.id)],
    ))
}

/// The words answer every question that is open: nobody waits for another answer.
fn answer_open(caller: &Caller, run: &Run, feedback: &str) -> ServiceResult<()> {
    for asked in run.guidance.iter().filter(|asked| asked.is_open()) {
        forum::act_always(
            caller,
            asked.thread.as_str(),
            &Speaker::default(),
            &Deed::Answer(feedback.to_owned()),
        )?;
    }
    Ok(())
}

/// The feedback, and all that follows from it, in one write.
fn record(control: &Control, hold: &mut Hold, feedback: &str) -> ServiceResult<()> {
    let now = clock::now();
    let mut run = hold.run().clone();
    let actor = control.repo.identity();
    run.feedback.push(Feedback { at: now, actor, text: feedback.trim().to_owned() });
    for agent in &mut run.agents {
        agent.completed = None;
        agent.validation = None;
    }
    for asked in run.guidance.iter_mut().filter(|asked| asked.is_open()) {
        asked.answered = Some(now);
        asked.delivered = Some(Delivery::Continued);
        asked.file.clear();
    }
    let reason = format!("feedback {}", run.feedback.len());
    run.go(RunState::Running, &reason, now)
        .map_err(|source| ServiceError::Move { run: run.id.to_string(), source })?;
    super::resume::reset_starts(&mut run, &|_| true);
    hold.save(run)?;
    hold.note("feedback", &crate::model::title_of(&crate::model::plain_line(feedback), 200))?;
    notify::is_known(control, hold.run());
    Ok(())
}

/// Ensures that every feedback of a run stands in the docs of its tickets. Where that cannot be, the journal says why;
/// the agents get it all the same.
pub(super) fn documents_of_feedback(hold: &mut Hold) -> ServiceResult<()> {
    let run = hold.run().clone();
    for (at, said) in run.feedback.iter().enumerate() {
        let title = format!("Feedback {} on {}", at + 1, run.id);
        let body = format!("{} said at {}:\n\n{}\n", said.actor, said.at, said.text);
        for ticket in &run.tickets {
            if let Err(error) = documents::add_reference(hold, &ticket.id, &title, &body) {
                hold.note("no feedback document", &format!("{}: {error}", ticket.id))?;
            }
        }
    }
    Ok(())
}

/// What iterating does with a run as it is.
fn actions(control: &Control, run: &Run) -> Vec<String> {
    let mut actions = Vec::new();
    for (agent, seen) in run.agents.iter().zip(agents_now::observe(control, run)) {
        if matches!(seen, Observation::Alive { .. } | Observation::Unknown { .. }) {
            actions.push(format!("end the session of {}", agent.key()));
        }
    }
    for ticket in &run.tickets {
        for root in signals::roots(run, ticket) {
            let names = files::names_in(&root).unwrap_or_default();
            let said = names.iter().filter(|name| SignalKind::of_file(name).is_some());
            actions.extend(said.map(|name| format!("put away {}", root.join(name).display())));
        }
    }
    for asked in run.guidance.iter().filter(|asked| asked.is_open()) {
        actions.push(format!("answer the question {} of {} with it", asked.thread, asked.agent));
    }
    let with_docs = run.tickets.iter().filter(|ticket| ticket.docs.is_some());
    actions.extend(with_docs.map(|ticket| format!("write it into the documents of {}", ticket.id)));
    for agent in &run.agents {
        let asked = run.guidance.iter().any(|asked| asked.is_open() && is_of(asked, agent));
        let how = if agent.conversation.is_some() { " in its conversation" } else { "" };
        let also = if asked { ", which also answers its question" } else { "" };
        actions.push(format!("start {}{how} with it{also}", agent.key()));
    }
    actions
}
