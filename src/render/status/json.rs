//! `status` for programs.

use super::super::bus::bus_json;
use super::super::json::run_json;
use super::run::checks;
use crate::model::{Guidance, Thread};
use crate::service::doc_sync::DocsShown;
use crate::service::{AgentView, RunView, StatusReport, TreeChanges};
use crate::sessions::Observation;
use serde_json::{Value, json};

/// Everything that is shown, for programs.
pub(super) fn report_json(report: &StatusReport) -> Value {
    let runs: Vec<_> = report.runs.iter().map(|view| view_json(view, report.in_full)).collect();
    let mut value = json!({ "runs": runs, "broken": report.broken });
    if let Some(bus) = &report.bus {
        value["forum_bus"] = bus_json(bus);
    }
    if report.escalated > 0 {
        value["escalated_threads"] = report.escalated.into();
    }
    if report.everywhere {
        value["away"] = report.away.iter().map(|a| json!({ "root": a.root, "why": a.why })).collect();
    }
    value
}

/// What of a report is no mere passing of time: where this is the same, nothing has changed.
pub fn status_mark(report: &StatusReport) -> String {
    let mut value = report_json(report);
    for run in value["runs"].as_array_mut().into_iter().flatten() {
        // Who holds a run for a moment, when an agent has printed, and how long ago something was.
        run["holder"] = Value::Null;
        for agent in run["agents"].as_array_mut().into_iter().flatten() {
            agent["activity"] = Value::Null;
            agent["progress"] = Value::Null;
        }
        for need in run["needs"].as_array_mut().into_iter().flatten() {
            need["what"] = Value::Null;
        }
    }
    value.to_string()
}

fn view_json(view: &RunView, in_full: bool) -> Value {
    let mut value = run_json(&view.run);
    value["root"] = json!(view.root);
    value["needs"] = json!(view.needs);
    value["guidance"] = json!(view.run.guidance.iter().map(question_json).collect::<Vec<_>>());
    value["landed"] = json!(view.landed.word());
    value["holder"] =
        json!(view.holder.as_ref().map(|h| json!({ "pid": h.pid, "command": h.command, "since": h.since })));
    value["agents"] = view.agents.iter().map(agent_json).collect();
    value["docs"] = view.docs.iter().map(docs_json).collect();
    value["changes"] = view.changes.iter().map(changes_json).collect();
    value["threads"] = json!({ "waiting": view.threads.waiting, "escalated": view.threads.escalated });
    value["checks"] = checks(&view.run)
        .map(|c| json!({ "repo": c.repo, "command": c.command, "status": c.status, "at": c.at }))
        .collect();
    if in_full {
        let thread = |(thread, escalated): &(Thread, bool)| {
            json!({
                "thread": thread.id, "title": thread.title, "state": thread.state,
                "priority": thread.priority, "opened": thread.opened, "escalated": escalated,
            })
        };
        value["threads"]["list"] = view.threads.list.iter().map(thread).collect();
        value["journal"] = json!(view.journal);
        value["next"] = json!(super::page::next(view));
    }
    value
}

fn changes_json(changes: &TreeChanges) -> Value {
    let dirty: Vec<_> = changes.dirty.iter().map(|d| format!("{} ({})", d.path, d.what)).collect();
    json!({
        "place": changes.place(),
        "path": changes.path,
        "commits": changes.commits,
        "subjects": changes.subjects,
        "files": changes.counts.files,
        "insertions": changes.counts.insertions,
        "deletions": changes.counts.deletions,
        "dirty": dirty,
        "half_done": changes.half_done,
        "odd": changes.odd,
    })
}

fn docs_json(docs: &DocsShown) -> Value {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "ticket": docs.ticket,
        "repo": docs.home,
        "dir": docs.dir,
        "authority": docs.authority,
        "seed_mode": docs.seed,
        "revision": known(&docs.revision),
        "state": known(docs.state),
        "warnings": docs.warnings,
    })
}

fn question_json(asked: &Guidance) -> Value {
    json!({
        "thread": asked.thread,
        "agent": format!("{}.{}", asked.ticket, asked.agent),
        "question": asked.question,
        "asked": asked.asked,
        "answered": asked.answered,
        "delivered": asked.delivered,
    })
}

fn agent_json(view: &AgentView) -> Value {
    let (exit, signal) = match &view.seen {
        Observation::Ended(ended) => (ended.status, ended.signal),
        _ => (None, None),
    };
    json!({
        "agent": view.agent.key(),
        "runner": view.agent.runner,
        "session": view.agent.session,
        "backend": view.agent.live.as_ref().map(|s| s.backend.as_str()),
        "health": view.health.word,
        "activity": view.health.activity,
        "progress": view.health.progress,
        "exit": exit,
        "signal": signal,
        "completed": view.agent.completed,
        "validation": view.agent.validation,
    })
}
