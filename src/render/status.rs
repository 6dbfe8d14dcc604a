//! What `status` says: what needs a person first.

use super::bus::{bus_json, bus_lines};
use super::escape::escape;
use super::json::run_json;
use super::screen::{Paint, Screen};
use crate::model::{Guidance, RunState, StepState};
use crate::service::doc_sync::DocsShown;
use crate::service::{AgentView, Landed, RunView, StatusReport};
use crate::sessions::{Ended, Observation};
use crate::sys::clock;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows one run in full, or all open ones.
pub fn status(screen: &Screen, report: &StatusReport) {
    if screen.json {
        let runs: Vec<_> = report.runs.iter().map(view_json).collect();
        let mut value = json!({ "runs": runs, "broken": report.broken });
        if let Some(bus) = &report.bus {
            value["forum_bus"] = bus_json(bus);
        }
        if report.escalated > 0 {
            value["escalated_threads"] = report.escalated.into();
        }
        screen.answer_json(value);
        return;
    }
    let mut text = String::new();
    for broken in &report.broken {
        let _ = writeln!(text, "{} {}", screen.paint(Paint::Warn, "unreadable:"), escape(broken));
    }
    if let Some(bus) = &report.bus {
        text.push_str(&bus_lines(screen, bus));
    }
    if report.escalated > 0 {
        let (s, are) = if report.escalated == 1 { ("", "is") } else { ("s", "are") };
        let said = format!("{} escalated thread{s} about no run {are} not answered.", report.escalated);
        let _ = writeln!(text, "{} {said}", screen.paint(Paint::Warn, "needs you:"));
        text.push_str("  git metawsm forum list --escalated\n");
    }
    if report.runs.is_empty() && report.broken.is_empty() {
        text.push_str(nothing(report.in_repository));
    }
    for view in &report.runs {
        if report.in_full {
            full(&mut text, screen, view);
        } else {
            short(&mut text, screen, view);
        }
    }
    screen.answer(&text);
}

fn nothing(in_repository: bool) -> &'static str {
    if in_repository {
        "No open runs here. Start one in this repository:\n  git metawsm run '<what to do>'\nSee what it does without risk:\n  git metawsm demo\n"
    } else {
        "This is not a git repository. Go to one and start an agent:\n  git metawsm run '<what to do>'\nSee what it does without risk:\n  git metawsm demo\n"
    }
}

fn head(text: &mut String, screen: &Screen, view: &RunView) {
    let run = &view.run;
    let paint = if view.needs.is_empty() { Paint::Good } else { Paint::Warn };
    let state = screen.paint(paint, run.state.as_str());
    let _ =
        writeln!(text, "{}  {state}  {}", screen.paint(Paint::Bold, run.id.as_str()), escape(&run.title()));
    if let Some(holder) = &view.holder {
        let _ = writeln!(text, "  in use by {}", escape(&holder.describe()));
    }
    if view.landed == Landed::Yes && run.state.is_open() {
        let _ = writeln!(text, "  {} base holds its work already", screen.paint(Paint::Good, "landed:"));
    }
    for need in &view.needs {
        let _ = writeln!(text, "  {} {}", screen.paint(Paint::Warn, "needs you:"), escape(&need.what));
        let _ = writeln!(text, "    {}", escape(&need.command));
    }
}

fn short(text: &mut String, screen: &Screen, view: &RunView) {
    head(text, screen, view);
    for agent in &view.agents {
        let _ = writeln!(text, "  {}  {}", agent.agent.key(), health(agent));
    }
    changes(text, view);
}

fn full(text: &mut String, screen: &Screen, view: &RunView) {
    let run = &view.run;
    head(text, screen, view);
    if let Some(reason) = super::run::reason_of(run) {
        let _ = writeln!(text, "  reason     {}", escape(reason));
    }
    for (name, part) in
        [("goal", &run.brief.goal), ("scope", &run.brief.scope), ("done when", &run.brief.done_criteria)]
    {
        if !part.trim().is_empty() {
            let _ = writeln!(text, "  {name:<10} {}", escape(part.trim()));
        }
    }
    for ticket in &run.tickets {
        let path = ticket.path.as_deref().map(|p| p.display().to_string()).unwrap_or_default();
        let _ = writeln!(text, "  ticket     {}  {}", ticket.id, escape(&path));
        for tree in run.worktrees_for(&ticket.id) {
            let base = run.repo(&tree.repo).map(|r| r.base.as_str()).unwrap_or_default();
            let _ = writeln!(text, "    {}  '{}' into '{}'", tree.repo, escape(&tree.branch), escape(base));
        }
    }
    docs(text, screen, view);
    let done = run.steps.iter().filter(|s| matches!(s.state, StepState::Done | StepState::Skipped)).count();
    let _ = writeln!(text, "  steps      {done} of {} hold", run.steps.len());
    for step in run.steps.iter().filter(|s| !matches!(s.state, StepState::Done | StepState::Skipped)) {
        let error = if step.error.is_empty() { String::new() } else { format!(": {}", escape(&step.error)) };
        let _ = writeln!(text, "    {} {}{error}", step.state, step.label());
    }
    for agent in &view.agents {
        let backend = agent.agent.live.as_ref().map_or("-", |s| s.backend.as_str());
        let _ = writeln!(
            text,
            "  agent      {}  {}  {} ({backend}: {})",
            agent.agent.key(),
            health(agent),
            agent.agent.runner,
            agent.agent.session
        );
    }
    changes(text, view);
    let next = next(view);
    if !next.is_empty() {
        text.push_str("next:\n");
        for command in next {
            let _ = writeln!(text, "  {command}");
        }
    }
}

/// How the documents of each ticket stand, and what a person should know of them.
fn docs(text: &mut String, screen: &Screen, view: &RunView) {
    for docs in &view.docs {
        let state = match docs.state {
            "" => "not seeded".to_owned(),
            state if docs.warnings.is_empty() => state.to_owned(),
            state => screen.paint(Paint::Warn, state),
        };
        let revision = docs.revision.get(..12).map(|r| format!("  {r}")).unwrap_or_default();
        let _ = writeln!(text, "  docs       {}  {state}{revision}", docs.ticket);
        let _ = writeln!(
            text,
            "    {} in {} ({}, {})",
            escape(&docs.dir),
            docs.home,
            escape(&docs.authority),
            escape(&docs.seed)
        );
    }
    let mut warnings = view.docs.iter().flat_map(|docs| &docs.warnings).peekable();
    if warnings.peek().is_some() {
        let _ = writeln!(text, "  {}", screen.paint(Paint::Warn, "docs warnings:"));
    }
    for warning in warnings {
        let _ = writeln!(text, "    {}", escape(&warning.what));
        let _ = writeln!(text, "      {}", escape(&warning.command));
    }
}

/// The commands that make sense after this very status.
fn next(view: &RunView) -> Vec<String> {
    let run = &view.run;
    let alive =
        |agent: &AgentView| matches!(agent.seen, Observation::Alive { .. } | Observation::Unknown { .. });
    if run.state == RunState::Running && !view.agents.iter().any(alive) {
        let (id, agent) = (&run.id, super::run::some_agent(run));
        return vec![
            format!("git metawsm diff {id}"),
            format!("git metawsm logs {id}{agent}"),
            format!("git metawsm restart {id}"),
        ];
    }
    let own = format!("git metawsm status {}", run.id);
    super::run::next(run).into_iter().filter(|command| *command != own).collect()
}

fn changes(text: &mut String, view: &RunView) {
    for change in &view.changes {
        let commits =
            if change.commits == 1 { "1 commit".to_owned() } else { format!("{} commits", change.commits) };
        let state = match (&change.odd, change.dirty.len()) {
            (Some(odd), _) => escape(odd),
            (None, 0) => format!("{commits}, clean"),
            (None, n) => format!("{commits}, {n} not committed: {}", escape(&change.dirty.join(", "))),
        };
        let _ = writeln!(text, "  {}  {state}", escape(&change.place));
    }
}

/// An agent's health with its age or end.
fn health(view: &AgentView) -> String {
    let completed = if view.agent.completed.is_some() { ", completed" } else { "" };
    let detail = match &view.seen {
        Observation::Ended(Ended { stopped: true, .. }) => " (stopped)".to_owned(),
        Observation::Ended(Ended { status: Some(code), .. }) => format!(" (exit {code})"),
        Observation::Ended(Ended { signal: Some(signal), .. }) => format!(" (signal {signal})"),
        Observation::Alive { .. } => since(view),
        Observation::Dead { why } | Observation::Unknown { why } => format!(" ({})", escape(why)),
        _ => String::new(),
    };
    format!("{}{detail}{completed}", view.health.word)
}

/// When a live agent last printed, and when its work last moved.
fn since(view: &AgentView) -> String {
    let ago = |at: Option<jiff::Timestamp>| at.map(|at| age(clock::now().as_second() - at.as_second()));
    match (ago(view.health.activity), ago(view.health.progress)) {
        (Some(active), Some(progress)) => {
            format!(" (active {active} ago, index or head moved {progress} ago)")
        }
        (Some(active), None) => format!(" (active {active} ago)"),
        (None, Some(progress)) => format!(" (index or head moved {progress} ago)"),
        (None, None) => String::new(),
    }
}

fn age(seconds: i64) -> String {
    match seconds {
        s if s < 60 => format!("{} s", s.max(0)),
        s if s < 3600 => format!("{} min", s / 60),
        s if s < 86_400 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

fn view_json(view: &RunView) -> Value {
    let mut value = run_json(&view.run);
    value["root"] = json!(view.root);
    value["needs"] = json!(view.needs);
    value["guidance"] = json!(view.run.guidance.iter().map(question_json).collect::<Vec<_>>());
    value["landed"] = json!(view.landed.word());
    value["holder"] =
        json!(view.holder.as_ref().map(|h| json!({ "pid": h.pid, "command": h.command, "since": h.since })));
    value["agents"] = view.agents.iter().map(agent_json).collect();
    value["docs"] = view.docs.iter().map(docs_json).collect();
    value["changes"] = view
        .changes
        .iter()
        .map(|c| json!({ "place": c.place, "path": c.path, "commits": c.commits, "dirty": c.dirty, "odd": c.odd }))
        .collect();
    value
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
