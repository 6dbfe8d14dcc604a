//! File events, as wake-ups.

use super::{SysError, SysResult};
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecursiveMode, Watcher};
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
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Who looks because something changed would wake itself, for ever.
            if !event.is_ok_and(|event| is_look(event.kind)) {
                let _ = sender.send(());
            }
        });
        let watcher = watcher.map_err(|e| SysError::Other(format!("File events are not available: {e}")))?;
        Ok(Self { watcher, events })
    }

    /// Adds a directory (not what lies below it).
    pub fn add(&mut self, dir: &Path) -> SysResult<()> {
        let failed = |e| SysError::Other(format!("{} cannot be watched: {e}", dir.display()));
        self.watcher.watch(dir, RecursiveMode::NonRecursive).map_err(failed)
    }

    /// Waits for a change, at most `limit`; events that came together count as one.
    pub fn wait(&self, limit: Duration) -> bool {
        let woken = self.events.recv_timeout(limit).is_ok();
        while self.events.try_recv().is_ok() {}
        woken
    }
}

/// Whether something was only opened or read.
fn is_look(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(how) if how != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_look_wakes_nobody_and_a_change_does() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("signal.json");
        fs::write(&file, "{}").expect("a file");
        let mut watch = Watch::new().expect("file events");
        watch.add(dir.path()).expect("the directory can be watched");
        assert_eq!(fs::read_dir(dir.path()).expect("it can be listed").count(), 1);
        assert_eq!(fs::read(&file).expect("it can be read"), b"{}");
        assert!(!watch.wait(Duration::from_millis(300)), "a look woke the watcher");
        fs::rename(&file, dir.path().join("taken.json")).expect("it can be renamed");
        assert!(watch.wait(Duration::from_secs(10)), "a change did not wake the watcher");
    }
}
