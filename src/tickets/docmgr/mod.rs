//! The docmgr program as the keeper of tickets.
//!
//! Lives here: how it is called, what it answers, and what it is asked to write. Does not live here: reading documents
//! (the room does that for whoever keeps them), commits, locks. Called by [`super::Provider`]. One rule: its exit code
//! proves nothing and neither do its words; what is there is what its rows name and our own reader confirms.

mod change;
mod rows;

pub use change::Adding;
pub(super) use change::{add, close, create};

use super::document::parse_index;
use super::find::{self, Found, Listing, Ticket, select};
use super::root::DocsRoot;
use super::{TicketError, TicketResult};
use crate::model::{plain_line, title_of};
use crate::sys::{Cmd, Output, env, files};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How to get the version that everything here was written against.
const INSTALL: &str =
    "CGO_ENABLED=1 go install -tags sqlite_fts5 github.com/go-go-golems/docmgr/cmd/docmgr@v0.0.20";

/// Each call reads the whole tree; the largest ones take a few seconds.
const LIMIT: Duration = Duration::from_secs(60);
const OUTPUT_CAP: u64 = 16 << 20;
const INDEX_CAP: u64 = 1 << 20;
const STRUCTURED: &str = "--with-glaze-output";

/// The program, for one docs root.
#[derive(Debug)]
pub(super) struct Docmgr<'a> {
    program: PathBuf,
    root: &'a DocsRoot,
    limit: Duration,
}

/// Requires that the program is there.
pub(super) fn require() -> TicketResult<()> {
    program().map(|_| ())
}

fn program() -> TicketResult<PathBuf> {
    let found = env::find_program("docmgr");
    found.ok_or_else(|| TicketError::program("the program 'docmgr' is not on PATH", INSTALL))
}

/// All tickets that docmgr lists.
pub(super) fn list(root: &DocsRoot) -> TicketResult<Listing> {
    Docmgr::of(root)?.list()
}

/// One ticket, as docmgr lists it.
pub(super) fn find(root: &DocsRoot, id: &str) -> TicketResult<Found> {
    Docmgr::of(root)?.find(id)
}

impl<'a> Docmgr<'a> {
    fn of(root: &'a DocsRoot) -> TicketResult<Self> {
        Ok(Self { program: program()?, root, limit: LIMIT })
    }

    /// Runs a verb with flags in the repository and returns what it left, if it says that all went well. The root is
    /// named, because docmgr also follows configurations above the repository, which we do not.
    fn run(&self, verb: &str, flags: &[(&str, &str)]) -> TicketResult<Output> {
        let cmd = |structured: bool| {
            let mut root = std::ffi::OsString::from("--root=");
            root.push(self.root.path());
            let cmd = Cmd::new(&self.program).args(verb.split(' ')).cwd(&self.root.top).arg(root);
            let cmd = cmd.args(flags.iter().map(|(name, value)| format!("--{name}={value}")));
            let cmd = if structured { cmd.args([STRUCTURED, "--output=json"]) } else { cmd };
            cmd.without_outside().awaited().env("GIT_TERMINAL_PROMPT", "0").limit(self.limit)
        };
        let run = |structured| cmd(structured).output_capped(OUTPUT_CAP).map_err(|e| self.failed(verb, e));
        let mut output = run(true)?;
        if !output.exit.is_ok() && String::from_utf8_lossy(&output.stderr).contains(STRUCTURED) {
            // Older ones know the flag with some verbs only, and have done nothing where they refuse it.
            output = run(false)?;
        }
        if output.exit.is_ok() {
            return Ok(output);
        }
        let said = said(&output);
        if ["unknown flag", "unknown command", "unknown shorthand"].iter().any(|word| said.contains(word)) {
            let program = self.program.display();
            let why = format!("{program} does not know 'docmgr {verb}' as v0.0.19 and later do: {said}");
            return Err(TicketError::program(why, INSTALL));
        }
        Err(self.wrong(verb, format!("ended with {}: {said}", output.exit)))
    }

    fn failed(&self, verb: &str, error: crate::sys::SysError) -> TicketError {
        use crate::sys::SysError::{Other, Start, TimedOut};
        match error {
            TimedOut { seconds, .. } => {
                self.wrong(verb, format!("took longer than {seconds} seconds and was ended"))
            }
            Start { source, .. } => TicketError::program(
                format!("{} could not be started: {source}", self.program.display()),
                INSTALL,
            ),
            Other(_) => self.wrong(verb, format!("printed more than {OUTPUT_CAP} bytes and was ended")),
            other => other.into(),
        }
    }

    /// `docmgr <verb>` did something wrong: `why` as the rest of a sentence.
    fn wrong(&self, verb: &str, why: impl std::fmt::Display) -> TicketError {
        let place = crate::sys::process::quoted(&self.root.top.to_string_lossy());
        TicketError::program(
            format!("'docmgr {verb}' {why}"),
            &format!("(cd {place} && docmgr doctor --all)"),
        )
    }

    fn list(&self) -> TicketResult<Listing> {
        const VERB: &str = "list tickets";
        if !is_plain_dir(&self.root.path()) {
            return Ok(Listing::default());
        }
        let output = self.run(VERB, &[])?;
        let Some(rows) = rows::parse(&output.stdout) else {
            return Err(self.wrong(VERB, format!("did not answer with a list of rows: {}", said(&output))));
        };
        let mut listing = Listing::default();
        for row in rows {
            match self.dir_of(&row.path) {
                Some(dir) => {
                    let index = format!("{dir}/index.md");
                    let rows::Row { ticket: id, title, status, topics, .. } = row;
                    listing.tickets.push(Ticket { id, title, status, topics, dir, index });
                }
                None => listing.problems.push(format!(
                    "{}: docmgr says that the ticket {} is there, and that is outside of the docs root.",
                    plain_line(&row.path),
                    plain_line(&row.ticket)
                )),
            }
        }
        listing.tickets.sort_by(|a, b| a.dir.cmp(&b.dir));
        listing.problems.sort();
        Ok(listing)
    }

    /// A ticket's directory relative to the repository's top, from what a row says: older versions name the whole path,
    /// newer ones the part below the docs root.
    fn dir_of(&self, path: &str) -> Option<String> {
        let at = super::root::normal(&self.root.path().join(path));
        let dir = super::root::inside(&self.root.top, &at)?;
        let below = dir.strip_prefix(&self.root.relative)?;
        let is_below = if self.root.relative.is_empty() { !below.is_empty() } else { below.starts_with('/') };
        is_below.then_some(dir)
    }

    fn find(&self, id: &str) -> TicketResult<Found> {
        let Listing { tickets, problems } = self.list()?;
        match select(tickets, id) {
            Found::One(ticket) => self.confirmed(ticket).map(Found::One),
            Found::Missing { near } => {
                if !is_plain_dir(&self.root.path()) {
                    return Ok(Found::Missing { near });
                }
                if let Some(problem) = problems.iter().find(|problem| problem.contains(id)) {
                    return Err(self.wrong("list tickets", format!("cannot be followed: {problem}")));
                }
                // A document that docmgr cannot read is missing in its rows.
                if let Found::One(hidden) = find::find(self.root, id)? {
                    let why = format!(
                        "does not list the ticket {}, although {} is its index",
                        plain_line(&hidden.id),
                        plain_line(&hidden.index)
                    );
                    return Err(self.wrong("list tickets", why));
                }
                Ok(Found::Missing { near })
            }
            several @ Found::Several(_) => Ok(several),
        }
    }

    /// The ticket as its own index has it.
    fn confirmed(&self, listed: Ticket) -> TicketResult<Ticket> {
        let path = self.root.top.join(&listed.index);
        let bytes = files::find_foreign(&path, INDEX_CAP)?;
        let head = bytes.map(|bytes| parse_index(&bytes)).transpose()?;
        match head {
            Some(head) if head.ticket.eq_ignore_ascii_case(&listed.id) => Ok(Ticket {
                id: head.ticket,
                title: head.title,
                status: head.status,
                topics: head.topics,
                dir: listed.dir,
                index: listed.index,
            }),
            _ => {
                let why = format!(
                    "says that the ticket {} is in {}, and no index.md there names it",
                    plain_line(&listed.id),
                    plain_line(&listed.dir)
                );
                Err(self.wrong("list tickets", why))
            }
        }
    }
}

/// The one line of what a program printed that tells most.
fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let answer = String::from_utf8_lossy(&output.stdout);
    let lines = || errors.lines().chain(answer.lines()).map(str::trim).filter(|line| !line.is_empty());
    let told = lines().find(|line| line.starts_with("Error:")).or_else(|| lines().next());
    told.map_or_else(|| "it printed nothing".to_owned(), |line| title_of(&plain_line(line), 200))
}

/// Whether a directory is there, and no link to one.
fn is_plain_dir(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
}

#[cfg(test)]
mod tests;
