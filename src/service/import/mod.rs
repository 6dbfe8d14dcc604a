//! `import`: what the first metawsm kept in its database becomes records of ours; its database is only read.
//!
//! | there | here |
//! |---|---|
//! | a run `closed` | a closed record that waits for publication, the same bytes in every clone |
//! | `completed`, made by `bootstrap` | `completed`: its agents had said so |
//! | `completed`, made by `run` | `stopped`: there it only meant that the agents had been started |
//! | `closing` | `stopped`: how far its merge came nobody wrote down |
//! | `failed` | `failed` |
//! | `created`, `planning`, `running`, `awaiting_guidance`, `stopping`, `stopped`, `paused` | `stopped`: its agents are none of ours; `resume` starts them anew |
//! | a dry run | left out, and named |
//! | the brief, the policy, tickets, repositories, agents | the same of the record; a policy that is no policy of ours is replaced by the present one |
//! | a question | a thread of kind guidance, and an entry of the record |
//! | threads, posts, assignments, states, priorities | threads with the same id; each event once, however often it is imported |
//! | events of runs, pull requests | lines of the run's journal |
//! | comments of reviewers, states of documents, the operator's counters | left out, and counted |
//!
//! Worktrees, branches and commits are looked up where wsm and git have them. An id that we do not take is mended by
//! one rule (see [`names`]), and both are named. Each run is made whole or not at all, oldest first; who was stopped
//! imports again and goes on.

mod control_posts;
mod names;
mod past;
mod places;
mod runs;
mod spec;
mod talk;
mod threads;

use super::event::Progress;
use super::forum::PastThreads;
use super::history::find_published;
use super::policies::{self, Rules};
use super::{Caller, Control, Event, ServiceError, ServiceResult, control, hidden, participate, record};
use crate::model::{RunId, RunState, TicketId, title_of};
use crate::store::{OldDatabase, OldRun, StoreError};
use runs::Draft;
use std::path::PathBuf;

/// The most runs that one import makes; the next one goes on.
const RUNS_CAP: usize = 10_000;

/// Who made what was imported, as records and journals name it.
const MAKER: &str = "metawsm (imported)";

/// What `import` was asked.
#[derive(Debug, Clone, Default)]
pub struct ImportRequest {
    /// The database; by default `.metawsm/metawsm.db` of the control repository.
    pub path: Option<PathBuf>,
    /// Say only what would be imported.
    pub dry_run: bool,
}

/// A run that was imported.
#[derive(Debug, Clone)]
pub struct ImportedRun {
    /// Its id here.
    pub id: RunId,
    /// Its id there, where that is none that we take.
    pub old_id: Option<String>,
    /// Its state here.
    pub state: RunState,
    /// Its state there.
    pub was: String,
    /// Its tickets.
    pub tickets: Vec<TicketId>,
    /// What it is for.
    pub title: String,
    /// What a person should know of it, as sentences.
    pub notes: Vec<String>,
}

/// Something that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why, as the rest of a sentence.
    pub why: String,
}

/// What `import` came to.
#[derive(Debug, Clone, Default)]
pub struct ImportReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The database.
    pub database: PathBuf,
    /// The runs that are new here, oldest first.
    pub runs: Vec<ImportedRun>,
    /// How many runs had been imported before.
    pub known: usize,
    /// What was not imported.
    pub left_out: Vec<LeftOut>,
    /// How many threads got anything new, questions among them.
    pub threads: usize,
    /// How many events that were.
    pub events: usize,
    /// How many runs are left for the next import.
    pub rest: usize,
    /// What keeps git from taking a policy below `.metawsm/`, as a sentence.
    pub hidden: Option<String>,
}

impl ImportReport {
    fn leave_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.left_out.push(LeftOut { what: what.into(), why: why.into() });
    }

    fn heard(&mut self, events: usize) {
        self.threads += usize::from(events > 0);
        self.events += events;
    }
}

/// What all of an import shares.
pub(super) struct Import<'a> {
    caller: &'a Caller,
    control: &'a Control,
    rules: Rules,
    database: OldDatabase,
    places: places::Places,
}

/// Imports a database of the first metawsm.
pub fn import(
    caller: &Caller,
    request: &ImportRequest,
    progress: Progress<'_>,
) -> ServiceResult<ImportReport> {
    let mut control = control(caller)?;
    if request.dry_run {
        control = control.frozen();
    }
    let path = database(caller, &control, request)?;
    let database = OldDatabase::open(&path, caller.wait)?;
    let rules = policies::present(caller, &control)?;
    let mut import = Import { caller, control: &control, rules, database, places: places::Places::default() };
    let mut report = ImportReport { dry_run: request.dry_run, database: path, ..ImportReport::default() };
    if !request.dry_run {
        control.store.sweep_temps()?;
        record::finish_stopped(caller, &control)?;
    }
    let threads = PastThreads::new(&control)?;
    import.take_runs(&threads, &mut report, progress)?;
    import.take_threads(&threads, &mut report)?;
    import.name_the_rest(&mut report)?;
    report.hidden = hidden::warning(&control);
    if !request.dry_run && !report.runs.is_empty() {
        control.store.ensure_link()?;
        let _ = crate::store::remember_root(control.root());
    }
    Ok(report)
}

fn database(caller: &Caller, control: &Control, request: &ImportRequest) -> ServiceResult<PathBuf> {
    if let Some(path) = &request.path {
        return Ok(caller.cwd.join(path));
    }
    let top = control.repo.worktree().ok_or_else(|| {
        let message = "A bare repository has no worktree to look for a database in.";
        ServiceError::wrong(message, &["git metawsm import <path of metawsm.db>"])
    })?;
    let path = top.join(".metawsm").join("metawsm.db");
    if path.symlink_metadata().is_err() {
        let message = format!("There is no database of the first metawsm at {}.", path.display());
        return Err(ServiceError::failed(message, &["git metawsm import <path of metawsm.db>"]));
    }
    Ok(path)
}

impl Import<'_> {
    fn take_runs(
        &mut self,
        threads: &PastThreads<'_>,
        report: &mut ImportReport,
        progress: Progress<'_>,
    ) -> ServiceResult<()> {
        let rows = self.database.runs()?;
        for (index, row) in rows.iter().enumerate() {
            if report.runs.len() == RUNS_CAP {
                report.rest = rows.len() - index;
                break;
            }
            if let Some(signal) = self.caller.interrupt.signal() {
                let hints = vec!["git metawsm import".to_owned()];
                return Err(ServiceError::Interrupted { signal, hints });
            }
            let old = self.database.run(*row)?;
            let name = names::shown(&old.id);
            match self.take_run(&old, threads, report, &mut *progress) {
                Ok(()) => {}
                // One run that cannot be made keeps no other from it; a disk that is full keeps all.
                Err(error) if keeps_all(&error) => return Err(error),
                Err(error) => report.leave_out(name, error.to_string()),
            }
        }
        Ok(())
    }

    fn take_run(
        &mut self,
        old: &OldRun,
        threads: &PastThreads<'_>,
        report: &mut ImportReport,
        progress: Progress<'_>,
    ) -> ServiceResult<()> {
        let (id, is_mended) = names::run_id(&old.id)?;
        if let Some(known) = self.find(&id)? {
            if known {
                report.known += 1;
            } else {
                report.leave_out(old.id.as_str(), "another run has this id here");
            }
            return Ok(());
        }
        let draft = runs::draft(self, old, id)?;
        let Some(Draft { run, past, notes, threads: asked }) = draft else {
            report.leave_out(names::shown(&old.id), "it was a dry run");
            return Ok(());
        };
        // The threads first: a record that names one which is not there would wait for nobody.
        for events in &asked {
            report.heard(threads.take(self.caller, events)?);
        }
        let mut notes = notes;
        if !report.dry_run {
            let mut hold = self.control.store.create_past_run(&run, &past, "import", self.caller.wait)?;
            if run.state.is_open() {
                if let Err(error) = participate::enter(self.caller, self.control, &hold, &mut *progress) {
                    notes.push(format!("Its repositories are not guarded yet: {error}."));
                }
            } else {
                hold.archive(false)?;
            }
        }
        progress(Event::Began(format!("import {}", run.id)));
        report.runs.push(ImportedRun {
            old_id: is_mended.then(|| names::shown(&old.id)),
            state: run.state,
            was: names::shown(&old.status),
            tickets: run.tickets.iter().map(|ticket| ticket.id.clone()).collect(),
            title: title_of(&run.title(), 72),
            notes,
            id: run.id,
        });
        Ok(())
    }

    /// Whether a run of this id is here already, and then whether it was imported.
    fn find(&self, id: &RunId) -> ServiceResult<Option<bool>> {
        match self.control.store.find_run(id) {
            Ok(Some(run)) => return Ok(Some(run.actor == MAKER)),
            Ok(None) => {}
            Err(error @ StoreError::Sys(_)) => return Err(error.into()),
            // A record that cannot be read is somebody's all the same.
            Err(_) => return Ok(Some(false)),
        }
        Ok(find_published(self.control, id)?.map(|run| run.actor == MAKER))
    }

    fn take_threads(&self, threads: &PastThreads<'_>, report: &mut ImportReport) -> ServiceResult<()> {
        for row in self.database.threads()? {
            let old = self.database.thread(row)?;
            let name = names::shown(&old.id);
            let events = match threads::events(&old) {
                Ok(events) => events,
                Err(why) => {
                    report.leave_out(format!("the thread {name}"), why);
                    continue;
                }
            };
            for odd in &old.odd {
                report.leave_out(format!("part of the thread {name}"), odd.as_str());
            }
            match threads.take(self.caller, &events) {
                Ok(new) => report.heard(new),
                Err(error) if keeps_all(&error) => return Err(error),
                Err(error) => report.leave_out(format!("the thread {name}"), error.to_string()),
            }
        }
        Ok(())
    }

    /// What has no place here is counted, so that nobody looks for it in vain.
    fn name_the_rest(&self, report: &mut ImportReport) -> ServiceResult<()> {
        let rest = [
            ("run_review_feedback", "comment(s) of reviewers", "they stand in the pull requests"),
            ("doc_sync_states", "state(s) of documents", "they hold a time and no version"),
            ("operator_run_states", "counter(s) of the operator", "nothing restarts agents by itself"),
            ("forum_outbox", "message(s) of the bus", "their threads are imported"),
        ];
        for (table, what, why) in rest {
            let count = self.database.count(table)?;
            if count > 0 {
                report.leave_out(format!("{count} {what}"), why);
            }
        }
        Ok(())
    }
}

/// Whether an error is about more than what was just imported.
fn keeps_all(error: &ServiceError) -> bool {
    let is_ours = matches!(error, ServiceError::Sys(_) | ServiceError::Store(StoreError::Sys(_)));
    is_ours || matches!(error, ServiceError::Interrupted { .. })
}
