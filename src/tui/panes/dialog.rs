//! What is asked and told over everything else.

use super::super::dialog::{Choose, Dialog, Edit, Working};
use super::super::page::Page;
use super::super::state::App;
use super::super::{boxes, layout};
use super::Canvas;
use crate::render::Paint;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

/// Draws the dialog; gives the place of its cursor.
pub(super) fn draw(to: &mut Canvas<'_>, app: &App) -> Option<Position> {
    let dialog = app.dialog.as_ref()?;
    let (outer, inner) = layout::dialog(app.size, app.held);
    Clear.render(outer, to.buffer);
    let (title, keys) = boxes::words(dialog);
    let paint = match dialog {
        Dialog::Told(_, _, false) => Some(Paint::Bad),
        Dialog::Confirm(..) => Some(Paint::Warn),
        _ => Some(Paint::Bold),
    };
    Block::bordered().border_type(BorderType::Plain).render(outer, to.buffer);
    let line = |y| Rect { x: outer.x + 2, y, width: outer.width.saturating_sub(4), height: 1 };
    to.text_at(line(outer.y), paint, &format!(" {title} "));
    to.text_at(line(outer.bottom().saturating_sub(1)), Some(Paint::Bold), &format!(" {keys} "));
    match dialog {
        Dialog::Help(page) | Dialog::Told(_, page, _) => text(to, page, inner),
        Dialog::Confirm(plan) => {
            let above = Rect { height: inner.height.saturating_sub(2), ..inner };
            text(to, &plan.page, above);
            to.text(inner, inner.height.saturating_sub(1), Some(Paint::Warn), "Do it? y/N");
        }
        Dialog::Planning(..) => {
            to.text(inner, 0, Some(Paint::Dim), boxes::PLANNING);
        }
        Dialog::Working(working) => work(to, working, inner),
        Dialog::Choose(choose) => list(to, choose, inner),
        Dialog::Edit(edit) => return Some(write(to, edit, inner)),
    }
    None
}

fn text(to: &mut Canvas<'_>, page: &Page, area: Rect) {
    to.rows(area, page.in_sight());
    if page.below() > 0 {
        let text = format!("\u{2193} {} more", page.below());
        let width = u16::try_from(text.chars().count()).unwrap_or(0).min(area.width);
        let corner = Rect { x: area.right() - width, y: area.bottom().saturating_sub(1), width, height: 1 };
        to.text_at(corner, Some(Paint::Dim), &text);
    }
}

fn work(to: &mut Canvas<'_>, working: &Working, area: Rect) {
    let above = Rect { height: area.height.saturating_sub(2), ..area };
    to.rows(above, working.page.in_sight());
    let live = working.live.as_deref().map_or_else(|| "...".to_owned(), |live| format!("\u{2026} {live}"));
    to.text(area, area.height.saturating_sub(1), Some(Paint::Dim), &live);
}

fn list(to: &mut Canvas<'_>, choose: &Choose, area: Rect) {
    let height = usize::from(area.height.max(1));
    let top = (choose.at + 1).saturating_sub(height);
    for (line, (index, (name, _))) in (0..area.height).zip(choose.choices.iter().enumerate().skip(top)) {
        to.text(area, line, None, name);
        if index == choose.at {
            to.mark(area, line, true);
        }
    }
}

fn write(to: &mut Canvas<'_>, edit: &Edit, area: Rect) -> Position {
    let above = u16::try_from(edit.intro.in_sight().len()).unwrap_or(0).min(area.height);
    to.rows(Rect { height: above, ..area }, edit.intro.in_sight());
    // A line between, and one for what is wrong, where there is room for them.
    let gap = u16::from(above > 0 && above + 2 < area.height);
    if gap > 0 {
        let rule = "\u{2500}".repeat(usize::from(area.width));
        to.text(area, above, Some(Paint::Dim), &rule);
    }
    if let Some(trouble) = edit.trouble {
        to.text(area, area.height.saturating_sub(1), Some(Paint::Bad), trouble);
    }
    let below = u16::from(edit.trouble.is_some());
    let height = area.height.saturating_sub(above + gap + below).max(1);
    let box_ = Rect { y: area.y + (above + gap).min(area.height.saturating_sub(1)), height, ..area };
    let (rows, (row, column)) = edit.editor.rows(usize::from(area.width));
    let top = (row + 1).saturating_sub(usize::from(height));
    for (line, text) in (0..box_.height).zip(rows.iter().skip(top)) {
        to.text(box_, line, None, text);
    }
    let down = u16::try_from(row - top).unwrap_or(0).min(box_.height.saturating_sub(1));
    Position {
        x: box_.x + u16::try_from(column).unwrap_or(0).min(box_.width.saturating_sub(1)),
        y: box_.y + down,
    }
}
