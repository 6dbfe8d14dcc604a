//! Runs and screens for tests of this room.

use super::message::Effect;
use super::message::Message;
use super::state::{App, RunKey};
use super::update::{begin, drawn, update};
use crate::model::{Run, RunId, Thread};
use crate::service::forum::Found;
use crate::service::{AgentView, Health, Landed, Need, NeedKind, RunView, StatusReport, Threads};
use crate::sessions::Observation;
use crate::sys::clock;
use jiff::{SignedDuration, Timestamp};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

/// So long ago that its words do not change while a test runs.
pub(super) fn past() -> Timestamp {
    clock::now() - SignedDuration::from_secs(330)
}

/// A run in this state.
pub(super) fn run(id: &str, title: &str, state: &str) -> Run {
    let value = json!({
        "format": 4, "kind": "run", "id": id, "state": state, "reason": "started",
        "created": past(), "changed": past(), "doc_home": "api",
        "brief": { "goal": title },
        "tickets": [{ "id": "T-1", "workspace": "t-1", "path": "/home/kim/workspaces/t-1" }],
        "repos": [{ "name": "api", "base": "main", "base_id": "1234567890abcdef" }],
        "worktrees": [{ "ticket": "T-1", "repo": "api", "path": "/home/kim/workspaces/t-1/api", "branch": "task/t-1" }],
        "agents": [{
            "ticket": "T-1", "name": "coder", "runner": "command", "session": "coder-t-1",
            "live": { "backend": "tmux", "id": "$1", "pane": "%1", "process": { "pid": 1, "start": 1 }, "token": "abc" },
        }],
        "steps": [{ "kind": "ensure_worktree", "ticket": "T-1", "repo": "api", "state": "done" }],
    });
    serde_json::from_value(value).expect("a record")
}

/// The same as it is looked at, its agent alive.
pub(super) fn view(id: &str, title: &str, state: &str) -> RunView {
    let run = run(id, title, state);
    let agents = run
        .agents
        .iter()
        .map(|agent| AgentView {
            agent: agent.clone(),
            seen: Observation::Alive { since: past(), last_activity: None },
            health: Health { word: "working", activity: None, progress: None },
        })
        .collect();
    RunView {
        root: "/home/kim/api".into(),
        agents,
        needs: Vec::new(),
        holder: None,
        changes: Vec::new(),
        landed: Landed::No,
        docs: Vec::new(),
        threads: Threads::default(),
        journal: Vec::new(),
        run,
    }
}

/// A run whose agent asks.
pub(super) fn asking(id: &str, questions: &[&str]) -> RunView {
    let mut view = view(id, "Choose the port of the server", "awaiting_guidance");
    for (index, question) in questions.iter().enumerate() {
        let asked = json!({
            "thread": format!("fthr-{index}"), "ticket": "T-1", "agent": "coder", "question": question, "asked": past(),
        });
        view.run.guidance.push(serde_json::from_value(asked).expect("a question"));
        view.needs.push(Need {
            kind: NeedKind::Question,
            subject: format!("fthr-{index}"),
            what: format!("T-1.coder has asked (5 minutes ago): {question}"),
            command: format!("git metawsm guide {id} --answer '<the answer>'"),
        });
    }
    view
}

/// A thread of a run.
pub(super) fn found(id: &str, title: &str, state: &str) -> Found {
    let thread: Thread = serde_json::from_value(json!({
        "id": id, "kind": "question", "title": title, "state": state, "priority": "normal",
        "opened": past(), "opened_by": { "type": "agent", "name": "coder" }, "updated": past(),
        "waiting_since": (state != "answered").then(past), "posts": 1, "superseded": 0, "lamport": 1,
    }))
    .expect("a thread");
    Found { thread, escalated: false, line: None }
}

/// A report of these runs.
pub(super) fn report(runs: Vec<RunView>) -> StatusReport {
    StatusReport { runs, in_repository: true, ..StatusReport::default() }
}

/// The key of a run of [`view`].
pub(super) fn key_of(id: &str) -> RunKey {
    RunKey { root: "/home/kim/api".into(), id: RunId::parse(id).expect("an id") }
}

/// A screen of this size that shows these runs.
pub(super) fn app(size: (u16, u16), runs: Vec<RunView>) -> App {
    let mut app = App::new(clock::now(), size, None, false);
    begin(&mut app);
    send(&mut app, Message::Runs(Ok(report(runs))));
    app
}

/// Sends a message, and what follows is drawn.
pub(super) fn send(app: &mut App, message: Message) -> Vec<Effect> {
    let effects = update(app, message, clock::now());
    drawn(app);
    effects
}

/// Presses a key: a letter, or a word such as `Enter`.
pub(super) fn press(app: &mut App, key: &str) -> Vec<Effect> {
    let (code, held) = match key {
        "Enter" => (KeyCode::Enter, KeyModifiers::NONE),
        "Esc" => (KeyCode::Esc, KeyModifiers::NONE),
        "Tab" => (KeyCode::Tab, KeyModifiers::NONE),
        "Down" => (KeyCode::Down, KeyModifiers::NONE),
        "Up" => (KeyCode::Up, KeyModifiers::NONE),
        "PgDn" => (KeyCode::PageDown, KeyModifiers::NONE),
        "Ctrl-C" => (KeyCode::Char('c'), KeyModifiers::CONTROL),
        "Ctrl-J" => (KeyCode::Char('j'), KeyModifiers::CONTROL),
        "Ctrl-L" => (KeyCode::Char('l'), KeyModifiers::CONTROL),
        letter => (KeyCode::Char(letter.chars().next().expect("a letter")), KeyModifiers::NONE),
    };
    send(app, Message::Key(KeyEvent::new(code, held)))
}

/// Types a text, letter by letter.
pub(super) fn type_in(app: &mut App, text: &str) {
    for letter in text.chars() {
        send(app, Message::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
    }
}
