//! What `doctor` says.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::service::{Condition, DoctorReport};
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Says how everything is; fails where something is wrong.
pub fn diagnosis(screen: &Screen, report: &DoctorReport) -> ExitCode {
    if screen.json {
        screen.answer_json(json!({
            "well": report.is_well(),
            "checks": report.checks.iter().map(|check| json!({
                "about": check.about,
                "condition": check.condition.as_str(),
                "what": check.what,
                "command": check.command,
                "mendable": check.is_mendable(),
            })).collect::<Vec<_>>(),
            "mended": report.mended,
            "failed": report.failed,
            "rebuilt": report.rebuilt.map(|(records, took)| json!({
                "records": records, "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            })),
        }));
    } else {
        screen.answer(&told(screen, report));
    }
    if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn told(screen: &Screen, report: &DoctorReport) -> String {
    let mut text = String::new();
    if let Some((records, took)) = report.rebuilt {
        let _ = writeln!(text, "rebuilt  the index, from {records} records in {} ms", took.as_millis());
    }
    for done in &report.mended {
        let _ = writeln!(text, "{}  {}", screen.paint(Paint::Good, "mended "), escape(done));
    }
    for failed in &report.failed {
        let _ = writeln!(text, "{}  {}", screen.paint(Paint::Bad, "failed "), escape(failed));
    }
    for check in &report.checks {
        let (word, paint) = match check.condition {
            Condition::Good => ("good   ", Paint::Good),
            Condition::Note => ("note   ", Paint::Dim),
            Condition::Warn => ("warning", Paint::Warn),
            Condition::Bad => ("wrong  ", Paint::Bad),
        };
        let _ = writeln!(text, "{}  {}: {}", screen.paint(paint, word), check.about, escape(&check.what));
        if let Some(command) = &check.command {
            let _ = writeln!(text, "           {}", escape(command));
        }
    }
    let count = |condition| report.checks.iter().filter(|check| check.condition == condition).count();
    let (bad, warn) = (count(Condition::Bad), count(Condition::Warn));
    let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
    let _ = match (bad, warn) {
        (0, 0) => writeln!(text, "All is well."),
        (0, warn) => writeln!(text, "Nothing is wrong; {} to look at.", things(warn)),
        (bad, 0) => writeln!(text, "{} wrong.", things(bad)),
        (bad, warn) => writeln!(text, "{} wrong, {} to look at.", things(bad), things(warn)),
    };
    text
}
