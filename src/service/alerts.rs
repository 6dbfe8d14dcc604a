//! `watch`: what needs a person, told once each, as it comes.
//!
//! The source is what `status` says, so that both say the same. An alert comes again only after it had gone away.

use super::alert::{Alert, Known};
use super::changes::Changes;
use super::need::NeedKind;
use super::select::{Selector, select};
use super::status::{RunView, StatusReport, StatusRequest, status};
use super::{Caller, Control, ServiceError, ServiceResult, control, find_control};
use crate::model::{RunId, RunState};
use crate::policy;
use crate::sessions::Observation;
use crate::store::{self, StoreError};
use crate::sys::{clock, signals};
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// The longest that nobody looks: a thread grows too old, and a machine may take its agents with it, without a word.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon is looked again at what somebody holds, or could not be looked at.
const SOON: Duration = Duration::from_secs(1);
/// How often in a row looking may fail.
const FAILURES: usize = 5;

/// How long `watch` goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// Until somebody ends it, or the one run that is watched is over.
    #[default]
    Stopped,
    /// What there is now is told, and that is all.
    Once,
    /// Until the run that is watched has no more for its agents to do.
    Settled,
}

/// What `watch` was asked.
#[derive(Debug, Clone, Default)]
pub struct WatchAlerts {
    /// Which run; all open ones where empty.
    pub selector: Selector,
    /// All control repositories of this user.
    pub everywhere: bool,
    /// Only read: take no signals.
    pub no_ingest: bool,
    /// Only these kinds are told; all where empty.
    pub kinds: Vec<NeedKind>,
    /// How long it goes on.
    pub until: Until,
}

/// What `watch` has to say.
#[derive(Debug)]
pub enum WatchNews<'a> {
    /// It looks from now on; so many runs are open, and so many of them need nobody.
    Began(usize, usize),
    /// Something needs a person.
    Alert(&'a Alert),
    /// The run is over, or has no more for its agents to do.
    Over(&'a RunId, RunState),
    /// Nothing; somebody may look whether anything else is to be said.
    Woken,
}

/// How a watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchEnd {
    /// The work is done, or nothing needs anybody.
    Done,
    /// The run has failed, was given up or is gone.
    Failed,
    /// A person is needed.
    NeedsPerson,
    /// A signal came.
    Interrupted(i32),
    /// Nobody listens any more.
    Unheard,
}

/// Tells what needs a person, until it is over; `take` says whether anybody listens.
pub fn watch_alerts(
    caller: &Caller,
    request: &WatchAlerts,
    take: &mut dyn FnMut(WatchNews<'_>) -> bool,
    changes: &mut Changes,
) -> ServiceResult<WatchEnd> {
    let waker = changes.waker();
    signals::on_attention(move || waker.wake())?;
    let mut watcher = Watcher::new(caller, request)?;
    let mut failed = 0;
    loop {
        changes.follow(&roots(caller, request.everywhere));
        let patience = match watcher.look(take) {
            Ok(Looked::Over(end)) => return Ok(end),
            Ok(Looked::Again(patience)) => {
                failed = 0;
                patience
            }
            // A file that was moved away under our hands, or a program that did not start: what lasts is an error.
            Err(error) if failed + 1 >= FAILURES || !watcher.has_begun => return Err(error),
            Err(_) => {
                failed += 1;
                SOON
            }
        };
        if let Some(signal) = caller.interrupt.signal() {
            return Ok(WatchEnd::Interrupted(signal));
        }
        changes.wait(patience);
        if let Some(signal) = caller.interrupt.signal() {
            return Ok(WatchEnd::Interrupted(signal));
        }
    }
}

/// The control repositories whose changes wake us: those of this user, or the one here.
fn roots(caller: &Caller, everywhere: bool) -> Vec<PathBuf> {
    let here = find_control(caller).ok().flatten().map(|control| control.root().to_owned());
    let known = if everywhere { store::known_roots().unwrap_or_default() } else { Vec::new() };
    here.into_iter().chain(known.into_iter().map(|root| root.path)).collect()
}

/// What a look came to.
enum Looked {
    Over(WatchEnd),
    /// Look again after a change, or after so long.
    Again(Duration),
}

struct Watcher<'a> {
    caller: &'a Caller,
    request: &'a WatchAlerts,
    asked: StatusRequest,
    /// The one run that is watched.
    only: Option<(PathBuf, RunId)>,
    known: Known,
    has_begun: bool,
}

impl<'a> Watcher<'a> {
    fn new(caller: &'a Caller, request: &'a WatchAlerts) -> ServiceResult<Self> {
        let mut asked = StatusRequest {
            no_ingest: request.no_ingest,
            everywhere: request.everywhere,
            ..StatusRequest::default()
        };
        let mut only = None;
        if !request.everywhere {
            let control = control(caller)?;
            if request.until == Until::Settled || !request.selector.is_empty() {
                let id = select(caller, &control, &request.selector, |_| true)?;
                // A ticket may get a newer run meanwhile: this one is meant.
                asked.selector = Selector { run_id: Some(id.to_string()), ..Selector::default() };
                only = Some((control.root().to_owned(), id));
            }
        }
        let known = Known::default();
        Ok(Self { caller, request, asked, only, known, has_begun: false })
    }

    fn look(&mut self, take: &mut dyn FnMut(WatchNews<'_>) -> bool) -> ServiceResult<Looked> {
        let report = match (status(self.caller, &self.asked), &self.only) {
            (Err(ServiceError::Store(StoreError::NotFound { .. })), Some((root, id))) if self.has_begun => {
                let lost = Alert::lost(root, id);
                let _ = !self.is_wanted(&lost) || take(WatchNews::Alert(&lost));
                return Ok(Looked::Over(WatchEnd::Failed));
            }
            (report, _) => report?,
        };
        let mut fresh =
            self.known.take_in(&report, self.request.no_ingest, self.request.until == Until::Once);
        if self.only.is_none() {
            let missing = self.known.no_more_open(&report).into_iter();
            let lost = missing.filter(|(root, id)| self.is_lost(root, id));
            fresh.extend(lost.map(|(root, id)| Alert::lost(&root, &id)));
        }
        let is_any = !fresh.is_empty();
        fresh.retain(|alert| self.is_wanted(alert));
        let begins = (!self.has_begun).then(|| {
            let quiet = report.runs.iter().filter(|view| view.needs.is_empty()).count();
            WatchNews::Began(report.runs.len(), quiet)
        });
        self.has_begun = true;
        let news = begins.into_iter().chain(fresh.iter().map(WatchNews::Alert));
        for news in news.chain([WatchNews::Woken]) {
            if !take(news) {
                return Ok(Looked::Over(WatchEnd::Unheard));
            }
        }
        if self.request.until == Until::Once {
            let needs = if self.request.kinds.is_empty() { is_any } else { !fresh.is_empty() };
            return Ok(Looked::Over(if needs { WatchEnd::NeedsPerson } else { WatchEnd::Done }));
        }
        if let (Some(_), [view]) = (&self.only, report.runs.as_slice())
            && let Some(end) = self.end_of(view)
        {
            take(WatchNews::Over(&view.run.id, view.run.state));
            return Ok(Looked::Over(end));
        }
        Ok(Looked::Again(if self.known.is_in_doubt() { SOON } else { patience(&report) }))
    }

    fn is_wanted(&self, alert: &Alert) -> bool {
        self.request.kinds.is_empty() || self.request.kinds.contains(&alert.kind)
    }

    /// Whether the records of a run that was open are neither with the open ones nor with those that are over.
    fn is_lost(&self, root: &std::path::Path, id: &RunId) -> bool {
        let asked = Caller { root: Some(root.to_owned()), ..self.caller.clone() };
        let gone = |control: Control| {
            matches!(
                super::select::require_run(&control, id),
                Err(ServiceError::Store(StoreError::NotFound { .. }))
            )
        };
        match find_control(&asked) {
            Ok(found) => found.is_none_or(gone),
            Err(_) => !root.exists(),
        }
    }

    /// Whether the one run that is watched has come to an end, and which.
    fn end_of(&self, view: &RunView) -> Option<WatchEnd> {
        match view.run.state {
            RunState::Discarded if self.request.until == Until::Settled => return Some(WatchEnd::Failed),
            RunState::Closed | RunState::Discarded => return Some(WatchEnd::Done),
            _ if self.request.until != Until::Settled => return None,
            // Somebody is at work on it: what is half done now need not be so in a moment.
            _ if view.holder.is_some() => return None,
            RunState::Failed => return Some(WatchEnd::Failed),
            _ => {}
        }
        let has = |kind: NeedKind| view.needs.iter().any(|need| need.kind == kind);
        match view.needs.as_slice() {
            [] => None,
            _ if has(NeedKind::Completed) && !has(NeedKind::HalfDone) => Some(WatchEnd::Done),
            _ if self.known.is_in_doubt() => None,
            _ => Some(WatchEnd::NeedsPerson),
        }
    }
}

/// How long nothing can change without a change of a file: until the next live agent has been quiet for too long.
fn patience(report: &StatusReport) -> Duration {
    if report.runs.iter().any(|view| view.holder.is_some()) {
        return SOON;
    }
    let now = clock::now();
    let left = |due: Timestamp| {
        let seconds = due.as_second().saturating_sub(now.as_second()).saturating_add(1);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).max(SOON)
    };
    report.runs.iter().filter_map(next_stall).map(left).fold(PATIENCE, Duration::min)
}

/// When the first of a run's live agents will seem to be stalled, unless it moves before.
fn next_stall(view: &RunView) -> Option<Timestamp> {
    if !matches!(view.run.state, RunState::Running | RunState::AwaitingGuidance) {
        return None;
    }
    let limits = policy::health_from_table(&view.run.policy);
    let after = |at: Option<Timestamp>, seconds: u64| {
        let span = jiff::SignedDuration::from_secs(i64::try_from(seconds).ok()?);
        at?.checked_add(span).ok()
    };
    let is_live = |agent: &&super::AgentView| {
        matches!(agent.seen, Observation::Alive { .. }) && agent.health.word != "stalled"
    };
    let due = view.agents.iter().filter(is_live).flat_map(|agent| {
        [
            after(agent.health.activity, limits.activity_stalled_seconds),
            after(agent.health.progress, limits.progress_stalled_seconds),
        ]
    });
    due.flatten().min()
}
