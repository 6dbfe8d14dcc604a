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
