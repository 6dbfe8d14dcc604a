//! Published records: what base's tree holds, as rows of the index. History grows for ever, so nothing here holds all of
//! it at once.
//!
//! The rows of one tree carry its id and a sum of their seals, so that none can be missing or changed unnoticed. A
//! row whose blob is still the same is kept as it is: a new record costs one read, not one read of all.

use super::index::Fault;
use super::index_rows::{Decided, DecidedRow, Look};
use super::summary::Summary;
use super::sweep::{RECORD_CAP, understand_bytes};
use super::{Entry, StoreError, StoreResult};
use rusqlite::{Connection, OptionalExtension, params};
use std::cell::RefCell;
use std::path::Path;
use std::sync::mpsc;

/// Takes the path and the blob id of one record; `false` ends the listing.
pub type TakeRecord<'a> = dyn FnMut(&str, &str) -> bool + 'a;

/// Base's records tree, as those who read repositories show it. Both functions fail with a reason for people.
pub struct PublishedTree<'a> {
    /// The id of the tree: equal ids hold equal records.
    pub id: &'a str,
    /// Lists the records, in any order.
    pub list: &'a dyn Fn(&mut TakeRecord<'_>) -> Result<(), String>,
    /// Reads one blob.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
}

/// A sum over seals in whatever order they come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: i64,
    seals: u64,
}

impl Sum {
    fn add(&mut self, seal: i64) {
        self.rows += 1;
        self.seals = self.seals.wrapping_add(seal.cast_unsigned());
    }

    fn head(&self, tree_id: &str) -> String {
        format!("{tree_id} {} {:016x}", self.rows, self.seals)
    }
}

fn head(conn: &Connection) -> Result<Option<String>, Fault> {
    let ask = "SELECT value FROM meta WHERE key = 'published'";
    Ok(conn.query_row(ask, [], |row| row.get(0)).optional()?)
}

fn is_of(head: &str, tree_id: &str) -> bool {
    head.split(' ').next() == Some(tree_id)
}

/// Whether the rows are exactly those of this tree; looks at all of them.
pub(super) fn is_current(conn: &Connection, tree_id: &str) -> Result<bool, Fault> {
    let Some(head) = head(conn)?.filter(|head| is_of(head, tree_id)) else { return Ok(false) };
    let mut sum = Sum::default();
    let mut ask = conn.prepare("SELECT * FROM published ORDER BY created DESC, id DESC, path DESC")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let Some((_, seal)) = DecidedRow::at(row)? else { return Ok(false) };
        sum.add(seal);
    }
    Ok(sum.head(tree_id) == head)
}

/// The path and the blob of the record of this id, if the rows are of this tree and there is exactly one.
pub(super) fn one(conn: &Connection, tree_id: &str, id: &str) -> Result<Option<(String, String)>, Fault> {
    if head(conn)?.is_none_or(|head| !is_of(&head, tree_id)) {
        return Ok(None);
    }
    let mut ask = conn.prepare("SELECT * FROM published WHERE id = ?1 LIMIT 2")?;
    let mut rows = ask.query([id])?;
    let mut found = None;
    while let Some(row) = rows.next()? {
        match DecidedRow::at(row)? {
            Some((row, _)) if found.is_none() => found = Some((row.path.to_owned(), row.mark.to_owned())),
            _ => return Ok(None),
        }
    }
    Ok(found)
}

/// Makes the rows exactly those of this tree, reading only blobs that no good row holds. Why the tree could not be
/// read goes to `failed`; the caller rolls back.
pub(super) fn bring_up(
    conn: &Connection,
    tree: &PublishedTree<'_>,
    failed: &RefCell<Option<String>>,
) -> Result<(), Fault> {
    conn.execute_batch(
        "PRAGMA cache_size=-8192;
        CREATE TEMP TABLE IF NOT EXISTS seen(path TEXT PRIMARY KEY) WITHOUT ROWID; DELETE FROM temp.seen",
    )?;
    let is_new = !conn.prepare("SELECT 1 FROM published")?.exists([])?;
    let read = |blob: &str| (tree.read)(blob).map_err(|why| unread(why, failed));
    // One thread reads blobs and writes rows, the other one parses: either is about half of the work.
    let sum = std::thread::scope(|scope| {
        let (batches, waiting) = mpsc::sync_channel::<Vec<Blob>>(2);
        let (done, parsed) = mpsc::channel();
        scope.spawn(move || {
            let parse = |blob: Blob| (Summary::of_entry(&parse(&blob.path, &blob.bytes)), blob);
            for batch in waiting {
                if done.send(batch.into_iter().map(parse).collect()).is_err() {
                    return;
                }
            }
        });
        let batch = Batch { blobs: Vec::with_capacity(BATCH), bytes: 0, batches };
        let mut filling = Filling { conn, is_new, read: &read, sum: Sum::default(), batch, parsed: &parsed };
        let mut kept = Ok(());
        let listed = (tree.list)(&mut |path, blob| {
            kept = filling.keep(path, blob);
            kept.is_ok()
        });
        kept?;
        match listed {
            Ok(()) => filling.end(),
            Err(why) => Err(unread(why, failed)),
        }
    })?;
    if !is_new {
        conn.execute("DELETE FROM published WHERE path NOT IN (SELECT path FROM temp.seen)", [])?;
    }
    let count: i64 = conn.query_row("SELECT count(*) FROM published", [], |row| row.get(0))?;
    if count != sum.rows {
        return Err(Fault::Damaged("a record has two rows".to_owned()));
    }
    conn.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('published', ?1)", [sum.head(tree.id)])?;
    Ok(())
}

fn unread(why: String, failed: &RefCell<Option<String>>) -> Fault {
    failed.replace(Some(why.clone()));
    Fault::Unusable(why)
}

/// The most records and the most bytes that are handed to the other thread at once.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 1 << 18;

/// A record that was read.
struct Blob {
    path: String,
    id: String,
    bytes: Vec<u8>,
}

/// A record that was parsed.
type Parsed = (Entry<Summary>, Blob);

/// Records on their way to being parsed.
struct Batch {
    blobs: Vec<Blob>,
    bytes: usize,
    batches: mpsc::SyncSender<Vec<Blob>>,
}

impl Batch {
    /// Adds a record; `true` when a batch went off.
    fn add(&mut self, blob: Blob) -> bool {
        self.bytes += blob.bytes.len();
        self.blobs.push(blob);
        let is_full = self.blobs.len() >= BATCH || self.bytes >= BATCH_BYTES;
        if is_full {
            self.send();
        }
        is_full
    }

    fn send(&mut self) {
        self.bytes = 0;
        // Whoever parses ends only after us.
        let _ = self.batches.send(std::mem::replace(&mut self.blobs, Vec::with_capacity(BATCH)));
    }
}

/// The rows on their way to being those of a tree.
struct Filling<'a> {
    conn: &'a Connection,
    /// Whether there was no row at the beginning.
    is_new: bool,
    read: &'a dyn Fn(&str) -> Result<Vec<u8>, Fault>,
    sum: Sum,
    batch: Batch,
    parsed: &'a mpsc::Receiver<Vec<Parsed>>,
}

impl Filling<'_> {
    fn keep(&mut self, path: &str, blob: &str) -> Result<(), Fault> {
        let name = name_of(path);
        // Two names that are not UTF-8 may read the same; the first counts.
        let is_twin = (!self.is_new || path.contains(char::REPLACEMENT_CHARACTER)) && !self.note(path)?;
        if is_twin || !self.is_new && self.keep_known(path, name, blob)? {
            return Ok(());
        }
        let mut bytes = (self.read)(blob)?;
        if bytes.len() > RECORD_CAP {
            // Enough to see that it is too large.
            bytes.truncate(RECORD_CAP + 1);
            bytes.shrink_to_fit();
        }
        if self.batch.add(Blob { path: path.to_owned(), id: blob.to_owned(), bytes }) {
            for parsed in self.parsed.try_iter() {
                put(self.conn, &parsed, &mut self.sum)?;
            }
        }
        Ok(())
    }

    /// Waits for what is being parsed; returns the sum over all rows.
    fn end(mut self) -> Result<Sum, Fault> {
        self.batch.send();
        drop(self.batch);
        for parsed in self.parsed {
            put(self.conn, &parsed, &mut self.sum)?;
        }
        Ok(self.sum)
    }

    /// Notes that the tree holds this path; `false` where that was noted before.
    fn note(&self, path: &str) -> Result<bool, Fault> {
        let mut put = self.conn.prepare_cached("INSERT OR IGNORE INTO temp.seen VALUES(?1)")?;
        Ok(put.execute([path])? > 0)
    }

    /// Keeps the row of this blob where there is a good one, else there is none afterwards.
    fn keep_known(&mut self, path: &str, name: &str, blob: &str) -> Result<bool, Fault> {
        let mut ask = self.conn.prepare_cached("SELECT * FROM published WHERE id = ?1 AND path = ?2")?;
        let mut rows = ask.query([name, path])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        if let Some((_, seal)) = DecidedRow::at(row)?.filter(|(row, _)| row.mark == blob) {
            self.sum.add(seal);
            return Ok(true);
        }
        drop(rows);
        let mut drop = self.conn.prepare_cached("DELETE FROM published WHERE id = ?1 AND path = ?2")?;
        drop.execute(params![name, path])?;
        Ok(false)
    }
}

/// Writes the rows of parsed records.
fn put(conn: &Connection, parsed: &[Parsed], sum: &mut Sum) -> Result<(), Fault> {
    for (entry, blob) in parsed {
        let place = (blob.path.as_str(), name_of(&blob.path));
        sum.add(Decided::Published.put(conn, place, (&blob.id, Look::default()), entry)?);
    }
    Ok(())
}

/// The id that a record's place gives it.
fn name_of(path: &str) -> &str {
    Path::new(path).file_stem().and_then(|s| s.to_str()).unwrap_or(path)
}

/// Reads one record of the tree.
pub(super) fn read(tree: &PublishedTree<'_>, path: &str, blob: &str) -> StoreResult<Entry> {
    let bytes = (tree.read)(blob).map_err(StoreError::Published)?;
    Ok(parse(path, &bytes))
}

fn parse(path: &str, bytes: &[u8]) -> Entry {
    let name = name_of(path);
    let run = understand_bytes(Path::new(path), name, bytes);
    run.map_or_else(|e| Entry::broken(name, &e), |run| Entry::Run(Box::new(run)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, Tree, full, run_id};
    use super::*;
    use std::cell::Cell;

    #[test]
    fn published_records_are_read_once_and_then_only_the_new_ones() {
        let place = Place::new();
        drop(place.made("live"));
        let store = place.store();
        let mut tree = Tree::of(20);
        let first = tree.all(&store, "t1").expect("published");
        assert_eq!((first.len(), tree.reads.get()), (20, 20));
        assert_eq!((tree.all(&store, "t1").expect("again"), tree.reads.get()), (first, 20));
        tree.files.push(("x/broken.toml".to_owned(), b"no record".to_vec()));
        tree.files.push(("x/newer.toml".to_owned(), b"format = 99\nkind = \"run\"".to_vec()));
        tree.files.remove(0);
        for _ in 0..2 {
            let now = tree.all(&store, "t2").expect("published");
            assert_eq!((now.len(), tree.reads.get()), (21, 22), "two records are new");
            assert!(matches!(&now[19], Entry::Broken { id, newer: true, .. } if id == "newer"), "{now:?}");
            assert!(matches!(&now[20], Entry::Broken { id, newer: false, .. } if id == "broken"), "{now:?}");
        }
        assert_eq!(store.open_runs().expect("sweep").len(), 1);
    }

    #[test]
    fn one_published_run_is_found_without_reading_another() {
        let place = Place::new();
        drop(place.made("live"));
        let tree = Tree::of(20);
        tree.all(&place.store(), "t1").expect("published");
        let find =
            |id: &str| tree.with("t1", |t| place.store().find_published(t, &run_id(id))).expect("find");
        assert_eq!(find("p07").as_ref().map(Entry::id), Some("p07"));
        assert_eq!(tree.reads.get(), 21);
        assert_eq!(find("p99"), None);
        assert_eq!(tree.reads.get(), 21);
    }

    #[test]
    fn a_missing_or_a_changed_row_is_noticed() {
        let place = Place::new();
        drop(place.made("live"));
        let (store, tree) = (place.store(), Tree::of(20));
        let expected = tree.all(&store, "t1").expect("published");
        for damage in [
            "DELETE FROM published WHERE id = 'p07'",
            "UPDATE published SET state = 'discarded' WHERE id = 'p07'",
            "UPDATE published SET path = 'elsewhere' WHERE id = 'p07'",
            "UPDATE published SET created = created + 1 WHERE id = 'p07'",
        ] {
            let conn = Connection::open(store.index().path()).expect("open");
            assert_eq!(conn.execute(damage, []).expect(damage), 1);
            drop(conn);
            for _ in 0..2 {
                assert_eq!(tree.all(&store, "t1").expect(damage), expected, "{damage}");
            }
        }
        assert_eq!(tree.reads.get(), 24, "each damage costs one read");
    }

    #[test]
    fn without_an_index_the_answer_is_the_same() {
        let place = Place::new();
        let tree = Tree::of(20);
        // There is no live state yet, and history is read without making any.
        let expected = tree.all(&place.store(), "t1").expect("published");
        assert!(expected.len() == 20 && !place.store().exists());
        drop(place.made("live"));
        assert_eq!(tree.all(&place.store().frozen(), "t1").expect("frozen"), expected);
        assert!(!place.store().index().path().exists());
        std::fs::create_dir(place.store().index().path()).expect("in the way");
        assert_eq!(tree.all(&place.store(), "t1").expect("no index"), expected);
        assert_eq!(tree.reads.get(), 60);
    }

    #[test]
    fn a_tree_that_cannot_be_read_is_an_error_and_leaves_the_index() {
        let place = Place::new();
        drop(place.made("live"));
        let (store, tree) = (place.store(), Tree::of(3));
        let expected = tree.all(&store, "t1").expect("published");
        let list = |_: &mut TakeRecord<'_>| Err("no such tree".to_owned());
        let read = |_: &str| Err("unread".to_owned());
        let gone = PublishedTree { id: "t2", list: &list, read: &read };
        let failed = store.each_decided(Some(&gone), &mut |_, _| panic!("there is nothing to give out"));
        assert!(matches!(failed, Err(StoreError::Published(why)) if why == "no such tree"));
        assert_eq!((tree.all(&store, "t1").expect("as before"), tree.reads.get()), (expected, 3));
    }

    #[test]
    fn a_record_that_json_cannot_hold_comes_back_whole() {
        let place = Place::new();
        drop(place.made("live"));
        let mut run = full("p00");
        let odd: toml::Table = toml::from_str("at = 2025-01-01T00:00:00Z\nnumber = inf").expect("TOML");
        run.policy = odd.into();
        let tree = Tree {
            files: vec![("m/p00.toml".to_owned(), crate::store::to_toml(&run).into_bytes())],
            reads: Cell::new(0),
        };
        for _ in 0..2 {
            let entries = tree.all(&place.store(), "t1").expect("published");
            assert_eq!(entries, [Entry::Run(Box::new(run.clone()))]);
        }
        assert_eq!(tree.reads.get(), 1);
    }
}
