//! What docmgr's servers answer, read leniently: unknown keys are passed over, what is not there is empty, `null`
//! stands for an empty list, and a number where a text belongs is that number's text. Only the list of tickets itself
//! must be one.

use crate::model::{TicketId, plain_line};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Characters of a title, a path or any other text that are kept.
const SHOWN: usize = 200;
/// Bytes that a ticket costs beside its texts, until it is merged with others.
const ENTRY: usize = 400;

/// How fresh a server's index is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freshness {
    /// The docs root that it serves.
    pub root: String,
    /// When it read that tree, as it says; RFC 3339.
    pub indexed_at: String,
    /// How many documents it read.
    pub docs_indexed: Option<u64>,
}

/// A ticket as a server describes it. All texts are foreign, but its id is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The id.
    pub ticket: TicketId,
    /// The title.
    pub title: String,
    /// The status, a free word.
    pub status: String,
    /// When it last changed, as the server says.
    pub updated: String,
}

/// The tickets of one server, page after page, within a share of memory.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Upper-case ids; empty for all.
    wanted: Vec<String>,
    /// Bytes that are left of the share.
    room: usize,
    /// The tickets since somebody took them.
    pub found: Vec<Found>,
    /// How many were left out because their ids are none.
    pub unusable: u64,
    /// How many were left out because the share was used up.
    pub left_out: u64,
}

impl Shelf {
    pub fn new(wanted: &[String], room: usize) -> Self {
        let wanted = wanted.iter().map(|id| id.to_ascii_uppercase()).collect();
        Self { wanted, room, ..Self::default() }
    }

    /// Whether another page would be of no use.
    pub fn is_full(&self) -> bool {
        self.left_out > 0
    }

    fn put(&mut self, item: Item) {
        let Ok(ticket) = TicketId::parse(item.ticket.trim()) else {
            self.unusable += 1;
            return;
        };
        if !self.wanted.is_empty() && !self.wanted.contains(&ticket.as_str().to_ascii_uppercase()) {
            return;
        }
        let cost = ENTRY + ticket.as_str().len() + item.title.len() + item.status.len() + item.updated.len();
        match self.room.checked_sub(cost) {
            Some(room) if self.left_out == 0 => {
                self.room = room;
                self.found.push(Found {
                    ticket,
                    title: item.title,
                    status: item.status,
                    updated: item.updated,
                });
            }
            _ => self.left_out += 1,
        }
    }
}

/// The answer about freshness, of a status or a refresh.
pub(super) fn freshness<'de, D: Deserializer<'de>>(from: D) -> Result<Freshness, D::Error> {
    from.deserialize_map(FreshnessVisitor)
}

struct FreshnessVisitor;

impl<'de> Visitor<'de> for FreshnessVisitor {
    type Value = Freshness;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that tells of an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Freshness, A::Error> {
        let mut fresh = Freshness::default();
        while let Some(key) = map.next_key::<Word>()? {
            let value = map.next_value::<Word>()?.0;
            match key.0.as_str() {
                "root" => fresh.root = value,
                "indexedAt" => fresh.indexed_at = value,
                "docsIndexed" => fresh.docs_indexed = value.parse().ok(),
                _ => {}
            }
        }
        Ok(fresh)
    }
}

/// What an error of docmgr's says, if it is one.
pub(super) fn complaint(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Wire {
        error: Inner,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Inner {
        code: Word,
        message: Word,
    }
    let Wire { error } = serde_json::from_slice(bytes).ok()?;
    let said: Vec<_> = [error.code.0, error.message.0].into_iter().filter(|word| !word.is_empty()).collect();
    (!said.is_empty()).then(|| said.join(": "))
}

/// Reads a page of tickets onto a shelf and gives the cursor of the next, empty at the end. What was read before an
/// error stays on the shelf.
pub(super) struct Page<'a>(pub &'a mut Shelf);

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of tickets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let (mut next, mut listed) = (Word::default(), false);
        while let Some(key) = map.next_key::<Word>()? {
            match key.0.as_str() {
                "results" => {
                    map.next_value_seed(Items(self.0))?;
                    listed = true;
                }
                "nextCursor" => next = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if listed { Ok(next.0) } else { Err(A::Error::custom("it holds no list of tickets")) }
    }
}

/// A list of tickets, or `null`.
struct Items<'a>(&'a mut Shelf);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tickets")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element::<Item>()? {
            self.0.put(item);
        }
        Ok(())
    }
}

/// One ticket as it comes; all empty where it is no object.
#[derive(Default)]
struct Item {
    ticket: String,
    title: String,
    status: String,
    updated: String,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a ticket")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = Item::default();
        while let Some(key) = map.next_key::<Word>()? {
            let place = match key.0.as_str() {
                "ticket" => &mut item.ticket,
                "title" => &mut item.title,
                "status" => &mut item.status,
                "updatedAt" => &mut item.updated,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = map.next_value::<Word>()?.0;
        }
        Ok(item)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Item, A::Error> {
        passed_over(list).map(|()| Item::default())
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Item, E> {
        Ok(Item::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Item, E> {
        Ok(Item::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Item, E> {
        Ok(Item::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Item, E> {
        Ok(Item::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Item, E> {
        Ok(Item::default())
    }
}

fn passed_over<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// A short text on one line, whatever stood there.
#[derive(Default)]
struct Word(String);

impl Word {
    fn of(text: &str) -> Self {
        let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
        Self(plain_line(&text[..end]).trim().to_owned())
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Word, E> {
        Ok(Word::of(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Word, E> {
        Ok(Word(flag.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Word, E> {
        Ok(Word::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Word, A::Error> {
        passed_over(list).map(|()| Word::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Word::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(text: &str, shelf: &mut Shelf) -> Result<String, serde_json::Error> {
        let mut from = serde_json::Deserializer::from_reader(text.as_bytes());
        let next = Page(shelf).deserialize(&mut from)?;
        from.end().map(|()| next)
    }

    fn all() -> Shelf {
        Shelf::new(&[], 1 << 20)
    }

    fn ids(shelf: &Shelf) -> Vec<&str> {
        shelf.found.iter().map(|found| found.ticket.as_str()).collect()
    }

    #[test]
    fn a_page_as_docmgr_writes_it_is_read() {
        let text = r#"{"query":{"q":"","topics":null,"pageSize":1000},"total":2,"results":[
            {"ticket":"MW-1","title":"One: a","status":"active","topics":["core"],"owners":null,"intent":"long-term",
             "createdAt":"2026-07-06","updatedAt":"2026-07-08T12:00:00.5Z","ticketDir":"2026/07/06/MW-1--one",
             "indexPath":"2026/07/06/MW-1--one/index.md","snippet":"","stats":null},
            {"ticket":"MW-2","title":"","status":"complete","topics":null,"updatedAt":"","stats":{"docsTotal":1}}
            ],"nextCursor":"eyJ2IjoxLCJvIjoyfQ"}"#;
        let mut shelf = all();
        assert_eq!(page(text, &mut shelf).expect("a page"), "eyJ2IjoxLCJvIjoyfQ");
        let first = &shelf.found[0];
        assert_eq!((first.title.as_str(), first.status.as_str()), ("One: a", "active"));
        assert_eq!((first.updated.as_str(), ids(&shelf)), ("2026-07-08T12:00:00.5Z", vec!["MW-1", "MW-2"]));
    }

    #[test]
    fn odd_answers_are_read_as_far_as_they_mean_something() {
        let cases: [(&str, &[&str], u64); 6] = [
            (r#"{"results":null}"#, &[], 0),
            (r#"{"results":[],"nextCursor":null,"new":[{"a":[1]}]}"#, &[], 0),
            (r#"{"results":[1,"x",null,[2],true,-1.5,{"ticket":"A"},{}]}"#, &["A"], 7),
            (r#"{"results":[{"ticket":5,"title":7.5,"status":true,"updatedAt":-3}]}"#, &["5"], 0),
            (r#"{"results":[{"ticket":{"a":1},"title":[1]},{"ticket":" B ","title":null}]}"#, &["B"], 1),
            (r#"{"results":[{"ticket":"../x"},{"ticket":"a b"},{"ticket":""}]}"#, &[], 3),
        ];
        for (text, found, unusable) in cases {
            let mut shelf = all();
            page(text, &mut shelf).expect("it is read");
            assert_eq!((ids(&shelf).as_slice(), shelf.unusable), (found, unusable), "{text}");
        }
        for bad in
            ["", "[]", "5", "{}", r#"{"results":{}}"#, r#"{"results":[]} x"#, "<html>", r#"{"results":"#]
        {
            assert!(page(bad, &mut all()).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn tickets_before_a_fault_are_kept() {
        let mut shelf = all();
        assert!(page(r#"{"results":[{"ticket":"A"},{"ticket":"B"},{"tick"#, &mut shelf).is_err());
        assert_eq!(ids(&shelf), ["A", "B"]);
    }

    #[test]
    fn texts_are_cut_and_lie_on_one_line() {
        let title = format!("a\\n\\u001b[31m{}", "ü".repeat(500));
        let mut shelf = all();
        page(&format!(r#"{{"results":[{{"ticket":"A","title":"{title}"}}]}}"#), &mut shelf).expect("a page");
        let title = &shelf.found[0].title;
        assert!(title.starts_with("a  [31mü") && title.chars().count() == SHOWN, "{title}");
    }

    #[test]
    fn a_share_of_memory_holds_only_what_fits_and_only_what_is_wanted() {
        let many: Vec<_> = (0..100).map(|n| format!(r#"{{"ticket":"T-{n}"}}"#)).collect();
        let text = format!(r#"{{"results":[{}],"nextCursor":"x"}}"#, many.join(","));
        let mut small = Shelf::new(&[], 10 * (ENTRY + 4));
        page(&text, &mut small).expect("a page");
        assert!(small.is_full() && small.found.len() == 10 && small.left_out == 90, "{small:?}");
        let mut one = Shelf::new(&["t-77".to_owned()], 1 << 10);
        page(&text, &mut one).expect("a page");
        assert_eq!((ids(&one), one.is_full()), (vec!["T-77"], false));
    }

    #[test]
    fn freshness_and_complaints_are_read() {
        let read = |text: &str| freshness(&mut serde_json::Deserializer::from_str(text));
        let full =
            read(r#"{"root":"/r/ttmp","indexedAt":"2026-07-08T12:00:00+02:00","docsIndexed":7,"x":null}"#);
        let expected = Freshness {
            root: "/r/ttmp".to_owned(),
            indexed_at: "2026-07-08T12:00:00+02:00".to_owned(),
            docs_indexed: Some(7),
        };
        assert_eq!(full.expect("an answer"), expected);
        assert_eq!(read(r#"{"docsIndexed":null}"#).expect("an answer"), Freshness::default());
        assert!(["7", "null", "[1,2,3]", "\"x\""].iter().all(|bad| read(bad).is_err()));
        let said = br#"{"error":{"code":"index_not_ready","message":"index not ready"}}"#;
        assert_eq!(complaint(said).as_deref(), Some("index_not_ready: index not ready"));
        assert_eq!(complaint(b"404 page not found\n"), None);
        assert_eq!(complaint(b"{}"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut shelf = all();
            let _ = Page(&mut shelf).deserialize(&mut serde_json::Deserializer::from_reader(bytes.as_slice()));
            let _ = complaint(&bytes);
        }
    }
}
