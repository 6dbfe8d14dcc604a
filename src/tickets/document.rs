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
    let mut text = given.map(|t| format!("\n    - {}", emit(&t))).collect::<String>();
    if text.is_empty() {
        text = format!("\n    - {DEFAULT_TOPIC}");
    }
    text
}
