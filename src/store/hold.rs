//! The hold of a run: the exclusive lock as a type, and the only thing that writes a run's files.
//!
//! A transition writes the record first and the journal line second. The record is the truth and holds all that
//! the line will say (state, reason, time), so a kill between the two leaves a record that is ahead of its
//! journal by one line, and the next hold adds that line as `recovered`. The other way round the journal would
//! tell of a move that never happened.

use super::journal::{CREATED, Line, Writer};
use super::live::{Folder, RECORD, find_record, not_found, part_path, require_free_name, run_lock};
use super::publication::Publication;
use super::{Store, StoreError, StoreResult, record, temps};
use crate::model::{RECORD_FORMAT, Run, RunId, RunState, sha256_hex};
use crate::sys::{clock, env, files, lock, random};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hold of one run, until it is dropped or its process ends.
#[derive(Debug)]
pub struct Hold {
    store: Store,
    run: Run,
    dir: PathBuf,
    journal: Writer,
    actor: String,
    token: String,
    /// Last, so that everything else is gone before the lock is free.
    _lock: lock::Lock,
}

fn take_lock(store: &Store, id: &RunId, command: &str, wait: Duration) -> StoreResult<(lock::Lock, String)> {
    let token = random::base32(32);
    let extra = sha256_hex(token.as_bytes());
    let command = command.lines().next().unwrap_or_default();
    let lock = lock::take(&store.lock_path(id), &format!("Run {id}"), command, &extra, wait)?;
    Ok((lock, token))
}

/// Who acts: the agent whose session this is, else the person who made the run.
fn actor_of(run: &Run) -> String {
    match (env::text(env::AGENT), env::text(env::TICKET)) {
        (Some(agent), Some(ticket)) => format!("agent {ticket}.{agent}"),
        (Some(agent), None) => format!("agent {agent}"),
        _ => run.actor.clone(),
    }
}

/// Whether this token belongs to the hold that is on the run right now.
pub fn verify_hold_token(common_dir: &Path, run: &RunId, token: &str) -> bool {
    let holder = lock::current_holder(&run_lock(common_dir, run));
    !token.is_empty() && holder.is_some_and(|h| h.extra == sha256_hex(token.as_bytes()))
}

impl Store {
    /// Makes a run and holds it. Its directory is built under another name and moved into place whole, so a run
    /// that is half made never shows. An id that was used here before is refused; whether history holds it is
    /// for the caller to ask.
    pub fn create_run(&self, run: &Run, command: &str, wait: Duration) -> StoreResult<Hold> {
        require_free_name(&run.id)?;
        require_writable(run, &self.run_in(Folder::Live, &run.id))?;
        let (lock, token) = take_lock(self, &run.id, command, wait)?;
        if self.place_of(&run.id).is_some() {
            return Err(StoreError::Exists { id: run.id.to_string() });
        }
        let actor = actor_of(run);
        let half = temps::half_made(&self.folder(Folder::Live), &run.id);
        let dir = self.run_in(Folder::Live, &run.id);
        let build = || -> StoreResult<Writer> {
            files::write_atomic(&half.join(RECORD), record::encode(run)?.as_bytes())?;
            let mut journal = Writer::begin(&half);
            let title = run.title();
            let line =
                Line { at: run.changed, actor: &actor, event: CREATED, text: &title, state: Some(run.state) };
            journal.append(line)?;
            files::rename_durable(&half, &dir)?;
            Ok(journal)
        };
        let mut journal = build().inspect_err(|_| {
            let _ = files::remove_tree(&half);
        })?;
        journal.follow(&dir);
        Ok(Hold { store: self.clone(), run: run.clone(), dir, journal, actor, token, _lock: lock })
    }

    /// Takes the hold of a run, open or closed, trying until `wait` is over; who has it is named in the error
    /// ([`StoreError::is_busy`]). What a killed command left behind is put right first: temporary files go, a
    /// torn journal line is moved aside, and a move that the journal does not know is added to it.
    pub fn hold(&self, id: &RunId, command: &str, wait: Duration) -> StoreResult<Hold> {
        // Asked before and after: locking an unknown id would leave a lock file for every typing error.
        self.place_of(id).ok_or_else(|| not_found(id))?;
        let (lock, token) = take_lock(self, id, command, wait)?;
        let dir = self.place_of(id).ok_or_else(|| not_found(id))?;
        let run = find_record(&dir, id)?.ok_or_else(|| not_found(id))?;
        require_writable(&run, &dir)?;
        temps::sweep_dir(&dir)?;
        let (journal, before) = Writer::open(&dir)?;
        let actor = actor_of(&run);
        let mut hold = Hold { store: self.clone(), run, dir, journal, actor, token, _lock: lock };
        let known = before.last_state().map(|e| (e.state.clone().unwrap_or_default(), e.at));
        if known != Some((hold.run.state.as_str().to_owned(), hold.run.changed)) {
            hold.write_state("recovered")?;
        }
        Ok(hold)
    }
}

/// Refuses what this version must not write.
fn require_writable(run: &Run, dir: &Path) -> StoreResult<()> {
    if run.format > RECORD_FORMAT {
        return Err(StoreError::Newer { path: dir.join(RECORD), format: run.format });
    }
    if run.kind != record::KIND || run.format != RECORD_FORMAT {
        let why = format!("kind {:?} with format {} is no record of this version", run.kind, run.format);
        return Err(StoreError::Refused { id: run.id.to_string(), why });
    }
    Ok(())
}

impl Hold {
    /// The run as it stands on disk.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The store that the run lies in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The run's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The token of this hold, for the environment of our own git children only; its hash stands in the lock.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sets who acts, as journal lines name them; without it the agent around us, else the run's maker.
    pub fn set_actor(&mut self, actor: &str) {
        actor.clone_into(&mut self.actor);
    }

    /// SHA-256 of the journal's last line.
    pub fn journal_hash(&self) -> String {
        self.journal.hash().to_owned()
    }

    /// Replaces the record whole. A newer format, another id or an illegal move is refused and the old record
    /// stays; a move is also written to the journal. Once this returns the record survives a power cut.
    pub fn save(&mut self, run: Run) -> StoreResult<()> {
        require_writable(&run, &self.dir)?;
        if run.id != self.run.id || run.created != self.run.created {
            let why = format!("its id and birth never change ({} was given)", run.id);
            return Err(StoreError::Refused { id: self.run.id.to_string(), why });
        }
        self.run.state.check_move(run.state)?;
        if !self.dir.is_dir() {
            return Err(not_found(&run.id));
        }
        let moved = (self.run.state, self.run.changed) != (run.state, run.changed);
        if run != self.run {
            files::write_atomic(&self.dir.join(RECORD), record::encode(&run)?.as_bytes())?;
        }
        self.run = run;
        if moved { self.write_state("state") } else { Ok(()) }
    }

    /// Edits a copy of the record and saves it.
    pub fn update(&mut self, edit: impl FnOnce(&mut Run)) -> StoreResult<()> {
        let mut run = self.run.clone();
        edit(&mut run);
        self.save(run)
    }

    /// Moves the run to another state: checked, saved, and written to the journal.
    pub fn go(&mut self, to: RunState, reason: &str) -> StoreResult<()> {
        let mut run = self.run.clone();
        run.go(to, reason, clock::now())?;
        let unmoved = (run.state, run.changed) == (self.run.state, self.run.changed);
        self.save(run)?;
        // Within one second a run may be told to stay where it is; the journal hears of that too.
        if unmoved { self.write_state("state") } else { Ok(()) }
    }

    /// Adds a line to the journal: time, actor, event, text.
    pub fn note(&mut self, event: &str, text: &str) -> StoreResult<()> {
        self.journal.append(Line::now(&self.actor, event, text))
    }

    fn write_state(&mut self, event: &str) -> StoreResult<()> {
        let (state, at) = (self.run.state, self.run.changed);
        let text = if self.run.reason.is_empty() { state.as_str() } else { &self.run.reason };
        self.journal.append(Line { at, actor: &self.actor, event, text, state: Some(state) })
    }

    /// Writes a further file of the run whole, such as `intent.toml` or `docs/<ticket>.toml`.
    pub fn save_part(&mut self, name: &str, text: &str) -> StoreResult<()> {
        Ok(files::write_atomic(&part_path(&self.dir, &self.run.id, name)?, text.as_bytes())?)
    }

    /// Removes a further file of the run; one that is not there is fine.
    pub fn remove_part(&mut self, name: &str) -> StoreResult<()> {
        Ok(files::remove_durable(&part_path(&self.dir, &self.run.id, name)?)?)
    }

    /// Moves a decided run out of the sweep, to `closed/<id>`, with a marker that says whether base holds its
    /// record. Safe to repeat; a marker that names a commit is never taken back.
    pub fn archive(&mut self, published: bool) -> StoreResult<()> {
        if self.run.state.is_open() {
            let why = format!("it is {} and neither closed nor discarded", self.run.state);
            return Err(StoreError::Refused { id: self.run.id.to_string(), why });
        }
        // The marker first: a run in closed/ always says whether it waits for publication.
        if !matches!(Publication::load(&self.dir)?, Publication::Done(_)) {
            let mark = if published { Publication::Done(String::new()) } else { Publication::Pending };
            mark.save(&self.dir)?;
        }
        let closed = self.store.run_in(Folder::Closed, &self.run.id);
        if self.dir != closed {
            files::rename_durable(&self.dir, &closed)?;
            self.journal.follow(&closed);
            self.dir = closed;
        }
        Ok(())
    }

    /// Notes the commit by which base holds the run's record.
    pub fn mark_published(&self, commit: &str) -> StoreResult<()> {
        Publication::Done(commit.to_owned()).save(&self.dir)
    }

    /// Forgets an archived run whose record base holds: its directory goes. Refused for any other.
    pub fn forget(self) -> StoreResult<()> {
        let closed = self.store.run_in(Folder::Closed, &self.run.id);
        let published = matches!(Publication::load(&self.dir)?, Publication::Done(_));
        if self.dir != closed || !published {
            let why = "only an archived run whose record is in history can be forgotten".to_owned();
            return Err(StoreError::Refused { id: self.run.id.to_string(), why });
        }
        // Out of sight in one move, so that a kill leaves no run with half of its files.
        let gone = temps::half_made(&self.store.folder(Folder::Closed), &self.run.id);
        files::rename_durable(&self.dir, &gone)?;
        Ok(files::remove_tree(&gone)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::{Chain, FILE};
    use super::super::testing::{LONG, Place, full, plain, run_id};
    use super::super::{Entry, Journal};
    use super::*;
    use std::fs;
    use std::sync::Barrier;
    use std::thread;

    const NOW: Duration = Duration::ZERO;

    fn journal(place: &Place, id: &str) -> Journal {
        place.store().journal(&run_id(id)).expect("journal")
    }

    #[test]
    fn a_new_run_is_there_whole_and_its_id_is_used_once() {
        let place = Place::new();
        let store = place.store();
        assert!(!store.exists());
        let run = full("r1");
        let hold = store.create_run(&run, "run", NOW).expect("create");
        assert_eq!((hold.run(), store.find_run(&run.id).expect("find")), (&run, Some(run.clone())));
        assert_eq!(journal(&place, "r1").entries[0].event, "created");
        assert_eq!(files::names_in(&store.dir().join("runs")).expect("list"), ["r1"]);
        drop(hold);
        let again = store.create_run(&run, "run", NOW).expect_err("used");
        assert!(matches!(again, StoreError::Exists { .. }), "{again}");
        place.held("r1").archive(true).expect("archive");
        let again = store.create_run(&run, "run", NOW).expect_err("used, though closed");
        assert!(matches!(again, StoreError::Exists { .. }), "{again}");
        let reserved = store.create_run(&plain("Repo"), "run", NOW).expect_err("reserved");
        assert!(matches!(reserved, StoreError::Reserved { .. }), "{reserved}");
    }

    #[test]
    fn of_sixteen_who_make_one_run_exactly_one_does() {
        let place = Place::new();
        let start = Barrier::new(16);
        let made = thread::scope(|scope| {
            let make = || {
                start.wait();
                place.store().create_run(&plain("same"), "run", LONG).is_ok()
            };
            let all: Vec<_> = (0..16).map(|_| scope.spawn(make)).collect();
            all.into_iter().filter_map(|t| t.join().ok()).filter(|made| *made).count()
        });
        assert_eq!(made, 1);
        assert_eq!(journal(&place, "same").chain, Chain::Whole);
    }

    #[test]
    fn sixteen_writers_lose_nothing_while_readers_see_whole_records() {
        let place = Place::new();
        let mut run = full("r1");
        run.state = RunState::Running;
        drop(place.store().create_run(&run, "run", NOW).expect("create"));
        let start = Barrier::new(18);
        thread::scope(|scope| {
            for n in 0..16 {
                let (place, start) = (&place, &start);
                scope.spawn(move || {
                    start.wait();
                    for m in 0..6 {
                        let mut hold = place.store().hold(&run_id("r1"), "count", LONG).expect("hold");
                        hold.update(|run| run.agents[0].starts += 1).expect("update");
                        hold.note("count", &format!("{n}.{m}")).expect("note");
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..40 {
                        let runs = place.store().open_runs().expect("sweep");
                        assert!(matches!(&runs[..], [Entry::Run(_)]), "{runs:?}");
                        assert!(matches!(journal(&place, "r1").chain, Chain::Whole | Chain::TornTail));
                    }
                });
            }
        });
        assert_eq!(place.held("r1").run().agents[0].starts, 2 + 16 * 6);
        let journal = journal(&place, "r1");
        let mut counts: Vec<_> =
            journal.entries.iter().filter(|e| e.event == "count").map(|e| &e.text).collect();
        counts.sort();
        counts.dedup();
        assert_eq!((journal.chain, counts.len()), (Chain::Whole, 16 * 6));
    }

    #[test]
    fn a_held_run_names_its_holder_and_an_unknown_one_leaves_no_trace() {
        let place = Place::new();
        let store = place.store();
        let unknown = store.hold(&run_id("typo"), "close", NOW).expect_err("unknown");
        assert!(matches!(unknown, StoreError::NotFound { .. }) && !store.exists(), "{unknown}");
        let hold = place.made("r1");
        let busy = store.hold(&run_id("r1"), "stop", NOW).expect_err("held");
        assert!(
            busy.is_busy() && busy.to_string().starts_with("Run r1 is in use by 'run' (process "),
            "{busy}"
        );
        assert_eq!(store.holder(&run_id("r1")).expect("held").command, "run");
        drop(hold);
        assert_eq!(store.holder(&run_id("r1")), None);
    }

    #[test]
    fn a_hold_token_counts_while_its_hold_lives() {
        let place = Place::new();
        let hold = place.made("r1");
        let token = hold.token().to_owned();
        let check = |token: &str| verify_hold_token(&place.common(), &run_id("r1"), token);
        assert!(check(&token) && !check("") && !check("other"));
        let lock = fs::read_to_string(run_lock(&place.common(), &run_id("r1"))).expect("lock file");
        assert!(!lock.contains(&token), "only its hash stands there");
        drop(hold);
        assert!(!check(&token));
        drop(place.held("r1"));
        assert!(!check(&token));
    }

    #[test]
    fn illegal_moves_foreign_ids_and_newer_formats_leave_the_record_as_it_is() {
        let place = Place::new();
        let mut hold = place.made("r1");
        let path = hold.dir().join(RECORD);
        let before = fs::read(&path).expect("record");
        assert!(matches!(hold.go(RunState::Closed, "no"), Err(StoreError::Illegal(_))));
        assert!(matches!(hold.update(|r| r.state = RunState::Closed), Err(StoreError::Illegal(_))));
        assert!(matches!(hold.save(plain("r2")), Err(StoreError::Refused { .. })));
        assert!(matches!(hold.update(|r| r.format = 2), Err(StoreError::Newer { format: 2, .. })));
        assert!(matches!(hold.save_part("../x", ""), Err(StoreError::Refused { .. })));
        assert!(matches!(hold.save_part("run.toml", ""), Err(StoreError::Refused { .. })));
        assert!(matches!(hold.archive(false), Err(StoreError::Refused { .. })));
        assert_eq!(fs::read(&path).expect("record"), before);
        assert_eq!(journal(&place, "r1").entries.len(), 1);
    }

    #[test]
    fn a_record_of_a_newer_version_is_shown_and_never_written() {
        let place = Place::new();
        let path = place.made("r1").dir().join(RECORD);
        let text = fs::read_to_string(&path).expect("record");
        let newer = text.replacen("format = 1", "format = 7\nlater = 1", 1);
        fs::write(&path, &newer).expect("write");
        let runs = place.store().open_runs().expect("sweep");
        assert!(matches!(&runs[..], [Entry::Run(run)] if run.format == 7), "{runs:?}");
        let refused = place.store().hold(&run_id("r1"), "stop", NOW).expect_err("newer");
        assert!(refused.is_newer(), "{refused}");
        fs::write(&path, "format = 7\nkind = \"run\"\nid = 1\n").expect("write");
        let runs = place.store().open_runs().expect("sweep");
        assert!(matches!(&runs[..], [Entry::Broken { newer: true, .. }]), "{runs:?}");
    }

    #[test]
    fn a_move_that_the_journal_does_not_know_is_added_to_it() {
        let place = Place::new();
        let mut hold = place.made("r1");
        hold.go(RunState::Planning, "planning it").expect("go");
        let path = hold.dir().join(FILE);
        drop(hold);
        let text = fs::read_to_string(&path).expect("journal");
        let first = text.split_inclusive('\n').next().expect("a line");
        // As after a kill between the record and its line, once without a byte of it and once with half of it.
        for left in [first.to_owned(), format!("{first}{{\"seq\":2,\"at\"")] {
            fs::write(&path, left).expect("cut");
            let hold = place.held("r1");
            assert_eq!(hold.run().state, RunState::Planning);
            let journal = journal(&place, "r1");
            let last = journal.entries.last().expect("a line");
            assert_eq!((last.event.as_str(), last.text.as_str()), ("recovered", "planning it"));
            assert_eq!((last.at, last.state.as_deref()), (hold.run().changed, Some("planning")));
            assert_eq!((journal.chain, journal.entries.len()), (Chain::Whole, 2));
        }
        drop(place.held("r1"));
        assert_eq!(journal(&place, "r1").entries.len(), 2, "once is enough");
    }

    #[test]
    fn a_directory_that_takes_no_file_leaves_the_old_bytes() {
        let place = Place::new();
        let mut hold = place.made("r1");
        let (dir, aside) = (hold.dir().to_owned(), place.path().join("aside"));
        let before = fs::read(dir.join(RECORD)).expect("record");
        fs::rename(&dir, &aside).expect("move");
        // Nobody makes files there, not even root.
        std::os::unix::fs::symlink("/proc/self/fdinfo", &dir).expect("link");
        hold.go(RunState::Planning, "").expect_err("nothing can be written");
        fs::remove_file(&dir).expect("unlink");
        fs::rename(&aside, &dir).expect("move back");
        assert_eq!(fs::read(dir.join(RECORD)).expect("record"), before);
        assert_eq!(files::names_in(&dir).expect("list"), [FILE, RECORD]);
        assert_eq!(hold.run().state, RunState::Created);
        hold.go(RunState::Planning, "").expect("now it can");
    }

    #[test]
    fn a_decided_run_moves_out_of_the_sweep_and_waits_for_publication() {
        let place = Place::new();
        let store = place.store();
        let mut hold = place.made("r1");
        hold.save_part("intent.toml", "x = 1\n").expect("part");
        hold.save_part("docs/MW-1.toml", "y = 1\n").expect("part");
        hold.go(RunState::Discarded, "not wanted").expect("discard");
        assert_eq!(store.open_runs().expect("sweep"), []);
        assert_eq!(store.unarchived_runs().expect("sweep").len(), 1, "killed here, it is still found");
        assert_eq!(store.closed_runs().expect("sweep").len(), 1);
        assert_eq!(store.pending_publication().expect("sweep").len(), 1);
        for _ in 0..2 {
            hold.archive(false).expect("archive");
            hold.note("cleanup", "done").expect("the journal moved along");
        }
        assert_eq!(store.run_dir(&run_id("r1")), store.dir().join("closed/r1"));
        assert_eq!(
            store.find_part(&run_id("r1"), "docs/MW-1.toml").expect("part").as_deref(),
            Some("y = 1\n")
        );
        assert_eq!(store.pending_publication().expect("sweep").len(), 1);
        assert!(store.unarchived_runs().expect("sweep").is_empty());
        hold.mark_published("c0ffee").expect("mark");
        hold.archive(false).expect("a commit is never taken back");
        assert_eq!(
            store.publication(&run_id("r1")).expect("mark"),
            Some(Publication::Done("c0ffee".to_owned()))
        );
        assert!(store.pending_publication().expect("sweep").is_empty());
        hold.forget().expect("forget");
        assert_eq!(
            (store.find_run(&run_id("r1")).expect("find"), store.closed_runs().expect("sweep")),
            (None, vec![])
        );
    }

    #[test]
    fn a_wrapper_that_outlives_the_close_hides_no_record() {
        let place = Place::new();
        let mut hold = place.made("r1");
        hold.go(RunState::Discarded, "").expect("discard");
        hold.archive(false).expect("archive");
        drop(hold);
        files::write_atomic(&place.store().dir().join("runs/r1/agents/late"), b"").expect("a late exit file");
        assert_eq!(place.store().open_runs().expect("sweep"), []);
        assert!(place.store().find_run(&run_id("r1")).expect("find").is_some());
        assert_eq!(place.held("r1").dir(), place.store().dir().join("closed/r1"));
    }
}
