//! One thing that a person is needed for, and what sort of thing it is.

use serde::Serialize;

/// What sort of thing a person is needed for: stable words, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// An agent asks a person, and waits.
    Question,
    /// A thread waits for a person.
    Waiting,
    /// A thread should have been answered by now.
    Escalated,
    /// The run failed.
    Failed,
    /// An agent ended badly, died, stalled, was never started, or left something undone.
    Unhealthy,
    /// An agent that has ended was not given the answer to its question yet.
    Undelivered,
    /// The run was stopped, or stopped before all its steps held.
    Stopped,
    /// A merge or close was stopped half way.
    HalfDone,
    /// The work is not shown to be what was asked for.
    Unvalidated,
    /// The work is done.
    Completed,
    /// Base has taken the work back.
    Reverted,
    /// A signal file was left alone.
    Signal,
    /// Something came in around the hooks.
    Bypass,
    /// A workspace is gone, or a part of it.
    Gone,
    /// The ticket's documents do not stand as they should.
    Docs,
    /// What was written down of the run cannot be trusted.
    Journal,
    /// A record of ours cannot be read.
    Unreadable,
    /// The records of a run are gone.
    Lost,
    /// Something could not be looked at.
    Unknown,
}

impl NeedKind {
    /// Every kind.
    pub const ALL: [Self; 19] = [
        Self::Question,
        Self::Waiting,
        Self::Escalated,
        Self::Failed,
        Self::Unhealthy,
        Self::Undelivered,
        Self::Stopped,
        Self::HalfDone,
        Self::Unvalidated,
        Self::Completed,
        Self::Reverted,
        Self::Signal,
        Self::Bypass,
        Self::Gone,
        Self::Docs,
        Self::Journal,
        Self::Unreadable,
        Self::Lost,
        Self::Unknown,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Waiting => "waiting",
            Self::Escalated => "escalated",
            Self::Failed => "failed",
            Self::Unhealthy => "unhealthy",
            Self::Undelivered => "undelivered",
            Self::Stopped => "stopped",
            Self::HalfDone => "half-done",
            Self::Unvalidated => "unvalidated",
            Self::Completed => "completed",
            Self::Reverted => "reverted",
            Self::Signal => "signal",
            Self::Bypass => "bypass",
            Self::Gone => "gone",
            Self::Docs => "docs",
            Self::Journal => "journal",
            Self::Unreadable => "unreadable",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl std::fmt::Display for NeedKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that a person is needed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// What sort of thing it is.
    pub kind: NeedKind,
    /// What it is about, beside its run: a thread, an agent, a path; empty where it is about the run itself. With the
    /// kind it says whether two needs are the same one, whatever their words.
    pub subject: String,
    /// What is the matter, a sentence.
    pub what: String,
    /// The command that goes on.
    pub command: String,
}

impl Need {
    /// One thing that a person is needed for.
    pub(super) fn new(
        kind: NeedKind,
        subject: impl Into<String>,
        what: impl Into<String>,
        command: String,
    ) -> Self {
        Self { kind, subject: subject.into(), what: what.into(), command }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_word_in_json_and_in_text() {
        for kind in NeedKind::ALL {
            assert_eq!(serde_json::json!(kind), kind.as_str());
            assert_eq!(kind.to_string(), kind.as_str());
            assert_eq!(NeedKind::parse(kind.as_str()), Some(kind));
        }
        let mut words: Vec<_> = NeedKind::ALL.iter().map(|kind| kind.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), NeedKind::ALL.len());
    }
}
