//! The rows of the index: what a record's file looked like when it was parsed, and what it said.
//!
//! Of open runs, which every command asks about, a row holds all; of decided ones, of which there are many, what lists
//! and selections need. Each row is sealed with a hash over all its columns, because SQLite does not notice a flipped
//! bit in a value: a row whose seal does not fit is no row.

use super::Entry;
use super::index::{Fault, Index};
use super::summary::{Summary, at, nanoseconds};
use crate::model::{Run, RunId, RunState, StoredPolicy, TicketId, content_hash};
use rusqlite::{Connection, Row, params};
use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// A file's modification time is not trusted when the file was looked at within this time of it: it may have
/// been written again without the time moving. Two seconds is the coarsest clock of a file system.
pub(super) const RACY_NS: i64 = 2_000_000_000;

/// What a file looked like, and when we looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

    pub(super) fn numbers(&self) -> [i64; 4] {
        [self.size, self.mtime_ns, self.inode, self.seen_ns]
    }

    /// The other way round.
    pub(super) fn of_numbers([size, mtime_ns, inode, seen_ns]: [i64; 4]) -> Self {
        Self { size, mtime_ns, inode, seen_ns }
    }
}

/// A sum over all columns, each text with its length, so that none can lend a byte to the next. Every step can be
/// undone, so a change within eight bytes always shows; what changes more passes once in 2^64. It need not withstand
/// anybody who means it: whoever can write here can write the records.
pub(super) fn seal_of(texts: &[&str], numbers: &[i64]) -> i64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum.rotate_left(5) ^ word).wrapping_mul(ODD);
    let mut sum = numbers.iter().fold(ODD, |sum, number| step(sum, number.cast_unsigned()));
    for text in texts {
        sum = step(sum, text.len() as u64);
        let mut words = text.as_bytes().chunks_exact(8);
        for word in words.by_ref() {
            sum = step(sum, word.try_into().map_or(0, u64::from_le_bytes));
        }
        let mut last = [0; 8];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        sum = step(sum, u64::from_le_bytes(last));
    }
    (sum ^ sum >> 32).cast_signed()
}

/// A row of an open run's record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LiveRow {
    /// The record's path below `metawsm/`.
    pub path: String,
    pub look: Look,
    /// Content hash of the file.
    pub hash: String,
    pub packed: Packed,
}

/// What a record said, in the form that is quick to read again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Packed {
    text: String,
    /// Apart, because it is most of a record, and nearly all runs hold the same one.
    policy: Arc<PackedPolicy>,
}

/// A policy, kept once for all runs that hold it.
#[derive(Debug, Clone, PartialEq)]
struct PackedPolicy {
    /// Content hash of the text.
    hash: String,
    text: String,
}

impl Packed {
    /// `None` where the run would not come back the same.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let bare = Run { policy: StoredPolicy::default(), ..run.clone() };
        let text = serde_json::to_string(&bare).ok()?;
        let policy = serde_json::to_string(&run.policy).ok()?;
        let policy = Arc::new(PackedPolicy { hash: content_hash(policy.as_bytes()), text: policy });
        let packed = Self { text, policy };
        (packed.run(&mut Policies::default()).as_ref() == Some(run)).then_some(packed)
    }

    pub(super) fn run(&self, policies: &mut Policies) -> Option<Run> {
        let mut run: Run = serde_json::from_str(&self.text).ok()?;
        run.policy = policies.read(&self.policy)?;
        Some(run)
    }
}

/// The policies that were read so far: each text is parsed once, and the runs that hold it share it.
#[derive(Debug, Default)]
pub(super) struct Policies {
    known: HashMap<String, StoredPolicy>,
}

impl Policies {
    fn read(&mut self, packed: &PackedPolicy) -> Option<StoredPolicy> {
        if let Some(known) = self.known.get(&packed.hash) {
            return Some(known.clone());
        }
        let policy: StoredPolicy = serde_json::from_str(&packed.text).ok()?;
        self.known.insert(packed.hash.clone(), policy.clone());
        Some(policy)
    }
}

/// The policies that the index holds, by content hash; one that is not what its hash says is left out.
fn packed_policies(conn: &Connection) -> Result<HashMap<String, Arc<PackedPolicy>>, Fault> {
    let mut ask = conn.prepare("SELECT hash, text FROM policies")?;
    let mut found = HashMap::new();
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let packed = PackedPolicy { hash: row.get(0)?, text: row.get(1)? };
        if content_hash(packed.text.as_bytes()) == packed.hash {
            found.insert(packed.hash.clone(), Arc::new(packed));
        }
    }
    Ok(found)
}

impl LiveRow {
    fn seal(&self) -> i64 {
        seal_of(
            &[self.path.as_str(), &self.hash, &self.packed.text, &self.packed.policy.hash],
            &self.look.numbers(),
        )
    }

    fn at(row: &Row<'_>, policies: &HashMap<String, Arc<PackedPolicy>>) -> Result<Option<Self>, Fault> {
        let look =
            Look { size: row.get(1)?, mtime_ns: row.get(2)?, inode: row.get(3)?, seen_ns: row.get(4)? };
        let policy = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
        let Some(policy) = policies.get(policy) else { return Ok(None) };
        let packed = Packed { text: row.get(6)?, policy: Arc::clone(policy) };
        let found = Self { path: row.get(0)?, look, hash: row.get(5)?, packed };
        let sealed: i64 = row.get(8)?;
        Ok((found.seal() == sealed).then_some(found))
    }
}

impl Index {
    /// The rows of open runs' records, by path.
    pub(super) fn live_rows(&self) -> Result<HashMap<String, LiveRow>, Fault> {
        self.read(|conn| {
            let policies = packed_policies(conn)?;
            let mut ask = conn.prepare("SELECT * FROM live")?;
            let mut found = HashMap::new();
            let mut rows = ask.query([])?;
            while let Some(row) = rows.next()? {
                found.extend(LiveRow::at(row, &policies)?.map(|row| (row.path.clone(), row)));
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
            let mut policy = conn.prepare("INSERT OR REPLACE INTO policies VALUES(?1, ?2)")?;
            let mut put =
                conn.prepare("INSERT OR REPLACE INTO live VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
            let mut known = HashSet::new();
            for row in fresh {
                let (look, told) = (&row.look, &row.packed);
                if known.insert(&told.policy.hash) {
                    policy.execute([&told.policy.hash, &told.policy.text])?;
                }
                put.execute(params![
                    row.path,
                    look.size,
                    look.mtime_ns,
                    look.inode,
                    look.seen_ns,
                    row.hash,
                    told.text,
                    told.policy.hash,
                    row.seal(),
                ])?;
            }
            conn.execute("DELETE FROM policies WHERE hash NOT IN (SELECT policy FROM live)", [])?;
            Ok(())
        });
    }
}

/// What stands for the creation of a record that cannot be read: it comes after all that can.
const NO_TIME: i64 = i64::MIN;

/// What stands among the tickets of a broken record that a newer version wrote; no ticket is called so.
const NEWER: &str = "+";

/// A row of a decided run's record, as the tables `closed` and `published` hold it. Borrowed from the row that SQLite
/// shows, or from what is about to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecidedRow<'a> {
    pub created: i64,
    pub id: &'a str,
    /// Where it lies: below `metawsm/`, or in base's tree.
    pub path: &'a str,
    /// What tells its content: the hash of the file, or the id of the blob.
    pub mark: &'a str,
    state: &'a str,
    changed: i64,
    tickets: &'a str,
    /// The title of a run; of what is broken, why.
    title: &'a str,
    /// All zero for a blob.
    pub look: Look,
}

impl<'a> DecidedRow<'a> {
    /// The row that SQLite shows and its seal, where that fits.
    pub(super) fn at(row: &'a Row<'_>) -> Result<Option<(Self, i64)>, Fault> {
        let text = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
        let found = Self {
            created: row.get(0)?,
            id: text(1)?,
            path: text(2)?,
            mark: text(3)?,
            state: text(4)?,
            changed: row.get(5)?,
            tickets: text(6)?,
            title: text(7)?,
            look: Look {
                size: row.get(8)?,
                mtime_ns: row.get(9)?,
                inode: row.get(10)?,
                seen_ns: row.get(11)?,
            },
        };
        let (seal, sealed) = (found.seal(), row.get::<_, i64>(12)?);
        Ok((seal == sealed).then_some((found, seal)))
    }

    fn seal(&self) -> i64 {
        let texts = [self.id, self.path, self.mark, self.state, self.tickets, self.title];
        let [size, mtime, inode, seen] = self.look.numbers();
        seal_of(&texts, &[self.created, self.changed, size, mtime, inode, seen])
    }

    /// What the record said; `None` where the row says nothing that makes sense.
    pub(super) fn entry(&self) -> Option<Entry<Summary>> {
        if self.created == NO_TIME {
            let (id, why) = (self.id.to_owned(), self.title.to_owned());
            return Some(Entry::Broken { id, why, newer: self.tickets == NEWER });
        }
        let tickets = self.tickets.split(' ').filter(|text| !text.is_empty());
        Some(Entry::Run(Box::new(Summary {
            id: RunId::parse(self.id).ok()?,
            state: RunState::parse(self.state)?,
            created: at(self.created),
            changed: at(self.changed),
            tickets: tickets.map(TicketId::parse).collect::<Result<_, _>>().ok()?,
            title: self.title.to_owned(),
        })))
    }
}

/// One of the two tables of decided runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decided {
    /// Those that are still kept here.
    Closed,
    /// Those in base's tree.
    Published,
}

impl Decided {
    fn put_statement(self) -> &'static str {
        match self {
            Self::Closed => {
                "INSERT OR REPLACE INTO closed VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
            }
            Self::Published => {
                "INSERT OR REPLACE INTO published VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
            }
        }
    }

    /// Writes the row of a record; returns its seal. `name` is the id that its place gives it.
    pub(super) fn put(
        self,
        conn: &Connection,
        (path, name): (&str, &str),
        (mark, look): (&str, Look),
        entry: &Entry<Summary>,
    ) -> Result<i64, Fault> {
        let mut tickets = String::new();
        let (state, created, changed, title) = match entry {
            Entry::Run(run) => {
                for ticket in &run.tickets {
                    tickets.push_str(if tickets.is_empty() { "" } else { " " });
                    tickets.push_str(ticket.as_str());
                }
                (run.state.as_str(), nanoseconds(run.created), nanoseconds(run.changed), &run.title)
            }
            Entry::Broken { why, newer, .. } => {
                tickets.push_str(if *newer { NEWER } else { "" });
                ("", NO_TIME, NO_TIME, why)
            }
        };
        let (tickets, id) = (tickets.as_str(), name);
        let row = DecidedRow { created, id, path, mark, state, changed, tickets, title, look };
        let seal = row.seal();
        let mut put = conn.prepare_cached(self.put_statement())?;
        put.execute(params![
            created,
            id,
            path,
            mark,
            state,
            changed,
            tickets,
            title,
            look.size,
            look.mtime_ns,
            look.inode,
            look.seen_ns,
            seal
        ])?;
        Ok(seal)
    }
}
