//! One visit to the stream: is it the one that we know, what waits to be sent, what is new.
//!
//! Nothing here trusts that Redis keeps what it took. It may lose its last second, its last hour, or all; somebody may
//! delete the stream, our place in it, or entries that we were not given. Each shows, and whoever finds it begins
//! another epoch: then every clone sends its live events once more. What comes twice is the same file.

use super::super::{Control, ServiceError, ServiceResult};
use super::read::Reader;
use super::relay::News;
use super::travel::{Route, is_too_large, keep, marker, memory, posting};
use crate::bus::{Arrived, Bus, Got, Limits, Memory, Posting, State, Waiting};
use crate::model::{EVENT_FORMAT, EventId, FiledEvent, ThreadId, title_of};
use crate::store::{self, ThreadFiles};
use crate::sys::signals::Interrupt;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// How many events are sent, and entries asked for, at a time.
const BATCH: usize = 64;

/// The most bytes of events that are sent at a time; one alone may have more.
const BATCH_BYTES: usize = 4 << 20;

/// What is known of a thread while entries are taken.
struct Known {
    month: String,
    names: HashSet<String>,
}

/// How a visit goes.
#[derive(Clone)]
pub(super) struct Manner {
    /// How long things may take.
    pub limits: Limits,
    /// An answer did not fit: one entry at a time.
    pub careful: bool,
    /// Ends it early.
    pub stop: Interrupt,
}

/// A visit.
pub(super) struct Exchange<'a> {
    control: &'a Control,
    memory: Memory,
    route: &'a Route,
    bus: Bus,
    state: State,
    manner: Manner,
    /// Events that are in the stream as it is now.
    seen: HashSet<EventId>,
    news: &'a mut dyn FnMut(News),
}

impl<'a> Exchange<'a> {
    /// A whole visit, within its limits; says whether some answer was too large, so that care was needed. The caller
    /// holds the lock of the bus.
    pub fn once(
        control: &Control,
        route: &Route,
        mut manner: Manner,
        news: &mut dyn FnMut(News),
    ) -> ServiceResult<bool> {
        loop {
            let visit = Exchange::begin(control, route, manner.clone(), news);
            match visit.and_then(|mut visit| visit.all()) {
                Err(error) if is_too_large(&error) && !manner.careful => manner.careful = true,
                Err(error) if is_too_large(&error) => drop_largest(route, manner.limits, news, error)?,
                Err(error) => return Err(error),
                Ok(()) => return Ok(manner.careful),
            }
        }
    }

    /// Connects and looks whether the stream is the one that we know.
    pub fn begin(
        control: &'a Control,
        route: &'a Route,
        manner: Manner,
        news: &'a mut dyn FnMut(News),
    ) -> ServiceResult<Self> {
        let memory = memory(control);
        let bus = Bus::connect(&route.address, &route.names, manner.limits)?;
        let state = memory.state()?;
        let mut begun = Self { control, memory, route, bus, state, manner, seen: HashSet::new(), news };
        begun.check()?;
        Ok(begun)
    }

    /// Everything there is to do now.
    pub fn all(&mut self) -> ServiceResult<()> {
        self.send_waiting()?;
        self.take_all()?;
        self.send_live()
    }

    fn is_over(&self) -> bool {
        self.manner.stop.is_set() || self.manner.limits.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Looks whether the stream is the one that we know and holds what it held.
    pub fn check(&mut self) -> ServiceResult<()> {
        let (server, epoch) = self.bus.life()?;
        let made = self.bus.ensure_group()?;
        let stream = &self.route.names.stream;
        let is_known =
            self.state.stream == *stream && self.state.server == server && self.state.epoch == epoch;
        let why = self.loss(made, is_known)?;
        let epoch = match why {
            Some(why) => {
                (self.news)(News::Renewed(why.to_owned()));
                self.bus.renew(&epoch)?
            }
            None => epoch,
        };
        if self.state.stream != *stream || self.state.server != server || self.state.epoch != epoch {
            let State { hole, newer, refused, live, .. } = std::mem::take(&mut self.state);
            let stream = stream.clone();
            self.seen.clear();
            self.state = State {
                stream,
                server,
                epoch,
                hole,
                newer,
                refused,
                live,
                format: EVENT_FORMAT,
                ..State::default()
            };
            self.memory.keep(&self.state)?;
        }
        Ok(())
    }

    /// Why something may have been lost that was in the stream.
    fn loss(&mut self, made: bool, is_known: bool) -> ServiceResult<Option<&'static str>> {
        if made && is_known {
            return Ok(Some("the stream, or the place of this clone in it, was deleted"));
        }
        if self.state.newer && self.state.format < EVENT_FORMAT {
            self.state.newer = false;
            return Ok(Some("this version knows events that the one before it left out"));
        }
        // How the stream stands is told together with its first and its last entry, whatever their size.
        if self.manner.careful {
            return Ok(None);
        }
        let standing = self.bus.standing()?;
        if if made { standing.has_forgotten() } else { standing.is_cut() } {
            return Ok(Some("entries were dropped that this clone had not been given"));
        }
        let hole = standing.hole().map(|hole| hole.to_string()).filter(|hole| *hole != self.state.hole);
        if let Some(hole) = hole {
            self.state.hole = hole;
            return Ok(Some("entries were deleted that this clone had not been given"));
        }
        Ok(None)
    }

    /// Sends the events that wait.
    pub fn send_waiting(&mut self) -> ServiceResult<()> {
        let all = self.memory.waiting()?;
        let mut sent = 0;
        for chunk in all.chunks(BATCH) {
            if self.is_over() {
                break;
            }
            let mut batch = Vec::new();
            for waiting in chunk {
                match posting(self.control, waiting)? {
                    Some(found) => batch.push(found),
                    None if self.is_settled(waiting)? => self.memory.unmark(waiting),
                    None => {}
                }
            }
            sent += self.send(batch)?;
        }
        if sent > 0 {
            (self.news)(News::Sent(sent));
        }
        Ok(())
    }

    /// Whether an event that is not live need not be sent: history has it, or nobody will ever write it.
    fn is_settled(&self, waiting: &Waiting) -> ServiceResult<bool> {
        let reader = Reader::new(self.control)?;
        let published = reader.places(&waiting.thread)?.published;
        let names = published.map(|published| reader.published_names(&published)).transpose()?;
        let is_published = names.is_some_and(|names| names.contains_key(waiting.event.as_str()));
        Ok(is_published || self.memory.is_abandoned(waiting))
    }

    /// Sends events and strikes their markers out; says how many.
    fn send(&mut self, mut batch: Vec<Posting>) -> ServiceResult<usize> {
        let all = batch.len();
        while !batch.is_empty() {
            let mut bytes = 0;
            let fits = |posting: &&Posting| {
                bytes += posting.bytes.len();
                bytes <= BATCH_BYTES
            };
            let now = batch.iter().take_while(fits).count().max(1);
            let (taken, refused) = self.bus.add(&batch[..now], keep(&self.memory))?;
            for posting in batch.drain(..taken) {
                self.memory.unmark(&marker(&posting));
            }
            if let Some(error) = refused {
                return Err(error.into());
            }
        }
        Ok(all)
    }

    /// Sends every live event that is not in this life of the stream yet; goes on where the last visit stopped.
    fn send_live(&mut self) -> ServiceResult<()> {
        if self.state.whole {
            return Ok(());
        }
        let mut all: Vec<(String, Waiting)> = Vec::new();
        for files in self.control.store.threads(&mut Vec::new())? {
            for event in files.names.iter().filter_map(|name| EventId::parse(name).ok()) {
                all.push((format!("{}~{event}", files.id), Waiting { thread: files.id.clone(), event }));
            }
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        self.state.live = all.len();
        let from = all.partition_point(|(key, _)| *key <= self.state.sent_to);
        let mut sent = 0;
        for chunk in all[from..].chunks(BATCH) {
            if self.is_over() {
                break;
            }
            let unseen = chunk.iter().filter(|(_, waiting)| !self.seen.contains(&waiting.event));
            let found: Vec<_> =
                unseen.map(|(_, waiting)| posting(self.control, waiting)).collect::<Result<_, _>>()?;
            sent += self.send(found.into_iter().flatten().collect())?;
            self.state.sent_to = chunk.last().map(|(key, _)| key.clone()).unwrap_or_default();
        }
        self.state.whole = all.last().is_none_or(|(key, _)| *key <= self.state.sent_to);
        if sent > 0 {
            (self.news)(News::Sent(sent));
        }
        Ok(self.memory.keep(&self.state)?)
    }

    /// Takes in everything that is there: what somebody of this clone was given and never finished, then what is new.
    fn take_all(&mut self) -> ServiceResult<()> {
        while !self.is_over() {
            let got = self.bus.unfinished(self.most())?;
            if got.is_empty() {
                break;
            }
            self.take(got)?;
        }
        loop {
            let got = self.bus.claim(self.most())?;
            if got.is_empty() || self.is_over() {
                break;
            }
            self.take(got)?;
        }
        while !self.is_over() && self.take_new(None)? {}
        Ok(())
    }

    /// Takes in what is new, waiting for it as long as `wait` says; whether there was anything.
    pub fn take_new(&mut self, wait: Option<Duration>) -> ServiceResult<bool> {
        let got = self.bus.fresh(self.most(), wait)?;
        let is_some = !got.is_empty();
        self.take(got)?;
        Ok(is_some)
    }

    fn most(&self) -> usize {
        if self.manner.careful { 1 } else { BATCH }
    }

    /// Takes entries: each event becomes the file that it is elsewhere, and is acknowledged once it is durable. What
    /// cannot be taken is told and acknowledged: it blocks nobody.
    fn take(&mut self, got: Got) -> ServiceResult<()> {
        let mut known = HashMap::new();
        let mut done = Vec::new();
        let mut problem = None;
        let refused = self.state.refused;
        for Arrived { id, what } in got.arrived {
            match what {
                Ok((filed, bytes)) => match self.keep_event(&mut known, &filed, &bytes) {
                    Ok(is_new) => {
                        self.seen.insert(filed.id.clone());
                        if is_new {
                            (self.news)(News::Took(Box::new(filed)));
                        }
                    }
                    Err(error) => {
                        problem = Some(error);
                        break;
                    }
                },
                Err(refusal) => {
                    self.state.refused += 1;
                    self.state.newer |= refusal.newer;
                    let why = title_of(&refusal.why, 300);
                    (self.news)(News::LeftOut(format!("The entry {id} from Redis was left out: {why}.")));
                }
            }
            done.push(id);
        }
        if self.state.refused != refused {
            self.memory.keep(&self.state)?;
        }
        done.extend(&got.lost);
        self.bus.finish(&done)?;
        if let Some(error) = problem {
            return Err(error);
        }
        if got.lost.is_empty() { Ok(()) } else { self.renew_for_lost() }
    }

    /// Entries that we were given and never finished are gone: whether we had them is not known any more.
    fn renew_for_lost(&mut self) -> ServiceResult<()> {
        (self.news)(News::Renewed("entries were dropped before this clone had taken them".to_owned()));
        self.bus.renew(&self.state.epoch.clone())?;
        self.check()
    }

    /// Writes an event that came in; `false` where it is here already, live or in history.
    fn keep_event(
        &self,
        known: &mut HashMap<ThreadId, Known>,
        filed: &FiledEvent,
        bytes: &[u8],
    ) -> ServiceResult<bool> {
        let thread = &filed.event.thread;
        if !known.contains_key(thread) {
            known.insert(thread.clone(), self.known(thread)?);
        }
        let Some(here) = known.get_mut(thread) else { return Ok(false) };
        if !here.names.insert(filed.id.to_string()) {
            return Ok(false);
        }
        Ok(self.control.store.take_event_bytes(&here.month, filed, bytes)?)
    }

    fn known(&self, thread: &ThreadId) -> ServiceResult<Known> {
        let reader = Reader::new(self.control)?;
        let places = reader.places(thread)?;
        let month = places.month().map(str::to_owned).or_else(|| store::month_of(thread)).unwrap_or_default();
        let mut names = HashSet::new();
        if let Some(ThreadFiles { names: live, .. }) = places.live {
            names.extend(live);
        }
        if let Some(published) = &places.published {
            names.extend(reader.published_names(published)?.into_keys());
        }
        Ok(Known { month, names })
    }
}

/// Acknowledges the entry that did not fit although it was asked for alone.
fn drop_largest(
    route: &Route,
    limits: Limits,
    news: &mut dyn FnMut(News),
    error: ServiceError,
) -> ServiceResult<()> {
    let mut bus = Bus::connect(&route.address, &route.names, limits)?;
    let Some(id) = bus.unread()? else { return Err(error) };
    bus.finish(&[id])?;
    news(News::LeftOut(format!("The entry {id} from Redis was left out: it is too large to be an event.")));
    Ok(())
}
