//! Reading all live records, through the index where it is good and from the files where it is not.

use super::index::Index;
use super::index_rows::{LiveRow, Look, Packed, Policies};
use super::live::{Folder, RECORD, Store, understand};
use super::{Entry, StoreError, StoreResult};
use crate::model::{Run, RunId, content_hash};
use crate::sys::files::TEMP_PREFIX;
use crate::sys::{SysError, clock, files};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// More than any record that we write; published records come from others.
pub(super) const RECORD_CAP: usize = 4 << 20;

/// What a record says, and the row for the index where the one it has does not stand.
type Seen = (Entry, Option<LiveRow>);

impl Store {
    /// The index of this store.
    pub fn index(&self) -> Index {
        Index::of(self.common_dir())
    }

    /// Every record among the live ones, newest first, what is broken last.
    pub(super) fn sweep(&self) -> StoreResult<Vec<Entry>> {
        let names = self.names(Folder::Live)?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = self.index().live_rows().unwrap_or_default();
        let mut policies = Policies::default();
        let mut entries = Vec::with_capacity(names.len());
        let mut fresh = Vec::new();
        for name in &names {
            let row = rows.remove(&key_of(Folder::Live, name));
            match self.look_at(name, row, &mut policies) {
                Ok(None) => {}
                Ok(Some((entry, row))) => {
                    entries.push(entry);
                    fresh.extend(row);
                }
                Err(error) => entries.push(Entry::broken(name, &error)),
            }
        }
        let gone: Vec<String> = rows.into_keys().collect();
        if !(self.is_frozen() || fresh.is_empty() && gone.is_empty()) {
            self.index().put_live(&fresh, &gone);
        }
        Entry::newest_first(&mut entries);
        Ok(entries)
    }

    /// The names of the runs' directories in a place, sorted.
    pub(super) fn names(&self, folder: Folder) -> StoreResult<Vec<String>> {
        let mut names = files::names_in(&self.folder(folder))?;
        names.retain(|n| !n.starts_with(TEMP_PREFIX));
        Ok(names)
    }

    /// One look at one live record; `None` where it was moved away meanwhile.
    fn look_at(
        &self,
        name: &str,
        row: Option<LiveRow>,
        policies: &mut Policies,
    ) -> StoreResult<Option<Seen>> {
        let Some(look) = self.look(Folder::Live, name)? else { return Ok(None) };
        if let Some(row) = row.as_ref().filter(|row| row.look.proves(&look))
            && let Some(run) = row.packed.run(policies)
        {
            return Ok(Some((Entry::Run(Box::new(run)), None)));
        }
        let Some(bytes) = self.read_record(Folder::Live, name)? else { return Ok(None) };
        let hash = content_hash(&bytes);
        if let Some(row) = row.filter(|row| row.hash == hash)
            && let Some(run) = row.packed.run(policies)
        {
            // A row that would still not be proof is not worth a write.
            let row = (!look.is_racy()).then_some(LiveRow { look, ..row });
            return Ok(Some((Entry::Run(Box::new(run)), row)));
        }
        let run = self.run_of(Folder::Live, name, &bytes)?;
        let path = key_of(Folder::Live, name);
        let row = Packed::of(&run).map(|packed| LiveRow { path, look, hash, packed });
        Ok(Some((Entry::Run(Box::new(run)), row)))
    }

    fn record_path(&self, folder: Folder, name: &str) -> PathBuf {
        self.folder(folder).join(name).join(RECORD)
    }

    /// What the record in the directory of this name looks like; `None` where it was moved away meanwhile.
    pub(super) fn look(&self, folder: Folder, name: &str) -> StoreResult<Option<Look>> {
        let dir = self.folder(folder).join(name);
        let path = dir.join(RECORD);
        let foreign = |why: &str| Err(StoreError::Broken { path: path.clone(), why: why.to_owned() });
        let Ok(id) = RunId::parse(name) else { return foreign("the name of its directory is no run id") };
        let seen_ns = i64::try_from(clock::precise().as_nanosecond()).unwrap_or(0);
        match path.symlink_metadata() {
            Ok(meta) if meta.is_file() => Ok(Some(Look::of(&meta, seen_ns))),
            Ok(_) => foreign("it is not a regular file"),
            // Moved away, or moved away and its directory made again by a wrapper that outlived the close.
            Err(_) if self.place_of(&id).is_none_or(|place| place != dir) => Ok(None),
            Err(e) => Err(SysError::file("read", &path, e).into()),
        }
    }

    /// The bytes of the record in the directory of this name; `None` where it was moved away meanwhile.
    pub(super) fn read_record(&self, folder: Folder, name: &str) -> StoreResult<Option<Vec<u8>>> {
        let path = self.record_path(folder, name);
        match read_capped(&path) {
            Err(_) if path.parent().is_none_or(|dir| !dir.is_dir()) => Ok(None),
            read => read.map(Some),
        }
    }

    /// The run whose record has these bytes.
    pub(super) fn run_of(&self, folder: Folder, name: &str, bytes: &[u8]) -> StoreResult<Run> {
        understand_bytes(&self.record_path(folder, name), name, bytes)
    }
}

/// The path of a record below `metawsm/`.
pub(super) fn key_of(folder: Folder, name: &str) -> String {
    format!("{}/{name}/{RECORD}", folder.name())
}

/// As [`understand`], of bytes that may be no text.
pub(super) fn understand_bytes(path: &Path, name: &str, bytes: &[u8]) -> StoreResult<Run> {
    let broken = |why: &str| StoreError::Broken { path: path.to_owned(), why: why.to_owned() };
    if bytes.len() > RECORD_CAP {
        return Err(broken("it is too large to be a record"));
    }
    understand(path, name, std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8 text"))?)
}

fn read_capped(path: &Path) -> StoreResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| SysError::file("read", path, e))?;
    let cap = RECORD_CAP as u64 + 1;
    file.take(cap).read_to_end(&mut bytes).map_err(|e| SysError::file("read", path, e))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::IndexHealth;
    use super::super::testing::{Place, at, closed_runs, full, plain, run_id};
    use super::*;
    use crate::model::RunState;
    use std::fs;
    use std::time::{Duration, SystemTime};

    fn ids(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(Entry::id).collect()
    }

    /// Sets a file's modification time to a minute ago, so that it is proof.
    fn settle(path: &Path) {
        let file = fs::OpenOptions::new().write(true).open(path).expect("open");
        file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("set the time");
    }

    /// Five settled runs, one newer than the others, and a filled index.
    fn five(place: &Place) -> Vec<Entry> {
        for n in 0..5 {
            let mut run = full(&format!("r{n}"));
            run.state = RunState::Running;
            if n == 2 {
                run.created = at("2026-01-01T00:00:00Z");
            }
            let hold = place.store().create_run(&run, "run", Duration::ZERO).expect("create");
            settle(&hold.dir().join(RECORD));
        }
        let entries = place.store().open_runs().expect("sweep");
        assert_eq!(place.store().index().health(), IndexHealth::Good);
        entries
    }

    #[test]
    fn runs_come_newest_first_and_a_broken_one_hides_no_other() {
        let place = Place::new();
        five(&place);
        let runs = place.store().dir().join("runs");
        fs::write(runs.join("r0").join(RECORD), "nonsense").expect("break");
        fs::remove_file(runs.join("r1").join(RECORD)).expect("remove");
        fs::create_dir(runs.join("-odd")).expect("mkdir");
        fs::rename(runs.join("r3"), runs.join("other")).expect("rename");
        nix::unistd::mkfifo(&runs.join("r1").join(RECORD), nix::sys::stat::Mode::S_IRWXU).expect("fifo");
        let entries = place.store().open_runs().expect("sweep");
        assert_eq!(ids(&entries), ["r2", "r4", "r1", "r0", "other", "-odd"]);
        let why: Vec<_> = entries.iter().filter(|e| e.run().is_none()).map(|e| format!("{e:?}")).collect();
        assert!(why[0].contains("it is not a regular file"), "{why:?}");
        assert!(why[1].contains("r0/run.toml cannot be used: line 1: "), "{why:?}");
        assert!(why[2].contains("it is the record of r3"), "{why:?}");
    }

    #[test]
    fn asking_where_nothing_is_makes_nothing() {
        let place = Place::new();
        assert_eq!(place.store().open_runs().expect("sweep"), []);
        assert_eq!(closed_runs(&place.store()).expect("sweep"), []);
        assert_eq!(place.store().sweep_temps().expect("sweep"), 0);
        assert_eq!(place.store().index().health(), IndexHealth::Absent);
        assert!(!place.store().exists());
    }

    #[test]
    fn a_dry_run_changes_no_byte_of_the_index() {
        let place = Place::new();
        place.made("r1");
        assert_eq!(place.store().frozen().open_runs().expect("sweep").len(), 1);
        assert_eq!(place.store().index().health(), IndexHealth::Absent);
    }

    #[test]
    fn an_unchanged_record_is_not_read_again_and_a_changed_one_is() {
        let place = Place::new();
        five(&place);
        let path = place.store().dir().join("runs/r0").join(RECORD);
        let old = fs::read_to_string(&path).expect("read");
        let time = path.metadata().and_then(|m| m.modified()).expect("time");
        let change = |text: &str, time: SystemTime| {
            fs::write(&path, text).expect("write");
            fs::OpenOptions::new().write(true).open(&path).and_then(|f| f.set_modified(time)).expect("time");
        };
        let goal = || {
            let entries = place.store().open_runs().expect("sweep");
            let run = entries.iter().find(|e| e.id() == "r0").and_then(Entry::run).expect("r0");
            run.brief.done_criteria.clone()
        };
        // The same size, inode and an old time: only reading it could tell, and it is not read.
        let changed = old.replacen("tests pass", "tests fail", 1);
        change(&changed, time);
        assert_eq!(goal(), "tests pass");
        // A time within the grain of the clock proves nothing: it is read each time.
        let just_now = SystemTime::now();
        change(&changed, just_now);
        assert_eq!(goal(), "tests fail");
        change(&old, just_now);
        assert_eq!(goal(), "tests pass");
        // Any write of ours is seen at once.
        place.held("r0").update(|r| r.brief.done_criteria = "tests shine".to_owned()).expect("update");
        assert_eq!(goal(), "tests shine");
    }

    #[test]
    fn a_damaged_index_gives_the_same_answer_and_is_built_anew() {
        let place = Place::new();
        let expected = five(&place);
        let path = place.store().index().path();
        let good = fs::read(&path).expect("index");
        let mut flipped: Vec<Vec<u8>> = Vec::new();
        for at in (0..good.len()).step_by(good.len() / 97) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x15;
            flipped.push(bytes);
        }
        let damages = [vec![], b"nonsense".to_vec(), vec![0; 8192], good[..good.len() / 2].to_vec()];
        for (n, bytes) in damages.into_iter().chain(flipped).enumerate() {
            fs::write(&path, bytes).expect("damage");
            assert_eq!(place.store().open_runs().expect("sweep"), expected, "damage {n}");
            assert_eq!(place.store().open_runs().expect("sweep"), expected, "damage {n}, asked again");
        }
        fs::write(&path, "nonsense").expect("damage");
        assert!(matches!(place.store().index().health(), IndexHealth::Damaged(_)));
        place.store().open_runs().expect("sweep");
        assert_eq!(place.store().index().health(), IndexHealth::Good);
        place.store().index().rebuild().expect("rebuild");
        assert_eq!(place.store().open_runs().expect("sweep"), expected);
    }

    #[test]
    fn an_index_that_is_busy_or_in_the_way_is_left_alone() {
        let place = Place::new();
        let expected = five(&place);
        let path = place.store().index().path();
        let before = fs::read(&path).expect("index");
        let conn = rusqlite::Connection::open(&path).expect("open");
        conn.execute_batch("BEGIN EXCLUSIVE").expect("lock");
        assert!(matches!(place.store().index().health(), IndexHealth::Unusable(_)));
        assert_eq!(place.store().open_runs().expect("sweep"), expected);
        conn.execute_batch("ROLLBACK").expect("unlock");
        drop(conn);
        assert_eq!(fs::read(&path).expect("index"), before);
        fs::remove_file(&path).expect("remove");
        fs::create_dir(&path).expect("mkdir");
        assert_eq!(place.store().open_runs().expect("sweep"), expected);
        assert!(path.is_dir());
    }

    #[test]
    fn an_index_left_in_the_middle_of_a_write_is_set_right() {
        let place = Place::new();
        let expected = five(&place);
        let path = place.store().index().path();
        let side = path.with_file_name("index.db-journal");
        let good = fs::read(&path).expect("index");
        // What a writer killed before its commit leaves: a changed file and the journal that undoes it.
        let conn = rusqlite::Connection::open(&path).expect("open");
        conn.execute_batch("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; DELETE FROM live")
            .expect("delete");
        conn.execute_batch(
            "CREATE TABLE junk(x); INSERT INTO junk SELECT hex(randomblob(9000)) FROM sqlite_schema",
        )
        .expect("spill");
        let (db, journal) = (fs::read(&path).expect("index"), fs::read(&side).expect("journal"));
        assert!(db != good && journal.len() > 512, "the write was under way");
        drop(conn);
        fs::write(&path, db).expect("index");
        fs::write(&side, journal).expect("journal");
        assert_eq!(place.store().open_runs().expect("sweep"), expected);
        assert_eq!(place.store().open_runs().expect("sweep"), expected);
        assert_eq!(place.store().index().health(), IndexHealth::Good);
    }

    #[test]
    fn a_run_that_moves_while_we_look_is_no_fault() {
        let place = Place::new();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..25 {
                    let mut hold = place.made(&format!("r{n}"));
                    hold.go(RunState::Discarded, "").expect("discard");
                    hold.archive(true).expect("archive");
                }
                done.store(true, std::sync::atomic::Ordering::Release);
            });
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let entries = place.store().open_runs().expect("sweep");
                assert!(entries.iter().all(|e| e.run().is_some()), "{entries:?}");
            }
        });
        assert_eq!(closed_runs(&place.store()).expect("sweep").len(), 25);
        assert_eq!(
            place.store().find_run(&run_id("r3")).expect("find").map(|r| r.created),
            Some(plain("r3").created)
        );
    }

    #[test]
    #[ignore = "measures; run by hand with --release --nocapture"]
    fn the_index_pays() {
        let place = Place::new();
        for n in 0..100 {
            let mut run = full(&format!("r{n}"));
            run.state = RunState::Running;
            run.steps = vec![run.steps[0].clone(); 12];
            let hold = place.store().create_run(&run, "run", Duration::ZERO).expect("create");
            settle(&hold.dir().join(RECORD));
        }
        let time = |what: &str, ask: &dyn Fn()| {
            let begun = std::time::Instant::now();
            ask();
            println!("{what}: {:?}", begun.elapsed());
        };
        let sweep = || drop(place.store().open_runs().expect("sweep"));
        time("100 runs, no index", &sweep);
        time("100 runs, good index", &sweep);
        time("100 runs, good index", &sweep);
    }
}
