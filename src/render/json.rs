//! Runs as JSON objects for programs.

use crate::model::Run;
use serde_json::{Value, json};

/// A run in short: what lists and most answers carry.
pub(super) fn run_json(run: &Run) -> Value {
    json!({
        "run": run.id,
        "state": run.state,
        "reason": run.reason,
        "title": run.title(),
        "created": run.created,
        "changed": run.changed,
        "strategy": run.strategy.as_str(),
        "doc_home": run.doc_home,
        "goal": run.brief.goal,
        "tickets": run.tickets.iter().map(|t| json!({
            "ticket": t.id, "title": t.title, "workspace": t.workspace, "path": t.path, "docs": t.docs,
        })).collect::<Vec<_>>(),
        "repos": run.repos.iter().map(|r| json!({
            "repo": r.name, "path": r.path, "base": r.base, "base_id": r.base_id, "note": r.base_note,
        })).collect::<Vec<_>>(),
        "worktrees": run.worktrees.iter().map(|w| json!({
            "ticket": w.ticket, "repo": w.repo, "path": w.path, "branch": w.branch, "start": w.start,
        })).collect::<Vec<_>>(),
        "steps": run.steps.iter().map(|s| json!({
            "step": s.label(), "state": s.state, "attempts": s.attempts, "error": s.error,
        })).collect::<Vec<_>>(),
    })
}
