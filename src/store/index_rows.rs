//! The rows of the index: what a record's file looked like when it was parsed, and what it said.
//!
//! Each row is sealed with a hash over all its columns, because SQLite does not notice a flipped bit in a value:
//! a row whose seal does not fit is no row.

use super::index::{Fault, Index};
use crate::model::{Run, sha256_hex};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// A file's modification time is not trusted when the file was looked at within this time of it: it may have
/// been written again without the time moving. Two seconds is the coarsest clock of a file system.
const RACY_NS: i64 = 2_000_000_000;

/// What a file looked like, and when we looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub size: i64,
    pub mtime_ns: i64,
    pub inode: i64,
    /// Nanoseconds since 1970 at which we looked.
    pub seen_ns: i64,
}

impl Look {
    pub(super) fn of(meta: &Metadata, seen_ns: i64) -> Self {
        Self {
            size: meta.size().cast_signed(),
            mtime_ns: meta.mtime().wrapping_mul(1_000_000_000).wrapping_add(meta.mtime_nsec()),
            inode: meta.ino().cast_signed(),
            seen_ns,
        }
    }

    /// Whether the file is surely the one that was looked at then.
    pub(super) fn proves(&self, now: &Self) -> bool {
        (self.size, self.mtime_ns, self.inode) == (now.size, now.mtime_ns, now.inode) && !self.is_racy()
    }

    pub(super) fn is_racy(&self) -> bool {
        self.mtime_ns.saturating_add(RACY_NS) >= self.seen_ns
    }
}

/// A row of a live or closed record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LiveRow {
    /// The record's path below `metawsm/`.
    pub path: String,
    pub look: Look,
    /// Content hash of the file.
    pub hash: String,
    pub run: Run,
}

/// A row of a published record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PublishedRow {
    pub path: String,
    pub hash: String,
    pub run: Run,
}

/// The run as the index keeps it; `None` where it would not come back the same.
pub(super) fn packed(run: &Run) -> Option<String> {
    let text = serde_json::to_string(run).ok()?;
    (unpacked(&text).as_ref() == Some(run)).then_some(text)
}

fn unpacked(text: &str) -> Option<Run> {
    serde_json::from_str(text).ok()
}

fn tickets_of(run: &Run) -> String {
    run.tickets.iter().map(|t| t.id.as_str().to_ascii_lowercase()).collect::<Vec<_>>().join(" ")
}

fn seal(path: &str, look: Option<&Look>, hash: &str, run: &str) -> String {
    sha256_hex(format!("{path}\n{look:?}\n{hash}\n{run}").as_bytes())
}

fn live_row(row: &Row<'_>) -> rusqlite::Result<Option<LiveRow>> {
    let path: String = row.get(0)?;
    let look = Look { size: row.get(1)?, mtime_ns: row.get(2)?, inode: row.get(3)?, seen_ns: row.get(4)? };
    let (hash, run, sealed): (String, String, String) = (row.get(5)?, row.get(6)?, row.get(7)?);
    if seal(&path, Some(&look), &hash, &run) != sealed {
        return Ok(None);
    }
    Ok(unpacked(&run).map(|run| LiveRow { path, look, hash, run }))
}

fn published_row(row: &Row<'_>) -> rusqlite::Result<Option<PublishedRow>> {
    let (path, hash, run): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    if seal(&path, None, &hash, &run) != row.get::<_, String>(3)? {
        return Ok(None);
    }
    Ok(unpacked(&run).map(|run| PublishedRow { path, hash, run }))
}

impl Index {
    /// The rows of records below `metawsm/<folder>/`, by path.
    pub(super) fn live_rows(&self, folder: &str) -> Result<HashMap<String, LiveRow>, Fault> {
        self.read(|conn| {
            let mut ask = conn.prepare(
                "SELECT path, size, mtime_ns, inode, seen_ns, hash, run, seal FROM live WHERE path GLOB ?1 || '/*'",
            )?;
            let mut found = HashMap::new();
            let mut rows = ask.query([folder])?;
            while let Some(row) = rows.next()? {
                found.extend(live_row(row)?.map(|row| (row.path.clone(), row)));
            }
            Ok(found)
        })
    }

    /// Replaces rows, and drops those of records that are gone.
    pub(super) fn put_live(&self, fresh: &[LiveRow], gone: &[String]) {
        self.write(|conn| {
            let mut drop = conn.prepare("DELETE FROM live WHERE path = ?1")?;
            for path in gone {
                drop.execute([path])?;
            }
            let mut put = conn.prepare(
                "INSERT OR REPLACE INTO live VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?;
            for row in fresh {
                let Some(text) = packed(&row.run) else { continue };
                let (look, run) = (&row.look, &row.run);
                put.execute(params![
                    row.path,
                    look.size,
                    look.mtime_ns,
                    look.inode,
                    look.seen_ns,
                    row.hash,
                    run.id.as_str(),
                    run.state.as_str(),
                    run.created.as_second(),
                    tickets_of(run),
                    text,
                    seal(&row.path, Some(look), &row.hash, &text),
                ])?;
            }
            Ok(())
        });
    }

    /// The published rows, if they are those of this tree; `None` where they are of another one.
    pub(super) fn published_of(&self, tree_id: &str) -> Result<Option<Vec<PublishedRow>>, Fault> {
        self.read(|conn| {
            let Some((tree, count)) = published_head(conn)? else { return Ok(None) };
            if tree != tree_id {
                return Ok(None);
            }
            let rows = published_all(conn)?;
            // A row that was lost or does not fit its seal spoils the whole: it could be the one asked for.
            Ok((rows.len() == count).then_some(rows))
        })
    }

    /// The published rows of whatever tree, by path, to parse only what is new.
    pub(super) fn published_known(&self) -> HashMap<String, PublishedRow> {
        let rows = self.read(published_all).unwrap_or_default();
        rows.into_iter().map(|row| (row.path.clone(), row)).collect()
    }

    /// Replaces the published rows; `fresh` are those that the index does not hold yet, `all` every path.
    pub(super) fn put_published(&self, tree_id: &str, rows: &[PublishedRow]) {
        self.write(|conn| {
            conn.execute("DELETE FROM published", [])?;
            let mut put = conn.prepare("INSERT INTO published VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            let mut count = 0;
            for row in rows {
                let Some(text) = packed(&row.run) else { return Ok(()) };
                let run = &row.run;
                put.execute(params![
                    row.path,
                    row.hash,
                    run.id.as_str(),
                    run.state.as_str(),
                    run.created.as_second(),
                    tickets_of(run),
                    text,
                    seal(&row.path, None, &row.hash, &text),
                ])?;
                count += 1;
            }
            let mut note = conn.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)")?;
            note.execute(params!["published", format!("{tree_id} {count}")])?;
            Ok(())
        });
    }
}

fn published_head(conn: &Connection) -> Result<Option<(String, usize)>, Fault> {
    let ask = "SELECT value FROM meta WHERE key = 'published'";
    let text: Option<String> = conn.query_row(ask, [], |row| row.get(0)).optional()?;
    let head = text.and_then(|text| {
        let (tree, count) = text.split_once(' ')?;
        Some((tree.to_owned(), count.parse().ok()?))
    });
    Ok(head)
}

fn published_all(conn: &Connection) -> Result<Vec<PublishedRow>, Fault> {
    let mut ask =
        conn.prepare("SELECT path, hash, run, seal FROM published ORDER BY created DESC, id DESC")?;
    let mut rows = ask.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(published_row(row)?);
    }
    Ok(found)
}
