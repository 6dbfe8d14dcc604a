//! YAML values of one frontmatter key: read leniently, written so that every reader agrees.
//!
//! Not a YAML parser on purpose. One scanner serves reading and editing, so what is read is what is edited; one odd
//! field never hides a document; and there are no aliases to explode and no nesting to overflow on.

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A scalar; a null is empty text.
    Text(String),
    /// A sequence, each item as text (an item that is a mapping as its raw first line).
    List(Vec<String>),
    /// A mapping.
    Mapping,
}

/// Whether ` #` in a plain value of this key is text, as docmgr takes it, and not a comment.
pub(super) fn is_free_text(key: &str) -> bool {
    matches!(key, "Title" | "Summary" | "WhatFor" | "WhenToUse")
}

/// Where the comment of a key's first line starts, as an offset into `first` (the text after the colon).
pub(super) fn comment_at(key: &str, first: &str) -> Option<usize> {
    let text = first.trim_start();
    let lead = first.len() - text.len();
    let after = match text.chars().next()? {
        quote @ ('"' | '\'') => closing_quote(text, quote)? + 1,
        '[' => flow_end(text).unwrap_or(0) + 1,
        _ if is_free_text(key) => return None,
        '#' => return Some(lead),
        _ => 0,
    };
    let bytes = text.as_bytes();
    (after.max(1)..bytes.len())
        .find(|&at| bytes[at] == b'#' && matches!(bytes[at - 1], b' ' | b'\t'))
        .map(|at| lead + at)
}

/// Reads the value of a key: `first` is the text after the colon, `more` the continuation lines.
pub(super) fn read(key: &str, first: &str, more: &[&str]) -> Value {
    let first = first.trim();
    match first.chars().next() {
        Some('|' | '>') if is_block_header(first) => Value::Text(block(first, more)),
        Some('"' | '\'') => Value::Text(quoted(&joined(first, more))),
        Some('[') => {
            let lines: Vec<&str> = more.iter().map(|l| uncommented("", l)).collect();
            Value::List(flow_items(&joined(uncommented(key, first), &lines)))
        }
        Some('{') => Value::Mapping,
        _ => {
            let cut = uncommented(key, first);
            if cut.is_empty() {
                return below(key, more);
            }
            let lines: Vec<&str> = more.iter().copied().filter(|l| !is_comment_or_blank(l)).collect();
            Value::Text(plain(&joined(cut, &lines)))
        }
    }
}

/// Whether a scalar that starts like this has its lines below for text, whatever they look like.
pub(super) fn spans_lines(first: &str) -> bool {
    let first = first.trim();
    match first.chars().next() {
        Some('|' | '>') => is_block_header(first),
        Some(quote @ ('"' | '\'')) => closing_quote(first, quote).is_none(),
        _ => false,
    }
}

fn uncommented<'a>(key: &str, text: &'a str) -> &'a str {
    comment_at(key, text).map_or(text, |at| text[..at].trim_end())
}

/// Whether a line holds nothing of a plain value.
pub(super) fn is_comment_or_blank(line: &str) -> bool {
    let text = line.trim_start();
    text.is_empty() || text.starts_with('#')
}

fn joined(first: &str, more: &[&str]) -> String {
    let mut text = first.to_owned();
    for line in more.iter().map(|l| l.trim()).filter(|l| !l.is_empty()) {
        text.push(' ');
        text.push_str(line);
    }
    text
}

fn plain(text: &str) -> String {
    if matches!(text, "~" | "null" | "Null" | "NULL") { String::new() } else { text.to_owned() }
}

fn scalar(text: &str) -> String {
    let text = text.trim();
    if text.starts_with(['"', '\'']) {
        return quoted(text);
    }
    plain(uncommented("", text))
}

/// A value that starts on the line below its key.
fn below(key: &str, more: &[&str]) -> Value {
    let Some(start) = more.iter().position(|l| !is_comment_or_blank(l)) else {
        return Value::Text(String::new());
    };
    let line = more[start].trim();
    if line == "-" || line.starts_with("- ") {
        return Value::List(block_items(&more[start..]));
    }
    let is_mapping = !line.starts_with(['"', '\'', '['])
        && !is_free_text(key)
        && (line.ends_with(':') || line.contains(": "));
    if is_mapping { Value::Mapping } else { read(key, line, &more[start + 1..]) }
}

fn block_items(lines: &[&str]) -> Vec<String> {
    let indent = |l: &str| l.len() - l.trim_start().len();
    let own = lines.first().map_or(0, |l| indent(l));
    let items = lines.iter().filter(|l| !is_comment_or_blank(l) && indent(l) == own);
    items.filter_map(|l| l.trim().strip_prefix('-')).map(scalar).collect()
}

fn is_block_header(first: &str) -> bool {
    let head = first[1..].split(" #").next().unwrap_or_default().trim();
    head.chars().all(|c| matches!(c, '+' | '-' | '1'..='9'))
}

fn block(first: &str, more: &[&str]) -> String {
    let lines: Vec<&str> = more.iter().map(|l| l.trim()).collect();
    let text = lines.join(if first.starts_with('|') { "\n" } else { " " });
    text.trim().to_owned()
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            ('"', b'\\') => at += 1,
            ('\'', b'\'') if bytes.get(at + 1) == Some(&b'\'') => at += 1,
            ('"', b'"') | ('\'', b'\'') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn quoted(text: &str) -> String {
    let Some(quote) = text.chars().next() else { return String::new() };
    let Some(end) = closing_quote(text, quote) else { return text.to_owned() };
    let inner = &text[1..end];
    if quote == '\'' { inner.replace("''", "'") } else { unescaped(inner) }
}

fn unescaped(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let digits = match chars.next() {
            Some('n') => '\n'.into(),
            Some('t') => '\t'.into(),
            Some('r') => '\r'.into(),
            Some('0') => '\0'.into(),
            Some('_') => '\u{a0}'.into(),
            Some('e') => '\u{1b}'.into(),
            Some('x') => hex(&mut chars, 2),
            Some('u') => hex(&mut chars, 4),
            Some('U') => hex(&mut chars, 8),
            other => other,
        };
        text.extend(digits);
    }
    text
}

fn hex(chars: &mut std::str::Chars<'_>, length: usize) -> Option<char> {
    let digits: String = chars.take(length).collect();
    u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)
}

/// Where the flow sequence that `text` starts with ends; `None` where it goes on below.
fn flow_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        match text.as_bytes()[at] {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            quote @ (b'"' | b'\'') if starts_item(&text[..at]) => {
                at += closing_quote(&text[at..], char::from(quote))?;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn starts_item(before: &str) -> bool {
    before.trim_end().ends_with(['[', ',', '{', ':'])
}

fn flow_items(text: &str) -> Vec<String> {
    let inner = &text[1..flow_end(text).unwrap_or(text.len())];
    let mut items = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0_usize);
    while at < inner.len() {
        match inner.as_bytes()[at] {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                items.push(&inner[start..at]);
                start = at + 1;
            }
            quote @ (b'"' | b'\'') if inner[start..at].trim().is_empty() => {
                at += closing_quote(&inner[at..], char::from(quote)).unwrap_or(0);
            }
            _ => {}
        }
        at += 1;
    }
    items.push(&inner[start..]);
    items.iter().map(|item| scalar(item)).filter(|item| !item.is_empty()).collect()
}

/// A text on one line: controls, line and paragraph separators become spaces, runs of white space one space.
pub(super) fn one_line(text: &str) -> String {
    let is_break =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    text.split(is_break).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Writes a scalar on one line: plain where every reader takes it for this text, else in single quotes.
pub(super) fn emit(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    if needs_quotes(&text) { in_quotes(&text) } else { text }
}

/// Writes a scalar in single quotes.
pub(super) fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// YAML's own rules, and those of docmgr's pre-processor (`interop.md` 5.2).
fn needs_quotes(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"];
    let odd_start = text.starts_with(|c: char| c.is_ascii_digit() || "@`#&*!|>%?-:,[]{}'\"~=+.<".contains(c));
    odd_start
        || [": ", " #", "{{", "}}"].iter().any(|bad| text.contains(bad))
        || text.ends_with(':')
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str, lines: &str) -> Value {
        let mut lines = lines.lines();
        let first = lines.next().unwrap_or_default();
        read(key, first, &lines.collect::<Vec<_>>())
    }

    #[test]
    fn scalars_are_read_in_all_their_forms() {
        let cases = [
            ("Status", " active", "active"),
            ("Status", "", ""),
            ("Status", " ~", ""),
            ("Status", " # only a comment", ""),
            ("Status", " active # why", "active"),
            ("Status", " a#b", "a#b"),
            ("Status", " 'it''s' # why", "it's"),
            ("Status", " \"a \\\"b\\\" \\u00e9\\n\" # why", "a \"b\" é\n"),
            ("Status", " 'never closed", "'never closed"),
            ("Status", "\n    below", "below"),
            ("Status", " one\n    two # no comment here", "one two # no comment here"),
            ("Status", " one\n    # a remark\n    two", "one two"),
            ("Title", " Fix #12: crash", "Fix #12: crash"),
            ("Title", " > 3 of them", "> 3 of them"),
            ("Title", " |\n    a\n    b", "a\nb"),
            ("Title", " >-\n    a\n    b", "a b"),
            ("Title", " 'one\n    two'", "one two"),
        ];
        for (key, source, want) in cases {
            assert_eq!(text(key, source), Value::Text(want.to_owned()), "{source:?}");
        }
    }

    #[test]
    fn lists_are_read_in_both_styles() {
        let cases = [
            (" []", vec![]),
            (" [a, 'b, c', \"d\"] # why", vec!["a", "b, c", "d"]),
            (" [a, # first\n    b,\n]", vec!["a", "b"]),
            ("\n    - a\n    # between\n    - 'b: c'\n", vec!["a", "b: c"]),
            ("\n- a\n- b # why", vec!["a", "b"]),
            ("\n  - slug: a\n    description: x\n  - slug: b", vec!["slug: a", "slug: b"]),
        ];
        for (source, want) in cases {
            let want = want.into_iter().map(str::to_owned).collect();
            assert_eq!(text("Topics", source), Value::List(want), "{source:?}");
        }
        assert_eq!(text("Topics", "\n    a: b"), Value::Mapping);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back_on_one_line(given in "\\PC{0,60}|[ -~\\t\\n]{0,60}") {
            let line = emit(&given);
            proptest::prop_assert!(!line.contains('\n'));
            for key in ["Title", "Status"] {
                proptest::prop_assert_eq!(read(key, &format!(" {line}"), &[]), Value::Text(one_line(&given)));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(first in "\\PC{0,40}", more in "[\\PC\\n]{0,80}") {
            let lines: Vec<&str> = more.lines().collect();
            let _ = (read("Topics", &first, &lines), comment_at("Status", &first), spans_lines(&first));
        }
    }

    #[test]
    fn texts_that_some_reader_takes_for_something_else_are_quoted() {
        for plain in ["MW-12", "Add login", "it's", "a:b", "a#b"] {
            assert_eq!(emit(plain), plain);
        }
        for odd in [
            "Add login: phase 1",
            "a #b",
            "ends:",
            "{{TITLE}}",
            "- a",
            "12",
            "2026-07-06",
            "true",
            "No",
            "~",
            "#12",
            "@me",
            "'q'",
            "| a",
            "? a",
            "[a]",
            "=",
            "<<",
        ] {
            assert!(emit(odd).starts_with('\''), "{odd:?} must be quoted");
        }
        assert_eq!(emit(" \n"), "\"\"");
        assert_eq!(emit("a\r\n b\u{2028}c\u{85}d\u{7}e"), "a b c d e");
    }
}
