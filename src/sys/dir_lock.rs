//! A lock on a directory itself, without a file in it: what other programs that write there agree on.

use super::{SysError, SysResult, random};
use fs2::FileExt;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// A held lock; dropped, it is free. No child inherits it.
#[derive(Debug)]
pub struct DirLock(File);

impl Drop for DirLock {
    fn drop(&mut self) {
        let _ = FileExt::unlock(&self.0);
    }
}

/// Takes the exclusive `flock` of a directory, waiting for whoever has it; `what` names the directory for messages.
/// `None` where the file system knows no such locks: then the others have none either.
pub fn take(dir: &Path, what: &str, wait: Duration) -> SysResult<Option<DirLock>> {
    let flags = (nix::fcntl::OFlag::O_DIRECTORY | nix::fcntl::OFlag::O_NOFOLLOW).bits();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(dir);
    let file = file.map_err(|e| SysError::file("open", dir, e))?;
    let begun = Instant::now();
    loop {
        match file.try_lock_exclusive() {
            Ok(()) => return Ok(Some(DirLock(file))),
            Err(e) if e.raw_os_error() != fs2::lock_contended_error().raw_os_error() => return Ok(None),
            Err(_) => {}
        }
        if begun.elapsed() >= wait {
            let holder = "another program that writes there".to_owned();
            return Err(SysError::Busy { what: what.to_owned(), holder, waited: begun.elapsed().as_secs() });
        }
        std::thread::sleep(Duration::from_millis(5 + random::below(20)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_locked_by_one_at_a_time_and_keeps_its_content() {
        let dir = tempfile::tempdir().expect("temp");
        let lock = take(dir.path(), "the ticket A", Duration::ZERO).expect("free");
        let error = take(dir.path(), "the ticket A", Duration::from_millis(20)).expect_err("held");
        assert!(error.to_string().starts_with("the ticket A is in use by another program"), "{error}");
        drop(lock);
        take(dir.path(), "the ticket A", Duration::ZERO).expect("free again");
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 0);
    }

    #[test]
    fn the_lock_is_the_one_that_flock_takes() {
        let dir = tempfile::tempdir().expect("temp");
        let lock = take(dir.path(), "it", Duration::ZERO).expect("free");
        let flock = |wait: &str| {
            let cmd = super::super::Cmd::new("flock").args(["--exclusive", wait, "0"]).arg(dir.path());
            cmd.arg("true").output().map(|o| o.exit.is_ok())
        };
        // Where the program is not installed there is nothing to compare with.
        let Ok(taken) = flock("--wait") else { return };
        assert!(!taken);
        drop(lock);
        assert_eq!(flock("--wait").ok(), Some(true));
    }
}
