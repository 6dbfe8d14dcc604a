//! File events, as wake-ups; where the system has no more of them to give, a look now and then.

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

/// How often directories without events are looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// Wakes a loop when something changes in the watched directories.
#[derive(Debug)]
pub struct Watch {
    /// `None` where the system refuses: a user may have 128 on Linux, and a hundred agents watch.
    watcher: Option<RecommendedWatcher>,
    events: Receiver<()>,
    /// Directories without events, as they were at the last look.
    looked_at: Vec<(PathBuf, Vec<Entry>)>,
}

/// What of a directory's entry changes when it does.
type Entry = (std::ffi::OsString, u64, Option<SystemTime>);

impl Watch {
    /// A watch over nothing yet.
    pub fn new() -> Self {
        let (sender, events) = channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Who looks because something changed would wake itself, for ever.
            if !event.is_ok_and(|event| is_look(event.kind)) {
                let _ = sender.send(());
            }
        });
        Self { watcher: watcher.ok(), events, looked_at: Vec::new() }
    }

    /// A watch that has no events.
    #[cfg(test)]
    fn without_events() -> Self {
        Self { watcher: None, events: channel().1, looked_at: Vec::new() }
    }

    /// Adds a directory (not what lies below it).
    pub fn add(&mut self, dir: &Path) {
        let watched = self.watcher.as_mut().map(|w| w.watch(dir, RecursiveMode::NonRecursive));
        if !matches!(watched, Some(Ok(()))) {
            self.looked_at.push((dir.to_owned(), entries(dir)));
        }
    }

    /// Waits for a change, at most `limit`; events that came together count as one.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let begun = Instant::now();
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            let pause = if self.looked_at.is_empty() { left } else { left.min(PAUSE) };
            let mut woken = false;
            if self.watcher.is_some() {
                woken = self.events.recv_timeout(pause).is_ok();
                while self.events.try_recv().is_ok() {}
            } else {
                std::thread::sleep(pause);
            }
            for (dir, before) in &mut self.looked_at {
                let now = entries(dir);
                woken |= now != *before;
                *before = now;
            }
            if woken || begun.elapsed() >= limit {
                return woken;
            }
        }
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

fn entries(dir: &Path) -> Vec<Entry> {
    let read = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<_> = read
        .map(|entry| {
            let meta = entry.metadata().ok();
            let length = meta.as_ref().map_or(0, fs::Metadata::len);
            (entry.file_name(), length, meta.and_then(|m| m.modified().ok()))
        })
        .collect();
    all.sort();
    all
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
        for mut watch in [Watch::new(), Watch::without_events()] {
            a_change_wakes(&mut watch);
        }
    }

    fn a_change_wakes(watch: &mut Watch) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("signal.json");
        fs::write(&file, "{}").expect("a file");
        watch.add(dir.path());
        assert_eq!(fs::read_dir(dir.path()).expect("it can be listed").count(), 1);
        assert_eq!(fs::read(&file).expect("it can be read"), b"{}");
        assert!(!watch.wait(Duration::from_millis(300)), "a look woke the watcher");
        fs::rename(&file, dir.path().join("taken.json")).expect("it can be renamed");
        assert!(watch.wait(Duration::from_secs(10)), "a change did not wake the watcher");
        while watch.wait(Duration::from_millis(300)) {}
        fs::write(dir.path().join("taken.json"), "{ }").expect("it can be written in place");
        assert!(watch.wait(Duration::from_secs(10)), "a change in place did not wake the watcher");
    }
}
