//! What `policy-init` and `policy` say.

use super::escape::{escape, escape_lines};
use super::screen::{Paint, Screen};
use crate::policy;
use crate::service::{PolicyApplied, PolicyChecked, PolicyInitReport, PolicyShown, SetupScript};
use crate::sys::process::quoted;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows what `policy-init` wrote.
pub fn policy_init(screen: &Screen, report: &PolicyInitReport) {
    if screen.json {
        screen.answer_json(json!({ "path": report.path, "diff": report.diff, "hidden": report.hidden }));
        return;
    }
    screen.answer(&escape_lines(&report.diff));
    screen.answer(&format!("wrote {}\n", escape(&report.path.display().to_string())));
    if let Some(hidden) = &report.hidden {
        screen.story(&screen.paint_story(Paint::Warn, &format!("note: {}", escape(hidden))));
    }
    if report.in_force {
        screen.story("  git metawsm policy check");
    } else {
        let place = quoted(&report.path.display().to_string());
        screen.story(&format!("  git metawsm --policy {} policy check", escape(&place)));
    }
}

fn shown_json(shown: &PolicyShown) -> Value {
    json!({
        "path": shown.path,
        "hash": policy::hash(&shown.policy),
        "trusted": shown.trusted,
        "programs": shown.programs.iter().map(|(k, v)| json!({ "key": k, "value": v })).collect::<Vec<_>>(),
        "not_used": shown.not_used,
        "scripts": shown.scripts.iter().map(script_json).collect::<Vec<_>>(),
        "policy": shown.policy,
    })
}

fn script_json(script: &SetupScript) -> Value {
    json!({
        "repo": script.repo,
        "path": script.path,
        "hash": script.hash,
        "lines": script.lines,
        "trusted": script.trusted,
    })
}

/// A set-up script with what tells it from others, a line each.
fn script_lines(script: &SetupScript) -> Vec<String> {
    let hash = script.hash.get(..19).unwrap_or(&script.hash);
    let mut lines = vec![format!("  {} ({hash})", escape(&script.name()))];
    lines.extend(script.lines.iter().map(|line| format!("    {}", escape(line))));
    lines
}

/// Shows the policy in force.
pub fn policy_shown(screen: &Screen, shown: &PolicyShown) {
    if screen.json {
        screen.answer_json(shown_json(shown));
        return;
    }
    let source = shown
        .path
        .as_deref()
        .map_or_else(|| "defaults (no policy file)".to_owned(), |p| p.display().to_string());
    screen.story(&format!("# {}", escape(&source)));
    let table = policy::to_table(&shown.policy);
    screen.answer(&escape_lines(&toml::to_string_pretty(&table).unwrap_or_default()));
    about(screen, shown);
}

fn about(screen: &Screen, shown: &PolicyShown) {
    for key in &shown.not_used {
        screen.story(&format!("not used yet: {}", escape(key)));
    }
    if !shown.trusted {
        screen.story(&screen.paint_story(Paint::Warn, "These programs are not trusted yet:"));
        for (key, value) in &shown.programs {
            screen.story(&format!("  {} = {}", escape(key), escape(value)));
        }
        screen.story("  git metawsm policy trust");
    }
    let untrusted: Vec<_> = shown.scripts.iter().filter(|script| !script.trusted).collect();
    if !untrusted.is_empty() {
        screen.story(&screen.paint_story(Paint::Warn, "These set-up scripts are not trusted yet:"));
        for line in untrusted.into_iter().flat_map(script_lines) {
            screen.story(&line);
        }
        screen.story("  git metawsm policy trust");
    }
}

/// Shows what `policy check` found.
pub fn policy_checked(screen: &Screen, checked: &PolicyChecked) {
    if screen.json {
        let mut value = shown_json(&checked.shown);
        value["changes"] = json!(checked.changes);
        value["diff"] = json!(checked.diff);
        screen.answer_json(value);
        return;
    }
    let mut text = String::new();
    for change in &checked.changes {
        let _ = writeln!(text, "  {}", escape(change));
    }
    let place = checked
        .shown
        .path
        .as_deref()
        .map_or_else(|| "no policy file".to_owned(), |p| p.display().to_string());
    let _ = writeln!(text, "ok: {}", escape(&place));
    screen.answer(&text);
    about(screen, &checked.shown);
}

/// Shows what is trusted now.
pub fn policy_trusted(screen: &Screen, shown: &PolicyShown) {
    if screen.json {
        screen.answer_json(shown_json(shown));
        return;
    }
    if shown.programs.is_empty() && shown.scripts.is_empty() {
        screen.answer("The policy starts no programs of its own; there is nothing to trust.\n");
        return;
    }
    let mut text = String::from("trusted:\n");
    for (key, value) in &shown.programs {
        let _ = writeln!(text, "  {} = {}", escape(key), escape(value));
    }
    for line in shown.scripts.iter().flat_map(script_lines) {
        let _ = writeln!(text, "{line}");
    }
    screen.answer(&text);
}

/// Shows what `policy apply` changed in a run.
pub fn policy_applied(screen: &Screen, applied: &PolicyApplied, dry_run: bool) {
    if screen.json {
        screen.answer_json(json!({ "run": applied.run.id, "dry_run": dry_run, "changes": applied.changes }));
        return;
    }
    if applied.changes.is_empty() {
        screen.answer(&format!("{} is under the present policy.\n", applied.run.id));
        return;
    }
    let mut text = String::new();
    for change in &applied.changes {
        let _ = writeln!(text, "  {}", escape(change));
    }
    text.push_str(if dry_run { "Dry run: nothing was changed.\n" } else { "applied\n" });
    screen.answer(&text);
}
