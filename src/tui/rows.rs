//! The rows of the list: which runs it holds, and what it says of each.

use super::state::{App, Chosen, Item, RunKey};
use crate::model::{Guidance, RunState};
use crate::render::{Paint, escape};
use crate::service::RunView;
use jiff::Timestamp;

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowText {
    /// `?` an agent asks, `!` something else needs a person.
    pub mark: &'static str,
    /// What the run is for, escaped.
    pub title: String,
    /// Its state.
    pub state: &'static str,
    /// How the state looks.
    pub paint: Paint,
    /// When the state last changed.
    pub changed: Option<Timestamp>,
}

/// The rows that the filter lets through.
pub(super) fn items(app: &App) -> Vec<Item> {
    let words: Vec<String> = app.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let holds = |parts: &[&str]| {
        let has = |word: &String| parts.iter().any(|part| part.to_lowercase().contains(word.as_str()));
        words.iter().all(has)
    };
    let fits = |view: &RunView| {
        let run = &view.run;
        let tickets: Vec<&str> = run.tickets.iter().map(|ticket| ticket.id.as_str()).collect();
        words.is_empty()
            || holds(&[&[run.id.as_str(), &run.title(), run.state.as_str()], tickets.as_slice()].concat())
    };
    let mut items = Vec::new();
    if has_notes(app) {
        items.push(Item::Notes);
    }
    let open = app.runs().iter().enumerate().filter(|(_, view)| fits(view));
    items.extend(open.map(|(index, _)| Item::Open(index)));
    if app.shows_all {
        let decided = app.decided.iter().enumerate().filter(|(_, (key, run))| {
            let tickets: Vec<&str> = run.tickets.iter().map(crate::model::TicketId::as_str).collect();
            let is_seen = app.runs().iter().any(|view| view.run.id == key.id && view.root == key.root);
            !is_seen
                && holds(&[&[key.id.as_str(), &run.title, run.state.as_str()], tickets.as_slice()].concat())
        });
        items.extend(decided.map(|(index, _)| Item::Decided(index)));
    }
    // Who looks at a run goes on looking at it, whatever became of it; and who was asked about a run answers about that
    // run, though the filter lets it through no more.
    let is_gone = |key| app.filter.is_empty() && !is_listed(app, key);
    let is_asked = |key| app.dialog.is_some() && !items.iter().any(|item| is_run(app, *item, key));
    let is_other = app.report.is_some() && app.key().is_some_and(|key| is_gone(key) || is_asked(key));
    if is_other {
        items.insert(app.row.min(items.len()), Item::Other);
    }
    items
}

fn is_listed(app: &App, key: &RunKey) -> bool {
    app.runs().iter().any(|view| view.run.id == key.id && view.root == key.root)
        || (app.shows_all && app.decided.iter().any(|(known, _)| known == key))
}

/// Whether there is something to say that is about no run.
pub(super) fn has_notes(app: &App) -> bool {
    app.report.as_ref().is_some_and(|report| {
        !report.broken.is_empty() || report.escalated > 0 || (report.runs.is_empty() && !app.shows_all)
    })
}

/// What the cursor stands on, when it stands on a row.
pub(super) fn chosen(app: &App, item: Item) -> Option<Chosen> {
    Some(match item {
        Item::Notes => Chosen::Notes,
        Item::Open(index) => Chosen::Run(RunKey::of(app.runs().get(index)?)),
        Item::Decided(index) => Chosen::Run(app.decided.get(index)?.0.clone()),
        Item::Other => Chosen::Run(app.key()?.clone()),
    })
}

/// The row of what is chosen.
pub(super) fn row_of(app: &App, wanted: &Chosen) -> Option<usize> {
    let is_it = |item: &Item| match wanted {
        Chosen::Notes => *item == Item::Notes,
        Chosen::Run(key) => is_run(app, *item, key),
    };
    app.items.iter().position(is_it)
}

fn is_run(app: &App, item: Item, key: &RunKey) -> bool {
    match item {
        Item::Notes => false,
        Item::Open(index) => {
            app.runs().get(index).is_some_and(|view| view.run.id == key.id && view.root == key.root)
        }
        Item::Decided(index) => app.decided.get(index).is_some_and(|(known, _)| known == key),
        Item::Other => app.key() == Some(key),
    }
}

/// What a row says.
pub(super) fn row(app: &App, item: Item) -> RowText {
    match item {
        Item::Notes => {
            let report = app.report.as_ref();
            let needs = report.is_some_and(|r| !r.broken.is_empty() || r.escalated > 0);
            let title = if needs { "not about one run" } else { "no open runs" };
            let mark = if needs { "!" } else { " " };
            RowText { mark, title: title.to_owned(), state: "", paint: Paint::Dim, changed: None }
        }
        Item::Open(index) => app.runs().get(index).map_or_else(nothing, of_view),
        Item::Decided(index) => app.decided.get(index).map_or_else(nothing, |(_, run)| RowText {
            mark: " ",
            title: escape(&run.title),
            state: run.state.as_str(),
            paint: paint_of(run.state, false),
            changed: Some(run.changed),
        }),
        Item::Other => app.view().map_or_else(|| gone(app), of_view),
    }
}

/// A run of which nothing is known any more, or not yet.
fn gone(app: &App) -> RowText {
    let title = app.key().map(|key| key.id.to_string()).unwrap_or_default();
    let state = if app.gone.is_some() { "gone" } else { "" };
    RowText { mark: " ", title, state, paint: Paint::Dim, changed: None }
}

fn nothing() -> RowText {
    RowText { mark: " ", title: String::new(), state: "", paint: Paint::Dim, changed: None }
}

fn of_view(view: &RunView) -> RowText {
    let run = &view.run;
    let asks = run.state.is_open() && run.guidance.iter().any(Guidance::is_open);
    let mark = match (asks, view.needs.is_empty()) {
        (true, _) => "?",
        (false, false) => "!",
        (false, true) => " ",
    };
    RowText {
        mark,
        title: escape(&run.title()),
        state: run.state.as_str(),
        paint: paint_of(run.state, !view.needs.is_empty()),
        changed: Some(run.changed),
    }
}

/// How a state looks.
pub(super) fn paint_of(state: RunState, needs: bool) -> Paint {
    match state {
        RunState::Failed => Paint::Bad,
        RunState::Closed | RunState::Discarded => Paint::Dim,
        _ if needs => Paint::Warn,
        _ => Paint::Good,
    }
}
