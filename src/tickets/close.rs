//! Closing a ticket: pure edits of its index and changelog.

use super::TicketResult;
use super::document::{parse_index, set_field};
use super::front::line_ending;
use super::value::one_line;
use crate::sys::clock;
use jiff::Timestamp;
use std::fmt::Write as _;

const COMPLETE: &str = "complete";

/// The bytes of a ticket's documents after its close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// `index.md`.
    pub index: Vec<u8>,
    /// `changelog.md`.
    pub changelog: Vec<u8>,
    /// Whether the ticket was closed before; then the bytes are those given.
    pub already: bool,
}

/// Whether a status says that nothing is left to do.
pub(super) fn is_end(status: &str) -> bool {
    [COMPLETE, "archived"].iter().any(|end| status.eq_ignore_ascii_case(end))
}

/// The ticket's documents with its status set to `complete` and an entry at the end of its changelog, every other
/// byte as it was. `title` stands in the entry's heading, `entry` is its Markdown text.
pub fn closed_bytes(
    index: &[u8],
    changelog: Option<&[u8]>,
    entry: &str,
    title: &str,
    now: Timestamp,
) -> TicketResult<Closing> {
    let before = changelog.unwrap_or_default();
    if is_end(&parse_index(index)?.status) {
        return Ok(Closing { index: index.to_vec(), changelog: before.to_vec(), already: true });
    }
    let index = set_field(index, "Status", COMPLETE)?;
    let index = set_field(&index, "LastUpdated", &now.to_string())?;
    Ok(Closing { index, changelog: with_entry(before, entry, title, now), already: false })
}

fn with_entry(before: &[u8], entry: &str, title: &str, now: Timestamp) -> Vec<u8> {
    let eol = line_ending(before);
    let mut text = String::new();
    if before.trim_ascii().is_empty() {
        text.push_str("# Changelog\n\n");
    } else if !before.ends_with(b"\n") {
        text.push_str("\n\n");
    } else if !before.ends_with(b"\n\n") && !before.ends_with(b"\n\r\n") {
        text.push('\n');
    }
    let title = one_line(title);
    let dash = if title.is_empty() { "" } else { " - " };
    let _ = write!(text, "## {}{dash}{title}\n\n", clock::local_date(now));
    let entry = if entry.trim().is_empty() { "Ticket closed" } else { entry.trim() };
    for line in entry.lines() {
        // A heading in the entry would start an entry of its own.
        let indent = line.len() - line.trim_start().len();
        let escape = if line[indent..].starts_with('#') { "\\" } else { "" };
        let _ = writeln!(text, "{}{escape}{}", &line[..indent], line[indent..].trim_end());
    }
    [before, text.replace('\n', eol).as_bytes()].concat()
}
