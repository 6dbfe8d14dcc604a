//! Scratch directories in the git common directory, for temporary indexes and throw-away worktrees.

use super::{GitResult, Repository};
use crate::model::Child;
use crate::sys::{SysError, files, procs, random};
use std::fs;
use std::path::{Path, PathBuf};

/// A directory that goes when dropped; those of killed processes go when the next one is made.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Copies the index of a worktree to play with. The time stays: by it git tells which entries it must compare
    /// byte by byte, and a younger copy would hide an edit made in the same instant as the index.
    pub(super) fn copy_index(&self, repo: &Repository) -> GitResult<PathBuf> {
        let (from, to) = (repo.git_dir().join("index"), self.join("index"));
        if from.exists() {
            let copy = || {
                let modified = from.metadata()?.modified()?;
                fs::copy(&from, &to)?;
                fs::File::options().write(true).open(&to)?.set_modified(modified)
            };
            copy().map_err(|e| SysError::file("copy", &from, e))?;
        }
        Ok(to)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = files::remove_tree(&self.path);
    }
}

impl Repository {
    /// Makes a scratch directory. It lies below `metawsm/` of the common directory: on the same file system as
    /// the objects, and out of reach of every checkout and clean.
    pub(super) fn scratch(&self) -> GitResult<Scratch> {
        let all = self.common_dir().join("metawsm").join("scratch");
        for name in files::names_in(&all).unwrap_or_default() {
            if owner(&name).is_some_and(|owner| !procs::is_alive(owner)) {
                files::remove_tree(&all.join(name))?;
            }
        }
        let own = procs::own();
        let path = all.join(format!("{}-{}-{}", own.pid, own.start, random::base32(8)));
        files::ensure_dir(&path)?;
        Ok(Scratch { path })
    }
}

fn owner(name: &str) -> Option<Child> {
    let mut parts = name.split('-');
    Some(Child { pid: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? })
}
