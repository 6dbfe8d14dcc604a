//! How an agent seems to be: an observation, shown and never stored.

use super::Control;
use super::agents::session_files;
use super::needs::{Need, NeedKind};
use crate::git;
use crate::model::{Run, RunAgent, RunState};
use crate::policy::HealthPolicy;
use crate::sessions::{Launch, Observation};
use crate::sys::clock;
use jiff::Timestamp;

/// The health of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// `working`, `idle`, `stalled`, `ended`, `dead`, `not started` or `unknown`.
    pub word: &'static str,
    /// When its session last printed something.
    pub activity: Option<Timestamp>,
    /// When the index or the head of one of its worktrees last changed.
    pub progress: Option<Timestamp>,
}

/// Agents whose program did not know the conversation that they were to go on with.
pub(super) fn of_conversations(control: &Control, run: &Run, observed: &[Observation]) -> Vec<Need> {
    let runs = matches!(run.state, RunState::Running | RunState::AwaitingGuidance);
    let ended_badly = |agent: &RunAgent, seen: &Observation| {
        matches!(seen, Observation::Ended(ended) if ended.status != Some(0) && !ended.stopped)
            && agent.conversation.is_some()
            && Launch::last(&session_files(control, run, agent)).is_some_and(|last| last.failed_to_continue())
    };
    let lost = run.agents.iter().zip(observed).filter(|(agent, seen)| runs && ended_badly(agent, seen));
    lost.map(|(agent, _)| {
        let what = format!(
            "{} ended at once when it was to go on with its conversation; the next start begins a new one.",
            agent.key()
        );
        Need::new(NeedKind::Unhealthy, agent.key(), what, format!("git metawsm resume {}", run.id))
    })
    .collect()
}

/// When the index or the head of one of an agent's worktrees last changed.
pub(super) fn last_progress(run: &Run, agent: &RunAgent) -> Option<Timestamp> {
    let trees = run.worktrees_for(&agent.ticket).filter_map(|tree| tree.path.as_deref());
    trees.filter_map(git::last_progress).max()
}

/// Judges an agent by the thresholds of the policy: the wrapper's exit file, the activity of its session, and the
/// times of its worktrees' index and head (`reference` 5.5).
pub(super) fn health(seen: &Observation, progress: Option<Timestamp>, limits: &HealthPolicy) -> Health {
    let quiet = |word| Health { word, activity: None, progress: None };
    let (since, activity) = match seen {
        Observation::NotStarted => return quiet("not started"),
        Observation::Ended(_) => return quiet("ended"),
        Observation::Dead { .. } => return quiet("dead"),
        Observation::Unknown { .. } => return quiet("unknown"),
        Observation::Alive { since, last_activity } => (*since, *last_activity),
    };
    let progress = progress.max(Some(since));
    let age =
        |at: Option<Timestamp>| at.map_or(0, |at| clock::now().as_second().saturating_sub(at.as_second()));
    let over = |at, limit: u64| u64::try_from(age(at)).unwrap_or(0) >= limit;
    let word = if over(activity, limits.activity_stalled_seconds)
        || over(progress, limits.progress_stalled_seconds)
    {
        "stalled"
    } else if over(activity, limits.idle_seconds) {
        "idle"
    } else {
        "working"
    };
    Health { word, activity, progress }
}
