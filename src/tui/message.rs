//! What arrives at the screen, and what it asks to be done.

use super::acts::Act;
use super::state::{RunKey, Tab};
use crate::model::{SessionBackend, ThreadId};
use crate::service::forum::Found;
use crate::service::{Event, RunView, StatusReport};
use crate::store::Summary;
use ratatui::crossterm::event::KeyEvent;

/// An answer, or the error's words as `render` paints them.
pub(super) type Answer<T> = Result<T, String>;

/// Something that arrived.
#[derive(Debug)]
pub(super) enum Message {
    /// A key.
    Key(KeyEvent),
    /// Text that was pasted.
    Pasted(String),
    /// The terminal has this many columns and lines.
    Resized(u16, u16),
    /// Files of live state changed.
    Changed,
    /// A minute has passed: ages do.
    Minute,
    /// How all runs are.
    Runs(Answer<StatusReport>),
    /// The runs of the control repository, decided ones with them.
    Decided(Answer<Vec<(RunKey, Summary)>>),
    /// How one run is; `None` where it is no more.
    Run(RunKey, Answer<Box<RunView>>),
    /// What a tab shows of a run.
    Tab(RunKey, Tab, Answer<Content>),
    /// A thread in full.
    Thread(RunKey, ThreadId, Answer<ThreadText>),
    /// What an agent has printed.
    Output(Watched, Answer<String>),
    /// What an act would do, painted; of the plan with this number.
    Planned(u64, Answer<String>),
    /// Progress of the act that is under way.
    Progress(Event),
    /// The act is over.
    Done(Outcome),
    /// The session was left again.
    Back(Answer<()>),
    /// A signal wants us to end.
    Signal(i32),
    /// The terminal is gone.
    Gone,
    /// A thread of ours broke.
    Broke,
}

/// What a tab shows.
#[derive(Debug)]
pub(super) enum Content {
    /// A painted text.
    Text(String),
    /// Threads, the most pressing first.
    Threads(Vec<Found>),
}

/// A thread, painted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ThreadText {
    /// All of it.
    pub text: String,
    /// What was said in it last, and by whom.
    pub last: String,
}

/// What an act came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The act's name.
    pub title: &'static str,
    /// Its answer or error, painted.
    pub text: String,
    /// Whether it did what it was to do.
    pub is_good: bool,
}

/// An agent whose output is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watched {
    /// Its run.
    pub run: RunKey,
    /// Its key within the run.
    pub agent: String,
    /// The start of its session: another one prints something else.
    pub token: String,
    /// Where it runs.
    pub backend: SessionBackend,
    /// Whether it may print more.
    pub is_alive: bool,
}

/// What is to be done outside the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Look how all runs are.
    LoadRuns,
    /// List decided runs too.
    LoadDecided,
    /// Look how one run is that is not among the open ones.
    LoadRun(RunKey),
    /// Get what a tab shows.
    LoadTab(RunKey, Tab),
    /// Get a thread in full.
    LoadThread(RunKey, ThreadId),
    /// Look at what an agent prints, and at nobody else's any more.
    Watch(Option<Watched>),
    /// Say what an act would do.
    Plan(u64, RunKey, Act),
    /// Do it.
    Do(RunKey, Act),
    /// Ask what is under way to stop.
    Stop,
    /// Enter the session of this agent.
    Attach(RunKey, String),
    /// Draw everything anew.
    Redraw,
    /// End, by this signal where one wants it.
    Quit(Option<i32>),
}
