//! What was found in order, in the index: a journal that was whole, a directory in which no signal lay. It is looked
//! into again only where it may have changed.
//!
//! The time of the last change of the inode counts too, which nobody can set: an edit that puts length and time of
//! modification back still shows. Of what was not in order nothing is kept.

use super::index::Fault;
use super::index_rows::{Look, RACY_NS, seal_of};
use super::journal::{Chain, FILE};
use super::live::Folder;
use super::{Store, StoreResult};
use crate::model::RunId;
use crate::sys::clock;
use rusqlite::{Connection, params};
use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a file or directory looked like just before it was looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside {
    look: Look,
    ctime_ns: i64,
}

impl Outside {
    /// What is at a path now, without following a link, where it is what `fits` wants.
    pub fn of(path: &Path, fits: impl FnOnce(&Metadata) -> bool) -> Option<Self> {
        let seen_ns = i64::try_from(clock::precise().as_nanosecond()).unwrap_or(0);
        let meta = path.symlink_metadata().ok().filter(fits)?;
        let ctime_ns = meta.ctime().wrapping_mul(1_000_000_000).wrapping_add(meta.ctime_nsec());
        Some(Self { look: Look::of(&meta, seen_ns), ctime_ns })
    }

    fn proves(&self, now: &Self) -> bool {
        self.look.proves(&now.look) && self.ctime_ns == now.ctime_ns && !self.is_racy()
    }

    fn is_racy(&self) -> bool {
        let [.., seen_ns] = self.look.numbers();
        self.look.is_racy() || self.ctime_ns.saturating_add(RACY_NS) >= seen_ns
    }

    fn seal(&self, path: &str) -> i64 {
        let [size, mtime, inode, seen] = self.look.numbers();
        seal_of(&[path], &[size, mtime, inode, seen, self.ctime_ns])
    }
}

/// What is known to be in order; by default nothing.
#[derive(Debug, Default)]
pub struct Ordinary {
    known: HashMap<String, Outside>,
    asked: HashSet<String>,
    fresh: HashMap<String, Outside>,
}

impl Ordinary {
    /// Whether what is at this path is surely what was found in order.
    pub fn knows(&mut self, path: &Path, now: &Outside) -> bool {
        let Some((path, known)) = path.to_str().and_then(|path| self.known.get_key_value(path)) else {
            return false;
        };
        self.asked.insert(path.clone());
        known.proves(now)
    }

    /// It was found in order, and looked like this just before.
    pub fn note(&mut self, path: &Path, before: Outside) {
        // What would not be proof is not worth a write.
        if let Some(path) = path.to_str().filter(|_| !before.is_racy()) {
            self.fresh.insert(path.to_owned(), before);
        }
    }
}

impl Store {
    /// What the index knows to be in order.
    pub fn ordinary(&self) -> Ordinary {
        let known = self.index().read(|conn| {
            let mut ask = conn.prepare("SELECT * FROM ordinary")?;
            let mut known = HashMap::new();
            let mut rows = ask.query([])?;
            while let Some(row) = rows.next()? {
                let path: String = row.get(0)?;
                let numbers = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
                let outside = Outside { look: Look::of_numbers(numbers), ctime_ns: row.get(5)? };
                if outside.seal(&path) == row.get::<_, i64>(6)? {
                    known.insert(path, outside);
                }
            }
            Ok(known)
        });
        Ordinary { known: known.unwrap_or_default(), ..Ordinary::default() }
    }

    /// Keeps what was learned. Where all live runs were looked at, what nobody asked about is forgotten.
    pub fn keep_ordinary(&self, ordinary: &Ordinary, all: bool) {
        let gone: Vec<_> =
            ordinary.known.keys().filter(|path| all && !ordinary.asked.contains(*path)).collect();
        if self.is_frozen() || ordinary.fresh.is_empty() && gone.is_empty() {
            return;
        }
        self.index().write(|conn: &Connection| -> Result<(), Fault> {
            let mut drop = conn.prepare("DELETE FROM ordinary WHERE path = ?1")?;
            for path in &gone {
                drop.execute([path])?;
            }
            let mut put =
                conn.prepare("INSERT OR REPLACE INTO ordinary VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            for (path, outside) in &ordinary.fresh {
                let [size, mtime, inode, seen] = outside.look.numbers();
                put.execute(params![path, size, mtime, inode, seen, outside.ctime_ns, outside.seal(path)])?;
            }
            Ok(())
        });
    }

    /// Whether a run's journal is the one that was written; read where that is not known.
    pub fn chain(&self, id: &RunId, ordinary: &mut Ordinary) -> StoreResult<Chain> {
        let path = self.run_in(Folder::Live, id).join(FILE);
        let before = Outside::of(&path, Metadata::is_file);
        if before.is_some_and(|now| ordinary.knows(&path, &now)) {
            return Ok(Chain::Whole);
        }
        let chain = self.journal(id)?.chain;
        if let Some(before) = before.filter(|_| chain == Chain::Whole) {
            ordinary.note(&path, before);
        }
        Ok(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LONG, Place, run_id};
    use super::*;
    use std::fs::{self, File, FileTimes, OpenOptions};
    use std::path::PathBuf;
    use std::time::{Duration, Instant, SystemTime};

    /// Sets the time of modification to a minute ago.
    fn settle(path: &Path) {
        let time = SystemTime::now() - Duration::from_secs(60);
        OpenOptions::new().write(true).open(path).expect("open").set_modified(time).expect("set the time");
    }

    /// A run whose journal is proof, looked at through a filled index.
    fn known(place: &Place) -> PathBuf {
        let mut hold = place.made("r1");
        hold.note("note", "something was done here").expect("note");
        let path = hold.dir().join(FILE);
        settle(&path);
        drop(hold);
        // The time of the last change cannot be set: until it is older than the grain of clocks it is no proof.
        let begun = Instant::now();
        while !place.store().ordinary().known.contains_key(&path.display().to_string()) {
            assert_eq!(chain(place), Chain::Whole);
            assert!(begun.elapsed() < LONG, "what was found is kept");
        }
        path
    }

    /// The chain by way of the index; what was learned is kept.
    fn chain(place: &Place) -> Chain {
        let (store, id) = (place.store(), run_id("r1"));
        let mut ordinary = store.ordinary();
        let chain = store.chain(&id, &mut ordinary).expect("the journal");
        store.keep_ordinary(&ordinary, false);
        assert_eq!(chain, store.journal(&id).expect("the journal").chain, "the file says the same");
        chain
    }

    #[test]
    fn a_journal_that_did_not_change_is_not_read_again() {
        let place = Place::new();
        let path = known(&place);
        let (store, id) = (place.store(), run_id("r1"));
        let mut ordinary = store.ordinary();
        assert_eq!(store.chain(&id, &mut ordinary).expect("known"), Chain::Whole);
        assert!(ordinary.fresh.is_empty(), "nothing was read");
        // Nothing to learn: nothing is written.
        let before = fs::metadata(store.index().path()).expect("the index").modified().expect("a time");
        store.keep_ordinary(&ordinary, true);
        assert_eq!(
            fs::metadata(store.index().path()).expect("the index").modified().expect("a time"),
            before
        );
        assert!(path.is_file());
    }

    #[test]
    fn an_edit_shows_though_length_and_time_are_put_back() {
        let place = Place::new();
        let path = known(&place);
        let time = fs::metadata(&path).expect("there").modified().expect("a time");
        let text = fs::read_to_string(&path).expect("text");
        let edited = text.replacen("\"created\"", "\"creamed\"", 1);
        assert_eq!((edited.len(), edited == text), (text.len(), false));
        let file = OpenOptions::new().write(true).open(&path).expect("open");
        std::io::Write::write_all(&mut &file, edited.as_bytes()).expect("in place");
        file.set_times(FileTimes::new().set_modified(time)).expect("the time is put back");
        drop(file);
        assert_eq!(chain(&place), Chain::BrokenAt(1));
        assert_eq!(chain(&place), Chain::BrokenAt(1), "what is broken is never kept");
    }

    #[test]
    fn a_removed_torn_or_longer_journal_shows() {
        let place = Place::new();
        let path = known(&place);
        place.held("r1").note("note", "more").expect("note");
        assert_eq!(chain(&place), Chain::Whole);
        let bytes = fs::read(&path).expect("bytes");
        fs::write(&path, &bytes[..bytes.len() - 3]).expect("tear");
        settle(&path);
        assert_eq!(chain(&place), Chain::TornTail);
        fs::remove_file(&path).expect("remove");
        assert_eq!(chain(&place), Chain::Missing);
    }

    #[test]
    fn a_damaged_or_missing_index_changes_no_answer_and_runs_that_went_are_forgotten() {
        let place = Place::new();
        let path = known(&place);
        let store = place.store();
        fs::write(store.index().path(), "nonsense").expect("damage");
        assert_eq!(chain(&place), Chain::Whole);
        fs::remove_file(store.index().path()).expect("remove");
        assert_eq!(chain(&place), Chain::Whole);
        assert_eq!(store.ordinary().known.len(), 1, "it was built anew");
        store.keep_ordinary(&store.ordinary(), false);
        assert_eq!(store.ordinary().known.len(), 1, "not every run was looked at");
        store.keep_ordinary(&store.ordinary(), true);
        assert!(store.ordinary().known.is_empty(), "nobody asked about it");
        File::open(path).expect("the journal is untouched");
    }

    #[test]
    fn a_dry_run_keeps_nothing() {
        let place = Place::new();
        known(&place);
        let store = place.store();
        fs::remove_file(store.index().path()).expect("remove");
        let (frozen, id) = (place.store().frozen(), run_id("r1"));
        let mut ordinary = frozen.ordinary();
        assert_eq!(frozen.chain(&id, &mut ordinary).expect("read"), Chain::Whole);
        frozen.keep_ordinary(&ordinary, true);
        assert!(!store.index().path().exists());
    }
}
