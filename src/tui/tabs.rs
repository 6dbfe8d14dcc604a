//! What tabs show of what is known already, in the words of `render`.

use super::message::Watched;
use super::state::{App, Chosen, Focus, RunKey, Tab};
use crate::render::{self, Paint, Screen, escape};
use crate::service::{RunView, StatusReport};
use crate::sessions::Observation;
use jiff::Timestamp;
use std::fmt::Write as _;

/// The page of `status` for one run.
fn overview(view: &RunView, width: usize, now: Timestamp) -> String {
    let report = StatusReport {
        runs: vec![view.clone()],
        in_full: true,
        in_repository: true,
        ..StatusReport::default()
    };
    page_of(&report, width, now)
}

/// What `status` says that is about no run.
fn notes(report: &StatusReport, width: usize, now: Timestamp) -> String {
    let notes = StatusReport {
        runs: Vec::new(),
        broken: report.broken.clone(),
        away: report.away.clone(),
        bus: report.bus.clone(),
        roots: report.roots.clone(),
        ..*report
    };
    page_of(&notes, width, now)
}

fn page_of(report: &StatusReport, width: usize, now: Timestamp) -> String {
    let lines = render::status_lines(&Screen::keeping(), report, Some(width), now);
    lines.into_iter().map(|line| line.text + "\n").collect()
}

/// How the documents of each ticket stand.
fn docs(view: &RunView) -> String {
    let screen = Screen::keeping();
    let mut text = String::new();
    if view.docs.is_empty() {
        text.push_str("The tickets of this run have no documents.\n");
    }
    for docs in &view.docs {
        let state = if docs.state.is_empty() { "not seeded" } else { docs.state };
        let paint = if docs.warnings.is_empty() { Paint::Good } else { Paint::Warn };
        let name = screen.paint(Paint::Bold, docs.ticket.as_str());
        let _ = writeln!(text, "{name}  {}", screen.paint(paint, state));
        let _ = writeln!(text, "  {} in {}", escape(&docs.dir), docs.home);
        let _ = writeln!(text, "  authority  {}", escape(&docs.authority));
        let _ = writeln!(text, "  seed mode  {}", escape(&docs.seed));
        if !docs.revision.is_empty() {
            let _ = writeln!(text, "  revision   {}", escape(&docs.revision));
        }
        for warning in &docs.warnings {
            let _ = writeln!(text, "  {} {}", screen.paint(Paint::Warn, "warning:"), escape(&warning.what));
            let _ = writeln!(text, "    {}", escape(&warning.command));
        }
    }
    text
}

/// Whose output is to be looked at: that of the agent whose tab is in sight.
pub(super) fn wanted_output(app: &App) -> Option<Watched> {
    let in_sight = app.tab == Tab::Agents && (app.focus == Focus::Detail || app.size.0 >= 64);
    let view = app.view().filter(|_| in_sight)?;
    let agent = app.agent()?;
    let session = agent.agent.live.as_ref()?;
    Some(Watched {
        run: RunKey::of(view),
        agent: agent.agent.key(),
        token: session.token.clone(),
        backend: session.backend,
        is_alive: matches!(agent.seen, Observation::Alive { .. } | Observation::Unknown { .. }),
    })
}

/// Writes what is known of the chosen run into its tabs.
pub(super) fn refresh(app: &mut App, width: usize) {
    let (overview, docs) = match (&app.chosen, app.view()) {
        (Some(Chosen::Notes), _) => (
            app.report.as_ref().map(|report| notes(report, width, app.now)).unwrap_or_default(),
            String::new(),
        ),
        (_, Some(view)) => (overview(view, width, app.now), docs(view)),
        _ => (app.gone.clone().unwrap_or_default(), String::new()),
    };
    app.shown.tabs[Tab::Overview.place()].page.say(&overview);
    app.shown.tabs[Tab::Docs.place()].page.say(&docs);
}
