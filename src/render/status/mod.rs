//! What `status` says: what needs a person first, then everything that is going on.

mod changes;
mod health;
mod json;
mod page;
mod run;
mod watch;

pub use json::status_mark;
pub use page::status_lines;
pub use watch::{Frames, OtherScreen};

use super::screen::Screen;
use crate::service::StatusReport;
use crate::sys::{clock, term};

/// Shows one run in full, or all open ones.
pub fn status(screen: &Screen, report: &StatusReport) {
    if screen.json {
        screen.answer_json(json::report_json(report));
        return;
    }
    let width = term::stdout_size().map(|(columns, _)| columns).filter(|_| !screen.is_keeping());
    let mut text = String::new();
    for line in status_lines(screen, report, width, clock::now()) {
        text.push_str(&line.text);
        text.push('\n');
    }
    screen.answer(&text);
}
