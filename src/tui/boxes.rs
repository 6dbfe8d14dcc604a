//! The boxes of what is asked and told: their words, and how large they are.

use super::dialog::{Dialog, Edit};
use super::layout;
use crate::render::columns;

/// What stands in a box while a plan is made.
pub(super) const PLANNING: &str = "judging and planning; nothing is changed ...";
/// The least lines that one writes in.
const WRITTEN: usize = 3;

/// What stands above a box, and the keys below it.
pub(super) fn words(dialog: &Dialog) -> (String, &'static str) {
    let title = |text: &str| text.to_owned();
    match dialog {
        Dialog::Help(_) => (title("keys"), "Esc back"),
        Dialog::Told(name, _, _) => (name.clone(), "Esc back"),
        Dialog::Choose(choose) => (choose.title.clone(), "Enter this one   Esc back"),
        Dialog::Edit(edit) => (title(edit.purpose.title()), "Enter go on   Alt-Enter new line   Esc back"),
        Dialog::Planning(_, act, _) => (title(act.title()), "Esc back"),
        Dialog::Confirm(plan) => {
            (format!("{} {}: this would be done", plan.act.title(), plan.key.id), "y do it   n back")
        }
        Dialog::Working(working) => {
            (format!("{} is under way", working.title), if working.can_stop { "Esc stop" } else { "wait" })
        }
    }
}

/// Breaks what a dialog holds for a screen of this size; gives the columns and lines that it is to hold.
pub(super) fn fit(dialog: &mut Dialog, size: (u16, u16)) -> (u16, u16) {
    let (title, keys) = words(dialog);
    let most = layout::dialog_most(size);
    let (most_wide, most_high) = (usize::from(most.0), usize::from(most.1));
    // A blank on each side of them, and the corner stays in sight.
    let least = columns(&title).max(columns(keys)) + 2;
    let asked = (wide(dialog).map_or(most_wide, |wide| wide.max(least)), 0);
    let width = usize::from(layout::dialog(size, narrowed(asked)).1.width);
    let lines = high(dialog, width, most_high);
    let (_, inner) = layout::dialog(size, narrowed((width, lines)));
    let height = usize::from(inner.height);
    match dialog {
        Dialog::Help(page) | Dialog::Told(_, page, _) => page.fit(width, height),
        Dialog::Confirm(plan) => plan.page.fit(width, height.saturating_sub(2)),
        Dialog::Working(working) => working.page.fit(width, height.saturating_sub(2)),
        Dialog::Edit(edit) => {
            let rows = intro_rows(edit, width, most_high);
            edit.intro.fit(width, rows);
        }
        Dialog::Choose(_) | Dialog::Planning(..) => {}
    }
    (inner.width, inner.height)
}

fn narrowed((width, height): (usize, usize)) -> (u16, u16) {
    let narrow = |number| u16::try_from(number).unwrap_or(u16::MAX);
    (narrow(width), narrow(height))
}

/// The columns of what a dialog holds; `None` where more may come at any time, so that it takes what there is.
fn wide(dialog: &Dialog) -> Option<usize> {
    match dialog {
        Dialog::Help(page) | Dialog::Told(_, page, _) => Some(page.columns()),
        Dialog::Confirm(plan) => Some(plan.page.columns()),
        Dialog::Choose(choose) => choose.choices.iter().map(|(name, _)| columns(name)).max(),
        Dialog::Planning(..) => Some(columns(PLANNING)),
        Dialog::Edit(_) | Dialog::Working(_) => None,
    }
}

/// The lines of what a dialog holds in this many columns.
fn high(dialog: &mut Dialog, width: usize, most: usize) -> usize {
    match dialog {
        Dialog::Help(page) | Dialog::Told(_, page, _) => page.measure(width),
        Dialog::Confirm(plan) => plan.page.measure(width) + 2,
        Dialog::Working(working) => working.page.measure(width) + 2,
        Dialog::Choose(choose) => choose.choices.len(),
        Dialog::Planning(..) => 1,
        Dialog::Edit(edit) => {
            // The line between, and one for what is wrong with the words.
            let written = edit.editor.rows(width).0.len().max(WRITTEN);
            intro_rows(edit, width, most) + 1 + written + 1
        }
    }
}

/// What stands above the words gets at most a third.
fn intro_rows(edit: &mut Edit, width: usize, most: usize) -> usize {
    edit.intro.measure(width).min(most / 3)
}
