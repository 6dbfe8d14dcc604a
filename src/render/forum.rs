//! What `forum` says.

use super::escape::{escape, escape_lines};
use super::guide::{guided_json, guided_text};
use super::screen::{Paint, Screen};
use crate::model::{EventWhat, FiledEvent, Priority, Thread, ThreadState, Told, span};
use crate::service::ActedInThread;
use crate::service::forum::{Asked, Found, Heard, Listed, ThreadView};
use crate::sys::clock;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Shows a thread that was opened.
pub fn opened(screen: &Screen, thread: &Thread) {
    if screen.json {
        screen.answer_json(json!({ "thread": thread_json(thread, None) }));
        return;
    }
    let mut text = String::new();
    line(&mut text, screen, thread, false);
    screen.answer(&text);
    let id = &thread.id;
    screen.story(&format!(
        "next:\n  git metawsm forum thread {id}\n  git metawsm forum answer {id} --body '<the answer>'"
    ));
}

/// Shows what was done in a thread.
pub fn acted(screen: &Screen, done: &ActedInThread) {
    let ActedInThread { acted, guided, late } = done;
    if screen.json {
        let event = acted.event.as_ref().map(event_json);
        let mut value = json!({ "thread": thread_json(&acted.thread, None), "event": event });
        if let Some(guided) = guided {
            value["answered"] = guided_json(guided);
        }
        if let Some(command) = late {
            value["next"] = json!([command]);
        }
        screen.answer_json(value);
        return;
    }
    let mut text = String::new();
    line(&mut text, screen, &acted.thread, false);
    screen.answer(&text);
    if acted.event.is_none() {
        screen.story("It was like that already; nothing was changed.");
    }
    if let Some(guided) = guided {
        guided_text(screen, guided);
    }
    if let Some(command) = late {
        screen.story(&format!(
            "The agent has got its answer before, and is not told of these words. To say them to it:\n  {command}"
        ));
    }
}

/// Shows the answer that was waited for, or that none came.
pub fn answered(screen: &Screen, asked: &Asked) {
    if screen.json {
        let answer = asked.answer.as_ref().map(|(actor, body)| json!({ "actor": actor, "body": body }));
        let thread = thread_json(&asked.thread, None);
        screen.answer_json(json!({ "thread": thread, "answered": answer.is_some(), "answer": answer }));
        return;
    }
    let id = &asked.thread.id;
    match &asked.answer {
        Some((_, body)) => screen.answer(&format!("{}\n", escape_lines(body))),
        None if asked.thread.state == ThreadState::Closed => {
            screen.complaint(&format!("The thread {id} was closed without an answer."));
        }
        None => screen.complaint(&format!(
            "Nobody has answered in time; the thread {id} stays open. See it with:\n  git metawsm forum thread {id}"
        )),
    }
}

/// Shows threads, the most pressing first.
pub fn threads(screen: &Screen, listed: &Listed) {
    if screen.json {
        let of = |found: &Found| {
            let mut value = thread_json(&found.thread, Some(found.escalated));
            if let Some(line) = &found.line {
                value["match"] = json!(line);
            }
            value
        };
        let threads: Vec<_> = listed.threads.iter().map(of).collect();
        screen.answer_json(json!({ "threads": threads, "more": listed.more, "broken": listed.odd }));
        return;
    }
    let mut text = String::new();
    for found in &listed.threads {
        line(&mut text, screen, &found.thread, found.escalated);
        if let Some(line) = &found.line {
            let _ = writeln!(text, "    {}", escape(line));
        }
    }
    if listed.threads.is_empty() {
        text.push_str("No threads.\n");
    }
    screen.answer(&text);
    if listed.more > 0 {
        screen.story(&format!(
            "{} more; show them with --limit {}",
            listed.more,
            listed.more + listed.threads.len()
        ));
    }
    unreadable(screen, &listed.odd);
}

/// Tells of events that cannot be used.
pub fn unreadable(screen: &Screen, odd: &[String]) {
    if !screen.json {
        let what = screen.paint_story(Paint::Warn, "unreadable:");
        for odd in odd {
            screen.complaint(&format!("{what} {}", escape(odd)));
        }
    }
}

/// Shows one thread with all its events.
pub fn thread(screen: &Screen, view: &ThreadView) {
    let thread = &view.folded.thread;
    if screen.json {
        let told: Vec<_> = view.folded.told.iter().map(told_json).collect();
        let thread = thread_json(thread, Some(view.escalated));
        screen.answer_json(json!({ "thread": thread, "events": told, "broken": view.odd }));
        return;
    }
    let mut text = String::new();
    line(&mut text, screen, thread, view.escalated);
    let about = [
        thread.run.as_ref().map(|run| format!("run {run}")),
        thread.ticket.as_ref().map(|ticket| format!("ticket {ticket}")),
        thread.agent.as_ref().map(|agent| format!("agent {agent}")),
        Some(thread.kind.to_string()),
        thread.assignee.as_ref().map(|who| format!("assigned to {}", escape(&who.to_string()))),
    ];
    let about: Vec<_> = about.into_iter().flatten().collect();
    let _ = writeln!(text, "  {}", about.join(", "));
    for told in &view.folded.told {
        let event = &told.event.event;
        let who = escape(&event.actor().to_string());
        let _ = writeln!(text, "{}  {}  {}", event.at, screen.paint(Paint::Bold, &who), happened(told));
        for words in event.body.iter().flat_map(|body| body.lines()) {
            let _ = writeln!(text, "    {}", escape_lines(words));
        }
    }
    if thread.state != ThreadState::Closed {
        let _ = writeln!(text, "next:\n  git metawsm forum answer {} --body '<the answer>'", thread.id);
        let _ = writeln!(text, "  git metawsm forum close {}", thread.id);
    }
    screen.answer(&text);
    unreadable(screen, &view.odd);
}

/// Shows one event of a watch, on a line of its own.
pub fn heard(screen: &Screen, heard: &Heard) {
    let (event, thread) = (&heard.told.event.event, &heard.thread);
    if screen.json {
        let mut value = told_json(&heard.told);
        value["cursor"] = json!(heard.cursor());
        value["thread"] = json!(thread.id);
        value["title"] = json!(thread.title);
        value["run"] = json!(thread.run);
        value["ticket"] = json!(thread.ticket);
        value["agent"] = json!(thread.agent);
        screen.answer_json(value);
        return;
    }
    let words = event.body.as_deref().and_then(|body| body.lines().find(|line| !line.trim().is_empty()));
    let words: String = words.unwrap_or_default().trim().chars().take(100).collect();
    let who = escape(&event.actor().to_string());
    let mut text = format!("{}  {}  {who}  {}", heard.cursor(), thread.id, happened(&heard.told));
    let _ = writeln!(text, "  {}", escape(if words.is_empty() { &thread.title } else { &words }));
    screen.answer(&text);
}

/// One thread on one line.
fn line(text: &mut String, screen: &Screen, thread: &Thread, escalated: bool) {
    let paint = match thread.priority {
        _ if thread.state == ThreadState::Closed => Paint::Dim,
        Priority::Urgent => Paint::Bad,
        Priority::High => Paint::Warn,
        Priority::Normal | Priority::Low => Paint::Dim,
    };
    let priority = screen.paint(paint, &format!("{:<6}", thread.priority));
    let id = screen.paint(Paint::Bold, thread.id.as_str());
    let about = thread.ticket.as_ref().map_or("-", crate::model::TicketId::as_str);
    let posts = if thread.posts == 1 { "1 post".to_owned() } else { format!("{} posts", thread.posts) };
    let _ = write!(text, "{id}  {priority}  {:<16}  {about}  {posts}", thread.state);
    if let Some(seconds) = thread.waiting_seconds(clock::now()) {
        let _ = write!(text, "  waiting {}", age(seconds));
    }
    if escalated {
        let _ = write!(text, "  {}", screen.paint(Paint::Bad, "escalated"));
    }
    let _ = writeln!(text, "  {}", escape(&thread.title));
}

fn age(seconds: i64) -> String {
    if seconds == i64::MAX { "for an unknown time".to_owned() } else { span(seconds) }
}

/// What an event did, in words.
fn happened(told: &Told) -> String {
    let event = &told.event.event;
    let from = |to: &str| match told.before.as_deref() {
        Some(before) if before != to => format!(" ({} -> {to})", escape(before)),
        _ => String::new(),
    };
    let state = |to: Option<ThreadState>| to.map_or_else(String::new, |to| from(to.as_str()));
    let mut text = match event.what {
        EventWhat::Opened => "opened".to_owned(),
        EventWhat::Posted => format!("posted{}", state(event.state)),
        EventWhat::Answered => format!("answered{}", state(Some(ThreadState::Answered))),
        EventWhat::Closed => format!("closed{}", state(Some(ThreadState::Closed))),
        EventWhat::StateChanged => format!("state{}", state(event.state)),
        EventWhat::PriorityChanged => {
            format!("priority{}", event.priority.map_or_else(String::new, |to| from(to.as_str())))
        }
        EventWhat::Assigned => {
            let to = event.assigned().map(|to| to.to_string()).unwrap_or_default();
            format!("assigned to {}", escape(&to))
        }
    };
    if let Some(note) = &event.note {
        let _ = write!(text, ": {}", escape(note));
    }
    if let Some(why) = &told.superseded {
        let _ = write!(text, " [superseded: {}]", escape(why));
    }
    text
}

fn thread_json(thread: &Thread, escalated: Option<bool>) -> Value {
    let mut value = json!(thread);
    value["waiting_seconds"] = json!(thread.waiting_seconds(clock::now()));
    if let Some(escalated) = escalated {
        value["escalated"] = json!(escalated);
    }
    value
}

fn event_json(filed: &FiledEvent) -> Value {
    let mut value = json!(filed.event);
    value["id"] = json!(filed.id);
    value
}

fn told_json(told: &Told) -> Value {
    let mut value = event_json(&told.event);
    value["before"] = json!(told.before);
    value["superseded"] = json!(told.superseded);
    value
}
