//! What `rescue` says.

use super::escape::{escape, escape_lines};
use super::screen::{Paint, Screen};
use crate::git::{SavedFile, SavedKind};
use crate::service::{RescueView, Restored};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// How many are listed where nobody asked for all.
const SHOWN: usize = 20;

fn view_json(view: &RescueView) -> Value {
    let (saved, note) = (&view.saved, &view.saved.note);
    let [run, workspace, repo, _] = saved.parts();
    json!({
        "id": saved.id,
        "ref": saved.reference,
        "run": run,
        "workspace": workspace,
        "repo": repo,
        "repository": view.repository.dir(),
        "kind": note.kind.as_str(),
        "at": saved.at,
        "command": note.why,
        "branch": note.branch,
        "worktree": note.worktree,
        "head": note.head,
        "commit": saved.commit,
        "commits": note.commits,
        "files": note.files,
        "bytes": note.bytes,
        "dropped": note.dropped,
    })
}

/// What a rescue holds, in a few words.
fn holds(view: &RescueView) -> String {
    let note = &view.saved.note;
    let commits = match note.commits.len() {
        0 => String::new(),
        1 => "1 commit that no branch held".to_owned(),
        count => format!("{count} lines of commits that no branch held"),
    };
    let what = match (note.kind, &note.branch) {
        (SavedKind::Files, _) if note.files == 0 => "what was staged".to_owned(),
        (SavedKind::Files, _) => {
            let files = if note.files == 1 { "1 file".to_owned() } else { format!("{} files", note.files) };
            format!("{files}, {} bytes", note.bytes)
        }
        (SavedKind::Branch, Some(branch)) => format!("the branch '{branch}'"),
        _ if commits.is_empty() => "commits that no branch held".to_owned(),
        _ => return commits,
    };
    if commits.is_empty() { what } else { format!("{what}; {commits}") }
}

/// Shows the list.
pub fn rescues(screen: &Screen, views: &[RescueView], all: bool) {
    if screen.json {
        let views: Vec<_> = views.iter().map(view_json).collect();
        screen.answer_json(json!({ "rescues": views }));
        return;
    }
    let mut text = String::new();
    let shown = if all { views.len() } else { views.len().min(SHOWN) };
    for view in &views[..shown] {
        let [run, workspace, repo, _] = view.saved.parts();
        let at = view.saved.at.map_or_else(|| "?".to_owned(), |at| at.to_string());
        let _ = writeln!(
            text,
            "{}  {at}  {}  {}/{}  {}",
            screen.paint(Paint::Bold, view.saved.short()),
            escape(run),
            escape(workspace),
            escape(repo),
            escape(&holds(view)),
        );
    }
    if views.is_empty() {
        text.push_str("Nothing was rescued in the repositories that are known here.\n");
    }
    screen.answer(&text);
    next(screen, views.first(), &["show", "restore"]);
    if shown < views.len() {
        screen.story(&format!("  git metawsm rescue list --all    ({} more)", views.len() - shown));
    }
}

fn next(screen: &Screen, view: Option<&RescueView>, verbs: &[&str]) {
    let Some(view) = view else { return };
    screen.story(&screen.paint_story(Paint::Dim, "next:"));
    for verb in verbs {
        screen.story(&format!("  git metawsm rescue {verb} {}", view.saved.short()));
    }
}

/// Shows one rescue with its files.
pub fn rescue(screen: &Screen, view: &RescueView, files: &[SavedFile]) {
    if screen.json {
        let mut value = view_json(view);
        let file = |f: &SavedFile| {
            json!({
                "path": f.path.text(), "bytes": f.size, "deleted": f.now.is_none(), "staged": f.staged.is_some(),
                "mode": f.now.as_ref().map(|(mode, _)| format!("{mode:o}")),
            })
        };
        value["contents"] = files.iter().map(file).collect();
        screen.answer_json(value);
        return;
    }
    let (saved, note) = (&view.saved, &view.saved.note);
    let [run, workspace, ..] = saved.parts();
    let mut text = format!("{}\n", screen.paint(Paint::Bold, &saved.reference));
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key:<10} {}", escape(value));
    };
    line("holds", &holds(view));
    line("of", &format!("run {run}, workspace {workspace}"));
    line("in", &view.repository.dir().display().to_string());
    if let Some(at) = saved.at {
        line("saved", &format!("{at}, before '{}'", note.why));
    }
    note.worktree.iter().for_each(|place| line("from", place));
    match (&note.branch, &note.head) {
        (Some(branch), Some(head)) => line("on", &format!("'{branch}' at {head}")),
        (None, Some(head)) => line("on", &format!("no branch, at {head}")),
        _ => {}
    }
    note.commits.iter().for_each(|id| line("commit", id));
    for file in files {
        let what = match (&file.now, &file.staged) {
            (None, None) => "deleted".to_owned(),
            (None, Some(_)) => format!("deleted; {} bytes were staged", file.size),
            (Some((0o120_000, _)), _) => "a link".to_owned(),
            (Some(_), None) => format!("{} bytes", file.size),
            (Some(_), Some(_)) => format!("{} bytes; staged with other contents", file.size),
        };
        line("file", &format!("{}  ({what})", file.path));
    }
    note.dropped.iter().for_each(|path| line("dropped", path));
    screen.answer(&text);
    next(screen, Some(view), &["restore"]);
}

/// Shows one file of a rescue: its very bytes, but for a terminal, which gets nothing that it would obey.
pub fn rescued_file(screen: &Screen, path: &Path, bytes: &[u8]) {
    if screen.json {
        let text = std::str::from_utf8(bytes).ok();
        screen.answer_json(json!({ "path": path.to_string_lossy(), "bytes": bytes.len(), "text": text }));
    } else if screen.is_terminal() {
        screen.answer(&escape_lines(&String::from_utf8_lossy(bytes)));
    } else {
        screen.answer_bytes(bytes);
    }
}

/// Shows what came back.
pub fn restored(screen: &Screen, restored: &Restored) {
    if screen.json {
        let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
            pairs.iter().map(|(branch, commit)| json!({ "branch": branch, "commit": commit })).collect()
        };
        screen.answer_json(json!({
            "dir": restored.dir,
            "written": restored.written,
            "same": restored.same,
            "deleted": restored.deleted,
            "branches": pairs(&restored.branches),
            "held": pairs(&restored.held),
        }));
        return;
    }
    let mut text = String::new();
    let parts = [
        ("wrote", &restored.written),
        ("found unchanged", &restored.same),
        ("not there (it was deleted)", &restored.deleted),
    ];
    for (word, names) in parts {
        for name in names {
            let _ = writeln!(text, "  {word} {}", escape(name));
        }
    }
    for (branch, commit) in &restored.branches {
        let _ = writeln!(text, "  branch '{}' is at {}", escape(branch), commit.get(..12).unwrap_or(commit));
    }
    for (branch, commit) in &restored.held {
        let commit = commit.get(..12).unwrap_or(commit);
        let _ = writeln!(text, "  commit {commit} is in the branch '{}'", escape(branch));
    }
    if let Some(dir) = &restored.dir {
        let _ = writeln!(text, "{}", escape(&dir.display().to_string()));
    }
    screen.answer(&text);
}

/// Shows that a rescue was given up.
pub fn rescue_dropped(screen: &Screen, view: &RescueView) {
    if screen.json {
        screen.answer_json(view_json(view));
        return;
    }
    screen.answer(&format!("dropped {} ({})\n", escape(&view.saved.reference), escape(&holds(view))));
}
