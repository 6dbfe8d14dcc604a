//! Which journals were found whole, in the index: a journal is read again only where its file may have changed.
//!
//! The time of the last change of the inode counts too, which nobody can set: an edit that puts length and time of
//! modification back still shows. Of journals that are not whole nothing is kept.

use super::index::Fault;
use super::index_rows::{Look, seal_of};
use super::journal::{Chain, FILE};
use super::live::Folder;
use super::{Store, StoreResult};
use crate::model::RunId;
use crate::sys::clock;
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;

/// A journal that was found whole, and what its file looked like just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Whole {
    look: Look,
    ctime_ns: i64,
}

impl Whole {
    fn proves(&self, now: &Self) -> bool {
        self.look.proves(&now.look) && self.ctime_ns == now.ctime_ns
    }

    fn seal(&self, run: &str) -> i64 {
        let [size, mtime, inode, seen] = self.look.numbers();
        seal_of(&[run], &[size, mtime, inode, seen, self.ctime_ns])
    }
}

/// What is known of the journals of live runs.
#[derive(Debug, Default)]
pub struct Journals {
    known: HashMap<String, Whole>,
    fresh: HashMap<String, Whole>,
}

impl Store {
    /// What the index knows of the journals of live runs.
    pub fn journals(&self) -> Journals {
        let known = self.index().read(|conn| {
            let mut ask = conn.prepare("SELECT * FROM journals")?;
            let mut known = HashMap::new();
            let mut rows = ask.query([])?;
            while let Some(row) = rows.next()? {
                let run: String = row.get(0)?;
                let numbers = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
                let whole = Whole { look: Look::of_numbers(numbers), ctime_ns: row.get(5)? };
                if whole.seal(&run) == row.get::<_, i64>(6)? {
                    known.insert(run, whole);
                }
            }
            Ok(known)
        });
        Journals { known: known.unwrap_or_default(), fresh: HashMap::new() }
    }

    /// Whether a run's journal is the one that was written; read where that is not known.
    pub fn chain(&self, id: &RunId, journals: &mut Journals) -> StoreResult<Chain> {
        let look = self.journal_look(id);
        let known = journals.known.get(id.as_str());
        if let (Some(known), Some(now)) = (known, &look)
            && known.proves(now)
        {
            return Ok(Chain::Whole);
        }
        let chain = self.journal(id)?.chain;
        if let Some(whole) = look.filter(|whole| chain == Chain::Whole && !whole.look.is_racy()) {
            journals.fresh.insert(id.to_string(), whole);
        }
        Ok(chain)
    }

    /// Keeps what was learned; `live` are all the runs that are still live.
    pub fn keep_journals(&self, journals: &Journals, live: &[&RunId]) {
        let gone: Vec<_> =
            journals.known.keys().filter(|run| !live.iter().any(|id| id.as_str() == **run)).collect();
        if self.is_frozen() || journals.fresh.is_empty() && gone.is_empty() {
            return;
        }
        self.index().write(|conn: &Connection| -> Result<(), Fault> {
            let mut drop = conn.prepare("DELETE FROM journals WHERE run = ?1")?;
            for run in &gone {
                drop.execute([run])?;
            }
            let mut put =
                conn.prepare("INSERT OR REPLACE INTO journals VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            for (run, whole) in &journals.fresh {
                let [size, mtime, inode, seen] = whole.look.numbers();
                put.execute(params![run, size, mtime, inode, seen, whole.ctime_ns, whole.seal(run)])?;
            }
            Ok(())
        });
    }

    /// What the journal of a live run looks like; `None` where it is no file there.
    fn journal_look(&self, id: &RunId) -> Option<Whole> {
        let seen_ns = i64::try_from(clock::precise().as_nanosecond()).unwrap_or(0);
        let meta = self.run_in(Folder::Live, id).join(FILE).symlink_metadata().ok()?;
        let ctime_ns = meta.ctime().wrapping_mul(1_000_000_000).wrapping_add(meta.ctime_nsec());
        meta.is_file().then(|| Whole { look: Look::of(&meta, seen_ns), ctime_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, run_id};
    use super::*;
    use std::fs::{self, File, FileTimes, OpenOptions};
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    fn settle(path: &std::path::Path) -> SystemTime {
        let time = SystemTime::now() - Duration::from_secs(60);
        OpenOptions::new().write(true).open(path).expect("open").set_modified(time).expect("set the time");
        time
    }

    /// A run whose journal is proof, looked at through a filled index.
    fn known(place: &Place) -> PathBuf {
        let mut hold = place.made("r1");
        hold.note("note", "something was done here").expect("note");
        let path = hold.dir().join(FILE);
        settle(&path);
        drop(hold);
        assert_eq!(chain(place), Chain::Whole);
        let known = place.store().journals();
        assert!(known.known.contains_key("r1"), "what was found is kept");
        path
    }

    /// The chain by way of the index; what was learned is kept.
    fn chain(place: &Place) -> Chain {
        let (store, id) = (place.store(), run_id("r1"));
        let mut journals = store.journals();
        let chain = store.chain(&id, &mut journals).expect("the journal");
        store.keep_journals(&journals, &[&id]);
        assert_eq!(chain, store.journal(&id).expect("the journal").chain, "the file says the same");
        chain
    }

    #[test]
    fn a_journal_that_did_not_change_is_not_read_again() {
        let place = Place::new();
        let path = known(&place);
        let (store, id) = (place.store(), run_id("r1"));
        let mut journals = store.journals();
        assert_eq!(store.chain(&id, &mut journals).expect("known"), Chain::Whole);
        assert!(journals.fresh.is_empty(), "nothing was read");
        // Nothing to learn: nothing is written.
        let before = fs::metadata(store.index().path()).expect("the index").modified().expect("a time");
        store.keep_journals(&journals, &[&id]);
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
        assert!(store.journals().known.contains_key("r1"), "it was built anew");
        store.keep_journals(&store.journals(), &[]);
        assert!(store.journals().known.is_empty(), "r1 is not live any more");
        File::open(path).expect("the journal is untouched");
    }

    #[test]
    fn a_dry_run_keeps_nothing() {
        let place = Place::new();
        known(&place);
        let store = place.store();
        fs::remove_file(store.index().path()).expect("remove");
        let (frozen, id) = (place.store().frozen(), run_id("r1"));
        let mut journals = frozen.journals();
        assert_eq!(frozen.chain(&id, &mut journals).expect("read"), Chain::Whole);
        frozen.keep_journals(&journals, &[&id]);
        assert!(!store.index().path().exists());
    }
}
