//! `vocabulary.yaml`: the topics that docmgr's doctor knows.

use super::front::{Front, line_ending};
use super::value::{Value, emit, in_quotes};
use std::fmt::Write as _;

/// A vocabulary that holds the topics; the other lists need no entry, doctor knows their usual words.
pub(super) fn fresh(topics: &[String]) -> String {
    format!("topics:\n{}docTypes: []\nintent: []\nstatus: []\n", entries(topics, "    ", "\n"))
}

fn entries(topics: &[String], indent: &str, eol: &str) -> String {
    let mut text = String::new();
    for topic in topics {
        let _ =
            write!(text, "{indent}- slug: {}{eol}{indent}  description: {}{eol}", emit(topic), emit(topic));
    }
    text
}

/// The vocabulary with the topics that it lacks added to its list, every other byte as it was; `None` where
/// nothing is missing, or where the list has a form that cannot be added to line by line.
pub(super) fn with_topics(bytes: &[u8], topics: &[String]) -> Option<Vec<u8>> {
    let eol = line_ending(bytes);
    let front = Front::of_yaml(bytes);
    let Some(entry) = front.find("topics") else {
        let gap = if bytes.is_empty() || bytes.ends_with(b"\n") { "" } else { eol };
        // A file that is one flow mapping, or several documents, has no line to add to.
        let plain = front.entries.iter().all(|e| !e.key.is_empty()) && !bytes.starts_with(b"{");
        let text = format!("{gap}topics:{eol}{}", entries(topics, "    ", eol));
        return plain.then(|| [bytes, text.as_bytes()].concat());
    };
    let more = &bytes[entry.more.clone()];
    let known = String::from_utf8_lossy(more);
    let value = front.value(entry);
    let mut slugs: Vec<String> = known.lines().filter_map(slug).collect();
    if let Value::List(items) = &value {
        slugs.extend(items.iter().filter_map(|item| slug(item)));
    }
    let missing: Vec<String> = topics.iter().filter(|t| !slugs.contains(t)).cloned().collect();
    if missing.is_empty() {
        return None;
    }
    match value {
        Value::List(items) if items.is_empty() && more.is_empty() => {
            let line = bytes[..entry.more.start].trim_ascii_end();
            let line = line.strip_suffix(b"[]")?.trim_ascii_end();
            let text = format!("{eol}{}", entries(&missing, "    ", eol));
            Some([line, text.as_bytes(), &bytes[entry.more.end..]].concat())
        }
        Value::Text(text) if text.is_empty() => {
            Some(insert(bytes, entry.more.start, &entries(&missing, "    ", eol), eol))
        }
        Value::List(_) if more.is_empty() => in_flow(bytes, entry.more.start, &missing),
        Value::List(_) => {
            let item = known.lines().find(|l| l.trim_start().starts_with('-'))?;
            let indent = &item[..item.len() - item.trim_start().len()];
            Some(insert(bytes, entry.more.end, &entries(&missing, indent, eol), eol))
        }
        _ => None,
    }
}

/// Adds to a list that is written on the line of its key, `[{slug: a, description: A}]`, whose line ends at `end`.
fn in_flow(bytes: &[u8], end: usize, topics: &[String]) -> Option<Vec<u8>> {
    let line = bytes[..end].trim_ascii_end();
    let before = line.strip_suffix(b"]")?.trim_ascii_end();
    if !before.ends_with(b"}") {
        return None;
    }
    let items = topics.iter().fold(String::new(), |text, topic| {
        let word = in_quotes(topic);
        let word = if topic.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') { topic } else { &word };
        text + &format!(", {{slug: {word}, description: {word}}}")
    });
    Some([before, items.as_bytes(), &bytes[before.len()..]].concat())
}

fn insert(bytes: &[u8], at: usize, text: &str, eol: &str) -> Vec<u8> {
    let gap = if bytes[..at].ends_with(b"\n") { "" } else { eol };
    [&bytes[..at], gap.as_bytes(), text.as_bytes(), &bytes[at..]].concat()
}

/// The slug that a line of a list names, also where the item is written as `{slug: a, description: A}`.
fn slug(line: &str) -> Option<String> {
    let item = line.trim().trim_start_matches('-').trim_start();
    let mut parts = match item.strip_prefix('{') {
        Some(flow) => flow.split([',', '}']).collect(),
        None => vec![item],
    };
    let rest = parts.iter_mut().find_map(|part| part.trim().strip_prefix("slug:"))?;
    match super::value::read("slug", rest, &[]) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(before: &str, topics: &[&str]) -> Option<String> {
        let topics: Vec<String> = topics.iter().map(|&t| t.to_owned()).collect();
        with_topics(before.as_bytes(), &topics).map(|b| String::from_utf8(b).expect("text"))
    }

    #[test]
    fn known_topics_change_nothing() {
        let text = fresh(&["a".to_owned(), "b: c".to_owned()]);
        assert_eq!(add(&text, &["a", "b: c"]), None);
    }

    #[test]
    fn missing_topics_are_added_in_the_style_of_the_file() {
        let cases = [
            (
                "# words\ntopics:\n  - slug: a # why\n    description: A\nintent: []\n",
                "# words\ntopics:\n  - slug: a # why\n    description: A\n  - slug: b\n    description: b\nintent: []\n",
            ),
            ("topics: []\nintent: []\n", "topics:\n    - slug: b\n      description: b\nintent: []\n"),
            ("topics:\r\n", "topics:\r\n    - slug: b\r\n      description: b\r\n"),
            ("intent: []", "intent: []\ntopics:\n    - slug: b\n      description: b\n"),
            ("topics:\n- slug: a", "topics:\n- slug: a\n- slug: b\n  description: b\n"),
            (
                "topics: [{slug: a, description: A} ]\r\nintent: []\n",
                "topics: [{slug: a, description: A}, {slug: b, description: b} ]\r\nintent: []\n",
            ),
        ];
        for (before, after) in cases {
            assert_eq!(add(before, &["b"]).as_deref(), Some(after), "{before:?}");
            assert_eq!(add(after, &["b"]), None, "{after:?}");
        }
    }

    #[test]
    fn a_form_without_lines_is_left_alone() {
        for odd in
            ["topics: [a]\n", "topics: [{slug: a}] # why\n", "topics: {}\n", "{topics: []}\n", "topics: a\n"]
        {
            assert_eq!(add(odd, &["b"]), None, "{odd:?}");
        }
    }
}
