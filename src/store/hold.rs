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

/// What happened to a run before it came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLine {
    /// When.
    pub at: jiff::Timestamp,
    /// What, a few words.
    pub event: String,
    /// What a person should know of it, one line.
    pub text: String,
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
        let (actor, title) = (actor_of(run), run.title());
        let first =
            Line { at: run.changed, actor: &actor, event: CREATED, text: &title, state: Some(run.state) };
        self.build_run(run, &[first], command, wait)
    }

    /// As [`Store::create_run`] for a run that another program made: its journal begins with what happened there, and
    /// its last line says how it came here.
    pub fn create_past_run(
        &self,
        run: &Run,
        past: &[PastLine],
        command: &str,
        wait: Duration,
    ) -> StoreResult<Hold> {
        let title = run.title();
        let line = |at, event, text| Line { at, actor: run.actor.as_str(), event, text, state: None };
        let mut lines = vec![line(run.created, CREATED, title.as_str())];
        lines.extend(past.iter().map(|past| line(past.at, past.event.as_str(), past.text.as_str())));
        let last = line(run.changed, "imported", run.reason.as_str());
        lines.push(Line { state: Some(run.state), ..last });
        self.build_run(run, &lines, command, wait)
    }

    fn build_run(&self, run: &Run, lines: &[Line<'_>], command: &str, wait: Duration) -> StoreResult<Hold> {
        require_free_name(&run.id)?;
        require_writable(run, &self.run_in(Folder::Live, &run.id))?;
        let (lock, token) = take_lock(self, &run.id, command, wait)?;
        if self.place_of(&run.id).is_some() {
            return Err(StoreError::Exists { id: run.id.to_string() });
        }
        let half = temps::half_made(&self.folder(Folder::Live), &run.id);
        let dir = self.run_in(Folder::Live, &run.id);
        let build = || -> StoreResult<Writer> {
            files::write_atomic(&half.join(RECORD), record::encode(run)?.as_bytes())?;
            let journal = Writer::written(&half, lines)?;
            files::rename_durable(&half, &dir)?;
            Ok(journal)
        };
        let mut journal = build().inspect_err(|_| {
            let _ = files::remove_tree(&half);
        })?;
        journal.follow(&dir);
        let actor = actor_of(run);
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
        temps::sweep_parts(&dir)?;
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
        let why = format!("kind '{}' with format {} is no record of this version", run.kind, run.format);
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
#[path = "hold_tests.rs"]
mod tests;
