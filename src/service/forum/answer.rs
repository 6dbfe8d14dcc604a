//! What a thread was answered.

use super::super::{Control, ServiceResult};
use super::read::Reader;
use crate::model::{Actor, ActorKind, EventWhat, FiledEvent, ForumEvent, Thread, ThreadId};

/// A thread as it stands, and the answer and who gave it; `None` where the thread is not known here.
pub(in super::super) type Standing = Option<(Thread, Option<(Actor, String)>)>;

/// How a thread stands, and its last answer.
pub(in super::super) fn standing(control: &Control, id: &ThreadId) -> ServiceResult<Standing> {
    let reader = Reader::new(control)?;
    let places = reader.places(id)?;
    let Some((folded, _)) = reader.folded(id, &places)? else { return Ok(None) };
    let answer = answer_of(&folded.told.iter().map(|told| &told.event).collect::<Vec<_>>());
    Ok(Some((folded.thread, answer)))
}

/// The words that opened a thread; `None` where it is not known here.
pub(in super::super) fn opening_words(control: &Control, id: &ThreadId) -> ServiceResult<Option<String>> {
    let reader = Reader::new(control)?;
    let places = reader.places(id)?;
    let folded = reader.folded(id, &places)?.map(|(folded, _)| folded);
    Ok(folded.and_then(|folded| folded.told.into_iter().next()?.event.event.body))
}

/// Whether a thread was answered or ended; one that is not known here was not.
pub(in super::super) fn is_over(control: &Control, id: &ThreadId) -> ServiceResult<bool> {
    Ok(standing(control, id)?.is_some_and(|(thread, _)| thread.state.is_over()))
}

/// The last answer; where somebody moved the state by hand, the last words of somebody who is no agent.
pub(super) fn answer_of(events: &[&FiledEvent]) -> Option<(Actor, String)> {
    let last = |fits: &dyn Fn(&ForumEvent) -> bool| {
        let found = events.iter().rev().find(|filed| fits(&filed.event))?;
        Some((found.event.actor(), found.event.body.clone()?))
    };
    last(&|event| event.what == EventWhat::Answered)
        .or_else(|| last(&|event| event.what == EventWhat::Posted && event.actor_type != ActorKind::Agent))
}
