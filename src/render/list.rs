//! What `list` says: runs as they come, because there may be a hundred thousand.

use super::escape::{escape, escape_json};
use super::json::run_json;
use super::screen::{Paint, Screen};
use crate::model::{Run, TicketId};
use crate::store::Summary;
use serde_json::json;
use std::fmt::Write as _;

/// Bytes that are gathered before they are written.
const PIECE: usize = 1 << 16;

/// What stands before the first run; [`Screen::answer_json`] writes whole objects the same way.
const RUNS: &str = "{\"schema\":1,\"runs\":[";

/// Which runs were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The open ones.
    Open,
    /// All.
    All,
    /// Those of a ticket or in a state.
    Some,
}

/// A list of runs under way to standard output.
pub struct Listing<'a> {
    screen: &'a Screen,
    text: String,
    /// Whether a run was added.
    any: bool,
    /// What is said where there is none.
    none: &'static str,
}

impl<'a> Listing<'a> {
    /// A list without runs. Nothing is written before the first piece is full.
    pub fn new(screen: &'a Screen, asked: Which) -> Self {
        let none = match asked {
            Which::Open => "No open runs; 'git metawsm list --all' shows those that are over, too.\n",
            Which::All => "No runs.\n",
            Which::Some => "No such runs.\n",
        };
        Self { screen, text: String::new(), any: false, none }
    }

    /// Adds the next run as a line for people.
    pub fn add(&mut self, run: &Summary) {
        if self.screen.is_closed() {
            return;
        }
        let tickets: Vec<_> = run.tickets.iter().map(TicketId::as_str).collect();
        let _ = writeln!(
            self.text,
            "{}  {:<17}  {}  {}",
            self.screen.paint(Paint::Bold, run.id.as_str()),
            run.state.as_str(),
            tickets.join(","),
            escape(&run.title)
        );
        self.added();
    }

    /// Adds the next run as an object for programs.
    pub fn add_whole(&mut self, run: &Run) {
        if self.screen.is_closed() {
            return;
        }
        self.text.push_str(if self.any { "," } else { RUNS });
        self.text.push_str(&escape_json(&run_json(run).to_string()));
        self.added();
    }

    fn added(&mut self) {
        self.any = true;
        if self.text.len() >= PIECE {
            self.screen.answer(&self.text);
            self.text.clear();
        }
    }

    /// Ends the list with the records that cannot be read.
    pub fn end(mut self, broken: &[String]) {
        if self.screen.json {
            let begin = if self.any { "" } else { RUNS };
            let broken = escape_json(&json!(broken).to_string());
            let _ = writeln!(self.text, "{begin}],\"broken\":{broken}}}");
        } else if !self.any {
            self.text.push_str(self.none);
        }
        self.screen.answer(&self.text);
        if !self.screen.json {
            let what = self.screen.paint_story(Paint::Warn, "unreadable:");
            for broken in broken {
                self.screen.complaint(&format!("{what} {}", escape(broken)));
            }
        }
    }
}
