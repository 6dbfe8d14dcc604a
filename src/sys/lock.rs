//! Advisory file locks with a holder's note. A lock file is never unlinked; the kernel frees the lock when its
//! holder dies. Order of locks everywhere: run, repositories by path, thread, index.
//!
//! A git that the dead holder had started lives on, and still moves refs and files. So a holder that lets go strikes
//! its note out; a note that stands in a free lock is that of a holder that was killed, and as long as something works
//! that it had started ([`super::Cmd::awaited`]), the lock counts as held.

use super::{SysError, SysResult, clock, files, procs, random};
use crate::model::Child;
use fs2::FileExt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the children of a dead holder are waited for, by whoever waits at all: a checkout may take long.
const AFTER_DEATH: Duration = Duration::from_secs(120);

/// A held lock; dropped, it is free. No child inherits it (the file is opened close-on-exec).
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // In place, so that a full disk cannot keep it from being struck out.
        let _ = self.file.write_at(b"-", 0);
        // Not by closing alone: a child that another thread is just starting has a copy of the file until its program
        // runs, and would keep the lock for that moment.
        let _ = FileExt::unlock(&self.file);
    }
}

/// What stands in a held lock file, for messages only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: i32,
    /// When the process began, as `/proc` tells it.
    pub start: u64,
    /// What it does, such as `close`.
    pub command: String,
    /// Since when.
    pub since: Option<jiff::Timestamp>,
    /// Further words: the hash of a hold token.
    pub extra: String,
}

impl Holder {
    /// The holder for people.
    pub fn describe(&self) -> String {
        let age = self.since.map(|s| clock::now().as_second() - s.as_second());
        let age = age.map(|s| format!(" since {s} s")).unwrap_or_default();
        let gone = match self.is_alive() {
            true => "",
            false if is_left(self) => ", which is gone, and what it started still works",
            false => ", which has just ended",
        };
        format!("'{}' (process {}){age}{gone}", self.command, self.pid)
    }

    fn process(&self) -> Child {
        Child { pid: self.pid, start: self.start }
    }

    fn is_alive(&self) -> bool {
        procs::is_alive(self.process())
    }
}

/// Takes the lock, trying with jittered backoff until `wait` is over; `what` names what it protects and
/// `command` what we are about to do, both for messages; `extra` stands in the file beside them.
pub fn take(path: &Path, what: &str, command: &str, extra: &str, wait: Duration) -> SysResult<Lock> {
    let begun = Instant::now();
    let mut pause = 1;
    loop {
        if let Some(lock) = try_take(path, command, extra)? {
            return Ok(lock);
        }
        let left = !wait.is_zero() && holder(path).is_some_and(|h| !h.is_alive());
        let wait = if left { wait.max(AFTER_DEATH) } else { wait };
        if begun.elapsed() >= wait {
            let holder = present_holder(path).map_or_else(|| "another process".to_owned(), |h| h.describe());
            return Err(SysError::Busy { what: what.to_owned(), holder, waited: begun.elapsed().as_secs() });
        }
        let left = wait.saturating_sub(begun.elapsed());
        std::thread::sleep(Duration::from_millis(pause + random::below(pause)).min(left));
        pause = (pause * 2).min(100);
    }
}

/// What the one who has the lock now says of itself. It says so right after it took the lock: who looks in between
/// finds nothing, or the note of an earlier holder that is gone, and looks again for a moment.
fn present_holder(path: &Path) -> Option<Holder> {
    let mut found = holder(path);
    for _ in 0..20 {
        if found.as_ref().is_some_and(|h| h.is_alive() || is_left(h)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        found = holder(path).or(found);
    }
    found
}

/// Whether a holder was killed while something of its works on.
fn is_left(holder: &Holder) -> bool {
    !holder.is_alive() && !procs::awaited_of(holder.process()).is_empty()
}

/// Takes the lock if it is free.
pub fn try_take(path: &Path, command: &str, extra: &str) -> SysResult<Option<Lock>> {
    if let Some(dir) = path.parent() {
        files::ensure_dir(dir)?;
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|e| SysError::file("open", path, e))?;
    match file.try_lock_exclusive() {
        Ok(()) => {}
        Err(e) if e.raw_os_error() == fs2::lock_contended_error().raw_os_error() => return Ok(None),
        Err(e) => return Err(SysError::file("lock", path, e)),
    }
    if holder(path).is_some_and(|h| is_left(&h)) {
        return Ok(None);
    }
    let mut lock = Lock { file, path: path.to_owned() };
    lock.note(command, extra)?;
    Ok(Some(lock))
}

/// Whether somebody holds the lock now, and who: `None` where it is free or was never taken.
pub fn current_holder(path: &Path) -> Option<Holder> {
    let file = OpenOptions::new().read(true).open(path).ok()?;
    for _ in 0..20 {
        if FileExt::try_lock_shared(&file).is_ok() {
            return None;
        }
        // A note of one that is gone: the lock is just being taken or let go.
        match holder(path) {
            Some(found) if found.is_alive() || is_left(&found) => return Some(found),
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    holder(path)
}

/// What the file says of its last holder, whether it is held or not.
pub fn holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.take(4096).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    Some(Holder {
        // What was struck out reads as a negative number.
        pid: lines.next()?.parse().ok().filter(|pid| *pid > 0)?,
        since: lines.next()?.parse().ok(),
        command: lines.next()?.to_owned(),
        extra: lines.next().unwrap_or_default().to_owned(),
        start: lines.next()?.parse().ok()?,
    })
}

impl Lock {
    fn note(&mut self, command: &str, extra: &str) -> SysResult<()> {
        let Child { pid, start } = procs::own();
        let text = format!("{pid}\n{}\n{command}\n{extra}\n{start}\n", clock::now());
        let mut write = || {
            // In this order there is a note at every moment; readers take the first lines only.
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(text.as_bytes())?;
            self.file.set_len(text.len() as u64)
        };
        // The note serves messages only: a full disk must not keep us from locking.
        match write() {
            Err(e) if e.raw_os_error() != Some(nix::errno::Errno::ENOSPC as i32) => {
                Err(SysError::file("write", &self.path, e))
            }
            _ => Ok(()),
        }
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Cmd, env};

    #[test]
    fn a_held_lock_names_its_holder_and_is_free_when_dropped() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("locks/a.lock");
        let lock = take(&path, "run a", "close", "", Duration::ZERO).expect("free");
        let error = take(&path, "run a", "stop", "", Duration::from_millis(20)).expect_err("held");
        assert!(error.to_string().starts_with("run a is in use by 'close' (process "), "{error}");
        assert!(current_holder(&path).is_some());
        drop(lock);
        assert!(current_holder(&path).is_none() && holder(&path).is_none(), "its note is struck out");
        take(&path, "run a", "stop", "", Duration::ZERO).expect("free again");
    }

    #[test]
    fn a_holder_that_has_just_ended_is_not_said_to_have_left_something_at_work() {
        let seen = Holder {
            pid: 999_999_999,
            start: 1,
            command: "settle".to_owned(),
            since: None,
            extra: String::new(),
        };
        assert_eq!(seen.describe(), "'settle' (process 999999999), which has just ended");
    }

    #[test]
    fn a_lock_that_was_let_go_is_free_though_a_copy_of_its_file_is_open() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("a.lock");
        let lock = take(&path, "run a", "close", "", Duration::ZERO).expect("free");
        // What a child has between its birth and the start of its program.
        let copy = lock.file.try_clone().expect("a copy");
        drop(lock);
        assert!(current_holder(&path).is_none());
        take(&path, "run a", "stop", "", Duration::ZERO).expect("free");
        drop(copy);
    }

    #[test]
    fn the_note_of_a_holder_that_is_gone_is_not_taken_for_the_present_one() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("a.lock");
        let gone = files::write_atomic(&path, b"999999999\n2026-01-01T00:00:00Z\nold\n\n1\n");
        gone.expect("an old note");
        let file = OpenOptions::new().read(true).write(true).open(&path).expect("open");
        file.try_lock_exclusive().expect("free");
        let mut lock = Lock { file, path: path.clone() };
        let error = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| take(&path, "run a", "stop", "", Duration::ZERO).expect_err("held"));
            lock.note("new", "").expect("written");
            waiting.join().expect("no panic")
        });
        assert!(error.to_string().starts_with("run a is in use by 'new' (process "), "{error}");
    }

    #[test]
    fn a_lock_whose_holder_was_killed_is_held_until_what_it_started_has_ended() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("a.lock");
        let gone = Child { pid: 999_999_999, start: 1 };
        let note = format!("{}\n2026-01-01T00:00:00Z\nclose\n\n{}\n", gone.pid, gone.start);
        files::write_atomic(&path, note.as_bytes()).expect("the note of a killed holder");
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("fifo");
        let child = Cmd::new("sh").args(["-c", &format!("read -r line < {}", fifo.display())]);
        let child = child.env(env::STARTER, procs::mark_of(gone));
        let (sender, started) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                child.output_watched(&mut |process| sender.send(process).expect("heard")).expect("it ends")
            });
            started.recv().expect("it starts");
            assert!(try_take(&path, "stop", "").expect("no error").is_none());
            let error = take(&path, "run a", "stop", "", Duration::ZERO).expect_err("held");
            assert!(error.to_string().contains("which is gone"), "{error}");
            let waiting = scope.spawn(|| take(&path, "run a", "stop", "", Duration::from_millis(1)));
            std::fs::write(&fifo, "go\n").expect("it reads");
            waiting.join().expect("no panic").expect("free once it has ended");
        });
    }
}
