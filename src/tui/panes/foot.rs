//! The keys that make sense now, at the bottom.

use super::super::acts::Verb as Act;
use super::super::keys::{TABLE, Verb, name_of};
use super::super::start::can_enter;
use super::super::state::{App, Tab};
use super::Canvas;
use crate::render::{Paint, columns, escape};
use ratatui::layout::{Position, Rect};

/// Draws the last word, or the keys.
pub(super) fn draw(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let mut area = area;
    if let Some(notice) = &app.notice {
        to.text(area, 0, Some(Paint::Warn), notice);
        area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    }
    if area.height > 0 {
        keys(to, app, area);
    }
}

/// Where the cursor of the filter is.
pub(super) fn cursor(app: &App, head: Option<Rect>) -> Option<Position> {
    let head = head.filter(|_| app.is_filtering)?;
    let inset = u16::try_from(columns(&escape(&app.filter)) + 1).unwrap_or(u16::MAX);
    Some(Position { x: head.x.saturating_add(inset).min(head.right().saturating_sub(1)), y: head.y })
}

/// The verbs that make sense now, with how their keys are called.
fn near(app: &App) -> Vec<(&'static str, &'static str)> {
    if app.is_filtering {
        return vec![("Enter", "keep"), ("Esc", "all runs")];
    }
    let is_near = |verb: Verb| match (verb, app.view()) {
        (Verb::Filter | Verb::Scope, _) => true,
        (Verb::Help | Verb::Quit, _) | (_, None) => false,
        (_, Some(_)) if app.below.is_some() => verb == Verb::Check,
        (Verb::Act(Act::Answer), Some(view)) => {
            Act::Answer.is_near(&view.run) || (app.tab == Tab::Forum && !app.shown.threads.is_empty())
        }
        (Verb::Act(act), Some(view)) => act.is_near(&view.run),
        (Verb::Attach, Some(view)) => view.run.state.is_open() && view.agents.iter().any(can_enter),
        (Verb::Check, Some(view)) => view.run.state.is_open(),
        _ => true,
    };
    let shown = TABLE.iter().filter(|binding| !binding.short.is_empty() && is_near(binding.verb));
    shown.map(|binding| (binding.name, binding.short)).collect()
}

fn keys(to: &mut Canvas<'_>, app: &App, area: Rect) {
    let always = [(name_of(Verb::Help), "help"), (name_of(Verb::Quit), "quit")];
    let width =
        |(key, word): &(&str, &str)| u16::try_from(columns(key) + columns(word) + 3).unwrap_or(u16::MAX);
    let kept: u16 = always.iter().map(width).sum();
    let (mut line, mut x) = (0, area.x);
    let put = |to: &mut Canvas<'_>, line: u16, x: u16, (key, word): (&str, &str)| {
        let here = Rect { x, y: area.y + line, width: area.right().saturating_sub(x), height: 1 };
        let x = to.text_at(here, Some(Paint::Bold), key);
        let rest = Rect { x: x + 1, width: area.right().saturating_sub(x + 1), ..here };
        to.text_at(rest, Some(Paint::Dim), word);
    };
    for item in near(app) {
        let is_last = line + 1 >= area.height;
        let end = if is_last { area.right().saturating_sub(kept) } else { area.right() };
        if x + width(&item) > end + 2 {
            if is_last {
                break;
            }
            line += 1;
            x = area.x;
        }
        put(to, line, x, item);
        x += width(&item);
    }
    let mut x = if line + 1 < area.height && x + kept > area.right() + 2 {
        line += 1;
        area.x
    } else {
        x
    };
    for item in always {
        put(to, line, x, item);
        x += width(&item);
    }
}
