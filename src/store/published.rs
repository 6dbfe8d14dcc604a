//! Published records: what base's tree holds, given out one by one, through the index where it is good and through a
//! private one where it is not. History grows for ever, so nothing here holds all of it at once.
//!
//! The rows of one tree carry its id and a sum of their seals, so that none can be missing or changed unnoticed. A
//! row whose blob is still the same is kept as it is: a new record costs one read, not one read of all.

use super::index::{self, Fault};
use super::index_rows::{Packed, Policies, seal_of};
use super::live::{Store, understand};
use super::sweep::RECORD_CAP;
use super::{Entry, StoreError, StoreResult};
use crate::model::RunId;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::cell::RefCell;
use std::path::Path;

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

impl Store {
    /// Gives out the published runs of base, newest first, what is broken last. Where the index holds the rows of
    /// this tree no record is read.
    pub fn each_published(&self, tree: &PublishedTree<'_>, take: &mut dyn FnMut(Entry)) -> StoreResult<()> {
        let mut given = 0;
        let mut give = |conn: &Connection| each(conn, tree.id, &mut given, take);
        if let Ok(true) = self.index().read(&mut give) {
            return Ok(());
        }
        let failed = RefCell::new(None);
        if self.exists() && !self.is_frozen() {
            self.index().write(|conn| fill(conn, tree, &failed));
            if let Some(why) = failed.take() {
                return Err(StoreError::Published(why));
            }
            if let Ok(true) = self.index().read(&mut give) {
                return Ok(());
            }
        }
        let mut build = || -> Result<bool, Fault> {
            let conn = index::private()?;
            fill(&conn, tree, &failed)?;
            give(&conn)
        };
        match (build(), failed.take()) {
            (_, Some(why)) => Err(StoreError::Published(why)),
            (Ok(true), None) => Ok(()),
            (Ok(false), None) => Err(StoreError::Published("they changed while they were read".to_owned())),
            (Err(fault), None) => Err(StoreError::Published(fault.why())),
        }
    }

    /// One published run, without looking at the others where the index knows it. `None` is said only after all
    /// records were looked at.
    pub fn find_published(&self, tree: &PublishedTree<'_>, id: &RunId) -> StoreResult<Option<Entry>> {
        let known = self.index().read(|conn| one(conn, tree.id, id.as_str()));
        if let Ok(Some(entry)) = known {
            return Ok(Some(entry));
        }
        let mut found = None;
        self.each_published(tree, &mut |entry| {
            if entry.id() == id.as_str() {
                found.get_or_insert(entry);
            }
        })?;
        Ok(found)
    }
}

/// A row of a published record.
struct PublishedRow {
    path: String,
    /// The id of its blob.
    blob: String,
    packed: Packed,
}

impl PublishedRow {
    fn seal(&self) -> String {
        let created = self.packed.created().to_string();
        seal_of(&[&[self.path.as_str(), &self.blob], &self.packed.columns(&created)[..]].concat())
    }

    /// The row and its seal, where that fits.
    fn at(row: &Row<'_>) -> rusqlite::Result<Option<(Self, String)>> {
        let found = Self { path: row.get(0)?, blob: row.get(1)?, packed: Packed::at(row, 2)? };
        let (seal, sealed) = (found.seal(), row.get::<_, String>(8)?);
        Ok((seal == sealed).then_some((found, seal)))
    }
}

/// A sum over seals in whatever order they come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    halves: [u128; 2],
}

impl Sum {
    fn add(&mut self, seal: &str) {
        self.rows += 1;
        for (half, text) in self.halves.iter_mut().zip([seal.get(..32), seal.get(32..64)]) {
            let number = text.and_then(|text| u128::from_str_radix(text, 16).ok());
            *half = half.wrapping_add(number.unwrap_or_default());
        }
    }

    fn head(&self, tree_id: &str) -> String {
        format!("{tree_id} {} {:032x}{:032x}", self.rows, self.halves[0], self.halves[1])
    }
}

fn head(conn: &Connection) -> Result<Option<String>, Fault> {
    let ask = "SELECT value FROM meta WHERE key = 'published'";
    Ok(conn.query_row(ask, [], |row| row.get(0)).optional()?)
}

fn is_of(head: &str, tree_id: &str) -> bool {
    head.split(' ').next() == Some(tree_id)
}

/// Gives out the rows, newest first, if they are exactly those of this tree; else `false`. Who fails in the middle
/// goes on with another source after the `given` ones: the order is always the same.
fn each(
    conn: &Connection,
    tree_id: &str,
    given: &mut usize,
    take: &mut dyn FnMut(Entry),
) -> Result<bool, Fault> {
    let Some(head) = head(conn)?.filter(|head| is_of(head, tree_id)) else { return Ok(false) };
    // All are judged before the first is given out.
    let mut sum = Sum::default();
    let mut ask = conn.prepare("SELECT * FROM published")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let Some((_, seal)) = PublishedRow::at(row)? else { return Ok(false) };
        sum.add(&seal);
    }
    if sum.head(tree_id) != head {
        return Ok(false);
    }
    let mut policies = Policies::default();
    let mut ask = conn.prepare("SELECT * FROM published ORDER BY created DESC, id DESC, path")?;
    let mut rows = ask.query([])?;
    let mut at = 0;
    while let Some(row) = rows.next()? {
        at += 1;
        if at > *given {
            let entry = PublishedRow::at(row)?.and_then(|(row, _)| entry_of(&row, &mut policies));
            take(entry.ok_or_else(|| Fault::Damaged("a row changed while it was read".to_owned()))?);
            *given = at;
        }
    }
    Ok(true)
}

/// The run of this id, if the rows are of this tree and there is exactly one.
fn one(conn: &Connection, tree_id: &str, id: &str) -> Result<Option<Entry>, Fault> {
    if head(conn)?.is_none_or(|head| !is_of(&head, tree_id)) {
        return Ok(None);
    }
    let mut ask = conn.prepare("SELECT * FROM published WHERE id = ?1 LIMIT 2")?;
    let found = ask.query_map([id], PublishedRow::at)?.collect::<Result<Vec<_>, _>>()?;
    let [Some((row, _))] = &found[..] else { return Ok(None) };
    Ok(entry_of(row, &mut Policies::default()))
}

/// Makes the rows exactly those of this tree, reading only blobs that no good row holds. Why the tree could not be
/// read goes to `failed`; the caller rolls back.
fn fill(conn: &Connection, tree: &PublishedTree<'_>, failed: &RefCell<Option<String>>) -> Result<(), Fault> {
    conn.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS seen(path TEXT PRIMARY KEY) WITHOUT ROWID; DELETE FROM temp.seen",
    )?;
    let mut sum = Sum::default();
    let mut kept = Ok(());
    let read = |blob: &str| (tree.read)(blob).map_err(|why| unread(why, failed));
    let listed = (tree.list)(&mut |path, blob| {
        kept = keep(conn, path, blob, &read, &mut sum);
        kept.is_ok()
    });
    kept?;
    if let Err(why) = listed {
        return Err(unread(why, failed));
    }
    conn.execute("DELETE FROM published WHERE path NOT IN (SELECT path FROM temp.seen)", [])?;
    conn.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('published', ?1)", [sum.head(tree.id)])?;
    Ok(())
}

fn unread(why: String, failed: &RefCell<Option<String>>) -> Fault {
    failed.replace(Some(why.clone()));
    Fault::Unusable(why)
}

fn keep(
    conn: &Connection,
    path: &str,
    blob: &str,
    read: &dyn Fn(&str) -> Result<Vec<u8>, Fault>,
    sum: &mut Sum,
) -> Result<(), Fault> {
    // Two names that are not UTF-8 may read the same; the first counts.
    if conn.prepare_cached("INSERT OR IGNORE INTO temp.seen VALUES(?1)")?.execute([path])? == 0 {
        return Ok(());
    }
    let mut ask = conn.prepare_cached("SELECT * FROM published WHERE path = ?1 AND blob = ?2")?;
    let known = ask.query_row([path, blob], PublishedRow::at).optional()?.flatten();
    if let Some((_, seal)) = known {
        sum.add(&seal);
        return Ok(());
    }
    let bytes = read(blob)?;
    let row = PublishedRow { packed: packed_of(path, &bytes), path: path.to_owned(), blob: blob.to_owned() };
    let (seal, told, created) = (row.seal(), &row.packed, row.packed.created());
    let text = created.to_string();
    let [id, state, _, tickets, run, policy] = told.columns(&text);
    let mut put =
        conn.prepare_cached("INSERT OR REPLACE INTO published VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    put.execute(params![row.path, row.blob, id, state, created, tickets, run, policy, seal])?;
    sum.add(&seal);
    Ok(())
}

/// A record that would not come back the same is kept as its own text.
fn packed_of(path: &str, bytes: &[u8]) -> Packed {
    let entry = parse(path, bytes);
    Packed::of(&entry).unwrap_or_else(|| Packed::raw(&entry, &String::from_utf8_lossy(bytes)))
}

fn entry_of(row: &PublishedRow, policies: &mut Policies) -> Option<Entry> {
    match row.packed.as_raw() {
        Some(text) => Some(parse(&row.path, text.as_bytes())),
        None => row.packed.entry(policies),
    }
}

fn parse(path: &str, bytes: &[u8]) -> Entry {
    let file = Path::new(path);
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or(path);
    let broken = |why: &str| StoreError::Broken { path: file.to_owned(), why: why.to_owned() };
    let run = if bytes.len() > RECORD_CAP {
        Err(broken("it is too large to be a record"))
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8 text"));
        text.and_then(|text| understand(file, stem, text))
    };
    run.map_or_else(|e| Entry::broken(stem, &e), |run| Entry::Run(Box::new(run)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, full, run_id};
    use super::*;
    use std::cell::Cell;

    /// A tree whose blobs are named by their place in `files`, and how often one was read.
    struct Tree {
        files: Vec<(String, Vec<u8>)>,
        reads: Cell<usize>,
    }

    impl Tree {
        fn of(count: usize) -> Self {
            Self { files: (0..count).map(|n| record(&format!("p{n:02}"))).collect(), reads: Cell::new(0) }
        }

        fn with<T>(
            &self,
            id: &str,
            ask: impl FnOnce(&PublishedTree<'_>) -> StoreResult<T>,
        ) -> StoreResult<T> {
            let list = |take: &mut TakeRecord<'_>| {
                let _ = self.files.iter().all(|(path, bytes)| take(path, &crate::model::sha256_hex(bytes)));
                Ok(())
            };
            let read = |blob: &str| {
                self.reads.set(self.reads.get() + 1);
                let found = self.files.iter().find(|(_, bytes)| crate::model::sha256_hex(bytes) == blob);
                found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| format!("no blob {blob}"))
            };
            ask(&PublishedTree { id, list: &list, read: &read })
        }

        fn all(&self, store: &Store, id: &str) -> StoreResult<Vec<Entry>> {
            let mut entries = Vec::new();
            self.with(id, |tree| store.each_published(tree, &mut |entry| entries.push(entry)))?;
            Ok(entries)
        }
    }

    fn record(id: &str) -> (String, Vec<u8>) {
        let text = crate::store::published_form(&full(id));
        (format!(".metawsm/runs/2025-03/{id}.toml"), text.into_bytes())
    }

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
    fn one_published_run_is_found_without_reading_any() {
        let place = Place::new();
        drop(place.made("live"));
        let tree = Tree::of(20);
        tree.all(&place.store(), "t1").expect("published");
        let find =
            |id: &str| tree.with("t1", |t| place.store().find_published(t, &run_id(id))).expect("find");
        assert_eq!(find("p07").as_ref().map(Entry::id), Some("p07"));
        assert_eq!(find("p99"), None);
        assert_eq!(tree.reads.get(), 20);
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
        let failed = store.each_published(&gone, &mut |_| panic!("there is nothing to give out"));
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
