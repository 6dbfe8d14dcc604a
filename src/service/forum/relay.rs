//! `forum relay`: carries events to and from Redis for as long as it runs.

use super::super::{Caller, Control, ServiceError, ServiceResult, control, guidance, settle};
use super::answer::is_over;
use super::exchange::{Exchange, Manner};
use super::sla;
use super::travel::{Route, is_too_large, may_pass, memory, note, route};
use crate::bus::Limits;
use crate::model::{EventWhat, FiledEvent, Guidance, RunId, ThreadId};
use crate::policy::ForumTransport;
use crate::store::Entry;
use crate::sys::{lock, random};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long it waits for entries before it looks at what waits to be sent.
const PAUSE: Duration = Duration::from_millis(500);

/// How often it looks whether the stream is still the one that it knows.
const LOOK: Duration = Duration::from_secs(10);

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a run that somebody else holds is waited for.
const HOLD_WAIT: Duration = Duration::from_millis(500);

/// What a relay has to tell.
#[derive(Debug, Clone)]
pub enum News {
    /// It has reached the server, for this stream.
    Reached(String, String),
    /// It has sent so many events.
    Sent(usize),
    /// It has taken in an event that was not here.
    Took(Box<FiledEvent>),
    /// An entry was not taken, and why: a sentence.
    LeftOut(String),
    /// Something was lost, so every clone sends its live events once more; why, as the rest of a sentence.
    Renewed(String),
    /// An answer for this run came in and stands in its record now.
    Settled(RunId),
    /// The server cannot be used, why, and in how many seconds the next try is.
    Away(String, u64),
}

/// Carries events until it is interrupted; with `once`, those that there are now.
pub fn relay(caller: &Caller, once: bool, take: &mut dyn FnMut(News)) -> ServiceResult<()> {
    let control = control(caller)?;
    let memory = memory(&control);
    require_route(caller, &control)?;
    let wait = if once { caller.wait } else { Duration::ZERO };
    let _lock = lock::take(&memory.lock_path(), "The way to Redis", "forum relay", "", wait)?;
    memory.sweep();
    memory.ensure_out()?;
    let mut pause = PAUSE;
    while !caller.interrupt.is_set() {
        // The policy may have changed.
        let route = require_route(caller, &control)?;
        let begun = Instant::now();
        let done = carry(caller, &control, &route, once, take);
        note(&memory, done.as_ref().err());
        match done {
            Ok(()) if once => return Ok(()),
            Ok(()) => {}
            Err(error) if once || !(may_pass(&error) || is_too_large(&error)) => return Err(error),
            Err(error) => {
                // What worked for a while begins to wait anew.
                pause = if begun.elapsed() > LONGEST { PAUSE } else { (pause * 2).min(LONGEST) };
                let jitter = u64::try_from(pause.as_millis()).unwrap_or(500);
                let next = pause / 2 + Duration::from_millis(random::below(jitter));
                take(News::Away(error.to_string(), next.as_secs()));
                rest(caller, next);
            }
        }
    }
    Ok(())
}

fn require_route(caller: &Caller, control: &Control) -> ServiceResult<Route> {
    let policy = sla::rules(Some(caller), control);
    if let Some(route) = route(control, &policy)? {
        return Ok(route);
    }
    let message = if policy.transport == ForumTransport::Redis {
        "The policy has switched the forum off (forum.enabled is false)."
    } else {
        "The policy keeps the forum in files (forum.transport is 'files'): there is nothing to relay."
    };
    Err(ServiceError::failed(message, &["git metawsm policy show", "git metawsm policy-init"]))
}

/// Waits, but not for who is asked to stop.
fn rest(caller: &Caller, time: Duration) {
    let until = Instant::now() + time;
    while !caller.interrupt.is_set() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50).min(until.saturating_duration_since(Instant::now())));
    }
}

/// Carries events over one connection: until it breaks, the policy changes, or it is interrupted.
fn carry(
    caller: &Caller,
    control: &Control,
    route: &Route,
    once: bool,
    take: &mut dyn FnMut(News),
) -> ServiceResult<()> {
    let answered = RefCell::new(BTreeSet::new());
    let heard = |news: News, take: &mut dyn FnMut(News)| {
        if let News::Took(filed) = &news
            && matches!(filed.event.what, EventWhat::Answered | EventWhat::Closed | EventWhat::StateChanged)
        {
            answered.borrow_mut().insert(filed.event.thread.clone());
        }
        take(news);
    };
    let mut manner = Manner { limits: Limits::LONG, careful: false, stop: caller.interrupt.clone() };
    manner.careful = Exchange::once(control, route, manner.clone(), &mut |news| heard(news, take))?;
    let mut left = answered_before(control);
    left.extend(answered.take());
    left = settle_answered(caller, control, &left, take);
    note(&memory(control), None);
    take(News::Reached(route.address.to_string(), route.names.stream.clone()));
    if once {
        return Ok(());
    }
    while !caller.interrupt.is_set() && require_route(caller, control)? == *route {
        let looked = Instant::now();
        let mut hear = |news| heard(news, take);
        let mut visit = Exchange::begin(control, route, manner.clone(), &mut hear)?;
        visit.all()?;
        while looked.elapsed() < LOOK && !caller.interrupt.is_set() && answered.borrow().is_empty() {
            visit.take_new(Some(PAUSE))?;
            visit.send_waiting()?;
        }
        drop(visit);
        left.extend(answered.take());
        left = settle_answered(caller, control, &left, take);
    }
    Ok(())
}

/// Questions of open runs whose answer came in while nobody relayed: some command that looked has taken it.
fn answered_before(control: &Control) -> BTreeSet<ThreadId> {
    let runs = control.store.open_runs().unwrap_or_default();
    let open =
        runs.iter().filter_map(Entry::run).flat_map(|run| &run.guidance).filter(|asked| asked.is_open());
    let is_over = |id: &ThreadId| is_over(control, id).unwrap_or(false);
    open.map(|asked| asked.thread.clone()).filter(is_over).collect()
}

/// Writes answers that came in into the records of the open runs that wait for them, and gives them to agents that have
/// ended, as an answer from here would. Whoever settled a run meanwhile has written it down and started nobody. Gives the
/// threads of runs that somebody holds: they are for another time.
fn settle_answered(
    caller: &Caller,
    control: &Control,
    threads: &BTreeSet<ThreadId>,
    take: &mut dyn FnMut(News),
) -> BTreeSet<ThreadId> {
    let mut left = BTreeSet::new();
    if threads.is_empty() {
        return left;
    }
    let runs = control.store.open_runs().unwrap_or_default();
    for run in runs.iter().filter_map(Entry::run) {
        let waits = |asked: &&Guidance| asked.delivered.is_none() && threads.contains(&asked.thread);
        let waiting: Vec<_> = run.guidance.iter().filter(waits).map(|asked| asked.thread.clone()).collect();
        if waiting.is_empty() {
            continue;
        }
        let Ok(mut hold) = control.hold_to_settle(&run.id, HOLD_WAIT) else {
            left.extend(waiting);
            continue;
        };
        let settled = settle::settle(control, &mut hold);
        if settled.and_then(|_| guidance::deliver(caller, control, &mut hold, &mut |_| {})).is_ok() {
            take(News::Settled(run.id.clone()));
        }
    }
    left
}
