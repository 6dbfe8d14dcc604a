//! Threads of the old forum, event by event. The same rows always give the same events; a row that came later adds its
//! event behind the others.

use super::control_posts;
use super::names::{self, hash, time};
use super::talk::{actor_of, line_of, words_of};
use crate::model::{
    Actor, AgentName, EventWhat, ForumEvent, Priority, ThreadId, ThreadKind, ThreadState, TicketId,
};
use crate::store::{OldForumEvent, OldThread};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// The events of a thread; else why it cannot be had, as the rest of a sentence.
pub(super) fn events(old: &OldThread) -> Result<Vec<ForumEvent>, String> {
    let id = ThreadId::parse(&names::mended(&old.id)).map_err(|error| error.to_string())?;
    let opened = time(&old.opened).or_else(|| old.events.iter().find_map(|event| time(&event.at)));
    let opened = opened.ok_or("it does not say when it was opened")?;
    let making = Making::of(old, id, opened);
    let mut events = vec![making.opening()];
    for event in &old.events {
        let number = events.len() as u64 + 1;
        events.extend(making.later(event, number));
    }
    Ok(events)
}

struct Making<'a> {
    old: &'a OldThread,
    id: ThreadId,
    opened: Timestamp,
    /// The posts, by their ids.
    posts: BTreeSet<&'a str>,
    /// What made the thread answered, by the ids that the moves name as their cause.
    answers: BTreeSet<&'a str>,
}

/// The words of a payload; a payload that is none has none.
fn payload(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn word<'a>(payload: &'a Value, key: &str) -> &'a str {
    payload.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_opening(event: &OldForumEvent) -> bool {
    event.what == "forum.thread.opened"
}

impl<'a> Making<'a> {
    fn of(old: &'a OldThread, id: ThreadId, opened: Timestamp) -> Self {
        let posts = old.events.iter().filter(|event| event.what == "forum.post.added");
        let moves = old.events.iter().filter(|event| is_to_answered(event));
        let posts = posts.map(|event| event.id.as_str()).collect();
        let answers = moves.map(|event| event.cause.as_str()).collect();
        Self { old, id, opened, posts, answers }
    }
    fn event(&self, what: EventWhat, number: u64, at: Timestamp, who: Actor) -> ForumEvent {
        let mut event = ForumEvent::new(self.id.clone(), what, number, at, who);
        event.nonce = hash(&format!("{} {number}", self.old.id), 16);
        event
    }

    /// From its event, else from the thread's own row.
    fn opening(&self) -> ForumEvent {
        let old = self.old;
        let first = old.events.iter().find(|event| is_opening(event));
        let said = first.map(|event| payload(&event.payload)).unwrap_or_default();
        let by = first.map_or(&old.opened_by, |event| &event.actor);
        let at = first.and_then(|event| time(&event.at)).unwrap_or(self.opened);
        let mut event = self.event(EventWhat::Opened, 1, at, actor_of((&by.0, &by.1)));
        let title = [word(&said, "title"), &old.title];
        let title = title.into_iter().find(|title| !title.trim().is_empty()).unwrap_or_default();
        let posted = first.map_or("", |event| event.body.as_str());
        let body = [word(&said, "body"), posted].into_iter().find(|body| !body.trim().is_empty());
        let mut odd = Vec::new();
        event.run =
            (!old.run.trim().is_empty()).then(|| names::run_id(&old.run).ok()).flatten().map(|(id, _)| id);
        if !old.ticket.trim().is_empty() {
            event.ticket = names::name(TicketId::parse, &old.ticket, "ticket", &mut odd);
        }
        if !old.agent.trim().is_empty() {
            event.agent = names::name(AgentName::parse, &old.agent, "agent", &mut odd);
        }
        event.thread_kind = Some(ThreadKind::Question);
        let first_priority = Priority::parse(word(&said, "priority"));
        event.priority =
            first_priority.or_else(|| Priority::parse(old.priority.trim())).or(Some(Priority::Normal));
        event.title = Some(line_of(title));
        event.body = Some(words_of(&control_posts::readable(body.unwrap_or(title))));
        if first.is_none() {
            // Its history is lost; where it stands is known.
            event.state = ThreadState::parse(old.state.trim());
        }
        event
    }

    fn later(&self, old: &OldForumEvent, number: u64) -> Option<ForumEvent> {
        let said = payload(&old.payload);
        let at = time(&old.at).unwrap_or(self.opened);
        let make = |what| self.event(what, number, at, actor_of((&old.actor.0, &old.actor.1)));
        match old.what.as_str() {
            "forum.post.added" | "forum.control.signal" => {
                let body = [word(&said, "body"), &old.body].into_iter().find(|body| !body.trim().is_empty());
                let body = body.map_or_else(|| old.payload.clone(), str::to_owned);
                let mut event = make(if self.answers(old) { EventWhat::Answered } else { EventWhat::Posted });
                event.body = Some(words_of(&control_posts::readable(&body)));
                Some(event)
            }
            "forum.assigned" => {
                let actor = actor_of((word(&said, "to_assignee_type"), word(&said, "to_assignee_name")));
                let mut event = make(EventWhat::Assigned);
                event.assignee_type = Some(actor.kind);
                event.assignee = Some(actor.name);
                event.note = Some(word(&said, "note").to_owned()).filter(|note| !note.trim().is_empty());
                Some(event)
            }
            "forum.state.changed" if self.is_of_an_answer(old) => None,
            "forum.state.changed" => {
                let mut event = make(EventWhat::StateChanged);
                event.state = Some(ThreadState::parse(word(&said, "to_state"))?);
                Some(event)
            }
            "forum.priority.changed" => {
                let mut event = make(EventWhat::PriorityChanged);
                event.priority = Some(Priority::parse(word(&said, "to_priority"))?);
                Some(event)
            }
            "forum.thread.closed" => Some(make(EventWhat::Closed)),
            _ => None,
        }
    }

    /// Whether a post is one of those that made the thread answered: the move names it as its cause.
    fn answers(&self, post: &OldForumEvent) -> bool {
        self.answers.contains(post.id.as_str())
    }

    fn is_of_an_answer(&self, moved: &OldForumEvent) -> bool {
        self.posts.contains(moved.cause.as_str()) && is_to_answered(moved)
    }
}

fn is_to_answered(event: &OldForumEvent) -> bool {
    event.what == "forum.state.changed" && word(&payload(&event.payload), "to_state") == "answered"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FiledEvent, fold};
    use crate::store::event_bytes;

    fn event(id: &str, what: &str, cause: &str, payload: &str) -> OldForumEvent {
        OldForumEvent {
            id: id.to_owned(),
            what: what.to_owned(),
            at: "2026-02-08T10:15:02-08:00".to_owned(),
            actor: ("agent".to_owned(), "coder".to_owned()),
            cause: cause.to_owned(),
            payload: payload.to_owned(),
            body: String::new(),
        }
    }

    fn thread(events: Vec<OldForumEvent>) -> OldThread {
        OldThread {
            id: "fthr-1770574502000000000".to_owned(),
            ticket: "T-1".to_owned(),
            title: "Which port?".to_owned(),
            state: "triaged".to_owned(),
            opened: "2026-02-08T10:15:02-08:00".to_owned(),
            events,
            ..OldThread::default()
        }
    }

    fn folded(old: &OldThread) -> crate::model::Thread {
        let filed = events(old).expect("events").into_iter().map(|event| {
            let bytes = event_bytes(&event).expect("it can be written");
            FiledEvent { id: FiledEvent::id_of(event.lamport, &bytes).expect("an id"), event }
        });
        fold(filed).expect("a thread").thread
    }

    #[test]
    fn a_post_that_made_the_thread_answered_is_an_answer() {
        let open = event(
            "e1",
            "forum.thread.opened",
            "",
            r#"{"title":"Which port?","body":"Or none?","priority":"high"}"#,
        );
        let post = event("e2", "forum.post.added", "e1", r#"{"body":"8080"}"#);
        let moved = event("e3", "forum.state.changed", "e2", r#"{"from_state":"new","to_state":"answered"}"#);
        let old = thread(vec![open, post, moved]);
        let all = events(&old).expect("events");
        assert_eq!(all.iter().map(|e| e.what).collect::<Vec<_>>(), [EventWhat::Opened, EventWhat::Answered]);
        let thread = folded(&old);
        assert_eq!((thread.state, thread.posts, thread.priority), (ThreadState::Answered, 2, Priority::High));
    }

    #[test]
    fn what_came_later_changes_no_event_that_was_there() {
        let open = event("e1", "forum.thread.opened", "", r#"{"title":"x","body":"y","priority":"low"}"#);
        let post = event("e2", "forum.post.added", "", r#"{"body":"z"}"#);
        let before = events(&thread(vec![open.clone(), post.clone()])).expect("events");
        let closed = event("e3", "forum.thread.closed", "", r#"{"to_state":"closed"}"#);
        let after = events(&thread(vec![open, post, closed])).expect("events");
        assert_eq!(before[..], after[..2]);
    }

    #[test]
    fn a_thread_without_history_stands_where_its_row_says() {
        let thread = folded(&thread(Vec::new()));
        assert_eq!((thread.state, thread.title.as_str()), (ThreadState::Triaged, "Which port?"));
        assert_eq!(thread.opened_by, actor_of(("system", "")));
    }

    #[test]
    fn nonsense_in_a_payload_spoils_no_other_event() {
        let open = event("e1", "forum.thread.opened", "", "[[[[");
        let bomb = event("e2", "forum.post.added", "", &"[".repeat(1000));
        let moved = event("e3", "forum.state.changed", "", r#"{"to_state":"nowhere"}"#);
        let odd = event("e4", "forum.no.such", "", "{}");
        let closed = event("e5", "forum.thread.closed", "", "null");
        let thread = folded(&thread(vec![open, bomb, moved, odd, closed]));
        assert_eq!((thread.state, thread.posts, thread.superseded), (ThreadState::Closed, 2, 0));
    }
}
