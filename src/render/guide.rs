//! What `guide` and `iterate` say.

use super::escape::escape;
use super::screen::Screen;
use crate::service::{Guided, IterateReport};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows what became of an answer.
pub fn guided(screen: &Screen, guided: &Guided) {
    if screen.json {
        screen.answer_json(guided_json(guided));
    } else {
        guided_text(screen, guided);
    }
}

pub(super) fn guided_json(guided: &Guided) -> Value {
    let asked = &guided.asked;
    json!({
        "run": guided.run.id, "state": guided.run.state, "question": asked.thread, "ticket": asked.ticket,
        "agent": asked.agent, "words": asked.question, "delivered": asked.delivered, "open": guided.open,
        "trouble": guided.trouble,
    })
}

pub(super) fn guided_text(screen: &Screen, guided: &Guided) {
    let asked = &guided.asked;
    let key = format!("{}.{}", asked.ticket, asked.agent);
    screen.answer(&format!("answered {key} ({}): {}\n", asked.thread, guided.outcome()));
    if let Some(trouble) = &guided.trouble {
        screen.story(&escape(trouble));
    }
    if guided.asked.delivered.is_none() && !guided.asked.is_open() {
        screen.story(&format!("git metawsm resume {} lets it go on", guided.run.id));
    }
    match guided.open {
        0 => {}
        1 => screen.story(&format!("1 question is still open: git metawsm guide {}", guided.run.id)),
        n => screen.story(&format!("{n} questions are still open: git metawsm guide {}", guided.run.id)),
    }
}

/// Shows what `iterate` did, or would do.
pub fn iterated(screen: &Screen, report: &IterateReport) {
    let run = &report.run;
    if screen.json {
        let actions = &report.actions;
        let value = json!({
            "run": run.id, "state": run.state, "feedback": run.feedback.len(), "dry_run": report.dry_run,
            "actions": actions,
        });
        screen.answer_json(value);
        return;
    }
    let mut text = String::new();
    if report.dry_run {
        let _ = writeln!(text, "{} would go on with the feedback:", run.id);
    } else {
        let _ = writeln!(text, "{} goes on with feedback {}:", run.id, run.feedback.len());
    }
    for action in &report.actions {
        let _ = writeln!(text, "  {}", escape(action));
    }
    screen.answer(&text);
}
