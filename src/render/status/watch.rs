//! `status --watch`: the page again and again, in the place where it was.

use super::super::escape::escape;
use super::super::screen::{Paint, Screen};
use super::super::sheet::Line;
use super::super::width::cut;
use super::json::{report_json, status_mark};
use super::page::status_lines;
use crate::service::StatusReport;
use crate::sys::{clock, term};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Another screen of the terminal, without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Back to the usual one.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// The terminal's other screen, while something is drawn on it.
#[derive(Debug, Clone, Default)]
pub struct OtherScreen(Arc<AtomicBool>);

impl OtherScreen {
    /// Gives the terminal back as it was; nothing where it was not taken.
    pub fn leave(&self) {
        if self.0.swap(false, Ordering::SeqCst) {
            let mut out = std::io::stdout().lock();
            // A terminal that is gone needs nothing back.
            let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
        }
    }

    fn enter(&self) -> &'static str {
        if self.0.swap(true, Ordering::SeqCst) { "" } else { ENTER }
    }
}

/// The pages of a watch: on a terminal each takes the place of the one before; elsewhere each that says something new
/// follows behind a line with the time, or is a line of JSON.
#[derive(Debug)]
pub struct Frames<'a> {
    screen: &'a Screen,
    other: OtherScreen,
    is_drawn: bool,
    /// What was shown last.
    mark: Option<String>,
}

impl<'a> Frames<'a> {
    /// Shows nothing yet. Whatever ends the watch, the terminal is given back.
    pub fn new(screen: &'a Screen, other: OtherScreen) -> Self {
        Self { screen, other, is_drawn: !screen.json && term::stdout_can_draw(), mark: None }
    }

    /// Shows a page.
    pub fn show(&mut self, report: &StatusReport) {
        if self.is_drawn {
            let (width, height) = term::stdout_size().unwrap_or((80, 24));
            self.draw(&status_lines(self.screen, report, Some(width), clock::now()), (width, height));
        } else if self.is_new(status_mark(report)) {
            if self.screen.json {
                self.screen.answer_json(report_json(report));
            } else {
                self.print(&status_lines(self.screen, report, None, clock::now()));
            }
        }
    }

    /// Shows why there is no page.
    pub fn trouble(&mut self, why: &str) {
        let text = format!("{} {}", self.screen.paint(Paint::Bad, "error:"), escape(why));
        if self.is_drawn {
            let (width, height) = term::stdout_size().unwrap_or((80, 24));
            let lines = super::super::width::wrap(&escape(why), width);
            let lines: Vec<_> = lines
                .into_iter()
                .map(|line| Line {
                    columns: super::super::width::columns(&line),
                    text: self.screen.paint(Paint::Bad, &line),
                })
                .collect();
            self.draw(&lines, (width, height));
        } else if self.is_new(why.to_owned()) {
            if self.screen.json {
                self.screen.answer_json(serde_json::json!({ "error": { "message": why } }));
            } else {
                self.print(&[Line { columns: 0, text }]);
            }
        }
    }

    fn is_new(&mut self, mark: String) -> bool {
        let is_new = self.mark.as_ref() != Some(&mark);
        self.mark = Some(mark);
        is_new
    }

    fn print(&self, lines: &[Line]) {
        let mut text = String::new();
        let _ = writeln!(text, "-- {}", clock::now());
        for line in lines {
            let _ = writeln!(text, "{}", line.text);
        }
        self.screen.answer(&text);
    }

    /// Draws the top of the page, and in the last line of the terminal how much is below and when we looked.
    fn draw(&self, lines: &[Line], (width, height): (usize, usize)) {
        let rows = |line: &Line| line.columns.div_ceil(width.max(1)).max(1);
        let (mut shown, mut taken) = (0, 0);
        for line in lines {
            if taken + rows(line) >= height {
                break;
            }
            taken += rows(line);
            shown += 1;
        }
        let below = match lines.len() - shown {
            0 => String::new(),
            1 => "1 more line below, ".to_owned(),
            n => format!("{n} more lines below, "),
        };
        let said = format!("{below}as of {}, Ctrl-C ends", clock::local_time(clock::now()));
        let mut text = format!("{}\x1b[H", self.other.enter());
        for line in &lines[..shown] {
            let _ = write!(text, "{}\x1b[K\r\n", line.text);
        }
        // The rest is empty but for the last line, whose last column stays free: nothing scrolls.
        let said = self.screen.paint(Paint::Dim, &cut(&said, width.saturating_sub(1)));
        let _ = write!(text, "\x1b[J\x1b[{height};1H{said}");
        self.screen.answer(&text);
    }
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        self.other.leave();
    }
}
