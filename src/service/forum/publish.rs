//! How threads get into history: which live events base does not hold yet, and which live ones may go because it does.

use super::super::base::control_base;
use super::super::{Control, ServiceResult};
use super::docs::is_written;
use super::read::{Places, Published, Reader, is_of};
use crate::model::{FiledEvent, Run, RunId, ThreadId, fold};
use crate::store::{Entry, ThreadFiles};
use crate::sys::clock;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a live event stays where base has no upstream to vouch for it, in seconds.
const KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// A thread of which something is not in history.
#[derive(Debug, Clone)]
pub struct Unpublished {
    /// The thread.
    pub id: ThreadId,
    /// Its title.
    pub title: String,
    /// The events that base does not hold: the path in the tree of base, and the bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

/// The live events that base does not hold, of one run's threads or of all. A publication commit adds them as they are;
/// events that cannot be used stay where they are.
pub fn publishable(control: &Control, run: Option<&RunId>) -> ServiceResult<Vec<Unpublished>> {
    let reader = Reader::new(control)?;
    let mut found = Vec::new();
    for live in control.store.threads(&mut Vec::new())? {
        let places = Places { published: reader.places(&live.id)?.published, live: Some(live.clone()) };
        let events = reader.events(&live.id, &places)?.events;
        let good: Vec<String> = events.iter().map(|event| event.id.to_string()).collect();
        let Some(folded) = fold(events) else { continue };
        if run.is_some_and(|run| !is_of(&folded.thread, run)) {
            continue;
        }
        let held = match &places.published {
            Some(published) => reader.published_names(published)?,
            None => BTreeMap::new(),
        };
        let month = places.published.as_ref().map_or(&live.month, |published| &published.month);
        let at = ThreadFiles { month: month.clone(), ..live.clone() };
        let mut files = Vec::new();
        for name in live.names.iter().filter(|name| good.contains(name) && !held.contains_key(*name)) {
            if let Some(bytes) = control.store.event_bytes(&live, name)? {
                files.push((at.published_path(name), bytes));
            }
        }
        if !files.is_empty() {
            found.push(Unpublished { id: live.id.clone(), title: folded.thread.title, files });
        }
    }
    Ok(found)
}

/// Removes the live copies of events that history keeps, byte for byte: in base's upstream, or for 90 days in a base
/// without one. What is being written in just now goes another time, and what the documents of an open run may lack stays
/// until that is decided: who settles it looks among the live ones. Says how many went.
pub fn retire(control: &Control) -> ServiceResult<usize> {
    let Some(base) = control_base(control)? else { return Ok(0) };
    let upstream = control.repo.upstream(&base.branch)?.and_then(|upstream| upstream.id);
    let reader = Reader::new(control)?;
    // What upstream holds counts only where base holds it too: otherwise nobody here would see it any more.
    let above = upstream.map(|id| Reader::at(control, id));
    let open = control.store.open_runs()?;
    let mut gone = 0;
    for thread in control.store.threads(&mut Vec::new())? {
        let Ok(_lock) = control.store.lock_thread(&thread.id, "forum", Duration::ZERO) else { continue };
        let Some(published) = reader.places(&thread.id)?.published else { continue };
        if !open.is_empty() && is_for_documents(&reader, &thread, &published, &open)? {
            continue;
        }
        let held = reader.published_names(&published)?;
        let vouched = match &above {
            Some(above) => match above.places(&thread.id)?.published {
                Some(published) => above.published_names(&published)?,
                None => continue,
            },
            None => held.clone(),
        };
        let mut names = Vec::new();
        for event in control.store.thread_events(&thread, &mut Vec::new())? {
            let name = event.id.to_string();
            let is_safe = held.get(&name).is_some_and(|blob| vouched.get(&name) == Some(blob));
            if is_safe && (above.is_some() || is_old(&event)) && is_same(&reader, &thread, &name, &held)? {
                names.push(name);
            }
        }
        if !names.is_empty() {
            control.store.forget_events(&thread, &names)?;
            gone += names.len();
        }
    }
    Ok(gone)
}

/// Whether an open run writes down what is decided in a thread.
fn is_for_documents(
    reader: &Reader<'_>,
    thread: &ThreadFiles,
    published: &Published,
    open: &[Entry<Run>],
) -> ServiceResult<bool> {
    let places = Places { live: Some(thread.clone()), published: Some(published.clone()) };
    let folded = fold(reader.events(&thread.id, &places)?.events);
    Ok(folded
        .is_some_and(|folded| open.iter().filter_map(Entry::run).any(|run| is_written(run, &folded.thread))))
}

fn is_old(event: &FiledEvent) -> bool {
    clock::now().as_second() - event.event.at.as_second() > KEPT_SECONDS
}

fn is_same(
    reader: &Reader<'_>,
    thread: &ThreadFiles,
    name: &str,
    held: &BTreeMap<String, String>,
) -> ServiceResult<bool> {
    let live = reader.control.store.event_bytes(thread, name)?;
    let blob = held.get(name).map(|id| reader.blob(id)).transpose()?.flatten();
    Ok(live.is_some() && live == blob)
}
