//! One run: in brief, and in full.

use super::super::run::reason_of;
use super::super::screen::Paint;
use super::super::sheet::{Part, Sheet};
use super::page::{Widths, short};
use super::{changes, health};
use crate::model::{CheckResult, Guidance, Run, RunState, StepState, ago};
use crate::service::doc_sync::DocsShown;
use crate::service::{AgentView, Landed, RunView};
use jiff::Timestamp;

/// The most lines of what a person has written.
const WORDS: usize = 8;

/// The time of the look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now(pub Timestamp);

impl Now {
    /// How long ago something was.
    pub fn ago(self, at: Timestamp) -> String {
        ago(self.0.as_second().saturating_sub(at.as_second()))
    }
}

fn paint_of(view: &RunView) -> Paint {
    match view.run.state {
        RunState::Failed => Paint::Bad,
        RunState::Closed | RunState::Discarded => Paint::Dim,
        _ if view.needs.is_empty() => Paint::Good,
        _ => Paint::Warn,
    }
}

/// The title of a run that is shown in full, and how it is.
pub(super) fn head(sheet: &mut Sheet<'_>, view: &RunView, now: Now) {
    let run = &view.run;
    sheet.heading(Paint::Bold, &run.title());
    let mut parts = vec![
        Part::new(run.id.as_str()),
        Part::painted(paint_of(view), run.state.as_str()),
        Part::new(&now.ago(run.changed)),
    ];
    if !run.actor.is_empty() {
        parts.push(Part::cut(Some(Paint::Dim), &format!("by {}", run.actor)));
    }
    sheet.flow(0, &parts);
    if let Some(holder) = &view.holder {
        sheet.sentence(0, Some(Paint::Warn), &format!("in use by {}", holder.describe()));
    }
    if let Some(reason) = reason_of(run) {
        sheet.sentence(0, Some(Paint::Dim), reason);
    }
    if is_landed(view) {
        sheet.sentence(0, Some(Paint::Good), "base holds its work already");
    }
}

fn is_landed(view: &RunView) -> bool {
    view.landed == Landed::Yes && view.run.state.is_open()
}

/// One run among others.
pub(super) fn brief(sheet: &mut Sheet<'_>, view: &RunView, widths: &Widths, now: Now) {
    let run = &view.run;
    sheet.flow(
        2,
        &[
            Part::painted(Paint::Bold, run.id.as_str()).padded(widths.id),
            Part::painted(paint_of(view), run.state.as_str()).padded(widths.state),
            Part::painted(Paint::Dim, &now.ago(run.changed)).padded(widths.age),
            Part::cut(None, &run.title()),
        ],
    );
    for (_, parts) in states(view, now) {
        sheet.flow(4, &parts);
    }
    let facts = facts(view);
    if !facts.is_empty() {
        sheet.flow(4, &facts);
    }
    changes::brief(sheet, &view.changes);
}

/// What else is to be known of a run, as far as it is known without judging anything.
fn facts(view: &RunView) -> Vec<Part> {
    let run = &view.run;
    let mut facts = Vec::new();
    if let Some(holder) = &view.holder {
        facts.push(Part::painted(Paint::Warn, &format!("in use by {}", holder.describe())));
    }
    if is_landed(view) {
        facts.push(Part::painted(Paint::Good, "base holds its work already"));
    }
    let done = steps_done(run);
    if done < run.steps.len() {
        facts.push(Part::painted(Paint::Warn, &format!("{done} of {} steps done", run.steps.len())));
    }
    let (passed, failed) = checks(run).fold((0, 0), |(passed, failed), check| match check.status {
        0 => (passed + 1, failed),
        _ => (passed, failed + 1),
    });
    if failed > 0 {
        facts.push(Part::painted(Paint::Bad, &format!("{failed} of {} checks failed", passed + failed)));
    } else if passed > 0 {
        facts.push(Part::new(if passed == 1 { "check passed" } else { "checks passed" }));
    }
    facts.extend(docs_brief(&view.docs));
    let threads = &view.threads;
    if threads.waiting > 0 {
        let s = if threads.waiting == 1 { " waits" } else { "s wait" };
        let escalated =
            if threads.escalated > 0 { format!(", {} escalated", threads.escalated) } else { String::new() };
        let paint = if threads.escalated > 0 { Paint::Bad } else { Paint::Dim };
        facts.push(Part::painted(paint, &format!("{} thread{s}{escalated}", threads.waiting)));
    }
    facts
}

/// How documents stand, once for all tickets that agree.
fn docs_brief(docs: &[DocsShown]) -> Vec<Part> {
    let mut states: Vec<&str> = Vec::new();
    for docs in docs.iter().filter(|docs| !docs.state.is_empty()) {
        if !states.contains(&docs.state) {
            states.push(docs.state);
        }
    }
    let part = |state: &str| {
        let of = docs.iter().filter(|docs| docs.state == state);
        let paint = if of.clone().any(|docs| !docs.warnings.is_empty()) { Paint::Warn } else { Paint::Dim };
        let whose = if states.len() > 1 {
            format!(" of {}", super::page::joined(of.map(|docs| &docs.ticket)))
        } else {
            String::new()
        };
        Part::painted(paint, &format!("docs{whose} {state}"))
    };
    states.iter().map(|state| part(state)).collect()
}

fn is_done(state: StepState) -> bool {
    matches!(state, StepState::Done | StepState::Skipped)
}

fn steps_done(run: &Run) -> usize {
    run.steps.iter().filter(|step| is_done(step.state)).count()
}

/// The last kept result of each check of a run that is not over.
pub(super) fn checks(run: &Run) -> impl Iterator<Item = &CheckResult> {
    let is_last = |(at, check): &(usize, &CheckResult)| {
        !run.checks[at + 1..].iter().any(|later| later.repo == check.repo && later.command == check.command)
    };
    run.checks.iter().enumerate().filter(is_last).map(|(_, check)| check)
}

/// Everything of one run.
pub(super) fn full(sheet: &mut Sheet<'_>, view: &RunView, now: Now) {
    let run = &view.run;
    sheet.gap();
    let parts = [
        ("goal", &run.brief.goal),
        ("scope", &run.brief.scope),
        ("done when", &run.brief.done_criteria),
        ("limits", &run.brief.constraints),
        ("merge", &run.brief.merge_intent),
    ];
    // A goal that is one line is the title.
    for (name, text) in
        parts.into_iter().filter(|(_, text)| text.trim() != run.title() && !text.trim().is_empty())
    {
        sheet.block(name, |sheet| sheet.words(text, WORDS));
    }
    let label = if run.tickets.len() == 1 { "ticket" } else { "tickets" };
    sheet.block(label, |sheet| tickets(sheet, view));
    sheet.block("docs", |sheet| docs(sheet, view));
    sheet.block("steps", |sheet| steps(sheet, run));
    sheet.block(if view.agents.len() == 1 { "agent" } else { "agents" }, |sheet| agents(sheet, view, now));
    sheet.block("guidance", |sheet| run.guidance.iter().for_each(|asked| guidance(sheet, asked, now)));
    sheet.block("threads", |sheet| threads(sheet, view, now));
    sheet.block("checks", |sheet| kept_checks(sheet, run, now));
    sheet.block("merged", |sheet| {
        for done in &run.merges {
            let commit = done.commit.get(..12).unwrap_or(&done.commit);
            let place = format!("{} into '{}' of {}", done.ticket, done.base, done.repo);
            sheet.flow(0, &[Part::new(&place), Part::painted(Paint::Dim, commit)]);
        }
    });
    sheet.block("journal", |sheet| {
        for line in &view.journal {
            let event = line.state.as_deref().filter(|_| line.event == "state").unwrap_or(&line.event);
            let parts = [
                Part::painted(Paint::Dim, &now.ago(line.at)).padded(12),
                Part::new(event),
                Part::cut(Some(Paint::Dim), &line.text),
            ];
            sheet.flow(0, &parts);
        }
    });
}

fn tickets(sheet: &mut Sheet<'_>, view: &RunView) {
    let run = &view.run;
    for ticket in &run.tickets {
        let path = ticket.path.as_deref().map(short).unwrap_or_default();
        sheet.flow(0, &[Part::painted(Paint::Bold, ticket.id.as_str()), Part::cut(None, &path)]);
        let name =
            run.worktrees_for(&ticket.id).map(|tree| tree.repo.as_str().len()).max().unwrap_or_default();
        for tree in run.worktrees_for(&ticket.id) {
            let base = run.repo(&tree.repo).map(|r| r.base.as_str()).unwrap_or_default();
            let mut parts = vec![
                Part::new(tree.repo.as_str()).padded(name),
                Part::new(&format!("{} into {base}", tree.branch)),
            ];
            let of = |c: &&crate::service::TreeChanges| {
                c.ticket == ticket.id.as_str() && c.repo == tree.repo.as_str()
            };
            let changed = view.changes.iter().find(of);
            parts.extend(changed.map(changes::summary).unwrap_or_default());
            sheet.flow(2, &parts);
            if let Some(changed) = changed {
                changes::detail(sheet, 4, changed);
            }
        }
    }
}

/// How the documents of each ticket stand, and what a person should know of them.
fn docs(sheet: &mut Sheet<'_>, view: &RunView) {
    for docs in &view.docs {
        let (state, paint) = match docs.state {
            "" => ("not seeded", None),
            state if docs.warnings.is_empty() => (state, Some(Paint::Good)),
            state => (state, Some(Paint::Warn)),
        };
        let revision = docs.revision.get(..12).unwrap_or_default();
        let state = paint.map_or_else(|| Part::new(state), |paint| Part::painted(paint, state));
        sheet.flow(0, &[Part::new(docs.ticket.as_str()), state, Part::painted(Paint::Dim, revision)]);
        let place = format!("{} in {} ({}, {})", docs.dir, docs.home, docs.authority, docs.seed);
        sheet.flow(2, &[Part::painted(Paint::Dim, &place)]);
        for warning in &docs.warnings {
            sheet.sentence(2, Some(Paint::Warn), &warning.what);
            sheet.command(4, &warning.command);
        }
    }
}

fn steps(sheet: &mut Sheet<'_>, run: &Run) {
    if run.steps.is_empty() {
        return;
    }
    sheet.flow(0, &[Part::new(&format!("{} of {} done", steps_done(run), run.steps.len()))]);
    for step in run.steps.iter().filter(|step| !is_done(step.state)) {
        let paint = if step.state == StepState::Failed { Paint::Bad } else { Paint::Warn };
        sheet.flow(2, &[Part::painted(paint, step.state.as_str()).padded(7), Part::new(&step.label())]);
        if !step.error.is_empty() {
            sheet.sentence(4, None, &step.error);
        }
    }
}

/// Each agent with its name and how it is, the names as wide as the widest.
fn states(view: &RunView, now: Now) -> impl Iterator<Item = (&AgentView, Vec<Part>)> {
    let keys = view.agents.iter().map(|agent| agent.agent.key());
    let name = keys.map(|key| Part::new(&key).columns()).max().unwrap_or_default();
    view.agents.iter().map(move |agent| {
        let state = Part::painted(health::paint(agent), agent.health.word).padded(7);
        let parts = [Part::new(&agent.agent.key()).padded(name), state];
        (agent, parts.into_iter().chain(health::parts(agent, now)).collect())
    })
}

fn agents(sheet: &mut Sheet<'_>, view: &RunView, now: Now) {
    for (agent, parts) in states(view, now) {
        sheet.flow(0, &parts);
        let backend = agent.agent.live.as_ref().map_or("no session yet", |session| session.backend.as_str());
        let session = format!("{} in {backend} {}", agent.agent.runner, agent.agent.session);
        sheet.flow(2, &[Part::cut(Some(Paint::Dim), &session)]);
    }
}

fn guidance(sheet: &mut Sheet<'_>, asked: &Guidance, now: Now) {
    let who = format!("{}.{}", asked.ticket, asked.agent);
    let when = Part::painted(Paint::Dim, &format!("asked {}", now.ago(asked.asked)));
    let state = match (asked.answered, asked.delivered) {
        (None, _) => Part::painted(Paint::Warn, "waits for an answer"),
        (Some(at), Some(how)) => {
            let how = match how {
                crate::model::Delivery::Typed => "typed to it",
                crate::model::Delivery::Continued => "it went on with the answer",
                crate::model::Delivery::Left => "left for it",
            };
            Part::painted(Paint::Dim, &format!("answered {}, {how}", now.ago(at)))
        }
        (Some(at), None) => {
            Part::painted(Paint::Warn, &format!("answered {}, not delivered yet", now.ago(at)))
        }
    };
    sheet.flow(0, &[Part::new(&who), when, state]);
    sheet.sentence(2, None, &asked.question);
}

fn threads(sheet: &mut Sheet<'_>, view: &RunView, now: Now) {
    for (thread, is_escalated) in &view.threads.list {
        let escalated = is_escalated.then(|| Part::painted(Paint::Bad, "escalated"));
        let mut parts = vec![
            Part::new(thread.priority.as_str()).padded(6),
            Part::new(thread.state.as_str()),
            Part::painted(Paint::Dim, &now.ago(thread.opened)),
        ];
        parts.extend(escalated);
        parts.push(Part::cut(None, &thread.title));
        sheet.flow(0, &parts);
        sheet.command(2, &format!("git metawsm forum thread {}", thread.id));
    }
}

fn kept_checks(sheet: &mut Sheet<'_>, run: &Run, now: Now) {
    for check in checks(run) {
        let (paint, word) = if check.status == 0 { (Paint::Good, "passed") } else { (Paint::Bad, "failed") };
        let when = check.at.map(|at| Part::painted(Paint::Dim, &now.ago(at)));
        let mut parts = vec![Part::painted(paint, word), Part::new(check.repo.as_str())];
        parts.extend(when);
        parts.push(Part::cut(None, &check.command));
        sheet.flow(0, &parts);
    }
}
