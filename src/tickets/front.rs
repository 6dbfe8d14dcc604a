//! The frontmatter of a document as lines: where each key stands, and edits that touch nothing else.

use super::value::{self, Value};
use super::{TicketError, TicketResult};
use std::borrow::Cow;
use std::ops::Range;

/// The keys of a document in the order docmgr writes them.
pub(super) const KEYS: [&str; 13] = [
    "Title",
    "Ticket",
    "Status",
    "Topics",
    "DocType",
    "Intent",
    "Owners",
    "RelatedFiles",
    "ExternalSources",
    "Summary",
    "LastUpdated",
    "WhatFor",
    "WhenToUse",
];

const BOM: &[u8] = b"\xef\xbb\xbf";

/// One key of the top level, with the bytes that belong to it.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key without quotes.
    pub key: String,
    /// From behind the colon to the end of the line's text.
    first: Range<usize>,
    /// The continuation lines, from the end of the key's line to the end of the last of them.
    pub more: Range<usize>,
}

/// A document whose top-level keys have been located.
#[derive(Debug)]
pub(super) struct Front<'a> {
    /// The whole document.
    pub bytes: &'a [u8],
    /// The keys, in their order.
    pub entries: Vec<Entry>,
    /// Where a first key can stand: behind the opening fence, and behind lines that belong to no key.
    start: usize,
    /// Where the closing fence starts.
    end: usize,
    /// The line ending of the document.
    pub eol: &'static str,
}

/// A line with its ending, and its text without.
struct Line {
    all: Range<usize>,
    text: Range<usize>,
}

fn lines(bytes: &[u8], from: usize) -> impl Iterator<Item = Line> + '_ {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let start = at;
        let newline = bytes[start..].iter().position(|&b| b == b'\n');
        at = newline.map_or(bytes.len(), |n| start + n + 1);
        let mut end = newline.map_or(bytes.len(), |n| start + n);
        if newline.is_some() && end > start && bytes[end - 1] == b'\r' {
            end -= 1;
        }
        Some(Line { all: start..at, text: start..end })
    })
}

fn is_fence(text: &[u8]) -> bool {
    text.trim_ascii_end() == b"---"
}

/// The line ending that the first line of a text has.
pub(super) fn line_ending(bytes: &[u8]) -> &'static str {
    match bytes.iter().position(|&b| b == b'\n') {
        Some(at) if at > 0 && bytes[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

impl<'a> Front<'a> {
    /// Locates the frontmatter of a document: a first line `---` (behind a byte order mark, if there is one), and
    /// a closing one.
    pub fn of_document(bytes: &'a [u8]) -> TicketResult<Self> {
        let from = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        let open = lines(bytes, from).next().filter(|l| is_fence(&bytes[l.text.clone()]));
        let Some(open) = open else {
            return Err(TicketError::frontmatter("the first line is not '---'"));
        };
        let close = lines(bytes, open.all.end).find(|l| is_fence(&bytes[l.text.clone()]));
        let Some(close) = close else {
            return Err(TicketError::frontmatter("there is no closing '---'"));
        };
        Ok(Self::scan(bytes, open.all.end, close.all.start))
    }

    /// Locates the keys of a file that is YAML throughout; only its first document counts.
    pub fn of_yaml(bytes: &'a [u8]) -> Self {
        let mut start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        if let Some(first) = lines(bytes, start).next().filter(|l| is_fence(&bytes[l.text.clone()])) {
            start = first.all.end;
        }
        let end = lines(bytes, start).find(|l| is_fence(&bytes[l.text.clone()]));
        Self::scan(bytes, start, end.map_or(bytes.len(), |l| l.all.start))
    }

    fn scan(bytes: &'a [u8], start: usize, end: usize) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut start_of_keys = start;
        for line in lines(&bytes[..end], start) {
            let text = &bytes[line.text.clone()];
            let Some(&first) = text.first() else { continue };
            if text.trim_ascii().is_empty() || first == b'#' {
                continue;
            }
            if let Some((key, colon)) = key_of(text) {
                let from = line.text.start + colon + 1;
                entries.push(Entry { key, first: from..line.text.end, more: line.all.end..line.all.end });
            } else if let Some(last) = entries.last_mut() {
                last.more.end = line.all.end;
            } else {
                // What belongs to no key must not come to belong to one that is put in front of it.
                start_of_keys = line.all.end;
            }
        }
        Self { bytes, entries, start: start_of_keys, end, eol: line_ending(bytes) }
    }

    /// Everything up to the end of the closing fence's line.
    pub fn head(&self) -> &'a [u8] {
        let close = lines(self.bytes, self.end).next();
        &self.bytes[..close.map_or(self.bytes.len(), |line| line.all.end)]
    }

    /// The first entry of a key.
    pub fn find(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// What an entry holds.
    pub fn value(&self, entry: &Entry) -> Value {
        let first = self.first(entry);
        let more: Vec<Cow<'_, str>> = lines(&self.bytes[..entry.more.end], entry.more.start)
            .map(|l| String::from_utf8_lossy(&self.bytes[l.text]))
            .collect();
        value::read(&entry.key, &first, &more.iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }

    fn first(&self, entry: &Entry) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[entry.first.clone()])
    }

    /// A scalar on one line; empty where the key is absent or holds none.
    pub fn text(&self, key: &str) -> String {
        match self.find(key).map(|e| self.value(e)) {
            Some(Value::Text(text)) => value::one_line(&text),
            _ => String::new(),
        }
    }

    /// A sequence; a scalar counts as its words between commas.
    pub fn list(&self, key: &str) -> Vec<String> {
        let items = match self.find(key).map(|e| self.value(e)) {
            Some(Value::List(items)) => items,
            Some(Value::Text(text)) => text.split(',').map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        items.iter().map(|i| value::one_line(i)).filter(|i| !i.is_empty()).collect()
    }

    /// The document with one scalar set: the key's line is edited, a missing key gets a line where docmgr would
    /// have put it. A comment behind the value stays; the value is then quoted, because docmgr takes a comment
    /// behind a plain value for a part of it.
    pub fn with_scalar(&self, key: &str, text: &str) -> TicketResult<Vec<u8>> {
        let emitted = if key == "LastUpdated" { text.to_owned() } else { value::emit(text) };
        let mut same = self.entries.iter().filter(|e| e.key == key);
        let Some(entry) = same.next() else { return Ok(self.with_line(key, &emitted)) };
        if same.next().is_some() {
            return Err(TicketError::field(key, "it stands there more than once"));
        }
        match self.value(entry) {
            Value::Text(now) if now == value::one_line(text) => return Ok(self.bytes.to_vec()),
            Value::Text(_) => {}
            _ => return Err(TicketError::field(key, "it holds a list or a mapping, not a text")),
        }
        let first = self.first(entry);
        let line = &self.bytes[entry.first.clone()];
        // Offsets into lossy text are offsets into the bytes only where nothing was replaced.
        let comment = matches!(first, Cow::Borrowed(_)).then(|| value::comment_at(key, &first)).flatten();
        let is_bare = !emitted.starts_with(['"', '\'']);
        let new = if comment.is_some() && is_bare { value::in_quotes(&emitted) } else { emitted };
        let value_end = line[..comment.unwrap_or(line.len())].trim_ascii_end().len();
        let lead = (line.len() - line.trim_ascii_start().len()).min(value_end);
        let gap: &[u8] = if lead == 0 { b" " } else { &line[..lead] };
        Ok([
            &self.bytes[..entry.first.start],
            gap,
            new.as_bytes(),
            &line[value_end..],
            &self.bytes[entry.first.end..entry.more.start],
            &self.comments_below(entry, &first),
            &self.bytes[entry.more.end..],
        ]
        .concat())
    }

    /// The continuation lines of a scalar that are no part of its value.
    fn comments_below(&self, entry: &Entry, first: &str) -> Vec<u8> {
        if value::spans_lines(first) {
            return Vec::new();
        }
        let below = lines(&self.bytes[..entry.more.end], entry.more.start);
        let kept = below
            .filter(|l| value::is_comment_or_blank(&String::from_utf8_lossy(&self.bytes[l.text.clone()])));
        kept.flat_map(|l| &self.bytes[l.all]).copied().collect()
    }

    fn with_line(&self, key: &str, emitted: &str) -> Vec<u8> {
        let rank = |key: &str| KEYS.iter().position(|k| *k == key);
        let at = rank(key).map_or(self.end, |own| {
            let before = self.entries.iter().filter(|e| rank(&e.key).is_some_and(|r| r < own));
            before.map(|e| e.more.end).max().unwrap_or(self.start)
        });
        let line = format!("{key}: {emitted}{}", self.eol);
        [&self.bytes[..at], line.as_bytes(), &self.bytes[at..]].concat()
    }
}

/// The key that a line of the top level starts with, and where its colon stands.
fn key_of(text: &[u8]) -> Option<(String, usize)> {
    if matches!(text.first()?, b' ' | b'\t' | b'-' | b'#' | b'[' | b']' | b'{' | b'}' | b',' | b'|' | b'>') {
        return None;
    }
    let ends_key = |at: usize| matches!(text.get(at + 1), None | Some(b' ' | b'\t'));
    let colon = (0..text.len()).find(|&at| text[at] == b':' && ends_key(at))?;
    let key = String::from_utf8_lossy(&text[..colon]);
    Some((key.trim().trim_matches(['"', '\'']).to_owned(), colon))
}
