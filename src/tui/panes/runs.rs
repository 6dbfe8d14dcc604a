//! The runs: what needs a person first, and only those rows that are in sight.

use super::super::layout::Areas;
use super::super::rows;
use super::super::state::{App, Focus};
use super::Canvas;
use crate::render::{Paint, columns, cut, escape};
use ratatui::layout::Rect;

/// From this width on a row tells how long the run has been in its state.
const WITH_AGE: u16 = 40;

/// Draws the runs and what divides them from the chosen one.
pub(super) fn draw(to: &mut Canvas<'_>, app: &App, areas: &Areas) {
    if let Some(area) = areas.list_head {
        head(to, app, area);
    }
    if let Some(area) = areas.list {
        list(to, app, area);
    }
    for line in 0..areas.rule.map_or(0, |area| area.height) {
        if let Some(area) = areas.rule {
            to.text(area, line, Some(Paint::Dim), "\u{2502}");
        }
    }
}

fn head(to: &mut Canvas<'_>, app: &App, area: Rect) {
    if app.is_filtering || !app.filter.is_empty() {
        let text = format!("/{}", escape(&app.filter));
        to.text(area, 0, Some(Paint::Bold), &text);
        return;
    }
    let needing = app.runs().iter().filter(|view| !view.needs.is_empty()).count();
    let open = app.runs().len();
    let text = match (&app.report, &app.trouble) {
        (None, None) => "looking ...".to_owned(),
        (None, Some(_)) => "no answer".to_owned(),
        _ if app.shows_all => format!("{} runs, {open} open", app.items.len()),
        _ if needing == 0 => format!("{open} open"),
        _ => format!("{open} open, {needing} need you"),
    };
    to.text(area, 0, Some(Paint::Bold), &text);
    if app.trouble.is_some() && app.report.is_some() {
        let rest = Rect { x: area.right().saturating_sub(12), width: 12.min(area.width), ..area };
        to.text(rest, 0, Some(Paint::Bad), "old: trouble");
    }
}

fn list(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let height = usize::from(area.height);
    let in_sight = app.items.iter().enumerate().skip(app.top).take(height);
    for (line, (index, item)) in (0..area.height).zip(in_sight) {
        let row = rows::row(app, *item);
        let age = match row.changed {
            Some(at) if area.width >= WITH_AGE => {
                format!("{:>7}", short(app.now.as_second() - at.as_second()))
            }
            _ => String::new(),
        };
        let state = cut(row.state, 9);
        let tail = columns(&age) + if state.is_empty() { 0 } else { 10 };
        let width = usize::from(area.width).saturating_sub(tail + 2);
        let here = Rect { y: area.y + line, height: 1, ..area };
        let mark_paint = if row.mark == "?" { Paint::Bad } else { Paint::Warn };
        to.text_at(here, Some(mark_paint), row.mark);
        let title = Rect { x: here.x + 2, width: u16::try_from(width).unwrap_or(0), ..here };
        to.text_at(title, None, &row.title);
        let rest = u16::try_from(tail).unwrap_or(0).min(here.width);
        let end = Rect { x: here.right() - rest, width: rest, ..here };
        let x = to.text_at(end, Some(row.paint), &format!("{state:>10}"));
        to.text_at(Rect { x, width: end.right() - x, ..end }, Some(Paint::Dim), &age);
        if index == app.row {
            to.mark(area, line, app.focus == Focus::Runs);
        }
    }
    if app.items.is_empty() && app.report.is_some() {
        let text = if app.filter.is_empty() { "no runs" } else { "no run holds these words" };
        to.text(area, 0, Some(Paint::Dim), text);
    }
}

fn short(seconds: i64) -> String {
    match seconds {
        s if s < 60 => "now".to_owned(),
        s if s < 3600 => format!("{} min", s / 60),
        s if s < 86_400 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}
