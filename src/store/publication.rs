//! Whether base holds a decided run's record: the file `publication` in its directory.

use super::live::Store;
use super::{StoreResult, journal};
use crate::model::{Run, RunId};
use crate::sys::files;
use std::path::{Path, PathBuf};

/// The marker's file in a run's directory.
pub(super) const FILE: &str = "publication";

/// Whether base holds a run's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// Not yet, as far as we know.
    Pending,
    /// By this commit; empty where it was not noted.
    Done(String),
}

impl Publication {
    /// Reads the marker of a run's directory; none says pending.
    pub(super) fn load(dir: &Path) -> StoreResult<Self> {
        let text = files::find_text(&dir.join(FILE))?.unwrap_or_default();
        let text = text.trim();
        let commit = text.strip_prefix("done:").or_else(|| (text == "done").then_some(""));
        Ok(commit.map_or(Self::Pending, |c| Self::Done(c.trim().to_owned())))
    }

    pub(super) fn save(&self, dir: &Path) -> StoreResult<()> {
        let text = match self {
            Self::Pending => "pending\n".to_owned(),
            Self::Done(commit) => format!("done:{commit}\n"),
        };
        Ok(files::write_atomic(&dir.join(FILE), text.as_bytes())?)
    }
}

impl Store {
    /// The file that says what a publication of threads is about to move, while it is under way.
    pub fn publication_intent_path(&self) -> PathBuf {
        self.dir().join("publication.toml")
    }

    /// Its text; `None` where none is under way.
    pub fn publication_intent(&self) -> StoreResult<Option<String>> {
        Ok(files::find_text(&self.publication_intent_path())?)
    }

    /// Writes it down; once this returns it survives a power cut. The caller holds the repository's lock.
    pub fn save_publication_intent(&self, text: &str) -> StoreResult<()> {
        Ok(files::write_atomic(&self.publication_intent_path(), text.as_bytes())?)
    }

    /// Forgets it: nothing is under way any more.
    pub fn forget_publication_intent(&self) -> StoreResult<()> {
        Ok(files::remove_durable(&self.publication_intent_path())?)
    }

    /// Whether base holds the run's record, as its marker says; `None` where there is no such run.
    pub fn publication(&self, id: &RunId) -> StoreResult<Option<Publication>> {
        self.place_of(id).map(|dir| Publication::load(&dir)).transpose()
    }

    /// The decided runs whose record base does not hold as far as we know, oldest first, so that they are
    /// published in the order in which they were made. Records that cannot be read are not among them;
    /// [`Store::each_closed`] names them.
    pub fn pending_publication(&self) -> StoreResult<Vec<Run>> {
        let mut pending = Vec::new();
        for id in self.closed_ids()? {
            if self.publication(&id)? == Some(Publication::Pending) {
                pending.extend(self.find_run(&id).ok().flatten());
            }
        }
        pending.sort_by(|a, b| a.created.cmp(&b.created).then_with(|| a.id.cmp(&b.id)));
        Ok(pending)
    }

    /// The hash of the journal's last line, as it stands in receipts; `None` where there is no such run.
    pub fn journal_hash(&self, id: &RunId) -> StoreResult<Option<String>> {
        self.place_of(id).map(|dir| journal::last_hash(&dir)).transpose()
    }
}
