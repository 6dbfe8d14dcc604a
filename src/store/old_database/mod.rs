//! The database of the first metawsm, read and never written.
//!
//! Lives here: a private copy of the file (with its write-ahead log, so that nothing is made or changed beside it), the
//! check that it is what it should be, and its rows as they stand there, capped. Does not live here: what a row means;
//! the importing service decides that. One rule: every column may hold anything, and what is odd about one row keeps no
//! other from being read.

mod columns;
mod copy;
mod forum_rows;
mod run_rows;
mod schema;

pub use forum_rows::{OldForumEvent, OldThread};
pub use run_rows::{OldAgent, OldBrief, OldPast, OldPull, OldQuestion, OldRun, OldStep};

use super::{StoreError, StoreResult};
use crate::sys::private::PrivateDir;
use rusqlite::Connection;
use schema::Tables;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most bytes that a database may have.
pub const DATABASE_CAP: u64 = 2 << 30;

/// The most bytes that are kept of one text.
pub const TEXT_CAP: usize = 1 << 20;

/// An open copy of an old database.
#[derive(Debug)]
pub struct OldDatabase {
    conn: Connection,
    tables: Tables,
    path: PathBuf,
    /// Last, so that the connection is closed before the files go.
    _copy: PrivateDir,
}

impl OldDatabase {
    /// Copies the database and opens the copy. Who is writing it just now is waited for until `wait` is over; after
    /// that it is busy. What is not a database of the first metawsm, is damaged, or was made by a later version is an
    /// error that says so.
    pub fn open(path: &Path, wait: Duration) -> StoreResult<Self> {
        let (dir, place) = copy::taken(path, wait)?;
        let (conn, tables) = schema::opened(path, &place)?;
        Ok(Self { conn, tables, path: path.to_owned(), _copy: dir })
    }

    /// Whether it holds the tables of the forum.
    pub fn has_forum(&self) -> bool {
        self.tables.has("forum_threads")
    }

    /// How many rows a table has; none where there is no such table.
    pub fn count(&self, table: &'static str) -> StoreResult<usize> {
        if !self.tables.has(table) {
            return Ok(0);
        }
        let ask = format!("SELECT count(*) FROM main.\"{table}\"");
        let count: i64 = self.conn.query_row(&ask, [], |row| row.get(0)).map_err(|e| self.failed(&e))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        refused(&self.path, format!("it could not be read: {error}"))
    }
}

fn refused(path: &Path, why: impl Into<String>) -> StoreError {
    StoreError::OldDatabase { path: path.to_owned(), why: why.into() }
}

#[cfg(test)]
mod tests;
