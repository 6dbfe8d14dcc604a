//! The page: who needs a person, then the runs, then what cannot be shown, then what to type next.

use super::super::bus::bus_said;
use super::super::run::{next as next_of, some_agent};
use super::super::screen::{Paint, Screen};
use super::super::sheet::{Line, Part, Sheet};
use super::super::width::columns;
use super::run::{Now, brief, full, head};
use crate::model::{RunState, TicketId};
use crate::service::{AgentView, Need, NeedKind, RunView, StatusReport};
use crate::sessions::Observation;
use crate::sys::env;
use jiff::Timestamp;
use std::path::Path;

/// The page of a report, for a window of this width; without one no line is wrapped or cut.
pub fn status_lines(
    screen: &Screen,
    report: &StatusReport,
    width: Option<usize>,
    now: Timestamp,
) -> Vec<Line> {
    let mut sheet = Sheet::new(screen, width);
    match report.runs.as_slice() {
        [view] if report.in_full => {
            head(&mut sheet, view, Now(now));
            needs(&mut sheet, report);
            full(&mut sheet, view, Now(now));
        }
        _ => {
            needs(&mut sheet, report);
            runs(&mut sheet, report, Now(now));
        }
    }
    rest(&mut sheet, report);
    after(&mut sheet, report);
    sheet.lines()
}

/// How soon a person is to look: the smaller the sooner.
fn rank(kind: NeedKind) -> usize {
    match kind {
        NeedKind::Completed => 100,
        NeedKind::Docs => 90,
        NeedKind::Stopped => 80,
        kind => NeedKind::ALL.iter().position(|other| *other == kind).unwrap_or(50),
    }
}

/// The runs that need a person, those that press most first.
fn pressing(report: &StatusReport) -> Vec<&RunView> {
    let mut views: Vec<_> = report.runs.iter().filter(|view| !view.needs.is_empty()).collect();
    let soonest = |view: &RunView| view.needs.iter().map(|need| rank(need.kind)).min();
    // Among equals the one that has waited longest.
    views.sort_by_key(|view| (soonest(view), view.run.changed));
    views
}

fn needs(sheet: &mut Sheet<'_>, report: &StatusReport) {
    let views = pressing(report);
    if views.is_empty() && report.escalated == 0 {
        return;
    }
    sheet.gap();
    sheet.heading(Paint::Warn, "needs you");
    for view in views {
        if !report.in_full {
            let mut parts = vec![Part::painted(Paint::Dim, view.run.id.as_str())];
            parts.extend(report.everywhere.then(|| Part::painted(Paint::Dim, &short(&view.root))));
            parts.push(Part::new(&joined(view.run.tickets.iter().map(|ticket| &ticket.id))));
            parts.push(Part::cut(Some(Paint::Bold), &view.run.title()));
            sheet.flow(2, &parts);
        }
        let shift = if report.in_full { 0 } else { 2 };
        for need in &view.needs {
            need_lines(sheet, shift, need);
        }
    }
    if report.escalated > 0 {
        let (s, are) = if report.escalated == 1 { ("", "is") } else { ("s", "are") };
        let said = format!("{} escalated thread{s} about no run {are} not answered.", report.escalated);
        sheet.sentence(2, None, &said);
        sheet.command(4, "git metawsm forum list --escalated");
    }
}

fn need_lines(sheet: &mut Sheet<'_>, shift: usize, need: &Need) {
    let paint = match need.kind {
        NeedKind::Failed | NeedKind::Unhealthy | NeedKind::Escalated | NeedKind::Journal => Some(Paint::Bad),
        NeedKind::Completed => Some(Paint::Good),
        _ => Some(Paint::Warn),
    };
    sheet.sentence(2 + shift, paint, &need.what);
    sheet.command(4 + shift, &need.command);
}

fn runs(sheet: &mut Sheet<'_>, report: &StatusReport, now: Now) {
    if report.runs.is_empty() {
        if report.broken.is_empty() && report.escalated == 0 {
            nothing(sheet, report.in_repository);
        }
        return;
    }
    sheet.gap();
    let count = report.runs.len();
    sheet.heading(Paint::Bold, &if count == 1 { "1 run".to_owned() } else { format!("{count} runs") });
    let widths = Widths::of(&report.runs, now);
    if !report.everywhere {
        report.runs.iter().for_each(|view| brief(sheet, view, &widths, now));
        return;
    }
    for root in &report.roots {
        let mut views = report.runs.iter().filter(|view| view.root == *root).peekable();
        if views.peek().is_some() {
            sheet.gap();
            sheet.heading(Paint::Bold, &short(root));
            views.for_each(|view| brief(sheet, view, &widths, now));
        }
    }
}

/// How wide the columns of runs are.
#[derive(Debug, Default)]
pub(super) struct Widths {
    pub id: usize,
    pub state: usize,
    pub age: usize,
}

impl Widths {
    fn of(views: &[RunView], now: Now) -> Self {
        let widest = |of: &dyn Fn(&RunView) -> usize| views.iter().map(of).max().unwrap_or_default();
        Self {
            id: widest(&|view| columns(view.run.id.as_str())),
            state: widest(&|view| columns(view.run.state.as_str())),
            age: widest(&|view| columns(&now.ago(view.run.changed))),
        }
    }
}

fn nothing(sheet: &mut Sheet<'_>, in_repository: bool) {
    let said = if in_repository {
        "No open runs here. Start one in this repository:"
    } else {
        "This is not a git repository. Go to one and start an agent:"
    };
    sheet.sentence(0, None, said);
    sheet.command(2, "git metawsm run '<what to do>'");
    sheet.sentence(0, None, "See what it does without risk:");
    sheet.command(2, "git metawsm demo");
}

/// A directory, below the user's home directory with a tilde.
pub(super) fn short(path: &Path) -> String {
    match env::home().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// What could not be read, and what keeps forum events from travelling.
fn rest(sheet: &mut Sheet<'_>, report: &StatusReport) {
    if !report.broken.is_empty() || !report.away.is_empty() {
        sheet.gap();
        sheet.heading(Paint::Bad, "unreadable");
        report.broken.iter().for_each(|broken| sheet.sentence(2, None, broken));
        for away in &report.away {
            sheet.sentence(2, None, &format!("{}: {}.", short(&away.root), away.why.trim_end_matches('.')));
        }
    }
    if let Some((said, command)) = report.bus.as_ref().and_then(bus_said) {
        sheet.gap();
        sheet.heading(Paint::Warn, "forum");
        sheet.sentence(2, None, &said);
        if let Some(command) = command {
            sheet.command(4, command);
        }
    }
}

/// What to type next.
fn after(sheet: &mut Sheet<'_>, report: &StatusReport) {
    let commands = match report.runs.as_slice() {
        [view] if report.in_full => next(view),
        // Of several, the one that is shown first. Of another control repository nothing is known by its id alone.
        [view, ..] if report.roots.first() == Some(&view.root) => {
            vec![format!("git metawsm status {}", pressing(report).first().unwrap_or(&view).run.id)]
        }
        _ => return,
    };
    if commands.is_empty() {
        return;
    }
    sheet.gap();
    sheet.heading(Paint::Dim, "next");
    for command in &commands {
        sheet.command(2, command);
    }
}

/// The commands that make sense after a look at this very run.
pub(super) fn next(view: &RunView) -> Vec<String> {
    let run = &view.run;
    let alive =
        |agent: &AgentView| matches!(agent.seen, Observation::Alive { .. } | Observation::Unknown { .. });
    if run.state == RunState::Running && !view.agents.iter().any(alive) {
        let (id, agent) = (&run.id, some_agent(run));
        return vec![
            format!("git metawsm diff {id}"),
            format!("git metawsm logs {id}{agent}"),
            format!("git metawsm restart {id}"),
        ];
    }
    let own = format!("git metawsm status {}", run.id);
    next_of(run).into_iter().filter(|command| *command != own).collect()
}

/// The ids of tickets with commas between them.
pub(super) fn joined<'a>(ids: impl Iterator<Item = &'a TicketId>) -> String {
    ids.map(TicketId::as_str).collect::<Vec<_>>().join(", ")
}
