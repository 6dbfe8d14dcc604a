//! How the two copies of a ticket's documents stand to each other: the source in the control repository and the
//! workspace copy in the doc home, which is the truth while the run is open.

use super::{RepoName, TicketId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The format version of a doc-sync record.
pub const DOC_SYNC_FORMAT: u32 = 1;

/// The kind of a doc-sync record.
pub const DOC_SYNC_KIND: &str = "docs";

/// What is known of the documents of one ticket of an open run: the file `docs/<ticket>.toml` in the run's directory.
/// Only tickets whose documents were seeded (or found in the doc home already) have one. Field order is the order in
/// the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocSync {
    /// Format version, [`DOC_SYNC_FORMAT`].
    pub format: u32,
    /// Always [`DOC_SYNC_KIND`].
    pub kind: String,
    /// The ticket.
    pub ticket: TicketId,
    /// The doc home.
    pub repo: RepoName,
    /// The ticket's directory in the doc home, relative to its top, `/` between parts.
    pub dir: String,
    /// The ticket's directory in the control repository; empty where it has none, as for a ticket that was born on
    /// the run's branch.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// How far the last seeding or sync came.
    pub state: DocSyncState,
    /// The tree id that both copies last had in common; empty where they never had one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// The tree id of the workspace copy after the last seeding or sync.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// When that was.
    pub at: Timestamp,
    /// What the last failure said, one full sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// How far a seeding or a sync came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocSyncState {
    /// Begun; whoever finds it looks what holds.
    Pending,
    /// Done.
    Synced,
    /// Stopped; `error` says why.
    Failed,
}

/// How the two copies stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Both hold the same.
    InSync,
    /// Only the workspace copy has changed since they agreed.
    WorkspaceAhead,
    /// Only the source has changed since they agreed.
    SourceAhead,
    /// Both have changed, and not in the same way.
    Diverged,
}

impl Agreement {
    /// Compares tree ids: what both last had in common (`None`: never anything), the workspace copy, the source.
    /// `None` for a copy means that it is not there.
    pub fn of(base: Option<&str>, workspace: Option<&str>, source: Option<&str>) -> Self {
        if workspace == source {
            Self::InSync
        } else if source == base {
            Self::WorkspaceAhead
        } else if workspace == base {
            Self::SourceAhead
        } else {
            Self::Diverged
        }
    }

    /// The word of behaviour 8.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::WorkspaceAhead => "workspace-ahead",
            Self::SourceAhead => "source-ahead",
            Self::Diverged => "diverged",
        }
    }

    /// Whether a person should know: the source has something that the run does not see.
    pub fn is_warning(self) -> bool {
        matches!(self, Self::SourceAhead | Self::Diverged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_compared_with_what_they_last_had_in_common() {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        let cases = [
            ((a, a, a), "in-sync"),
            ((a, b, b), "in-sync"),
            ((a, b, a), "workspace-ahead"),
            ((a, a, b), "source-ahead"),
            ((a, b, c), "diverged"),
            ((None, a, None), "workspace-ahead"),
            ((None, None, a), "source-ahead"),
            ((None, a, b), "diverged"),
            ((a, None, a), "workspace-ahead"),
            ((a, b, None), "diverged"),
        ];
        for ((base, workspace, source), word) in cases {
            assert_eq!(
                Agreement::of(base, workspace, source).as_str(),
                word,
                "{base:?} {workspace:?} {source:?}"
            );
        }
    }
}
