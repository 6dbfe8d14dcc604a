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
    /// Files of a commit: paths relative to the repository's top, and bytes. Only those named `index.md` below
    /// `root`, and `.docmgrignore`, are looked at.
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
            self.take_patterns(&dir)?;
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
    let mut patterns = Patterns::default();
    let mut pattern_files: Vec<_> =
        files.iter().filter_map(|(p, b)| Some((folder(p, ignore::FILE)?, b))).collect();
    pattern_files.sort();
    for (base, bytes) in pattern_files {
        patterns.add(base, &String::from_utf8_lossy(bytes));
    }
    for (path, bytes) in files {
        let Some(dir) = folder(path, INDEX) else { continue };
        let below = if root.is_empty() { Some(dir) } else { dir.strip_prefix(root) };
        let Some(below) = below.filter(|b| b.is_empty() || root.is_empty() || b.starts_with('/')) else {
            continue;
        };
        let ends = path.match_indices('/').map(|(at, _)| at);
        let ignored = ends.filter(|&at| at > root.len()).any(|at| patterns.ignore(&path[..at], true));
        let passed_over = below.split('/').any(ignore::is_passed_over);
        if !ignored && !passed_over && !patterns.ignore(path, false) {
            take(listing, path, Ok(bytes.clone()));
        }
    }
}

/// The directory of a path that ends in this file's name.
fn folder<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let dir = path.strip_suffix(name)?;
    if dir.is_empty() { Some("") } else { dir.strip_suffix('/') }
}

/// Adds what a document is: a ticket, or a problem.
fn take(listing: &mut Listing, path: &str, bytes: Result<Vec<u8>, SysError>) {
    let dir = folder(path, INDEX).unwrap_or_default().to_owned();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::docs_root;
    use tempfile::TempDir;

    /// A repository whose docs root holds an index with this head in each directory.
    fn repo(documents: &[(&str, &str)]) -> (TempDir, DocsRoot) {
        let dir = tempfile::tempdir().expect("temp");
        fs::create_dir_all(dir.path().join("ttmp")).expect("dir");
        fs::create_dir(dir.path().join(".git")).expect("dir");
        for (at, head) in documents {
            let at = dir.path().join("ttmp").join(at);
            fs::create_dir_all(&at).expect("dir");
            fs::write(at.join(INDEX), format!("---\n{head}---\n")).expect("write");
        }
        let root = docs_root(dir.path()).expect("look").expect("a root");
        (dir, root)
    }

    fn head(id: &str) -> String {
        format!("Title: T\nTicket: {id}\nStatus: active\nTopics: [a]\nDocType: index\n")
    }

    fn ids(listing: &Listing) -> Vec<&str> {
        listing.tickets.iter().map(|t| t.id.as_str()).collect()
    }

    #[test]
    fn tickets_are_found_at_any_depth_and_nothing_broken_hides_another() {
        let (dir, root) = repo(&[
            ("2026/07/06/A-1--a", &head("A-1")),
            ("B", &head("B")),
            ("2026/07/06/C--c", "Title: only\n"),
            ("2026/07/06/D--d", "Ticket: D\nDocType: design-doc\n"),
            ("_templates", &head("NOT-1")),
            ("2026/.meta", &head("NOT-2")),
            ("2026/build", &head("NOT-3")),
            ("2026/old", &head("NOT-4")),
        ]);
        fs::write(root.path().join(".docmgrignore"), "old/\n").expect("write");
        let at = root.path().join("E");
        fs::create_dir(&at).expect("dir");
        std::os::unix::fs::symlink(root.path().join("B/index.md"), at.join(INDEX)).expect("link");
        std::os::unix::fs::symlink(dir.path(), root.path().join("F")).expect("link");
        let big = root.path().join("G");
        fs::create_dir(&big).expect("dir");
        fs::write(big.join(INDEX), vec![b'x'; (1 << 20) + 1]).expect("write");
        let listing = list(&root).expect("list");
        assert_eq!(ids(&listing), ["A-1", "B"]);
        assert_eq!(listing.tickets[0].dir, "ttmp/2026/07/06/A-1--a");
        assert_eq!(listing.tickets[0].index, "ttmp/2026/07/06/A-1--a/index.md");
        let starts: Vec<&str> = listing.problems.iter().filter_map(|p| p.split(':').next()).collect();
        assert_eq!(
            starts,
            [
                "ttmp/2026/07/06/C--c/index.md",
                "ttmp/2026/07/06/D--d/index.md",
                "ttmp/E/index.md",
                "ttmp/G/index.md"
            ]
        );
    }

    #[test]
    fn a_committed_tree_gives_the_same_tickets() {
        let bytes = |id: &str| format!("---\n{}---\n", head(id)).into_bytes();
        let files = [
            ("ttmp/2026/A--a/index.md".to_owned(), bytes("A")),
            ("ttmp/_templates/index.md".to_owned(), bytes("NOT-1")),
            ("ttmpx/index.md".to_owned(), bytes("NOT-2")),
            ("ttmp/2026/A--a/tasks.md".to_owned(), bytes("NOT-3")),
            ("ttmp/old/B/index.md".to_owned(), bytes("NOT-4")),
            ("ttmp/.docmgrignore".to_owned(), b"old/\n".to_vec()),
        ];
        let source = Source::Committed { root: "ttmp", files: &files };
        assert_eq!(ids(&list_in(source).expect("list")), ["A"]);
        assert!(matches!(find_in(source, "a"), Ok(Found::One(t)) if t.dir == "ttmp/2026/A--a"));
    }

    #[test]
    fn an_id_is_found_in_any_case_and_twice_is_not_once() {
        let (_dir, root) = repo(&[
            ("a/MW-1--x", &head("MW-1")),
            ("a/MW-2--x", &head("MW-2")),
            ("b/MW-2--y", &head("mw-2")),
            ("a/MW-3--x", &head("MW-3")),
            ("b/MW-3--y", &head("MW-3")),
        ]);
        let find = |id: &str| find(&root, id).expect("find");
        assert!(matches!(find("mw-1"), Found::One(t) if t.id == "MW-1"));
        assert!(matches!(find("MW-2"), Found::One(t) if t.id == "MW-2"));
        assert!(matches!(find("Mw-2"), Found::Several(t) if t.len() == 2));
        assert!(matches!(find("MW-3"), Found::Several(t) if t.len() == 2));
    }

    #[test]
    fn an_id_that_is_not_there_names_its_neighbours() {
        let all: Vec<(String, String)> =
            (1..=9).map(|n| (format!("d/{n}"), head(&format!("LOGIN-{n}")))).collect();
        let mut documents: Vec<(&str, &str)> = all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let other = head("OTHER");
        documents.push(("d/o", &other));
        let (_dir, root) = repo(&documents);
        let near = |id: &str| match find(&root, id).expect("find") {
            Found::Missing { near } => near,
            found => panic!("{id} must not be found: {found:?}"),
        };
        assert_eq!(near("login").len(), 5);
        assert_eq!(near("LOGIM-3")[0], "LOGIN-3");
        assert_eq!(near("LOGIN-3--a-slug"), ["LOGIN-3"]);
        assert_eq!(near("THE"), ["OTHER"]);
        assert_eq!(near("unlike"), [] as [String; 0]);
        assert_eq!(near(""), [] as [String; 0]);
    }
}
