//! A copy of the database file and of what SQLite keeps beside it, all of one moment.

use super::{DATABASE_CAP, StoreResult, refused};
use crate::sys::private::{self, PrivateDir};
use crate::sys::{SysError, files};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What SQLite keeps beside a database, and a reader needs. The index of the log (`-shm`) is made anew.
const BESIDE: [&str; 2] = ["-wal", "-journal"];

/// The bytes of the database file that a writer without a log locks (pending, reserved, shared).
const FILE_LOCKS: (i64, i64) = (0x4000_0000, 512);

/// The bytes of the log's index that a writer, a checkpoint and a recovery lock.
const LOG_LOCKS: (i64, i64) = (120, 3);

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies the database into a directory of its own, and says where it lies there. While somebody writes it, or where it
/// changed while it was copied, it is tried again until `wait` is over.
pub(super) fn taken(path: &Path, wait: Duration) -> StoreResult<(PrivateDir, PathBuf)> {
    // SQLite keeps its files beside the file itself, not beside a link to it.
    let real = files::real_path(path);
    require_database(path, &real)?;
    let dir = PrivateDir::make()?;
    let place = dir.join("metawsm.db");
    let begun = Instant::now();
    loop {
        let busy = match writer(&real)? {
            Some(pid) => format!("process {pid}, which is writing it"),
            None if copied(path, &real, &place)? => return Ok((dir, place)),
            None => "somebody who is writing it".to_owned(),
        };
        if begun.elapsed() >= wait {
            let what = format!("The database {}", path.display());
            return Err(SysError::Busy { what, holder: busy, waited: begun.elapsed().as_secs() }.into());
        }
        std::thread::sleep(Duration::from_millis(50).min(wait.saturating_sub(begun.elapsed())));
    }
}

fn writer(real: &Path) -> StoreResult<Option<i32>> {
    if let Some(pid) = private::writer_of(real, FILE_LOCKS.0, FILE_LOCKS.1)? {
        return Ok(Some(pid));
    }
    Ok(private::writer_of(&beside(real, "-shm"), LOG_LOCKS.0, LOG_LOCKS.1)?)
}

/// Whether all of it was copied while nothing of it changed.
fn copied(path: &Path, real: &Path, place: &Path) -> StoreResult<bool> {
    let marks = || -> StoreResult<Vec<_>> {
        let all = [""].into_iter().chain(BESIDE).map(|suffix| private::mark(&beside(real, suffix)));
        Ok(all.collect::<Result<Vec<_>, _>>()?)
    };
    let before = marks()?;
    if !private::copy(real, place, DATABASE_CAP).map_err(|e| told(path, e))? {
        return Ok(false);
    }
    for suffix in BESIDE {
        let to = beside(place, suffix);
        if !private::copy(&beside(real, suffix), &to, DATABASE_CAP).map_err(|e| told(path, e))? {
            files::remove_durable(&to)?;
        }
    }
    Ok(marks()? == before && writer(real)?.is_none())
}

fn told(path: &Path, error: SysError) -> super::StoreError {
    match error {
        SysError::Foreign { why, .. } => refused(path, why),
        error => error.into(),
    }
}

/// Looks at the beginning of the file before anything is copied.
fn require_database(path: &Path, real: &Path) -> StoreResult<()> {
    let meta = match real.metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(refused(path, "it does not exist")),
        meta => meta.map_err(|e| SysError::file("read", real, e))?,
    };
    if !meta.is_file() {
        return Err(refused(path, "it is not a regular file"));
    }
    // A file that a program only just made has all of its content in the log.
    let has_log = beside(real, "-wal").metadata().is_ok_and(|log| log.len() > 0);
    if meta.len() == 0 && !has_log {
        return Err(refused(path, "it is empty: no program has made a table in it"));
    }
    if meta.len() > DATABASE_CAP {
        let why = format!(
            "it has {} bytes, and at most {DATABASE_CAP} are taken; sqlite3's VACUUM INTO makes a smaller one",
            meta.len()
        );
        return Err(refused(path, why));
    }
    let mut head = [0_u8; 100];
    let file = std::fs::File::open(real).map_err(|e| SysError::file("read", real, e))?;
    let length = std::io::Read::read(&mut std::io::Read::take(file, 100), &mut head)
        .map_err(|e| SysError::file("read", real, e))?;
    if meta.len() > 0 && !head[..length].starts_with(b"SQLite format 3\0") {
        return Err(refused(path, "it is not an SQLite database"));
    }
    if length == 100 && !has_log {
        require_whole(path, &head, meta.len())?;
    }
    Ok(())
}

/// The header says how many pages there are, where the last writer was recent enough to say it.
fn require_whole(path: &Path, head: &[u8; 100], length: u64) -> StoreResult<()> {
    let number =
        |at: usize| u64::from(u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
    let size = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let is_told = number(24) == number(92);
    if is_told && length < number(28) * size {
        let why = format!("it is cut off: it should have {} bytes and has {length}", number(28) * size);
        return Err(refused(path, why));
    }
    Ok(())
}
