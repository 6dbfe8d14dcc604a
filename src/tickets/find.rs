//! Finding tickets: every `index.md` below the docs root, at any depth.

use super::TicketResult;
use super::document::parse_index;
use super::ignore::{self, Patterns};
use super::root::DocsRoot;
use crate::sys::{SysError, files};
use std::fs::{self, DirEntry};
use std::path::Path;

const INDEX: &str = "index.md";
const INDEX_CAP: u64 = 1 << 20;
const PATTERNS_CAP: u64 = 64 << 10;
const DEPTH: usize = 32;

/// A ticket as its index describes it. All texts are foreign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The id, as written in the index.
    pub id: String,
    /// The title; may be empty.
    pub title: String,
    /// The status, a free word; may be empty.
    pub status: String,
    /// The topics.
    pub topics: Vec<String>,
    /// The ticket's directory, relative to the repository's top, with `/`.
    pub dir: String,
    /// Its index, relative to the repository's top.
    pub index: String,
}

impl Ticket {
    /// Whether the ticket has come to its end.
    pub fn is_closed(&self) -> bool {
        super::close::is_end(&self.status)
    }
}

/// Where documents are read from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The files of a worktree as they are.
    Worktree(&'a DocsRoot),
    /// Files of a commit: paths relative to the repository's top, and bytes. Those that are no `index.md` below
    /// `root` are passed over.
    Committed {
        /// The docs root, relative to the repository's top.
        root: &'a str,
        /// The files.
        files: &'a [(String, Vec<u8>)],
    },
}

/// All tickets, ordered by directory, and what could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The tickets.
    pub tickets: Vec<Ticket>,
    /// Documents that could not be read, one full line each, starting with the document's path.
    pub problems: Vec<String>,
}

/// What a search for one ticket gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there, once.
    One(Ticket),
    /// It is not there.
    Missing {
        /// Ids that look like it, at most five, the likeliest first.
        near: Vec<String>,
    },
    /// Several directories claim it.
    Several(Vec<Ticket>),
}

/// Lists the tickets of a worktree. Reads only `index.md` files, follows no link, and lets no broken document hide
/// another.
pub fn list(root: &DocsRoot) -> TicketResult<Listing> {
    list_in(Source::Worktree(root))
}

/// As [`list`], from any source.
pub fn list_in(source: Source<'_>) -> TicketResult<Listing> {
    let mut listing = Listing::default();
    match source {
        Source::Worktree(root) => Walk::new(root)?.run(&mut listing)?,
        Source::Committed { root, files } => committed(root, files, &mut listing),
    }
    listing.tickets.sort_by(|a, b| a.dir.cmp(&b.dir));
    listing.problems.sort();
    Ok(listing)
}

/// Looks for a ticket by its exact id, upper and lower case alike (where two differ in case only, the one as typed).
pub fn find(root: &DocsRoot, id: &str) -> TicketResult<Found> {
    find_in(Source::Worktree(root), id)
}

/// As [`find`], from any source.
pub fn find_in(source: Source<'_>, id: &str) -> TicketResult<Found> {
    Ok(select(list_in(source)?.tickets, id))
}

pub(super) fn select(tickets: Vec<Ticket>, id: &str) -> Found {
    let near = nearest(&tickets, id);
    let mut same: Vec<Ticket> = tickets.into_iter().filter(|t| t.id.eq_ignore_ascii_case(id)).collect();
    if same.iter().filter(|t| t.id == id).count() == 1 {
        same.retain(|t| t.id == id);
    }
    match same.len() {
        0 => Found::Missing { near },
        1 => Found::One(same.remove(0)),
        _ => Found::Several(same),
    }
}

struct Walk<'a> {
    root: &'a DocsRoot,
    patterns: Patterns,
}

impl<'a> Walk<'a> {
    fn new(root: &'a DocsRoot) -> TicketResult<Self> {
        let mut walk = Self { root, patterns: Patterns::default() };
        let mut base = String::new();
        for part in root.relative.split('/') {
            walk.take_patterns(&base)?;
            base = joined(&base, part);
        }
        Ok(walk)
    }

    fn take_patterns(&mut self, base: &str) -> TicketResult<()> {
        let path = self.root.top.join(base).join(ignore::FILE);
        match files::find_foreign(&path, PATTERNS_CAP) {
            Ok(Some(bytes)) => self.patterns.add(base, &String::from_utf8_lossy(&bytes)),
            Ok(None) | Err(SysError::Foreign { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }

    fn run(mut self, listing: &mut Listing) -> TicketResult<()> {
        let mut todo = vec![(self.root.relative.clone(), 0)];
        while let Some((dir, depth)) = todo.pop() {
            if depth > 0 || self.root.relative.is_empty() {
                self.take_patterns(&dir)?;
            }
            let entries = match entries(&self.root.top.join(&dir)) {
                Ok(entries) => entries,
                Err(e) if depth == 0 => return Err(e.into()),
                Err(e) => {
                    listing.problems.push(format!("{dir}: {e}."));
                    continue;
                }
            };
            for entry in entries {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = joined(&dir, &name);
                let is_dir = entry.file_type().is_ok_and(|t| t.is_dir());
                if self.patterns.ignore(&path, is_dir) {
                    continue;
                }
                if is_dir && !ignore::is_passed_over(&name) {
                    if depth < DEPTH {
                        todo.push((path, depth + 1));
                    } else {
                        listing.problems.push(format!("{path}: it lies too deep and was not read."));
                    }
                } else if name == INDEX {
                    let bytes = files::find_foreign(&entry.path(), INDEX_CAP);
                    take(listing, &path, bytes.map(Option::unwrap_or_default));
                }
            }
        }
        Ok(())
    }
}

fn entries(dir: &Path) -> Result<Vec<DirEntry>, SysError> {
    let list = || fs::read_dir(dir)?.collect::<std::io::Result<Vec<_>>>();
    let mut entries = list().map_err(|e| SysError::file("list", dir, e))?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

fn joined(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

fn committed(root: &str, files: &[(String, Vec<u8>)], listing: &mut Listing) {
    for (path, bytes) in files {
        let below = if root.is_empty() { Some(path.as_str()) } else { path.strip_prefix(root) };
        let Some(below) = below.map(|p| p.strip_prefix('/').unwrap_or(p)) else { continue };
        let mut parts: Vec<&str> = below.split('/').collect();
        if parts.pop() != Some(INDEX) || parts.iter().any(|p| ignore::is_passed_over(p)) {
            continue;
        }
        take(listing, path, Ok(bytes.clone()));
    }
}

/// Adds what a document is: a ticket, or a problem.
fn take(listing: &mut Listing, path: &str, bytes: Result<Vec<u8>, SysError>) {
    let dir = path.strip_suffix(INDEX).unwrap_or(path).trim_end_matches('/').to_owned();
    let head = bytes.map_err(Into::into).and_then(|bytes| parse_index(&bytes));
    let problem = match head {
        Err(e) => e.to_string(),
        Ok(head) if head.ticket.is_empty() => "It names no ticket".to_owned(),
        Ok(head) if head.doc_type != "index" => {
            format!("Its DocType is '{}', not 'index'", head.doc_type)
        }
        Ok(head) => {
            let index = path.to_owned();
            let (id, title, status, topics) = (head.ticket, head.title, head.status, head.topics);
            listing.tickets.push(Ticket { id, title, status, topics, dir, index });
            return;
        }
    };
    listing.problems.push(format!("{path}: {problem}."));
}

const LONGEST_ID: usize = 128;

/// The ids that look most like `id`: one holds the other first, then by edit distance.
fn nearest(tickets: &[Ticket], id: &str) -> Vec<String> {
    let wanted = id.to_lowercase();
    if wanted.is_empty() || wanted.len() > LONGEST_ID {
        return Vec::new();
    }
    let mut scored: Vec<(usize, &str)> = tickets
        .iter()
        .filter(|t| t.id.len() <= LONGEST_ID)
        .filter_map(|t| {
            let own = t.id.to_lowercase();
            let score = if own.starts_with(&wanted) || wanted.starts_with(&format!("{own}--")) {
                0
            } else if own.contains(&wanted) {
                1
            } else {
                1 + distance(&own, &wanted)
            };
            (score <= 1 + (wanted.len() / 3).clamp(1, 3)).then_some((score, t.id.as_str()))
        })
        .collect();
    scored.sort_unstable();
    scored.dedup_by_key(|(_, id)| *id);
    scored.into_iter().take(5).map(|(_, id)| id.to_owned()).collect()
}

/// The number of characters to insert, remove or change to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let changed = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
