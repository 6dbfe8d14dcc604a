//! What `watch` says: an alert on a line of its own, and below it the commands that go on.

use super::escape::escape;
use super::screen::{Paint, Screen};
use super::width::{cut, wrap};
use crate::model::{RunId, RunState};
use crate::service::{Alert, NeedKind};
use crate::sys::term;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The most lines of what is the matter, on a terminal.
const LINES: usize = 4;

/// Shows an alert; with `bell` a terminal is told to ring.
pub fn alert(screen: &Screen, alert: &Alert, bell: bool) {
    if screen.json {
        screen.answer_json(json!({ "alert": alert_json(alert) }));
    } else {
        screen.answer(&alert_text(screen, alert, term::stdout_size().map(|(columns, _)| columns)));
    }
    if bell && term::stderr_is_terminal() {
        screen.prompt("\x07");
    }
}

/// `time  run  kind  words`; on a terminal the words stand below, where they have room.
fn alert_text(screen: &Screen, alert: &Alert, columns: Option<usize>) -> String {
    let at = alert.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let run = alert.run.as_ref().map_or("-", RunId::as_str);
    let kind = screen.paint(paint_of(alert.kind), &format!("{:<11}", alert.kind));
    let what = escape(&alert.what);
    let mut text = format!("{at}  {}  ", screen.paint(Paint::Bold, run));
    match columns {
        None => {
            let _ = writeln!(text, "{kind}  {what}");
        }
        Some(columns) => {
            let left =
                columns.saturating_sub(super::width::columns(&format!("{at}  {run}  {:<11}  ", alert.kind)));
            let _ = writeln!(text, "{kind}  {}", cut(&escape(&alert.title), left));
            let room = columns.saturating_sub(2).max(20);
            for line in wrap(&cut(&what, room * LINES), room) {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    for command in &alert.commands {
        let _ = writeln!(text, "    {}", escape(command));
    }
    text
}

fn paint_of(kind: NeedKind) -> Paint {
    match kind {
        NeedKind::Completed => Paint::Good,
        NeedKind::Failed | NeedKind::Lost | NeedKind::Journal | NeedKind::Unreadable => Paint::Bad,
        _ => Paint::Warn,
    }
}

/// Says what is watched: otherwise nothing is seen until something happens.
pub fn watching(screen: &Screen, runs: usize, quiet: usize, until_stopped: bool) {
    let open = match (runs, quiet) {
        (0, _) => "no run is open".to_owned(),
        (1, 1) => "1 run is open and needs nobody".to_owned(),
        (1, 0) => "1 run is open and needs somebody".to_owned(),
        (runs, quiet) if runs == quiet => format!("{runs} runs are open and need nobody"),
        (runs, quiet) if runs - quiet == 1 => format!("{runs} runs are open, 1 of them needs somebody"),
        (runs, quiet) => format!("{runs} runs are open, {} of them need somebody", runs - quiet),
    };
    let end = if until_stopped { "; Ctrl-C ends the watch" } else { "" };
    screen.story(&screen.paint_story(Paint::Dim, &format!("{open}{end}")));
}

/// Says that the run that was watched is over, or has no more for its agents to do.
pub fn watched(screen: &Screen, run: &RunId, state: RunState) {
    screen.story(&screen.paint_story(Paint::Dim, &format!("{run} is {state}; the watch is over")));
}

/// Says what is wrong with the program that is told of alerts.
pub fn not_notified(screen: &Screen, why: &str) {
    screen.complaint(&format!("{} {}", screen.paint_story(Paint::Warn, "notify:"), escape(why)));
}

fn alert_json(alert: &Alert) -> Value {
    json!({
        "at": alert.at,
        "kind": alert.kind,
        "run": alert.run,
        "root": alert.root,
        "title": alert.title,
        "state": alert.state,
        "tickets": alert.tickets,
        "subject": alert.subject,
        "what": alert.what,
        "commands": alert.commands,
    })
}
