//! The directories that somebody watches: each once, those that were made anew once more.

use crate::sys::watch::{Waker, Watch};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What tells a directory from another one of the same name.
type Mark = (u64, u64, Option<SystemTime>);

/// A watch, and the directories that it is over.
#[derive(Debug, Default)]
pub(super) struct WatchedDirs {
    watch: Watch,
    known: BTreeMap<PathBuf, Mark>,
}

impl WatchedDirs {
    /// Watches nothing yet; changes of paths that are noise wake nobody.
    pub fn ignoring(is_noise: fn(&Path) -> bool) -> Self {
        Self { watch: Watch::ignoring(is_noise), known: BTreeMap::new() }
    }

    /// Watches a directory; what is none is passed over, and says so.
    pub fn add(&mut self, dir: PathBuf) -> bool {
        if self.known.contains_key(&dir) {
            return true;
        }
        let Some(mark) = mark(&dir) else { return false };
        self.watch.add(&dir);
        self.known.insert(dir, mark);
        true
    }

    /// Watches a directory, or, where it is not there, the nearest one above it that is.
    pub fn add_nearest(&mut self, dir: &Path) {
        let _ = dir.ancestors().any(|dir| self.add(dir.to_owned()));
    }

    /// Forgets what is gone: what is made anew under its name is another directory, which nobody watches yet.
    pub fn sweep(&mut self) {
        let gone: Vec<_> = self
            .known
            .iter()
            .filter(|(dir, known)| mark(dir) != Some(**known))
            .map(|(dir, _)| dir.clone())
            .collect();
        for dir in gone {
            self.watch.remove(&dir);
            self.known.remove(&dir);
        }
    }

    /// Waits for a change, at most `limit`.
    pub fn wait(&mut self, limit: Duration) -> bool {
        self.watch.wait(limit)
    }

    /// What ends the wait, from another thread.
    pub fn waker(&self) -> Waker {
        self.watch.waker()
    }
}

/// The number of a directory is given to another one once it is gone; the time of its birth is not.
fn mark(dir: &Path) -> Option<Mark> {
    use std::os::unix::fs::MetadataExt;
    let meta = dir.symlink_metadata().ok().filter(std::fs::Metadata::is_dir)?;
    Some((meta.dev(), meta.ino(), meta.created().ok()))
}
