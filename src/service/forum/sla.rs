//! Which threads should have been answered by now: computed from their events and the policy, never stored.

use super::super::needs::{Need, NeedKind};
use super::super::policies;
use super::super::{Caller, Control, ServiceResult};
use super::read::Reader;
use crate::model::{ActorKind, Pressing, RunId, Thread, ThreadKind, ThreadState, title_of};
use crate::policy::ForumPolicy;
use crate::store::Overview;
use crate::sys::clock;
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::HashMap;

/// The time, and how long an answer may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub now: Timestamp,
    minutes: u64,
}

impl Clock {
    pub fn is_escalated(&self, thread: &Thread) -> bool {
        thread.is_escalated(self.now, self.minutes)
    }

    fn presses(&self, pressing: &Pressing) -> bool {
        pressing.is_escalated(self.now, self.minutes)
    }
}

/// The section `forum` of the policy. One that cannot be read keeps nobody from talking; `policy check` says what is
/// wrong with it.
pub(super) fn rules(caller: Option<&Caller>, control: &Control) -> ForumPolicy {
    let given = caller.and_then(|caller| Some(caller.cwd.join(caller.policy.as_ref()?)));
    let path = given.or_else(|| policies::policy_file(control).ok().flatten());
    path.and_then(|path| policies::load(&path).ok()).map(|policy| policy.forum).unwrap_or_default()
}

pub(super) fn clock(caller: &Caller, control: &Control) -> Clock {
    Clock { now: clock::now(), minutes: rules(Some(caller), control).sla.escalation_minutes }
}

/// The threads of a run that should have been answered by now, the most pressing first.
pub fn escalated(control: &Control, run: &RunId) -> ServiceResult<Vec<Thread>> {
    let clock = Clock { now: clock::now(), minutes: rules(None, control).sla.escalation_minutes };
    let wanted = |pressing: &Pressing| pressing.run.as_ref() == Some(run) && clock.presses(pressing);
    waiting(control, &wanted)
}

/// The threads in which somebody waits, the most pressing first.
pub fn all_waiting(control: &Control) -> ServiceResult<Vec<Thread>> {
    waiting(control, &|_| true)
}

/// The threads in which somebody waits and that are wanted, the most pressing first.
fn waiting(control: &Control, wanted: &dyn Fn(&Pressing) -> bool) -> ServiceResult<Vec<Thread>> {
    let reader = Reader::new(control)?;
    wanted_of(&reader, &reader.waiting()?, wanted)
}

fn wanted_of(
    reader: &Reader<'_>,
    overview: &Overview,
    wanted: &dyn Fn(&Pressing) -> bool,
) -> ServiceResult<Vec<Thread>> {
    let mut found = Vec::new();
    reader.each_waiting(overview, wanted, &mut |thread| found.push(thread))?;
    found.sort_by_cached_key(Thread::rank);
    Ok(found)
}

/// The same of every run at once.
pub(in super::super) fn all_escalated(control: &Control) -> ServiceResult<Vec<Thread>> {
    let clock = Clock { now: clock::now(), minutes: rules(None, control).sla.escalation_minutes };
    waiting(control, &|pressing| pressing.run.is_some() && clock.presses(pressing))
}

/// Whether an agent asks a person in this thread.
fn is_agents_question(thread: &Thread) -> bool {
    thread.kind == ThreadKind::Guidance
        && thread.state == ThreadState::WaitingHuman
        && thread.opened_by.kind == ActorKind::Agent
}

/// The threads in which agents of a run ask a person and wait, the oldest first.
pub(in super::super) fn questions(control: &Control, run: &RunId) -> ServiceResult<Vec<Thread>> {
    let wanted = |pressing: &Pressing| {
        pressing.run.as_ref() == Some(run) && pressing.state == ThreadState::WaitingHuman
    };
    let mut found = waiting(control, &wanted)?;
    found.retain(is_agents_question);
    found.sort_by_key(|thread| thread.opened);
    Ok(found)
}

/// The threads about a run in which somebody waits, the most pressing first, each with whether it is escalated.
pub(in super::super) fn waiting_for(control: &Control, run: &RunId) -> ServiceResult<Vec<(Thread, bool)>> {
    let clock = Clock { now: clock::now(), minutes: rules(None, control).sla.escalation_minutes };
    let found = waiting(control, &|pressing| pressing.run.as_ref() == Some(run))?;
    Ok(found.into_iter().map(|thread| (clock.is_escalated(&thread), thread)).map(|(e, t)| (t, e)).collect())
}

/// What a person is needed for in threads.
#[derive(Debug, Default)]
pub(in super::super) struct Needs {
    /// By run: those that wait for a person or are escalated.
    pub by_run: HashMap<RunId, Vec<Need>>,
    /// By run: how many somebody waits in, and how many of those are escalated.
    pub waiting: HashMap<RunId, (usize, usize)>,
    /// How many escalated ones are about no run.
    pub others: usize,
    /// Those in which agents ask a person.
    pub questions: Vec<Thread>,
}

/// What a person is needed for in threads.
pub(in super::super) fn needs(control: &Control) -> ServiceResult<Needs> {
    let clock = Clock { now: clock::now(), minutes: rules(None, control).sla.escalation_minutes };
    let for_a_person = |pressing: &Pressing| {
        let waits = pressing.state == ThreadState::WaitingHuman;
        pressing.run.is_some() && (waits || clock.presses(pressing))
    };
    let mut needs: HashMap<RunId, Vec<Need>> = HashMap::new();
    let reader = Reader::new(control)?;
    let overview = reader.waiting()?;
    let waiting: RefCell<HashMap<RunId, (usize, usize)>> = RefCell::default();
    let others = overview.count(&|pressing| {
        let presses = clock.presses(pressing);
        if let Some(run) = &pressing.run {
            let mut waiting = waiting.borrow_mut();
            let counts = waiting.entry(run.clone()).or_default();
            *counts = (counts.0 + 1, counts.1 + usize::from(presses));
        }
        pressing.run.is_none() && presses
    });
    let mut questions = Vec::new();
    for thread in wanted_of(&reader, &overview, &for_a_person)? {
        if is_agents_question(&thread) {
            questions.push(thread.clone());
        }
        let Some(run) = thread.run.clone() else { continue };
        let (kind, pressing) = if clock.is_escalated(&thread) {
            (NeedKind::Escalated, "is escalated")
        } else {
            (NeedKind::Waiting, "waits for a person")
        };
        let what = format!("The {} thread '{}' {pressing}.", thread.priority, title_of(&thread.title, 60));
        let command = format!("git metawsm forum thread {}", thread.id);
        needs.entry(run).or_default().push(Need::new(kind, thread.id.to_string(), what, command));
    }
    Ok(Needs { by_run: needs, waiting: waiting.into_inner(), others, questions })
}
