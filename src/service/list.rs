//! `list` and `log`: runs, newest first; the journal of one.

use super::history::each_decided;
use super::select::{Selector, select};
use super::{Caller, ServiceResult, control};
use crate::model::{Run, RunId, RunState};
use crate::store::{Entry, Journal, StoreResult, Summary};
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
    take: &mut dyn FnMut(&Summary),
) -> ServiceResult<Vec<String>> {
    listed(caller, request, Take::Short(take))
}

/// As [`list`], with the whole record of each run.
pub fn list_whole(
    caller: &Caller,
    request: &ListRequest,
    take: &mut dyn FnMut(&Run),
) -> ServiceResult<Vec<String>> {
    listed(caller, request, Take::Whole(take))
}

fn listed<'a>(caller: &Caller, request: &'a ListRequest, take: Take<'a>) -> ServiceResult<Vec<String>> {
    let control = control(caller)?;
    let all = request.all || request.state.is_some_and(|state| !state.is_open());
    let entries = if all { control.store.live_runs()? } else { control.store.open_runs()? };
    let mut listing = Listing { request, live: Vec::new(), ids: HashSet::new(), broken: Vec::new(), take };
    listing.add_live(entries);
    if all {
        let mut failed = None;
        each_decided(&control, &mut |entry, load| {
            if failed.is_none() {
                failed = listing.add_decided(entry, load).err();
            }
        })?;
        failed.map_or(Ok(()), Err)?;
    }
    Ok(listing.end())
}

/// Who takes the runs, and how much of them.
enum Take<'a> {
    Short(&'a mut dyn FnMut(&Summary)),
    Whole(&'a mut dyn FnMut(&Run)),
}

/// Two sources, both newest first, on their way to becoming one.
struct Listing<'a> {
    request: &'a ListRequest,
    /// The live runs that are not given out yet, oldest first.
    live: Vec<Run>,
    /// All live runs: those among the decided are the same.
    ids: HashSet<RunId>,
    broken: Vec<String>,
    take: Take<'a>,
}

impl Listing<'_> {
    fn add_live(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            match entry {
                Entry::Run(run) if self.ids.insert(run.id.clone()) => self.live.push(*run),
                Entry::Run(_) => {}
                Entry::Broken { why, .. } => self.broken.push(why),
            }
        }
        self.live.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    }

    fn add_decided(
        &mut self,
        entry: Entry<Summary>,
        load: &dyn Fn() -> StoreResult<Option<Entry>>,
    ) -> ServiceResult<()> {
        match entry {
            Entry::Run(run) if self.ids.contains(&run.id) => {}
            Entry::Run(run) => {
                let is_newer = |live: &mut Run| (live.created, &live.id) > (run.created, &run.id);
                while let Some(newer) = self.live.pop_if(is_newer) {
                    self.give_live(&newer);
                }
                if self.fits(&run) {
                    self.give(&run, load)?;
                }
            }
            Entry::Broken { why, .. } => self.broken.push(why),
        }
        Ok(())
    }

    fn fits(&self, run: &Summary) -> bool {
        self.request.ticket.as_deref().is_none_or(|wanted| run.has_ticket(wanted))
            && self.request.state.is_none_or(|state| run.state == state)
    }

    fn give(&mut self, run: &Summary, load: &dyn Fn() -> StoreResult<Option<Entry>>) -> ServiceResult<()> {
        match &mut self.take {
            Take::Short(take) => take(run),
            Take::Whole(take) => match load()? {
                Some(Entry::Run(whole)) => take(&whole),
                Some(Entry::Broken { why, .. }) => self.broken.push(why),
                None => {}
            },
        }
        Ok(())
    }

    fn give_live(&mut self, run: &Run) {
        let summary = Summary::of(run);
        if self.fits(&summary) {
            match &mut self.take {
                Take::Short(take) => take(&summary),
                Take::Whole(take) => take(run),
            }
        }
    }

    fn end(mut self) -> Vec<String> {
        while let Some(run) = self.live.pop() {
            self.give_live(&run);
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
