//! Records: live ones, their journals, history, the forum, and the index over them.

use super::super::history::each_decided;
use super::super::{Control, ServiceResult, forum};
use super::mend::Mend;
use super::{Check, counted};
use crate::model::{Run, RunState};
use crate::store::{Chain, Entry, IndexHealth, Store};
use crate::sys::files::{self, TEMP_PREFIX};
use crate::sys::process::quoted;
use crate::sys::trial;
use std::path::Path;

pub(super) fn look(control: &Control, checks: &mut Vec<Check>) -> ServiceResult<()> {
    let store = &control.store;
    if !store.exists() {
        checks.push(Check::note("records", "no run has been here yet").by("git metawsm run '<what to do>'"));
        return history(control, checks);
    }
    match trial::try_disk(&store.dir()) {
        Ok(()) => {
            checks.push(Check::good("disk", format!("{} can be written and locked", store.dir().display())));
        }
        Err(why) => checks.push(
            Check::bad("disk", format!("{} is no place for records: {why}", store.dir().display()))
                .by(format!("ls -ld {}", quoted(&store.dir().display().to_string()))),
        ),
    }
    index(store, checks);
    leftovers(store, checks);
    live(store, checks)?;
    history(control, checks)?;
    let (threads, odd) = forum::read_all(control)?;
    for why in &odd {
        checks.push(Check::warn("forum", why.clone()).by("git metawsm forum list"));
    }
    if odd.is_empty() {
        checks.push(Check::good("forum", format!("{} can be read", counted(threads, "thread"))));
    }
    Ok(())
}

/// Reads everything that the index keeps; how many records that are.
pub(super) fn fill_index(control: &Control) -> ServiceResult<usize> {
    let mut count = control.store.live_runs()?.len();
    each_decided(control, &mut |_, _| count += 1)?;
    Ok(count + forum::read_all(control)?.0)
}

fn index(store: &Store, checks: &mut Vec<Check>) {
    let place = store.index().path().display().to_string();
    checks.push(match store.index().health() {
        IndexHealth::Good => Check::good("index", "the index is whole"),
        IndexHealth::Absent => Check::note("index", "there is no index yet; the next question makes it"),
        IndexHealth::Damaged(why) => {
            Check::bad("index", format!("{place} is damaged ({why}); records are read instead"))
                .mended_by(Mend::Index)
        }
        IndexHealth::Unusable(why) => {
            Check::warn("index", format!("{place} cannot be used now ({why}); records are read instead"))
                .by("git metawsm doctor --rebuild-index")
        }
    });
}

/// What killed commands left under temporary names.
fn leftovers(store: &Store, checks: &mut Vec<Check>) {
    let dir = store.dir();
    let mut found = temps_in(&dir) + temps_in(&dir.join("open"));
    for folder in ["runs", "closed"] {
        let top = dir.join(folder);
        found += temps_in(&top);
        for name in files::names_in(&top).unwrap_or_default() {
            let run = top.join(&name);
            // Agents write theirs while they run.
            let parts = files::names_in(&run).unwrap_or_default();
            let parts = parts.iter().filter(|part| !matches!(part.as_str(), "agents" | "logs"));
            found += temps_in(&run) + parts.map(|part| temps_in(&run.join(part))).sum::<usize>();
        }
    }
    if found > 0 {
        let what = format!(
            "{} of commands that were cut off, or that are at work",
            counted(found, "temporary file")
        );
        checks.push(Check::note("leftovers", what).mended_by(Mend::Temps));
    }
}

fn temps_in(dir: &Path) -> usize {
    let is_dir = dir.symlink_metadata().is_ok_and(|m| m.is_dir());
    let names = if is_dir { files::names_in(dir).unwrap_or_default() } else { Vec::new() };
    names.iter().filter(|name| name.starts_with(TEMP_PREFIX)).count()
}

fn live(store: &Store, checks: &mut Vec<Check>) -> ServiceResult<()> {
    let mut whole = 0;
    for entry in store.live_runs()? {
        match entry {
            Entry::Run(run) => {
                whole += 1;
                journal(store, &run, checks);
                documents(store, &run, checks);
                if !run.state.is_open() {
                    let what = format!("{} is {} and still lies among the open runs", run.id, run.state);
                    checks.push(Check::warn("records", what).mended_by(Mend::Finish));
                }
            }
            Entry::Broken { why, newer: true, .. } => {
                checks.push(Check::bad("records", why).by("git metawsm --version"));
            }
            Entry::Broken { id, why, .. } => {
                let place = store.dir().join("runs").join(&id);
                checks.push(
                    Check::bad("records", why).by(format!("ls -la {}", quoted(&place.display().to_string()))),
                );
            }
        }
    }
    let mut closed = 0;
    store.each_closed(&mut |entry| match entry {
        Entry::Run(_) => closed += 1,
        Entry::Broken { why, .. } => checks.push(Check::bad("records", why).by("git metawsm list --all")),
    })?;
    checks.push(Check::good(
        "records",
        format!("{} open and {closed} decided here can be read", counted(whole, "run")),
    ));
    Ok(())
}

fn journal(store: &Store, run: &Run, checks: &mut Vec<Check>) {
    let log = format!("git metawsm log {}", run.id);
    let journal = match store.journal(&run.id) {
        Ok(journal) => journal,
        Err(error) => {
            checks.push(Check::bad("journals", error.to_string()).by(log));
            return;
        }
    };
    match journal.chain {
        Chain::Whole => {}
        Chain::TornTail => checks.push(
            Check::warn(
                "journals",
                format!("the last line of the journal of {} is torn, as by a power cut", run.id),
            )
            .mended_by(Mend::Settle(run.id.clone())),
        ),
        Chain::BrokenAt(line) => checks.push(
            Check::bad(
                "journals",
                format!("the journal of {} was changed by somebody: line {line} does not follow", run.id),
            )
            .by(log.clone()),
        ),
        Chain::Missing => checks
            .push(Check::bad("journals", format!("the journal of {} is missing", run.id)).by(log.clone())),
    }
    let told = journal.last_state().and_then(|entry| entry.state.as_deref()).and_then(RunState::parse);
    if let Some(told) = told.filter(|told| *told != run.state) {
        let what = format!("{} is {} by its record and {told} by its journal", run.id, run.state);
        checks.push(Check::warn("journals", what).mended_by(Mend::Settle(run.id.clone())));
    }
}

/// The records of both copies of each ticket's documents.
fn documents(store: &Store, run: &Run, checks: &mut Vec<Check>) {
    for ticket in &run.tickets {
        if let Err(error) = store.find_doc_sync(&run.id, &ticket.id) {
            checks
                .push(Check::bad("docs", error.to_string()).by(format!("git metawsm docs diff {}", run.id)));
        }
    }
}

fn history(control: &Control, checks: &mut Vec<Check>) -> ServiceResult<()> {
    let (mut count, mut broken) = (0, Vec::new());
    each_decided(control, &mut |entry, _| match entry {
        Entry::Run(_) => count += 1,
        Entry::Broken { why, newer, .. } => broken.push((why, newer)),
    })?;
    for (why, newer) in &broken {
        let command = if *newer { "git metawsm --version" } else { "git log --oneline -- .metawsm/runs" };
        checks.push(Check::warn("history", why.clone()).by(command));
    }
    if broken.is_empty() {
        checks.push(Check::good(
            "history",
            format!("{} in history and decided here can be read", counted(count, "record")),
        ));
    }
    Ok(())
}
