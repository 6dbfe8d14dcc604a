//! The journal of a run: what happened, when, by whom. Append only, one JSON object a line, each line carrying
//! the hash of the line before it, so that an edit of an earlier line shows.
//!
//! What a kill leaves behind: a last line that is incomplete. It was never acknowledged. The next writer copies
//! it to `journal.torn`, cuts it off, and goes on after the last whole line.

use super::{StoreError, StoreResult};
use crate::model::{RunState, sha256_hex};
use crate::sys::{clock, files};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The journal's file in a run's directory.
pub(super) const FILE: &str = "journal.jsonl";
/// Where incomplete last lines are kept.
pub(super) const TORN: &str = "journal.torn";
/// The event of a journal's first line.
pub(super) const CREATED: &str = "created";

/// One line of a journal. Field order is the order in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The line's number, from 1.
    pub seq: u64,
    /// When it happened.
    pub at: jiff::Timestamp,
    /// Who did it.
    pub actor: String,
    /// What happened, one word such as `state`, `merged`, `waived`.
    pub event: String,
    /// What a person should know of it.
    pub text: String,
    /// The state that the run took, where the line tells of a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// SHA-256 of the line before, without its line feed; 64 zeros in the first line.
    pub prev: String,
}

/// Whether the lines of a journal are the ones that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Every line follows from the one before it.
    Whole,
    /// There is no journal, though every run has one.
    Missing,
    /// The line of this number (from 1) does not follow from the one before it: one of the two was changed, or
    /// lines between them were removed.
    BrokenAt(usize),
    /// The last line is incomplete: a writer was killed, or is writing just now.
    TornTail,
}

/// A journal as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// The lines that could be read, oldest first.
    pub entries: Vec<JournalEntry>,
    /// Whether they are the ones that were written.
    pub chain: Chain,
}

/// Where the next line goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    /// Bytes up to the end of the last whole line.
    length: u64,
    /// Number of the last line.
    seq: u64,
    /// Hash of the last line.
    hash: String,
}

impl End {
    fn start() -> Self {
        Self { length: 0, seq: 0, hash: "0".repeat(64) }
    }

    /// The bytes of a line that goes here, and where the next one goes.
    fn with(&self, line: &Line<'_>, dir: &Path) -> StoreResult<(Vec<u8>, Self)> {
        let entry = JournalEntry {
            seq: self.seq + 1,
            at: line.at,
            actor: line.actor.to_owned(),
            event: line.event.to_owned(),
            text: line.text.to_owned(),
            state: line.state.map(|s| s.as_str().to_owned()),
            prev: self.hash.clone(),
        };
        let mut bytes = serde_json::to_vec(&entry)
            .map_err(|e| StoreError::Broken { path: dir.join(FILE), why: e.to_string() })?;
        let hash = sha256_hex(&bytes);
        bytes.push(b'\n');
        let end = Self { length: self.length + bytes.len() as u64, seq: entry.seq, hash };
        Ok((bytes, end))
    }
}

fn parse(bytes: &[u8]) -> (Journal, End) {
    let mut entries: Vec<JournalEntry> = Vec::new();
    let mut end = End::start();
    let mut broken = None;
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let mut torn = false;
    for (at, raw) in lines.iter().enumerate() {
        let whole = raw.strip_suffix(b"\n");
        let entry = whole.and_then(|line| serde_json::from_slice::<JournalEntry>(line).ok());
        // Only the last line can be torn. One that ends in a line feed and is still no object was written by a
        // file system that lost its middle; it was not acknowledged either.
        if entry.is_none() && at + 1 == lines.len() {
            torn = true;
            break;
        }
        let follows = entry
            .as_ref()
            .is_some_and(|e| e.seq == end.seq + 1 && e.prev == end.hash && (at > 0 || e.event == CREATED));
        if !follows && broken.is_none() {
            broken = Some(at + 1);
        }
        end.length += raw.len() as u64;
        end.seq = entry.as_ref().map_or(end.seq + 1, |e| e.seq);
        end.hash = sha256_hex(whole.unwrap_or(raw));
        entries.extend(entry);
    }
    let chain = match broken {
        Some(line) => Chain::BrokenAt(line),
        None if torn => Chain::TornTail,
        None => Chain::Whole,
    };
    (Journal { entries, chain }, end)
}

impl Journal {
    /// Reads a run's journal without a lock.
    pub(super) fn load(dir: &Path) -> StoreResult<Self> {
        match find_bytes(&dir.join(FILE))? {
            Some(bytes) => Ok(parse(&bytes).0),
            None => Ok(Self { entries: Vec::new(), chain: Chain::Missing }),
        }
    }

    /// The last line that tells of a state.
    pub fn last_state(&self) -> Option<&JournalEntry> {
        self.entries.iter().rev().find(|e| e.state.is_some())
    }
}

fn find_bytes(path: &Path) -> StoreResult<Option<Vec<u8>>> {
    match files::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.is_not_found() => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// What a new line says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub at: jiff::Timestamp,
    pub actor: &'a str,
    pub event: &'a str,
    pub text: &'a str,
    pub state: Option<RunState>,
}

impl<'a> Line<'a> {
    pub(super) fn now(actor: &'a str, event: &'a str, text: &'a str) -> Self {
        Self { at: clock::now(), actor, event, text, state: None }
    }
}

/// The journal as its one writer sees it. Exists below a hold only.
#[derive(Debug)]
pub(super) struct Writer {
    dir: PathBuf,
    end: End,
}

impl Writer {
    /// Opens a run's journal for writing: an incomplete last line is moved aside first.
    pub(super) fn open(dir: &Path) -> StoreResult<(Self, Journal)> {
        let bytes = find_bytes(&dir.join(FILE))?;
        let missing = bytes.is_none();
        let bytes = bytes.unwrap_or_default();
        let (mut journal, end) = parse(&bytes);
        let whole = usize::try_from(end.length).unwrap_or(bytes.len()).min(bytes.len());
        if whole < bytes.len() {
            let mut tail = bytes[whole..].to_vec();
            tail.push(b'\n');
            // Kept first, cut second: a kill in between keeps it twice and loses nothing.
            files::append_durable(&dir.join(TORN), &tail)?;
            files::truncate_durable(&dir.join(FILE), end.length)?;
        }
        if missing {
            journal.chain = Chain::Missing;
        }
        Ok((Self { dir: dir.to_owned(), end }, journal))
    }

    /// A new journal with these lines, in a directory that nobody else knows; durable when this returns.
    pub(super) fn written(dir: &Path, lines: &[Line<'_>]) -> StoreResult<Self> {
        let mut end = End::start();
        let mut bytes = Vec::new();
        for line in lines {
            let (text, next) = end.with(line, dir)?;
            bytes.extend(text);
            end = next;
        }
        files::append_durable(&dir.join(FILE), &bytes)?;
        Ok(Self { dir: dir.to_owned(), end })
    }

    /// The run's directory was moved.
    pub(super) fn follow(&mut self, dir: &Path) {
        dir.clone_into(&mut self.dir);
    }

    /// SHA-256 of the last line.
    pub(super) fn hash(&self) -> &str {
        &self.end.hash
    }

    /// Adds a line; when this returns, it survives a power cut.
    pub(super) fn append(&mut self, line: Line<'_>) -> StoreResult<()> {
        let path = self.dir.join(FILE);
        let length = std::fs::metadata(&path).map_or(0, |m| m.len());
        if length != self.end.length {
            // An append of ours failed half way (a full disk), or somebody else wrote: look again.
            let (writer, _) = Self::open(&self.dir)?;
            *self = writer;
        }
        let (bytes, end) = self.end.with(&line, &self.dir)?;
        files::append_durable(&path, &bytes)?;
        self.end = end;
        Ok(())
    }
}

/// SHA-256 of the last whole line, read without a lock; 64 zeros where there is none.
pub(super) fn last_hash(dir: &Path) -> StoreResult<String> {
    let bytes = find_bytes(&dir.join(FILE))?.unwrap_or_default();
    Ok(parse(&bytes).1.hash)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, run_id};
    use super::*;
    use std::fs;

    /// A run's directory with a journal of four lines, and the journal's bytes.
    fn four_lines(place: &Place) -> (PathBuf, Vec<u8>) {
        let mut hold = place.made("r1");
        for text in ["one", "two", "three"] {
            hold.note("note", text).expect("note");
        }
        let dir = hold.dir().to_owned();
        let bytes = fs::read(dir.join(FILE)).expect("journal");
        (dir, bytes)
    }

    fn texts(journal: &Journal) -> Vec<&str> {
        journal.entries.iter().skip(1).map(|e| e.text.as_str()).collect()
    }

    #[test]
    fn every_line_carries_the_hash_of_the_line_before() {
        let place = Place::new();
        let (_, bytes) = four_lines(&place);
        let journal = place.store().journal(&run_id("r1")).expect("journal");
        assert_eq!(journal.chain, Chain::Whole);
        assert_eq!(texts(&journal), ["one", "two", "three"]);
        let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        assert_eq!(journal.entries[0].prev, "0".repeat(64));
        for (n, entry) in journal.entries.iter().enumerate().skip(1) {
            assert_eq!(entry.prev, sha256_hex(lines[n - 1]), "line {}", n + 1);
            assert_eq!(entry.seq, n as u64 + 1);
        }
        assert_eq!(place.held("r1").journal_hash(), sha256_hex(lines[3]));
    }

    #[test]
    fn a_journal_torn_at_any_byte_keeps_every_line_before_and_what_is_left_of_the_last() {
        let place = Place::new();
        let (dir, bytes) = four_lines(&place);
        let last = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n').expect("lines") + 1;
        for cut in last + 1..bytes.len() {
            fs::write(dir.join(FILE), &bytes[..cut]).expect("tear");
            let _ = fs::remove_file(dir.join(TORN));
            let torn = place.store().journal(&run_id("r1")).expect("journal");
            assert_eq!((torn.chain, texts(&torn)), (Chain::TornTail, vec!["one", "two"]), "cut at {cut}");
            place.held("r1").note("note", "four").expect("note");
            let journal = place.store().journal(&run_id("r1")).expect("journal");
            assert_eq!((journal.chain, texts(&journal)), (Chain::Whole, vec!["one", "two", "four"]), "{cut}");
            let kept = fs::read(dir.join(TORN)).expect("the torn line is kept");
            assert_eq!(kept, [&bytes[last..cut], b"\n"].concat(), "cut at {cut}");
        }
    }

    #[test]
    fn a_line_that_the_disk_filled_with_zeros_is_torn_too() {
        let place = Place::new();
        let (dir, bytes) = four_lines(&place);
        for tail in [&b"\0\0\0\0"[..], b"\0\0\0\n"] {
            fs::write(dir.join(FILE), [&bytes[..], tail].concat()).expect("tear");
            place.held("r1").note("note", "four").expect("note");
            let journal = place.store().journal(&run_id("r1")).expect("journal");
            assert_eq!(journal.chain, Chain::Whole);
            assert_eq!(texts(&journal), ["one", "two", "three", "four"]);
        }
    }

    #[test]
    fn an_append_that_failed_half_way_does_not_spoil_the_next_one() {
        let place = Place::new();
        let mut hold = place.made("r1");
        let path = hold.dir().join(FILE);
        let whole = fs::read(&path).expect("journal");
        fs::write(&path, [&whole[..], b"{\"seq\":2,"].concat()).expect("half a line");
        hold.note("note", "one").expect("note");
        let journal = place.store().journal(&run_id("r1")).expect("journal");
        assert_eq!((journal.chain, texts(&journal)), (Chain::Whole, vec!["one"]));
    }

    #[test]
    fn an_edited_or_removed_line_shows_and_writing_goes_on() {
        let place = Place::new();
        let (dir, bytes) = four_lines(&place);
        let text = String::from_utf8(bytes).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        let edited = text.replacen("\"one\"", "\"0ne\"", 1);
        let without = |n: usize| {
            let kept = lines.iter().enumerate().filter(|(at, _)| *at != n).map(|(_, l)| format!("{l}\n"));
            kept.collect::<String>()
        };
        let garbled = text.replacen("{\"seq\":2", "\"seq\":2", 1);
        for (changed, broken) in [(edited, 3), (without(1), 2), (without(0), 1), (garbled, 2)] {
            fs::write(dir.join(FILE), &changed).expect("change");
            assert_eq!(place.store().journal(&run_id("r1")).expect("journal").chain, Chain::BrokenAt(broken));
            place.held("r1").note("note", "later").expect("note");
            let journal = place.store().journal(&run_id("r1")).expect("journal");
            assert_eq!(journal.chain, Chain::BrokenAt(broken), "it stays visible");
            assert_eq!(journal.entries.last().expect("a line").text, "later");
            assert!(
                fs::read_to_string(dir.join(FILE)).expect("journal").starts_with(&changed),
                "nothing is cut"
            );
        }
    }

    #[test]
    fn a_missing_journal_is_named() {
        let place = Place::new();
        let (dir, _) = four_lines(&place);
        fs::remove_file(dir.join(FILE)).expect("remove");
        assert_eq!(place.store().journal(&run_id("r1")).expect("journal").chain, Chain::Missing);
        drop(place.held("r1"));
        let journal = place.store().journal(&run_id("r1")).expect("journal");
        assert_eq!((journal.chain, journal.entries[0].event.as_str()), (Chain::BrokenAt(1), "recovered"));
    }
}
