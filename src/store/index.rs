//! The index: an SQLite file that saves parsing what has not changed. It may vanish at any time, it is never
//! right against a file, and nothing is ever written back from it.
//!
//! The journal mode is TRUNCATE: WAL needs memory that several processes share, which network file systems do
//! not have. Readers open it read-only, so they can never play back a journal that is not theirs; writers and
//! the rebuild hold `locks/index.lock`, so the file is never replaced below a transaction. What cannot be read
//! for any other reason than its own damage (busy, no permission, no space, no locks) is left as it is, and the
//! records are read instead.

use super::live::dir_of;
use super::{StoreError, StoreResult};
use crate::model::{RECORD_FORMAT, content_hash};
use crate::sys::files::{self, TEMP_PREFIX};
use crate::sys::{lock, random};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an index that is in use is waited for: longer than a write takes, shorter than a person notices.
const PATIENCE: Duration = Duration::from_millis(200);

// The order of columns is the one in which `index_rows` reads and writes them. The tables of decided runs are kept in
// the order in which they are told, so that telling is one walk.
macro_rules! decided {
    ($table:literal) => {
        concat!(
            "CREATE TABLE ", $table, "(created INTEGER NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL,
                mark TEXT NOT NULL, state TEXT NOT NULL, changed INTEGER NOT NULL, tickets TEXT NOT NULL,
                title TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
                seen_ns INTEGER NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY(created, id, path)) WITHOUT ROWID;
            CREATE INDEX ", $table, "_id ON ", $table, "(id);"
        )
    };
}

const SCHEMA: &str = concat!(
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE live(path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL, seen_ns INTEGER NOT NULL, hash TEXT NOT NULL, run TEXT NOT NULL,
        policy TEXT NOT NULL, seal INTEGER NOT NULL);
    CREATE TABLE policies(hash TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE ordinary(path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL, seen_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, seal INTEGER NOT NULL)
        WITHOUT ROWID;",
    decided!("closed"),
    decided!("published")
);

/// Why the index gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is none.
    Absent,
    /// It is damaged, or another version made it: to be built anew.
    Damaged(String),
    /// It cannot be used now: busy, no permission, no space, no locks. To be left alone.
    Unusable(String),
}

impl Fault {
    pub(super) fn why(self) -> String {
        match self {
            Self::Absent => "it is not there".to_owned(),
            Self::Damaged(why) | Self::Unusable(why) => why,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let why = error.to_string();
        match error {
            rusqlite::Error::SqliteFailure(e, _) => match e.code {
                // `Unknown` is SQLITE_ERROR: the tables are not the ones we ask for.
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => {
                    Self::Damaged(why)
                }
                _ => Self::Unusable(why),
            },
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::SqlInputError { .. }
            | rusqlite::Error::QueryReturnedNoRows => Self::Damaged(why),
            _ => Self::Unusable(why),
        }
    }
}

/// How the index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexHealth {
    /// It answers.
    Good,
    /// There is none; the next question makes it.
    Absent,
    /// It is damaged; the next question builds it anew.
    Damaged(String),
    /// It cannot be used now; records are read instead.
    Unusable(String),
}

/// The index of one store; a handle, nothing is kept open.
#[derive(Debug, Clone)]
pub struct Index {
    dir: PathBuf,
}

impl Index {
    pub(super) fn of(common_dir: &Path) -> Self {
        Self { dir: dir_of(common_dir) }
    }

    /// The index file.
    pub fn path(&self) -> PathBuf {
        self.dir.join("index.db")
    }

    /// How it is; reads all of it.
    pub fn health(&self) -> IndexHealth {
        let check = |conn: &Connection| -> Result<(), Fault> {
            let said: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if said == "ok" { Ok(()) } else { Err(Fault::Damaged(said)) }
        };
        match self.read(check) {
            Ok(()) => IndexHealth::Good,
            Err(Fault::Absent) => IndexHealth::Absent,
            Err(Fault::Damaged(why)) => IndexHealth::Damaged(why),
            Err(Fault::Unusable(why)) => IndexHealth::Unusable(why),
        }
    }

    /// Throws the index away and makes an empty one; the next questions fill it.
    pub fn rebuild(&self) -> StoreResult<()> {
        let failed = |why: String| StoreError::Index { path: self.path(), why };
        let wait = Duration::from_secs(10);
        let _lock = lock::take(&self.lock_path(), "The index", "rebuild the index", "", wait)?;
        self.replace(|_| Ok(())).map_err(|fault| failed(fault.why()))
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("locks").join("index.lock")
    }

    /// Asks a question.
    pub(super) fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let path = self.path();
        let meta = path.symlink_metadata().map_err(|_| Fault::Absent)?;
        if !meta.is_file() {
            return Err(Fault::Unusable("it is not a regular file".to_owned()));
        }
        let conn = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let answer = conn.execute_batch("BEGIN").map_err(Fault::from).and_then(|()| {
            require_stamp(&conn)?;
            ask(&conn)
        });
        drop(conn);
        answer
    }

    /// Changes rows, if nobody else is just doing it; a missing or damaged index is built anew from what `change`
    /// writes. What goes wrong is of no account: the next question reads the records.
    pub(super) fn write(&self, change: impl Fn(&Connection) -> Result<(), Fault>) {
        let _ = self.try_write(change);
    }

    fn try_write(&self, change: impl Fn(&Connection) -> Result<(), Fault>) -> Result<(), Fault> {
        let unusable = |e: &dyn std::fmt::Display| Fault::Unusable(e.to_string());
        let lock = lock::try_take(&self.lock_path(), "update the index", "").map_err(|e| unusable(&e))?;
        let Some(_lock) = lock else { return Err(Fault::Unusable("it is being written".to_owned())) };
        match self.change(&change) {
            Err(Fault::Absent | Fault::Damaged(_)) => self.replace(&change),
            done => done,
        }
    }

    fn change(&self, change: impl Fn(&Connection) -> Result<(), Fault>) -> Result<(), Fault> {
        let path = self.path();
        let meta = path.symlink_metadata().map_err(|_| Fault::Absent)?;
        if !meta.is_file() {
            return Err(Fault::Unusable("it is not a regular file".to_owned()));
        }
        let conn = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.execute_batch("PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; BEGIN IMMEDIATE")?;
        require_stamp(&conn)?;
        change(&conn)?;
        Ok(conn.execute_batch("COMMIT")?)
    }

    /// Builds a new index beside the old one and moves it into place. The caller holds the index lock.
    fn replace(&self, fill: impl Fn(&Connection) -> Result<(), Fault>) -> Result<(), Fault> {
        let temp = self.dir.join(format!("{TEMP_PREFIX}{}", random::base32(16)));
        let done = build(&temp, fill).and_then(|()| self.put_in_place(&temp));
        if done.is_err() {
            let _ = std::fs::remove_file(&temp);
        }
        done
    }

    fn put_in_place(&self, temp: &Path) -> Result<(), Fault> {
        let unusable = |e: &dyn std::fmt::Display| Fault::Unusable(e.to_string());
        // The old index's journal must not be played into the new one.
        for suffix in ["-journal", "-wal", "-shm"] {
            let side = self.dir.join(format!("index.db{suffix}"));
            files::remove_durable(&side).map_err(|e| unusable(&e))?;
        }
        files::rename_durable(temp, &self.path()).map_err(|e| unusable(&e))
    }
}

fn build(path: &Path, fill: impl Fn(&Connection) -> Result<(), Fault>) -> Result<(), Fault> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    conn.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL; BEGIN IMMEDIATE")?;
    conn.execute_batch(SCHEMA)?;
    conn.execute("INSERT INTO meta(key, value) VALUES('stamp', ?1)", [stamp()])?;
    fill(&conn)?;
    conn.execute_batch("COMMIT")?;
    conn.close().map_err(|(_, e)| Fault::from(e))
}

/// An empty index that nobody else sees, on disk where there is room and gone with its connection.
pub(super) fn private() -> Result<Connection, Fault> {
    let conn = Connection::open("").or_else(|_| Connection::open_in_memory())?;
    conn.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")?;
    conn.execute_batch(SCHEMA)?;
    conn.execute_batch("BEGIN")?;
    Ok(conn)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(PATIENCE)?;
    Ok(conn)
}

/// Rows are in the form of one version of this program: another one's may lack what its records hold.
fn stamp() -> String {
    let own = format!("{SCHEMA}{RECORD_FORMAT} {}", env!("CARGO_PKG_VERSION"));
    content_hash(own.as_bytes())
}

fn require_stamp(conn: &Connection) -> Result<(), Fault> {
    let found: String = conn.query_row("SELECT value FROM meta WHERE key = 'stamp'", [], |row| row.get(0))?;
    if found == stamp() { Ok(()) } else { Err(Fault::Damaged("another version made it".to_owned())) }
}
