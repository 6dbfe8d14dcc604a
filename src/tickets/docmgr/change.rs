//! What docmgr is asked to write: tickets, documents, the end of a ticket.

use super::super::close::{Closing, is_end, quiet_headings};
use super::super::create::{
    Created, NewTicket, below_root, ensure_vocabulary_there, there_already, topics_of,
};
use super::super::document::{parse_index, with_body};
use super::super::find::{Found, list};
use super::super::root::{DocsRoot, docs_root, intended};
use super::super::value::one_line;
use super::super::{TicketError, TicketResult};
use super::{Docmgr, INDEX_CAP, is_plain_dir, said};
use crate::model::plain_line;
use crate::sys::files;
use std::path::Path;

const DOCUMENT_CAP: u64 = 4 << 20;
/// The longest single argument that a system takes has 128 KiB.
const ENTRY_CAP: usize = 64 << 10;

/// Ensures that the ticket exists in the worktree's docs root. docmgr would make another directory on another day, so it
/// is told which one: the same for the same [`NewTicket`], and so a call that was killed is gone on with.
pub(in super::super) fn create(worktree: &Path, new: &NewTicket<'_>) -> TicketResult<Created> {
    let root = intended(worktree)?;
    let docmgr = Docmgr::of(&root)?;
    let id = new.id.as_str();
    let below = below_root(new);
    if root.path().is_dir() {
        match docmgr.find(id)? {
            Found::One(ticket) if is_whole(&root, &ticket.dir) || !ticket.dir.ends_with(&below) => {
                return there_already(&root, ticket.dir);
            }
            Found::One(_) => {}
            Found::Several(tickets) => {
                let dirs = tickets.into_iter().map(|t| t.dir).collect();
                return Err(TicketError::Several { id: id.to_owned(), dirs });
            }
            Found::Missing { .. } => super::super::create::refuse_broken(id, &list(&root)?.problems)?,
        }
    }
    refuse_links(&root, id, &below)?;
    let topics = topics_of(new);
    ensure_vocabulary_there(&root, &topics)?;
    let title = new.shown_title();
    // The words of the path are letters, digits and `-` but for the id, whose alphabet knows no braces.
    let flags =
        [("ticket", id), ("title", &*title), ("topics", &*topics.join(",")), ("path-template", &*below)];
    let output = docmgr.run("ticket create-ticket", &flags)?;
    let Found::One(ticket) = docmgr.find(id)? else {
        let why = format!("said that all went well, and the ticket {id} is not there: {}", said(&output));
        return Err(docmgr.wrong("ticket create-ticket", why));
    };
    if !new.body.trim().is_empty() {
        let entry = short(&quiet_headings(new.body));
        docmgr.run("changelog update", &[("ticket", &ticket.id), ("entry", &entry)])?;
    }
    there_already(&root, ticket.dir)
}

/// docmgr writes wherever a link leads.
fn refuse_links(root: &DocsRoot, id: &str, below: &str) -> TicketResult<()> {
    let occupied = |at: &Path, why: &str| {
        let dir = at.strip_prefix(&root.top).unwrap_or(at).display().to_string();
        Err(TicketError::Occupied { id: id.to_owned(), dir, why: why.to_owned() })
    };
    let mut at = root.path();
    for part in below.split('/') {
        at.push(part);
        if at.symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
            return occupied(&at, "it is not a directory of its own");
        }
    }
    for name in ["index.md", "README.md", "tasks.md", "changelog.md"] {
        let file = at.join(name);
        if file.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return occupied(&file, "it is not a regular file");
        }
    }
    Ok(())
}

/// Whether docmgr came to the end of making it.
fn is_whole(root: &DocsRoot, dir: &str) -> bool {
    ["tasks.md", "changelog.md"].iter().all(|name| root.top.join(dir).join(name).is_file())
}

fn short(text: &str) -> String {
    let mut at = text.len().min(ENTRY_CAP);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text[..at].to_owned()
}

/// A reference document that docmgr is to add.
#[derive(Debug, Clone, Copy)]
pub struct Adding<'a> {
    /// The ticket's id, as its index has it.
    pub ticket: &'a str,
    /// The ticket's directory, relative to the worktree's top.
    pub dir: &'a str,
    /// The document's title, one line.
    pub title: &'a str,
    /// Its text, Markdown.
    pub body: &'a str,
    /// Where is kept what was there before, until the document is whole: outside of the worktree.
    pub note: &'a Path,
}

/// Has docmgr add a document, and returns its path relative to the worktree's top with the bytes that it is to have:
/// docmgr's frontmatter and our text. What a killed call had it make is taken, as long as the note stands.
pub(in super::super) fn add(worktree: &Path, order: &Adding<'_>) -> TicketResult<(String, Vec<u8>)> {
    let root = intended(worktree)?;
    let docmgr = Docmgr::of(&root)?;
    let folder = root.top.join(order.dir).join("reference");
    let title = one_line(order.title);
    if folder.symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
        let why = format!("was not asked: {} is not a directory of its own", folder.display());
        return Err(docmgr.wrong("doc add", why));
    }
    let names = files::names_in(&folder)?;
    let before = match files::find_foreign(order.note, DOCUMENT_CAP)? {
        Some(note) => names_of(&note, &title),
        None => None,
    };
    if let Some(made) = before.and_then(|before| made_since(&folder, &before, &title)) {
        return whole(order, &folder, &made);
    }
    let note = names.iter().fold(title.clone(), |note, name| note + "\n" + name);
    files::write_atomic(order.note, note.as_bytes())?;
    let flags = [("ticket", order.ticket), ("doc-type", "reference"), ("title", &*title)];
    let output = docmgr.run("doc add", &flags)?;
    let Some(made) = made_since(&folder, &names, &title) else {
        let why = format!("said that all went well, and no document was added: {}", said(&output));
        return Err(docmgr.wrong("doc add", why));
    };
    whole(order, &folder, &made)
}

/// The names that a note of this title holds.
fn names_of(note: &[u8], title: &str) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(note);
    let mut lines = text.split('\n').map(str::to_owned);
    (lines.next()? == title).then(|| lines.collect())
}

/// The document of this title that was not there before.
fn made_since(folder: &Path, before: &[String], title: &str) -> Option<String> {
    if !is_plain_dir(folder) {
        return None;
    }
    let names = files::names_in(folder).ok()?;
    let is_it = |name: &String| {
        let bytes = files::find_foreign(&folder.join(name), DOCUMENT_CAP).ok().flatten();
        bytes.is_some_and(|bytes| parse_index(&bytes).is_ok_and(|head| head.title == title))
    };
    names.into_iter().filter(|name| !before.contains(name)).find(is_it)
}

fn whole(order: &Adding<'_>, folder: &Path, name: &str) -> TicketResult<(String, Vec<u8>)> {
    let bytes = files::find_foreign(&folder.join(name), DOCUMENT_CAP)?.unwrap_or_default();
    let bytes = with_body(&bytes, order.title, order.body)?;
    Ok((format!("{}/reference/{name}", order.dir), bytes))
}

/// Has docmgr close a ticket in a checkout that nobody else uses, and returns what became of its index and changelog; of
/// whatever else it may have changed nothing is taken.
pub(in super::super) fn close(top: &Path, dir: &str, entry: &str) -> TicketResult<Closing> {
    let (index, log) = (top.join(dir).join("index.md"), top.join(dir).join("changelog.md"));
    let read = |path: &Path| files::find_foreign(path, INDEX_CAP.max(DOCUMENT_CAP));
    let before = read(&index)?.unwrap_or_default();
    let head = parse_index(&before)?;
    let changelog = read(&log)?.unwrap_or_default();
    if is_end(&head.status) {
        return Ok(Closing { index: before, changelog, already: true });
    }
    let Some(root) = docs_root(top)? else {
        let why = format!("there is no docs root in {}", top.display());
        return Err(TicketError::program(why, "git metawsm policy show"));
    };
    let docmgr = Docmgr { in_passing: true, ..Docmgr::of(&root)? };
    let entry = short(&quiet_headings(entry));
    let flags = [("ticket", head.ticket.as_str()), ("changelog-entry", &*entry)];
    let flags = if entry.trim().is_empty() { &flags[..1] } else { &flags[..] };
    let output = docmgr.run("ticket close", flags)?;
    let after = read(&index)?.unwrap_or_default();
    let closed = parse_index(&after)
        .is_ok_and(|now| is_end(&now.status) && now.ticket.eq_ignore_ascii_case(&head.ticket));
    if !closed {
        let id = plain_line(&head.ticket);
        let why = format!("said that all went well, and the ticket {id} is not closed: {}", said(&output));
        return Err(docmgr.wrong("ticket close", why));
    }
    Ok(Closing { index: after, changelog: read(&log)?.unwrap_or_default(), already: false })
}
