//! What `run`, `resume`, `stop` and their kin say.

use super::escape::escape;
use super::json::run_json;
use super::screen::{Paint, Screen};
use crate::model::{Mode, Run, RunState, StepState};
use crate::service::RunReport;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows what `run` came to: the plan of a dry run, else id, workspaces and what to type next.
pub fn ran(screen: &Screen, report: &RunReport) {
    let RunReport { run, dry_run, notes, told } = report;
    if screen.json {
        let mut value = run_json(run);
        if run.mode == Mode::Bootstrap {
            value["brief"] = json!(run.brief);
            value["brief"]["id"] = json!(run.brief.id());
        }
        value["dry_run"] = json!(dry_run);
        value["notes"] = json!([notes.as_slice(), told.as_slice()].concat());
        // What was only planned is nowhere: no command could find it.
        value["next"] = json!(if *dry_run { Vec::new() } else { next(run) });
        screen.answer_json(value);
        return;
    }
    for note in notes {
        screen.story(&format!("note: {}", escape(note)));
    }
    if *dry_run {
        screen.answer(&planned(screen, run));
        return;
    }
    screen.answer(&summary(screen, run));
}

/// Asks a person something and leaves the cursor where the answer goes; without a question the answer goes on.
pub fn question(screen: &Screen, question: Option<&str>) {
    let line = question.map(|text| format!("{}\n", escape(text))).unwrap_or_default();
    screen.prompt(&format!("{line}> "));
}

fn planned(screen: &Screen, run: &Run) -> String {
    let mut text = format!("{} {}\n", screen.paint(Paint::Bold, "plan"), escape(&run.title()));
    for repo in &run.repos {
        let base = repo.base_id.get(..12).unwrap_or(&repo.base_id);
        let _ = writeln!(text, "  repository {} from '{}' ({base})", repo.name, escape(&repo.base));
    }
    for ticket in &run.tickets {
        let path = ticket.path.as_deref().map(|p| p.display().to_string()).unwrap_or_default();
        let _ = writeln!(text, "  workspace {}", escape(&path));
    }
    brief(&mut text, run);
    for step in &run.steps {
        let _ = writeln!(text, "  step {}", step.label());
    }
    text.push_str("Dry run: nothing was changed.\n");
    text
}

/// What a bootstrap was told, a line each.
fn brief(text: &mut String, run: &Run) {
    if run.mode != Mode::Bootstrap {
        return;
    }
    for ticket in &run.tickets {
        let word = if ticket.made_by_us { "new" } else { "there already" };
        let _ = writeln!(text, "  ticket {} ({word}) {}", ticket.id, escape(&ticket.title));
    }
    let brief = &run.brief;
    let parts = [
        ("goal", &brief.goal),
        ("scope", &brief.scope),
        ("done when", &brief.done_criteria),
        ("constraints", &brief.constraints),
        ("merge intent", &brief.merge_intent),
    ];
    for (name, part) in parts {
        let part = if part.is_empty() { "none stated".to_owned() } else { escape(part) };
        let _ = writeln!(text, "  {name}: {part}");
    }
}

fn summary(screen: &Screen, run: &Run) -> String {
    let mut text = format!("{} {}\n", screen.paint(Paint::Bold, run.id.as_str()), run.state);
    for ticket in &run.tickets {
        let path = ticket.path.as_deref().map(|p| p.display().to_string()).unwrap_or_default();
        let _ = writeln!(text, "  ticket     {}  {}", ticket.id, escape(&path));
    }
    for agent in &run.agents {
        let how = agent.live.as_ref().map_or("not started", |s| s.backend.as_str());
        let _ = writeln!(text, "  agent      {}  {} ({how}: {})", agent.key(), agent.runner, agent.session);
    }
    text.push_str("next:\n");
    for command in next(run) {
        let _ = writeln!(text, "  {command}");
    }
    text
}

/// The commands that make sense next.
pub(super) fn next(run: &Run) -> Vec<String> {
    let id = &run.id;
    let verbs: &[&str] = match run.state {
        RunState::Running | RunState::AwaitingGuidance => {
            let agent = some_agent(run);
            let attach = run.agents.iter().any(in_tmux_session).then(|| format!("attach {id}{agent}"));
            let verbs = [format!("status {id}")].into_iter().chain(attach);
            let verbs = verbs.chain([format!("logs -f {id}{agent}"), format!("diff {id}")]);
            return verbs.map(|verb| format!("git metawsm {verb}")).collect();
        }
        RunState::Completed => &["diff", "check", "close"],
        RunState::Closed | RunState::Discarded => &["cleanup", "log"],
        RunState::Closing => &["close"],
        _ => &["resume", "status", "discard"],
    };
    verbs.iter().map(|verb| format!("git metawsm {verb} {id}")).collect()
}

/// `:<agent>` after a run's id where it has several agents: the first of them.
pub(super) fn some_agent(run: &Run) -> String {
    match run.agents.as_slice() {
        [first, _, ..] => format!(":{}", first.key()),
        _ => String::new(),
    }
}

/// Tells what makes sense next, as part of the story.
pub(super) fn tell_next(screen: &Screen, run: &Run) {
    let next = next(run);
    if !next.is_empty() {
        screen.story(&screen.paint_story(Paint::Dim, "next:"));
    }
    for command in next {
        screen.story(&format!("  {command}"));
    }
}

fn in_tmux_session(agent: &crate::model::RunAgent) -> bool {
    agent.live.as_ref().is_some_and(|s| s.backend == crate::model::SessionBackend::Tmux)
}

/// Why a run is in its state, where that says more than the state itself.
pub(super) fn reason_of(run: &Run) -> Option<&str> {
    let says_more = !run.reason.is_empty() && run.reason != run.state.as_str() && run.reason != "started";
    says_more.then_some(run.reason.as_str())
}

/// Shows a run after a verb that changed its state: `stop`, `complete`, `restart`.
pub fn acted(screen: &Screen, run: &Run) {
    if screen.json {
        let mut value = run_json(run);
        value["next"] = json!(next(run));
        screen.answer_json(value);
        return;
    }
    let reason = reason_of(run).map(|why| format!(" ({})", escape(why))).unwrap_or_default();
    screen.answer(&format!("{} {}{reason}\n", run.id, run.state));
    tell_next(screen, run);
}

/// Shows what `resume` came to, for one run or all of them.
pub fn resumed(screen: &Screen, runs: &[Run], failed: &[(String, String)]) {
    if screen.json {
        let failed: Vec<Value> =
            failed.iter().map(|(run, why)| json!({ "run": run, "message": why })).collect();
        screen
            .answer_json(json!({ "runs": runs.iter().map(run_json).collect::<Vec<_>>(), "failed": failed }));
        return;
    }
    if runs.is_empty() && failed.is_empty() {
        screen.answer("No open run has anything to go on with.\n");
    }
    for run in runs {
        let done =
            run.steps.iter().filter(|s| matches!(s.state, StepState::Done | StepState::Skipped)).count();
        screen.answer(&format!("{} {} ({done} of {} steps hold)\n", run.id, run.state, run.steps.len()));
    }
    for (run, why) in failed {
        screen.complaint(&format!("{run}: {}", escape(why)));
    }
}
