//! The scenes of `demo`.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::service::Event;
use serde_json::{Value, json};
use std::path::Path;

/// Shows the scenes as they come; as JSON all of them at the end.
#[derive(Debug)]
pub struct Scenes<'a> {
    screen: &'a Screen,
    told: Vec<Value>,
    after_command: bool,
}

impl<'a> Scenes<'a> {
    /// No scene yet.
    pub fn new(screen: &'a Screen) -> Self {
        Self { screen, told: Vec::new(), after_command: false }
    }

    /// Shows one event: a note is the story, a beginning is a command, what follows is its output.
    pub fn show(&mut self, event: &Event) {
        let (kind, text) = match event {
            Event::Note(text) => ("story", text.clone()),
            Event::Began(text) => ("command", text.clone()),
            Event::Done(text) => ("output", text.clone()),
            Event::Failed(what, why) => ("output", format!("{what}: {why}")),
        };
        if self.screen.json {
            self.told.push(json!({ "kind": kind, "text": text }));
            return;
        }
        let text = escape(&text);
        let line = match kind {
            "story" if self.after_command => format!("\n{}", self.screen.paint(Paint::Bold, &text)),
            "story" => self.screen.paint(Paint::Bold, &text),
            "command" => format!("  {}", self.screen.paint(Paint::Good, &text)),
            _ => format!("    {text}"),
        };
        self.after_command = kind != "story";
        self.screen.answer(&format!("{line}\n"));
    }

    /// Shows the end.
    pub fn end(self, kept: Option<&Path>) {
        if self.screen.json {
            self.screen.answer_json(json!({ "scenes": self.told, "kept": kept }));
        } else if let Some(dir) = kept {
            self.screen.answer(&format!("The folder is kept: {}\n", dir.display()));
        }
    }
}
