//! Gates for people and for programs.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::gate::{AGENTS_WORD, Line, Standing, Verdict};
use crate::service::Checked;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The lines of a verdict; `refusals` leaves out what passed.
pub fn verdict_lines(verdict: &Verdict, screen: &Screen, refusals: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for line in &verdict.lines {
        if refusals && matches!(line.standing, Standing::Pass | Standing::Off) {
            continue;
        }
        let (mark, paint) = match line.standing {
            Standing::Pass => ("ok", Paint::Good),
            Standing::Warn => ("warn", Paint::Warn),
            Standing::Waived(_) => ("waived", Paint::Warn),
            Standing::Block => ("BLOCK", Paint::Bad),
            Standing::Off => ("off", Paint::Dim),
        };
        let claim = if line.judge == AGENTS_WORD { format!(" ({AGENTS_WORD})") } else { String::new() };
        lines.push(format!("  {} {}{claim}", screen.paint_story(paint, &format!("{mark:<6}")), line.gate));
        for blocker in &line.blockers {
            let place = if blocker.place.is_empty() {
                String::new()
            } else {
                format!("{}: ", escape(&blocker.place))
            };
            lines.push(format!("         {place}{}", escape(&blocker.what)));
            lines.push(format!("           {}", escape(&blocker.command)));
        }
    }
    lines
}

/// The gates as JSON.
pub(super) fn gates_json(verdict: &Verdict) -> Value {
    let line = |line: &Line| {
        let blockers: Vec<_> = line
            .blockers
            .iter()
            .map(|b| json!({ "what": b.what, "place": b.place, "command": b.command }))
            .collect();
        json!({ "gate": line.gate, "verdict": line.standing.as_str(), "judge": line.judge, "blockers": blockers })
    };
    Value::Array(verdict.lines.iter().map(line).collect())
}

/// Shows what `check` found.
pub fn judged(screen: &Screen, checked: &Checked) {
    let Checked { run, verdict, tampered } = checked;
    if screen.json {
        screen.answer_json(json!({
            "run": run.id, "passes": !verdict.refuses(), "gates": gates_json(verdict), "tampered": tampered,
        }));
        return;
    }
    let mut text = String::new();
    for line in verdict_lines(verdict, screen, false) {
        text.push_str(&line);
        text.push('\n');
    }
    let end = if verdict.refuses() { "refused" } else { "passes" };
    let _ = writeln!(text, "{}: {end}", run.id);
    screen.answer(&text);
    if let Some(why) = tampered {
        screen.complaint(&format!("{} {}", screen.paint_story(Paint::Bad, "warning:"), escape(why)));
        screen.complaint(&format!("  git metawsm log {}", run.id));
    }
}
