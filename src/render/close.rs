//! What `merge`, `close`, `commit`, `cleanup` and `discard` say.

use super::escape::escape;
use super::json::run_json;
use super::screen::{Paint, Screen};
use super::verdict;
use crate::model::Run;
use crate::service::{BasePush, CleanedUp, CloseReport, Committed, Saved};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows what `merge` or `close` came to.
pub fn closing(screen: &Screen, report: &CloseReport) {
    let run = &report.run;
    if screen.json {
        screen.answer_json(json!({
            "run": run.id,
            "state": run.state,
            "dry_run": report.dry_run,
            "already": report.already,
            "gates": verdict::gates_json(&report.verdict),
            "acts": report.acts,
            "published": report.published,
            "receipt": run.receipt,
            "pushes": report.pushes.iter().map(push_json).collect::<Vec<_>>(),
        }));
        return;
    }
    if report.already {
        screen.answer(&format!("{} is closed already.\n{}", run.id, pushes(report)));
        return;
    }
    // What passed is told by the dry run and by `check`; after the deed only what was let through is news.
    for line in verdict::verdict_lines(&report.verdict, screen, !report.dry_run) {
        screen.story(&line);
    }
    let mut text = String::new();
    for act in &report.acts {
        let _ = writeln!(text, "  {}", escape(act));
    }
    text.push_str(&pushes(report));
    if report.dry_run {
        text.push_str("Dry run: nothing was changed.\n");
    } else {
        let _ = writeln!(text, "{} {}", screen.paint(Paint::Bold, run.id.as_str()), run.state);
    }
    screen.answer(&text);
    if !report.dry_run {
        super::run::tell_next(screen, run);
    }
}

fn pushes(report: &CloseReport) -> String {
    let line = |push: &BasePush| format!("  '{}' of {} {}\n", push.base, push.repo, escape(&push.what));
    report.pushes.iter().map(line).collect()
}

fn push_json(push: &BasePush) -> Value {
    json!({ "repo": push.repo, "base": push.base, "remote": push.remote, "what": push.what, "failure": push.failure })
}

/// Shows what `commit` made.
pub fn committed(screen: &Screen, run: &Run, commits: &[Committed]) {
    if screen.json {
        let commits: Vec<_> = commits
            .iter()
            .map(|c| json!({ "ticket": c.ticket, "repo": c.repo, "commit": c.commit }))
            .collect();
        screen.answer_json(json!({ "run": run.id, "state": run.state, "commits": commits }));
        return;
    }
    let mut text = String::new();
    for commit in commits {
        let what = commit.commit.as_deref().map_or("nothing to commit", |id| id.get(..12).unwrap_or(id));
        let _ = writeln!(text, "  {}/{}  {what}", commit.ticket, commit.repo);
    }
    let _ = writeln!(text, "{} {}", run.id, run.state);
    screen.answer(&text);
}

/// Shows what `cleanup` removed and kept.
pub fn cleanup(screen: &Screen, run: &Run, removal: &CleanedUp) {
    if screen.json {
        let mut value = run_json(run);
        value["removed"] = json!(removal.removed);
        let saved = |s: &Saved| json!({ "repo": s.repo, "ref": s.reference, "id": s.id });
        value["rescued"] = removal.rescued.iter().map(saved).collect();
        value["dropped"] = json!(removal.dropped);
        value["kept"] = json!(removal.kept);
        screen.answer_json(value);
        return;
    }
    screen.answer(&removed(removal));
    tell_rescued(screen, run, removal);
}

fn removed(removal: &CleanedUp) -> String {
    let mut text = String::new();
    let saved: Vec<_> = removal.rescued.iter().map(|s| format!("{}: {}", s.repo, s.reference)).collect();
    let parts = [
        ("removed", &removal.removed),
        ("saved", &saved),
        ("dropped", &removal.dropped),
        ("kept", &removal.kept),
    ];
    for (word, lines) in parts {
        for line in lines {
            let _ = writeln!(text, "  {word} {}", escape(line));
        }
    }
    if text.is_empty() {
        text.push_str("  nothing was left to remove\n");
    }
    text
}

/// Tells how what was saved is seen, as part of the story.
fn tell_rescued(screen: &Screen, run: &Run, removal: &CleanedUp) {
    if removal.rescued.is_empty() {
        return;
    }
    screen.story(&screen.paint_story(Paint::Dim, "next:"));
    if let [saved] = &removal.rescued[..] {
        screen.story(&format!("  git metawsm rescue show {}", saved.id.get(..10).unwrap_or(&saved.id)));
    } else {
        screen.story(&format!("  git metawsm rescue list {}", run.id));
    }
}

/// Shows what `discard` saved and removed.
pub fn discarded(screen: &Screen, run: &Run, removal: &CleanedUp) {
    if screen.json {
        cleanup(screen, run, removal);
        return;
    }
    screen.answer(&format!("{}{} {}\n", removed(removal), run.id, run.state));
    tell_rescued(screen, run, removal);
}
