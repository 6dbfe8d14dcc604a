//! What arrives changes the state, and says what is to be done. Nothing here touches anything else.

use super::dialog::{self, Dialog};
use super::keys::{self, Verb, verb_of};
use super::message::{Effect, Message};
use super::page::Page;
use super::state::{App, Chosen, Focus, Shown, Tab};
use super::{answers, boxes, layout, rows, start, tabs};
use jiff::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Takes a message in, at this time.
pub(super) fn update(app: &mut App, message: Message, now: Timestamp) -> Vec<Effect> {
    app.now = now;
    let mut effects = match message {
        Message::Key(event) => key(app, event),
        Message::Pasted(text) => pasted(app, &text),
        Message::Resized(columns, lines) => {
            app.size = (columns, lines);
            Vec::new()
        }
        Message::Signal(signal) => vec![Effect::Quit(Some(signal))],
        // As the kernel tells whoever loses its terminal.
        Message::Gone => vec![Effect::Quit(Some(1))],
        other => answers::take(app, other),
    };
    settle(app, &mut effects);
    effects
}

/// What is asked for before anything was typed.
pub(super) fn begin(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if app.runs_flight.ask() {
        effects.push(Effect::LoadRuns);
    }
    settle(app, &mut effects);
    effects
}

/// What follows from the state by itself: rows, the cursor, what has to be looked up, how pages are broken.
fn settle(app: &mut App, effects: &mut Vec<Effect>) {
    app.items = rows::items(app);
    place_cursor(app, effects);
    let key = app.key().cloned();
    if let Some(key) = key.filter(|_| app.tab.is_asked_for() && app.view().is_some()) {
        let tab = app.tab;
        let state = app.tab_state();
        if (state.at.is_none() || state.is_stale) && state.flight == super::state::Flight::Idle {
            state.flight.ask();
            state.is_stale = false;
            effects.push(Effect::LoadTab(key, tab));
        }
    }
    let wanted = tabs::wanted_output(app);
    if wanted != app.watched {
        let is_other = |a: &super::message::Watched, b: &super::message::Watched| {
            (&a.run, &a.agent) != (&b.run, &b.agent)
        };
        if wanted.as_ref().zip(app.shown.heard.as_ref()).is_none_or(|(a, b)| is_other(a, b)) {
            app.shown.output = Page::following();
            app.shown.heard = None;
        }
        app.watched.clone_from(&wanted);
        effects.push(Effect::Watch(wanted));
    }
    let width = layout::areas(app).body.map_or(app.size.0, |area| area.width);
    if std::mem::take(&mut app.is_fresh) || app.written_for != width {
        app.written_for = width;
        tabs::refresh(app, usize::from(width));
    }
    fit(app);
}

/// The cursor stays on its run; where that is filtered away, it goes to what is nearest.
fn place_cursor(app: &mut App, effects: &mut Vec<Effect>) {
    let row = app.chosen.as_ref().and_then(|chosen| rows::row_of(app, chosen));
    if let Some(row) = row {
        app.row = row;
    } else {
        app.row = app.row.min(app.items.len().saturating_sub(1));
        let chosen = app.items.get(app.row).and_then(|item| rows::chosen(app, *item));
        if chosen.is_some() {
            choose(app, chosen, effects);
        }
    }
    let height = layout::areas(app).list.map_or(1, |area| usize::from(area.height.max(1)));
    app.top = app.top.min(app.row).max((app.row + 1).saturating_sub(height));
    app.top = app.top.min(app.items.len().saturating_sub(height));
}

/// Puts the cursor on something else.
pub(super) fn choose(app: &mut App, chosen: Option<Chosen>, effects: &mut Vec<Effect>) {
    if app.chosen == chosen {
        return;
    }
    app.chosen = chosen;
    app.shown = Shown::new();
    app.other = None;
    app.gone = None;
    app.other_flight = super::state::Flight::Idle;
    let missing = app.key().cloned().filter(|_| app.view().is_none());
    if let Some(key) = missing.filter(|_| app.other_flight.ask()) {
        effects.push(Effect::LoadRun(key));
    }
    app.is_fresh = true;
    app.items = rows::items(app);
}

fn fit(app: &mut App) {
    let size = |area: ratatui::layout::Rect| (usize::from(area.width), usize::from(area.height));
    let areas = layout::areas(app);
    if let Some((width, height)) = areas.body.map(size) {
        // The line that says how old it is takes one.
        let lines = height.saturating_sub(usize::from(app.tab.is_asked_for()));
        app.page().fit(width, lines);
    }
    if let Some(dialog) = &mut app.dialog {
        app.held = boxes::fit(dialog, app.size);
    }
}

/// What stands on the screen has been drawn.
pub(super) fn drawn(app: &mut App) {
    if let Some(Dialog::Confirm(plan)) = &mut app.dialog {
        plan.is_shown |= !layout::is_too_small(app.size);
    }
}

fn pasted(app: &mut App, text: &str) -> Vec<Effect> {
    match &mut app.dialog {
        Some(Dialog::Edit(edit)) => edit.editor.write(text),
        None if app.is_filtering => {
            app.filter.extend(text.chars().filter(|c| !c.is_control()).take(200));
        }
        // Keys that nobody pressed are not obeyed.
        _ => {}
    }
    Vec::new()
}

fn key(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    if app.dialog.is_some() {
        return dialog::key(app, event);
    }
    app.notice = None;
    if app.is_filtering {
        filter_key(app, event);
        return Vec::new();
    }
    verb_of(event).map_or_else(Vec::new, |verb| obey(app, verb))
}

fn filter_key(app: &mut App, event: KeyEvent) {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Esc => {
            app.filter.clear();
            app.is_filtering = false;
        }
        KeyCode::Char('c') if ctrl => {
            app.filter.clear();
            app.is_filtering = false;
        }
        KeyCode::Enter | KeyCode::Down | KeyCode::Up => app.is_filtering = false,
        KeyCode::Backspace if app.filter.is_empty() => app.is_filtering = false,
        KeyCode::Backspace => {
            app.filter.pop();
        }
        KeyCode::Char('u') if ctrl => app.filter.clear(),
        KeyCode::Char(c) if !ctrl && !event.modifiers.contains(KeyModifiers::ALT) => app.filter.push(c),
        _ => {}
    }
}

fn obey(app: &mut App, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::Up => return step(app, -1),
        Verb::Down => return step(app, 1),
        Verb::PageUp => return turn(app, -1),
        Verb::PageDown => return turn(app, 1),
        Verb::Top => return ends(app, true),
        Verb::End => return ends(app, false),
        Verb::Left => app.focus = Focus::Runs,
        Verb::Right => app.focus = Focus::Detail,
        Verb::Open => return open(app),
        Verb::Back => back(app),
        Verb::NextTab => app.tab = app.tab.further(1),
        Verb::LastTab => app.tab = app.tab.further(Tab::ALL.len() - 1),
        Verb::Tab(tab) => app.tab = tab,
        Verb::LastAgent => app.shown.agent = app.shown.agent.saturating_sub(1),
        Verb::NextAgent => {
            let last = app.view().map_or(0, |view| view.agents.len().saturating_sub(1));
            app.shown.agent = (app.shown.agent + 1).min(last);
        }
        Verb::Filter => {
            app.focus = Focus::Runs;
            app.is_filtering = true;
        }
        Verb::Scope => return scope(app),
        Verb::Check => check(app),
        Verb::Attach => return start::attach(app),
        Verb::Act(act) => return start::act(app, act),
        Verb::Reload => return reload(app),
        Verb::Help => app.dialog = Some(Dialog::Help(Page::of(&keys::help()))),
        Verb::Quit => return quit(app),
    }
    Vec::new()
}

fn step(app: &mut App, by: isize) -> Vec<Effect> {
    if app.focus == Focus::Runs {
        return go_to(app, app.row.saturating_add_signed(by));
    }
    if app.is_among_threads() {
        let last = app.shown.threads.len().saturating_sub(1);
        app.shown.thread = app.shown.thread.saturating_add_signed(by).min(last);
    } else {
        app.page().scroll(by);
    }
    Vec::new()
}

fn turn(app: &mut App, direction: isize) -> Vec<Effect> {
    let height = |area: Option<ratatui::layout::Rect>| {
        area.map_or(1, |area| isize::try_from(area.height).unwrap_or(1))
    };
    let areas = layout::areas(app);
    if app.focus == Focus::Runs {
        return go_to(app, app.row.saturating_add_signed(direction * (height(areas.list) - 1).max(1)));
    }
    if app.is_among_threads() {
        return step(app, direction * (height(areas.body) - 1).max(1));
    }
    app.page().turn(direction);
    Vec::new()
}

fn ends(app: &mut App, first: bool) -> Vec<Effect> {
    if app.focus == Focus::Runs {
        return go_to(app, if first { 0 } else { usize::MAX });
    }
    if app.is_among_threads() {
        return step(app, if first { isize::MIN } else { isize::MAX });
    }
    if first {
        app.page().go_to_top();
    } else {
        app.page().go_to_end();
    }
    Vec::new()
}

fn go_to(app: &mut App, row: usize) -> Vec<Effect> {
    app.row = row.min(app.items.len().saturating_sub(1));
    let chosen = app.items.get(app.row).and_then(|item| rows::chosen(app, *item));
    let mut effects = Vec::new();
    if chosen.is_some() {
        choose(app, chosen, &mut effects);
    }
    effects
}

fn open(app: &mut App) -> Vec<Effect> {
    if app.focus == Focus::Runs {
        app.focus = Focus::Detail;
    } else if app.is_among_threads()
        && let Some(found) = app.shown.threads.get(app.shown.thread)
    {
        let thread = found.thread.id.clone();
        app.shown.reading = Some(thread.clone());
        app.shown.words = Page::of("looking ...");
        return app.key().cloned().map(|key| Effect::LoadThread(key, thread)).into_iter().collect();
    }
    Vec::new()
}

fn back(app: &mut App) {
    if app.focus == Focus::Detail && app.tab == Tab::Forum && app.shown.reading.is_some() {
        app.shown.reading = None;
    } else if app.focus == Focus::Detail {
        app.focus = Focus::Runs;
    } else {
        app.filter.clear();
    }
}

fn scope(app: &mut App) -> Vec<Effect> {
    app.shows_all = !app.shows_all;
    if app.shows_all && app.decided_flight.ask() {
        return vec![Effect::LoadDecided];
    }
    Vec::new()
}

/// Judges now, whatever was judged before.
fn check(app: &mut App) {
    let Some(view) = app.view() else { return };
    if view.run.state.is_open() {
        app.tab = Tab::Gates;
        app.tab_state().is_stale = true;
    } else {
        app.notice =
            Some(format!("The run {} is {}: nothing is left to judge.", view.run.id, view.run.state));
    }
}

fn reload(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![Effect::Redraw];
    app.shown.tabs.iter_mut().for_each(|tab| tab.is_stale = true);
    if app.runs_flight.ask() {
        effects.push(Effect::LoadRuns);
    }
    if app.shows_all && app.decided_flight.ask() {
        effects.push(Effect::LoadDecided);
    }
    effects
}

fn quit(app: &mut App) -> Vec<Effect> {
    match app.acting {
        Some(title) => {
            app.notice = Some(format!("'{title}' is under way; leave when it is over."));
            Vec::new()
        }
        None => vec![Effect::Quit(None)],
    }
}
