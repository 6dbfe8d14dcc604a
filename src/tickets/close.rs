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
    text.push_str(&quiet_headings(entry));
    [before, text.replace('\n', eol).as_bytes()].concat()
}

/// The text of an entry: a heading in it would start an entry of its own.
pub(super) fn quiet_headings(entry: &str) -> String {
    let mut text = String::new();
    for line in entry.trim().lines() {
        let indent = line.len() - line.trim_start().len();
        let escape = if line[indent..].starts_with('#') { "\\" } else { "" };
        let _ = writeln!(text, "{}{escape}{}", &line[..indent], line[indent..].trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = include_str!("../../fixtures/tickets/odd-index.md");
    const CLOSED: &str = include_str!("../../fixtures/tickets/odd-index.closed.md");

    fn noon() -> Timestamp {
        "2026-07-08T12:00:00Z".parse().expect("a time")
    }

    fn day() -> String {
        clock::local_date(noon())
    }

    fn closed(index: &[u8], changelog: Option<&[u8]>) -> Closing {
        closed_bytes(index, changelog, "Merged.\n# not a heading", "Closed", noon()).expect("it closes")
    }

    #[test]
    fn closing_changes_two_lines_and_nothing_else() {
        let closing = closed(ODD.as_bytes(), None);
        assert!(!closing.already);
        assert_eq!(String::from_utf8(closing.index).expect("text"), CLOSED);
        assert_eq!(
            String::from_utf8(closing.changelog).expect("text"),
            format!("# Changelog\n\n## {} - Closed\n\nMerged.\n\\# not a heading\n", day())
        );
    }

    #[test]
    fn closing_keeps_a_byte_order_mark_and_line_endings() {
        let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let closing = closed(windows(ODD).as_bytes(), Some(b"# Changelog\r\n\r\n## 2026-07-01\r\n\r\na"));
        assert_eq!(String::from_utf8(closing.index).expect("text"), windows(CLOSED));
        let changelog = String::from_utf8(closing.changelog).expect("text");
        assert_eq!(changelog.matches('\n').count(), changelog.matches("\r\n").count());
        assert!(changelog.contains(&format!("\r\n\r\na\r\n\r\n## {} - Closed\r\n\r\nMerged.\r\n", day())));
    }

    #[test]
    fn closing_twice_changes_nothing() {
        let first = closed(ODD.as_bytes(), Some(b"# Changelog\n"));
        let second = closed(&first.index, Some(&first.changelog));
        assert!(second.already);
        assert_eq!((second.index, second.changelog), (first.index, first.changelog));
        assert!(closed(b"---\nStatus: Archived\n---\n", None).already);
    }

    #[test]
    fn a_missing_status_is_inserted() {
        let closing = closed(b"---\nTicket: A\n---\n", None);
        let want = b"---\nTicket: A\nStatus: complete\nLastUpdated: 2026-07-08T12:00:00Z\n---\n";
        assert_eq!(closing.index, want);
    }

    #[test]
    fn entries_are_one_blank_line_apart() {
        for before in ["# Changelog\n\nold", "# Changelog\n\nold\n", "# Changelog\n\nold\n\n"] {
            let text = String::from_utf8(closed(ODD.as_bytes(), Some(before.as_bytes())).changelog);
            assert!(text.expect("text").starts_with("# Changelog\n\nold\n\n## "), "{before:?}");
        }
    }
}
