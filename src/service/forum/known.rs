//! All threads, through the index where it knows them: only what changed is read. Without an index everything is read,
//! and the answer is the same.

use super::super::ServiceResult;
use super::read::{Events, Places, Reader, no_opening};
use crate::model::{Thread, ThreadId, fold};
use crate::store::{ThreadFiles, ThreadRow};
use std::collections::BTreeMap;

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

    /// Gives out the threads in which somebody waits, in no order. Where the index knows base's tree, published
    /// threads that are over are not looked at.
    pub fn each_waiting(&self, take: &mut dyn FnMut(Thread), odd: &mut Vec<String>) -> ServiceResult<()> {
        let mut waiting = |thread: Thread| {
            if thread.state.waits() {
                take(thread);
            }
        };
        // Without published threads there is nothing to spare.
        let Some(tree) = self.tree()? else { return self.each(&mut waiting, odd) };
        let Some(mut known) = self.control.store.known_waiting(&tree) else {
            return self.each(&mut waiting, odd);
        };
        let live: BTreeMap<ThreadId, ThreadFiles> =
            self.control.store.threads(odd)?.into_iter().map(|files| (files.id.clone(), files)).collect();
        // Those whose live files went since.
        let left = known.values().filter(|row| !row.live.is_empty() && !live.contains_key(&row.id));
        let left: Vec<_> = left.map(|row| row.id.clone()).collect();
        let (mut fresh, mut gone) = (Vec::new(), Vec::new());
        for id in live.keys().chain(&left) {
            let files = live.get(id);
            let seal = files.map(ThreadFiles::seal).unwrap_or_default();
            if known.get(id).is_some_and(|row| row.live == seal) {
                continue;
            }
            let places = Places { live: files.cloned(), published: self.find_published(id)? };
            if places.live.is_none() && places.published.is_none() {
                known.remove(id);
                gone.push(id.clone());
                continue;
            }
            let row = self.read_row(id, &places)?;
            if row.odd.is_empty() {
                fresh.push(row.clone());
            }
            known.insert(id.clone(), row);
        }
        self.control.store.keep_threads(&fresh, &gone, Some(&tree));
        for row in known.into_values() {
            odd.extend(row.odd);
            row.thread.into_iter().for_each(&mut waiting);
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
