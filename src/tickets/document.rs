//! Documents of a ticket: the head of an index, single fields, and new documents.

use super::front::{Front, KEYS};
use super::value::{emit, one_line};
use super::{TicketError, TicketResult};
use crate::model::slug_of;
use jiff::Timestamp;
use std::fmt::Write as _;

/// What the frontmatter of an index says; a field that is absent is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexHead {
    /// The ticket's id.
    pub ticket: String,
    /// Its title.
    pub title: String,
    /// Its status, a free word.
    pub status: String,
    /// Its topics.
    pub topics: Vec<String>,
    /// The kind of document; `index` marks a ticket.
    pub doc_type: String,
}

/// Reads the head of a document leniently: an odd field is empty, only a document without frontmatter is an error.
pub fn parse_index(bytes: &[u8]) -> TicketResult<IndexHead> {
    let front = Front::of_document(bytes)?;
    Ok(IndexHead {
        ticket: front.text("Ticket"),
        title: front.text("Title"),
        status: front.text("Status"),
        topics: front.list("Topics"),
        doc_type: front.text("DocType"),
    })
}

/// The document with one frontmatter field set to a text, every other byte as it was.
pub fn set_field(index: &[u8], key: &str, value: &str) -> TicketResult<Vec<u8>> {
    let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !is_key {
        return Err(TicketError::field(key, "it is not the name of a field"));
    }
    Front::of_document(index)?.with_scalar(key, value)
}

/// A reference document that is to be.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// The ticket's id, as its index has it.
    pub ticket: &'a str,
    /// The document's title.
    pub title: &'a str,
    /// The ticket's topics.
    pub topics: &'a [String],
    /// One line on what it holds.
    pub summary: &'a str,
    /// Its text, Markdown.
    pub body: &'a str,
    /// When it is written.
    pub now: Timestamp,
}

/// The bytes of a reference document with all the frontmatter that docmgr asks for.
pub fn reference_document(reference: &Reference<'_>) -> Vec<u8> {
    let head = NewHead {
        title: reference.title,
        ticket: reference.ticket,
        topics: reference.topics,
        doc_type: "reference",
        summary: reference.summary,
        now: reference.now,
    };
    let body = reference.body.trim();
    format!("{}\n# {}\n\n{body}\n", head.to_text(), one_line(reference.title)).into_bytes()
}

/// A document with its frontmatter as it is and another text below: the title as a heading, and `body`.
pub(super) fn with_body(document: &[u8], title: &str, body: &str) -> TicketResult<Vec<u8>> {
    let front = Front::of_document(document)?;
    let (eol, body) = (front.eol, body.trim());
    let text = format!("\n# {}\n\n{body}\n", one_line(title)).replace("\r\n", "\n").replace('\n', eol);
    Ok([front.head(), text.as_bytes()].concat())
}

/// The name of a new document in a directory that holds `existing`: `NN-<slug>.md`, NN one above the highest there.
pub fn reference_name(existing: &[String], title: &str) -> String {
    let number = |name: &String| {
        let digits = name.split('-').next().filter(|d| matches!(d.len(), 2 | 3))?;
        digits.parse::<u32>().ok()
    };
    let next = existing.iter().filter_map(number).max().unwrap_or(0) + 1;
    format!("{next:02}-{}.md", slug_of(title).unwrap_or_else(|| "document".to_owned()))
}

/// The topic of a ticket to which nobody gave one; docmgr warns of a ticket without.
pub(super) const DEFAULT_TOPIC: &str = "general";

/// The frontmatter of a new document.
pub(super) struct NewHead<'a> {
    pub title: &'a str,
    pub ticket: &'a str,
    pub topics: &'a [String],
    pub doc_type: &'a str,
    pub summary: &'a str,
    pub now: Timestamp,
}

impl NewHead<'_> {
    /// All keys in docmgr's order, between the fences, each on one line.
    pub fn to_text(&self) -> String {
        let mut text = "---\n".to_owned();
        for key in KEYS {
            let value = match key {
                "Title" => emit(self.title),
                "Ticket" => emit(self.ticket),
                "Status" => "active".to_owned(),
                "Topics" => items(self.topics),
                "DocType" => self.doc_type.to_owned(),
                "Intent" => "long-term".to_owned(),
                "Summary" => emit(self.summary),
                "LastUpdated" => self.now.to_string(),
                "WhatFor" | "WhenToUse" => "\"\"".to_owned(),
                _ => "[]".to_owned(),
            };
            let gap = if value.starts_with('\n') { "" } else { " " };
            let _ = writeln!(text, "{key}:{gap}{value}");
        }
        text + "---\n"
    }
}

fn items(topics: &[String]) -> String {
    let given = topics.iter().map(|t| one_line(t)).filter(|t| !t.is_empty());
    let mut text = given.fold(String::new(), |text, topic| text + "\n    - " + &emit(&topic));
    if text.is_empty() {
        text = format!("\n    - {DEFAULT_TOPIC}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &[u8] = include_bytes!("../../fixtures/tickets/odd-index.md");

    fn set(source: &str, key: &str, value: &str) -> String {
        let bytes = set_field(source.as_bytes(), key, value).expect("the field can be set");
        String::from_utf8(bytes).expect("text stays text")
    }

    #[test]
    fn an_odd_index_is_read() {
        let head = parse_index(ODD).expect("it has frontmatter");
        assert_eq!(head.ticket, "ODD-1");
        assert_eq!(head.title, "Login: the \"second\" try");
        assert_eq!(head.status, "active");
        assert_eq!(head.topics, ["core", "c, l i", "it's"]);
        assert_eq!(head.doc_type, "index");
    }

    #[test]
    fn a_scalar_where_a_list_belongs_is_a_list() {
        let head = parse_index(b"---\nTopics: core, cli\n---\n").expect("frontmatter");
        assert_eq!(head.topics, ["core", "cli"]);
    }

    #[test]
    fn frontmatter_is_found_behind_a_byte_order_mark_and_with_any_line_ending() {
        let head = parse_index(b"\xef\xbb\xbf---\r\nTicket: A\r\nStatus: x\r\n---\r\n").expect("frontmatter");
        assert_eq!((head.ticket.as_str(), head.status.as_str()), ("A", "x"));
        for none in ["", "# Title\n", "---\nTicket: A\n", "--- \n"] {
            assert!(parse_index(none.as_bytes()).is_err(), "{none:?}");
        }
    }

    #[test]
    fn a_line_of_64_kib_and_bytes_that_are_no_text_do_not_matter() {
        let mut bytes = b"---\nTicket: A\nSummary: ".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 64 << 10));
        bytes.extend_from_slice(b"\nTitle: a\xffb # c\nStatus: x\n---\n\xff");
        let head = parse_index(&bytes).expect("frontmatter");
        assert_eq!((head.ticket.as_str(), head.title.as_str()), ("A", "a\u{fffd}b # c"));
        let edited = set_field(&bytes, "Status", "complete").expect("edit");
        assert_eq!(edited.len(), bytes.len() + "complete".len() - 1);
        assert!(edited.ends_with(b"\nStatus: complete\n---\n\xff"));
    }

    #[test]
    fn only_the_line_of_a_field_changes() {
        let cases = [
            ("Status: active", "Status: done"),
            ("Status:", "Status: done"),
            ("Status:   active  ", "Status:   done  "),
            ("Status: active # why", "Status: 'done' # why"),
            ("Status: # why", "Status: 'done' # why"),
            ("Status: 'active'\t# why", "Status: 'done'\t# why"),
            ("\"Status\" : active", "\"Status\" : done"),
            ("Status:\n    active", "Status: done"),
            ("Status: >\n    active\n    # text", "Status: done"),
            ("Status: 'act\n    ive'", "Status: done"),
            ("Status: active\n  # a remark", "Status: done\n  # a remark"),
            ("Status: done # as it was", "Status: done # as it was"),
        ];
        for (before, after) in cases {
            let whole =
                |line: &str| format!("---\nTicket: A\n{line}\n# between\nOther: 1\n---\nStatus: body\n");
            assert_eq!(set(&whole(before), "Status", "done"), whole(after), "{before:?}");
        }
    }

    #[test]
    fn a_missing_field_gets_a_line_in_docmgrs_order() {
        let before = "---\r\nTitle: A\r\nTopics:\r\n    - a\r\nOther: 1\r\n---\r\n";
        assert_eq!(
            set(before, "DocType", "index"),
            "---\r\nTitle: A\r\nTopics:\r\n    - a\r\nDocType: index\r\nOther: 1\r\n---\r\n"
        );
        assert_eq!(set("---\nOther: 1\n---\n", "Title", "a: b"), "---\nTitle: 'a: b'\nOther: 1\n---\n");
        assert_eq!(set("---\nOther: 1\n---\n", "Mine", "x"), "---\nOther: 1\nMine: x\n---\n");
    }

    #[test]
    fn a_field_that_is_no_single_text_is_left_alone() {
        for source in ["Status: [a]", "Status:\n    - a", "Status:\n    a: b", "Status: a\nStatus: b"] {
            let whole = format!("---\n{source}\n---\n");
            assert!(set_field(whole.as_bytes(), "Status", "x").is_err(), "{source:?}");
        }
        assert!(set_field(b"---\n---\n", "a: b\nc", "x").is_err());
    }

    #[test]
    fn a_reference_has_all_keys_in_order() {
        let now = "2026-07-08T12:00:00Z".parse().expect("a time");
        let topics = ["core".to_owned()];
        let reference = Reference {
            ticket: "A-1",
            title: "Feedback: 1",
            topics: &topics,
            summary: "",
            body: "Do\n",
            now,
        };
        let text = String::from_utf8(reference_document(&reference)).expect("text");
        assert_eq!(
            text,
            "---\nTitle: 'Feedback: 1'\nTicket: A-1\nStatus: active\nTopics:\n    - core\nDocType: reference\n\
             Intent: long-term\nOwners: []\nRelatedFiles: []\nExternalSources: []\nSummary: \"\"\n\
             LastUpdated: 2026-07-08T12:00:00Z\nWhatFor: \"\"\nWhenToUse: \"\"\n---\n\n# Feedback: 1\n\nDo\n"
        );
    }

    #[test]
    fn a_reference_takes_the_next_number() {
        let names = ["01-a.md", "README.md", "007-b.md", "2026-c.md", "x"].map(str::to_owned);
        assert_eq!(reference_name(&names, "Operator feedback"), "08-operator-feedback.md");
        assert_eq!(reference_name(&[], "日本"), "01-document.md");
        assert_eq!(reference_name(&["99-a.md".to_owned()], "b"), "100-b.md");
    }
}
