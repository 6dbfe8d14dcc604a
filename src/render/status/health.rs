//! How an agent is, in words.

use super::super::screen::Paint;
use super::super::sheet::Part;
use super::run::Now;
use crate::service::AgentView;
use crate::sessions::{Ended, Observation};

/// The colour of a health word.
pub(super) fn paint(view: &AgentView) -> Paint {
    let is_well = |ended: &Ended| ended.stopped || ended.status == Some(0);
    match (&view.seen, view.health.word) {
        (Observation::Ended(ended), _) if is_well(ended) => Paint::Dim,
        (Observation::Alive { .. }, "working") => Paint::Good,
        (Observation::Alive { .. }, "idle") | (Observation::NotStarted | Observation::Unknown { .. }, _) => {
            Paint::Warn
        }
        _ => Paint::Bad,
    }
}

/// When a live agent last printed, and when its work last moved; how one that ended has ended.
pub(super) fn parts(view: &AgentView, now: Now) -> Vec<Part> {
    let mut parts = match &view.seen {
        Observation::Ended(ended) => vec![Part::new(&how(ended, now))],
        Observation::Alive { .. } => since(view, now),
        Observation::Dead { why } | Observation::Unknown { why } => vec![Part::new(why)],
        Observation::NotStarted => Vec::new(),
    };
    if view.agent.completed.is_some() {
        parts.push(Part::painted(Paint::Good, "says it is done"));
    }
    parts
}

fn how(ended: &Ended, now: Now) -> String {
    let ago = now.ago(ended.at);
    match ended {
        Ended { stopped: true, .. } => format!("stopped {ago}"),
        Ended { status: Some(code), .. } => format!("exit {code}, {ago}"),
        Ended { signal: Some(signal), .. } => format!("signal {signal}, {ago}"),
        _ => format!("how is unknown, {ago}"),
    }
}

fn since(view: &AgentView, now: Now) -> Vec<Part> {
    let printed = match view.health.activity {
        Some(at) => format!("printed {}", now.ago(at)),
        None => "when it printed is unknown".to_owned(),
    };
    let moved = view.health.progress.map(|at| Part::new(&format!("work moved {}", now.ago(at))));
    [Part::new(&printed)].into_iter().chain(moved).collect()
}
