//! Whether a directory lies on a disk that can do what durable files need.

use fs2::FileExt;
use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, access};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Tries a directory without a trace: a file that has no name is written, made durable and locked. The error says what
/// does not work, as a clause with "it".
pub fn try_disk(dir: &Path) -> Result<(), String> {
    if access(dir, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        return Err("it cannot be written".to_owned());
    }
    let nameless = OFlag::O_TMPFILE.bits();
    let mut file = match OpenOptions::new().read(true).write(true).custom_flags(nameless).open(dir) {
        Ok(file) => file,
        // A file system that has no files without names may do all else.
        Err(e)
            if matches!(
                e.raw_os_error(),
                Some(nix::libc::EOPNOTSUPP | nix::libc::EISDIR | nix::libc::ENOENT)
            ) =>
        {
            return Ok(());
        }
        Err(e) => return Err(format!("no file can be made in it ({e})")),
    };
    file.write_all(b"trial").map_err(|e| format!("nothing can be written in it ({e})"))?;
    file.sync_all().map_err(|e| format!("it cannot make files durable ({e})"))?;
    FileExt::try_lock_exclusive(&file).map_err(|e| format!("it cannot lock files ({e})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_tried_without_a_trace() {
        let dir = tempfile::tempdir().expect("temp");
        assert_eq!(try_disk(dir.path()), Ok(()));
        assert_eq!(dir.path().read_dir().expect("it can be read").count(), 0);
        assert_eq!(try_disk(&dir.path().join("missing")), Err("it cannot be written".to_owned()));
        assert!(try_disk(Path::new("/proc/self")).is_err(), "no file can be made there");
    }
}
