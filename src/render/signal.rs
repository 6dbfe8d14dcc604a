//! What `signal` says.

use super::escape::{escape, escape_lines};
use super::screen::Screen;
use crate::model::SignalKind;
use crate::service::Signalled;
use serde_json::{Value, json};

fn said_json(said: &Signalled) -> Value {
    json!({ "signal": said.kind.as_str(), "run": said.run, "agent": said.agent, "path": said.path })
}

/// Shows a signal that was left for whoever takes it.
pub fn signalled(screen: &Screen, said: &Signalled) {
    if screen.json {
        screen.answer_json(said_json(said));
        return;
    }
    let path = said.path.display().to_string();
    screen.answer(&format!("Left the {} in {}\n", said.kind.as_str(), escape(&path)));
    if said.kind == SignalKind::Question {
        screen
            .story("Stop here: the answer comes as your next message. Or ask with --wait, and get it here.");
    }
}

/// Shows the answer that was waited for, or that none came.
pub fn responded(screen: &Screen, said: &Signalled, answer: Option<&str>) {
    if screen.json {
        let mut value = said_json(said);
        value["answered"] = json!(answer.is_some());
        value["answer"] = json!(answer);
        screen.answer_json(value);
        return;
    }
    match answer {
        Some(answer) => screen.answer(&format!("{}\n", escape_lines(answer))),
        None => screen.complaint("Nobody has answered in time; the question stays open."),
    }
}
