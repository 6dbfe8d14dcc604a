//! Everything that the screen shows, as it is now.

use super::dialog::Dialog;
use super::message::Watched;
use super::page::Page;
use crate::model::{RunId, ThreadId};
use crate::service::forum::Found;
use crate::service::{AgentView, RunView, StatusReport};
use crate::store::Summary;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A run, wherever its control repository is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunKey {
    /// The control repository.
    pub root: PathBuf,
    /// The run.
    pub id: RunId,
}

impl RunKey {
    /// The key of a run that was looked at.
    pub fn of(view: &RunView) -> Self {
        Self { root: view.root.clone(), id: view.run.id.clone() }
    }
}

/// What is shown of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tab {
    /// What needs a person, steps, agents, documents.
    Overview,
    /// What agents print.
    Agents,
    /// Verdicts.
    Gates,
    /// Questions.
    Guidance,
    /// Threads.
    Forum,
    /// What changed.
    Diff,
    /// Documents.
    Docs,
    /// What happened.
    Journal,
}

impl Tab {
    /// Every tab, in the order of the screen.
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Agents,
        Self::Gates,
        Self::Guidance,
        Self::Forum,
        Self::Diff,
        Self::Docs,
        Self::Journal,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Agents => "agents",
            Self::Gates => "gates",
            Self::Guidance => "guidance",
            Self::Forum => "forum",
            Self::Diff => "diff",
            Self::Docs => "docs",
            Self::Journal => "journal",
        }
    }

    /// Its place, from 0.
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|tab| *tab == self).unwrap_or_default()
    }

    /// The tab so many places further; past the last comes the first.
    pub fn further(self, by: usize) -> Self {
        Self::ALL[(self.place() + by) % Self::ALL.len()]
    }

    /// Whether what it shows has to be asked for.
    pub fn is_asked_for(self) -> bool {
        !matches!(self, Self::Overview | Self::Agents | Self::Docs)
    }
}

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    /// To the runs.
    Runs,
    /// To the chosen run.
    Detail,
}

/// A question that is asked again at most once while it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Flight {
    /// Nobody asks.
    #[default]
    Idle,
    /// Somebody asks.
    Under,
    /// Somebody asks, and what is asked about has changed meanwhile.
    Again,
}

impl Flight {
    /// Whether to ask now.
    pub fn ask(&mut self) -> bool {
        let now = *self == Self::Idle;
        *self = if now { Self::Under } else { Self::Again };
        now
    }

    /// Whether to ask again, now that the answer is there.
    pub fn land(&mut self) -> bool {
        let again = *self == Self::Again;
        *self = if again { Self::Under } else { Self::Idle };
        again
    }
}

/// What the cursor of the list may stand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    /// What is about no run.
    Notes,
    /// A run.
    Run(RunKey),
}

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// What is about no run.
    Notes,
    /// An open run, by its place in the report.
    Open(usize),
    /// A decided run, by its place in the list of them.
    Decided(usize),
    /// The chosen run, which was decided or has gone since the list was made.
    Other,
}

/// What one tab holds.
#[derive(Debug, Clone, Default)]
pub(super) struct TabState {
    /// Its text.
    pub page: Page,
    /// When it was looked up; `None` where it never was.
    pub at: Option<Timestamp>,
    /// Whether it is being looked up.
    pub flight: Flight,
    /// Whether the run has changed since.
    pub is_stale: bool,
    /// Whether something has changed since that may matter.
    pub may_be_old: bool,
}

/// What is shown of the chosen run.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    /// One for each tab.
    pub tabs: [TabState; Tab::ALL.len()],
    /// The threads of the run.
    pub threads: Vec<Found>,
    /// The one that the cursor stands on.
    pub thread: usize,
    /// The one that is read.
    pub reading: Option<ThreadId>,
    /// Its words.
    pub words: Page,
    /// The agent whose output is shown.
    pub agent: usize,
    /// Its output.
    pub output: Page,
    /// Whose output that is.
    pub heard: Option<Watched>,
}

/// The whole state.
#[derive(Debug)]
pub(super) struct App {
    /// The time of the last message.
    pub now: Timestamp,
    /// Columns and lines.
    pub size: (u16, u16),
    /// The agent that we run below: then nothing can be done from here.
    pub below: Option<String>,
    /// Whether runs of all control repositories are shown.
    pub everywhere: bool,
    /// How all runs were at the last look.
    pub report: Option<StatusReport>,
    /// Why they could not be looked at.
    pub trouble: Option<String>,
    /// Decided runs, newest first.
    pub decided: Vec<(RunKey, Summary)>,
    /// Whether decided runs are shown too.
    pub shows_all: bool,
    /// What rows have to hold.
    pub filter: String,
    /// Whether keys go to the filter.
    pub is_filtering: bool,
    /// The rows of the list.
    pub items: Vec<Item>,
    /// Where the cursor stands.
    pub chosen: Option<Chosen>,
    /// The place of the cursor when its row was last there.
    pub row: usize,
    /// The first row in sight.
    pub top: usize,
    /// Where keys go.
    pub focus: Focus,
    /// What is shown of the chosen run.
    pub tab: Tab,
    /// The chosen run where it is not among the open ones.
    pub other: Option<RunView>,
    /// Why the chosen run cannot be shown, painted.
    pub gone: Option<String>,
    /// What its tabs hold.
    pub shown: Shown,
    /// Whether what is known of it is to be written into its tabs again.
    pub is_fresh: bool,
    /// For how many columns that was written.
    pub written_for: u16,
    /// What is asked or told over everything else.
    pub dialog: Option<Dialog>,
    /// The columns and lines that it holds.
    pub held: (u16, u16),
    /// The last word of a key that did nothing, or of an act.
    pub notice: Option<String>,
    /// What was written and not sent, by what it was written for.
    pub drafts: BTreeMap<String, String>,
    /// The number of the last plan.
    pub plans: u64,
    /// What is under way: the act's name.
    pub acting: Option<&'static str>,
    /// Whose output is looked at.
    pub watched: Option<Watched>,
    /// The look at all runs.
    pub runs_flight: Flight,
    /// The look at decided runs.
    pub decided_flight: Flight,
    /// The look at the chosen run, where it is not among the open ones.
    pub other_flight: Flight,
}

impl App {
    /// An empty screen of this size.
    pub fn new(now: Timestamp, size: (u16, u16), below: Option<String>, everywhere: bool) -> Self {
        Self {
            now,
            size,
            below,
            everywhere,
            report: None,
            trouble: None,
            decided: Vec::new(),
            shows_all: false,
            filter: String::new(),
            is_filtering: false,
            items: Vec::new(),
            chosen: None,
            row: 0,
            top: 0,
            focus: Focus::Runs,
            tab: Tab::Overview,
            other: None,
            gone: None,
            shown: Shown::new(),
            is_fresh: true,
            written_for: 0,
            dialog: None,
            held: (0, 0),
            notice: None,
            drafts: BTreeMap::new(),
            plans: 0,
            acting: None,
            watched: None,
            runs_flight: Flight::Idle,
            decided_flight: Flight::Idle,
            other_flight: Flight::Idle,
        }
    }

    /// The runs that were seen at the last look.
    pub fn runs(&self) -> &[RunView] {
        self.report.as_ref().map_or(&[], |report| report.runs.as_slice())
    }

    /// The key of the chosen run.
    pub fn key(&self) -> Option<&RunKey> {
        match &self.chosen {
            Some(Chosen::Run(key)) => Some(key),
            _ => None,
        }
    }

    /// The chosen run, as it was seen last.
    pub fn view(&self) -> Option<&RunView> {
        let key = self.key()?;
        let is_it = |view: &&RunView| view.run.id == key.id && view.root == key.root;
        self.runs().iter().find(is_it).or_else(|| self.other.as_ref().filter(is_it))
    }

    /// The agent whose output is shown.
    pub fn agent(&self) -> Option<&AgentView> {
        let agents = &self.view()?.agents;
        agents.get(self.shown.agent.min(agents.len().saturating_sub(1)))
    }

    /// The tab that is shown.
    pub fn tab_state(&mut self) -> &mut TabState {
        &mut self.shown.tabs[self.tab.place()]
    }

    /// What one scrolls through now.
    pub fn page(&mut self) -> &mut Page {
        match self.tab {
            Tab::Agents => &mut self.shown.output,
            Tab::Forum if self.shown.reading.is_some() => &mut self.shown.words,
            tab => &mut self.shown.tabs[tab.place()].page,
        }
    }

    /// Whether the cursor goes through threads.
    pub fn is_among_threads(&self) -> bool {
        self.tab == Tab::Forum && self.shown.reading.is_none()
    }
}

impl Shown {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { output: Page::following(), ..Self::default() }
    }
}
