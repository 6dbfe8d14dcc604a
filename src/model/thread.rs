//! A forum thread: its states with their legal moves, its priorities, and what can be said of one as a whole.

use super::state::states;
use super::{AgentName, IllegalMove, RunId, ThreadId, TicketId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

states! {
    /// The state of a thread.
    ThreadState, "A thread" {
        /// Nobody has looked at it.
        New = "new" -> [Triaged, WaitingOperator, WaitingHuman, Answered, Closed];
        /// Somebody looked and nobody waits.
        Triaged = "triaged" -> [WaitingOperator, WaitingHuman, Answered, Closed];
        /// It waits for an operator.
        WaitingOperator = "waiting_operator" -> [WaitingHuman, Answered, Triaged, Closed];
        /// It waits for a person.
        WaitingHuman = "waiting_human" -> [WaitingOperator, Answered, Triaged, Closed];
        /// It has its answer.
        Answered = "answered" -> [WaitingOperator, WaitingHuman, Closed];
        /// It is over.
        Closed = "closed" -> [];
    }
}

impl ThreadState {
    /// Whether somebody waits for an answer.
    pub fn waits(self) -> bool {
        matches!(self, Self::New | Self::WaitingOperator | Self::WaitingHuman)
    }

    /// Whether nobody waits any more: it was answered, or ended without.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Answered | Self::Closed)
    }

    /// Parses a state's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == text)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $($(#[$vdoc])* $variant,)* }

        impl $type {
            /// Every word's meaning, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word, as in records and messages.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Parses a word.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|s| s.as_str() == text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(super) use words;

words! {
    /// How much a thread presses, the most pressing first.
    Priority {
        /// At once.
        Urgent = "urgent";
        /// Soon.
        High = "high";
        /// In turn.
        Normal = "normal";
        /// Some time.
        Low = "low";
    }
}

words! {
    /// What a thread is for.
    ThreadKind {
        /// Somebody asks or tells something.
        Question = "question";
        /// An agent cannot go on without an answer of a person.
        Guidance = "guidance";
    }
}

words! {
    /// What sort of somebody acts.
    ActorKind {
        /// An agent in its session.
        Agent = "agent";
        /// Who looks after the runs.
        Operator = "operator";
        /// A person.
        Human = "human";
        /// A program by itself.
        System = "system";
    }
}

/// Somebody who acts, or who is to act.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// What sort.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// The name: an agent's, or `Name <mail>`.
    pub name: String,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A thread as the fold over its events tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// What it is for.
    pub kind: ThreadKind,
    /// Its title, one line.
    pub title: String,
    /// Its state.
    pub state: ThreadState,
    /// Its priority.
    pub priority: Priority,
    /// Who is to look after it.
    pub assignee: Option<Actor>,
    /// The run that it is about.
    pub run: Option<RunId>,
    /// The ticket that it is about.
    pub ticket: Option<TicketId>,
    /// The agent that it is about.
    pub agent: Option<AgentName>,
    /// When it was opened, as the clock of who opened it said.
    pub opened: Timestamp,
    /// Who opened it.
    pub opened_by: Actor,
    /// The time of the last event.
    pub updated: Timestamp,
    /// Since when somebody waits, while somebody does.
    pub waiting_since: Option<Timestamp>,
    /// How many posts it holds, the first one with it.
    pub posts: usize,
    /// How many of its events have no effect.
    pub superseded: usize,
    /// The number of its last event.
    pub lamport: u64,
}

/// A clock may be wrong by this much without anybody noticing, in seconds.
const CLOCK_SLACK: i64 = 300;

/// What decides whether anybody has to look at a thread in which somebody waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressing {
    /// Its state, one that waits.
    pub state: ThreadState,
    /// Its priority.
    pub priority: Priority,
    /// Since when somebody waits.
    pub since: Timestamp,
    /// The run that it is about.
    pub run: Option<RunId>,
}

impl Pressing {
    /// How long somebody has been waiting, in seconds. A wait that began in the future (the clock of who wrote it was
    /// wrong) is of unknown length and counts as endless.
    pub fn waiting_seconds(&self, now: Timestamp) -> i64 {
        let waited = now.as_second() - self.since.as_second();
        if waited < -CLOCK_SLACK { i64::MAX } else { waited.max(0) }
    }

    /// Whether it should have been answered by now: it is high or urgent, or somebody has been waiting for `minutes`
    /// or longer. Computed, never stored.
    pub fn is_escalated(&self, now: Timestamp, minutes: u64) -> bool {
        let limit = i64::try_from(minutes.saturating_mul(60)).unwrap_or(i64::MAX);
        matches!(self.priority, Priority::Urgent | Priority::High) || self.waiting_seconds(now) >= limit
    }
}

impl Thread {
    /// What decides whether anybody has to look at it; `None` where nobody waits.
    pub fn pressing(&self) -> Option<Pressing> {
        let since = self.waiting_since.filter(|_| self.state.waits())?;
        Some(Pressing { state: self.state, priority: self.priority, since, run: self.run.clone() })
    }

    /// How long somebody has been waiting, in seconds; `None` where nobody waits.
    pub fn waiting_seconds(&self, now: Timestamp) -> Option<i64> {
        Some(self.pressing()?.waiting_seconds(now))
    }

    /// Whether it should have been answered by now.
    pub fn is_escalated(&self, now: Timestamp, minutes: u64) -> bool {
        self.pressing().is_some_and(|pressing| pressing.is_escalated(now, minutes))
    }

    /// The order of lists: what is not over first, then by priority, then the oldest first.
    pub fn rank(&self) -> impl Ord + use<> {
        (self.state == ThreadState::Closed, self.priority, self.opened, self.id.clone())
    }

    /// Whether it may go to this state.
    pub fn check_move(&self, to: ThreadState) -> Result<(), IllegalMove> {
        self.state.check_move(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_thread_states_is_the_one_of_the_first_program() {
        use ThreadState::{Answered, Closed, New, Triaged, WaitingHuman, WaitingOperator};
        let table = [
            (New, &[Triaged, WaitingOperator, WaitingHuman, Answered, Closed][..]),
            (Triaged, &[WaitingOperator, WaitingHuman, Answered, Closed]),
            (WaitingOperator, &[WaitingHuman, Answered, Triaged, Closed]),
            (WaitingHuman, &[WaitingOperator, Answered, Triaged, Closed]),
            (Answered, &[WaitingOperator, WaitingHuman, Closed]),
            (Closed, &[]),
        ];
        assert_eq!(table.map(|(state, _)| state), ThreadState::ALL);
        for (from, legal) in table {
            for &to in ThreadState::ALL {
                assert_eq!(from.check_move(to).is_ok(), from == to || legal.contains(&to), "{from} -> {to}");
            }
        }
        let error = Closed.check_move(New).expect_err("final");
        assert_eq!(error.to_string(), "A thread cannot go from closed to new; closed is final");
    }

    #[test]
    fn words_are_parsed_and_others_are_not() {
        for &state in ThreadState::ALL {
            assert_eq!(ThreadState::parse(state.as_str()), Some(state));
        }
        for &priority in Priority::ALL {
            assert_eq!(Priority::parse(priority.as_str()), Some(priority));
        }
        assert_eq!(
            (Priority::parse("Urgent"), ActorKind::parse(""), ThreadKind::parse("x")),
            (None, None, None)
        );
        assert!(Priority::Urgent < Priority::High && Priority::Normal < Priority::Low);
    }
}
