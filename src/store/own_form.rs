//! Reads records in the form in which this program writes them, several times faster than a reader of all TOML: of a
//! hundred thousand records nearly all are in it.
//!
//! One rule: what is read here, [`toml`] reads as the same. Whatever is not surely so (an escape we do not write, a
//! key we do not know, a table out of order, a mistake) is left to it, also to say what is wrong.

use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// The value of a text in our own form; `None` where it is not surely one.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let document = Document::of(text)?;
    let whole = Table { document: &document, sections: 0..document.sections.len(), depth: 0 };
    T::deserialize(whole).ok()
}

/// Not in our own form; why is of no account.
#[derive(Debug)]
struct Other;

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not in our own form")
    }
}

impl std::error::Error for Other {}

impl de::Error for Other {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A header and the lines below it, up to the next header; the first section has no header.
struct Section<'a> {
    path: Vec<&'a str>,
    is_element: bool,
    pairs: Range<usize>,
}

struct Document<'a> {
    sections: Vec<Section<'a>>,
    pairs: Vec<(&'a str, Value<'a>)>,
}

#[derive(Clone)]
enum Value<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Flag(bool),
    List(Vec<Cow<'a, str>>),
}

impl<'a> Document<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut document = Self { sections: Vec::with_capacity(24), pairs: Vec::with_capacity(96) };
        document.sections.push(Section { path: Vec::new(), is_element: false, pairs: 0..0 });
        let mut rest = text;
        while !rest.is_empty() {
            rest = match rest.as_bytes()[0] {
                b'\n' => &rest[1..],
                b'[' => document.header(rest)?,
                _ => document.pair(rest)?,
            };
        }
        document.end_section();
        Some(document)
    }

    fn end_section(&mut self) {
        let end = self.pairs.len();
        if let Some(section) = self.sections.last_mut() {
            section.pairs.end = end;
        }
    }

    /// Reads `[a.b]` or `[[a.b]]` and the end of its line.
    fn header(&mut self, text: &'a str) -> Option<&'a str> {
        let (line, rest) = text.split_once('\n')?;
        let inner = line.strip_prefix("[[").and_then(|line| line.strip_suffix("]]"));
        let is_element = inner.is_some();
        let name = inner.or_else(|| line.strip_prefix('[')?.strip_suffix(']'))?;
        let path: Vec<_> = name.split('.').collect();
        if !path.iter().all(|part| is_bare(part)) {
            return None;
        }
        self.end_section();
        let begin = self.pairs.len();
        self.sections.push(Section { path, is_element, pairs: begin..begin });
        Some(rest)
    }

    /// Reads `key = value` and the end of its line.
    fn pair(&mut self, text: &'a str) -> Option<&'a str> {
        let (key, rest) = text.split_once(" = ")?;
        if !is_bare(key) {
            return None;
        }
        let (value, rest) = value(rest)?;
        self.pairs.push((key, value));
        rest.strip_prefix('\n')
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn value(text: &str) -> Option<(Value<'_>, &str)> {
    match text.as_bytes().first()? {
        b'"' | b'\'' => string(text).map(|(string, rest)| (Value::Text(string), rest)),
        b'[' => list(&text[1..]),
        b't' => Some((Value::Flag(true), text.strip_prefix("true")?)),
        b'f' => Some((Value::Flag(false), text.strip_prefix("false")?)),
        _ => number(text),
    }
}

/// A whole number as we write it: decimal, without sign, leading zeros or marks between digits.
fn number(text: &str) -> Option<(Value<'_>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 18 || digits > 1 && text.starts_with('0') {
        return None;
    }
    Some((Value::Number(text[..digits].parse().ok()?), &text[digits..]))
}

/// A list of texts, on one line or with one on each.
fn list(text: &str) -> Option<(Value<'_>, &str)> {
    let mut list = Vec::new();
    let mut rest = text.trim_start_matches(['\n', ' ']);
    loop {
        if let Some(rest) = rest.strip_prefix(']') {
            return Some((Value::List(list), rest));
        }
        let (item, after) = string(rest)?;
        list.push(item);
        let after = after.trim_start_matches(['\n', ' ']);
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start_matches(['\n', ' ']),
            None if after.starts_with(']') => after,
            None => return None,
        };
    }
}

fn string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (mark, is_basic) = match text.as_bytes().first()? {
        b'"' => ("\"", true),
        b'\'' => ("'", false),
        _ => return None,
    };
    let long = if is_basic { "\"\"\"" } else { "'''" };
    let (inner, rest) = if let Some(inner) = text.strip_prefix(long) {
        // The first line feed is not part of the text.
        closed_by(inner.strip_prefix('\n')?, long, is_basic)?
    } else {
        let (inner, rest) = closed_by(&text[1..], mark, is_basic)?;
        if inner.contains('\n') {
            return None;
        }
        (inner, rest)
    };
    // More quotes than it takes belong to the text before them: rare, and not for us.
    let may_stand = |b: u8| b >= b' ' && b != 0x7f || matches!(b, b'\n' | b'\t');
    if rest.starts_with(mark) || !inner.bytes().all(may_stand) {
        return None;
    }
    let text = if is_basic && inner.contains('\\') { unescaped(inner)?.into() } else { inner.into() };
    Some((text, rest))
}

/// The text up to the mark, and what comes after it.
fn closed_by<'a>(text: &'a str, mark: &str, is_basic: bool) -> Option<(&'a str, &'a str)> {
    let (bytes, first) = (text.as_bytes(), mark.as_bytes()[0]);
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|b| *b == b'\\' || *b == first)?;
        if bytes[at] == b'\\' {
            // What is escaped may be a mark, and is one byte in all escapes that we know.
            from = at + if is_basic { 2 } else { 1 };
        } else if text[at..].starts_with(mark) {
            return Some((&text[..at], &text[at + mark.len()..]));
        } else {
            from = at + 1;
        }
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('\\');
    plain.push_str(parts.next()?);
    while let Some(part) = parts.next() {
        let (escaped, rest) = match part.as_bytes().first() {
            // Two backslashes in a row: the text between them is empty.
            None => ('\\', parts.next()?),
            Some(b'"') => ('"', &part[1..]),
            Some(b'n') => ('\n', &part[1..]),
            Some(b't') => ('\t', &part[1..]),
            Some(b'r') => ('\r', &part[1..]),
            Some(_) => return None,
        };
        plain.push(escaped);
        plain.push_str(rest);
    }
    Some(plain)
}

/// The table of one section and of those that follow and lie below it. `depth` is the length of its own path.
struct Table<'a> {
    document: &'a Document<'a>,
    sections: Range<usize>,
    depth: usize,
}

/// The tables of one name that are the elements of a list; each begins with a section of this path.
struct Elements<'a> {
    document: &'a Document<'a>,
    sections: Range<usize>,
    depth: usize,
}

impl<'a> Document<'a> {
    /// The end of the sections from `from` on whose path is longer than `depth`, up to `end`.
    fn end_of(&self, from: usize, end: usize, depth: usize) -> usize {
        let path = &self.sections[from].path[..depth];
        let is_below = |at: &usize| self.sections[*at].path.get(..depth) == Some(path);
        (from..end).find(|at| !is_below(at)).unwrap_or(end)
    }
}

impl<'a> Table<'a> {
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Other> {
        let pairs = self.document.sections[self.sections.start].pairs.clone();
        let below = self.sections.start + 1..self.sections.end;
        visitor.visit_map(Keys { table: self, pairs, below, next: Next::End })
    }
}

impl<'de> de::Deserializer<'de> for Table<'_> {
    type Error = Other;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Other> {
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Other> {
        visitor.visit_some(self)
    }

    // A key that we do not know may stand there twice.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Other> {
        Err(Other)
    }

    // Tables of any keys: the policy of a live record.
    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Other> {
        Err(Other)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct struct enum identifier
    }
}

/// What the key that was given out last leads to.
enum Next {
    End,
    Pair(usize),
    Table(Range<usize>),
}

struct Keys<'a> {
    table: Table<'a>,
    pairs: Range<usize>,
    below: Range<usize>,
    next: Next,
}

impl<'de> MapAccess<'de> for Keys<'_> {
    type Error = Other;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Other> {
        let document = self.table.document;
        let key = if let Some(at) = self.pairs.next() {
            self.next = Next::Pair(at);
            document.pairs[at].0
        } else if self.below.is_empty() {
            return Ok(None);
        } else {
            let depth = self.table.depth + 1;
            let section = &document.sections[self.below.start];
            // A table without a header of its own.
            if section.path.len() != depth {
                return Err(Other);
            }
            let end = document.end_of(self.below.start, self.below.end, depth);
            self.next = Next::Table(self.below.start..end);
            self.below.start = end;
            section.path[depth - 1]
        };
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Other> {
        let (document, depth) = (self.table.document, self.table.depth + 1);
        match std::mem::replace(&mut self.next, Next::End) {
            Next::End => Err(Other),
            Next::Pair(at) => seed.deserialize(&document.pairs[at].1),
            Next::Table(sections) if document.sections[sections.start].is_element => {
                seed.deserialize(Elements { document, sections, depth })
            }
            Next::Table(sections) => seed.deserialize(Table { document, sections, depth }),
        }
    }
}

impl<'de> de::Deserializer<'de> for Elements<'_> {
    type Error = Other;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Other> {
        visitor.visit_seq(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Other> {
        Err(Other)
    }

    // A list of as many items as the struct has fields is none of ours.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Other> {
        Err(Other)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct enum identifier map option
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Other;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Other> {
        let Some(first) = self.document.sections.get(self.sections.start) else { return Ok(None) };
        if self.sections.is_empty() {
            return Ok(None);
        }
        if !first.is_element || first.path.len() != self.depth {
            return Err(Other);
        }
        let is_next = |at: &usize| self.document.sections[*at].path.len() == self.depth;
        let end = (self.sections.start + 1..self.sections.end).find(is_next).unwrap_or(self.sections.end);
        let element =
            Table { document: self.document, sections: self.sections.start..end, depth: self.depth };
        self.sections.start = end;
        seed.deserialize(element).map(Some)
    }
}

impl<'de> de::Deserializer<'de> for &Value<'_> {
    type Error = Other;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Other> {
        match self {
            Value::Text(text) => visitor.visit_str(text),
            Value::Number(number) => visitor.visit_i64(*number),
            Value::Flag(flag) => visitor.visit_bool(*flag),
            Value::List(list) => {
                let items = list.iter().map(|text| Value::Text(Cow::Borrowed(text)));
                visitor.visit_seq(Items(items))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Other> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Other> {
        match self {
            Value::Text(text) => visitor.visit_enum(text.as_ref().into_deserializer()),
            _ => Err(Other),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Other> {
        Err(Other)
    }

    // A list of as many items as the struct has fields is none of ours.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Other> {
        Err(Other)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier
    }
}

struct Items<I>(I);

impl<'de, 'a, I: Iterator<Item = Value<'a>>> SeqAccess<'de> for Items<I> {
    type Error = Other;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Other> {
        self.0.next().map(|item| seed.deserialize(&item)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{published_form, to_toml};
    use super::super::testing::{full, plain};
    use super::*;
    use crate::model::{Run, StoredPolicy};
    use proptest::prelude::*;
    use proptest::sample::Index;

    /// What is read here is read by `toml` as the same; returns whether it was read here.
    fn agrees(text: &str) -> bool {
        let own: Option<Run> = read(text);
        if own.is_some() {
            assert_eq!(own, toml::from_str(text).ok(), "{text}");
        }
        own.is_some()
    }

    #[test]
    fn records_without_a_policy_are_in_our_own_form() {
        for text in [published_form(&full("r1")), published_form(&plain("r1")), to_toml(&plain("r1"))] {
            assert!(agrees(&text), "{text}");
        }
        assert!(!agrees(&to_toml(&full("r1"))), "a policy may hold anything");
        let bare = Run { policy: StoredPolicy::default(), ..full("r1") };
        assert!(agrees(&to_toml(&bare)));
    }

    #[test]
    fn what_is_not_surely_ours_is_left_to_the_reader_of_all_toml() {
        let text = published_form(&full("r1"));
        let (starts, brief, pass) = ("starts = 2", "\n[brief]\n", "\"tests pass\"");
        let changes = [
            (starts, "starts = +2"),
            (starts, "starts = 02"),
            (starts, "starts = 2_0"),
            (starts, "starts = 2 # twice"),
            (starts, "starts = 2\nstarts = 2"),
            (starts, "starts = 2\nodd = 2"),
            (starts, "starts = \"2\""),
            (starts, "starts = -2"),
            (starts, "starts = 2\r"),
            (starts, "\"starts\" = 2"),
            ("made_by_us = true", "made_by_us = truer"),
            ("made_by_us = true", "made_by_us = []"),
            (pass, "\"tests \\u0070ass\""),
            (pass, "\"tests \u{7f} pass\""),
            (pass, "\"\"\"tests pass\"\"\""),
            (pass, "\"tests\npass\""),
            (pass, "\"\"\"\ntests pass\"\"\"\""),
            (brief, "\n[brief]\n[brief]\n"),
            (brief, "\n[[brief]]\n"),
            (brief, "\n[brief.deep]\n"),
            (brief, "\n[odd]\n[brief]\n"),
            (brief, "\n[ brief ]\n"),
            (brief, "\n[brief] \n"),
            ("\n[[repos]]\n", "\n[tickets]\n"),
            ("\n[receipt]\n", "\n[[tickets]]\n"),
            ("[[receipt.repos]]", "[receipt.repos]"),
            ("[[receipt.repos]]", "[[receipt.repos.more]]"),
        ];
        for (from, to) in changes {
            let changed = text.replacen(from, to, 1);
            assert!(changed != text, "{from}");
            assert!(!agrees(&changed), "{to}");
        }
        assert!(!agrees(&text[..text.len() - 1]) && !agrees("") && !agrees("\u{feff}"));
    }

    #[test]
    fn texts_of_several_shapes_are_read() {
        let text = published_form(&full("r1"));
        let said = [
            r#"'lit \ "eral'"#,
            "'''\na\n'b' \\'''",
            "\"\"\"\na\n\\\"\\\\\"\"\"",
            r#""\\\n\r\"\t""#,
            "\"\"",
            "''",
            "\"\"\"\n\"\"\"",
        ];
        for said in said {
            assert!(agrees(&text.replacen("\"tests pass\"", said, 1)), "{said}");
        }
        let heads = format!("heads = [\"{}\"]", "e".repeat(40));
        assert!(text.contains(&heads));
        for list in ["[]", "[\"a\"]", "[\"a\", 'b']", "[\n    \"a\",\n    \"b\",\n]", "[\"a\",]"] {
            assert!(agrees(&text.replacen(&heads, &format!("heads = {list}"), 1)), "{list}");
        }
        for list in ["[,]", "[\"a\" \"b\"]", "[\"a\",,]", "[1]", "[\"a\"", "[[]]"] {
            assert!(!agrees(&text.replacen(&heads, &format!("heads = {list}"), 1)), "{list}");
        }
    }

    proptest! {
        #[test]
        fn any_text_in_a_record_is_read_the_same(goal in any::<String>(), odd in "[\"'\\\\\r\n\t#= ü]{0,12}") {
            let mut run = full("r1");
            (run.brief.goal, run.brief.scope) = (goal, odd);
            agrees(&published_form(&run));
        }

        #[test]
        fn a_record_that_somebody_changed_is_read_the_same(
            edits in proptest::collection::vec(
                (any::<Index>(), 0..3_usize, "[\"'\\\\\n\r\t#= \\[\\].,_0-9a-c\u{7f}ü-]{0,3}"), 1..4)
        ) {
            let mut text: Vec<char> = published_form(&full("r1")).chars().collect();
            for (at, gone, new) in edits {
                let at = at.index(text.len());
                let end = text.len().min(at + gone);
                text.splice(at..end, new.chars());
            }
            agrees(&text.into_iter().collect::<String>());
        }

        #[test]
        fn lines_in_any_order_are_read_the_same(
            moves in proptest::collection::vec(any::<(Index, Index, bool)>(), 1..4)
        ) {
            let text = published_form(&full("r1"));
            let mut lines: Vec<_> = text.lines().collect();
            for (from, to, stays) in moves {
                let at = from.index(lines.len());
                let line = lines[at];
                if !stays {
                    lines.remove(at);
                }
                lines.insert(to.index(lines.len() + 1), line);
            }
            agrees(&format!("{}\n", lines.join("\n")));
        }
    }
}
