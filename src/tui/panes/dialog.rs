//! What is asked and told over everything else.

use super::super::dialog::{Choose, Dialog, Edit, Working};
use super::super::layout;
use super::super::page::Page;
use super::super::state::App;
use super::{Look, mark};
use crate::render::Paint;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

/// Draws the dialog; gives the place of its cursor.
pub(super) fn draw(buffer: &mut Buffer, app: &App, look: Look) -> Option<Position> {
    let dialog = app.dialog.as_ref()?;
    let (outer, inner) = layout::dialog(app.size);
    Clear.render(outer, buffer);
    let (title, keys) = words(dialog);
    let paint = match dialog {
        Dialog::Told(_, _, false) => Some(Paint::Bad),
        Dialog::Confirm(..) => Some(Paint::Warn),
        _ => Some(Paint::Bold),
    };
    Block::bordered().border_type(BorderType::Plain).render(outer, buffer);
    let line = |y| Rect { x: outer.x + 2, y, width: outer.width.saturating_sub(4), height: 1 };
    look.text_at(buffer, line(outer.y), paint, &format!(" {title} "));
    look.text_at(buffer, line(outer.bottom().saturating_sub(1)), Some(Paint::Bold), &format!(" {keys} "));
    match dialog {
        Dialog::Help(page) | Dialog::Told(_, page, _) => text(buffer, page, inner, look),
        Dialog::Confirm(_, page) => {
            let above = Rect { height: inner.height.saturating_sub(2), ..inner };
            text(buffer, page, above, look);
            let question = format!("Do it? y/N{}", more(page));
            look.text(buffer, inner, inner.height.saturating_sub(1), Some(Paint::Warn), &question);
        }
        Dialog::Planning(..) => {
            look.text(buffer, inner, 0, Some(Paint::Dim), "judging and planning; nothing is changed ...");
        }
        Dialog::Working(working) => work(buffer, working, inner, look),
        Dialog::Choose(choose) => list(buffer, choose, inner, look),
        Dialog::Edit(edit) => return Some(write(buffer, edit, inner, look)),
    }
    None
}

fn words(dialog: &Dialog) -> (String, &'static str) {
    let title = |text: &str| text.to_owned();
    match dialog {
        Dialog::Help(_) => (title("keys"), "Esc back"),
        Dialog::Told(name, _, _) => (name.clone(), "Esc back"),
        Dialog::Choose(choose) => (choose.title.clone(), "Enter this one   Esc back"),
        Dialog::Edit(edit) => (title(edit.purpose.title()), "Enter go on   Alt-Enter new line   Esc back"),
        Dialog::Planning(act, _) => (title(act.title()), "Esc back"),
        Dialog::Confirm(act, _) => (format!("{}: this would be done", act.title()), "y do it   n back"),
        Dialog::Working(working) => {
            (format!("{} is under way", working.title), if working.can_stop { "Esc stop" } else { "wait" })
        }
    }
}

fn more(page: &Page) -> String {
    match page.below() {
        0 => String::new(),
        below => format!("   (\u{2193} {below} more)"),
    }
}

fn text(buffer: &mut Buffer, page: &Page, area: Rect, look: Look) {
    look.rows(buffer, area, page.in_sight());
    if page.below() > 0 {
        let text = format!("\u{2193} {} more", page.below());
        let width = u16::try_from(text.chars().count()).unwrap_or(0).min(area.width);
        let corner = Rect { x: area.right() - width, y: area.bottom().saturating_sub(1), width, height: 1 };
        look.text_at(buffer, corner, Some(Paint::Dim), &text);
    }
}

fn work(buffer: &mut Buffer, working: &Working, area: Rect, look: Look) {
    let above = Rect { height: area.height.saturating_sub(2), ..area };
    look.rows(buffer, above, working.page.in_sight());
    let live = working.live.as_deref().map_or_else(|| "...".to_owned(), |live| format!("\u{2026} {live}"));
    look.text(buffer, area, area.height.saturating_sub(1), Some(Paint::Dim), &live);
}

fn list(buffer: &mut Buffer, choose: &Choose, area: Rect, look: Look) {
    let height = usize::from(area.height.max(1));
    let top = (choose.at + 1).saturating_sub(height);
    for (line, (index, (name, _))) in (0..area.height).zip(choose.choices.iter().enumerate().skip(top)) {
        look.text(buffer, area, line, None, name);
        if index == choose.at {
            mark(buffer, area, line, true);
        }
    }
}

fn write(buffer: &mut Buffer, edit: &Edit, area: Rect, look: Look) -> Position {
    let above = u16::try_from(edit.intro.in_sight().len()).unwrap_or(0).min(area.height);
    look.rows(buffer, Rect { height: above, ..area }, edit.intro.in_sight());
    // A line between, and one for what is wrong, where there is room for them.
    let gap = u16::from(above > 0 && above + 2 < area.height);
    if let Some(trouble) = edit.trouble {
        look.text(buffer, area, area.height.saturating_sub(1), Some(Paint::Bad), trouble);
    }
    let below = u16::from(edit.trouble.is_some());
    let height = area.height.saturating_sub(above + gap + below).max(1);
    let box_ = Rect { y: area.y + (above + gap).min(area.height.saturating_sub(1)), height, ..area };
    let (rows, (row, column)) = edit.editor.rows(usize::from(area.width));
    let top = (row + 1).saturating_sub(usize::from(height));
    for (line, text) in (0..box_.height).zip(rows.iter().skip(top)) {
        look.text(buffer, box_, line, None, text);
    }
    let down = u16::try_from(row - top).unwrap_or(0).min(box_.height.saturating_sub(1));
    Position {
        x: box_.x + u16::try_from(column).unwrap_or(0).min(box_.width.saturating_sub(1)),
        y: box_.y + down,
    }
}
