//! Private copies of files that another program may be writing just now: a place for them, the copying, and who writes.

use super::foreign::Mark;
use super::{SysError, SysResult, files, procs, random};
use crate::model::Child;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const PREFIX: &str = "git-metawsm-";

/// A directory that only this user can look into; it goes when dropped. Those of killed processes go when the next one
/// is made.
#[derive(Debug)]
pub struct PrivateDir {
    path: PathBuf,
}

impl PrivateDir {
    /// Makes one where temporary files belong (`TMPDIR`).
    pub fn make() -> SysResult<Self> {
        let all = std::env::temp_dir();
        sweep(&all);
        let own = procs::own();
        let path = all.join(format!("{PREFIX}{}-{}-{}", own.pid, own.start, random::base32(8)));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|e| SysError::file("make", &path, e))?;
        Ok(Self { path })
    }

    /// A place in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        let _ = files::remove_tree(&self.path);
    }
}

/// Removes what killed processes of this user left; what cannot be removed stays for the next time.
fn sweep(all: &Path) {
    for name in files::names_in(all).unwrap_or_default() {
        let Some(owner) = owner(&name).filter(|owner| !procs::is_alive(*owner)) else { continue };
        let dir = all.join(&name);
        let is_ours = |meta: std::fs::Metadata| meta.is_dir() && meta.uid() == super::env::user_id();
        if owner.pid > 0 && dir.symlink_metadata().is_ok_and(is_ours) {
            let _ = files::remove_tree(&dir);
        }
    }
}

fn owner(name: &str) -> Option<Child> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    Some(Child { pid: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? })
}

fn open_regular(path: &Path) -> SysResult<Option<File>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let file = match open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(nix::errno::Errno::ENOENT | nix::errno::Errno::ENOTDIR) => return Ok(None),
        Err(nix::errno::Errno::ENXIO) => return Err(irregular(path)),
        Err(e) => return Err(SysError::file("read", path, e.into())),
    };
    let meta = file.metadata().map_err(|e| SysError::file("read", path, e))?;
    if meta.is_file() { Ok(Some(file)) } else { Err(irregular(path)) }
}

fn irregular(path: &Path) -> SysError {
    SysError::Foreign { path: path.to_owned(), why: "it is not a regular file".to_owned() }
}

/// What tells whether a regular file was written since; `None` where it is not there.
pub fn mark(path: &Path) -> SysResult<Option<Mark>> {
    let Some(file) = open_regular(path)? else { return Ok(None) };
    file.metadata().map(|meta| Some(Mark::of(&meta))).map_err(|e| SysError::file("read", path, e))
}

/// Copies a regular file of at most `cap` bytes to a new one that only this user can read; `false` where it is not
/// there. The copy need not outlive a power cut.
pub fn copy(from: &Path, to: &Path, cap: u64) -> SysResult<bool> {
    let Some(file) = open_regular(from)? else { return Ok(false) };
    let failed = |e| SysError::file("copy", from, e);
    let length = file.metadata().map_err(failed)?.len();
    if length > cap {
        let why = format!("it has {length} bytes, and at most {cap} are taken");
        return Err(SysError::Foreign { path: from.to_owned(), why });
    }
    let mut new =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(to).map_err(failed)?;
    io::copy(&mut io::Read::take(file, cap), &mut new).map_err(failed)?;
    Ok(true)
}

/// The process that holds a lock on these bytes of a file which keeps readers out; `None` where nobody does, or the
/// file is not there.
pub fn writer_of(path: &Path, first: i64, count: i64) -> SysResult<Option<i32>> {
    let Some(file) = open_regular(path)? else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "the constants are small, whatever their type")]
    let mut wanted = libc::flock {
        l_type: libc::F_RDLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: first,
        l_len: count,
        l_pid: 0,
    };
    // A lock of our own does not count, and closing the file frees none: we hold none on it.
    fcntl(&file, FcntlArg::F_GETLK(&mut wanted)).map_err(|e| SysError::file("look at", path, e.into()))?;
    let is_free = libc::c_int::from(wanted.l_type) == libc::F_UNLCK;
    Ok((!is_free).then_some(wanted.l_pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_not_ours_stays() {
        let all = tempfile::tempdir().expect("temp");
        let dead = all.path().join(format!("{PREFIX}999999999-1-abc"));
        let other = all.path().join(format!("{PREFIX}notes"));
        fs::create_dir(&dead).expect("made");
        fs::create_dir(&other).expect("made");
        sweep(all.path());
        assert!(!dead.exists() && other.exists());
    }

    #[test]
    fn a_private_directory_is_closed_to_others_and_goes_with_its_owner() {
        let dir = PrivateDir::make().expect("made");
        let place = dir.join("x");
        let top = place.parent().expect("a directory").to_owned();
        assert_eq!(top.metadata().expect("there").mode() & 0o777, 0o700);
        fs::write(&place, "x").expect("written");
        drop(dir);
        assert!(!top.exists());
    }

    #[test]
    fn only_regular_files_of_a_bearable_size_are_copied() {
        let temp = tempfile::tempdir().expect("temp");
        let (from, to) = (temp.path().join("a"), temp.path().join("b"));
        assert!(!copy(&from, &to, 9).expect("not there"));
        fs::write(&from, "0123456789").expect("written");
        let error = copy(&from, &to, 9).expect_err("too large");
        assert!(error.to_string().contains("it has 10 bytes, and at most 9 are taken"), "{error}");
        assert!(copy(&from, &to, 10).expect("copied"));
        assert_eq!(fs::read_to_string(&to).expect("read"), "0123456789");
        let before = mark(&from).expect("marked");
        fs::write(&from, "0123456789x").expect("written");
        assert_ne!(mark(&from).expect("marked"), before);
        let error = copy(temp.path(), &to, 9).expect_err("a directory");
        assert!(error.to_string().contains("it is not a regular file"), "{error}");
    }

    #[test]
    fn nobody_writes_a_file_that_nobody_has_locked() {
        let temp = tempfile::tempdir().expect("temp");
        let file = temp.path().join("a");
        assert_eq!(writer_of(&file, 0, 10).expect("asked"), None);
        fs::write(&file, "x").expect("written");
        assert_eq!(writer_of(&file, 0, 10).expect("asked"), None);
    }
}
