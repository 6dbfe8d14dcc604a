//! Ids and times of the old database, made into ours.
//!
//! An id that our allow-list does not hold is mended: what it does not hold becomes `-`, the rest is cut, and the
//! beginning of a hash of the old id follows, so that the same old id always gives the same new one, and no other.

use crate::model::{NameError, RunId, check_name, plain_line, sha256_hex, title_of};
use jiff::Timestamp;

/// What an id keeps of the old one.
const STEM: usize = 40;

/// A foreign id for people: one short line.
pub(super) fn shown(text: &str) -> String {
    let line = title_of(&plain_line(text), 80);
    if line.is_empty() { "(no name)".to_owned() } else { line }
}

/// The id itself, or the mended one.
pub(super) fn mended(text: &str) -> String {
    if check_name("id", text).is_ok() {
        return text.to_owned();
    }
    let is_ours = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut stem: String =
        text.chars().take(STEM).map(|c| if is_ours(c) || c == '.' { c } else { '-' }).collect();
    while stem.contains("..") {
        stem = stem.replace("..", "-");
    }
    let stem = stem.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let stem = if stem.is_empty() { "x" } else { stem };
    format!("{stem}-{}", hash(text, 8))
}

/// The first characters of the hash of some words.
pub(super) fn hash(text: &str, length: usize) -> String {
    let mut hash = sha256_hex(text.as_bytes());
    hash.truncate(length);
    hash
}

/// A name of any kind, mended where it must be; then both are noted.
pub(super) fn name<T>(
    parse: fn(&str) -> Result<T, NameError>,
    text: &str,
    what: &str,
    notes: &mut Vec<String>,
) -> Option<T> {
    let mended = mended(text);
    if mended != text {
        let note = format!("The {what} '{}' is called '{mended}' here.", shown(text));
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    parse(&mended).ok()
}

/// The id of a run, and whether it was mended.
pub(super) fn run_id(text: &str) -> Result<(RunId, bool), NameError> {
    let is_reserved = ["repo", "index", "person"].iter().any(|own| text.eq_ignore_ascii_case(own));
    let id = if is_reserved { format!("{text}-{}", hash(text, 8)) } else { mended(text) };
    Ok((RunId::parse(&id)?, id != text))
}

/// A time as Go writes it, in whole seconds of UTC; `None` for what is none, or of no year that a run was made in.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.trim().parse().ok()?;
    let whole = Timestamp::from_second(time.as_second()).ok()?;
    (946_684_800..4_102_444_800).contains(&whole.as_second()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_we_take_stays_and_another_one_is_mended_to_one_that_we_take() {
        assert_eq!(mended("run-20260208-101500"), "run-20260208-101500");
        let odd = [
            "",
            "../x",
            "a/b",
            "-x",
            "a b\n",
            "x.lock",
            "é",
            "a..b",
            "nul",
            "CON",
            "a.",
            "\u{202e}",
            &"a".repeat(999),
        ];
        for text in odd {
            let new = mended(text);
            assert_eq!(check_name("id", &new), Ok(()), "{text:?} became {new:?}");
            assert_eq!(mended(text), new);
        }
        assert_ne!(mended("a/b"), mended("a b"));
        assert_eq!(mended("T/1: x"), format!("T-1--x-{}", hash("T/1: x", 8)));
        assert!(run_id("repo").expect("mended").1 && !run_id("run-1").expect("taken").1);
    }

    #[test]
    fn times_with_an_offset_become_utc_and_nonsense_becomes_nothing() {
        let time = |text| time(text).map(|t| t.to_string());
        assert_eq!(time("2026-02-08T10:15:02-08:00").as_deref(), Some("2026-02-08T18:15:02Z"));
        assert_eq!(time("2026-02-08T10:15:02.123456789Z").as_deref(), Some("2026-02-08T10:15:02Z"));
        for text in ["", "yesterday", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2026-02-30T00:00:00Z"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
