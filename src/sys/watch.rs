//! File events, as wake-ups.

use super::{SysError, SysResult};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecursiveMode, Watcher};
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
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_reading(&event)) {
                return;
            }
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

/// Whether somebody only read. Who looks because of an event would otherwise wake himself for ever.
fn is_reading(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_wakes_nobody_and_writing_does() {
        let dir = tempfile::tempdir().expect("temp");
        let file = dir.path().join("file");
        std::fs::write(&file, "x").expect("written");
        let mut watch = Watch::new().expect("a watch");
        watch.add(dir.path()).expect("watched");
        std::fs::read(&file).expect("read");
        std::fs::read_dir(dir.path()).expect("listed").for_each(drop);
        assert!(!watch.wait(Duration::from_millis(300)));
        std::fs::write(&file, "y").expect("written");
        assert!(watch.wait(Duration::from_secs(10)));
        while watch.wait(Duration::from_millis(300)) {}
        std::fs::rename(&file, dir.path().join("other")).expect("moved");
        assert!(watch.wait(Duration::from_secs(10)));
    }
}
