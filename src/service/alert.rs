//! One alert, and which ones were told.

use super::need::{Need, NeedKind};
use super::status::{RunView, StatusReport};
use crate::model::{RunAgent, RunId, RunState, ThreadId, TicketId};
use crate::sys::clock;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long what is only seen, and written down nowhere, has to last until it is told: an agent that has just ended is
/// dead for a moment.
const LASTS: Duration = Duration::from_secs(1);

/// Something that a person is needed for, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// When it was seen.
    pub at: Timestamp,
    /// The control repository, where one is known.
    pub root: Option<PathBuf>,
    /// The run; `None` where it is about none.
    pub run: Option<RunId>,
    /// The run's title.
    pub title: String,
    /// The run's state.
    pub state: Option<RunState>,
    /// The run's tickets.
    pub tickets: Vec<TicketId>,
    /// What sort of thing it is.
    pub kind: NeedKind,
    /// What it is about, beside its run.
    pub subject: String,
    /// What is the matter, a sentence.
    pub what: String,
    /// The commands that go on, one of which is to be chosen where there are several.
    pub commands: Vec<String>,
}

impl Alert {
    /// Of what nobody knows a run.
    fn of_none(kind: NeedKind, what: String, command: &str) -> Self {
        Self {
            at: clock::now(),
            root: None,
            run: None,
            title: String::new(),
            state: None,
            tickets: Vec::new(),
            kind,
            subject: String::new(),
            what,
            commands: vec![command.to_owned()],
        }
    }

    /// The records of a run are gone.
    pub(super) fn lost(root: &Path, id: &RunId) -> Self {
        let what = "The records of the run are gone; nobody closed or discarded it.".to_owned();
        let lost = Self::of_none(NeedKind::Lost, what, "git metawsm list --all");
        Self { root: Some(root.to_owned()), run: Some(id.clone()), ..lost }
    }

    fn of(view: &RunView, need: &Need) -> Self {
        Self {
            at: clock::now(),
            root: Some(view.root.clone()),
            run: Some(view.run.id.clone()),
            title: view.run.title(),
            state: Some(view.run.state),
            tickets: view.run.tickets.iter().map(|ticket| ticket.id.clone()).collect(),
            kind: need.kind,
            subject: need.subject.clone(),
            what: need.what.clone(),
            commands: vec![need.command.clone()],
        }
    }
}

/// What makes an alert another one than the next: its run, kind and subject, and which turn of it this is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    place: Option<(PathBuf, RunId)>,
    kind: NeedKind,
    subject: String,
    turn: String,
}

/// What was told and has not gone away since.
#[derive(Debug, Default)]
pub(super) struct Known {
    told: HashSet<Key>,
    /// What was seen and may be over in a moment, and since when.
    doubtful: HashMap<Key, Instant>,
    runs: BTreeSet<(PathBuf, RunId)>,
    /// How many threads about no run are escalated.
    others: usize,
}

impl Known {
    /// What has come since the last look, in the order of the report.
    pub fn take_in(&mut self, report: &StatusReport, only_looks: bool, at_once: bool) -> Vec<Alert> {
        let before = std::mem::take(&mut self.doubtful);
        let mut now: HashSet<Key> = HashSet::new();
        let mut fresh = Vec::new();
        for view in &report.runs {
            let place = (view.root.clone(), view.run.id.clone());
            // Of what somebody works on now nothing has gone away for good.
            if view.holder.is_some() {
                let its = self.told.iter().filter(|key| key.place.as_ref() == Some(&place));
                now.extend(its.cloned());
            }
            let mut of_run: Vec<(Key, Alert)> = Vec::new();
            for need in view.needs.iter().filter(|need| !is_put_off(view, need, only_looks)) {
                let (kind, subject) = (need.kind, need.subject.clone());
                let key = Key { place: Some(place.clone()), kind, subject, turn: turn_of(view, need) };
                match of_run.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, alert)) if alert.commands.contains(&need.command) => {}
                    Some((_, alert)) => alert.commands.push(need.command.clone()),
                    None => of_run.push((key, Alert::of(view, need))),
                }
            }
            for (key, alert) in of_run {
                if !self.told.contains(&key) {
                    let since = before.get(&key).copied().unwrap_or_else(Instant::now);
                    if !at_once && is_only_seen(key.kind) && since.elapsed() < LASTS {
                        self.doubtful.insert(key, since);
                        continue;
                    }
                    fresh.push(alert);
                }
                now.insert(key);
            }
        }
        for broken in &report.broken {
            let kind = NeedKind::Unreadable;
            let key = Key { place: None, kind, subject: broken.clone(), turn: String::new() };
            if !self.told.contains(&key) && !now.contains(&key) {
                fresh.push(Alert::of_none(kind, broken.clone(), "git metawsm status"));
            }
            now.insert(key);
        }
        self.told = now;
        fresh.extend(self.more_escalated(report.escalated));
        fresh
    }

    /// Whether something was seen that is told if it lasts.
    pub fn is_in_doubt(&self) -> bool {
        !self.doubtful.is_empty()
    }

    /// Threads about no run are counted only: one more is told.
    fn more_escalated(&mut self, count: usize) -> Option<Alert> {
        let before = std::mem::replace(&mut self.others, count);
        let (s, are) = if count == 1 { ("", "is") } else { ("s", "are") };
        let what = format!("{count} escalated thread{s} about no run {are} not answered.");
        let alert = || Alert::of_none(NeedKind::Escalated, what, "git metawsm forum list --escalated");
        (count > before).then(alert)
    }

    /// Runs that were open at the last look and are not any more.
    pub fn no_more_open(&mut self, report: &StatusReport) -> Vec<(PathBuf, RunId)> {
        let now: BTreeSet<_> =
            report.runs.iter().map(|view| (view.root.clone(), view.run.id.clone())).collect();
        let before = std::mem::replace(&mut self.runs, now);
        before.into_iter().filter(|place| !self.runs.contains(place)).collect()
    }
}

/// What is an observation, and no record says it.
fn is_only_seen(kind: NeedKind) -> bool {
    matches!(kind, NeedKind::Unhealthy | NeedKind::Undelivered | NeedKind::Gone | NeedKind::Unknown)
}

/// What may be over in a moment: somebody works on the run, or takes the question in.
fn is_put_off(view: &RunView, need: &Need, only_looks: bool) -> bool {
    match need.kind {
        NeedKind::Question => {
            let is_taking = view.holder.is_some() && view.run.state != RunState::AwaitingGuidance;
            !only_looks && (is_taking || ThreadId::parse(&need.subject).is_err())
        }
        NeedKind::Waiting | NeedKind::Escalated => false,
        _ => view.holder.is_some(),
    }
}

/// Which turn of its sort a need is: a question that is asked once more, and an agent that was started once more and
/// has died once more, are news.
fn turn_of(view: &RunView, need: &Need) -> String {
    let run = &view.run;
    let token = |agent: &RunAgent| agent.live.as_ref().map(|live| live.token.clone()).unwrap_or_default();
    let of_agent = view.agents.iter().find(|seen| seen.agent.key() == need.subject);
    match (need.kind, of_agent) {
        (NeedKind::Question, _) => {
            let asked = run.guidance.iter().find(|asked| asked.thread.as_str() == need.subject);
            asked.map(|asked| asked.asked.to_string()).unwrap_or_default()
        }
        (NeedKind::Unvalidated, Some(seen)) => {
            seen.agent.validation.as_ref().map(|said| said.at.to_string()).unwrap_or_default()
        }
        (NeedKind::Unhealthy, Some(seen)) => format!("{} {}", token(&seen.agent), seen.health.word),
        (_, Some(seen)) => token(&seen.agent),
        (NeedKind::Unhealthy, None) => run.agents.iter().map(token).collect::<Vec<_>>().join(" "),
        (NeedKind::Failed | NeedKind::Completed | NeedKind::Stopped, None) => run.changed.to_string(),
        _ => String::new(),
    }
}
