//! What `log`, `diff`, `path`, `logs` and `tell` say.

use super::escape::{escape, escape_lines};
use super::screen::{Paint, Screen};
use crate::model::RunId;
use crate::service::TreeDiff;
use crate::store::{Chain, Journal};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Shows the journal of a run, oldest line first.
pub fn journal(screen: &Screen, run: &RunId, journal: &Journal) {
    if screen.json {
        let lines: Vec<_> = journal.entries.iter().map(|e| json!(e)).collect();
        screen.answer_json(json!({ "run": run, "entries": lines, "chain": chain_text(journal.chain) }));
        return;
    }
    let mut text = String::new();
    for entry in &journal.entries {
        let _ = writeln!(text, "{}  {:<18} {}", entry.at, escape(&entry.event), escape(&entry.text));
    }
    screen.answer(&text);
    if journal.chain != Chain::Whole {
        screen.complaint(&format!(
            "{} {}",
            screen.paint_story(Paint::Warn, "journal:"),
            escape(&chain_text(journal.chain))
        ));
    }
}

fn chain_text(chain: Chain) -> String {
    match chain {
        Chain::Whole => "whole".to_owned(),
        Chain::Missing => "the journal is missing".to_owned(),
        Chain::BrokenAt(line) => {
            format!("line {line} does not follow from the line before it; one was changed or removed")
        }
        Chain::TornTail => "the last line is incomplete; it was never acknowledged".to_owned(),
    }
}

/// The differences as one text for a pager; each worktree under a heading of its own.
pub fn diffs(screen: &Screen, run: &RunId, diffs: &[TreeDiff]) -> Option<Vec<u8>> {
    if screen.json {
        let diffs: Vec<_> = diffs
            .iter()
            .map(|d| json!({ "ticket": d.ticket, "repo": d.repo, "diff": String::from_utf8_lossy(&d.text) }))
            .collect();
        screen.answer_json(json!({ "run": run, "diffs": diffs }));
        return None;
    }
    let mut bytes = Vec::new();
    for diff in diffs {
        let what = if diff.text.is_empty() { " (nothing changed)" } else { "" };
        let heading = screen.paint(Paint::Bold, &format!("== {}/{}{what}", diff.ticket, diff.repo));
        bytes.extend(format!("{heading}\n").into_bytes());
        bytes.extend(visible(&diff.text));
    }
    Some(bytes)
}

/// A file's content inside a diff is foreign: control characters are shown, but git's own colours stay.
fn visible(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find("\x1b[") {
        let (before, from) = rest.split_at(at);
        out.push_str(&escape_lines(before));
        let end = from[2..].find(|c: char| !c.is_ascii_digit() && c != ';').map(|n| n + 2);
        if let Some(end) = end.filter(|end| from[*end..].starts_with('m')) {
            out.push_str(&from[..=end]);
            rest = &from[end + 1..];
        } else {
            out.push_str("\\x1b");
            rest = &from[1..];
        }
    }
    out.push_str(&escape_lines(rest));
    out.into_bytes()
}

/// Shows the command that enters a session.
pub fn attach_command(screen: &Screen, argv: &[String]) {
    screen.answer_json(json!({ "argv": argv }));
}

/// Shows a directory.
pub fn plain_path(screen: &Screen, path: &Path) {
    if screen.json {
        screen.answer_json(json!({ "path": path }));
    } else {
        screen.answer(&format!("{}\n", path.display()));
    }
}

/// Shows an agent's output; on a terminal its control characters are made visible.
pub fn output_lines(screen: &Screen, text: &str) {
    if screen.json {
        for line in text.lines() {
            screen.answer_json(json!({ "line": line }));
        }
        return;
    }
    screen.answer(&escape_lines(&text.replace("\r\n", "\n")));
}

/// Shows bytes as they are.
pub fn raw(screen: &Screen, bytes: &[u8]) {
    screen.answer_bytes(bytes);
}

/// Shows that a line was typed to an agent.
pub fn told(screen: &Screen, agent: &str) {
    if screen.json {
        screen.answer_json(json!({ "told": agent }));
    } else {
        screen.answer(&format!("told {agent}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn colours_of_git_stay_and_other_escapes_become_visible() {
        let text = visible(b"\x1b[32m+good\x1b[m\n+\x1b]0;title\x07 \x1b[2J\n");
        assert_eq!(String::from_utf8_lossy(&text), "\x1b[32m+good\x1b[m\n+\\x1b]0;title\\x07 \\x1b[2J\n");
    }
}
