//! Changes of live state as wake-ups: records, sessions, signals and threads of control repositories.

use super::watched::WatchedDirs;
use super::{Control, forum, signals};
use crate::git::Repository;
use crate::store::Entry;
use crate::sys::files;
use crate::sys::watch::Waker;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What comes within this time of a change belongs to it.
const TOGETHER: Duration = Duration::from_millis(50);

/// Waits for changes of the live state of control repositories. Looking at it wakes nobody.
#[derive(Debug)]
pub struct Changes {
    dirs: WatchedDirs,
}

impl Changes {
    /// Follows nothing yet.
    pub fn new() -> Self {
        Self { dirs: WatchedDirs::ignoring(is_noise) }
    }

    /// Follows the live directories of these control repositories: runs, the sessions and documents of each, the
    /// places where agents leave signals, and the forum; where one is missing, the nearest directory above it. To be
    /// called before each look, because new ones appear; what is followed already costs one question each.
    pub fn follow(&mut self, roots: &[PathBuf]) {
        self.dirs.sweep();
        for root in roots {
            // What is no repository (any more) is named by who looks.
            if let Ok(Some(repo)) = Repository::discover(root) {
                self.follow_control(&Control::of(repo).frozen());
            }
        }
    }

    /// Follows also what agents of open runs print, where they have no terminal.
    pub fn follow_logs(&mut self, roots: &[PathBuf]) {
        self.each_open(roots, |dirs, control, run| {
            dirs.add(control.store.session_dirs(&run.id).1);
        });
    }

    /// Follows also the commits and the index of the worktrees of open runs.
    pub fn follow_worktrees(&mut self, roots: &[PathBuf]) {
        self.each_open(roots, |dirs, _, run| {
            for tree in run.worktrees.iter().filter_map(|tree| tree.path.as_deref()) {
                if let Some(dir) = crate::git::private_dir(tree) {
                    dirs.add(dir);
                }
            }
        });
    }

    fn each_open(&mut self, roots: &[PathBuf], add: impl Fn(&mut WatchedDirs, &Control, &crate::model::Run)) {
        for root in roots {
            let Ok(Some(repo)) = Repository::discover(root) else { continue };
            let control = Control::of(repo).frozen();
            for run in control.store.open_runs().unwrap_or_default().iter().filter_map(Entry::run) {
                add(&mut self.dirs, &control, run);
            }
        }
    }

    fn follow_control(&mut self, control: &Control) {
        let runs = control.store.runs_dir();
        self.dirs.add_nearest(&runs);
        for run in files::names_in(&runs).unwrap_or_default() {
            let run = runs.join(run);
            if self.dirs.add(run.clone()) {
                // Where these are not there yet, the run's own directory tells of them.
                self.dirs.add(run.join("agents"));
                self.dirs.add(run.join("docs"));
            }
        }
        for entry in control.store.open_runs().unwrap_or_default() {
            let Some(run) = entry.run() else { continue };
            for root in run.tickets.iter().flat_map(|ticket| signals::roots(run, ticket)) {
                self.dirs.add_nearest(&root);
            }
        }
        forum::add_threads(&mut self.dirs, &control.store);
    }

    /// Waits for a change, at most `limit`; what comes shortly after the first is part of it.
    pub fn wait(&mut self, limit: Duration) -> bool {
        if !self.dirs.wait(limit) {
            return false;
        }
        let until = Instant::now() + TOGETHER;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.dirs.wait(left);
        }
        true
    }

    /// What ends a wait from another thread, as a change does.
    pub fn waker(&self) -> Waker {
        self.dirs.waker()
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}

/// What looking itself writes: the index of records, and locks. And half-written files, which are renamed in the end.
fn is_noise(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_ours = || path.parent().is_some_and(|dir| dir.ends_with("metawsm"));
    name.starts_with(files::TEMP_PREFIX)
        || name == "index.lock"
        || ((name.starts_with("index.db") || name == "locks") && is_ours())
}
