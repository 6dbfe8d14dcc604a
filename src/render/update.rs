//! What `update` and `publish` say.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::model::title_of;
use crate::service::{PublishReport, Taken, Update, UpdateReport, record_path};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows what came of every branch.
pub fn updated(screen: &Screen, report: &UpdateReport) {
    if screen.json {
        screen.answer_json(json!({
            "run": report.run.id,
            "state": report.run.state,
            "dry_run": report.dry_run,
            "updates": report.updates.iter().map(update_json).collect::<Vec<_>>(),
            "told": report.told,
        }));
        return;
    }
    let mut text = String::new();
    for update in &report.updates {
        let (branch, base, repo) = (&update.tree.branch, &update.base, &update.tree.repo);
        let line = match (&update.taken, report.dry_run) {
            (Taken::Already, _) => format!("'{branch}' of {repo} holds '{base}' already"),
            (Taken::Done(_), true) => format!("take '{base}' into '{branch}' of {repo}"),
            (Taken::Done(id), false) => {
                let id = id.as_deref().map_or("", |id| id.get(..12).unwrap_or(id));
                format!("took '{base}' into '{branch}' of {repo}: {id}")
            }
            (Taken::Conflict(files), true) => {
                format!("'{base}' into '{branch}' of {repo} would conflict in {}", files.join(", "))
            }
            (Taken::Conflict(files), false) => {
                format!("'{base}' into '{branch}' of {repo} conflicts in {}", files.join(", "))
            }
            (Taken::Refused(why), _) => {
                format!("'{base}' into '{branch}' of {repo} was refused: {}", crate::model::plain_line(why))
            }
        };
        let _ = writeln!(text, "  {}", escape(&line));
    }
    if report.dry_run {
        text.push_str("Dry run: nothing was changed.\n");
    }
    screen.answer(&text);
    for agent in &report.told {
        screen.story(&format!("  told {}", escape(agent)));
    }
    let open = report.updates.iter().filter(|u| matches!(u.taken, Taken::Conflict(_)) && !report.dry_run);
    let places: Vec<_> = open.filter_map(|u| u.tree.path.as_deref()).collect();
    if !places.is_empty() {
        screen.story(&screen.paint_story(Paint::Dim, "next:"));
        for place in places {
            let place = crate::sys::process::quoted(&place.display().to_string());
            screen.story(&format!("  git -C {} status", escape(&place)));
            screen.story(&format!("  git -C {} merge --abort", escape(&place)));
        }
    }
}

fn update_json(update: &Update) -> Value {
    let (outcome, commit, files, why) = match &update.taken {
        Taken::Already => ("already", None, None, None),
        Taken::Done(id) => ("done", id.clone(), None, None),
        Taken::Conflict(files) => ("conflict", None, Some(files.clone()), None),
        Taken::Refused(why) => ("refused", None, None, Some(why.clone())),
    };
    json!({
        "ticket": update.tree.ticket,
        "repo": update.tree.repo,
        "path": update.tree.path,
        "branch": update.tree.branch,
        "base": update.base,
        "outcome": outcome,
        "commit": commit,
        "files": files,
        "why": why,
    })
}

/// Shows which records went into history.
pub fn published(screen: &Screen, report: &PublishReport) {
    if screen.json {
        let runs = report.runs.iter().map(|run| {
            json!({ "run": run.id, "state": run.state, "title": run.title(), "path": record_path(run) })
        });
        screen.answer_json(json!({
            "dry_run": report.dry_run,
            "base": report.base,
            "runs": runs.collect::<Vec<_>>(),
            "threads": report.threads.iter().map(|thread| {
                json!({ "thread": thread.id, "title": thread.title, "events": thread.files.len() })
            }).collect::<Vec<_>>(),
            "commit": report.commit,
            "kept_back": report.kept_back,
            "hidden": report.hidden,
        }));
        return;
    }
    if let Some(hidden) = &report.hidden {
        screen.story(&screen.paint_story(Paint::Warn, &format!("note: {}", escape(hidden))));
    }
    let mut text = String::new();
    let is_nothing = report.runs.is_empty() && report.threads.is_empty();
    if is_nothing {
        text.push_str("Nothing waits: every decided run and every thread is in history.\n");
    }
    for run in &report.runs {
        let _ = writeln!(text, "  {} ({}): {}", run.id, run.state, escape(&record_path(run)));
    }
    for thread in &report.threads {
        let events = thread.files.len();
        let s = if events == 1 { "" } else { "s" };
        let _ =
            writeln!(text, "  {} ({events} event{s}): {}", thread.id, escape(&title_of(&thread.title, 60)));
    }
    let last = match (&report.kept_back, &report.commit) {
        (Some(why), _) => format!("Nothing was published: {why}.\n"),
        (None, Some(commit)) => {
            format!("published on '{}' as {}\n", report.base, commit.get(..12).unwrap_or(commit))
        }
        (None, None) if report.dry_run => "Dry run: nothing was changed.\n".to_owned(),
        (None, None) if is_nothing => String::new(),
        (None, None) => format!("'{}' holds them already.\n", report.base),
    };
    text.push_str(&escape(last.trim_end()));
    if !last.is_empty() {
        text.push('\n');
    }
    screen.answer(&text);
}
