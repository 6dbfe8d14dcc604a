//! `forum watch`: events in the order in which they were written, from a cursor, and as they arrive.

use super::super::watched::WatchedDirs;
use super::super::{Caller, ServiceError, ServiceResult, control};
use super::list::ThreadFilter;
use super::read::{Events, Places, Reader};
use super::travel;
use crate::model::{EventId, Thread, ThreadId, Told, fold};
use crate::store::{Store, ThreadFiles, is_month};
use crate::sys::files;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

/// How often base is looked at: events that come by `git pull` change no live directory.
const LOOK: Duration = Duration::from_secs(3);

/// What `forum watch` was asked.
#[derive(Debug, Clone, Default)]
pub struct WatchRequest {
    /// Which threads; only run and ticket count.
    pub filter: ThreadFilter,
    /// After this place, as [`Heard::cursor`] gives it; `0` is the beginning. Without one, following begins now.
    pub cursor: Option<String>,
    /// At most this many, where it does not follow.
    pub limit: usize,
    /// Go on as events arrive.
    pub follow: bool,
}

/// One event as it is shown.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The event, and what came of it.
    pub told: Told,
    /// Its thread as it is now.
    pub thread: Thread,
    /// Its place.
    place: Place,
}

impl Heard {
    /// Its place: what comes after it is shown by a watch that begins there.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.place.0, self.place.1)
    }
}

/// Seconds since 1970, never less than those of the event before it in its thread: a clock that went back must not
/// hide an event behind a cursor. And the event's id.
type Place = (i64, String);

fn place_of(cursor: &str) -> ServiceResult<Place> {
    if cursor == "0" {
        return Ok((i64::MIN, String::new()));
    }
    let parsed =
        cursor.split_once('.').and_then(|(time, id)| Some((time.parse().ok()?, EventId::parse(id).ok()?)));
    let (time, id) = parsed.ok_or_else(|| {
        ServiceError::wrong(
            "The cursor was not given by 'forum watch'; 0 is the beginning.",
            &["git metawsm forum watch --cursor 0"],
        )
    })?;
    Ok((time, id.to_string()))
}

/// Shows events until `take` says that it is enough; returns what cannot be used, as sentences.
pub fn watch(
    caller: &Caller,
    request: &WatchRequest,
    take: &mut dyn FnMut(&Heard) -> bool,
) -> ServiceResult<Vec<String>> {
    let control = control(caller)?;
    if request.follow {
        return follow(caller, &control.store, &control, request, take);
    }
    let after = place_of(request.cursor.as_deref().unwrap_or("0"))?;
    let reader = Reader::new(&control)?;
    let (mut odd, mut first) = (Vec::new(), BTreeMap::new());
    for (id, places) in reader.all(&mut odd)? {
        for heard in heard_in(&reader, &id, &places, &request.filter)? {
            if heard.place > after {
                first.insert(heard.place.clone(), heard);
            }
            if first.len() > request.limit {
                first.pop_last();
            }
        }
    }
    let _ = first.values().all(take);
    Ok(odd)
}

/// The events of a thread that is wanted, in order.
fn heard_in(
    reader: &Reader<'_>,
    id: &ThreadId,
    places: &Places,
    filter: &ThreadFilter,
) -> ServiceResult<Vec<Heard>> {
    let Events { events, .. } = reader.events(id, places)?;
    let Some(folded) = fold(events).filter(|folded| filter.is_about(&folded.thread)) else {
        return Ok(Vec::new());
    };
    let mut time = i64::MIN;
    let thread = folded.thread;
    let told = folded.told.into_iter().map(|told| {
        time = time.max(told.event.event.at.as_second());
        Heard { place: (time, told.event.id.to_string()), thread: thread.clone(), told }
    });
    Ok(told.collect())
}

/// What was known of a thread when it was looked at last.
type Known = (Vec<String>, Option<String>);

fn follow(
    caller: &Caller,
    store: &Store,
    control: &super::super::Control,
    request: &WatchRequest,
    take: &mut dyn FnMut(&Heard) -> bool,
) -> ServiceResult<Vec<String>> {
    let after = request.cursor.as_deref().map(place_of).transpose()?;
    let mut dirs = WatchedDirs::default();
    let mut known: BTreeMap<ThreadId, Known> = BTreeMap::new();
    let mut seen: HashSet<String> = HashSet::new();
    let (mut is_first, mut left_out) = (true, Vec::new());
    loop {
        let reader = Reader::new(control)?;
        dirs.sweep();
        add_threads(&mut dirs, store);
        let mut odd = Vec::new();
        let mut fresh = BTreeMap::new();
        for (id, places) in reader.all(&mut odd)? {
            let names = places.live.as_ref().map(|live| live.names.clone()).unwrap_or_default();
            let now = (names, places.published.as_ref().map(|published| published.tree.clone()));
            if known.get(&id) == Some(&now) {
                continue;
            }
            for heard in heard_in(&reader, &id, &places, &request.filter)? {
                let is_new = seen.insert(heard.place.1.clone());
                if is_new && (!is_first || after.as_ref().is_some_and(|after| heard.place > *after)) {
                    fresh.insert(heard.place.clone(), heard);
                }
            }
            known.insert(id, now);
        }
        is_first = false;
        if !fresh.values().all(&mut *take) || caller.interrupt.is_set() {
            odd.append(&mut left_out);
            return Ok(odd);
        }
        if !dirs.wait(LOOK) {
            left_out.extend(travel::glance(caller, control));
        }
    }
}

/// Watches the directory of a live thread.
pub(super) fn add_thread(dirs: &mut WatchedDirs, store: &Store, live: Option<&ThreadFiles>) {
    dirs.sweep();
    if let Some(live) = live {
        dirs.add(store.thread_dir(&live.month, &live.id));
    }
}

/// Watches every live thread, and where new ones appear.
pub(in super::super) fn add_threads(dirs: &mut WatchedDirs, store: &Store) {
    let forum = store.forum_dir();
    let below = |dir: &Path| files::names_in(dir).unwrap_or_default();
    dirs.add_nearest(&forum);
    for month in below(&forum).into_iter().filter(|name| is_month(name)) {
        let month = forum.join(month);
        // The months first: a thread that appears meanwhile is seen by its month.
        dirs.add(month.clone());
        for thread in below(&month).into_iter().filter(|name| ThreadId::parse(name).is_ok()) {
            dirs.add(month.join(thread));
        }
    }
}
