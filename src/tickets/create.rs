//! Creating a ticket.

use super::document::{DEFAULT_TOPIC, NewHead};
use super::find::{Found, Listing, list, select};
use super::root::{DocsRoot, intended};
use super::value::one_line;
use super::{TicketError, TicketResult, vocabulary};
use crate::model::{TicketId, slug_of};
use crate::sys::{clock, files, random};
use jiff::Timestamp;
use std::path::Path;
use std::time::Duration;

const VOCABULARY_CAP: u64 = 1 << 20;
const TITLE_CAP: usize = 300;
/// docmgr looks into no directory whose name starts like this, so a half-built ticket is never taken for one.
const BUILDING: &str = "_tmp-";
/// A half-built directory older than this belongs to a process that was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

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

/// A ticket that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its directory, relative to the repository's top.
    pub dir: String,
    /// The files written or changed, relative to the repository's top; none where the ticket was there already.
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
            Found::One(ticket) => return Ok(Created { dir: ticket.dir, files: Vec::new() }),
            Found::Several(tickets) => {
                let dirs = tickets.into_iter().map(|t| t.dir).collect();
                return Err(TicketError::Several { id: id.to_owned(), dirs });
            }
            Found::Missing { .. } => refuse_broken(id, &problems)?,
        }
    }
    let topics = topics_of(new);
    let mut written = ensure_vocabulary(&root, &topics)?;
    let dir = build(&root, new, &topics, &mut written)?;
    Ok(Created { dir, files: written })
}

fn topics_of(new: &NewTicket<'_>) -> Vec<String> {
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
fn refuse_broken(id: &str, problems: &[String]) -> TicketResult<()> {
    let start = format!("{}--", id.to_lowercase());
    for problem in problems {
        let Some((path, why)) = problem.split_once(": ") else { continue };
        if path.split('/').any(|part| part.to_lowercase().starts_with(&start)) {
            let why = format!("it cannot be read: {}", why.trim_end_matches('.'));
            return Err(TicketError::Occupied { id: id.to_owned(), dir: path.to_owned(), why });
        }
    }
    Ok(())
}

/// Written before the ticket, so that no ticket is ever there whose topics are unknown.
fn ensure_vocabulary(root: &DocsRoot, topics: &[String]) -> TicketResult<Vec<String>> {
    let Some(relative) = &root.vocabulary else { return Ok(Vec::new()) };
    let path = root.top.join(relative);
    let bytes = match files::find_foreign(&path, VOCABULARY_CAP)? {
        None => Some(vocabulary::fresh(topics).into_bytes()),
        Some(bytes) => vocabulary::with_topics(&bytes, topics),
    };
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    files::write_atomic(&path, &bytes)?;
    Ok(vec![relative.clone()])
}

fn build(
    root: &DocsRoot,
    new: &NewTicket<'_>,
    topics: &[String],
    written: &mut Vec<String>,
) -> TicketResult<String> {
    let id = new.id.as_str();
    let day = clock::local_date(new.now);
    let below = format!("{}/{id}--{}", day.replace('-', "/"), slug(id, new.title));
    let dir = if root.relative.is_empty() { below } else { format!("{}/{below}", root.relative) };
    let target = root.top.join(&dir);
    if target.symlink_metadata().is_ok() && !files::names_in(&target).is_ok_and(|names| names.is_empty()) {
        let why = "it holds no readable index.md of this ticket".to_owned();
        return Err(TicketError::Occupied { id: id.to_owned(), dir, why });
    }
    sweep(&root.path());
    let building = root.path().join(format!("{BUILDING}{}", random::base32(16)));
    let made = write_all(&building, new, topics, &day).and_then(|names| {
        files::rename_durable(&building, &target)?;
        Ok(names)
    });
    let names = made.inspect_err(|_| {
        let _ = files::remove_tree(&building);
    })?;
    written.extend(names.into_iter().map(|name| format!("{dir}/{name}")));
    Ok(dir)
}

/// The title as a short part of a path, without the id in front that the directory names already.
fn slug(id: &str, title: &str) -> String {
    let title = title.trim();
    let stripped = title.get(..id.len()).filter(|start| start.eq_ignore_ascii_case(id));
    let rest = stripped.map_or(title, |_| &title[id.len()..]);
    slug_of(rest).or_else(|| slug_of(title)).unwrap_or_else(|| "document".to_owned())
}

fn write_all(
    building: &Path,
    new: &NewTicket<'_>,
    topics: &[String],
    day: &str,
) -> TicketResult<Vec<&'static str>> {
    let title: String = one_line(new.title).chars().take(TITLE_CAP).collect();
    let title = if title.is_empty() { new.id.to_string() } else { title };
    let head = NewHead {
        title: &title,
        ticket: new.id.as_str(),
        topics,
        doc_type: "index",
        summary: new.summary,
        now: new.now,
    };
    let body = if new.body.trim().is_empty() { new.summary.trim() } else { new.body.trim() };
    let overview = if body.is_empty() { String::new() } else { format!("{body}\n\n") };
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
    Ok(contents.iter().map(|(name, _)| *name).collect())
}

/// Removes what a killed process left half built.
fn sweep(root: &Path) {
    let Ok(names) = files::names_in(root) else { return };
    for name in names.iter().filter(|n| n.starts_with(BUILDING)) {
        let path = root.join(name);
        let age = path.symlink_metadata().and_then(|m| m.modified()).map(|t| t.elapsed());
        if matches!(age, Ok(Ok(age)) if age > ABANDONED) {
            let _ = files::remove_tree(&path);
        }
    }
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
        let names = ["index.md", "tasks.md", "changelog.md", "README.md"];
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
        assert_eq!(again, Created { dir: first.dir, files: vec![] });
    }

    #[test]
    fn a_second_ticket_adds_its_topics_to_the_vocabulary() {
        let dir = repo();
        make(&dir, "A-1", "One", &["core"]).expect("create");
        let second = make(&dir, "A-2", "Two", &["core", " cli ", "cli"]).expect("create");
        assert_eq!(second.files[0], "ttmp/vocabulary.yaml");
        let third = make(&dir, "A-3", "Three", &["cli"]).expect("create");
        assert_eq!(third.files.len(), 4);
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
    fn what_a_killed_process_left_is_swept_later_and_never_a_ticket() {
        let dir = repo();
        let left = dir.path().join("ttmp/_tmp-old");
        fs::create_dir_all(&left).expect("dir");
        fs::write(left.join("index.md"), "---\nTicket: A-1\nDocType: index\n---\n").expect("write");
        let fresh = dir.path().join("ttmp/_tmp-new");
        fs::create_dir(&fresh).expect("dir");
        let old = std::time::SystemTime::now() - ABANDONED * 2;
        fs::File::open(&left).and_then(|f| f.set_modified(old)).expect("set the time");
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
