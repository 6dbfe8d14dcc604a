//! Where the two copies of a ticket's documents are, and whether the source can be copied.

use super::super::base::control_base;
use super::super::repos::Chosen;
use super::super::{Control, ServiceError, ServiceResult};
use crate::git::Repository;
use crate::model::{TicketId, plain_line};
use crate::sys::process::quoted;
use crate::tickets::{self, Found, Ticket};
use std::path::Path;

/// The most bytes of documents that one ticket may have to be copied.
const MOST_BYTES: u64 = 64 << 20;

/// At most this many files are named in one sentence.
const NAMED: usize = 5;

/// The repository whose commits are the source, and the commit that counts there: the HEAD of the control
/// repository's main worktree, whichever of its worktrees the caller stands in; base where it is bare. `None` where
/// there is no commit.
pub(in crate::service) fn source_repo(control: &Control) -> ServiceResult<Option<(Repository, String)>> {
    let main = if control.repo.is_linked() {
        Repository::discover(control.root())?.unwrap_or_else(|| control.repo.clone())
    } else {
        control.repo.clone()
    };
    let head = if main.is_bare() { None } else { main.head()?.id().map(str::to_owned) };
    let head = match head {
        Some(head) => Some(head),
        None => control_base(control)?.map(|base| base.id),
    };
    Ok(head.map(|head| (main, head)))
}

/// A ticket's directory as the control repository has committed it.
#[derive(Debug)]
pub(super) struct SourceCopy {
    /// The control repository.
    pub repository: Repository,
    /// The commit that counts there.
    pub commit: String,
    /// The directory, relative to the top.
    pub dir: String,
    /// Its tree.
    pub tree: String,
}

/// The source of a ticket's documents; `None` where the control repository has committed none.
pub(super) fn source_copy(control: &Control, ticket: &TicketId) -> ServiceResult<Option<SourceCopy>> {
    let Some((repository, commit)) = source_repo(control)? else { return Ok(None) };
    let root = root_name(&repository)?;
    let Some(found) = committed_ticket(&repository, &commit, &root, ticket.as_str())? else {
        return Ok(None);
    };
    let tree = repository.path_id(&commit, &found.dir)?;
    Ok(tree.map(|tree| SourceCopy { repository, commit, dir: found.dir, tree }))
}

/// The docs root of a repository, relative to its top, as it is or would be.
fn root_name(repository: &Repository) -> ServiceResult<String> {
    match repository.worktree() {
        Some(top) => Ok(tickets::intended_root(top)?.relative),
        None => Ok("ttmp".to_owned()),
    }
}

/// A ticket as it stands in a commit; two directories that claim it are an error.
pub(in crate::service) fn committed_ticket(
    repository: &Repository,
    commit: &str,
    root: &str,
    id: &str,
) -> ServiceResult<Option<Ticket>> {
    let mut files = Vec::new();
    let blobs = repository.blobs();
    for entry in repository.list_tree(commit, root, true)? {
        let is_read = matches!(entry.path.name(), b"index.md" | b".docmgrignore")
            && entry.mode & 0o170_000 == 0o100_000;
        if let Some(path) = entry.path.as_str().filter(|_| is_read)
            && let Some(bytes) = blobs.read(&entry.id)?
        {
            files.push((path.to_owned(), bytes));
        }
    }
    match tickets::find_in(tickets::Source::Committed { root, files: &files }, id)? {
        Found::One(ticket) => Ok(Some(ticket)),
        Found::Missing { .. } => Ok(None),
        Found::Several(several) => Err(twice(repository.dir(), id, &several)),
    }
}

/// Several directories claim to be one ticket.
pub(in crate::service) fn twice(top: &Path, id: &str, several: &[Ticket]) -> ServiceError {
    let dirs: Vec<_> = several.iter().map(|t| t.dir.as_str()).collect();
    let message =
        format!("The ticket '{id}' exists {} times in {}: {}.", dirs.len(), top.display(), dirs.join(", "));
    let hint = format!("git -C {} mv {} <elsewhere>", shown(top), quoted(dirs[1]));
    ServiceError::failed(message, &[&hint])
}

fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// The directory that a ticket of the control repository has in a doc home that is another repository: where that has
/// the ticket already, else at the same place below the home's own docs root; where nothing is seeded, it stays where it
/// was found. `root` is the docs root that the ticket was found below.
pub(in crate::service) fn dir_in_home(
    home: &Chosen,
    root: &str,
    found: &Ticket,
    seeds: bool,
) -> ServiceResult<String> {
    let home_root = root_name(&home.repo)?;
    for commit in [home.base.id.as_str(), "HEAD"] {
        if let Some(commit) = home.repo.find_commit(commit)?
            && let Some(there) = committed_ticket(&home.repo, &commit, &home_root, &found.id)?
        {
            return Ok(there.dir);
        }
    }
    if !seeds {
        return Ok(found.dir.clone());
    }
    let rest = found.dir.strip_prefix(root).unwrap_or(&found.dir).trim_start_matches('/');
    let parts: Vec<_> = [home_root.as_str(), rest].into_iter().filter(|part| !part.is_empty()).collect();
    Ok(parts.join("/"))
}

/// Whether the documents at a directory of a worktree can be copied from its HEAD. `Ok(false)` where git keeps nothing
/// of them (they are ignored). What is not committed, what lies behind a link, what is no document and what is too
/// large is an error that names it.
pub(in crate::service) fn require_seedable(repository: &Repository, dir: &str) -> ServiceResult<bool> {
    let committed = repository.path_id("HEAD", dir)?;
    if let Some(top) = repository.worktree() {
        let files = repository.dir_tree(top, dir)?;
        if files != committed {
            return Err(uncommitted(repository, top, dir)?);
        }
    }
    let Some(tree) = committed else { return Ok(false) };
    require_copyable(repository, dir, &tree)?;
    Ok(true)
}

/// Refuses a tree that should not be copied into another repository.
pub(super) fn require_copyable(repository: &Repository, dir: &str, tree: &str) -> ServiceResult<()> {
    let place = format!("{dir} in {}", repository.dir().display());
    if let Err(error) = repository.require_plain_tree(tree) {
        let message = format!("The documents at {place} cannot be copied into a workspace: {error}");
        let hint = format!("git -C {} ls-tree -r HEAD -- {}", shown(repository.dir()), quoted(dir));
        return Err(ServiceError::failed(message, &[&hint, "git metawsm run --doc-seed-mode none ..."]));
    }
    let size = repository.tree_bytes(tree)?;
    if size > MOST_BYTES {
        let message = format!(
            "The documents at {place} hold {} MiB, and at most {} MiB are copied into a workspace.",
            size >> 20,
            MOST_BYTES >> 20
        );
        return Err(ServiceError::failed(message, &["git metawsm run --doc-seed-mode none ..."]));
    }
    Ok(())
}

fn uncommitted(repository: &Repository, top: &Path, dir: &str) -> ServiceResult<ServiceError> {
    let state = repository.clean_state(top)?;
    let dirty = state.dirty.iter().filter(|dirt| dirt.path.is_below(dir.as_bytes()));
    let names: Vec<_> = dirty.map(|dirt| plain_line(&dirt.path.text())).collect();
    let more = names.len().saturating_sub(NAMED);
    let mut listed = names[..names.len().min(NAMED)].join(", ");
    if more > 0 {
        listed = format!("{listed} and {more} more");
    }
    let message = format!(
        "The ticket's documents in {} are not committed, so no workspace would have them: {listed}.",
        top.display()
    );
    let (top, dir) = (shown(top), quoted(dir));
    let commit = format!(
        "git -C {top} add -- {dir} && git -C {top} commit -m 'Update the documents of a ticket' -- {dir}"
    );
    Ok(ServiceError::failed(message, &[&commit]))
}
