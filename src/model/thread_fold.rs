//! What a thread is now: a fold over its events, the same in whatever order and however often they came.

use super::{EventId, EventWhat, FiledEvent, ForumEvent, Thread, ThreadKind, ThreadState};
use std::collections::BTreeMap;

/// How far the number of an event may be ahead of the others: a counter that was set to the end of the world must
/// not win for ever, and the events of a clone that are not here yet must not be taken for that.
const GAP: u64 = 100_000;

/// One event in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The event.
    pub event: FiledEvent,
    /// What it changed, as it was before: a state, a priority or an assignee.
    pub before: Option<String>,
    /// Why it has no effect (its words are kept), as the rest of a sentence.
    pub superseded: Option<String>,
}

/// A thread with all its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The thread now.
    pub thread: Thread,
    /// Its events in order, the opening one first.
    pub told: Vec<Told>,
}

/// Folds the events of one thread, by (number, id), each once. `None` where the event that opens it is missing.
pub fn fold(events: impl IntoIterator<Item = FiledEvent>) -> Option<Folded> {
    let mut ordered: BTreeMap<(u64, EventId), FiledEvent> = BTreeMap::new();
    for event in events {
        ordered.insert((event.event.lamport, event.id.clone()), event);
    }
    let is_opening = |event: &&FiledEvent| event.event.what == EventWhat::Opened;
    let first = ordered.values().find(is_opening)?.clone();
    ordered.remove(&(first.event.lamport, first.id.clone()));
    let mut folding = Folding { thread: opened(&first.event)?, told: Vec::with_capacity(ordered.len() + 1) };
    folding.told.push(Told { event: first, before: None, superseded: None });
    for event in ordered.into_values() {
        folding.add(event);
    }
    let Folding { mut thread, told } = folding;
    thread.superseded = told.iter().filter(|t| t.superseded.is_some()).count();
    Some(Folded { thread, told })
}

fn opened(event: &ForumEvent) -> Option<Thread> {
    let kind = event.thread_kind.unwrap_or(ThreadKind::Question);
    let state = event.state.filter(|state| *state != ThreadState::Closed).unwrap_or(ThreadState::New);
    Some(Thread {
        id: event.thread.clone(),
        kind,
        title: event.title.clone()?,
        state,
        priority: event.priority?,
        assignee: event.assigned(),
        run: event.run.clone(),
        ticket: event.ticket.clone(),
        agent: event.agent.clone(),
        opened: event.at,
        opened_by: event.actor(),
        updated: event.at,
        waiting_since: state.waits().then_some(event.at),
        posts: 1,
        superseded: 0,
        lamport: event.lamport,
    })
}

struct Folding {
    thread: Thread,
    told: Vec<Told>,
}

impl Folding {
    fn add(&mut self, event: FiledEvent) {
        if matches!(event.event.what, EventWhat::Posted | EventWhat::Answered) {
            self.thread.posts += 1;
        }
        let (before, superseded) = if event.event.lamport > self.thread.lamport.saturating_add(GAP) {
            (None, Some("its number is far ahead of all others".to_owned()))
        } else {
            self.thread.lamport = self.thread.lamport.max(event.event.lamport);
            self.thread.updated = event.event.at;
            self.apply(&event.event)
        };
        self.told.push(Told { event, before, superseded });
    }

    /// Applies an event; gives what was before, and why it has no effect where it has none.
    fn apply(&mut self, event: &ForumEvent) -> (Option<String>, Option<String>) {
        let closed = || Some("the thread was closed by then".to_owned());
        let is_closed = self.thread.state == ThreadState::Closed;
        match event.what {
            EventWhat::Opened => (None, Some("the thread was open already".to_owned())),
            EventWhat::Posted => event.state.map_or((None, None), |to| self.go(to, event)),
            EventWhat::Answered => self.go(ThreadState::Answered, event),
            EventWhat::Closed => self.go(ThreadState::Closed, event),
            EventWhat::StateChanged => event.state.map_or((None, None), |to| self.go(to, event)),
            EventWhat::Assigned | EventWhat::PriorityChanged if is_closed => (None, closed()),
            EventWhat::Assigned => {
                let before = self.thread.assignee.take().map(|actor| actor.to_string());
                self.thread.assignee = event.assigned();
                (before, None)
            }
            EventWhat::PriorityChanged => {
                let before = self.thread.priority;
                self.thread.priority = event.priority.unwrap_or(before);
                (Some(before.to_string()), None)
            }
        }
    }

    fn go(&mut self, to: ThreadState, event: &ForumEvent) -> (Option<String>, Option<String>) {
        let from = self.thread.state;
        if let Err(error) = from.check_move(to) {
            return (
                Some(from.to_string()),
                Some(format!("the thread was {from} by then, and {}", error.legal)),
            );
        }
        self.thread.state = to;
        if !to.waits() {
            self.thread.waiting_since = None;
        } else if !from.waits() {
            self.thread.waiting_since = Some(event.at);
        }
        (Some(from.to_string()), None)
    }
}
