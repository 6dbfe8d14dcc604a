//! What happens in a thread: immutable events, each one file, each named by its number and its content.

use super::thread::words;
use super::{
    Actor, ActorKind, AgentName, EventId, NameError, Priority, RunId, ThreadId, ThreadKind, ThreadState,
};
use super::{TicketId, is_deceptive, sha256_hex};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The format of events that this version writes.
pub const EVENT_FORMAT: u32 = 1;

/// The kind of an event's record.
pub const EVENT_KIND: &str = "forum-event";

/// No thread has so many events: what claims more is no number.
const MOST: u64 = 1 << 53;

words! {
    /// What an event is.
    EventWhat {
        /// The thread begins, with its first post.
        Opened = "opened";
        /// A post.
        Posted = "posted";
        /// A post that answers.
        Answered = "answered";
        /// Somebody is to look after it.
        Assigned = "assigned";
        /// Another state.
        StateChanged = "state_changed";
        /// Another priority.
        PriorityChanged = "priority_changed";
        /// The thread ends.
        Closed = "closed";
    }
}

/// One event; the order of fields is the order in its file. Which of the optional ones it needs, `what` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForumEvent {
    /// The format of the record.
    pub format: u32,
    /// `forum-event`.
    pub kind: String,
    /// The thread.
    pub thread: ThreadId,
    /// What it is.
    #[serde(rename = "event")]
    pub what: EventWhat,
    /// Its number: one more than the highest that its writer knew. The first has 1.
    pub lamport: u64,
    /// When it was written, as its writer's clock said; nothing is ordered by it.
    pub at: Timestamp,
    /// Random, so that the same words said twice are two events.
    pub nonce: String,
    /// What sort of somebody acts.
    pub actor_type: ActorKind,
    /// Who acts.
    pub actor: String,
    /// The run that the thread is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The ticket that the thread is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    /// The agent that the thread is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// What the thread is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_kind: Option<ThreadKind>,
    /// The new priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The new state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ThreadState>,
    /// What sort of somebody is to look after the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_type: Option<ActorKind>,
    /// Who is to look after the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The title, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The words of a post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl ForumEvent {
    /// An event without any of the optional fields.
    pub fn new(thread: ThreadId, what: EventWhat, lamport: u64, at: Timestamp, actor: Actor) -> Self {
        Self {
            format: EVENT_FORMAT,
            kind: EVENT_KIND.to_owned(),
            thread,
            what,
            lamport,
            at,
            nonce: String::new(),
            actor_type: actor.kind,
            actor: actor.name,
            run: None,
            ticket: None,
            agent: None,
            thread_kind: None,
            priority: None,
            state: None,
            assignee_type: None,
            assignee: None,
            note: None,
            title: None,
            body: None,
        }
    }

    /// Who acts.
    pub fn actor(&self) -> Actor {
        Actor { kind: self.actor_type, name: self.actor.clone() }
    }

    /// Who is to look after the thread.
    pub fn assigned(&self) -> Option<Actor> {
        Some(Actor { kind: self.assignee_type?, name: self.assignee.clone()? })
    }

    /// Whether it holds what an event of its sort must hold; else what is missing, as the rest of a sentence.
    pub fn check(&self) -> Result<(), String> {
        let need = |field: &str, is_there: bool| {
            if is_there { Ok(()) } else { Err(format!("an event '{}' needs {field}", self.what)) }
        };
        if self.lamport == 0 || self.lamport > MOST {
            return Err(format!("{} is no number of an event", self.lamport));
        }
        match self.what {
            EventWhat::Opened => {
                need("the number 1", self.lamport == 1)?;
                need("a title", self.title.as_deref().is_some_and(says_something))?;
                need("a priority", self.priority.is_some())?;
                need("a body", self.has_body())
            }
            EventWhat::Posted | EventWhat::Answered => need("a body", self.has_body()),
            EventWhat::Assigned => {
                need("an assignee", self.assigned().is_some_and(|actor| says_something(&actor.name)))
            }
            EventWhat::StateChanged => need("a state", self.state.is_some()),
            EventWhat::PriorityChanged => need("a priority", self.priority.is_some()),
            EventWhat::Closed => Ok(()),
        }
    }

    fn has_body(&self) -> bool {
        self.body.as_deref().is_some_and(says_something)
    }
}

/// Whether a text holds anything that can be read.
pub fn says_something(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !is_deceptive(c))
}

/// An event under the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledEvent {
    /// Its id.
    pub id: EventId,
    /// What it says.
    pub event: ForumEvent,
}

impl FiledEvent {
    /// The id of an event whose file holds these bytes: a changed byte is another id, so that none can be changed
    /// unnoticed and two clones never write different things under one name.
    pub fn id_of(lamport: u64, bytes: &[u8]) -> Result<EventId, NameError> {
        let hash = sha256_hex(bytes);
        EventId::parse(&format!("fevt-{lamport:06}-{}", hash.get(..32).unwrap_or(&hash)))
    }

    /// The place in the order of a thread.
    pub fn order(&self) -> (u64, &EventId) {
        (self.event.lamport, &self.id)
    }
}

impl fmt::Display for FiledEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.event.what)
    }
}
