//! What `docs` says.

use super::escape::escape;
use super::screen::Screen;
use crate::service::DocsView;
use serde_json::json;
use std::fmt::Write as _;

/// Shows the merged view of all documents.
pub fn docs(screen: &Screen, view: &DocsView) {
    if screen.json {
        let tickets: Vec<_> = view
            .tickets
            .iter()
            .map(|t| json!({ "ticket": t.ticket, "title": t.title, "status": t.status, "repo": t.repo }))
            .collect();
        screen.answer_json(json!({ "tickets": tickets }));
        return;
    }
    let mut text = String::new();
    for ticket in &view.tickets {
        let words = [&ticket.ticket, &ticket.status, &ticket.repo, &ticket.title].map(|word| escape(word));
        let _ = writeln!(text, "{}", words.join("  "));
    }
    if view.tickets.is_empty() {
        text.push_str("No tickets.\n");
    }
    screen.answer(&text);
}
