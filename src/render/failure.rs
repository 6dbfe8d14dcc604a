//! Errors for people and for programs.

use super::escape::{escape, escape_lines};
use super::screen::{Paint, Screen};
use super::verdict;
use crate::gate::Verdict;
use serde_json::json;
use std::borrow::Cow;

/// An error, ready to be shown.
#[derive(Debug, Clone)]
pub struct Failure {
    /// A word for programs, such as `busy`.
    pub kind: &'static str,
    /// A full sentence.
    pub message: String,
    /// Further lines, such as the problems of a policy.
    pub details: Vec<String>,
    /// Commands to paste.
    pub hints: Vec<String>,
    /// The verdict that refused.
    pub verdict: Option<Verdict>,
}

/// What a message may have of characters before its middle is left out: nobody reads a value of many screens.
const LONGEST: usize = 4000;

fn shortened(text: &str) -> Cow<'_, str> {
    let letters = text.chars().count();
    if letters <= LONGEST {
        return text.into();
    }
    let (head, tail) = (LONGEST / 2, LONGEST / 4);
    let first: String = text.chars().take(head).collect();
    let last: String = text.chars().skip(letters - tail).collect();
    format!("{first} [... {} characters ...] {last}", letters - head - tail).into()
}

/// Shows an error: as JSON on standard output, else on standard error.
pub fn failure(screen: &Screen, failure: &Failure) {
    screen.clear_live();
    if screen.json {
        let mut error = json!({
            "kind": failure.kind,
            "message": shortened(&failure.message),
            "hints": failure.hints,
        });
        if !failure.details.is_empty() {
            error["details"] = json!(failure.details);
        }
        if let Some(verdict) = &failure.verdict {
            error["gates"] = verdict::gates_json(verdict);
        }
        screen.answer_json(json!({ "error": error }));
        return;
    }
    let message = escape_lines(&shortened(&failure.message));
    let stop = if message.ends_with(['.', '?', '!', ':']) { "" } else { "." };
    screen.complaint(&format!("{} {message}{stop}", screen.paint_story(Paint::Bad, "error:")));
    for line in &failure.details {
        screen.complaint(&format!("  {}", escape_lines(&shortened(line)).replace('\n', "\n  ")));
    }
    if let Some(verdict) = &failure.verdict {
        for line in verdict::verdict_lines(verdict, screen, true) {
            screen.complaint(&line);
        }
    }
    if !failure.hints.is_empty() {
        screen.complaint(&screen.paint_story(Paint::Dim, "next:"));
        for hint in &failure.hints {
            screen.complaint(&format!("  {}", escape(hint)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_many_screens_keeps_its_beginning_and_its_end() {
        let long = format!("begin {} end.", "\u{e9}".repeat(100_000));
        let short = shortened(&long);
        assert!(short.starts_with("begin ") && short.ends_with(" end."), "{short}");
        assert!(short.chars().count() < LONGEST, "{}", short.len());
        assert_eq!(shortened("as it is"), "as it is");
    }
}
