//! What `import` says.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::service::{ImportReport, ImportedRun};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The most lines of what was left out; JSON has all of them.
const LEFT_OUT: usize = 50;

/// Shows what an import came to.
pub fn imported(screen: &Screen, report: &ImportReport) {
    if screen.json {
        screen.answer_json(json!({
            "dry_run": report.dry_run,
            "database": report.database,
            "runs": report.runs.iter().map(run_json).collect::<Vec<_>>(),
            "known_runs": report.known,
            "threads": report.threads,
            "events": report.events,
            "left_out": report.left_out.iter().map(|l| json!({ "what": l.what, "why": l.why })).collect::<Vec<_>>(),
            "rest": report.rest,
            "hidden": report.hidden,
        }));
        return;
    }
    let mut text = String::new();
    for run in &report.runs {
        text.push_str(&run_text(screen, run));
    }
    for left in report.left_out.iter().take(LEFT_OUT) {
        let _ =
            writeln!(text, "  left out  {}: {}", escape(&left.what), escape(left.why.trim_end_matches('.')));
    }
    if report.left_out.len() > LEFT_OUT {
        let _ = writeln!(text, "  left out  {} more (see --json)", report.left_out.len() - LEFT_OUT);
    }
    let count =
        |number: usize, one: &str| if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") };
    let verb = if report.dry_run { "would import" } else { "imported" };
    let _ = writeln!(
        text,
        "{verb} {}, and {} of {}",
        count(report.runs.len(), "run"),
        count(report.events, "event"),
        count(report.threads, "thread")
    );
    if report.known > 0 {
        let verb = if report.known == 1 { "was" } else { "were" };
        let _ = writeln!(text, "{} {verb} here already", count(report.known, "run"));
    }
    if report.rest > 0 {
        let _ = writeln!(text, "{} to go: import again", count(report.rest, "run"));
    }
    if report.dry_run {
        text.push_str("Dry run: nothing was changed.\n");
    }
    screen.answer(&text);
    if let Some(hidden) = &report.hidden {
        screen.story(&screen.paint_story(Paint::Warn, &format!("note: {}", escape(hidden))));
    }
    next(screen, report);
}

fn run_text(screen: &Screen, run: &ImportedRun) -> String {
    let tickets: Vec<_> = run.tickets.iter().map(crate::model::TicketId::as_str).collect();
    let was = run.old_id.as_ref().map(|old| format!(" (was '{old}')")).unwrap_or_default();
    let mut text = format!(
        "{}{}  {:<9} {}  {}\n",
        screen.paint(Paint::Bold, run.id.as_str()),
        escape(&was),
        run.state,
        escape(&tickets.join(",")),
        escape(&run.title)
    );
    for note in &run.notes {
        let _ = writeln!(text, "  note: {}", escape(note));
    }
    text
}

fn next(screen: &Screen, report: &ImportReport) {
    if report.dry_run || report.runs.is_empty() {
        return;
    }
    screen.story(&screen.paint_story(Paint::Dim, "next:"));
    if let Some(open) = report.runs.iter().find(|run| run.state.is_open()) {
        screen.story("  git metawsm status");
        screen.story(&format!("  git metawsm resume {}", open.id));
        screen.story(&format!("  git metawsm discard {}", open.id));
    }
    if report.runs.iter().any(|run| !run.state.is_open()) {
        screen.story("  git metawsm publish");
    }
}

fn run_json(run: &ImportedRun) -> Value {
    json!({
        "run": run.id,
        "old_id": run.old_id,
        "state": run.state,
        "was": run.was,
        "tickets": run.tickets,
        "title": run.title,
        "notes": run.notes,
    })
}
