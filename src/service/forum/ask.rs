//! `forum ask`: a new thread, and waiting for its answer.

use super::super::watched::WatchedDirs;
use super::super::{Caller, Control, ServiceError, ServiceResult, control};
use super::about::{About, subject};
use super::answer::answer_of;
use super::read::Reader;
use super::view::unknown;
use super::who::{Speaker, actor};
use super::write::write;
use super::{sla, travel, watch};
use crate::model::{
    Actor, EventWhat, ForumEvent, Priority, Thread, ThreadId, ThreadKind, ThreadState, fold, says_something,
    title_of,
};
use crate::store;
use crate::sys::clock;
use std::time::{Duration, Instant};

/// The most characters of a title.
const TITLE: usize = 200;

/// How often base is looked at while an answer is waited for: somebody may bring it by `git pull`.
const LOOK: Duration = Duration::from_secs(3);

/// What `forum ask` was asked.
#[derive(Debug, Clone)]
pub struct AskRequest {
    /// What the thread is about.
    pub about: About,
    /// Its title; made from the first line of the body where there is none.
    pub title: Option<String>,
    /// The words, as `forum --body`, a file or standard input gave them.
    pub body: String,
    /// Its priority.
    pub priority: Priority,
    /// What it is for.
    pub kind: ThreadKind,
    /// Who asks.
    pub speaker: Speaker,
}

/// Opens a thread; it is on disk when this returns.
pub fn ask(caller: &Caller, request: &AskRequest) -> ServiceResult<Thread> {
    let control = control(caller)?;
    require_enabled(caller, &control)?;
    let subject = subject(caller, &control, &request.about)?;
    let actor = actor(caller, &control, &request.speaker)?;
    let title = match &request.title {
        Some(title) => require_title(title)?,
        None => title_of(&request.body, 72),
    };
    let mut event = ForumEvent::new(store::new_thread_id()?, EventWhat::Opened, 1, clock::now(), actor);
    event.run = subject.run;
    event.ticket = subject.ticket;
    event.agent = subject.agent;
    event.thread_kind = Some(request.kind);
    event.priority = Some(request.priority);
    event.state = (request.kind == ThreadKind::Guidance).then_some(ThreadState::WaitingHuman);
    event.title = Some(if says_something(&title) { title } else { "(no title)".to_owned() });
    event.body = Some(request.body.clone());
    let filed = write(&control, None, &mut event)?;
    let folded = fold([filed]).ok_or_else(|| unknown(event.thread.as_str()))?;
    Ok(folded.thread)
}

fn require_title(title: &str) -> ServiceResult<String> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if says_something(&title) && title.chars().count() <= TITLE {
        return Ok(title);
    }
    let message =
        format!("The title is empty or has more than {TITLE} characters; the rest belongs into the body.");
    Err(ServiceError::wrong(message, &["git metawsm forum ask -h"]))
}

/// Refuses where the policy has switched the forum off.
pub(super) fn require_enabled(caller: &Caller, control: &Control) -> ServiceResult<()> {
    if sla::rules(Some(caller), control).enabled {
        return Ok(());
    }
    let message = "The policy has switched the forum off (forum.enabled is false).";
    Err(ServiceError::failed(message, &["git metawsm policy show", "git metawsm forum list"]))
}

/// What came of waiting.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The thread at the end.
    pub thread: Thread,
    /// The answer and who gave it; `None` where none came in time, or the thread was closed without one.
    pub answer: Option<(Actor, String)>,
}

/// Waits until a thread is answered or closed, at most `limit`.
pub fn wait_for_answer(caller: &Caller, id: &ThreadId, limit: Option<Duration>) -> ServiceResult<Asked> {
    let control = control(caller)?;
    let begun = Instant::now();
    let mut watched = WatchedDirs::default();
    loop {
        let reader = Reader::new(&control)?;
        let places = reader.places(id)?;
        watch::add_thread(&mut watched, &control.store, places.live.as_ref());
        // Looked at after the watch stands: nothing falls in between.
        let places = reader.places(id)?;
        let (folded, _) = reader.folded(id, &places)?.ok_or_else(|| unknown(id.as_str()))?;
        let answer = answer_of(&folded.told.iter().map(|told| &told.event).collect::<Vec<_>>());
        let thread = folded.thread;
        let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
        let is_over = thread.state.is_over();
        if is_over || left.is_some_and(|left| left.is_zero()) {
            return Ok(Asked { answer: answer.filter(|_| is_over), thread });
        }
        if let Some(signal) = caller.interrupt.signal() {
            let hints = vec![format!("git metawsm forum thread {id}")];
            return Err(ServiceError::Interrupted { signal, hints });
        }
        if !watched.wait(left.map_or(LOOK, |left| left.min(LOOK))) {
            // Where nobody relays, nobody else may fetch the answer. What it leaves out, `status` counts.
            travel::glance(caller, &control);
        }
    }
}
