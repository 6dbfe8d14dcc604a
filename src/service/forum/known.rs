//! All threads, through the index where it knows them: only what changed is read. Without an index everything is read,
//! and the answer is the same.

use super::super::ServiceResult;
use super::read::{Events, Places, Reader, no_opening};
use crate::model::{Pressing, Thread, ThreadId, fold};
use crate::store::{Overview, ThreadFiles, ThreadRow};
use std::collections::{BTreeMap, BTreeSet};

/// How many threads are looked at before what was read is kept: the memory of a long history stays bounded.
const CHUNK: usize = 2000;

impl Reader<'_> {
    /// Gives out every thread, in no order. What cannot be used goes to `odd`.
    pub fn each(&self, take: &mut dyn FnMut(Thread), odd: &mut Vec<String>) -> ServiceResult<()> {
        let tree = self.tree()?;
        let all = self.all(odd)?;
        let places: Vec<_> = all.iter().collect();
        let (mut after, mut changed) = (String::new(), false);
        let last = places.len().div_ceil(CHUNK).saturating_sub(1);
        for (nth, chunk) in places.chunks(CHUNK).enumerate() {
            let to = chunk.last().map(|(id, _)| *id).filter(|_| nth != last);
            let mut known = self.control.store.known_threads(&after, to);
            let mut fresh = Vec::new();
            for (id, places) in chunk {
                let row = known
                    .remove(*id)
                    .filter(|row| row.live == live_of(places) && row.tree == tree_of(places));
                let row = if let Some(row) = row {
                    row
                } else {
                    let row = self.read_row(id, places)?;
                    // What lies among the live files can be changed in place: it is looked at each time.
                    if row.odd.is_empty() || row.live.is_empty() {
                        fresh.push(row.clone());
                    }
                    row
                };
                odd.extend(row.odd);
                row.thread.into_iter().for_each(&mut *take);
            }
            let gone: Vec<_> = known.into_keys().filter(|id| !all.contains_key(id)).collect();
            changed |= !(fresh.is_empty() && gone.is_empty());
            self.control.store.keep_threads(&fresh, &gone, None);
            after = to.map(ToString::to_string).unwrap_or_default();
        }
        if let Some(tree) = tree.filter(|tree| changed || self.control.store.known_waiting(tree).is_none()) {
            let own = all
                .iter()
                .filter_map(|(id, places)| Some((id.as_str(), places.published.as_ref()?.tree.as_str())));
            self.control.store.seal_threads(&tree, &own.collect::<Vec<_>>());
        }
        Ok(())
    }

    fn read_row(&self, id: &ThreadId, places: &Places) -> ServiceResult<ThreadRow> {
        let Events { events, odd } = self.events(id, places)?;
        let mut odd: Vec<_> = odd.into_iter().map(|odd| odd.why).collect();
        let thread = fold(events).map(|folded| folded.thread);
        if thread.is_none() {
            odd.push(no_opening(id));
        }
        Ok(ThreadRow { id: id.clone(), live: live_of(places), tree: tree_of(places), thread, odd })
    }

    /// Gives out the threads of an overview that are wanted, in no order.
    pub fn each_waiting(
        &self,
        overview: &Overview,
        wanted: &dyn Fn(&Pressing) -> bool,
        take: &mut dyn FnMut(Thread),
    ) -> ServiceResult<()> {
        if overview.each(wanted, take) {
            return Ok(());
        }
        let mut take = |thread: Thread| {
            if thread.pressing().is_some_and(|pressing| wanted(&pressing)) {
                take(thread);
            }
        };
        self.each(&mut take, &mut Vec::new())
    }

    /// The threads in which somebody waits. Where the index knows how the live threads and base's tree looked, only what
    /// changed since is looked at.
    pub fn waiting(&self) -> ServiceResult<Overview> {
        let tree = self.tree()?;
        let store = &self.control.store;
        let name = tree.as_deref().unwrap_or_default();
        if tree.is_none() && !store.forum_dir().is_dir() {
            return Ok(Overview::of(name));
        }
        let known = store.known_overview(name).map(|known| self.brought_up(known)).transpose()?.flatten();
        match known {
            Some(overview) => Ok(overview),
            None => self.overview(tree.as_deref(), &mut Vec::new()),
        }
    }

    /// What was kept, as it is now; `None` where something is odd.
    fn brought_up(&self, mut overview: Overview) -> ServiceResult<Option<Overview>> {
        let mut odd = Vec::new();
        let changes = self.control.store.look_again(&mut overview, &mut odd)?;
        let is_worth_a_write = changes.is_worth_a_write();
        for (id, files) in changes.threads {
            let places = Places { live: files, published: self.find_published(&id)? };
            if places.live.is_none() && places.published.is_none() {
                overview.set(&id, None);
                continue;
            }
            let row = self.read_row(&id, &places)?;
            if !row.odd.is_empty() {
                return Ok(None);
            }
            overview.set(&id, row.thread.as_ref());
        }
        if !odd.is_empty() {
            return Ok(None);
        }
        if is_worth_a_write {
            self.control.store.keep_overview(&overview);
        }
        Ok(Some(overview))
    }

    /// Looks at every live thread and at every published one in which somebody waits, and keeps what it found. Published
    /// threads that are over are not looked at where the index knows base's tree.
    fn overview(&self, tree: Option<&str>, odd: &mut Vec<String>) -> ServiceResult<Overview> {
        let store = &self.control.store;
        let (mut overview, had_odd) = (Overview::of(tree.unwrap_or_default()), odd.len());
        // First, so that whatever changes while we read is seen as changed the next time.
        let live: BTreeMap<_, _> = store.look_again(&mut overview, odd)?.threads;
        let known = tree.and_then(|tree| Some((tree, store.known_waiting(tree)?)));
        if let Some(known) = known {
            self.set_all(&mut overview, known, &live, odd)?;
        } else {
            odd.truncate(had_odd);
            self.each(&mut |thread| overview.set(&thread.id, Some(&thread)), odd)?;
        }
        if odd.len() == had_odd {
            store.keep_overview(&overview);
        }
        Ok(overview)
    }

    /// Fills in what the rows of the index say, and what was read where they say something else.
    fn set_all(
        &self,
        overview: &mut Overview,
        (tree, mut known): (&str, BTreeMap<ThreadId, ThreadRow>),
        live: &BTreeMap<ThreadId, Option<ThreadFiles>>,
        odd: &mut Vec<String>,
    ) -> ServiceResult<()> {
        let files = |id: &ThreadId| live.get(id).and_then(Option::as_ref);
        // Those whose live files went since.
        let left = known.values().filter(|row| !row.live.is_empty() && files(&row.id).is_none());
        let all: BTreeSet<_> = left.map(|row| row.id.clone()).chain(live.keys().cloned()).collect();
        let (mut fresh, mut gone) = (Vec::new(), Vec::new());
        for id in all {
            let files = files(&id);
            let seal = files.map(ThreadFiles::seal).unwrap_or_default();
            if known.get(&id).is_some_and(|row| row.live == seal) {
                continue;
            }
            let places = Places { live: files.cloned(), published: self.find_published(&id)? };
            if places.live.is_none() && places.published.is_none() {
                known.remove(&id);
                gone.push(id);
                continue;
            }
            let row = self.read_row(&id, &places)?;
            if row.odd.is_empty() {
                fresh.push(row.clone());
            }
            known.insert(id, row);
        }
        self.control.store.keep_threads(&fresh, &gone, Some(tree));
        for row in known.into_values() {
            odd.extend(row.odd);
            overview.set(&row.id, row.thread.as_ref());
        }
        Ok(())
    }
}

fn live_of(places: &Places) -> String {
    places.live.as_ref().map(ThreadFiles::seal).unwrap_or_default()
}

fn tree_of(places: &Places) -> String {
    places.published.as_ref().map(|published| published.tree.clone()).unwrap_or_default()
}
