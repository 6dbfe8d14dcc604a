//! Durable files: temp, fsync, rename, fsync the directory. And careful reads of files that others wrote.

use super::{SysError, SysResult, foreign, random};
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{Mode, fstatat};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a directory's entries durable.
pub fn sync_dir(dir: &Path) -> SysResult<()> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| SysError::file("sync", dir, e))
}

/// Makes a directory and what is missing above it, each entry durable in its parent.
pub fn ensure_dir(dir: &Path) -> SysResult<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        ensure_dir(above)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => sync_dir(parent(dir)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(e) => Err(SysError::file("create", dir, e)),
    }
}

/// The name under which a file is written before it takes its own; sweeps know them by the prefix.
pub const TEMP_PREFIX: &str = ".tmp-";

fn write_temp(path: &Path, bytes: &[u8], mode: u32) -> SysResult<PathBuf> {
    let temp = parent(path).join(format!("{TEMP_PREFIX}{}", random::base32(16)));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temp)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temp);
        SysError::file("write", path, e)
    })?;
    Ok(temp)
}

/// Replaces a file whole: readers see the old bytes or the new ones, and once this returns the new ones survive
/// a power cut. Makes the directory if it is missing.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> SysResult<()> {
    write_atomic_mode(path, bytes, 0o644)
}

/// As [`write_atomic`], with the file's permissions.
pub fn write_atomic_mode(path: &Path, bytes: &[u8], mode: u32) -> SysResult<()> {
    ensure_dir(parent(path))?;
    let temp = write_temp(path, bytes, mode)?;
    if let Err(e) = fs::rename(&temp, path) {
        let _ = fs::remove_file(&temp);
        return Err(SysError::file("write", path, e));
    }
    sync_dir(parent(path))
}

/// As [`write_atomic`], with exactly these permissions, whatever the umask says.
pub fn write_atomic_exact(path: &Path, bytes: &[u8], mode: u32) -> SysResult<()> {
    let temp = write_temp(path, bytes, mode)?;
    let set = fs::set_permissions(&temp, fs::Permissions::from_mode(mode));
    if let Err(e) = set.and_then(|()| fs::rename(&temp, path)) {
        let _ = fs::remove_file(&temp);
        return Err(SysError::file("write", path, e));
    }
    sync_dir(parent(path))
}

/// Replaces a file whole for its next reader alone: nothing waits for the disk, and a power cut may take it.
pub fn write_passing(path: &Path, bytes: &[u8]) -> SysResult<()> {
    let temp = parent(path).join(format!("{TEMP_PREFIX}{}", random::base32(16)));
    fs::write(&temp, bytes).and_then(|()| fs::rename(&temp, path)).map_err(|e| {
        let _ = fs::remove_file(&temp);
        SysError::file("write", path, e)
    })
}

/// Writes an immutable file; `false` where one of that name is there already (it is left alone).
pub fn write_new(path: &Path, bytes: &[u8]) -> SysResult<bool> {
    write_new_mode(path, bytes, 0o644)
}

/// As [`write_new`], with the file's permissions.
pub fn write_new_mode(path: &Path, bytes: &[u8], mode: u32) -> SysResult<bool> {
    ensure_dir(parent(path))?;
    let temp = write_temp(path, bytes, mode)?;
    let linked = fs::hard_link(&temp, path);
    let _ = fs::remove_file(&temp);
    match linked {
        Ok(()) => sync_dir(parent(path)).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(SysError::file("write", path, e)),
    }
}

/// As [`write_new`], with the half-written file in `temp_dir`, which lies on the same file system: nothing but the whole
/// file ever shows beside its place.
pub fn write_new_from(temp_dir: &Path, path: &Path, bytes: &[u8]) -> SysResult<bool> {
    let temp = write_temp(&temp_dir.join("x"), bytes, 0o644)?;
    let flags = nix::fcntl::RenameFlags::RENAME_NOREPLACE;
    let here = nix::fcntl::AT_FDCWD;
    let placed = match nix::fcntl::renameat2(here, &temp, here, path, flags) {
        Err(nix::errno::Errno::EINVAL | nix::errno::Errno::ENOSYS) => {
            fs::hard_link(&temp, path).and_then(|()| fs::remove_file(&temp))
        }
        placed => placed.map_err(io::Error::from),
    };
    if placed.is_err() {
        let _ = fs::remove_file(&temp);
    }
    match placed {
        Ok(()) => sync_dir(parent(path)).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(SysError::file("write", path, e)),
    }
}

/// As [`write_atomic`], with the half-written file in `temp_dir`, which lies on the same file system.
pub fn write_atomic_from(temp_dir: &Path, path: &Path, bytes: &[u8]) -> SysResult<()> {
    let temp = write_temp(&temp_dir.join("x"), bytes, 0o644)?;
    if let Err(e) = fs::rename(&temp, path) {
        let _ = fs::remove_file(&temp);
        return Err(SysError::file("write", path, e));
    }
    sync_dir(parent(path))
}

/// Makes a symbolic link; `false` where something of that name is there already (it is left alone).
pub fn link_new(target: &Path, path: &Path) -> SysResult<bool> {
    ensure_dir(parent(path))?;
    match std::os::unix::fs::symlink(target, path) {
        Ok(()) => sync_dir(parent(path)).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(SysError::file("link", path, e)),
    }
}

/// Adds bytes to the end of a file in one write and makes them durable.
pub fn append_durable(path: &Path, bytes: &[u8]) -> SysResult<()> {
    ensure_dir(parent(path))?;
    let new = !path.exists();
    let append = || {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_data()
    };
    append().map_err(|e| SysError::file("append to", path, e))?;
    if new { sync_dir(parent(path)) } else { Ok(()) }
}

/// Cuts a file to `length` bytes, durably.
pub fn truncate_durable(path: &Path, length: u64) -> SysResult<()> {
    let cut = || {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    };
    cut().map_err(|e| SysError::file("cut", path, e))
}

/// Moves a file or directory within one file system, durably.
pub fn rename_durable(from: &Path, to: &Path) -> SysResult<()> {
    ensure_dir(parent(to))?;
    fs::rename(from, to).map_err(|e| SysError::file("move", from, e))?;
    sync_dir(parent(to))?;
    if parent(from) == parent(to) { Ok(()) } else { sync_dir(parent(from)) }
}

/// Removes a file, durably; one that is not there is fine.
pub fn remove_durable(path: &Path) -> SysResult<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_dir(parent(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(SysError::file("remove", path, e)),
    }
}

/// Removes a directory tree; one that is not there is fine. Links are removed, not followed.
pub fn remove_tree(path: &Path) -> SysResult<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => sync_dir(parent(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(SysError::file("remove", path, e)),
    }
}

/// Reads one of our own files.
pub fn read(path: &Path) -> SysResult<Vec<u8>> {
    fs::read(path).map_err(|e| SysError::file("read", path, e))
}

/// Reads one of our own files as text; `None` where it is not there.
pub fn find_text(path: &Path) -> SysResult<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(SysError::file("read", path, e)),
    }
}

/// Reads a file that somebody else may have written: a regular file (links are not followed, a pipe does not
/// block), of at most `cap` bytes. `None` where it is not there.
pub fn find_foreign(path: &Path, cap: u64) -> SysResult<Option<Vec<u8>>> {
    Ok(foreign::find(path, cap)?.map(|found| found.bytes))
}

/// The names in a directory, sorted; empty where it is not there.
pub fn names_in(dir: &Path) -> SysResult<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(SysError::file("list", dir, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| SysError::file("list", dir, e))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// How an entry of a directory looks: its size, the time of its last change in nanoseconds since 1970, its inode.
pub type EntryLook = (i64, i64, i64);

/// How these entries of a directory look, in their order; `None` for one that is not there. Links are not followed, and
/// the way to the directory is walked once.
pub fn look_at_all<'a>(
    dir: &Path,
    names: impl Iterator<Item = &'a str>,
) -> SysResult<Vec<Option<EntryLook>>> {
    let failed = |e: nix::errno::Errno| SysError::file("look at", dir, e.into());
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = match open(dir, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(nix::errno::Errno::ENOENT | nix::errno::Errno::ENOTDIR) => {
            return Ok(names.map(|_| None).collect());
        }
        Err(e) => return Err(failed(e)),
    };
    let look = |name: &str| match fstatat(&fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => {
            let time = stat.st_mtime.wrapping_mul(1_000_000_000).wrapping_add(stat.st_mtime_nsec);
            Ok(Some((stat.st_size, time, stat.st_ino.cast_signed())))
        }
        Err(nix::errno::Errno::ENOENT) => Ok(None),
        Err(e) => Err(failed(e)),
    };
    names.map(look).collect()
}

/// The path without links and dots; itself where it does not exist.
pub fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;

    #[test]
    fn a_file_is_replaced_whole_and_no_temp_file_stays() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("a/b/run.toml");
        write_atomic(&path, b"one").expect("write");
        write_atomic(&path, b"two").expect("write");
        assert_eq!(read(&path).expect("read"), b"two");
        assert_eq!(names_in(parent(&path)).expect("list"), ["run.toml"]);
    }

    #[test]
    fn an_immutable_file_is_never_overwritten() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("e.toml");
        assert!(write_new(&path, b"one").expect("write"));
        assert!(!write_new(&path, b"two").expect("write"));
        assert_eq!(read(&path).expect("read"), b"one");
    }

    #[test]
    fn foreign_files_are_read_without_following_or_blocking() {
        let dir = tempfile::tempdir().expect("temp");
        let at = |name: &str| dir.path().join(name);
        fs::write(at("plain"), b"12345").expect("write");
        std::os::unix::fs::symlink(at("plain"), at("link")).expect("link");
        nix::unistd::mkfifo(&at("fifo"), Mode::S_IRWXU).expect("fifo");
        fs::create_dir(at("dir")).expect("dir");
        assert_eq!(find_foreign(&at("plain"), 5).expect("read").as_deref(), Some(&b"12345"[..]));
        assert_eq!(find_foreign(&at("none"), 5).expect("read"), None);
        for (name, cap) in [("plain", 4), ("link", 5), ("fifo", 5), ("dir", 5)] {
            assert!(matches!(find_foreign(&at(name), cap), Err(SysError::Foreign { .. })), "{name}");
        }
    }
}
