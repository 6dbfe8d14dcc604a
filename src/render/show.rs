//! What `log`, `diff`, `path`, `logs` and `tell` say.

use super::escape::{escape, escape_lines};
use super::guide::{guided_json, guided_text};
use super::screen::{Paint, Screen};
use crate::model::RunId;
use crate::service::{Guided, TreeDiff};
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
        let event = entry.state.as_deref().filter(|_| entry.event == "state").unwrap_or(&entry.event);
        let _ = writeln!(text, "{}  {:<18} {}", entry.at, escape(event), escape(&entry.text));
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
        bytes.extend(visible(screen, &diff.text).into_bytes());
    }
    Some(bytes)
}

/// What git printed, made visible and then coloured by us: escape sequences of a file's content would otherwise pass
/// for git's own, and could hide a line from whoever reviews it.
pub(super) fn visible(screen: &Screen, text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for line in escape_lines(&String::from_utf8_lossy(text)).split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let paint = match line {
            _ if ["diff ", "index ", "--- ", "+++ "].iter().any(|head| line.starts_with(head)) => Paint::Bold,
            _ if line.starts_with("@@") => Paint::Dim,
            _ if line.starts_with('+') => Paint::Good,
            _ if line.starts_with('-') => Paint::Bad,
            _ => {
                out.push_str(line);
                out.push_str(end);
                continue;
            }
        };
        out.push_str(&screen.paint(paint, line));
        out.push_str(end);
    }
    out
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

/// Shows the end of an agent's output, with a line break at its end.
pub fn output_end(screen: &Screen, text: &str) {
    output_lines(screen, text);
    if !screen.json && !text.is_empty() && !text.ends_with('\n') {
        screen.answer("\n");
    }
}

/// Shows bytes as they are.
pub fn raw(screen: &Screen, bytes: &[u8]) {
    screen.answer_bytes(bytes);
}

/// Shows that a line was typed to an agent.
pub fn told(screen: &Screen, agent: &str, guided: Option<&Guided>) {
    if screen.json {
        screen.answer_json(json!({ "told": agent, "answered": guided.map(guided_json) }));
        return;
    }
    match guided {
        Some(report) => guided_text(screen, report),
        None => screen.answer(&format!("told {agent}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::visible;
    use crate::render::{ColorChoice, Screen};

    #[test]
    fn colours_of_a_diff_are_ours_and_escapes_of_its_content_become_visible() {
        let text = b"@@ -1 +1 @@\n+\x1b[8mhidden\x1b[m\n same\x1b]0;title\x07\n";
        let plain = visible(&Screen::new(false, false, ColorChoice::Never), text);
        assert_eq!(plain, "@@ -1 +1 @@\n+\\x1b[8mhidden\\x1b[m\n same\\x1b]0;title\\x07\n");
        let painted = visible(&Screen::new(false, false, ColorChoice::Always), text);
        assert!(painted.contains("\x1b[32m+\\x1b[8mhidden\\x1b[m\x1b[0m\n"), "{painted:?}");
    }
}
