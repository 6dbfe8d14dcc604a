//! The rows of the index: what a record's file looked like when it was parsed, and what it said.
//!
//! Each row is sealed with a hash over all its columns, because SQLite does not notice a flipped bit in a value:
//! a row whose seal does not fit is no row.

use super::Entry;
use super::index::{Fault, Index};
use crate::model::{Run, StoredPolicy, sha256_hex};
use rusqlite::{Row, params};
use std::collections::HashMap;
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

/// Before the text of a record that is kept as it is.
const RAW: char = '=';

/// What a record said, in the form that is quick to read again, and the columns that tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    text: String,
    /// Apart, because it is most of a record, and nearly all runs hold the same one.
    policy: String,
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
                let bare = Run { policy: StoredPolicy::default(), ..Run::clone(run) };
                Self {
                    text: serde_json::to_string(&bare).ok()?,
                    policy: serde_json::to_string(&run.policy).ok()?,
                    id: run.id.to_string(),
                    state: run.state.to_string(),
                    created: clamped(run.created.as_nanosecond()),
                    tickets: tickets.collect::<Vec<_>>().join(" "),
                }
            }
            Entry::Broken { id, why, newer } => Self {
                text: serde_json::to_string(&(id, why, newer)).ok()?,
                policy: String::new(),
                id: id.clone(),
                state: String::new(),
                created: i64::MIN,
                tickets: String::new(),
            },
        };
        (packed.entry(&mut Policies::default()).as_ref() == Some(entry)).then_some(packed)
    }

    /// A record in its own text, which is neither an object nor an array.
    pub(super) fn raw(entry: &Entry, text: &str) -> Self {
        let created = entry.run().map_or(i64::MIN, |run| clamped(run.created.as_nanosecond()));
        let (id, text) = (entry.id().to_owned(), format!("{RAW}{text}"));
        Self { text, policy: String::new(), id, state: String::new(), created, tickets: String::new() }
    }

    /// The text that [`Packed::raw`] keeps.
    pub(super) fn as_raw(&self) -> Option<&str> {
        self.text.strip_prefix(RAW)
    }

    /// When the run was made, in nanoseconds since 1970; what is broken comes before everything.
    pub(super) fn created(&self) -> i64 {
        self.created
    }

    /// The entry; a run is an object, a broken record an array.
    pub(super) fn entry(&self, policies: &mut Policies) -> Option<Entry> {
        if self.text.starts_with('{') {
            let mut run: Run = serde_json::from_str(&self.text).ok()?;
            run.policy = policies.read(&self.policy)?;
            return Some(Entry::Run(Box::new(run)));
        }
        let (id, why, newer) = serde_json::from_str(&self.text).ok()?;
        Some(Entry::Broken { id, why, newer })
    }

    /// Reads the columns `id, state, created, tickets, run, policy`, of which the first has the number `first`.
    pub(super) fn at(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(first)?,
            state: row.get(first + 1)?,
            created: row.get(first + 2)?,
            tickets: row.get(first + 3)?,
            text: row.get(first + 4)?,
            policy: row.get(first + 5)?,
        })
    }

    /// The columns as [`Packed::at`] reads them; `created` is [`Packed::created`] as text.
    pub(super) fn columns<'a>(&'a self, created: &'a str) -> [&'a str; 6] {
        [&self.id, &self.state, created, &self.tickets, &self.text, &self.policy]
    }
}

fn clamped(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN + 1 } else { i64::MAX })
}

/// The policies that were read so far: each text is parsed once, and the runs that hold it share it.
#[derive(Debug, Default)]
pub(super) struct Policies {
    known: HashMap<String, StoredPolicy>,
}

impl Policies {
    fn read(&mut self, text: &str) -> Option<StoredPolicy> {
        if let Some(known) = self.known.get(text) {
            return Some(known.clone());
        }
        let policy: StoredPolicy = serde_json::from_str(text).ok()?;
        self.known.insert(text.to_owned(), policy.clone());
        Some(policy)
    }
}

/// One hash over all columns, each with its length, so that none can lend a byte to the next.
pub(super) fn seal_of(columns: &[&str]) -> String {
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
        seal_of(&[&[self.path.as_str(), &look, &self.hash], &told.columns(&created)[..]].concat())
    }

    fn at(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let look =
            Look { size: row.get(1)?, mtime_ns: row.get(2)?, inode: row.get(3)?, seen_ns: row.get(4)? };
        let found = Self { path: row.get(0)?, look, hash: row.get(5)?, packed: Packed::at(row, 6)? };
        let sealed: String = row.get(12)?;
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
                "INSERT OR REPLACE INTO live VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
                    told.policy,
                    row.seal(),
                ])?;
            }
            Ok(())
        });
    }
}
