//! What `docs` says.

use super::escape::{escape, escape_json};
use super::screen::{Paint, Screen};
use crate::federation::{Freshness, time_of};
use crate::model::RunId;
use crate::service::{DocsTicket, DocsView, EndpointView};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Bytes that are gathered before they are written: there may be many tickets.
const PIECE: usize = 1 << 16;
/// Columns of a line; a title is cut to fit.
const WIDTH: usize = 80;
/// Columns of a title below which it is left out.
const TITLE: usize = 8;
/// The widest that the columns of tickets become: ticket, status, repository, source.
const WIDEST: [usize; 4] = [20, 12, 14, 16];

/// Shows the merged view of all documents.
pub fn docs(screen: &Screen, view: &DocsView) {
    if screen.json {
        return docs_json(screen, view);
    }
    let mut text = String::new();
    refreshes(screen, view, &mut text);
    servers(screen, view, &mut text);
    if !view.endpoints.is_empty() {
        let _ = writeln!(text, "{}", screen.paint(Paint::Bold, "Tickets:"));
    }
    let widths = widths(&view.tickets);
    for ticket in &view.tickets {
        ticket_lines(screen, ticket, widths, &mut text);
        if text.len() >= PIECE {
            screen.answer(&text);
            text.clear();
        }
    }
    if view.tickets.is_empty() {
        text.push_str("No tickets.\n");
    }
    screen.answer(&text);
    for problem in &view.problems {
        let what = screen.paint_story(Paint::Warn, "unreadable:");
        screen.complaint(&format!("{what} {}", escape(problem)));
    }
    if view.configured == 0 {
        screen.story(
            "note: these are the trees that lie here; a server of docmgr's is shown too once the policy names it:\n  \
             \"docs\": {\"api\": {\"repo_endpoints\": [{\"name\": \"api\", \"repo\": \"api\", \"base_url\": \"http://127.0.0.1:8787\"}]}}",
        );
    }
}

fn refreshes(screen: &Screen, view: &DocsView, text: &mut String) {
    let refreshed: Vec<_> =
        view.endpoints.iter().filter_map(|e| e.refresh.as_ref().map(|refresh| (e, refresh))).collect();
    if refreshed.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", screen.paint(Paint::Bold, "Refreshed:"));
    let wide = view.endpoints.iter().map(|e| escape(&e.endpoint.name).chars().count()).max().unwrap_or(0);
    for (view, refresh) in refreshed {
        let name = escape(&view.endpoint.name);
        let said = match refresh {
            Ok(fresh) => indexed(fresh, Some(0)),
            Err(why) => screen.paint(Paint::Bad, &format!("{}.", escape(why))),
        };
        let _ = writeln!(text, "  {name:<wide$}  {said}");
    }
}

fn servers(screen: &Screen, view: &DocsView, text: &mut String) {
    if view.endpoints.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", screen.paint(Paint::Bold, "Servers:"));
    let cells: Vec<_> = view.endpoints.iter().map(|e| (escape(&e.endpoint.name), served(e))).collect();
    let wide = |cell: fn(&(String, String)) -> &String| {
        cells.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0)
    };
    let (names, places) = (wide(|row| &row.0), wide(|row| &row.1));
    for ((name, served), server) in cells.iter().zip(&view.endpoints) {
        let _ = writeln!(text, "  {name:<names$}  {served:<places$}  {}", health(screen, server));
        for problem in &server.problems {
            if !(server.down && server.problems.len() == 1) {
                let _ = writeln!(text, "      {}", screen.paint(Paint::Warn, &escape(problem)));
            }
        }
        if server.gone {
            let word = format!("The workspace {} is gone.", escape(&server.endpoint.workspace));
            let _ = writeln!(text, "      {}", screen.paint(Paint::Warn, &word));
        }
        if server.stale && !server.down {
            let name = crate::sys::process::quoted(&server.endpoint.name);
            let line = format!("Its index is old: git metawsm docs --refresh --endpoint {}", escape(&name));
            let _ = writeln!(text, "      {}", screen.paint(Paint::Warn, &line));
        }
    }
}

fn served(server: &EndpointView) -> String {
    let endpoint = &server.endpoint;
    if endpoint.workspace.is_empty() {
        return format!("repo {}", escape(&endpoint.repo));
    }
    format!("workspace {} ({})", escape(&endpoint.workspace), escape(&endpoint.repo))
}

fn health(screen: &Screen, server: &EndpointView) -> String {
    if server.down {
        let why = server.problems.first().map(String::as_str).unwrap_or_default();
        let only = if server.problems.len() == 1 { format!(": {}", escape(why)) } else { String::new() };
        return screen.paint(Paint::Bad, &format!("down{only}"));
    }
    let tickets = counted(server.tickets, "ticket");
    match &server.freshness {
        Some(fresh) => format!("{tickets}, {}", indexed(fresh, server.age)),
        None => tickets,
    }
}

/// How fresh an index is, in words.
fn indexed(fresh: &Freshness, age: Option<u64>) -> String {
    let documents = fresh.docs_indexed.map(|n| counted(usize::try_from(n).unwrap_or(usize::MAX), "document"));
    let when = match age {
        Some(0..60) => "indexed now".to_owned(),
        Some(age) => format!("indexed {} ago", span(age)),
        None => "indexed at an unknown time".to_owned(),
    };
    documents.map_or(when.clone(), |documents| format!("{documents} {when}"))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The cells of a ticket: id, status, repository, source.
fn cells(ticket: &DocsTicket) -> [String; 4] {
    let (found, origin) = (&ticket.entry.copy.found, &ticket.entry.copy.origin);
    // Of files in a workspace the workspace says more.
    let is_workspace = origin.rank.is_files() && !origin.workspace.is_empty();
    let source = if is_workspace { &origin.workspace } else { &origin.source };
    let status = if found.status.is_empty() { "-".to_owned() } else { escape(&found.status) };
    [escape(found.ticket.as_str()), status, escape(&origin.repo), escape(source)]
}

fn widths(tickets: &[DocsTicket]) -> [usize; 4] {
    let mut widths = [0; 4];
    for ticket in tickets {
        for ((width, cell), widest) in widths.iter_mut().zip(cells(ticket)).zip(WIDEST) {
            *width = cell.chars().count().clamp(*width, widest.max(*width));
        }
    }
    widths
}

fn ticket_lines(screen: &Screen, ticket: &DocsTicket, widths: [usize; 4], text: &mut String) {
    let entry = &ticket.entry;
    let mut line = if entry.active { "* ".to_owned() } else { "  ".to_owned() };
    for (cell, width) in cells(ticket).iter().zip(widths) {
        let _ = write!(line, "{:<width$}  ", cut(cell, width));
    }
    let found = &entry.copy.found;
    let day = found.updated.get(..10).filter(|_| time_of(&found.updated).is_some());
    let _ = write!(line, "{:<10}  ", day.unwrap_or("-"));
    let room = WIDTH.saturating_sub(line.chars().count());
    if room >= TITLE {
        line.push_str(&cut(&escape(&found.title), room));
    }
    let line = line.trim_end();
    let _ =
        writeln!(text, "{}", if entry.active { screen.paint(Paint::Bold, line) } else { line.to_owned() });
    if let Some(newer) = &entry.older_than {
        let word = format!("older than the copy in the repository ({})", escape(&newer.source));
        let _ = writeln!(text, "      {}", screen.paint(Paint::Warn, &word));
    }
    let runs: Vec<_> = ticket.runs.iter().map(RunId::as_str).collect();
    if !runs.is_empty() {
        let _ = writeln!(text, "      {}", screen.paint(Paint::Dim, &format!("run {}", runs.join(", "))));
    }
    if !ticket.link.is_empty() {
        let _ = writeln!(text, "      {}", screen.paint(Paint::Dim, &escape(&ticket.link)));
    }
}

/// A text of at most so many columns.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The same as one object, written piece by piece.
fn docs_json(screen: &Screen, view: &DocsView) {
    let endpoints: Vec<_> = view.endpoints.iter().map(endpoint_json).collect();
    let mut text = format!(
        "{{\"schema\":1,\"configured\":{},\"endpoints\":{},\"problems\":{},\"tickets\":[",
        view.configured,
        escape_json(&Value::from(endpoints).to_string()),
        escape_json(&json!(view.problems).to_string()),
    );
    for (index, ticket) in view.tickets.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&escape_json(&ticket_json(ticket).to_string()));
        if text.len() >= PIECE {
            screen.answer(&text);
            text.clear();
        }
    }
    text.push_str("]}\n");
    screen.answer(&text);
}

fn endpoint_json(server: &EndpointView) -> Value {
    let endpoint = &server.endpoint;
    json!({
        "name": endpoint.name,
        "kind": endpoint.kind.as_str(),
        "repo": endpoint.repo,
        "workspace": endpoint.workspace,
        "base_url": endpoint.place(),
        "web_url": endpoint.web_url,
        "runs": server.runs,
        "gone": server.gone,
        "down": server.down,
        "refresh": server.refresh.as_ref().map(|refresh| match refresh {
            Ok(fresh) => json!({
                "refreshed": true, "indexed_at": fresh.indexed_at, "docs_indexed": fresh.docs_indexed,
            }),
            Err(why) => json!({ "refreshed": false, "error": format!("{why}.") }),
        }),
        "root": server.freshness.as_ref().map(|fresh| &fresh.root),
        "indexed_at": server.freshness.as_ref().map(|fresh| &fresh.indexed_at),
        "docs_indexed": server.freshness.as_ref().and_then(|fresh| fresh.docs_indexed),
        "age_seconds": server.age,
        "stale": server.stale,
        "tickets": server.tickets,
        "problems": server.problems,
    })
}

fn ticket_json(ticket: &DocsTicket) -> Value {
    let (entry, found, origin) = (&ticket.entry, &ticket.entry.copy.found, &ticket.entry.copy.origin);
    json!({
        "ticket": found.ticket,
        "title": found.title,
        "status": found.status,
        "updated": found.updated,
        "repo": origin.repo,
        "active": entry.active,
        "runs": ticket.runs,
        "source": origin.source,
        "workspace": origin.workspace,
        "stale": entry.older_than.is_some(),
        "older_than": entry.older_than.as_ref().map(|origin| &origin.source),
        "copies": entry.copies,
        "link": ticket.link,
    })
}
