//! What the state looks like: panes that draw and decide nothing.

mod detail;
mod dialog;
mod foot;
mod runs;
#[cfg(test)]
mod tests;

use super::layout::{self, areas, is_too_small};
use super::painted::{Row, Stretch};
use super::state::App;
use crate::render::{Paint, cut};
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, colors: bool) {
    let area = frame.area();
    // Its parts are laid out for another size: the message that tells of it is on its way.
    if (area.width, area.height) != app.size {
        return;
    }
    let cursor = paint_all(&mut Canvas { buffer: frame.buffer_mut(), colors }, area, app);
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

fn paint_all(to: &mut Canvas<'_>, area: Rect, app: &App) -> Option<Position> {
    if is_too_small(app.size) {
        let (columns, lines) = layout::LEAST;
        to.text(area, 0, None, &format!("{columns}x{lines} is the least"));
        return None;
    }
    let parts = areas(app);
    runs::draw(to, app, &parts);
    detail::draw(to, app, &parts);
    foot::draw(to, app, parts.foot);
    dialog::draw(to, app).or_else(|| foot::cursor(app, parts.list_head))
}

/// What is drawn on, with the palette of `render`.
struct Canvas<'a> {
    buffer: &'a mut Buffer,
    colors: bool,
}

impl Canvas<'_> {
    fn style(&self, paint: Option<Paint>) -> Style {
        let plain = Style::new();
        let colored = |color| if self.colors { plain.fg(color) } else { plain };
        match paint {
            None => plain,
            Some(Paint::Good) => colored(Color::Green),
            Some(Paint::Bad) => colored(Color::Red).add_modifier(Modifier::BOLD),
            Some(Paint::Warn) => colored(Color::Yellow),
            Some(Paint::Dim) => plain.add_modifier(Modifier::DIM),
            Some(Paint::Bold) => plain.add_modifier(Modifier::BOLD),
        }
    }

    /// Writes a text on this line of an area, cut to it; gives the column after it.
    fn text(&mut self, area: Rect, line: u16, paint: Option<Paint>, text: &str) -> u16 {
        self.text_at(Rect { y: area.y + line, height: 1.min(area.height), ..area }, paint, text)
    }

    /// Writes a text at the beginning of an area of one line.
    fn text_at(&mut self, area: Rect, paint: Option<Paint>, text: &str) -> u16 {
        if area.width == 0 || area.height == 0 || area.y >= self.buffer.area.bottom() {
            return area.x;
        }
        let width = usize::from(area.width);
        let style = self.style(paint);
        let (x, _) = self.buffer.set_stringn(area.x, area.y, cut(text, width), width, style);
        x
    }

    /// Writes a row, cut to its area.
    fn row(&mut self, area: Rect, line: u16, row: &Row) {
        let mut x = area.x;
        for Stretch { paint, text } in row {
            let rest = Rect { x, y: area.y + line, width: area.right().saturating_sub(x), height: 1 };
            if line >= area.height || rest.width == 0 {
                return;
            }
            x = self.text_at(rest, *paint, text);
        }
    }

    fn rows(&mut self, area: Rect, rows: &[Row]) {
        for (line, row) in (0..area.height).zip(rows) {
            self.row(area, line, row);
        }
    }

    /// Shows that the cursor stands on this line.
    fn mark(&mut self, area: Rect, line: u16, strong: bool) {
        if line < area.height {
            let style = if strong { Modifier::REVERSED } else { Modifier::UNDERLINED };
            let here = Rect { y: area.y + line, height: 1, ..area };
            self.buffer.set_style(here, Style::new().add_modifier(style));
        }
    }
}

/// How long ago something was.
fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.as_second().saturating_sub(at.as_second()) {
        ..=4 => "just now".to_owned(),
        s @ ..60 => format!("{s} s ago"),
        s @ ..3600 => format!("{} min ago", s / 60),
        s @ ..86_400 => format!("{} h ago", s / 3600),
        s => format!("{} d ago", s / 86_400),
    }
}
