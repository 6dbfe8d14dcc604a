//! What `check --range` says.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::service::{RangeFinding, RangeReport, RangeVerdict};
use serde_json::json;
use std::fmt::Write as _;

/// Shows the judgement of a range.
pub fn range(screen: &Screen, report: &RangeReport) {
    let verdict = report.verdict();
    if screen.json {
        let finding = |f: &RangeFinding| json!({ "commit": f.commit, "subject": f.subject, "run": f.run, "why": f.why });
        screen.answer_json(json!({
            "from": report.from,
            "to": report.to,
            "verdict": verdict.as_str(),
            "passes": verdict == RangeVerdict::Passes,
            "commits": report.commits,
            "runs": report.runs,
            "refused": report.refused.iter().map(finding).collect::<Vec<_>>(),
            "unknown": report.unknown,
        }));
        return;
    }
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    let mut text = String::new();
    for found in &report.refused {
        let mark = screen.paint(Paint::Bad, "BLOCK");
        let _ = writeln!(text, "  {mark}    {}  {}", short(&found.commit), escape(&found.subject));
        let _ = writeln!(text, "           {}", escape(&found.why));
        if !found.run.is_empty() {
            let _ = writeln!(text, "             git metawsm check {}", escape(&found.run));
        }
    }
    for why in &report.unknown {
        let _ = writeln!(text, "  {}  {}", screen.paint(Paint::Warn, "unknown"), escape(why));
        let _ = writeln!(text, "             git fetch --unshallow");
    }
    let commits =
        if report.commits == 1 { "1 commit".to_owned() } else { format!("{} commits", report.commits) };
    let runs = match report.runs.len() {
        0 => "no run".to_owned(),
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    let from = report.from.as_deref().map(short).unwrap_or_default();
    let to = short(&report.to);
    let _ = writeln!(text, "{from}..{to}: {commits}, of {runs}: {}", verdict.as_str());
    screen.answer(&text);
}
