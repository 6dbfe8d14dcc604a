//! File events, as wake-ups.

use super::{SysError, SysResult};
use notify::{RecursiveMode, Watcher};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Wakes a loop when something changes in the watched directories.
#[derive(Debug)]
pub struct Watch {
    watcher: notify::RecommendedWatcher,
    events: Receiver<()>,
}

impl Watch {
    /// A watch over nothing yet.
    pub fn new() -> SysResult<Self> {
        let (sender, events) = channel();
        let watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
            let _ = sender.send(());
        });
        let watcher = watcher.map_err(|e| SysError::Other(format!("File events are not available: {e}")))?;
        Ok(Self { watcher, events })
    }

    /// Adds a directory (not what lies below it).
    pub fn add(&mut self, dir: &Path) -> SysResult<()> {
        let failed = |e| SysError::Other(format!("{} cannot be watched: {e}", dir.display()));
        self.watcher.watch(dir, RecursiveMode::NonRecursive).map_err(failed)
    }

    /// Waits for an event, at most `limit`; events that came together count as one.
    pub fn wait(&self, limit: Duration) -> bool {
        let woken = self.events.recv_timeout(limit).is_ok();
        while self.events.try_recv().is_ok() {}
        woken
    }
}
