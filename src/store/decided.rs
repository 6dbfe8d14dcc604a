//! Decided runs in the order in which they are told: those kept here and those in base's tree, as one walk over the
//! index where it is good, and over a private one where it is not.

use super::index::{self, Fault};
use super::index_rows::DecidedRow;
use super::live::{Folder, Store};
use super::published::{self, PublishedTree};
use super::summary::Summary;
use super::{Entry, StoreError, StoreResult, closed};
use crate::model::RunId;
use rusqlite::{Connection, Row, params};
use std::cell::RefCell;

/// Takes one decided run, and a way to read its whole record; that one answers `None` where the record was removed
/// meanwhile.
pub type TakeDecided<'a> = dyn FnMut(Entry<Summary>, &dyn Fn() -> StoreResult<Option<Entry>>) + 'a;

impl Store {
    /// Gives out the decided runs that are kept here and, with `tree`, those published on base, each once, newest first,
    /// what is broken last. Where the index holds the rows of this tree, and files are as they were, no record is read.
    pub fn each_decided(
        &self,
        tree: Option<&PublishedTree<'_>>,
        take: &mut TakeDecided<'_>,
    ) -> StoreResult<()> {
        let names = self.names(Folder::Closed)?;
        if names.is_empty() && tree.is_none() {
            return Ok(());
        }
        let walk = Walk { store: self, names: Some(&names), tree, failed: RefCell::default() };
        walk.go(take)
    }

    /// One published run, without looking at the others where the index knows it. `None` is said only after all
    /// records were looked at.
    pub fn find_published(&self, tree: &PublishedTree<'_>, id: &RunId) -> StoreResult<Option<Entry>> {
        if let Ok(Some((path, blob))) = self.index().read(|conn| published::one(conn, tree.id, id.as_str())) {
            return published::read(tree, &path, &blob).map(Some);
        }
        let mut found = None;
        let walk = Walk { store: self, names: None, tree: Some(tree), failed: RefCell::default() };
        walk.go(&mut |entry, load| {
            let own = match &entry {
                Entry::Run(run) => run.id.as_str(),
                Entry::Broken { id, .. } => id,
            };
            if own == id.as_str() && found.is_none() {
                found = Some(load());
            }
        })?;
        Ok(found.transpose()?.flatten())
    }
}

/// What is walked over: the records in the directories of these names below `closed/`, and the records of a tree.
struct Walk<'a> {
    store: &'a Store,
    names: Option<&'a [String]>,
    tree: Option<&'a PublishedTree<'a>>,
    /// Why the tree could not be read.
    failed: RefCell<Option<String>>,
}

/// The place of a row in the order of all.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    created: i64,
    id: String,
    path: String,
}

impl Walk<'_> {
    fn go(&self, take: &mut TakeDecided<'_>) -> StoreResult<()> {
        let mut last = None;
        let mut give = |conn: &Connection, renewed| self.give_current(conn, renewed, &mut last, take);
        let index = self.store.index();
        if let Ok(true) = index.read(|conn| give(conn, false)) {
            return Ok(());
        }
        if self.store.exists() && !self.store.is_frozen() {
            index.write(|conn| self.bring_up(conn));
            self.require_read()?;
            if let Ok(true) = index.read(|conn| give(conn, true)) {
                return Ok(());
            }
        }
        let mut go_apart = || -> Result<bool, Fault> {
            let conn = index::private()?;
            self.bring_up(&conn)?;
            give(&conn, true)
        };
        let told = go_apart();
        self.require_read()?;
        match told {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Published("they changed while they were read".to_owned())),
            Err(fault) => Err(StoreError::Published(fault.why())),
        }
    }

    fn require_read(&self) -> StoreResult<()> {
        self.failed.take().map_or(Ok(()), |why| Err(StoreError::Published(why)))
    }

    fn bring_up(&self, conn: &Connection) -> Result<(), Fault> {
        if let Some(names) = self.names {
            closed::bring_up(self.store, conn, names)?;
        }
        match self.tree {
            Some(tree) if !published::is_current(conn, tree.id)? => {
                published::bring_up(conn, tree, &self.failed)
            }
            _ => Ok(()),
        }
    }

    /// Gives out the rows if they are exactly those that are walked over; else `false`. Who fails in the middle goes on
    /// with another source after the `last` one: the order is always the same.
    fn give_current(
        &self,
        conn: &Connection,
        renewed: bool,
        last: &mut Option<Key>,
        take: &mut TakeDecided<'_>,
    ) -> Result<bool, Fault> {
        let is_current = match self.names {
            Some(names) => closed::is_current(self.store, conn, names, renewed)?,
            None => true,
        };
        if !is_current || !self.tree.map_or(Ok(true), |tree| published::is_current(conn, tree.id))? {
            return Ok(false);
        }
        let here = self.names.is_some_and(|names| !names.is_empty());
        let mut ask = conn.prepare(match (here, self.tree.is_some()) {
            (true, true) => {
                "SELECT *, 1 FROM closed UNION ALL SELECT *, 0 FROM published
                 ORDER BY created DESC, id DESC, path DESC"
            }
            (true, false) => "SELECT *, 1 FROM closed ORDER BY created DESC, id DESC, path DESC",
            _ => "SELECT *, 0 FROM published ORDER BY created DESC, id DESC, path DESC",
        })?;
        let mut rows = ask.query([])?;
        while let Some(row) = rows.next()? {
            self.give_row(conn, row, last, take)?;
        }
        Ok(true)
    }

    fn give_row(
        &self,
        conn: &Connection,
        row: &Row<'_>,
        last: &mut Option<Key>,
        take: &mut TakeDecided<'_>,
    ) -> Result<(), Fault> {
        let changed = || Fault::Damaged("a row changed while it was read".to_owned());
        let (told, _) = DecidedRow::at(row)?.ok_or_else(changed)?;
        let is_before = |last: &Key| {
            (last.created, last.id.as_str(), last.path.as_str()) > (told.created, told.id, told.path)
        };
        if !last.as_ref().is_none_or(is_before) {
            return Ok(());
        }
        let is_here: bool = row.get(13)?;
        if is_here || !self.is_known_here(conn, told.id)? {
            let entry = told.entry().ok_or_else(changed)?;
            take(entry, &|| self.load(&told, is_here));
        }
        let last = last.get_or_insert_default();
        last.created = told.created;
        told.id.clone_into(&mut last.id);
        told.path.clone_into(&mut last.path);
        Ok(())
    }

    /// Whether a published run is told from its directory here.
    fn is_known_here(&self, conn: &Connection, id: &str) -> Result<bool, Fault> {
        let is_name = |names: &[String]| names.binary_search_by(|name| name.as_str().cmp(id)).is_ok();
        if !self.names.is_some_and(is_name) {
            return Ok(false);
        }
        let mut ask = conn.prepare_cached("SELECT 1 FROM closed WHERE id = ?1 AND created > ?2")?;
        Ok(ask.exists(params![id, i64::MIN])?)
    }

    fn load(&self, told: &DecidedRow<'_>, is_here: bool) -> StoreResult<Option<Entry>> {
        match self.tree {
            Some(tree) if !is_here => published::read(tree, told.path, told.mark).map(Some),
            _ => match self.store.closed_run(told.id) {
                Ok(run) => Ok(run.map(|run| Entry::Run(Box::new(run)))),
                Err(error) => Ok(Some(Entry::broken(told.id, &error))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, Tree, at, full, published};
    use super::super::{IndexHealth, to_toml};
    use super::*;
    use crate::model::{Run, RunState};
    use std::fs;
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    fn run(id: &str, created: &str) -> Run {
        Run { created: at(created), state: RunState::Closed, ..full(id) }
    }

    /// Writes the record of a closed run, as if a minute ago.
    fn keep(place: &Place, run: &Run) -> PathBuf {
        let path = place.store().dir().join("closed").join(run.id.as_str()).join("run.toml");
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, to_toml(run)).expect("a record");
        let file = fs::OpenOptions::new().write(true).open(&path).expect("the record");
        file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("a time");
        path
    }

    fn ids(entries: &[Entry]) -> Vec<(&str, bool)> {
        entries.iter().map(|e| (e.id(), e.run().is_some_and(|run| run.policy.is_empty()))).collect()
    }

    /// Three runs kept here, one of them broken, and twenty published ones, two of them the same as those.
    fn scene(place: &Place) -> Tree {
        let kept = [
            run("p03", "2025-03-04T05:06:07Z"),
            run("new", "2026-01-01T00:00:00Z"),
            run("p05", "2025-03-04T05:06:07Z"),
        ];
        let paths = kept.map(|run| keep(place, &run));
        fs::write(&paths[2], "nonsense").expect("break it");
        let mut tree = Tree::of(7);
        tree.files.push(published(&run("old", "1500-01-01T00:00:00Z")));
        tree
    }

    #[test]
    fn runs_kept_here_and_published_ones_are_told_once_newest_first() {
        let place = Place::new();
        let tree = scene(&place);
        let told = tree.all(&place.store(), "t1").expect("told");
        let from_base = ["p06", "p05", "p04"].map(|id| (id, true));
        let rest = ["p02", "p01", "p00", "old"].map(|id| (id, true));
        let expected =
            [&[("new", false)], &from_base[..], &[("p03", false)], &rest, &[("p05", false)]].concat();
        assert_eq!(ids(&told), expected, "the policy is left out of a published record");
        assert_eq!(tree.all(&place.store(), "t1").expect("again"), told);
        assert_eq!(place.store().index().health(), IndexHealth::Good);
        let mut here = Vec::new();
        let mut take = |entry: Entry<Summary>, _: &dyn Fn() -> StoreResult<Option<Entry>>| here.push(entry);
        place.store().each_decided(None, &mut take).expect("told");
        let short: Vec<_> = [0, 4, 9].map(|at| Summary::of_entry(&told[at])).into();
        assert_eq!(here, short);
        assert_eq!(tree.reads.get(), 8, "each record of base is read once");
    }

    #[test]
    fn a_changed_or_removed_record_is_told_as_it_is() {
        let place = Place::new();
        let tree = scene(&place);
        let states = || {
            let told = tree.all(&place.store(), "t1").expect("told");
            let state = |id: &str| {
                let of = |e: &&Entry| e.id() == id;
                told.iter().filter(of).filter_map(Entry::run).map(|r| r.state).collect::<Vec<_>>()
            };
            (state("new"), state("p03"))
        };
        assert_eq!(states(), (vec![RunState::Closed], vec![RunState::Closed]));
        let discarded = Run { state: RunState::Discarded, ..run("new", "2026-01-01T00:00:00Z") };
        let path = keep(&place, &discarded);
        assert_eq!(states().0, [RunState::Discarded]);
        // Changed again within the grain of the clock.
        for state in [RunState::Closed, RunState::Discarded, RunState::Closed] {
            fs::write(&path, to_toml(&Run { state, ..discarded.clone() })).expect("write");
            assert_eq!(states().0, [state]);
        }
        fs::remove_dir_all(path.parent().expect("a directory")).expect("remove");
        fs::remove_dir_all(place.store().dir().join("closed/p03")).expect("remove");
        assert_eq!(states(), (vec![], vec![RunState::Closed]), "history still holds the other one");
    }

    #[test]
    fn with_a_damaged_missing_or_busy_index_the_same_is_told() {
        let place = Place::new();
        let tree = scene(&place);
        let store = place.store();
        let expected = tree.all(&store.clone().frozen(), "t1").expect("without an index");
        assert_eq!(store.index().health(), IndexHealth::Absent);
        assert_eq!(tree.all(&store, "t1").expect("with one"), expected);
        let path = store.index().path();
        let good = fs::read(&path).expect("index");
        let same = |damage: &str| {
            for _ in 0..2 {
                assert_eq!(tree.all(&store, "t1").expect(damage), expected, "{damage}");
            }
        };
        for at in (0..good.len()).step_by(good.len() / 61) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x15;
            fs::write(&path, bytes).expect("damage");
            same(&format!("byte {at}"));
        }
        for damage in [
            "DELETE FROM closed WHERE id = 'new'",
            "DELETE FROM published WHERE id = 'p01'",
            "UPDATE closed SET state = 'discarded'",
            "UPDATE closed SET created = created - 1 WHERE id = 'new'",
            "UPDATE published SET created = created - 1 WHERE id = 'p01'",
            "INSERT INTO closed SELECT created + 1, id, path, mark, state, changed, tickets, title, size, mtime_ns,
                inode, seen_ns, seal FROM closed WHERE id = 'p03'",
            "INSERT INTO published SELECT created, 'p99', path, mark, state, changed, tickets, title, size, mtime_ns,
                inode, seen_ns, seal FROM published WHERE id = 'p03'",
            "INSERT INTO closed SELECT created, 'p99', path, mark, state, changed, tickets, title, size, mtime_ns,
                inode, seen_ns, seal FROM closed WHERE id = 'p03'",
        ] {
            let conn = Connection::open(store.index().path()).expect("open");
            assert!(conn.execute(damage, []).expect(damage) > 0);
            drop(conn);
            same(damage);
        }
        let conn = Connection::open(&path).expect("open");
        conn.execute_batch("BEGIN EXCLUSIVE").expect("lock");
        same("busy");
        drop(conn);
        fs::remove_file(&path).expect("remove");
        same("missing");
        fs::remove_file(&path).expect("remove");
        fs::create_dir(&path).expect("in the way");
        same("a directory");
    }
}
