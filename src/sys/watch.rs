//! File events, as wake-ups; where the system has no more of them to give, a look now and then.

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

/// How often directories without events are looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// Wakes a loop when something changes in the watched directories.
#[derive(Debug)]
pub struct Watch {
    /// `None` where the system refuses: a user may have 128 on Linux, and a hundred agents watch.
    watcher: Option<RecommendedWatcher>,
    sender: Sender<()>,
    events: Receiver<()>,
    /// Whose changes wake nobody.
    is_noise: Noise,
    /// Directories without events, as they were at the last look.
    looked_at: Vec<(PathBuf, Vec<Entry>)>,
}

/// Tells paths whose changes wake nobody.
type Noise = fn(&Path) -> bool;

/// What of a directory's entry changes when it does.
type Entry = (std::ffi::OsString, u64, Option<SystemTime>);

/// Wakes who waits in a [`Watch`], from another thread.
#[derive(Debug, Clone)]
pub struct Waker(Sender<()>);

impl Waker {
    /// Ends the present or the next wait.
    pub fn wake(&self) {
        // Nobody waits any more: then there is nobody to wake.
        let _ = self.0.send(());
    }
}

impl Watch {
    /// A watch over nothing yet.
    pub fn new() -> Self {
        Self::ignoring(|_| false)
    }

    /// As [`Watch::new`]; changes of paths that are noise wake nobody.
    pub fn ignoring(is_noise: Noise) -> Self {
        let (sender, events) = channel();
        let woken = sender.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Who looks because something changed would wake itself, for ever.
            let is_nothing = |event: notify::Event| {
                is_look(event.kind)
                    || (!event.paths.is_empty() && event.paths.iter().all(|path| is_noise(path)))
            };
            if !event.is_ok_and(is_nothing) {
                let _ = woken.send(());
            }
        });
        Self { watcher: watcher.ok(), sender, events, is_noise, looked_at: Vec::new() }
    }

    /// A watch that has no events.
    #[cfg(test)]
    fn without_events(is_noise: Noise) -> Self {
        let (sender, events) = channel();
        Self { watcher: None, sender, events, is_noise, looked_at: Vec::new() }
    }

    /// What wakes who waits here, from another thread.
    pub fn waker(&self) -> Waker {
        Waker(self.sender.clone())
    }

    /// Adds a directory (not what lies below it).
    pub fn add(&mut self, dir: &Path) {
        let watched = self.watcher.as_mut().map(|w| w.watch(dir, RecursiveMode::NonRecursive));
        if !matches!(watched, Some(Ok(()))) {
            self.looked_at.push((dir.to_owned(), entries(dir, self.is_noise)));
        }
    }

    /// Forgets a directory.
    pub fn remove(&mut self, dir: &Path) {
        // One that is gone was forgotten by the system already.
        let _ = self.watcher.as_mut().map(|w| w.unwatch(dir));
        self.looked_at.retain(|(looked_at, _)| looked_at != dir);
    }

    /// Waits for a change, at most `limit`; events that came together count as one.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let begun = Instant::now();
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            let pause = if self.looked_at.is_empty() { left } else { left.min(PAUSE) };
            let mut woken = self.events.recv_timeout(pause).is_ok();
            while self.events.try_recv().is_ok() {}
            for (dir, before) in &mut self.looked_at {
                let now = entries(dir, self.is_noise);
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

fn entries(dir: &Path, is_noise: Noise) -> Vec<Entry> {
    let read = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<_> = read
        .filter(|entry| !is_noise(&entry.path()))
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
        for mut watch in [Watch::new(), Watch::without_events(|_| false)] {
            a_change_wakes(&mut watch);
        }
    }

    #[test]
    fn noise_wakes_nobody_and_a_waker_does() {
        let is_noise: Noise = |path| path.file_name().is_some_and(|name| name == "index.db");
        for mut watch in [Watch::ignoring(is_noise), Watch::without_events(is_noise)] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            watch.add(dir.path());
            fs::write(dir.path().join("index.db"), "1").expect("a file");
            assert!(!watch.wait(Duration::from_millis(300)), "noise woke the watcher");
            watch.waker().wake();
            assert!(watch.wait(Duration::from_secs(10)), "the waker woke nobody");
            watch.remove(dir.path());
            while watch.wait(Duration::from_millis(300)) {}
            fs::write(dir.path().join("run.toml"), "1").expect("a file");
            assert!(!watch.wait(Duration::from_millis(300)), "a forgotten directory woke the watcher");
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
