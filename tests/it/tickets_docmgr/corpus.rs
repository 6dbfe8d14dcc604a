//! Every document that there may be: the project's own, and generated ones in docmgr's style, in that of people, and in
//! that of nobody's friend. Whatever is set, closed or read: no byte changes that was not asked to.

use super::doctor::quoted;
use git_metawsm::tickets::{closed_bytes, parse_index, set_field};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

const NOW: &str = "2026-07-08T12:00:00Z";
const TEXTS: [&str; 7] = ["Title", "Ticket", "Status", "DocType", "Intent", "Summary", "WhatFor"];

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&b| b == b'\n').collect()
}

/// The lines that differ: those that went, and those that came.
fn difference<'a>(old: &'a [u8], new: &'a [u8]) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    let (old, new) = (lines(old), lines(new));
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[same..], &new[same..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    (old[..old.len() - end].to_vec(), new[..new.len() - end].to_vec())
}

fn is_of(line: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_start_matches(['"', '\'']);
    text.strip_prefix(key)
        .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ', '\t']).starts_with(':'))
}

fn continues(line: &[u8]) -> bool {
    let first = line.first();
    matches!(first, None | Some(b' ' | b'\t' | b'#' | b'\r' | b'\n' | b'-' | b']' | b'}'))
        || !line.contains(&b':')
}

/// The frontmatter as docmgr's own parser would have it; `None` where it would not take it.
fn yaml(bytes: &[u8]) -> Option<Yaml> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines();
    (lines.next()?.trim_end() == "---").then_some(())?;
    let mut head = String::new();
    loop {
        let line = lines.next()?;
        if line.trim_end() == "---" {
            break;
        }
        head = head + &quoted(line) + "\n";
    }
    let all = YamlLoader::load_from_str(&head).ok()?;
    all.into_iter().next().filter(|yaml| yaml.as_hash().is_some())
}

/// What setting a field to a text must hold, whatever the document is.
fn check_set(document: &[u8], key: &str, text: &str) {
    let Ok(new) = set_field(document, key, text) else { return };
    let shown = || format!("{key} = {text:?} in {:?}", String::from_utf8_lossy(document));
    let (went, came) = difference(document, &new);
    // Two lines may look alike, so that the difference starts one line later or earlier than the edit.
    assert!(came.iter().filter(|line| is_of(line, key)).count() <= 1, "{}", shown());
    assert!(came.iter().all(|line| is_of(line, key) || continues(line)), "{}: {came:?}", shown());
    assert!(went.iter().all(|line| is_of(line, key) || continues(line)), "{}: {went:?}", shown());
    let kept: Vec<_> = came.iter().filter(|line| !is_of(line, key)).collect();
    assert!(kept.iter().all(|line| went.contains(line)), "{}: {kept:?} was not there", shown());
    let head = parse_index(&new).expect("it still has frontmatter");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ours = match key {
        "Title" => Some(head.title),
        "Ticket" => Some(head.ticket),
        "Status" => Some(head.status),
        "DocType" => Some(head.doc_type),
        _ => None,
    };
    assert!(ours.is_none_or(|ours| ours == text), "{}", shown());
    assert_eq!(set_field(&new, key, &text).expect("again"), new, "{}", shown());
    // A reader that nothing here was written with.
    if let (Some(old), Some(new)) = (yaml(document), yaml(&new)) {
        let (old, new) = (old.into_hash().expect("a mapping"), new.into_hash().expect("a mapping"));
        for (name, value) in &new {
            if name.as_str() == Some(key) {
                let unchanged = old.get(name) == Some(value);
                assert!(unchanged || value.as_str() == Some(&*text), "{}: {value:?}", shown());
            } else {
                let old = old.get(name).expect("no key comes by itself");
                // At the end of a block of text some readers count a line of spaces, others do not.
                let text = |value: &Yaml| value.as_str().map(|text| text.trim_end().to_owned());
                let same = old == value || (text(old).is_some() && text(old) == text(value));
                assert!(same, "{}: {name:?}: {old:?} was, {value:?} is", shown());
            }
        }
        assert!(old.keys().all(|name| new.contains_key(name)), "{}", shown());
    }
}

/// What closing must hold.
fn check_close(document: &[u8], changelog: &[u8]) {
    let now = NOW.parse().expect("a time");
    let Ok(closing) = closed_bytes(document, Some(changelog), "Merged.", "Closed", now) else { return };
    let shown = || String::from_utf8_lossy(document).into_owned();
    assert!(closing.changelog.starts_with(changelog), "{}", shown());
    if closing.already {
        assert!(closing.index == document && closing.changelog == changelog, "{}", shown());
        return;
    }
    assert_eq!(parse_index(&closing.index).expect("frontmatter").status, "complete", "{}", shown());
    let body = |bytes: &[u8]| bytes.len() - end_of_head(bytes);
    assert_eq!(body(document), body(&closing.index), "{}", shown());
    assert!(document.ends_with(&closing.index[end_of_head(&closing.index)..]), "{}", shown());
    let again = closed_bytes(&closing.index, Some(&closing.changelog), "x", "y", now).expect("again");
    assert!(again.already && again.index == closing.index, "{}", shown());
    // One field after the other is the same.
    let status = set_field(document, "Status", "complete").expect("it could be closed");
    assert_eq!(set_field(&status, "LastUpdated", NOW).expect("a time"), closing.index, "{}", shown());
}

fn end_of_head(bytes: &[u8]) -> usize {
    let mut at = 0;
    let mut fences = 0;
    for line in lines(bytes) {
        at += line.len();
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_end();
        fences += usize::from(text == b"---");
        if fences == 2 {
            break;
        }
    }
    at
}

fn documents(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

#[test]
fn setting_and_closing_keeps_every_other_byte_of_the_projects_documents() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    documents(&top.join("ttmp"), &mut all);
    documents(&top.join("fixtures/tickets"), &mut all);
    let mut judged = 0;
    for path in all {
        let bytes = std::fs::read(&path).expect("a document");
        judged += usize::from(parse_index(&bytes).is_ok());
        for key in TEXTS {
            for text in ["done", "a: b # c", "{{X}}", "", "'", "2026-07-06", "- x"] {
                check_set(&bytes, key, text);
            }
        }
        check_close(&bytes, b"# Changelog\n");
    }
    assert!(judged > 5, "{judged} documents have frontmatter");
}

/// The value of a key as somebody wrote it, with the lines below it.
fn value() -> impl Strategy<Value = String> {
    let word = "[a-zA-Z0-9 ._/-]{0,12}";
    prop_oneof![
        word.prop_map(|w| format!(" {w}")),
        word.prop_map(|w| format!(" {w} # why")),
        word.prop_map(|w| format!("   {w}  ")),
        word.prop_map(|w| format!(" '{w}''s' # it's")),
        word.prop_map(|w| format!(" \"{w} \\\" # \\u00e9\"\t# why")),
        (word, word).prop_map(|(a, b)| format!(" |\n    {a}\n\n    Status: {b}\n    # text")),
        (word, word).prop_map(|(a, b)| format!(" >-\n  {a}\n  {b}")),
        (word, word).prop_map(|(a, b)| format!(" {a}\n    {b}\n  # a remark")),
        (word, word).prop_map(|(a, b)| format!(" [x{a}, 'y{b}', z] # list")),
        (word, word).prop_map(|(a, b)| format!("\n    - x{a}\n    # between\n    - 'y{b}'")),
        (word, word).prop_map(|(a, b)| format!("\n- x{a}\n- k: {b}")),
        word.prop_map(|w| format!(" {{a: x{w}}}")),
        word.prop_map(|w| format!("\n    nested: x{w}\n    more:\n        - y")),
        word.prop_map(|w| format!(" &anchor x{w}")),
        word.prop_map(|w| format!(" 'never closed {w}")),
        word.prop_map(|w| format!("\tx{w}\t")),
        word.prop_map(|w| format!(" [x{w}")),
        Just(String::new()),
        Just(" # only why".to_owned()),
        Just(" ~".to_owned()),
        Just(" *anchor".to_owned()),
        Just(" 2026-07-06T15:26:07.123456789-04:00".to_owned()),
        Just(format!(" {}", "x".repeat(64 << 10))),
        "\\PC{0,24}".prop_map(|w| format!(" {w}")),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(&TEXTS[..]).prop_map(str::to_owned),
        2 => prop::sample::select(&["Topics", "Owners", "LastUpdated", "Custom", "\"Status\" "][..])
            .prop_map(str::to_owned),
        1 => "[A-Z][A-Za-z ]{0,8}",
    ]
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    let entry = (key(), value()).prop_map(|(key, value)| format!("{key}:{value}\n"));
    let other = prop_oneof![
        Just("# a remark\n".to_owned()),
        Just("\n".to_owned()),
        Just("\t\n".to_owned()),
        Just("no key here\n".to_owned())
    ];
    let entries = prop::collection::vec(prop_oneof![6 => entry, 1 => other], 0..8);
    let body = "[\\PC\n]{0,60}".prop_map(|body| format!("\n# Body\n\n---\nStatus: x\n{body}"));
    (entries, body, any::<bool>(), any::<bool>()).prop_map(|(entries, body, bom, crlf)| {
        let text = format!("---\n{}---\n{body}", entries.concat());
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        [if bom { "\u{feff}" } else { "" }, &text].concat().into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: if crate::kit::all() { 6_000 } else { 1_500 }, ..ProptestConfig::default() })]

    #[test]
    fn setting_a_field_keeps_every_byte_that_was_not_asked_to_change(
        document in document(),
        key in prop::sample::select(&TEXTS[..]),
        text in "[a-z]{1,8}|\\PC{0,24}|[ -~]{0,24}",
    ) {
        check_set(&document, key, &text);
    }

    #[test]
    fn closing_changes_two_lines_and_adds_to_the_changelog(
        document in document(),
        changelog in "# Changelog\n[a-z\n#]{0,40}|[\\PC\r\n]{0,40}",
    ) {
        check_close(&document, changelog.as_bytes());
    }
}
