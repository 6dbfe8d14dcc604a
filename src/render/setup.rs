//! What `setup` says.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::service::{SetupChange, SetupReport};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Says what was written; fails where a file of somebody else stands in the way.
pub fn set_up(screen: &Screen, report: &SetupReport) -> ExitCode {
    let foreign = report.files.iter().any(|file| file.change == SetupChange::Foreign);
    if screen.json {
        screen.answer_json(json!({
            "dry_run": report.dry_run,
            "removed": report.removed,
            "files": report.files.iter().map(|file| json!({
                "part": file.part, "path": file.path, "change": file.change.as_str(),
            })).collect::<Vec<_>>(),
            "works": report.works,
            "to_do": report.to_do.iter().map(|(what, line)| json!({ "what": what, "line": line })).collect::<Vec<_>>(),
            "left_out": report.left_out,
        }));
    } else {
        screen.answer(&told(screen, report));
    }
    // What somebody made their own stays when the rest goes: nothing failed.
    if foreign && !report.removed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn told(screen: &Screen, report: &SetupReport) -> String {
    let mut text = String::new();
    for (words, pages) in by_folder(report) {
        let _ = writeln!(text, "{words}{pages}");
    }
    if text.is_empty() {
        text.push_str(if report.removed { "Nothing of ours is installed.\n" } else { "Nothing to write.\n" });
    }
    for file in report.files.iter().filter(|file| file.change == SetupChange::Foreign) {
        let path = escape(&file.path.display().to_string());
        let what = screen.paint(Paint::Warn, "left alone:");
        let _ = writeln!(text, "{what} {path} is not what setup wrote");
        if !report.removed {
            let _ = writeln!(text, "  mv {path} {path}.old && git metawsm setup");
        }
    }
    for what in &report.left_out {
        let _ = writeln!(text, "left out: {}", escape(what));
    }
    for what in &report.works {
        let _ = writeln!(text, "{} {}", screen.paint(Paint::Good, "works:"), escape(what));
    }
    for (what, line) in &report.to_do {
        let _ =
            writeln!(text, "{} {}:\n  {}", screen.paint(Paint::Warn, "to do:"), escape(what), escape(line));
    }
    text
}

/// One line for what happened alike in a folder: `written   .../man1 (60 pages)`.
fn by_folder(report: &SetupReport) -> Vec<(String, String)> {
    let mut folders: BTreeMap<(&Path, &str), Vec<&Path>> = BTreeMap::new();
    for file in report.files.iter().filter(|file| file.change != SetupChange::Foreign) {
        let word = match (file.change, report.dry_run) {
            (SetupChange::Written, true) => "would write",
            (SetupChange::Replaced, true) => "would replace",
            (SetupChange::Removed, true) => "would remove",
            (SetupChange::Kept, _) => "unchanged",
            (change, _) => change.as_str(),
        };
        folders.entry((file.path.parent().unwrap_or(&file.path), word)).or_default().push(&file.path);
    }
    let line = |((folder, word), files): ((&Path, &str), Vec<&Path>)| match files.as_slice() {
        [one] => (format!("{word}: "), escape(&one.display().to_string())),
        many => {
            (format!("{word}: "), format!("{} ({} files)", escape(&folder.display().to_string()), many.len()))
        }
    };
    folders.into_iter().map(line).collect()
}
