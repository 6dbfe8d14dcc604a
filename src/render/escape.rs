//! The one escaper: foreign text cannot move the cursor, change colours, hide or reverse itself.

use crate::model::is_deceptive;
use std::fmt::Write as _;

/// A foreign string on one line: control characters, line breaks, bidirectional marks and invalid characters
/// become visible.
pub fn escape(text: &str) -> String {
    escaped(text, false)
}

/// As [`escape`], keeping line breaks and tabs.
pub fn escape_lines(text: &str) -> String {
    escaped(text, true)
}

fn escaped(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' if lines => out.push(c),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_deceptive(c) => {
                let code = u32::from(c);
                let _ =
                    if code < 0x100 { write!(out, "\\x{code:02x}") } else { write!(out, "\\u{{{code:x}}}") };
            }
            c => out.push(c),
        }
    }
    out
}

/// JSON text with what is dangerous on a terminal written as JSON writes it; it means the same to programs.
pub(super) fn escape_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_deceptive(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terminal_escapes_and_bidi_marks_become_visible() {
        assert_eq!(escape("a\x1b[31mb"), "a\\x1b[31mb");
        assert_eq!(escape("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(escape("one\ntwo\r"), "one\\ntwo\\r");
        assert_eq!(escape_lines("one\n\ttwo\u{9b}"), "one\n\ttwo\\x9b");
    }

    proptest! {
        #[test]
        fn nothing_that_is_escaped_holds_a_control_character(text in "\\PC*|[\\x00-\\x9f]*") {
            prop_assert!(!escape(&text).chars().any(is_deceptive));
        }
    }
}
