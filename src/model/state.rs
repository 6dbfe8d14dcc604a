//! States of runs and steps, and the moves between them that are legal.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A move that the table does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot go from {from} to {to}; {legal}")]
pub struct IllegalMove {
    /// "A run" or "A step".
    pub what: &'static str,
    /// The present state.
    pub from: String,
    /// The asked state.
    pub to: String,
    /// The legal next states, in words.
    pub legal: String,
}

macro_rules! states {
    ($(#[$doc:meta])* $type:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal -> [$($next:ident),*];)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $($(#[$vdoc])* $variant,)* }

        impl $type {
            /// Every state, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The state's word, as in records and messages.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The states that may follow this one (staying is always allowed).
            pub fn next(self) -> &'static [Self] {
                match self { $(Self::$variant => &[$(Self::$next),*],)* }
            }

            /// Checks a move.
            pub fn check_move(self, to: Self) -> Result<(), IllegalMove> {
                if self == to || self.next().contains(&to) {
                    return Ok(());
                }
                let legal: Vec<_> = self.next().iter().map(|s| s.as_str()).collect();
                let legal = if legal.is_empty() {
                    format!("{self} is final")
                } else {
                    format!("from {self} it can go to {}", legal.join(", "))
                };
                Err(IllegalMove { what: $what, from: self.to_string(), to: to.to_string(), legal })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(super) use states;

states! {
    /// The state of a run.
    RunState, "A run" {
        /// The record exists, nothing is planned yet.
        Created = "created" -> [Planning, Failed, Stopping, Discarded];
        /// The plan is being made.
        Planning = "planning" -> [Running, Paused, Failed, Stopping, Discarded];
        /// Steps or agents are at work.
        Running = "running" -> [AwaitingGuidance, Paused, Failed, Completed, Stopping, Discarded];
        /// A question is open.
        AwaitingGuidance = "awaiting_guidance" -> [Running, Failed, Completed, Stopping, Discarded];
        /// Set aside.
        Paused = "paused" -> [Running, Completed, Stopping, Discarded];
        /// A step failed.
        Failed = "failed" -> [Running, Completed, Stopping, Discarded];
        /// Sessions are being ended.
        Stopping = "stopping" -> [Stopped, Discarded];
        /// Sessions were ended, everything is kept.
        Stopped = "stopped" -> [Running, Completed, Discarded];
        /// The work is done and somebody said so.
        Completed = "completed" -> [Closing, Running, Discarded];
        /// The merge of a close is under way.
        Closing = "closing" -> [Closed, Completed, Discarded];
        /// Merged and recorded.
        Closed = "closed" -> [];
        /// Given up; its work is kept under rescue refs.
        Discarded = "discarded" -> [];
    }
}

impl RunState {
    /// A run that is neither closed nor discarded is open.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Discarded)
    }

    /// Parses a state's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == text)
    }
}

states! {
    /// The state of a step.
    StepState, "A step" {
        /// Not begun.
        Pending = "pending" -> [Running, Skipped];
        /// Begun; after a crash its probe decides.
        Running = "running" -> [Done, Failed, Pending];
        /// Holds.
        Done = "done" -> [Pending];
        /// Tried as often as policy says.
        Failed = "failed" -> [Running, Skipped, Pending];
        /// Not needed.
        Skipped = "skipped" -> [Pending];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_run_states_is_decided_by_the_table() {
        for &from in RunState::ALL {
            for &to in RunState::ALL {
                let expected = from == to || from.next().contains(&to);
                assert_eq!(from.check_move(to).is_ok(), expected, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn closed_and_discarded_are_final_and_closing_never_fails() {
        assert!(RunState::Closed.next().is_empty());
        assert!(RunState::Discarded.next().is_empty());
        assert!(!RunState::Closing.next().contains(&RunState::Failed));
        for &state in RunState::ALL {
            assert_eq!(state.next().contains(&RunState::Discarded), state.is_open(), "{state}");
        }
    }

    #[test]
    fn an_illegal_move_names_both_states_and_the_legal_ones() {
        let error = RunState::Stopped.check_move(RunState::Closed).expect_err("illegal");
        assert_eq!(
            error.to_string(),
            "A run cannot go from stopped to closed; from stopped it can go to running, completed, discarded"
        );
        let error = RunState::Closed.check_move(RunState::Running).expect_err("illegal");
        assert_eq!(error.to_string(), "A run cannot go from closed to running; closed is final");
    }
}
