//! `guide`, and every other way to answer what an agent has asked: the words go into the question's thread, and from
//! there all answers take the same way to the agent.

use super::briefing::is_of;
use super::event::Progress;
use super::forum::{self, Acted, AskRequest, Deed, Speaker};
use super::select::{Selector, require_open, require_run, select};
use super::settle::settle;
use super::{Caller, Control, ServiceError, ServiceResult, control, guidance, signals};
use crate::model::{
    ActorKind, Delivery, Guidance, Run, RunAgent, RunId, Thread, ThreadId, ThreadKind, ThreadState,
};
use crate::store::Entry;
use crate::sys::files;

/// What `guide` was asked.
#[derive(Debug, Clone, Default)]
pub struct GuideRequest {
    /// Which run.
    pub selector: Selector,
    /// The thread of the question, or a unique beginning of its id or of the id's last part; the oldest open one where
    /// it is left out.
    pub question: Option<String>,
    /// The words.
    pub answer: String,
    /// Leave an agent that has ended alone.
    pub no_restart: bool,
    /// Who answers.
    pub speaker: Speaker,
}

/// What became of an answer. It is durable in its thread whatever else is said here.
#[derive(Debug, Clone)]
pub struct Guided {
    /// The run as it stands.
    pub run: Run,
    /// The question, as the record has it.
    pub asked: Guidance,
    /// How many questions of the run are still open.
    pub open: usize,
    /// Why it could not be handed over now.
    pub trouble: Option<String>,
}

/// Answers a question and hands the answer over.
pub fn guide(caller: &Caller, request: &GuideRequest, progress: Progress<'_>) -> ServiceResult<Guided> {
    let control = control(caller)?;
    let id = asking(caller, &control, &request.selector)?;
    require_open(&require_run(&control, &id)?)?;
    // A question may lie there that nobody has taken yet. Who holds the run now takes it himself.
    match control.hold(&id, "guide", caller) {
        Ok(mut hold) => settle(&control, &mut hold).map(|_| ())?,
        Err(ServiceError::Store(error)) if error.is_busy() => {}
        Err(error) => return Err(error),
    }
    let run = require_run(&control, &id)?;
    let asked = chosen(&run, request.question.as_deref())?.clone();
    let words = Deed::Answer(request.answer.clone());
    let acted = forum::act_always(caller, asked.thread.as_str(), &request.speaker, &words)?;
    require_answered(&acted)?;
    follow(caller, &control, &id, (&asked.thread, request.no_restart), progress)
}

/// The run whose question is meant. Where none asks every open run fits: a question may not be taken yet.
fn asking(caller: &Caller, control: &Control, selector: &Selector) -> ServiceResult<RunId> {
    let asks: fn(&Run) -> bool = |run| run.guidance.iter().any(Guidance::is_open);
    let somebody_asks = control.store.open_runs()?.iter().filter_map(Entry::run).any(asks);
    select(caller, control, selector, if somebody_asks { asks } else { |_| true })
}

/// The question that is meant: the oldest open one, or the one that is named.
fn chosen<'a>(run: &'a Run, named: Option<&str>) -> ServiceResult<&'a Guidance> {
    // The thread of a question whose file is still being taken may not be there yet.
    let open: Vec<_> = run.guidance.iter().filter(|asked| asked.is_open()).collect();
    let list =
        || open.iter().map(|asked| format!("{}: {}", asked.thread, asked.question)).collect::<Vec<_>>();
    let Some(named) = named else {
        return open.first().copied().ok_or_else(|| {
            let message = format!("{} has no open question (it is {}).", run.id, run.state);
            ServiceError::failed(message, &[&format!("git metawsm status {}", run.id)])
        });
    };
    let is_named = |asked: &&&Guidance| {
        let id = asked.thread.as_str();
        let part = id.rsplit('-').next().unwrap_or(id);
        !named.is_empty() && (id.starts_with(named) || part.starts_with(named))
    };
    let found: Vec<_> = open.iter().filter(is_named).collect();
    if let [only] = found[..] {
        return Ok(only);
    }
    if found.is_empty()
        && let Some(done) = run.guidance.iter().find(|asked| asked.thread.as_str() == named)
    {
        let message = format!("The question {} is answered already.", done.thread);
        return Err(ServiceError::failed(message, &[&format!("git metawsm forum thread {}", done.thread)]));
    }
    let which = if found.is_empty() { "no open question" } else { "several open questions" };
    let list = if open.is_empty() { String::new() } else { format!(" Open: {}.", list().join("; ")) };
    let message = format!("{} has {which} '{named}'.{list}", run.id);
    let hint = |asked: &&Guidance| {
        format!("git metawsm guide {} --question {} --answer '<the answer>'", run.id, asked.thread)
    };
    let mut hints: Vec<_> = open.iter().take(5).map(hint).collect();
    if hints.is_empty() {
        hints.push(format!("git metawsm status {}", run.id));
    }
    Err(ServiceError::Failed { message, hints })
}

/// Words that an agent says to a question for a person are no answer.
fn require_answered(acted: &Acted) -> ServiceResult<()> {
    if acted.thread.state.is_over() {
        return Ok(());
    }
    let message = format!("Your words stand in {}, and only a person can answer it.", acted.thread.id);
    Err(ServiceError::failed(message, &[&format!("git metawsm forum thread {}", acted.thread.id)]))
}

/// Takes an answer that stands in its thread to the agent that asked.
fn follow(
    caller: &Caller,
    control: &Control,
    id: &RunId,
    (thread, no_restart): (&ThreadId, bool),
    progress: Progress<'_>,
) -> ServiceResult<Guided> {
    let mut trouble = None;
    let run = match control.hold(id, "guide", caller) {
        Ok(mut hold) => {
            settle(control, &mut hold)?;
            if !no_restart && let Err(error) = guidance::deliver(caller, control, &mut hold, progress) {
                trouble = Some(error.to_string());
            }
            hold.run().clone()
        }
        Err(ServiceError::Store(error)) if error.is_busy() => {
            trouble = Some(format!("{error} The answer is handed over by whoever looks next."));
            require_run(control, id)?
        }
        Err(error) => return Err(error),
    };
    let asked = run.guidance.iter().find(|asked| asked.thread == *thread).cloned();
    let asked = asked.ok_or_else(|| super::steps::damaged(&run, "a question is missing"))?;
    let open = run.guidance.iter().filter(|asked| asked.is_open() && asked.thread != *thread).count();
    Ok(Guided { run, asked, open, trouble })
}

/// Opens a thread. Where an agent asks a person in it, the agent's wrapper is woken, who takes the question in.
pub fn ask_in_thread(caller: &Caller, request: &AskRequest) -> ServiceResult<Thread> {
    let thread = forum::ask(caller, request)?;
    if thread.kind == ThreadKind::Guidance
        && thread.opened_by.kind == ActorKind::Agent
        && let (Some(run), Some(ticket)) = (&thread.run, &thread.ticket)
        && let Ok(Some(run)) = control(caller)?.store.find_run(run)
    {
        // Where nobody is there, or this cannot be written, whoever looks next takes it in.
        if let Some(root) =
            run.ticket(ticket).and_then(|ticket| signals::roots(&run, ticket).into_iter().next())
            && root.symlink_metadata().is_ok_and(|meta| meta.is_dir())
        {
            // It stays: who has no file events compares names and times.
            let _ = files::write_atomic(&root.join("asked"), b"");
        }
    }
    Ok(thread)
}

/// What a person did in a thread.
#[derive(Debug, Clone)]
pub struct ActedInThread {
    /// What was done.
    pub acted: Acted,
    /// What became of it, where that answered a question of an agent.
    pub guided: Option<Guided>,
    /// The command that says the words to the agent, where it has got its answer before and hears of no other.
    pub late: Option<String>,
}

/// Does something in a thread, and takes it to the agent where it answers its question.
pub fn act_in_thread(
    caller: &Caller,
    named: &str,
    speaker: &Speaker,
    deed: &Deed,
    progress: Progress<'_>,
) -> ServiceResult<ActedInThread> {
    let acted = forum::act(caller, named, speaker, deed)?;
    let thread = &acted.thread;
    let is_question = thread.kind == ThreadKind::Guidance && thread.state.is_over() && acted.event.is_some();
    let Some(id) = thread.run.clone().filter(|_| is_question && caller.below_agent.is_none()) else {
        return Ok(ActedInThread { acted, guided: None, late: None });
    };
    let control = control(caller)?;
    let run = control.store.find_run(&id)?.filter(|run| run.state.is_open());
    let asked = run.and_then(|run| run.guidance.into_iter().find(|asked| asked.thread == thread.id));
    let Some(asked) = asked else { return Ok(ActedInThread { acted, guided: None, late: None }) };
    if acted.was == ThreadState::Answered && asked.delivered.is_some() {
        let says = matches!(deed, Deed::Answer(_));
        let late =
            says.then(|| format!("git metawsm tell {id}:{}.{} '<the words>'", asked.ticket, asked.agent));
        return Ok(ActedInThread { acted, guided: None, late });
    }
    let guided = follow(caller, &control, &id, (&acted.thread.id, false), progress)?;
    Ok(ActedInThread { acted, guided: Some(guided), late: None })
}

/// What is told to an agent answers its oldest open question; `None` where it has none.
pub(super) fn tell_answer(
    caller: &Caller,
    control: &Control,
    (run, agent): (&Run, &RunAgent),
    text: &str,
    progress: Progress<'_>,
) -> ServiceResult<Option<Guided>> {
    if let Ok(mut hold) = control.hold(&run.id, "tell", caller) {
        settle(control, &mut hold)?;
    }
    let run = require_run(control, &run.id)?;
    let Some(asked) = run.guidance.iter().find(|asked| asked.is_open() && is_of(asked, agent)) else {
        return Ok(None);
    };
    let deed = Deed::Answer(text.to_owned());
    let acted = forum::act_always(caller, asked.thread.as_str(), &Speaker::default(), &deed)?;
    require_answered(&acted)?;
    follow(caller, control, &run.id, (&asked.thread, false), progress).map(Some)
}

impl Guided {
    /// What became of it, in words.
    pub fn outcome(&self) -> &'static str {
        match self.asked.delivered {
            Some(Delivery::Typed) => "typed into its session",
            Some(Delivery::Continued) => "the agent goes on with it",
            Some(Delivery::Left) => "left for it in the response file",
            None if self.asked.is_open() => "it waits in the thread",
            None => "left in the response file; the agent has ended",
        }
    }
}
