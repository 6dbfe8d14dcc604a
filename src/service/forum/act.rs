//! What is done in a thread that exists: answer, assign, state, priority, close.

use super::super::{Caller, ServiceError, ServiceResult, control};
use super::ask::require_enabled;
use super::read::Reader;
use super::view::{require_thread, unknown};
use super::who::{Speaker, actor};
use super::write::write;
use crate::model::{
    Actor, ActorKind, EventWhat, FiledEvent, Folded, ForumEvent, Priority, Thread, ThreadId, ThreadKind,
    ThreadState, fold, says_something,
};
use crate::store::StoreError;
use crate::sys::clock;

/// What is to be done in a thread.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Post these words and, where whoever speaks may answer, mark the thread as answered.
    Answer(String),
    /// Give it to somebody, for a reason.
    Assign(Actor, Option<String>),
    /// Move it to a state.
    Move(ThreadState),
    /// Make it press more or less.
    Press(Priority),
    /// End it.
    Close,
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Acted {
    /// The thread afterwards.
    pub thread: Thread,
    /// The event; `None` where the thread was like that already.
    pub event: Option<FiledEvent>,
    /// The state before.
    pub was: ThreadState,
}

/// Does something in a thread; it is on disk when this returns. A move that the table does not hold is refused.
pub fn act(caller: &Caller, named: &str, speaker: &Speaker, deed: &Deed) -> ServiceResult<Acted> {
    require_enabled(caller, &control(caller)?)?;
    act_always(caller, named, speaker, deed)
}

/// The same where the policy has switched the forum off: questions of agents are answered all the same.
pub(in super::super) fn act_always(
    caller: &Caller,
    named: &str,
    speaker: &Speaker,
    deed: &Deed,
) -> ServiceResult<Acted> {
    let control = control(caller)?;
    let actor = actor(caller, &control, speaker)?;
    let id = require_thread(&Reader::new(&control)?, named)?;
    let lock = control.store.lock_thread(&id, "forum", caller.wait)?;
    let reader = Reader::new(&control)?;
    let places = reader.places(&id)?;
    let (folded, odd) = reader.folded(&id, &places)?.ok_or_else(|| unknown(id.as_str()))?;
    let newer =
        folded.told.iter().map(|told| told.event.event.format).find(|f| *f > crate::model::EVENT_FORMAT);
    if let Some(format) = odd.iter().find_map(|odd| odd.newer).or(newer) {
        return Err(StoreError::NewerEvent { thread: id.to_string(), format }.into());
    }
    let was = folded.thread.state;
    let Some(mut event) = event_of(&folded.thread, deed, actor)? else {
        return Ok(Acted { thread: folded.thread, event: None, was });
    };
    let filed = write(&control, places.month(), &mut event)?;
    let Folded { thread, .. } = with(folded, filed.clone(), &id)?;
    drop(lock);
    super::docs::write_decision(caller, &control, &thread);
    Ok(Acted { thread, event: Some(filed), was })
}

fn with(folded: Folded, event: FiledEvent, id: &ThreadId) -> ServiceResult<Folded> {
    let events = folded.told.into_iter().map(|told| told.event).chain([event]);
    fold(events).ok_or_else(|| unknown(id.as_str()))
}

/// The event that does it; `None` where the thread is like that already.
fn event_of(thread: &Thread, deed: &Deed, actor: Actor) -> ServiceResult<Option<ForumEvent>> {
    let new = |what, actor| ForumEvent::new(thread.id.clone(), what, thread.lamport + 1, clock::now(), actor);
    let refuse =
        |why: String| ServiceError::failed(why, &[&format!("git metawsm forum thread {}", thread.id)]);
    let closed = || refuse(format!("The thread {} is closed, and that is final.", thread.id));
    let is_closed = thread.state == ThreadState::Closed;
    let go = |to: ThreadState| thread.check_move(to).map_err(|error| refuse(format!("{error}.")));
    Ok(Some(match deed {
        Deed::Answer(_) | Deed::Assign(..) | Deed::Press(_) if is_closed => return Err(closed()),
        Deed::Answer(words) => {
            let mut event = answer(thread, actor, new);
            event.body = Some(words.clone());
            event
        }
        Deed::Assign(to, note) => {
            if !says_something(&to.name) || to.name.contains('\n') || to.name.chars().count() > 200 {
                let message = "The name of the assignee is one line of at most 200 characters.";
                return Err(ServiceError::wrong(message, &["git metawsm forum assign -h"]));
            }
            if thread.assignee.as_ref() == Some(to) && note.is_none() {
                return Ok(None);
            }
            let mut event = new(EventWhat::Assigned, actor);
            event.assignee_type = Some(to.kind);
            event.assignee = Some(to.name.clone());
            event.note.clone_from(note);
            event
        }
        Deed::Press(to) if thread.priority == *to => return Ok(None),
        Deed::Press(to) => {
            let mut event = new(EventWhat::PriorityChanged, actor);
            event.priority = Some(*to);
            event
        }
        Deed::Close | Deed::Move(ThreadState::Closed) if is_closed => return Ok(None),
        Deed::Close | Deed::Move(ThreadState::Closed) => new(EventWhat::Closed, actor),
        Deed::Move(to) if thread.state == *to => return Ok(None),
        Deed::Move(to) => {
            go(*to)?;
            let mut event = new(EventWhat::StateChanged, actor);
            event.state = Some(*to);
            event
        }
    }))
}

/// Words in a thread. An agent cannot answer what it asked itself, nor a question that is for a person: its words
/// are a post, and where the thread was answered somebody is asked again.
fn answer(thread: &Thread, actor: Actor, new: impl Fn(EventWhat, Actor) -> ForumEvent) -> ForumEvent {
    let is_agent = actor.kind == ActorKind::Agent;
    let asked_itself = thread.opened_by == actor;
    let for_a_person = thread.kind == ThreadKind::Guidance;
    if !is_agent || !(asked_itself || for_a_person) {
        return new(EventWhat::Answered, actor);
    }
    let mut event = new(EventWhat::Posted, actor);
    if thread.state == ThreadState::Answered && asked_itself {
        event.state =
            Some(if for_a_person { ThreadState::WaitingHuman } else { ThreadState::WaitingOperator });
    }
    event
}
