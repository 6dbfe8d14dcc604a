//! `forum list` and `forum search`.

use super::super::{Caller, ServiceResult, control};
use super::read::{Events, Reader};
use super::sla::{self, Clock};
use super::travel;
use crate::model::{FiledEvent, Priority, Thread, ThreadState, fold};

/// Which threads are wanted.
#[derive(Debug, Clone, Default)]
pub struct ThreadFilter {
    /// About this run: its id or the beginning of it.
    pub run: Option<String>,
    /// About this ticket, whatever the case of its letters.
    pub ticket: Option<String>,
    /// In this state.
    pub state: Option<ThreadState>,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// Assigned to somebody whose name holds this.
    pub assignee: Option<String>,
    /// Escalated ones only.
    pub escalated: bool,
}

impl ThreadFilter {
    fn fits(&self, thread: &Thread, clock: &Clock) -> bool {
        let holds = |name: &str, part: &str| name.to_lowercase().contains(&part.to_lowercase());
        self.is_about(thread)
            && self.state.is_none_or(|state| thread.state == state)
            && self.priority.is_none_or(|priority| thread.priority == priority)
            && self.assignee.as_deref().is_none_or(|part| {
                thread.assignee.as_ref().is_some_and(|assignee| holds(&assignee.to_string(), part))
            })
            && (!self.escalated || clock.is_escalated(thread))
    }

    /// Whether a thread is about the run and the ticket.
    pub(super) fn is_about(&self, thread: &Thread) -> bool {
        let run = thread.run.as_ref().map(crate::model::RunId::as_str).unwrap_or_default();
        let ticket = thread.ticket.as_ref().map(crate::model::TicketId::as_str).unwrap_or_default();
        self.run.as_deref().is_none_or(|wanted| !wanted.is_empty() && run.starts_with(wanted))
            && self.ticket.as_deref().is_none_or(|wanted| ticket.eq_ignore_ascii_case(wanted))
    }
}

/// A thread of a list.
#[derive(Debug, Clone)]
pub struct Found {
    /// The thread.
    pub thread: Thread,
    /// Whether it should have been answered by now.
    pub escalated: bool,
    /// Where it was searched: the first line that holds a word.
    pub line: Option<String>,
}

/// Threads, the most pressing first.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Those that are shown.
    pub threads: Vec<Found>,
    /// How many more there are.
    pub more: usize,
    /// What cannot be used, as sentences.
    pub odd: Vec<String>,
}

/// Keeps the first `limit` of many.
struct First {
    found: Vec<Found>,
    limit: usize,
    more: usize,
}

impl First {
    fn add(&mut self, found: Found) {
        self.found.push(found);
        // Now and then, so that the memory of a long history stays bounded.
        if self.found.len() >= self.limit.saturating_mul(2).saturating_add(1000) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.found.sort_by_cached_key(|found| found.thread.rank());
        self.more += self.found.len().saturating_sub(self.limit);
        self.found.truncate(self.limit);
    }
}

/// Lists threads, live and published ones: what is not over first, by priority, then the oldest first.
pub fn list(caller: &Caller, filter: &ThreadFilter, limit: usize) -> ServiceResult<Listed> {
    let control = control(caller)?;
    let clock = sla::clock(caller, &control);
    let mut first = First { found: Vec::new(), limit, more: 0 };
    let mut odd = travel::glance(caller, &control);
    let mut take = |thread: Thread| {
        if filter.fits(&thread, &clock) {
            let escalated = clock.is_escalated(&thread);
            first.add(Found { thread, escalated, line: None });
        }
    };
    let reader = Reader::new(&control)?;
    reader.each(&mut take, &mut odd)?;
    first.cut();
    Ok(Listed { threads: first.found, more: first.more, odd })
}

/// Searches titles and posts for threads that hold every word of `words`, whatever the case of letters.
pub fn search(
    caller: &Caller,
    words: &[String],
    filter: &ThreadFilter,
    limit: usize,
) -> ServiceResult<Listed> {
    let control = control(caller)?;
    let clock = sla::clock(caller, &control);
    let words: Vec<_> = words.iter().flat_map(|w| w.split_whitespace()).map(str::to_lowercase).collect();
    let mut first = First { found: Vec::new(), limit, more: 0 };
    let mut odd = Vec::new();
    let reader = Reader::new(&control)?;
    for (id, places) in reader.all(&mut odd)? {
        let Events { events, odd: bad } = reader.events(&id, &places)?;
        odd.extend(bad.into_iter().map(|bad| bad.why));
        let Some(line) = match_of(&events, &words) else { continue };
        let Some(folded) = fold(events) else { continue };
        if filter.fits(&folded.thread, &clock) {
            let escalated = clock.is_escalated(&folded.thread);
            first.add(Found { thread: folded.thread, escalated, line: Some(line) });
        }
    }
    first.cut();
    Ok(Listed { threads: first.found, more: first.more, odd })
}

/// The first line of a thread that holds one of the words, where the thread holds all of them.
fn match_of(events: &[FiledEvent], words: &[String]) -> Option<String> {
    let texts = || {
        let of = |filed: &'_ FiledEvent| {
            let event = &filed.event;
            [event.title.clone(), event.body.clone(), event.note.clone()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
        };
        events.iter().flat_map(of)
    };
    let all: Vec<String> = texts().map(|text| text.to_lowercase()).collect();
    if words.is_empty() || !words.iter().all(|word| all.iter().any(|text| text.contains(word.as_str()))) {
        return None;
    }
    let holds = |line: &&str| words.iter().any(|word| line.to_lowercase().contains(word.as_str()));
    texts().find_map(|text| text.lines().find(holds).map(|line| line.trim().chars().take(200).collect()))
}
