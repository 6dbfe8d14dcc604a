//! One result of a sweep: a run, or a record that cannot be used and is named instead.

use super::StoreError;
use crate::model::Run;

/// One result of a sweep: the run whole, or as a [`super::Summary`]. A broken or newer record never hides the others.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<T = Run> {
    /// A record that was read; its format may be newer than ours, then it is never written.
    Run(Box<T>),
    /// A record that cannot be used.
    Broken {
        /// The name of its directory or file: the run's id unless somebody renamed it.
        id: String,
        /// Why, as a sentence.
        why: String,
        /// Whether a newer version wrote it.
        newer: bool,
    },
}

impl<T> Entry<T> {
    /// The run, where the record could be read.
    pub fn run(&self) -> Option<&T> {
        match self {
            Self::Run(run) => Some(run),
            Self::Broken { .. } => None,
        }
    }

    /// The run itself, where the record could be read.
    pub fn into_run(self) -> Option<T> {
        match self {
            Self::Run(run) => Some(*run),
            Self::Broken { .. } => None,
        }
    }

    pub(super) fn broken(id: &str, error: &StoreError) -> Self {
        Self::Broken { id: id.to_owned(), why: error.to_string(), newer: error.is_newer() }
    }
}

impl Entry {
    /// The run's id, or the name of the record that should hold it.
    pub fn id(&self) -> &str {
        match self {
            Self::Run(run) => run.id.as_str(),
            Self::Broken { id, .. } => id,
        }
    }

    /// Newest first; what cannot be dated comes last, by name.
    pub(super) fn newest_first(entries: &mut [Self]) {
        entries.sort_by(|a, b| {
            let created = |e: &Self| e.run().map(|r| r.created);
            created(b).cmp(&created(a)).then_with(|| b.id().cmp(a.id()))
        });
    }
}
