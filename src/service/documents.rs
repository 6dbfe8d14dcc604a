//! Documents of ours in a ticket's docs: written whole into the doc home's worktree of a run and committed on its
//! branch, beside whatever an agent has lying there.

use super::steps::open_repo;
use super::{ServiceError, ServiceResult, policies};
use crate::git::{RepoPath, Repository};
use crate::model::{Run, RunWorktree, TicketId, plain_line, title_of};
use crate::store::Hold;
use crate::sys::{clock, dir_lock, files, random};
use crate::tickets::{self, Provider};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The trailer of a commit on a run's branch that is ours and no agent's work.
pub(super) const MADE: &str = "Metawsm-Made: yes";

/// The largest document that is read.
pub(super) const DOCUMENT_CAP: u64 = 4 << 20;

/// What a ticket's keeper was asked to add, until that is whole; in the stage.
const ADDING: &str = "adding-document";

/// How long an agent that commits at the same moment is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ensures that the ticket has a reference document of this title that holds this text (Markdown), committed on the
/// run's branch of the doc home. Returns its path relative to the worktree; `None` where the ticket has no documents
/// there. Safe to repeat: what a killed call left is found again, and a document is never there twice. A worktree that
/// is not on its run branch, or is in the middle of a merge or rebase, is refused before anything is written.
pub(super) fn add_reference(
    hold: &Hold,
    ticket: &TicketId,
    title: &str,
    body: &str,
) -> ServiceResult<Option<String>> {
    let Some(shelf) = shelf(hold.run(), ticket, Some(hold.token()))? else { return Ok(None) };
    shelf.add(title, body).map(Some)
}

/// Where documents of a run's ticket are kept.
#[derive(Debug)]
pub(super) struct Shelf {
    repository: Repository,
    worktree: PathBuf,
    /// A directory of the same file system outside of every worktree: a kill leaves nothing beside the documents.
    stage: PathBuf,
    run: String,
    ticket: TicketId,
    /// The ticket's directory relative to the worktree.
    docs: String,
    keeper: Provider,
}

/// Where documents of a run's ticket are kept; `None` where the doc home's worktree holds none of it. `token` is that
/// of the run's hold, so that hooks know us.
pub(super) fn shelf(run: &Run, ticket: &TicketId, token: Option<&str>) -> ServiceResult<Option<Shelf>> {
    let Some(entry) = run.ticket(ticket) else { return Ok(None) };
    let (Some(docs), Some(workspace)) = (entry.docs.clone(), entry.path.as_deref()) else { return Ok(None) };
    let tree = run.worktrees_for(ticket).find(|tree| tree.repo == run.doc_home);
    let Some((tree, worktree)) = tree.and_then(|tree| Some((tree, tree.path.clone()?))) else {
        return Ok(None);
    };
    if !worktree.is_dir() || !is_own_dir(&worktree, &docs)? {
        return Ok(None);
    }
    let repository = open_repo(run, &tree.repo)?;
    let repository = match token {
        Some(token) => repository.with_hold(token, run.id.as_str()),
        None => repository,
    };
    let repository = repository.at(&worktree)?;
    require_ready(&repository, tree, &worktree)?;
    let stage = workspace.join(".metawsm");
    let keeper = policies::keeper(run)?;
    Ok(Some(Shelf {
        repository,
        worktree,
        stage,
        run: run.id.to_string(),
        ticket: entry.id.clone(),
        docs,
        keeper,
    }))
}

/// Whether this directory below a worktree is there. A link on the way could lead what we write anywhere.
fn is_own_dir(worktree: &Path, dir: &str) -> ServiceResult<bool> {
    let mut at = worktree.to_owned();
    for part in dir.split('/') {
        if matches!(part, "" | "." | "..") {
            return Ok(false);
        }
        at.push(part);
        match at.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => {
                let message = format!("{} is not a directory; nothing is written there.", at.display());
                return Err(ServiceError::failed(message, &[&format!("ls -l {}", quoted(&at))]));
            }
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

pub(super) fn require_ready(
    repository: &Repository,
    tree: &RunWorktree,
    worktree: &Path,
) -> ServiceResult<()> {
    let head = repository.head()?;
    if head.branch() != Some(tree.branch.as_str()) {
        let message = format!(
            "{} is not on its run branch '{}', so no document is committed there.",
            worktree.display(),
            tree.branch
        );
        let hint = format!("git -C {} switch {}", quoted(worktree), tree.branch);
        return Err(ServiceError::failed(message, &[&hint]));
    }
    if let Some(operation) = repository.operation()? {
        let message = format!(
            "A {operation} is half done in {}, so no document is committed there.",
            worktree.display()
        );
        return Err(ServiceError::failed(message, &[&format!("git -C {} status", quoted(worktree))]));
    }
    Ok(())
}

fn quoted(path: &Path) -> String {
    crate::sys::process::quoted(&path.to_string_lossy())
}

impl Shelf {
    /// As [`add_reference`].
    pub fn add(&self, title: &str, body: &str) -> ServiceResult<String> {
        let path = match self.find(title, body)? {
            Some(path) => path,
            None => self.write(title, body)?,
        };
        self.commit(&path, &format!("Add '{}' to {}", title_of(&plain_line(title), 60), self.ticket))?;
        Ok(path)
    }

    fn folder(&self) -> String {
        format!("{}/reference", self.docs)
    }

    /// The reference documents whose file is named after this title, with their bytes.
    pub fn named(&self, title: &str) -> ServiceResult<Vec<(String, Vec<u8>)>> {
        let folder = self.folder();
        if !is_own_dir(&self.worktree, &folder)? {
            return Ok(Vec::new());
        }
        let name = tickets::reference_name(&[], title);
        let end = name.split_once('-').map_or(name.as_str(), |(_, end)| end);
        let mut found = Vec::new();
        for name in files::names_in(&self.worktree.join(&folder))? {
            if name.split_once('-').is_some_and(|(_, rest)| rest == end) {
                let path = format!("{folder}/{name}");
                let bytes = files::find_foreign(&self.worktree.join(&path), DOCUMENT_CAP)?;
                found.extend(bytes.map(|bytes| (path, bytes)));
            }
        }
        Ok(found)
    }

    fn find(&self, title: &str, body: &str) -> ServiceResult<Option<String>> {
        let is_it = |bytes: &[u8]| {
            let is_titled = tickets::parse_index(bytes).is_ok_and(|head| head.title == one_line(title));
            is_titled && String::from_utf8_lossy(bytes).contains(body.trim())
        };
        Ok(self.named(title)?.into_iter().find(|(_, bytes)| is_it(bytes)).map(|(path, _)| path))
    }

    /// Writes a new document of this title; returns its path.
    pub fn write(&self, title: &str, body: &str) -> ServiceResult<String> {
        let folder = self.folder();
        // Also where it is a link: then it is refused.
        is_own_dir(&self.worktree, &folder)?;
        if let Some(path) = self.add_by_keeper(title, body)? {
            return Ok(path);
        }
        let names = files::names_in(&self.worktree.join(&folder))?;
        let path = format!("{folder}/{}", tickets::reference_name(&names, title));
        let topics = self.topics()?;
        let bytes = tickets::reference_document(&tickets::Reference {
            ticket: self.ticket.as_str(),
            title,
            topics: &topics,
            summary: "",
            body,
            now: clock::now(),
        });
        self.put(&path, &bytes)?;
        Ok(path)
    }

    /// As [`Shelf::write`], where it is not we who write documents.
    fn add_by_keeper(&self, title: &str, body: &str) -> ServiceResult<Option<String>> {
        let note = self.stage.join(ADDING);
        let order =
            tickets::Adding { ticket: self.ticket.as_str(), dir: &self.docs, title, body, note: &note };
        let Some((path, bytes)) = self.keeper.add(&self.worktree, &order)? else { return Ok(None) };
        self.put(&path, &bytes)?;
        files::remove_durable(&note)?;
        Ok(Some(path))
    }

    /// The text of a document in the worktree.
    pub fn read(&self, path: &str) -> ServiceResult<String> {
        let bytes = files::find_foreign(&self.worktree.join(path), DOCUMENT_CAP)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The text of a document in the last commit of the run's branch.
    pub fn committed(&self, path: &str) -> ServiceResult<Option<String>> {
        let bytes = self.repository.read_file("HEAD", path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Replaces a document whole. An agent's docmgr may be at work in the ticket's directory at this moment: newer ones
    /// lock it, and so do we.
    pub fn put(&self, path: &str, bytes: &[u8]) -> ServiceResult<()> {
        let what = format!("The directory of the ticket {}", self.ticket);
        let _lock = dir_lock::take(&self.worktree.join(&self.docs), &what, PATIENCE)?;
        let staged = self.stage.join(format!("{}{}", files::TEMP_PREFIX, random::base32(16)));
        files::write_atomic(&staged, bytes)?;
        files::rename_durable(&staged, &self.worktree.join(path)).inspect_err(|_| {
            let _ = files::remove_durable(&staged);
        })?;
        Ok(())
    }

    fn topics(&self) -> ServiceResult<Vec<String>> {
        let index = self.worktree.join(&self.docs).join("index.md");
        let bytes = files::find_foreign(&index, DOCUMENT_CAP)?.unwrap_or_default();
        Ok(tickets::parse_index(&bytes).map(|head| head.topics).unwrap_or_default())
    }

    /// Commits this document as it is, and nothing else; nothing where it is committed already.
    pub fn commit(&self, path: &str, subject: &str) -> ServiceResult<Option<String>> {
        if !self.repository.has_identity() {
            let dir = quoted(&self.worktree);
            let message =
                "git knows no name and mail address for commits there, so no document was committed.";
            return Err(ServiceError::failed(
                message,
                &[&format!("git -C {dir} config user.name '<your name>'")],
            ));
        }
        let message = format!("{subject}\n\nMetawsm-Run: {}\n{MADE}\n", self.run);
        let began = Instant::now();
        loop {
            let done = self.repository.commit_paths(&self.worktree, &[RepoPath::new(path)], &message);
            match done {
                Err(error) if error.to_string().contains("index.lock") && began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20 + random::below(80)));
                }
                done => return Ok(done?),
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
