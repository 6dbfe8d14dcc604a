//! Answers on their way: from a forum thread into the run's record, and on to the agent that asked.
//!
//! Each step may be the last one before a kill, and the next settling goes on: the answer is durable in the thread, then
//! in the response file, then marked in the record, then handed over, then marked as handed over.

use super::briefing::{is_new, is_of, is_shared, words_of};
use super::event::Progress;
use super::needs::{Need, NeedKind};
use super::run::carry_out;
use super::{Caller, Control, ServiceResult, agents, policies, resume, sessions as agents_now, signals};
use crate::model::{
    Delivery, Guidance, Run, RunAgent, RunState, SessionBackend, SignalKind, Thread, plain_line, title_of,
};
use crate::plan;
use crate::policy::RunMode;
use crate::sessions::{self, Observation};
use crate::store::Hold;
use crate::sys::{clock, files};
use jiff::Timestamp;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The most characters of a question where it is quoted to its agent.
const QUOTED: usize = 120;

/// The most characters of a question in the record; its thread has all of it.
const QUESTION: usize = 160;

/// What an agent reads in the response file.
#[derive(Debug, Serialize)]
struct Response<'a> {
    guidance_id: &'a str,
    run_id: &'a str,
    agent: &'a str,
    question: &'a str,
    answer: &'a str,
    answered_at: Timestamp,
}

/// What agents ask in threads that they opened themselves, by `forum ask --kind guidance`, and that a run does not know
/// as open: the place in the record of one that is asked again, and the entry.
fn unknown(run: &Run, threads: &[Thread]) -> Vec<(Option<usize>, Guidance)> {
    let mut found = Vec::new();
    for thread in threads.iter().filter(|thread| thread.run.as_ref() == Some(&run.id)) {
        let at = run.guidance.iter().position(|asked| asked.thread == thread.id);
        let is_its = |agent: &&RunAgent| {
            thread.ticket.as_ref() == Some(&agent.ticket) && thread.opened_by.name == agent.name.as_str()
        };
        let Some(agent) = run.agents.iter().find(is_its) else { continue };
        if at.is_some_and(|at| run.guidance[at].is_open()) {
            continue;
        }
        let before = at.map(|at| run.guidance[at].clone());
        let fresh = || Guidance {
            thread: thread.id.clone(),
            ticket: agent.ticket.clone(),
            agent: agent.name.clone(),
            question: title_of(&plain_line(&thread.title), QUESTION),
            asked: clock::now(),
            from_doc_home: false,
            file: String::new(),
            answered: None,
            delivered: None,
        };
        let asked = before.map_or_else(fresh, |before| Guidance {
            asked: clock::now(),
            answered: None,
            delivered: None,
            ..before
        });
        found.push((at, asked));
    }
    found
}

fn enter(run: &mut Run, (at, asked): (Option<usize>, Guidance)) {
    match at {
        Some(at) => run.guidance[at] = asked,
        None => run.guidance.push(asked),
    }
}

/// Whether agents ask something in these threads that the run does not know as open.
pub(super) fn asks_more(run: &Run, threads: &[Thread]) -> bool {
    run.state.is_open() && !unknown(run, threads).is_empty()
}

/// Takes in what agents ask in threads of their own; the caller holds the run.
pub(super) fn take_questions(control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    if !hold.run().state.is_open() {
        return Ok(());
    }
    let threads = super::forum::questions(control, &hold.run().id)?;
    for (at, asked) in unknown(hold.run(), &threads) {
        let note = format!("{}.{}: {}", asked.ticket, asked.agent, asked.question);
        hold.update(|run| enter(run, (at, asked)))?;
        hold.note("asked", &note)?;
    }
    Ok(())
}

/// The same in memory.
pub(super) fn fold_questions(control: &Control, run: &mut Run) -> ServiceResult<()> {
    if run.state.is_open() {
        let threads = super::forum::questions(control, &run.id)?;
        for found in unknown(run, &threads) {
            enter(run, found);
        }
    }
    Ok(())
}

/// Whether somebody has answered a question that the record still has as open.
pub(super) fn is_answered(control: &Control, asked: &Guidance) -> ServiceResult<bool> {
    Ok(asked.is_open() && super::forum::is_over(control, &asked.thread)?)
}

/// Takes in what was answered meanwhile, by whatever command on whatever machine: the response file, the record, and
/// where the agent is alive its session. The caller holds the run.
pub(super) fn take_answers(control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    for index in 0..hold.run().guidance.len() {
        let asked = hold.run().guidance[index].clone();
        if is_answered(control, &asked)? {
            let now = clock::now();
            let asked = Guidance { answered: Some(now), ..asked };
            if let Err(why) = leave(control, hold.run(), &asked) {
                hold.note("no response file", &format!("{}.{}: {why}", asked.ticket, asked.agent))?;
            }
            // The line first: after a kill it stands there twice rather than never.
            hold.note("answered", &format!("{}.{}: {}", asked.ticket, asked.agent, asked.thread))?;
            hold.update(|run| run.guidance[index].answered = Some(now))?;
        }
    }
    hand_over(control, hold)
}

/// Whether an answer still has to get to its agent: neither typed, nor part of a start, nor left for it while it was
/// at work.
fn waits(asked: &Guidance) -> bool {
    !asked.is_open() && asked.delivered.is_none()
}

/// Whether an agent that has not said that its work is done still has to be given an answer.
pub(super) fn is_owed(run: &Run, agent: &RunAgent) -> bool {
    agent.completed.is_none() && run.guidance.iter().any(|asked| is_of(asked, agent) && waits(asked))
}

/// Whether there is anything that an agent has not been told: an answer, or feedback.
pub(super) fn has_news(run: &Run, agent: &RunAgent) -> bool {
    agent.heard < run.feedback.len() || run.guidance.iter().any(|asked| is_of(asked, agent) && is_new(asked))
}

/// Writes the response file into the root that the question came from: the last answer under the usual name, and each
/// one under a name of its own.
fn leave(control: &Control, run: &Run, asked: &Guidance) -> ServiceResult<()> {
    let Some(agent) = run.agents.iter().find(|agent| is_of(asked, agent)) else { return Ok(()) };
    let Some(root) = response_root(run, asked) else { return Ok(()) };
    let words = words_of(control, asked)?;
    let thread = asked.thread.to_string();
    let response = Response {
        guidance_id: &thread,
        run_id: run.id.as_str(),
        agent: asked.agent.as_str(),
        question: &words.question,
        answer: words.answer.as_deref().unwrap_or_default(),
        answered_at: asked.answered.unwrap_or_else(clock::now),
    };
    let mut text = serde_json::to_string_pretty(&response).unwrap_or_default();
    text.push('\n');
    let stem = SignalKind::Answer.stem();
    let mark = if is_shared(run, agent) { format!("-{}", agent.name) } else { String::new() };
    for name in [format!("{stem}-{}-{thread}.json", agent.name), format!("{stem}{mark}.json")] {
        files::write_atomic(&root.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Where the response goes; `None` where that is no directory any more, or lies behind a link that would lead what we
/// write elsewhere.
fn response_root(run: &Run, asked: &Guidance) -> Option<PathBuf> {
    let roots = signals::roots(run, run.ticket(&asked.ticket)?);
    let root = roots.get(usize::from(asked.from_doc_home)).or_else(|| roots.first())?;
    let is_dir = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    (is_dir(root) && root.parent().is_some_and(is_dir)).then(|| root.clone())
}

/// Hands answers to agents that are alive: typed where the agent's program reads its terminal, else it is left in the
/// file. Who has said that the work is done waits for nothing.
fn hand_over(control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    if !hold.run().guidance.iter().any(waits) {
        return Ok(());
    }
    let observed = agents_now::observe(control, hold.run());
    for index in 0..hold.run().guidance.len() {
        let asked = hold.run().guidance[index].clone();
        let at = hold.run().agents.iter().position(|agent| is_of(&asked, agent)).filter(|_| waits(&asked));
        let Some(at) = at else { continue };
        let agent = hold.run().agents[at].clone();
        let is_alive = matches!(observed.get(at), Some(Observation::Alive { .. }));
        let delivered = match (is_alive, reads_terminal(hold.run(), &agent)) {
            (true, true) => type_in(control, hold, &agent, &asked)?,
            (true, false) => Some(Delivery::Left),
            (false, _) => agent.completed.is_some().then_some(Delivery::Left),
        };
        if let Some(how) = delivered {
            hold.update(|run| run.guidance[index].delivered = Some(how))?;
            hold.note("answer given", &format!("{}: {} ({})", agent.key(), asked.thread, word_of(how)))?;
        }
    }
    Ok(())
}

/// How an answer got to its agent, in a word.
pub(super) fn word_of(how: Delivery) -> &'static str {
    match how {
        Delivery::Typed => "typed",
        Delivery::Continued => "continued",
        Delivery::Left => "left",
    }
}

/// Whether an agent's program shows a screen and reads what is typed.
fn reads_terminal(run: &Run, agent: &RunAgent) -> bool {
    let in_tmux = agent.live.as_ref().is_some_and(|session| session.backend == SessionBackend::Tmux);
    let headless = || {
        let policy = policies::stored(run).ok();
        let mode = policy.and_then(|policy| Some(policy.profile(&agent.profile)?.runner_options.mode));
        mode == Some(RunMode::Headless)
    };
    in_tmux && !headless()
}

/// Types an answer to its agent, so framed that it knows to which question; `None` where it has just gone.
fn type_in(
    control: &Control,
    hold: &mut Hold,
    agent: &RunAgent,
    asked: &Guidance,
) -> ServiceResult<Option<Delivery>> {
    let Some(session) = &agent.live else { return Ok(None) };
    let words = words_of(control, asked)?;
    let question = title_of(&words.question, QUOTED);
    let answer = words.answer.unwrap_or_default();
    let text = format!("The answer to your question \"{question}\": {}", answer.trim());
    match sessions::tell(session, &agents::session_files(control, hold.run(), agent), &text) {
        Ok(()) => Ok(Some(Delivery::Typed)),
        Err(error) => {
            hold.note("answer not typed", &format!("{}: {error}", agent.key()))?;
            Ok(None)
        }
    }
}

/// Gives agents that have ended the answers that wait for them, by going on with their conversations. The caller has
/// settled the run. Says which agents went on.
pub(super) fn deliver(
    caller: &Caller,
    control: &Control,
    hold: &mut Hold,
    progress: Progress<'_>,
) -> ServiceResult<Vec<String>> {
    let run = hold.run();
    let goes_on = matches!(run.state, RunState::Running | RunState::AwaitingGuidance);
    if !goes_on || !plan::is_finished(&run.steps) {
        return Ok(Vec::new());
    }
    let observed = agents_now::observe(control, run);
    let is_gone = |at: usize| {
        matches!(observed[at], Observation::Ended(_) | Observation::Dead { .. } | Observation::NotStarted)
    };
    let chosen: Vec<usize> =
        (0..run.agents.len()).filter(|at| is_gone(*at) && is_owed(run, &run.agents[*at])).collect();
    let keys: Vec<_> = chosen.iter().map(|at| run.agents[*at].key()).collect();
    if !chosen.is_empty() {
        resume::require_trust_of(run)?;
        resume::start_again(hold, &|at| chosen.contains(&at))?;
        carry_out(caller, control, hold, progress)?;
    }
    Ok(keys)
}

/// What a person is needed for: answers that wait for an agent that has ended.
pub(super) fn needs(run: &Run, observed: &[Observation]) -> Vec<Need> {
    if !matches!(run.state, RunState::Running | RunState::AwaitingGuidance) {
        return Vec::new();
    }
    let is_alive =
        |seen: &Observation| matches!(seen, Observation::Alive { .. } | Observation::Unknown { .. });
    let owed = run.agents.iter().zip(observed).filter(|(agent, seen)| is_owed(run, agent) && !is_alive(seen));
    owed.map(|(agent, _)| {
        let what = format!("{} has ended, and was not given the answer to its question yet.", agent.key());
        Need::new(NeedKind::Undelivered, agent.key(), what, format!("git metawsm resume {}", run.id))
    })
    .collect()
}

/// Keeps the ids of conversations that programs began by themselves, once they can be told.
pub(super) fn keep_conversations(control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    for at in 0..hold.run().agents.len() {
        let agent = &hold.run().agents[at];
        if agent.conversation.is_some() || agent.live.is_none() {
            continue;
        }
        let found =
            agents::find_conversation(hold.run(), agent, &agents::session_files(control, hold.run(), agent));
        if let Some(id) = found {
            hold.update(|run| run.agents[at].conversation = Some(id))?;
        }
    }
    Ok(())
}
