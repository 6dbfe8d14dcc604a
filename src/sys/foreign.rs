//! Files that others write while we look: listed without end, read whole or not at all, moved only as they were read.

use super::files::{ensure_dir, sync_dir};
use super::{SysError, SysResult};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells a file from one that took its place, or that was written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Mark {
    pub(super) fn of(meta: &Metadata) -> Self {
        let modified = (meta.mtime(), meta.mtime_nsec());
        Self { device: meta.dev(), inode: meta.ino(), size: meta.size(), modified }
    }

    /// When it was last written, in seconds and nanoseconds since 1970.
    pub fn modified(&self) -> (i64, i64) {
        self.modified
    }
}

/// A foreign file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Which file it was.
    pub mark: Mark,
}

/// Reads a file that somebody else may have written: a regular file (links are not followed, a pipe does not block) of
/// at most `cap` bytes. `None` where it is not there.
pub fn find(path: &Path, cap: u64) -> SysResult<Option<Foreign>> {
    let refuse = |why: String| Err(SysError::Foreign { path: path.to_owned(), why });
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let file = match open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(nix::errno::Errno::ENOENT | nix::errno::Errno::ENOTDIR) => return Ok(None),
        Err(nix::errno::Errno::ELOOP) => return refuse("it is a symbolic link".to_owned()),
        // What a socket says to whoever opens it.
        Err(nix::errno::Errno::ENXIO) => return refuse("it is not a regular file".to_owned()),
        Err(e) => return Err(SysError::file("read", path, e.into())),
    };
    let meta = file.metadata().map_err(|e| SysError::file("read", path, e))?;
    if !meta.is_file() {
        return refuse("it is not a regular file".to_owned());
    }
    if meta.nlink() > 1 {
        return refuse("it has more than one name (hard links)".to_owned());
    }
    if meta.len() > cap {
        return refuse(format!("it has {} bytes, and at most {cap} are taken", meta.len()));
    }
    // Room for one byte more than there should be: the end is seen without a further look for room.
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
    file.take(cap + 1).read_to_end(&mut bytes).map_err(|e| SysError::file("read", path, e))?;
    if bytes.len() as u64 > cap {
        return refuse(format!("it grew over {cap} bytes while it was read"));
    }
    Ok(Some(Foreign { bytes, mark: Mark::of(&meta) }))
}

/// The names in a directory, sorted, and whether there are more than `cap`; empty where it is not there.
pub fn names(dir: &Path, cap: usize) -> SysResult<(Vec<OsString>, bool)> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
        Err(e) => return Err(SysError::file("list", dir, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        if names.len() == cap {
            return Ok((names, true));
        }
        names.push(entry.map_err(|e| SysError::file("list", dir, e))?.file_name());
    }
    names.sort();
    Ok((names, false))
}

/// What became of a file that was to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It lies at the new place.
    Done,
    /// It was not there any more.
    Gone,
    /// Another one had taken its place, or it was written again; that one was left where it is.
    Replaced,
}

/// Moves a file, durably, if it still is the one that was read.
pub fn move_marked(from: &Path, mark: &Mark, to: &Path) -> SysResult<Moved> {
    match is_same(from, mark)? {
        None => return Ok(Moved::Gone),
        Some(false) => return Ok(Moved::Replaced),
        Some(true) => {}
    }
    let dir = to.parent().unwrap_or(Path::new("."));
    ensure_dir(dir)?;
    match fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Moved::Gone),
        moved => moved.map_err(|e| SysError::file("move", from, e))?,
    }
    // Somebody may have come between the look and the move.
    if is_same(to, mark)? == Some(false) && put_back(to, from) {
        return Ok(Moved::Replaced);
    }
    sync_dir(dir)?;
    sync_dir(from.parent().unwrap_or(Path::new(".")))?;
    Ok(Moved::Done)
}

fn is_same(path: &Path, mark: &Mark) -> SysResult<Option<bool>> {
    match path.symlink_metadata() {
        Ok(meta) => Ok(Some(Mark::of(&meta) == *mark)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(SysError::file("read", path, e)),
    }
}

/// Puts back what was moved by mistake; `false` where its place is taken again, and its writer has replaced it so.
fn put_back(from: &Path, to: &Path) -> bool {
    if from.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        // A directory never replaces a file, nor one that holds something.
        return fs::rename(from, to).is_ok();
    }
    fs::hard_link(from, to).is_ok() && fs::remove_file(from).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_that_was_read_is_moved() {
        let dir = tempfile::tempdir().expect("temp");
        let (from, to) = (dir.path().join("a"), dir.path().join("seen/a"));
        fs::write(&from, "one").expect("write");
        let read = find(&from, 10).expect("read").expect("there");
        assert_eq!(read.bytes, b"one");
        fs::write(dir.path().join("b"), "two").expect("write");
        fs::rename(dir.path().join("b"), &from).expect("replaced");
        assert_eq!(move_marked(&from, &read.mark, &to).expect("look"), Moved::Replaced);
        assert_eq!(fs::read(&from).expect("left"), b"two");
        let read = find(&from, 10).expect("read").expect("there");
        assert_eq!(move_marked(&from, &read.mark, &to).expect("move"), Moved::Done);
        assert_eq!(move_marked(&from, &read.mark, &to).expect("look"), Moved::Gone);
        assert_eq!(fs::read(&to).expect("moved"), b"two");
    }

    #[test]
    fn what_was_moved_by_mistake_goes_back_unless_its_place_is_taken() {
        let dir = tempfile::tempdir().expect("temp");
        let (kept, place) = (dir.path().join("kept"), dir.path().join("place"));
        fs::write(&kept, "x").expect("write");
        assert!(put_back(&kept, &place) && !kept.exists());
        fs::create_dir(&kept).expect("mkdir");
        assert!(!put_back(&kept, &place), "a file is there");
        fs::write(dir.path().join("other"), "y").expect("write");
        assert!(!put_back(&dir.path().join("other"), &place));
        assert_eq!(fs::read(&place).expect("left"), b"x");
    }

    #[test]
    fn a_listing_has_an_end() {
        let dir = tempfile::tempdir().expect("temp");
        for at in 0..5 {
            fs::write(dir.path().join(format!("{at}")), "").expect("write");
        }
        assert_eq!(names(dir.path(), 5).map(|(names, more)| (names.len(), more)).ok(), Some((5, false)));
        assert_eq!(names(dir.path(), 4).map(|(names, more)| (names.len(), more)).ok(), Some((4, true)));
        assert_eq!(
            names(&dir.path().join("none"), 4).map(|(names, more)| (names.len(), more)).ok(),
            Some((0, false))
        );
    }
}
