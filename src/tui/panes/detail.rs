//! The chosen run: its name, the tabs, and what the tab shows.

use super::super::layout::{Areas, NAMED};
use super::super::page::Page;
use super::super::state::{App, Chosen, Focus, Tab};
use super::{Canvas, ago};
use crate::render::{Paint, columns, cut, escape};
use crate::service::forum::Found;
use crate::sessions::{Ended, Observation};
use ratatui::layout::Rect;

/// Draws the right side.
pub(super) fn draw(to: &mut Canvas<'_>, app: &App, areas: &Areas) {
    if let Some(area) = areas.head {
        head(to, app, area);
    }
    if let Some(area) = areas.agents {
        agents(to, app, area);
    }
    let Some(area) = areas.body else { return };
    if app.chosen == Some(Chosen::Notes) || app.view().is_none() {
        return nothing(to, app, area);
    }
    match app.tab {
        Tab::Agents => output(to, app, area),
        Tab::Forum if app.shown.reading.is_none() && !app.shown.threads.is_empty() => {
            threads(to, app, area);
        }
        Tab::Forum if app.shown.reading.is_some() => {
            page(to, &app.shown.words, area);
            to.text(area, area.height.saturating_sub(1), Some(Paint::Dim), "Esc: all threads");
        }
        tab => page(to, &app.shown.tabs[tab.place()].page, area),
    }
    if app.tab.is_asked_for() && app.shown.reading.is_none() {
        age(to, app, area);
    }
}

/// What is shown where no run is.
fn nothing(to: &mut Canvas<'_>, app: &App, area: Rect) {
    if app.chosen.is_none()
        && let Some(trouble) = &app.trouble
    {
        let mut page = Page::of(trouble);
        page.fit(usize::from(area.width), usize::from(area.height));
        to.rows(area, page.in_sight());
        return;
    }
    let known = &app.shown.tabs[Tab::Overview.place()].page;
    if known.len() == 0 && app.chosen.is_some() {
        to.text(area, 0, Some(Paint::Dim), "looking ...");
    }
    let mut page = known.clone();
    page.fit(usize::from(area.width), usize::from(area.height));
    to.rows(area, page.in_sight());
}

fn page(to: &mut Canvas<'_>, page: &Page, area: Rect) {
    to.rows(area, page.in_sight());
}

/// When the tab was looked up, and whether that still holds: on the last line.
fn age(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let state = &app.shown.tabs[app.tab.place()];
    let is_gates = app.tab == Tab::Gates;
    let doing = if is_gates { "judging ..." } else { "looking ..." };
    let done = if is_gates { "judged" } else { "as of" };
    let is_under = state.flight != super::super::state::Flight::Idle;
    let (paint, text) = match state.at {
        None => (Paint::Dim, doing.to_owned()),
        Some(at) if is_under => (Paint::Dim, format!("{done} {}; {doing}", ago(at, app.now))),
        Some(at) if state.is_stale || state.may_be_old => {
            (Paint::Warn, format!("{done} {}; changed since (Ctrl-L looks again)", ago(at, app.now)))
        }
        Some(at) => (Paint::Dim, format!("{done} {}", ago(at, app.now))),
    };
    to.text(area, area.height.saturating_sub(1), Some(paint), &text);
}

fn head(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let name = match (&app.chosen, app.view()) {
        (_, Some(view)) => {
            let id = view.run.id.as_str();
            let x = to.text(area, 0, Some(Paint::Bold), id);
            let rest = Rect { x: x + 1, width: area.right().saturating_sub(x + 1), height: 1, ..area };
            let paint = super::super::rows::paint_of(view.run.state, !view.needs.is_empty());
            let x = to.text_at(rest, Some(paint), view.run.state.as_str());
            if app.everywhere {
                let rest = Rect { x: x + 2, width: area.right().saturating_sub(x + 2), ..rest };
                to.text_at(rest, Some(Paint::Dim), &escape(&view.root.display().to_string()));
            }
            None
        }
        (Some(Chosen::Run(key)), None) => Some(key.id.to_string()),
        (Some(Chosen::Notes), _) => Some("not about one run".to_owned()),
        (None, _) => Some("git metawsm".to_owned()),
    };
    if let Some(name) = name {
        to.text(area, 0, Some(Paint::Bold), &name);
    }
    if area.height == 1 {
        return;
    }
    tabs(to, app, Rect { y: area.y + 1, height: area.height - 1, ..area });
    let (above, below) = in_sight(app);
    let text = match (above, below) {
        (0, 0) => return,
        (above, 0) => format!("\u{2191}{above}"),
        (0, below) => format!("\u{2193}{below}"),
        (above, below) => format!("\u{2191}{above} \u{2193}{below}"),
    };
    let width = u16::try_from(columns(&text)).unwrap_or(0).min(area.width);
    let corner = Rect { x: area.right() - width, y: area.bottom() - 1, width, height: 1 };
    to.text_at(corner, Some(Paint::Dim), &text);
}

/// How many rows are above and below those in sight.
fn in_sight(app: &App) -> (usize, usize) {
    let page = match app.tab {
        Tab::Agents => &app.shown.output,
        Tab::Forum if app.shown.reading.is_some() => &app.shown.words,
        tab => &app.shown.tabs[tab.place()].page,
    };
    (page.above(), page.below())
}

fn tabs(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let (mut line, mut x) = (0, area.x);
    for tab in Tab::ALL {
        let is_named = tab == app.tab || area.width >= NAMED;
        let name = if is_named { format!(" {}", tab.name()) } else { String::new() };
        let text = format!("{}{name}", tab.place() + 1);
        let width = u16::try_from(columns(&text)).unwrap_or(u16::MAX);
        if x > area.x && x + width > area.right() {
            line += 1;
            x = area.x;
        }
        if line >= area.height {
            return;
        }
        let here = Rect { x, y: area.y + line, width: width.min(area.right() - x), height: 1 };
        let is_shown = tab == app.tab;
        to.text_at(here, Some(if is_shown { Paint::Bold } else { Paint::Dim }), &text);
        if is_shown {
            to.mark(here, 0, app.focus == Focus::Detail);
        }
        x += width + 2;
    }
}

fn agents(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let Some(view) = app.view() else { return };
    let height = usize::from(area.height.saturating_sub(1));
    let at = app.shown.agent.min(view.agents.len().saturating_sub(1));
    let top = (at + 1).saturating_sub(height.max(1));
    let is_one_ticket = view.run.tickets.len() < 2;
    for (line, (index, agent)) in (0..area.height).zip(view.agents.iter().enumerate().skip(top).take(height))
    {
        let end = match &agent.seen {
            Observation::Ended(Ended { stopped: true, .. }) => " (stopped)".to_owned(),
            Observation::Ended(Ended { status: Some(code), .. }) => format!(" (exit {code})"),
            Observation::Ended(Ended { signal: Some(signal), .. }) => format!(" (signal {signal})"),
            Observation::Dead { why } | Observation::Unknown { why } => format!(" ({})", escape(why)),
            _ => String::new(),
        };
        let backend = agent.agent.live.as_ref().map_or("-", |session| session.backend.as_str());
        let completed = if agent.agent.completed.is_some() { ", completed" } else { "" };
        let name = if is_one_ticket { agent.agent.name.to_string() } else { agent.agent.key() };
        let text = format!("{name}  {}{end}{completed}  {backend}", agent.health.word);
        to.text(area, line, None, &text);
        if index == at && view.agents.len() > 1 {
            to.mark(area, line, true);
        }
    }
    let rule = "\u{2500}".repeat(usize::from(area.width));
    to.text(area, area.height.saturating_sub(1), Some(Paint::Dim), &rule);
}

fn output(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let text = match (app.agent(), &app.watched) {
        (None, _) => "This run has no agents.",
        (Some(_), None) => "This agent was never started.",
        (Some(_), Some(_)) if app.shown.heard.is_none() => "looking ...",
        _ => return page(to, &app.shown.output, area),
    };
    to.text(area, 0, Some(Paint::Dim), text);
}

fn threads(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let height = usize::from(area.height);
    let at = app.shown.thread;
    let top = (at + 1).saturating_sub(height.max(1));
    let in_sight = app.shown.threads.iter().enumerate().skip(top).take(height);
    for (line, (index, found)) in (0..area.height).zip(in_sight) {
        thread(to, app, Rect { y: area.y + line, height: 1, ..area }, found);
        if index == at {
            to.mark(area, line, app.focus == Focus::Detail);
        }
    }
}

fn thread(to: &mut Canvas<'_>, app: &App, area: Rect, found: &Found) {
    let thread = &found.thread;
    let state = match thread.waiting_seconds(app.now) {
        Some(_) if area.width >= 60 => {
            format!("{} since {}", thread.state, ago(thread.waiting_since.unwrap_or(thread.opened), app.now))
        }
        _ => thread.state.to_string(),
    };
    let state = cut(state.trim_end_matches(" ago"), usize::from(area.width) / 2);
    let width = u16::try_from(columns(&state)).unwrap_or(0);
    let title = Rect { width: area.width.saturating_sub(width + 1), ..area };
    let mark = if found.escalated { "! " } else { "  " };
    to.text_at(title, None, &format!("{mark}{}", escape(&thread.title)));
    let paint = if found.escalated {
        Paint::Bad
    } else if thread.state.waits() {
        Paint::Warn
    } else {
        Paint::Dim
    };
    to.text_at(Rect { x: area.right() - width, width, ..area }, Some(paint), &state);
}
