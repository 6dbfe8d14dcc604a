//! What lies at the place of a worktree, told by git's own files.

use super::{WorkspaceError, WorkspaceResult};
use crate::git::{Repository, Worktree};
use crate::sys::{SysError, files};
use std::io;
use std::path::{Path, PathBuf};

/// What lies at the place of a worktree.
#[derive(Debug)]
pub(super) enum Site<'a> {
    /// Nothing, or an empty directory.
    Free,
    /// A finished worktree of the repository.
    Stands(&'a Worktree),
    /// A worktree that git was killed in making; its administrative directory.
    HalfMade(Option<PathBuf>),
    /// Registered, but the directory is gone.
    Missing(&'a Worktree),
    /// Something of somebody else; what, as a clause.
    Foreign(String),
}

impl<'a> Site<'a> {
    pub(super) fn look(repo: &Repository, worktrees: &'a [Worktree], path: &Path) -> WorkspaceResult<Self> {
        let registered = worktrees.iter().find(|w| is_same_place(&w.path, path));
        let admin = admin_dir(repo.common_dir(), path)?;
        let meta = match path.symlink_metadata() {
            Ok(meta) => Some(meta),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(SysError::file("look at", path, e).into()),
        };
        if admin.as_deref().is_some_and(is_being_made) {
            return Ok(Self::HalfMade(admin));
        }
        let Some(meta) = meta else {
            return Ok(registered.map_or(Self::Free, Self::Missing));
        };
        if !meta.is_dir() {
            return Ok(Self::Foreign("it is not a directory".to_owned()));
        }
        let Some(registered) = registered else {
            let empty = path.read_dir().map_err(|e| SysError::file("list", path, e))?.next().is_none();
            let why = "it is a directory with files that are not this repository's worktree".to_owned();
            return Ok(if empty { Self::Free } else { Self::Foreign(why) });
        };
        let Some(admin) = admin else {
            return Ok(Self::Foreign("it is the repository's main worktree".to_owned()));
        };
        if !admin.join("index").exists() {
            return Err(damaged(path));
        }
        Ok(Self::Stands(registered))
    }
}

/// git locks a worktree with this word from the first file it writes of it until all files are there, and only
/// then; a power cut may leave the lock empty. The index is what it writes last of the checkout: with it the worktree
/// is whole, whatever the lock says, and somebody may have worked there.
fn is_being_made(admin: &Path) -> bool {
    if admin.join("index").exists() && !admin.join("index.lock").exists() {
        return false;
    }
    match files::find_foreign(&admin.join("locked"), 4096) {
        Ok(Some(reason)) if reason.trim_ascii() == b"initializing" => true,
        Ok(Some(reason)) if reason.trim_ascii().is_empty() => !admin.join("index").exists(),
        _ => false,
    }
}

/// Takes away what a killed git left. The administrative directory goes last: until then a second kill leaves
/// what is recognised as half made.
pub(super) fn roll_back(path: &Path, admin: Option<&Path>) -> WorkspaceResult<()> {
    files::remove_tree(path)?;
    if let Some(admin) = admin {
        files::remove_tree(admin)?;
    }
    Ok(())
}

/// The directory `<common>/worktrees/<id>` that belongs to a worktree; `None` for a main worktree and for what
/// is no worktree. Told by the repository, not by the `.git` file, which whoever works there can rewrite.
pub(super) fn admin_dir(common: &Path, path: &Path) -> WorkspaceResult<Option<PathBuf>> {
    let all = common.join("worktrees");
    for id in files::names_in(&all)? {
        let admin = all.join(id);
        let Some(text) = files::find_foreign(&admin.join("gitdir"), 16 * 1024)? else { continue };
        let text = String::from_utf8_lossy(&text);
        // Relative to the administrative directory where git was told to write relative paths.
        let git_file = admin.join(text.trim_end_matches(['\n', '\r']));
        if git_file.parent().is_some_and(|dir| is_same_place(dir, path)) {
            return Ok(Some(admin));
        }
    }
    Ok(None)
}

/// Whether two paths name the same place, also where nothing lies there (yet, or any more).
pub(super) fn is_same_place(one: &Path, other: &Path) -> bool {
    one == other || settled(one) == settled(other)
}

fn settled(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => settled(parent).join(name),
        _ => path.to_owned(),
    }
}

pub(super) fn damaged(path: &Path) -> WorkspaceError {
    let why = "git's index of it is missing; 'git reset' in it makes a new one".to_owned();
    WorkspaceError::Damaged { path: path.to_owned(), why }
}
