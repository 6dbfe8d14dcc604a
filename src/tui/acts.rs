//! What can be done to a run from the screen, and when.

use crate::model::{Run, RunState, ThreadId, split_words};
use crate::service::{NeedKind, RunView};

/// The acts, by their command's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// `guide`, and `forum answer`.
    Answer,
    /// `iterate`.
    Iterate,
    /// `restart`.
    Restart,
    /// `stop`.
    Stop,
    /// `resume`.
    Resume,
    /// `merge`.
    Merge,
    /// `close`.
    Close,
    /// `commit`.
    Commit,
    /// `update`.
    Update,
    /// `complete`.
    Complete,
    /// `discard`.
    Discard,
    /// `cleanup`.
    Cleanup,
}

/// An act with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Answers a question of an agent.
    Answer(ThreadId, String),
    /// Says something in a thread.
    Reply(ThreadId, String),
    /// Goes on with these words.
    Iterate(String),
    /// Ends the agents and starts them again.
    Restart,
    /// Ends the sessions.
    Stop,
    /// Goes on with what is not done.
    Resume,
    /// Merges.
    Merge,
    /// Merges, closes and publishes.
    Close,
    /// Finishes a merge or close that was stopped half way.
    Finish(Halted),
    /// Takes one back.
    TakeBack(Halted),
    /// Commits what agents left.
    Commit,
    /// Takes base in.
    Update,
    /// The work is done, for this reason.
    Complete(String),
    /// The run is given up, for this reason.
    Discard(String),
    /// Workspaces go.
    Cleanup,
}

/// Which of the two was stopped half way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halted {
    /// A merge.
    Merge,
    /// A close.
    Close,
}

/// What was stopped half way with a run; `None` where nothing was.
pub(super) fn halted(view: &RunView) -> Option<Halted> {
    let need = view.needs.iter().find(|need| need.kind == NeedKind::HalfDone)?;
    let words = split_words(&need.command).ok()?;
    // Seen from elsewhere, a command names its control repository first.
    let before = if words.get(2).is_some_and(|word| word == "-C") { 4 } else { 2 };
    match words.get(before)?.as_str() {
        "merge" => Some(Halted::Merge),
        "close" => Some(Halted::Close),
        // What cannot be read, or is finished by itself.
        _ => None,
    }
}

impl Act {
    /// The command that does the same.
    pub fn command(&self) -> &'static str {
        match self {
            Self::Answer(..) => "guide",
            Self::Reply(..) => "forum",
            Self::Iterate(_) => "iterate",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Merge | Self::Finish(Halted::Merge) | Self::TakeBack(Halted::Merge) => "merge",
            Self::Close | Self::Finish(Halted::Close) | Self::TakeBack(Halted::Close) => "close",
            Self::Commit => "commit",
            Self::Update => "update",
            Self::Complete(_) => "complete",
            Self::Discard(_) => "discard",
            Self::Cleanup => "cleanup",
        }
    }

    /// What it is called on the screen.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Answer(..) | Self::Reply(..) => "answer",
            Self::Finish(Halted::Merge) => "finish the merge",
            Self::Finish(Halted::Close) => "finish the close",
            Self::TakeBack(Halted::Merge) => "take the merge back",
            Self::TakeBack(Halted::Close) => "take the close back",
            other => other.command(),
        }
    }

    /// Whether it looks, now and then, whether it is to stop.
    pub fn can_be_stopped(&self) -> bool {
        matches!(
            self,
            Self::Answer(..)
                | Self::Reply(..)
                | Self::Iterate(_)
                | Self::Restart
                | Self::Resume
                | Self::Merge
                | Self::Close
        )
    }
}

impl Verb {
    /// Whether it makes sense for a run as it is.
    pub fn fits(self, run: &Run) -> bool {
        let state = run.state;
        let is_open = state.is_open();
        match self {
            Self::Answer => is_open && run.guidance.iter().any(crate::model::Guidance::is_open),
            Self::Iterate | Self::Restart | Self::Stop => is_open && state != RunState::Closing,
            Self::Resume => is_open && !matches!(state, RunState::Completed | RunState::Closing),
            Self::Merge | Self::Close | Self::Commit | Self::Update | Self::Discard => is_open,
            Self::Complete => {
                state != RunState::Completed
                    && state != RunState::Closing
                    && state.check_move(RunState::Completed).is_ok()
            }
            Self::Cleanup => matches!(
                state,
                RunState::Closed | RunState::Discarded | RunState::Completed | RunState::Stopped
            ),
        }
    }

    /// Whether it is what such a run most likely waits for: only such acts stand at the bottom of the screen.
    pub fn is_near(self, run: &Run) -> bool {
        use RunState::{
            AwaitingGuidance, Closed, Closing, Completed, Created, Discarded, Failed, Paused, Planning,
            Running, Stopped, Stopping,
        };
        let fits = |states: &[RunState]| states.contains(&run.state);
        self.fits(run)
            && match self {
                Self::Answer | Self::Iterate | Self::Discard => true,
                Self::Restart => fits(&[Running, Failed, Stopped, AwaitingGuidance]),
                Self::Stop => fits(&[Running, AwaitingGuidance, Planning, Created]),
                Self::Resume => fits(&[Failed, Stopped, Stopping, Paused, Created, Planning]),
                Self::Merge | Self::Update => fits(&[Completed]),
                Self::Close => fits(&[Completed, Closing]),
                Self::Commit | Self::Complete => fits(&[Running, Stopped, Failed]),
                Self::Cleanup => fits(&[Closed, Discarded]),
            }
    }

    /// Why it cannot be done to a run as it is, a sentence.
    pub fn refusal(self, run: &Run) -> String {
        let (id, state) = (&run.id, run.state);
        match self {
            Self::Answer if state.is_open() => format!("{id} has no open question (it is {state})."),
            Self::Cleanup => format!("The run {id} is {state}; only a run that is over is cleaned up."),
            _ if !state.is_open() => format!("The run {id} is {state}, and that is final."),
            Self::Complete if state == RunState::Completed => format!("The run {id} is completed already."),
            _ if state == RunState::Closing => format!("A close of {id} has begun; finish it first."),
            Self::Resume => format!("The run {id} is {state}: there is nothing to go on with."),
            _ => format!("The run {id} is {state}, and this does not fit it."),
        }
    }
}
