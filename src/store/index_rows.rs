//! The rows of the index: what a record's file looked like when it was parsed, and what it said.
//!
//! Each row is sealed with a hash over all its columns, because SQLite does not notice a flipped bit in a value:
//! a row whose seal does not fit is no row. The published rows together carry the hash of their seals, so that
//! none can be missing unnoticed.

use super::Entry;
use super::index::{Fault, Index};
use crate::model::{Run, sha256_hex};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// A file's modification time is not trusted when the file was looked at within this time of it: it may have
/// been written again without the time moving. Two seconds is the coarsest clock of a file system.
const RACY_NS: i64 = 2_000_000_000;

/// What a file looked like, and when we looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    size: i64,
    mtime_ns: i64,
    inode: i64,
    /// Nanoseconds since 1970 at which we looked.
    seen_ns: i64,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveRow {
    /// The record's path below `metawsm/`.
    pub path: String,
    pub look: Look,
    /// Content hash of the file.
    pub hash: String,
    pub packed: Packed,
}

/// A row of a published record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublishedRow {
    pub path: String,
    /// Content hash of the blob.
    pub hash: String,
    pub packed: Packed,
}

/// What a record said, in the form that is quick to read again, and the columns that tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    text: String,
    id: String,
    state: String,
    created: i64,
    tickets: String,
}

impl Packed {
    /// `None` where the entry would not come back the same.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let packed = match entry {
            Entry::Run(run) => {
                let tickets = run.tickets.iter().map(|t| t.id.as_str().to_ascii_lowercase());
                Self {
                    text: serde_json::to_string(run).ok()?,
                    id: run.id.to_string(),
                    state: run.state.to_string(),
                    created: run.created.as_second(),
                    tickets: tickets.collect::<Vec<_>>().join(" "),
                }
            }
            Entry::Broken { id, why, newer } => Self {
                text: serde_json::to_string(&(id, why, newer)).ok()?,
                id: id.clone(),
                state: String::new(),
                created: 0,
                tickets: String::new(),
            },
        };
        (packed.entry().as_ref() == Some(entry)).then_some(packed)
    }

    /// The entry; a run is an object, a broken record an array.
    pub(super) fn entry(&self) -> Option<Entry> {
        if self.text.starts_with('{') {
            return serde_json::from_str::<Run>(&self.text).ok().map(|run| Entry::Run(Box::new(run)));
        }
        let (id, why, newer) = serde_json::from_str(&self.text).ok()?;
        Some(Entry::Broken { id, why, newer })
    }

    /// Reads the columns `id, state, created, tickets, run`, of which the first has the number `first`.
    fn at(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(first)?,
            state: row.get(first + 1)?,
            created: row.get(first + 2)?,
            tickets: row.get(first + 3)?,
            text: row.get(first + 4)?,
        })
    }
}

/// One hash over all columns, each with its length, so that none can lend a byte to the next.
fn seal_of(columns: &[&str]) -> String {
    let mut bytes = Vec::with_capacity(columns.iter().map(|c| c.len() + 8).sum());
    for column in columns {
        bytes.extend_from_slice(&(column.len() as u64).to_le_bytes());
        bytes.extend_from_slice(column.as_bytes());
    }
    sha256_hex(&bytes)
}

impl LiveRow {
    fn seal(&self) -> String {
        let (look, told) = (format!("{:?}", self.look), &self.packed);
        let created = told.created.to_string();
        seal_of(&[&self.path, &look, &self.hash, &told.id, &told.state, &created, &told.tickets, &told.text])
    }

    fn at(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let look =
            Look { size: row.get(1)?, mtime_ns: row.get(2)?, inode: row.get(3)?, seen_ns: row.get(4)? };
        let found = Self { path: row.get(0)?, look, hash: row.get(5)?, packed: Packed::at(row, 6)? };
        let sealed: String = row.get(11)?;
        Ok((found.seal() == sealed).then_some(found))
    }
}

impl PublishedRow {
    fn seal(&self) -> String {
        let told = &self.packed;
        let created = told.created.to_string();
        seal_of(&[&self.path, &self.hash, &told.id, &told.state, &created, &told.tickets, &told.text])
    }

    fn at(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let found = Self { path: row.get(0)?, hash: row.get(1)?, packed: Packed::at(row, 2)? };
        let sealed: String = row.get(7)?;
        Ok((found.seal() == sealed).then_some(found))
    }
}

impl Index {
    /// The rows of records below `metawsm/<folder>/`, by path.
    pub(super) fn live_rows(&self, folder: &str) -> Result<HashMap<String, LiveRow>, Fault> {
        self.read(|conn| {
            let mut ask = conn.prepare("SELECT * FROM live WHERE path >= ?1 || '/' AND path < ?1 || '0'")?;
            let mut found = HashMap::new();
            let mut rows = ask.query([folder])?;
            while let Some(row) = rows.next()? {
                found.extend(LiveRow::at(row)?.map(|row| (row.path.clone(), row)));
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
                let (look, told) = (&row.look, &row.packed);
                put.execute(params![
                    row.path,
                    look.size,
                    look.mtime_ns,
                    look.inode,
                    look.seen_ns,
                    row.hash,
                    told.id,
                    told.state,
                    told.created,
                    told.tickets,
                    told.text,
                    row.seal(),
                ])?;
            }
            Ok(())
        });
    }

    /// The published rows, if they are exactly those of this tree; `None` where they are of another one.
    pub(super) fn published_of(&self, tree_id: &str) -> Result<Option<Vec<PublishedRow>>, Fault> {
        self.read(|conn| {
            let Some((tree, whole)) = published_head(conn)? else { return Ok(None) };
            if tree != tree_id {
                return Ok(None);
            }
            let rows = published_all(conn)?;
            Ok((whole_of(rows.iter().map(PublishedRow::seal).collect()) == whole).then_some(rows))
        })
    }

    /// The published row of this run, if the rows are of this tree and there is exactly one.
    pub(super) fn published_one(&self, tree_id: &str, id: &str) -> Result<Option<PublishedRow>, Fault> {
        self.read(|conn| {
            if published_head(conn)?.is_none_or(|(tree, _)| tree != tree_id) {
                return Ok(None);
            }
            let mut ask = conn.prepare("SELECT * FROM published WHERE id = ?1 LIMIT 2")?;
            let found = ask.query_map([id], PublishedRow::at)?.collect::<Result<Vec<_>, _>>()?;
            Ok(if let [row] = &found[..] { row.clone() } else { None })
        })
    }

    /// The published rows of whatever tree, by path, to parse only what is new.
    pub(super) fn published_known(&self) -> HashMap<String, PublishedRow> {
        let rows = self.read(published_all).unwrap_or_default();
        rows.into_iter().map(|row| (row.path.clone(), row)).collect()
    }

    /// Makes the published rows exactly these, writing only those that differ.
    pub(super) fn put_published(&self, tree_id: &str, rows: &[PublishedRow]) {
        self.write(|conn| {
            let mut old = published_seals(conn)?;
            let mut put =
                conn.prepare("INSERT OR REPLACE INTO published VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            let mut seals = Vec::with_capacity(rows.len());
            for row in rows {
                let (seal, told) = (row.seal(), &row.packed);
                let same = old.remove(&row.path).is_some_and(|was| was == seal);
                if !same {
                    put.execute(params![
                        row.path,
                        row.hash,
                        told.id,
                        told.state,
                        told.created,
                        told.tickets,
                        told.text,
                        seal,
                    ])?;
                }
                seals.push(seal);
            }
            let mut drop = conn.prepare("DELETE FROM published WHERE path = ?1")?;
            for path in old.keys() {
                drop.execute([path])?;
            }
            let head = format!("{tree_id} {}", whole_of(seals));
            conn.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('published', ?1)", [head])?;
            Ok(())
        });
    }
}

/// One hash over all seals, in whatever order they come.
fn whole_of(mut seals: Vec<String>) -> String {
    seals.sort_unstable();
    sha256_hex(seals.join("\n").as_bytes())
}

fn published_head(conn: &Connection) -> Result<Option<(String, String)>, Fault> {
    let ask = "SELECT value FROM meta WHERE key = 'published'";
    let text: Option<String> = conn.query_row(ask, [], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| text.split_once(' ').map(|(tree, whole)| (tree.to_owned(), whole.to_owned()))))
}

/// The rows whose seals fit, newest first.
fn published_all(conn: &Connection) -> Result<Vec<PublishedRow>, Fault> {
    let mut ask = conn.prepare("SELECT * FROM published ORDER BY created DESC, id DESC")?;
    let mut rows = ask.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(PublishedRow::at(row)?);
    }
    Ok(found)
}

/// Path and seal of the rows whose seals fit; others are to be written again.
fn published_seals(conn: &Connection) -> Result<HashMap<String, String>, Fault> {
    let rows = published_all(conn)?;
    let good: HashMap<String, String> = rows.iter().map(|row| (row.path.clone(), row.seal())).collect();
    let mut ask = conn.prepare("SELECT path FROM published")?;
    let paths = ask.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<HashSet<_>, _>>()?;
    let spoiled = paths.into_iter().filter(|path| !good.contains_key(path)).map(|path| (path, String::new()));
    let spoiled: Vec<_> = spoiled.collect();
    Ok(good.into_iter().chain(spoiled).collect())
}
