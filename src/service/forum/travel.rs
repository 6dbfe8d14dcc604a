//! How events travel to other machines, seen from commands that never asked for it: what they write is marked to be
//! sent and sent if that is quick, and what came in is taken if that is quick. None of it ever fails or delays them by
//! more than a moment.

use super::super::base::control_base;
use super::super::{Caller, Control, ServiceError, ServiceResult};
use super::exchange::{Exchange, Manner};
use super::sla;
use crate::bus::{Address, Bus, BusError, Limits, Memory, Names, Posting, Waiting};
use crate::git::Head;
use crate::model::{FiledEvent, ForumEvent};
use crate::policy::{ForumPolicy, ForumTransport};
use crate::store;
use crate::sys::signals::Interrupt;
use crate::sys::{clock, env, lock};
use jiff::Timestamp;
use std::time::Duration;

/// For how long nobody tries again, who would do it in passing only.
const PATIENCE: i64 = 5;

/// How long a command that reads the forum takes events in before it answers.
const GLANCE: Duration = Duration::from_millis(150);

/// How long a command that writes tries to send.
const MOMENT: Duration = Duration::from_millis(250);

/// How many events that wait a command sends beside its own.
const BESIDE: usize = 50;

/// Where the events of a control repository travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// The server.
    pub address: Address,
    /// The names there.
    pub names: Names,
}

/// What the clone remembers.
pub(super) fn memory(control: &Control) -> Memory {
    Memory::at(&control.store.dir())
}

/// Where events travel; `None` where they stay in files.
pub(super) fn route(control: &Control, policy: &ForumPolicy) -> ServiceResult<Option<Route>> {
    if !policy.enabled || policy.transport != ForumTransport::Redis {
        return Ok(None);
    }
    let memory = memory(control);
    let url = match env::text(env::REDIS_URL) {
        Some(url) => url,
        None => control.repo.config("metawsm.forum.redis.url")?.unwrap_or_else(|| policy.redis.url.clone()),
    };
    let address = Address::parse(&url)?;
    let project = match memory.project()? {
        Some(project) => project,
        None => find_project(control, &memory)?,
    };
    let clone = memory.clone_id(control.repo.common_dir())?;
    Ok(Some(Route { address, names: Names::of(policy, &project, &clone) }))
}

/// The project is known by the commit with which base's history begins. git is asked once.
fn find_project(control: &Control, memory: &Memory) -> ServiceResult<String> {
    let id = match control_base(control)? {
        Some(base) => Some(base.id),
        None => match control.repo.head()? {
            Head::Branch { id, .. } => id,
            Head::Detached(id) => Some(id),
        },
    };
    let Some(id) = id else {
        let message =
            "This repository has no commit yet, so it is not known which project's events these are.";
        return Err(ServiceError::failed(message, &["git commit --allow-empty -m 'First commit'"]));
    };
    let Some(first) = control.repo.first_commit(&id)? else {
        let message = "This clone is shallow, and a project is known by the first commit of its history, which is not \
                       here: its events wait until it is.";
        return Err(ServiceError::failed(message, &["git fetch --unshallow"]));
    };
    let project = Names::project_of(&first);
    memory.keep_project(&project)?;
    Ok(project)
}

/// Writes an event of ours. Where events travel, or ever did, it is marked to be sent before it is there: whatever is
/// killed in between, it is sent some time.
pub(super) fn write_and_send(
    control: &Control,
    month: Option<&str>,
    event: &ForumEvent,
) -> ServiceResult<FiledEvent> {
    let memory = memory(control);
    // Events that are written while the transport is switched off travel when it is on again.
    let policy = sla::rules(None, control);
    let travels = policy.transport == ForumTransport::Redis;
    if !travels && !memory.exists() {
        return Ok(control.store.add_event(month, event)?);
    }
    let bytes = store::event_bytes(event)?;
    let id = FiledEvent::id_of(event.lamport, &bytes)?;
    let waiting = Waiting { thread: event.thread.clone(), event: id.clone() };
    memory.mark(&waiting)?;
    let filed = control.store.add_event(month, event)?;
    if travels {
        let own = Posting { id, thread: event.thread.clone(), what: event.what, bytes };
        send_soon(control, &policy, &memory, own);
    }
    Ok(filed)
}

/// Sends an event that was just written, and a few that wait, if the server answers at once.
fn send_soon(control: &Control, policy: &ForumPolicy, memory: &Memory, own: Posting) {
    if is_away(memory) {
        return;
    }
    let send = || -> ServiceResult<()> {
        let Some(route) = route(control, policy)? else { return Ok(()) };
        let mut bus = Bus::connect(&route.address, &route.names, Limits::within(MOMENT))?;
        let mut postings = vec![own];
        let others = memory.waiting()?;
        let others = others.iter().filter(|waiting| waiting.event != postings[0].id).take(BESIDE);
        let others: Vec<_> = others.filter_map(|waiting| posting(control, waiting).ok()?).collect();
        postings.extend(others);
        let (taken, refused) = bus.add(&postings, keep(memory))?;
        postings[..taken].iter().for_each(|sent| memory.unmark(&marker(sent)));
        refused.map_or(Ok(()), |error| Err(error.into()))
    };
    note(memory, send().err().as_ref());
}

/// How many entries the stream keeps at least.
pub(super) fn keep(memory: &Memory) -> usize {
    memory.state().map_or(0, |state| state.live).saturating_mul(4).max(crate::bus::LEAST)
}

/// The marker of an event that waits.
pub(super) fn marker(posting: &Posting) -> Waiting {
    Waiting { thread: posting.thread.clone(), event: posting.id.clone() }
}

/// The event that a marker stands for; `None` where it is not live, or cannot be used.
pub(super) fn posting(control: &Control, waiting: &Waiting) -> ServiceResult<Option<Posting>> {
    let name = waiting.event.as_str();
    let Some(files) = control.store.find_thread(&waiting.thread)? else { return Ok(None) };
    let bytes = control.store.event_bytes(&files, name)?;
    Ok(bytes.and_then(|bytes| Posting::of(name, bytes)).filter(|found| found.thread == waiting.thread))
}

/// Whether somebody tried a moment ago in vain.
fn is_away(memory: &Memory) -> bool {
    let now = clock::precise().as_second();
    // A clock that went back must not keep anybody from trying.
    memory.away().is_some_and(|away| (0..PATIENCE).contains(&(now - away.tried.as_second())))
}

/// Notes whether the server could be reached.
pub(super) fn note(memory: &Memory, error: Option<&ServiceError>) {
    match error {
        Some(error) => memory.note_away(Some(&error.to_string())),
        None if memory.away().is_some() => memory.note_away(None),
        None => {}
    }
}

/// Takes in what other machines have said, and sends what waits, if that is quick and nobody else is about it. Gives
/// what was left out, as sentences; that the server is away is noted for `status`.
pub(super) fn glance(caller: &Caller, control: &Control) -> Vec<String> {
    glance_at(control, &sla::rules(Some(caller), control))
}

fn glance_at(control: &Control, policy: &ForumPolicy) -> Vec<String> {
    let mut odd = Vec::new();
    if policy.transport != ForumTransport::Redis || control.store.is_frozen() {
        return odd;
    }
    let memory = memory(control);
    if is_away(&memory) {
        return odd;
    }
    // Who reads for this clone already does it for us.
    let Ok(Some(_lock)) = lock::try_take(&memory.lock_path(), "forum", "") else { return odd };
    let mut exchange = || -> ServiceResult<()> {
        let Some(route) = route(control, policy)? else { return Ok(()) };
        let mut news = |news: super::News| {
            if let super::News::LeftOut(why) = news {
                odd.push(why);
            }
        };
        let manner = Manner { limits: Limits::within(GLANCE), careful: false, stop: Interrupt::default() };
        Exchange::once(control, &route, manner, &mut news).map(drop)
    };
    let done = exchange();
    note(&memory, done.err().as_ref());
    odd
}

/// For `status`: takes in what is there, gives what was left out, and how events travel just now (`None` where they
/// stay in files).
pub(in super::super) fn look(caller: &Caller, control: &Control) -> (Vec<String>, Option<BusView>) {
    let policy = sla::rules(Some(caller), control);
    if policy.transport != ForumTransport::Redis || !policy.enabled {
        return (Vec::new(), None);
    }
    (glance_at(control, &policy), Some(bus_view(control, &policy)))
}

/// How events travel just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusView {
    /// The server, without its password; empty where its address cannot be told.
    pub place: String,
    /// How many events wait to be sent.
    pub waiting: usize,
    /// Since when the oldest of them does.
    pub since: Option<Timestamp>,
    /// Since when the server does not answer, and why.
    pub away: Option<(Timestamp, String)>,
    /// The process that relays here, if one does.
    pub relay: Option<i32>,
    /// How many entries were ever left out.
    pub left_out: u64,
}

fn bus_view(control: &Control, policy: &ForumPolicy) -> BusView {
    let memory = memory(control);
    let waiting = memory.waiting().unwrap_or_default();
    let holder = lock::current_holder(&memory.lock_path());
    let found = if control.store.is_frozen() { Ok(None) } else { route(control, policy) };
    let (place, wrong) = match found {
        Ok(route) => (route.map(|route| route.address.to_string()).unwrap_or_default(), None),
        Err(error) => (String::new(), Some(error.to_string())),
    };
    let away = memory.away().map(|away| (away.since, away.why));
    BusView {
        place,
        since: memory.oldest(&waiting),
        waiting: waiting.len(),
        away: wrong.map(|why| (clock::now(), why)).or(away),
        relay: holder.filter(|holder| holder.command == "forum relay").map(|holder| holder.pid),
        left_out: memory.state().map_or(0, |state| state.refused),
    }
}

/// Whether an error is one that another try may not show.
pub(super) fn may_pass(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Bus(error) if error.may_pass())
}

/// Whether the server said more than there is room for.
pub(super) fn is_too_large(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Bus(BusError::TooLarge { .. }))
}
