//! File events, as wake-ups.

use super::{SysError, SysResult};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Wakes a loop when something changes in the watched directories. That somebody looks into them wakes nobody: who is
/// woken looks, and would never sleep again.
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
            // An error may stand for an event that was lost.
            if event.map_or(true, |event| is_change(event.kind)) {
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

    /// Waits for an event, at most `limit`; events that came together count as one.
    pub fn wait(&self, limit: Duration) -> bool {
        let woken = self.events.recv_timeout(limit).is_ok();
        while self.events.try_recv().is_ok() {}
        woken
    }
}

fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(how) if how != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn a_change_wakes_and_a_look_does_not() {
        let dir = tempfile::tempdir().expect("temp");
        let file = dir.path().join("signal.json");
        let mut watch = Watch::new().expect("file events");
        watch.add(dir.path()).expect("watched");
        fs::write(&file, "{}").expect("write");
        assert!(watch.wait(SOON), "a new file");
        // What that write still has to tell comes before this.
        while watch.wait(Duration::from_millis(100)) {}
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1);
        assert_eq!(fs::read(&file).expect("read"), b"{}");
        assert!(!watch.wait(Duration::from_millis(300)), "nothing changed");
        fs::rename(&file, dir.path().join("moved.json")).expect("rename");
        assert!(watch.wait(SOON), "a move");
        fs::remove_file(dir.path().join("moved.json")).expect("remove");
        assert!(watch.wait(SOON), "a removal");
    }
}
