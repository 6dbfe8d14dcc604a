//! Creating a ticket.

use super::document::{DEFAULT_TOPIC, NewHead};
use super::find::{Found, Listing, list, select};
use super::root::{DocsRoot, intended};
use super::value::one_line;
use super::{TicketError, TicketResult, vocabulary};
use crate::model::{Child, TicketId, slug_of};
use crate::sys::{clock, files, procs, random};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

const VOCABULARY_CAP: u64 = 1 << 20;
const TITLE_CAP: usize = 300;
/// docmgr looks into no directory whose name starts like this, so a half-built ticket is never taken for one. The
/// process that builds it follows (id and start time): what a killed one left can be told from work going on.
const BUILDING: &str = "_tmp-";

/// A ticket that is to be.
#[derive(Debug, Clone, Copy)]
pub struct NewTicket<'a> {
    /// Its id.
    pub id: &'a TicketId,
    /// Its title.
    pub title: &'a str,
    /// Its topics; without any it gets the topic `general`, because docmgr warns of a ticket that has none.
    pub topics: &'a [String],
    /// One line on what it is about.
    pub summary: &'a str,
    /// Its goal or brief, Markdown.
    pub body: &'a str,
    /// When it is created.
    pub now: Timestamp,
}

impl NewTicket<'_> {
    /// Its title on one line; never empty.
    pub(super) fn shown_title(&self) -> String {
        let title: String = one_line(self.title).chars().take(TITLE_CAP).collect();
        if title.is_empty() { self.id.to_string() } else { title }
    }
}

/// A ticket that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its directory, relative to the repository's top.
    pub dir: String,
    /// The files of the ticket and the vocabulary that names its topics, relative to the repository's top: what has
    /// to be committed with it, whether this call wrote it or one that was killed.
    pub files: Vec<String>,
}

/// Ensures that the ticket exists in the worktree's docs root, which is made where it is missing. A ticket of the
/// same id is returned as it is, whatever its title and date. The directory appears whole or not at all.
pub fn create(worktree: &Path, new: &NewTicket<'_>) -> TicketResult<Created> {
    let root = intended(worktree)?;
    let id = new.id.as_str();
    if root.path().is_dir() {
        let Listing { tickets, problems } = list(&root)?;
        match select(tickets, id) {
            Found::One(ticket) => return there_already(&root, ticket.dir),
            Found::Several(tickets) => {
                let dirs = tickets.into_iter().map(|t| t.dir).collect();
                return Err(TicketError::Several { id: id.to_owned(), dirs });
            }
            Found::Missing { .. } => refuse_broken(id, &problems)?,
        }
    }
    let topics = topics_of(new);
    sweep(&root.path());
    let building = building_in(&root);
    let made =
        ensure_vocabulary(&root, &topics, &building).and_then(|()| build(&root, new, &topics, &building));
    let dir = made.inspect_err(|_| {
        let _ = files::remove_tree(&building);
    })?;
    there_already(&root, dir)
}

/// A ticket that stands, with its files.
pub(super) fn there_already(root: &DocsRoot, dir: String) -> TicketResult<Created> {
    let mut found: Vec<_> = root.vocabulary.iter().filter(|v| root.top.join(v).is_file()).cloned().collect();
    for name in files::names_in(&root.top.join(&dir))? {
        let path = format!("{dir}/{name}");
        if root.top.join(&path).is_file() {
            found.push(path);
        }
    }
    Ok(Created { dir, files: found })
}

pub(super) fn topics_of(new: &NewTicket<'_>) -> Vec<String> {
    let given = new.topics.iter().map(|t| one_line(t)).filter(|t| !t.is_empty());
    let mut topics: Vec<String> = Vec::new();
    for topic in given {
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    if topics.is_empty() {
        topics.push(DEFAULT_TOPIC.to_owned());
    }
    topics
}

/// A ticket whose index is broken is still that ticket; a second directory would make its id ambiguous.
pub(super) fn refuse_broken(id: &str, problems: &[String]) -> TicketResult<()> {
    match broken(id, problems) {
        None => Ok(()),
        Some((path, why)) => {
            let why = format!("it cannot be read: {}", why.trim_end_matches('.'));
            Err(TicketError::Occupied { id: id.to_owned(), dir: path.to_owned(), why })
        }
    }
}

/// The document of this ticket that cannot be read, by the name of its directory, and why.
pub fn broken<'a>(id: &str, problems: &'a [String]) -> Option<(&'a str, &'a str)> {
    let start = format!("{}--", id.to_lowercase());
    let parted = problems.iter().filter_map(|problem| problem.split_once(": "));
    let is_its = |path: &str| path.split('/').any(|part| part.to_lowercase().starts_with(&start));
    parted.into_iter().find(|(path, _)| is_its(path))
}

/// Adds topics to a vocabulary that is there; nothing where there is none, since then docmgr asks for none.
pub(super) fn ensure_vocabulary_there(root: &DocsRoot, topics: &[String]) -> TicketResult<()> {
    if !root.vocabulary.as_ref().is_some_and(|path| root.top.join(path).is_file()) {
        return Ok(());
    }
    let building = building_in(root);
    let done = ensure_vocabulary(root, topics, &building);
    if building.is_dir() {
        files::remove_tree(&building)?;
    }
    done
}

/// Written before the ticket, so that no ticket is ever there whose topics are unknown.
fn ensure_vocabulary(root: &DocsRoot, topics: &[String], building: &Path) -> TicketResult<()> {
    let Some(relative) = &root.vocabulary else { return Ok(()) };
    let path = root.top.join(relative);
    let bytes = match files::find_foreign(&path, VOCABULARY_CAP)? {
        None => Some(vocabulary::fresh(topics).into_bytes()),
        Some(bytes) => vocabulary::with_topics(&bytes, topics),
    };
    let Some(bytes) = bytes else { return Ok(()) };
    // By way of the directory that is swept: a kill leaves nothing beside the documents.
    let new = building.join("vocabulary");
    files::write_atomic(&new, &bytes)?;
    Ok(files::rename_durable(&new, &path)?)
}

fn build(root: &DocsRoot, new: &NewTicket<'_>, topics: &[String], building: &Path) -> TicketResult<String> {
    let id = new.id.as_str();
    let day = clock::local_date(new.now);
    let below = below_root(new);
    let dir = if root.relative.is_empty() { below } else { format!("{}/{below}", root.relative) };
    let target = root.top.join(&dir);
    if target.symlink_metadata().is_ok() && !files::names_in(&target).is_ok_and(|names| names.is_empty()) {
        let why = "it holds no readable index.md of this ticket".to_owned();
        return Err(TicketError::Occupied { id: id.to_owned(), dir, why });
    }
    write_all(building, new, topics, &day)?;
    files::rename_durable(building, &target)?;
    Ok(dir)
}

/// Where a new ticket lies below the docs root.
pub(super) fn below_root(new: &NewTicket<'_>) -> String {
    let (id, day) = (new.id.as_str(), clock::local_date(new.now));
    format!("{}/{id}--{}", day.replace('-', "/"), slug(id, new.title))
}

/// The title as a short part of a path, without the id in front that the directory names already.
fn slug(id: &str, title: &str) -> String {
    let title = title.trim();
    let stripped = title.get(..id.len()).filter(|start| start.eq_ignore_ascii_case(id));
    let rest = stripped.map_or(title, |_| &title[id.len()..]);
    slug_of(rest).or_else(|| slug_of(title)).unwrap_or_else(|| "document".to_owned())
}

fn write_all(building: &Path, new: &NewTicket<'_>, topics: &[String], day: &str) -> TicketResult<()> {
    let title = new.shown_title();
    let head = NewHead {
        title: &title,
        ticket: new.id.as_str(),
        topics,
        doc_type: "index",
        summary: new.summary,
        now: new.now,
    };
    let body = if new.body.trim().is_empty() { new.summary.trim() } else { new.body.trim() };
    // Said once: it stands in the heading already.
    let overview = if body.is_empty() || body == title { String::new() } else { format!("{body}\n\n") };
    let contents = [
        (
            "index.md",
            format!(
                "{}\n# {title}\n\n{overview}- [Tasks](./tasks.md)\n- [Changelog](./changelog.md)\n",
                head.to_text()
            ),
        ),
        ("tasks.md", "# Tasks\n\n## TODO\n\n".to_owned()),
        ("changelog.md", format!("# Changelog\n\n## {day} - Ticket created\n\n- {title}\n")),
        ("README.md", format!("# {}\n\n{title}. Start at [index.md](./index.md).\n", new.id)),
    ];
    for (name, text) in &contents {
        files::write_atomic(&building.join(name), text.as_bytes())?;
    }
    Ok(())
}

fn building_in(root: &DocsRoot) -> PathBuf {
    let own = procs::own();
    root.path().join(format!("{BUILDING}{}-{}-{}", own.pid, own.start, random::base32(8)))
}

/// Removes what a killed process left half built.
fn sweep(root: &Path) {
    let Ok(names) = files::names_in(root) else { return };
    for name in names {
        if builder(&name).is_some_and(|builder| !procs::is_alive(builder)) {
            let _ = files::remove_tree(&root.join(name));
        }
    }
}

fn builder(name: &str) -> Option<Child> {
    let mut parts = name.strip_prefix(BUILDING)?.split('-');
    Some(Child { pid: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{docs_root, find, parse_index};
    use std::fs;
    use tempfile::TempDir;

    fn repo() -> TempDir {
        let dir = tempfile::tempdir().expect("temp");
        fs::create_dir(dir.path().join(".git")).expect("dir");
        dir
    }

    fn make(dir: &TempDir, id: &str, title: &str, topics: &[&str]) -> TicketResult<Created> {
        let id = TicketId::parse(id).expect("an id");
        let topics: Vec<String> = topics.iter().map(|&t| t.to_owned()).collect();
        let now = "2026-07-08T12:00:00Z".parse().expect("a time");
        create(dir.path(), &NewTicket { id: &id, title, topics: &topics, summary: "S", body: "Goal.", now })
    }

    #[test]
    fn a_new_ticket_is_whole_and_can_be_found() {
        let dir = repo();
        let created = make(&dir, "MW-12", "MW-12: Add login: phase 1", &["core"]).expect("create");
        let day = clock::local_date("2026-07-08T12:00:00Z".parse().expect("a time")).replace('-', "/");
        assert_eq!(created.dir, format!("ttmp/{day}/MW-12--add-login-phase-1"));
        let names = ["README.md", "changelog.md", "index.md", "tasks.md"];
        let mut want = vec!["ttmp/vocabulary.yaml".to_owned()];
        want.extend(names.map(|n| format!("{}/{n}", created.dir)));
        assert_eq!(created.files, want);
        assert!(created.files.iter().all(|f| dir.path().join(f).is_file()));
        assert_eq!(files::names_in(&dir.path().join("ttmp")).expect("list"), ["2026", "vocabulary.yaml"]);
        let index = fs::read(dir.path().join(&created.dir).join("index.md")).expect("read");
        let head = parse_index(&index).expect("frontmatter");
        assert_eq!(head.title, "MW-12: Add login: phase 1");
        let root = docs_root(dir.path()).expect("look").expect("a root");
        assert!(matches!(find(&root, "mw-12"), Ok(Found::One(t)) if t.dir == created.dir && !t.is_closed()));
    }

    #[test]
    fn creating_again_returns_what_is_there() {
        let dir = repo();
        let first = make(&dir, "A-1", "One", &["core"]).expect("create");
        let again = make(&dir, "a-1", "Another title", &["cli"]).expect("create");
        assert_eq!(again, first, "what a kill kept from being committed is named again");
    }

    #[test]
    fn a_second_ticket_adds_its_topics_to_the_vocabulary() {
        let dir = repo();
        make(&dir, "A-1", "One", &["core"]).expect("create");
        let second = make(&dir, "A-2", "Two", &["core", " cli ", "cli"]).expect("create");
        assert_eq!(second.files[0], "ttmp/vocabulary.yaml");
        make(&dir, "A-3", "Three", &["cli"]).expect("create");
        let text = fs::read_to_string(dir.path().join("ttmp/vocabulary.yaml")).expect("read");
        assert_eq!(text.matches("slug:").count(), 2);
    }

    #[test]
    fn titles_of_any_script_and_length_make_a_short_path() {
        let dir = repo();
        let long = make(&dir, "L", &"word ".repeat(200), &[]).expect("create");
        assert!(long.dir.len() < 80, "{}", long.dir);
        let other = make(&dir, "O", "日本語\n\nsecond", &[]).expect("create");
        assert!(other.dir.ends_with("/O--document"), "{}", other.dir);
        let none = make(&dir, "N", "", &[]).expect("create");
        let index = fs::read(dir.path().join(&none.dir).join("index.md")).expect("read");
        let head = parse_index(&index).expect("frontmatter");
        assert_eq!((head.title.as_str(), head.topics), ("N", vec![DEFAULT_TOPIC.to_owned()]));
    }

    #[test]
    fn an_id_in_two_places_or_with_a_broken_index_is_refused() {
        let dir = repo();
        let first = make(&dir, "A-1", "One", &["core"]).expect("create");
        fs::write(dir.path().join(&first.dir).join("index.md"), "no frontmatter").expect("write");
        let refused = make(&dir, "A-1", "Two", &["core"]).expect_err("it must be refused");
        assert!(refused.to_string().contains("A-1--one/index.md"), "{refused}");
        for at in ["ttmp/x", "ttmp/y"] {
            fs::create_dir(dir.path().join(at)).expect("dir");
            let text = "---\nTicket: B-1\nDocType: index\n---\n";
            fs::write(dir.path().join(at).join("index.md"), text).expect("write");
        }
        let refused = make(&dir, "B-1", "One", &[]).expect_err("it must be refused");
        assert!(matches!(refused, TicketError::Several { dirs, .. } if dirs == ["ttmp/x", "ttmp/y"]));
    }

    #[test]
    fn a_directory_that_is_taken_is_left_alone_and_an_empty_one_is_used() {
        let dir = repo();
        let first = make(&dir, "A-1", "One", &["core"]).expect("create");
        let at = dir.path().join(&first.dir);
        fs::remove_file(at.join("index.md")).expect("remove");
        assert!(matches!(make(&dir, "A-1", "One", &["core"]), Err(TicketError::Occupied { .. })));
        fs::remove_dir_all(&at).expect("remove");
        fs::create_dir(&at).expect("dir");
        assert_eq!(make(&dir, "A-1", "One", &["core"]).expect("create").dir, first.dir);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_never_a_ticket() {
        let dir = repo();
        let own = procs::own();
        let left = dir.path().join(format!("ttmp/_tmp-{}-{}-abcdefgh", own.pid, own.start + 1));
        fs::create_dir_all(&left).expect("dir");
        fs::write(left.join("index.md"), "---\nTicket: A-1\nDocType: index\n---\n").expect("write");
        let fresh = dir.path().join(format!("ttmp/_tmp-{}-{}-abcdefgh", own.pid, own.start));
        fs::create_dir(&fresh).expect("dir");
        make(&dir, "A-1", "One", &["core"]).expect("create");
        assert!(!left.exists() && fresh.exists());
    }

    #[test]
    fn a_configured_root_is_used() {
        let dir = repo();
        fs::write(dir.path().join(".ttmp.yaml"), "root: docs/tickets\n").expect("write");
        let created = make(&dir, "A-1", "One", &["core"]).expect("create");
        assert!(created.dir.starts_with("docs/tickets/2026/"), "{}", created.dir);
        assert_eq!(created.files[0], "docs/tickets/vocabulary.yaml");
    }
}
