//! `list` and `log`: runs, newest first; the journal of one.

use super::history::each_published;
use super::select::{Selector, select};
use super::{Caller, ServiceResult, control};
use crate::model::{Run, RunId, RunState};
use crate::store::{Entry, Journal};
use std::collections::HashSet;

/// What `list` was asked.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Decided runs too.
    pub all: bool,
    /// Only runs of this ticket.
    pub ticket: Option<String>,
    /// Only runs in this state.
    pub state: Option<RunState>,
}

/// Lists runs: open ones, with `all` also decided ones and those published on base by anybody. Each is given out once,
/// newest first; history is never in memory as a whole. Returns sentences on records that cannot be read.
pub fn list(
    caller: &Caller,
    request: &ListRequest,
    take: &mut dyn FnMut(&Run),
) -> ServiceResult<Vec<String>> {
    let control = control(caller)?;
    let all = request.all || request.state.is_some_and(|state| !state.is_open());
    let mut entries = control.store.open_runs()?;
    if all {
        entries.extend(control.store.closed_runs()?);
    }
    let mut listing = Listing { request, here: Vec::new(), ids: HashSet::new(), broken: Vec::new(), take };
    listing.add_here(entries);
    if all {
        each_published(&control, &mut |entry| listing.add_published(entry))?;
    }
    Ok(listing.end())
}

/// Two sources, both newest first, on their way to becoming one.
struct Listing<'a> {
    request: &'a ListRequest,
    /// The runs of this machine that are not given out yet, oldest first.
    here: Vec<Run>,
    /// All runs of this machine: those in history are the same.
    ids: HashSet<RunId>,
    broken: Vec<String>,
    take: &'a mut dyn FnMut(&Run),
}

impl Listing<'_> {
    fn add_here(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            match entry {
                Entry::Run(run) if self.ids.insert(run.id.clone()) => self.here.push(*run),
                Entry::Run(_) => {}
                Entry::Broken { why, .. } => self.broken.push(why),
            }
        }
        self.here.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    }

    fn add_published(&mut self, entry: Entry) {
        match entry {
            Entry::Run(run) if self.ids.contains(&run.id) => {}
            Entry::Run(run) => {
                let is_newer = |here: &mut Run| (here.created, &here.id) > (run.created, &run.id);
                while let Some(newer) = self.here.pop_if(is_newer) {
                    self.give(&newer);
                }
                self.give(&run);
            }
            Entry::Broken { why, .. } => self.broken.push(why),
        }
    }

    fn give(&mut self, run: &Run) {
        let is_of = |wanted: &str| run.tickets.iter().any(|t| t.id.as_str().eq_ignore_ascii_case(wanted));
        let fits = self.request.ticket.as_deref().is_none_or(is_of)
            && self.request.state.is_none_or(|state| run.state == state);
        if fits {
            (self.take)(run);
        }
    }

    fn end(mut self) -> Vec<String> {
        while let Some(run) = self.here.pop() {
            self.give(&run);
        }
        self.broken
    }
}

/// The journal of a run, oldest line first.
pub fn log(caller: &Caller, selector: &Selector) -> ServiceResult<(RunId, Journal)> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |_| true)?;
    let journal = control.store.journal(&id)?;
    Ok((id, journal))
}
