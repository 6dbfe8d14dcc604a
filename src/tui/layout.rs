//! What goes where on a screen of some size.

use super::state::{App, Focus, Tab};
use ratatui::layout::Rect;

/// The least that something can be shown in.
pub(super) const LEAST: (u16, u16) = (20, 5);
/// Below this many columns the runs and the chosen run take turns.
const BOTH: u16 = 64;

/// Below this many columns only the tab that is shown is named; the others are numbers.
pub(super) const NAMED: u16 = 47;

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Areas {
    /// The heading over the runs.
    pub list_head: Option<Rect>,
    /// The runs.
    pub list: Option<Rect>,
    /// The line between.
    pub rule: Option<Rect>,
    /// The heading of the chosen run: its name and the tabs.
    pub head: Option<Rect>,
    /// Agents above their output.
    pub agents: Option<Rect>,
    /// What the tab shows.
    pub body: Option<Rect>,
    /// The keys.
    pub foot: Rect,
}

/// Whether anything can be shown at all.
pub(super) fn is_too_small(size: (u16, u16)) -> bool {
    size.0 < LEAST.0 || size.1 < LEAST.1
}

/// How many lines the keys get.
fn foot_lines(size: (u16, u16)) -> u16 {
    if size.1 >= 20 && size.0 < 120 { 2 } else { 1 }
}

/// How many lines the name of the run and the tabs get.
fn head_lines(width: u16, height: u16) -> u16 {
    match height {
        0..=9 => 1,
        _ if (NAMED..72).contains(&width) => 3,
        _ => 2,
    }
}

/// Lays the parts out.
pub(super) fn areas(app: &App) -> Areas {
    let (columns, lines) = app.size;
    let foot_height = foot_lines(app.size).min(lines);
    let foot = Rect::new(0, lines - foot_height, columns, foot_height);
    let upper = Rect::new(0, 0, columns, lines - foot_height);
    let (left, rule, right) = if columns < BOTH {
        match app.focus {
            Focus::Runs => (Some(upper), None, None),
            Focus::Detail => (None, None, Some(upper)),
        }
    } else {
        let width = (columns * 3 / 8).clamp(26, 56);
        (
            Some(Rect { width: width - 1, ..upper }),
            Some(Rect { x: width, width: 1, ..upper }),
            Some(Rect { x: width + 2, width: columns - width - 2, ..upper }),
        )
    };
    let (list_head, list) = left.map(|area| cut_top(area, 1)).unzip();
    let (head, rest) = right.map(|area| cut_top(area, head_lines(area.width, area.height))).unzip();
    let (agents, body) = match rest {
        Some(area) if app.tab == Tab::Agents => {
            let (above, below) = cut_top(area, agent_lines(app, area));
            (Some(above), Some(below))
        }
        rest => (None, rest),
    };
    Areas { list_head, list, rule, head, agents, body, foot }
}

/// Agents get a line each, and never more than a third.
fn agent_lines(app: &App, area: Rect) -> u16 {
    let agents = app.view().map_or(0, |view| view.agents.len());
    let wanted = u16::try_from(agents).unwrap_or(u16::MAX).saturating_add(1);
    wanted.min((area.height / 3).max(1))
}

fn cut_top(area: Rect, lines: u16) -> (Rect, Rect) {
    let height = lines.min(area.height);
    let below = Rect { y: area.y + height, height: area.height - height, ..area };
    (Rect { height, ..area }, below)
}

/// What the frame of a dialog takes: its lines, and a blank on each side.
const FRAME: (u16, u16) = (4, 2);
/// The least that a dialog holds where there is room: less would be overlooked.
const LEAST_HELD: (u16, u16) = (44, 3);

/// The most that fits into a dialog.
pub(super) fn dialog_most(size: (u16, u16)) -> (u16, u16) {
    let (width, height) = if is_small(size) { size } else { ((size.0 - 8).min(110), size.1 - 4) };
    (width.saturating_sub(FRAME.0), height.saturating_sub(FRAME.1))
}

/// What is small is used whole.
fn is_small(size: (u16, u16)) -> bool {
    size.0 < 60 || size.1 < 16
}

/// The box of a dialog that is to hold so many columns and lines, and what is inside its frame.
pub(super) fn dialog(size: (u16, u16), held: (u16, u16)) -> (Rect, Rect) {
    let (columns, lines) = size;
    let most = dialog_most(size);
    let (width, height) = if is_small(size) {
        size
    } else {
        let held = (held.0.max(LEAST_HELD.0).min(most.0), held.1.max(LEAST_HELD.1).min(most.1));
        (held.0 + FRAME.0, held.1 + FRAME.1)
    };
    let outer = Rect::new((columns - width) / 2, (lines - height) / 2, width, height);
    let inner = Rect::new(
        outer.x + 2.min(width),
        outer.y + 1.min(height),
        width.saturating_sub(4),
        height.saturating_sub(2),
    );
    (outer, inner)
}
