//! Taking: what agents said becomes the run's record, and their questions become threads.

use super::away::put_away;
use super::look::{Heard, Odd, Signals, look};
use super::parse::{Judged, Words};
use crate::model::{
    Actor, ActorKind, EventWhat, ForumEvent, Guidance, Priority, Run, ThreadId, ThreadKind, ThreadState,
    Validation, ValidationStatus, plain_line, says_something, title_of,
};
use crate::service::{Control, ServiceResult, forum};
use crate::store::{Hold, new_thread_id};
use crate::sys::clock;
use crate::sys::foreign::Moved;

/// The most characters of a question in the record; its thread has all of it.
const LINE: usize = 160;

/// How often we look again because a file was replaced under our hands.
const ROUNDS: usize = 5;

/// Takes everything that can be taken; gives what could not. The caller holds the run. Who is stopped after any of its
/// writes is gone on with by the next one who takes.
pub(in super::super) fn take(control: &Control, hold: &mut Hold) -> ServiceResult<Vec<Odd>> {
    let mut odd = Vec::new();
    for _ in 0..ROUNDS {
        let signals = look(hold.run());
        finish_questions(control, hold, &signals)?;
        odd = signals.odd;
        let mut again = false;
        for heard in &signals.heard {
            match take_one(control, hold, heard)? {
                Ok(moved) => again |= moved == Moved::Replaced,
                Err(why) => odd.push(why),
            }
        }
        if !again {
            break;
        }
    }
    Ok(odd)
}

fn take_one(control: &Control, hold: &mut Hold, heard: &Heard) -> ServiceResult<Result<Moved, Odd>> {
    let key = hold.run().agents[heard.agent].key();
    match &heard.words {
        Words::Question { question, context } => {
            let words = body(question, context.as_deref());
            if let Some(thread) = asked_already(control, hold.run(), heard, &words)? {
                hold.note("asked again", &format!("{key}: {thread}"))?;
                return Ok(put_away(heard));
            }
            let index = enter(hold, heard, question)?;
            open_thread(control, hold, index, &words)?;
            let moved = put_away(heard);
            if moved.is_ok() {
                hold.update(|run| run.guidance[index].file.clear())?;
            }
            return Ok(moved);
        }
        Words::Completion { summary } => {
            let summary = if summary.is_empty() { "completed" } else { summary };
            // First the record, then the file: a crash in between takes the same words once more, which is harmless.
            hold.update(|run| run.agents[heard.agent].completed = Some(summary.to_owned()))?;
            hold.note("completion signal", &format!("{key}: {}", plain_line(summary)))?;
        }
        Words::Validation(judged) => {
            let validation = validation(judged);
            let word = match validation.status {
                ValidationStatus::Passed => "passed",
                ValidationStatus::Failed => "failed",
            };
            let text = plain_line(&format!("{key}: {word} {}", validation.summary));
            hold.update(|run| run.agents[heard.agent].validation = Some(validation))?;
            hold.note("validation signal", text.trim())?;
        }
    }
    Ok(put_away(heard))
}

fn validation(judged: &Judged) -> Validation {
    Validation {
        status: judged.status,
        at: clock::now(),
        brief_id: judged.brief_id.clone(),
        done_criteria: judged.done_criteria.clone(),
        summary: judged.summary.clone(),
    }
}

/// The thread in which the same agent waits for an answer to the same words: who asks once more while nobody has
/// answered asks nothing new.
fn asked_already(
    control: &Control,
    run: &Run,
    heard: &Heard,
    words: &str,
) -> ServiceResult<Option<ThreadId>> {
    if run.guidance.iter().any(|asked| asked.file == heard.digest) {
        return Ok(None);
    }
    let agent = &run.agents[heard.agent];
    let line = title(words, LINE);
    for asked in run.guidance.iter().filter(|asked| asked.is_open() && asked.question == line) {
        let is_its = asked.ticket == agent.ticket && asked.agent == agent.name;
        if is_its && forum::opening_words(control, &asked.thread)?.is_some_and(|said| said == words) {
            return Ok(Some(asked.thread.clone()));
        }
    }
    Ok(None)
}

/// The question's place in the record; who was stopped before finds it there.
fn enter(hold: &mut Hold, heard: &Heard, question: &str) -> ServiceResult<usize> {
    if let Some(index) = hold.run().guidance.iter().position(|g| g.file == heard.digest) {
        return Ok(index);
    }
    let asked = guidance(hold.run(), heard, question, new_thread_id()?);
    let note = format!("{}.{}: {}", asked.ticket, asked.agent, asked.question);
    hold.update(|run| run.guidance.push(asked))?;
    hold.note("asked", &note)?;
    Ok(hold.run().guidance.len() - 1)
}

fn guidance(run: &Run, heard: &Heard, question: &str, thread: ThreadId) -> Guidance {
    let agent = &run.agents[heard.agent];
    Guidance {
        thread,
        ticket: agent.ticket.clone(),
        agent: agent.name.clone(),
        question: title(question, LINE),
        asked: clock::now(),
        from_doc_home: heard.from_doc_home,
        file: heard.digest.clone(),
        answered: None,
        delivered: None,
    }
}

fn title(question: &str, most: usize) -> String {
    let readable = question.lines().map(plain_line).find(|line| says_something(line));
    let readable = readable.unwrap_or_default();
    let title = title_of(&readable, most);
    // Of a line of dots alone nothing is left.
    if says_something(&title) { title } else { readable.trim().chars().take(most).collect() }
}

fn body(question: &str, context: Option<&str>) -> String {
    match context.filter(|text| says_something(text)) {
        Some(context) => format!("{question}\n\nContext:\n{context}"),
        None => question.to_owned(),
    }
}

/// Opens the thread of a question, unless somebody has before he was stopped.
fn open_thread(control: &Control, hold: &Hold, index: usize, body: &str) -> ServiceResult<()> {
    let asked = &hold.run().guidance[index];
    if forum::standing(control, &asked.thread)?.is_some() {
        return Ok(());
    }
    let actor = Actor { kind: ActorKind::Agent, name: asked.agent.to_string() };
    let mut event = ForumEvent::new(asked.thread.clone(), EventWhat::Opened, 1, clock::now(), actor);
    event.run = Some(hold.run().id.clone());
    event.ticket = Some(asked.ticket.clone());
    event.agent = Some(asked.agent.clone());
    event.thread_kind = Some(ThreadKind::Guidance);
    event.priority = Some(Priority::Normal);
    event.state = Some(ThreadState::WaitingHuman);
    event.title = Some(title(&asked.question, 72));
    event.body = Some(body.to_owned());
    forum::write(control, None, &mut event)?;
    Ok(())
}

/// Goes on with questions whose file is no longer there: it was put away, or its agent took it back after it had been
/// entered.
fn finish_questions(control: &Control, hold: &mut Hold, signals: &Signals) -> ServiceResult<()> {
    for index in 0..hold.run().guidance.len() {
        let asked = &hold.run().guidance[index];
        if asked.file.is_empty() || signals.heard.iter().any(|heard| heard.digest == asked.file) {
            continue;
        }
        let words = asked.question.clone();
        open_thread(control, hold, index, &words)?;
        hold.update(|run| run.guidance[index].file.clear())?;
    }
    Ok(())
}

/// The same in memory: what the run would be after taking.
pub(in super::super) fn fold_in(run: &mut Run, signals: &Signals) -> ServiceResult<()> {
    for heard in &signals.heard {
        match &heard.words {
            Words::Question { question, .. } => {
                if !run.guidance.iter().any(|g| g.file == heard.digest) {
                    let asked = guidance(run, heard, question, new_thread_id()?);
                    run.guidance.push(asked);
                }
            }
            Words::Completion { summary } => run.agents[heard.agent].completed = Some(summary.clone()),
            Words::Validation(judged) => run.agents[heard.agent].validation = Some(validation(judged)),
        }
    }
    Ok(())
}
