//! The executor of a run's plan: ready steps go to threads, their changes come back through one channel, and
//! only this loop writes the record.

use super::event::{Event, Progress};
use super::steps::{self, Change, Work};
use super::{Caller, Control, ServiceError, ServiceResult, doc_sync, notify};
use crate::model::{Child, DocSync, Run, RunState, Step, StepKind, StepState};
use crate::plan;
use crate::store::Hold;
use crate::sys::{SysError, clock};
use crate::workspaces::WorkspaceError;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

enum Message {
    /// A child that changes things has started.
    Child(usize, Child),
    /// The step has come to its end.
    Ended(usize, ServiceResult<Change>),
}

/// Executes every step that does not hold yet. A failed run prints its id and how to go on; an interrupt stops it
/// cleanly.
pub(super) fn execute(
    caller: &Caller,
    control: &Control,
    hold: &mut Hold,
    progress: Progress<'_>,
) -> ServiceResult<()> {
    reset_unfinished(hold)?;
    let retries = retries(hold.run());
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        let mut busy = 0_usize;
        let mut messages = Vec::new();
        loop {
            busy -= messages.iter().filter(|message| matches!(message, Message::Ended(..))).count();
            let may_begin = !caller.interrupt.is_set();
            for index in turn(hold, messages, retries, may_begin, progress)? {
                let step = hold.run().steps[index].clone();
                let work = Work { caller, control, run: hold.run().clone(), step };
                let sender = sender.clone();
                scope.spawn(move || perform(&work, index, &sender));
                busy += 1;
            }
            if busy == 0 {
                break;
            }
            messages = received(&receiver)?;
        }
        Ok::<(), ServiceError>(())
    })?;
    conclude(caller, control, hold)
}

fn retries(run: &Run) -> u32 {
    super::policies::stored(run).map_or(1, |policy| policy.execution.step_retries)
}

/// Steps that a crash left running are judged by their probe again, failed ones are tried again. What such a crash
/// left at work is waited for already: by the run's lock, and for a worktree by its path.
fn reset_unfinished(hold: &mut Hold) -> ServiceResult<()> {
    let unfinished = |s: &Step| matches!(s.state, StepState::Running | StepState::Failed);
    if !hold.run().steps.iter().any(unfinished) {
        return Ok(());
    }
    hold.update(|run| {
        for step in run.steps.iter_mut().filter(|s| unfinished(s)) {
            step.state = StepState::Pending;
            step.attempts = 0;
            step.child = None;
        }
    })?;
    Ok(())
}

/// Writes down what has happened and what begins now, in one write: the record says what ends before anybody hears
/// of it, and what begins before it begins. Returns the steps that begin.
fn turn(
    hold: &mut Hold,
    messages: Vec<Message>,
    retries: u32,
    may_begin: bool,
    progress: &mut dyn FnMut(Event),
) -> ServiceResult<Vec<usize>> {
    let mut run = hold.run().clone();
    let mut events = Vec::new();
    for mut message in messages {
        // Before the step counts as done: a kill in between only makes it look again.
        if let Some(known) = known_of_docs(&run, &mut message) {
            hold.save_doc_sync(&known)?;
        }
        events.extend(take(&mut run, message, retries));
    }
    let begun = if may_begin { plan::ready(&run.steps) } else { Vec::new() };
    for index in &begun {
        let step = &mut run.steps[*index];
        step.state = StepState::Running;
        step.attempts += 1;
        events.push((TOLD, Event::Began(step.label())));
    }
    hold.save(run)?;
    for (word, event) in events {
        match &event {
            Event::Failed(label, text) => hold.note(word, &format!("{label}: {text}"))?,
            Event::Note(text) => hold.note(word, text)?,
            _ => {}
        }
        progress(event);
    }
    Ok(begun)
}

/// What the end of a step says of a ticket's two copies of its documents.
fn known_of_docs(run: &Run, message: &mut Message) -> Option<DocSync> {
    match message {
        Message::Ended(_, Ok(change)) => change.doc_sync.take().map(|known| *known),
        Message::Ended(index, Err(error)) => {
            let step = run.steps.get(*index).filter(|step| step.kind == StepKind::EnsureDocs)?;
            doc_sync::failed(run, &step.ticket, &error.to_string())
        }
        Message::Child(..) => None,
    }
}

fn perform(work: &Work<'_>, index: usize, sender: &Sender<Message>) {
    let child = |child| {
        let _ = sender.send(Message::Child(index, child));
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| steps::act(work, &mut { child })));
    let result = result.unwrap_or_else(|_| Err(super::repos::panicked()));
    let _ = sender.send(Message::Ended(index, result));
}

/// Waits for a message and takes those along that have come meanwhile.
fn received(receiver: &Receiver<Message>) -> ServiceResult<Vec<Message>> {
    let Ok(first) = receiver.recv_timeout(Duration::from_secs(3600)) else {
        return Err(ServiceError::failed(
            "No step of the run came to its end within an hour.",
            &["git metawsm status"],
        ));
    };
    Ok(std::iter::once(first).chain(receiver.try_iter()).collect())
}

/// The journal's word for what a person should know.
const TOLD: &str = "told";

/// Takes one message into the record; an end is told, and what was saved on the way. Each event comes with the word
/// under which it stands in the journal, if it does.
fn take(run: &mut Run, message: Message, retries: u32) -> Vec<(&'static str, Event)> {
    match message {
        Message::Child(index, child) => {
            run.steps[index].child = Some(child);
            Vec::new()
        }
        Message::Ended(index, Ok(mut change)) => {
            let rescued = change.rescued.take().map(|text| ("rescued", Event::Note(text)));
            let notes = std::mem::take(&mut change.notes);
            let notes = notes.into_iter().map(|text| (TOLD, Event::Note(format!("note: {text}"))));
            let mut events: Vec<_> = rescued.into_iter().chain(notes).collect();
            change.apply(run);
            let step = &mut run.steps[index];
            step.state = StepState::Done;
            step.error.clear();
            step.child = None;
            events.push((TOLD, Event::Done(step.label())));
            events
        }
        Message::Ended(index, Err(error)) => {
            let step = &mut run.steps[index];
            let again = step.attempts <= retries && is_worth_a_retry(&error);
            step.state = if again { StepState::Pending } else { StepState::Failed };
            step.error = error.to_string();
            step.child = None;
            vec![("step failed", Event::Failed(step.label(), error.to_string()))]
        }
    }
}

/// A missing ticket, a wrong name or a directory that must not be written does not get better by trying again.
fn is_worth_a_retry(error: &ServiceError) -> bool {
    let denied = |source: &io::Error| {
        matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
    };
    let is_denied = match error {
        ServiceError::Sys(SysError::File { source, .. })
        | ServiceError::Workspace(WorkspaceError::Sys(SysError::File { source, .. })) => denied(source),
        _ => false,
    };
    !is_denied
        && !matches!(
            error,
            ServiceError::Wrong { .. }
                | ServiceError::Failed { .. }
                | ServiceError::Forbidden { .. }
                | ServiceError::Name(_)
                | ServiceError::Policy { .. }
        )
}

fn conclude(caller: &Caller, control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    let id = hold.run().id.clone();
    if let Some(signal) = caller.interrupt.signal() {
        hold.go(RunState::Stopping, "interrupted")?;
        super::sessions::end_sessions(control, hold)?;
        hold.go(RunState::Stopped, &format!("interrupted by signal {signal}"))?;
        super::participate::loosen(caller, hold.run())?;
        return Err(ServiceError::Interrupted { signal, hints: vec![format!("git metawsm resume {id}")] });
    }
    if plan::is_finished(&hold.run().steps) {
        let now = clock::now();
        if hold.run().state != RunState::Running {
            hold.update(|run| run.changed = now)?;
        }
        return Ok(());
    }
    let failed = hold.run().steps.iter().find(|s| s.state == StepState::Failed);
    let why =
        failed.map_or_else(|| "a step cannot begin".to_owned(), |s| format!("{}: {}", s.label(), s.error));
    hold.go(RunState::Failed, &why)?;
    notify::person(
        control,
        hold.run(),
        notify::What::Failed,
        &format!("{} failed: {why}.", hold.run().title()),
    );
    Err(ServiceError::Failed {
        message: format!("The run {id} failed at '{why}'. What was made is kept."),
        hints: vec![format!("git metawsm resume {id}"), format!("git metawsm discard {id}")],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_is_denied_is_not_tried_again_and_what_may_pass_is() {
        let of = |kind: io::ErrorKind| SysError::file("create", Path::new("/x"), kind.into());
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            assert!(!is_worth_a_retry(&ServiceError::Sys(of(kind))), "{kind}");
            assert!(!is_worth_a_retry(&ServiceError::Workspace(WorkspaceError::Sys(of(kind)))), "{kind}");
        }
        assert!(is_worth_a_retry(&ServiceError::Sys(of(io::ErrorKind::StorageFull))));
    }
}
