//! What `docs sync` and `docs diff` say.

use super::escape::escape;
use super::screen::{Paint, Screen};
use super::show::visible;
use crate::git::RepoPath;
use crate::service::ServiceError;
use crate::service::doc_sync::{
    DocDiff, DocDiffReport, DocSyncLine, DocSyncReport, DocSynced, FileChange, FileDiff, FileText,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows what came of every ticket, one line each.
pub fn docs_synced(screen: &Screen, report: &DocSyncReport) {
    if screen.json {
        screen.answer_json(json!({
            "run": report.run.id,
            "dry_run": report.dry_run,
            "tickets": report.tickets.iter().map(|line| line_json(report, line)).collect::<Vec<_>>(),
        }));
        return;
    }
    let mut text = String::new();
    for line in &report.tickets {
        let _ = writeln!(text, "  {}", escape(&line_text(line, report.dry_run)));
    }
    if report.dry_run {
        text.push_str("Dry run: nothing was changed.\n");
    }
    screen.answer(&text);
    let mut next: Vec<String> = report.tickets.iter().flat_map(|line| ways_on(report, line)).collect();
    next.dedup();
    if !next.is_empty() {
        screen.story(&screen.paint_story(Paint::Dim, "next:"));
        for hint in next {
            screen.story(&format!("  {}", escape(&hint)));
        }
    }
}

fn line_text(line: &DocSyncLine, dry_run: bool) -> String {
    let ticket = &line.ticket;
    match &line.outcome {
        DocSynced::NotSeeded => format!("{ticket}: nothing was seeded, so there is nothing to sync"),
        DocSynced::InSync => format!("{ticket}: in-sync"),
        DocSynced::NothingNew => format!("{ticket}: the source has nothing new"),
        DocSynced::Taken { files, .. } if dry_run => format!("{ticket}: take {}", files_text(files)),
        DocSynced::Taken { commit: None, .. } => format!("{ticket}: holds all of the source already"),
        DocSynced::Taken { files, commit: Some(commit) } if files.is_empty() => {
            format!("{ticket}: finished what was stopped half way: {}", short(commit))
        }
        DocSynced::Taken { files, commit: Some(commit) } => {
            format!("{ticket}: took {}: {}", files_text(files), short(commit))
        }
        DocSynced::Conflict { files } => {
            let would = if dry_run { "would be" } else { "was" };
            format!(
                "{ticket}: both copies changed {}, each in its own way, so nothing {would} taken",
                files_text(files)
            )
        }
        DocSynced::Refused(error) => format!("{ticket}: {error}"),
    }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn files_text(files: &[String]) -> String {
    match files {
        [] => "no file".to_owned(),
        files if files.len() <= 8 => files.join(", "),
        files => format!("{} and {} more", files[..8].join(", "), files.len() - 8),
    }
}

fn ways_on(report: &DocSyncReport, line: &DocSyncLine) -> Vec<String> {
    let (run, ticket) = (&report.run.id, &line.ticket);
    match &line.outcome {
        DocSynced::Conflict { .. } => vec![
            format!("git metawsm docs diff {run} --ticket {ticket}"),
            format!("git metawsm docs sync {run} --ticket {ticket} --keep workspace"),
            format!("git metawsm docs sync {run} --ticket {ticket} --keep source"),
        ],
        DocSynced::Refused(error) => hints_of(error),
        _ => Vec::new(),
    }
}

fn hints_of(error: &ServiceError) -> Vec<String> {
    match error {
        ServiceError::Wrong { hints, .. }
        | ServiceError::Failed { hints, .. }
        | ServiceError::Forbidden { hints, .. } => hints.clone(),
        _ => vec!["git metawsm status".to_owned()],
    }
}

fn line_json(report: &DocSyncReport, line: &DocSyncLine) -> Value {
    let none = || (None, Vec::new(), None);
    let (outcome, (commit, files, why)) = match &line.outcome {
        DocSynced::NotSeeded => ("not-seeded", none()),
        DocSynced::InSync => ("in-sync", none()),
        DocSynced::NothingNew => ("nothing-new", none()),
        DocSynced::Taken { files, commit } => ("taken", (commit.clone(), files.clone(), None)),
        DocSynced::Conflict { files } => ("conflict", (None, files.clone(), None)),
        DocSynced::Refused(error) => ("refused", (None, Vec::new(), Some(error.to_string()))),
    };
    json!({
        "ticket": line.ticket,
        "dir": line.dir,
        "outcome": outcome,
        "commit": commit,
        "files": files,
        "why": why,
        "hints": ways_on(report, line),
    })
}

/// The differences as one text for a pager, each ticket under a heading of its own; `None` where all is said.
pub fn docs_diff(screen: &Screen, report: &DocDiffReport, stat: bool) -> Option<Vec<u8>> {
    if screen.json {
        let tickets: Vec<_> = report.tickets.iter().map(diff_json).collect();
        screen.answer_json(json!({ "run": report.run.id, "tickets": tickets }));
        return None;
    }
    let mut bytes = Vec::new();
    for diff in &report.tickets {
        let (how, files) = match &diff.found {
            Ok(Some((view, files))) => (view.agreement.as_str().to_owned(), files.as_slice()),
            Ok(None) => ("nothing was seeded".to_owned(), [].as_slice()),
            Err(error) => (escape(&error.to_string()), [].as_slice()),
        };
        let heading = screen.paint(Paint::Bold, &format!("== {} ({how})", diff.ticket));
        bytes.extend(format!("{heading}\n").into_bytes());
        if stat {
            bytes.extend(stat_text(files).into_bytes());
        } else {
            let patch: Vec<u8> = files.iter().flat_map(patch).collect();
            bytes.extend(visible(screen, &patch).into_bytes());
        }
    }
    Some(bytes)
}

fn stat_text(files: &[FileDiff]) -> String {
    let mut text = String::new();
    let (mut plus, mut minus) = (0, 0);
    for file in files {
        let what = match &file.text {
            FileText::Lines { added, removed, .. } => {
                plus += added;
                minus += removed;
                format!("+{added} -{removed}")
            }
            FileText::Binary => "binary".to_owned(),
            FileText::Large(size) => format!("{size} bytes, not compared line by line"),
        };
        let _ = writeln!(text, " {} | {what}", escape(&file.path.text()));
    }
    if !files.is_empty() {
        let _ = writeln!(text, " {} files differ, +{plus} -{minus}", files.len());
    }
    text
}

/// One file as git prints it: headers that `git apply` understands, then the hunks.
fn patch(file: &FileDiff) -> Vec<u8> {
    let (old, new) = (quoted("a/", &file.path), quoted("b/", &file.path));
    let mut out = [b"diff --git ", old.as_slice(), b" ", new.as_slice(), b"\n"].concat();
    let id = |side: usize| {
        let none = || "0".repeat(file.sides.iter().flatten().map(|(_, id)| id.len()).next().unwrap_or(40));
        file.sides[side].as_ref().map_or_else(none, |(_, id)| id.clone())
    };
    let mode = |side: usize| file.sides[side].as_ref().map_or(0, |(mode, _)| *mode);
    let mut same_mode = String::new();
    let heads = match file.change {
        FileChange::Added => format!("new file mode {:06o}\n", mode(1)),
        FileChange::Deleted => format!("deleted file mode {:06o}\n", mode(0)),
        _ if mode(0) != mode(1) => format!("old mode {:06o}\nnew mode {:06o}\n", mode(0), mode(1)),
        _ => {
            same_mode = format!(" {:06o}", mode(0));
            String::new()
        }
    };
    out.extend_from_slice(heads.as_bytes());
    if file.change == FileChange::Mode {
        return out;
    }
    out.extend_from_slice(format!("index {}..{}{same_mode}\n", id(0), id(1)).as_bytes());
    let null = b"/dev/null".to_vec();
    let from = if file.change == FileChange::Added { null.clone() } else { old.clone() };
    let to = if file.change == FileChange::Deleted { null } else { new.clone() };
    match &file.text {
        FileText::Lines { hunks, .. } if hunks.is_empty() => {}
        FileText::Lines { hunks, .. } => {
            out.extend([b"--- ".as_slice(), &from, b"\n+++ ", &to, b"\n", hunks].concat());
        }
        FileText::Binary => {
            out.extend([b"Binary files ".as_slice(), &from, b" and ", &to, b" differ\n"].concat());
        }
        FileText::Large(size) => {
            out.extend([b"Files ".as_slice(), &from, b" and ", &to].concat());
            let why = format!(" differ ({size} bytes are too many to compare line by line)\n");
            out.extend_from_slice(why.as_bytes());
        }
    }
    out
}

/// A name as git writes it in a patch: in quotes where it holds anything but plain characters.
fn quoted(prefix: &str, path: &RepoPath) -> Vec<u8> {
    let bytes = path.as_bytes();
    if bytes.iter().all(|b| (0x20..0x7f).contains(b) && !matches!(b, b'"' | b'\\')) {
        return [prefix.as_bytes(), bytes].concat();
    }
    let mut out = format!("\"{prefix}").into_bytes();
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\t' => out.extend(b"\\t"),
            0x20..0x7f => out.push(*byte),
            byte => out.extend(format!("\\{byte:03o}").into_bytes()),
        }
    }
    out.push(b'"');
    out
}

fn diff_json(diff: &DocDiff) -> Value {
    let (agreement, files, why) = match &diff.found {
        Ok(Some((view, files))) => (Some(view.agreement.as_str()), files.as_slice(), None),
        Ok(None) => (None, [].as_slice(), None),
        Err(error) => (None, [].as_slice(), Some(error.to_string())),
    };
    json!({
        "ticket": diff.ticket,
        "agreement": agreement,
        "why": why,
        "files": files.iter().map(file_json).collect::<Vec<_>>(),
    })
}

fn file_json(file: &FileDiff) -> Value {
    let change = match file.change {
        FileChange::Added => "added",
        FileChange::Deleted => "deleted",
        FileChange::Modified => "modified",
        FileChange::Mode => "mode",
    };
    let (added, removed) = match &file.text {
        FileText::Lines { added, removed, .. } => (Some(added), Some(removed)),
        FileText::Binary | FileText::Large(_) => (None, None),
    };
    json!({
        "path": file.path.text(),
        "change": change,
        "binary": file.text == FileText::Binary,
        "added": added,
        "removed": removed,
        "diff": String::from_utf8_lossy(&patch(file)),
    })
}
