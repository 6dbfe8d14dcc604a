//! Scratch directories in the git common directory, for temporary indexes and throw-away worktrees.

use super::command::LONG;
use super::{GitResult, Repository};
use crate::model::Child;
use crate::sys::{SysError, files, procs, random};
use std::fs;
use std::path::{Path, PathBuf};

/// The throw-away worktree in a scratch directory.
pub(super) const WORKTREE: &str = "worktree";

/// A directory that goes when dropped; those of killed processes go when the next one is made.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// How many directories above it are ours to remove once they are empty.
    made_above: usize,
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
        // Looking leaves no trace; what holds something stays.
        for above in self.path.ancestors().skip(1).take(self.made_above) {
            let _ = fs::remove_dir(above);
        }
    }
}

/// A throw-away worktree on no branch, in a scratch directory. It goes when dropped; one of a killed process goes
/// when the next scratch directory is made.
#[derive(Debug)]
pub struct Checkout {
    repository: Repository,
    scratch: Scratch,
}

impl Checkout {
    /// The top of the worktree.
    pub fn path(&self) -> PathBuf {
        self.scratch.join(WORKTREE)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // By hand, since git refuses where a file is not to be removed; then the registration, which names nothing
        // any more.
        let _ = files::remove_tree(&self.path());
        let _ = self.repository.remove_worktree(&self.path(), true);
    }
}

impl Repository {
    /// Checks out a commit (a full id), whole and clean, in a throw-away worktree on no branch; no hook runs. The
    /// caller holds the repository's lock for this and for the end of the checkout, not in between.
    pub fn checkout(&self, commit: &str) -> GitResult<Checkout> {
        let scratch = self.scratch()?;
        let checkout = Checkout { repository: self.clone(), scratch };
        let cmd = self.action().args(["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet"]);
        cmd.args(["--detach", "--"]).arg(checkout.path()).arg(commit).limit(LONG).run()?;
        Ok(checkout)
    }

    /// Makes a scratch directory. It lies below `metawsm/` of the common directory: on the same file system as
    /// the objects, and out of reach of every checkout and clean.
    pub(super) fn scratch(&self) -> GitResult<Scratch> {
        let all = self.common_dir().join("metawsm").join("scratch");
        self.sweep_scratch(&all)?;
        let made_above = if self.common_dir().join("metawsm").exists() { 1 } else { 2 };
        let own = procs::own();
        let path = all.join(format!("{}-{}-{}", own.pid, own.start, random::base32(8)));
        // Somebody else may take the empty directories above away at the same time.
        let mut made = files::ensure_dir(&path);
        for _ in 0..9 {
            if !made.as_ref().is_err_and(SysError::is_not_found) {
                break;
            }
            made = files::ensure_dir(&path);
        }
        made?;
        Ok(Scratch { path, made_above })
    }

    fn sweep_scratch(&self, all: &Path) -> GitResult<()> {
        for name in files::names_in(all)? {
            if owner(&name).is_some_and(|owner| !procs::is_alive(owner)) {
                let dead = all.join(name);
                self.remove_worktree(&dead.join(WORKTREE), true)?;
                // What a program that outlived its starter still writes there goes the next time.
                let _ = files::remove_tree(&dead);
            }
        }
        Ok(())
    }
}

fn owner(name: &str) -> Option<Child> {
    let mut parts = name.split('-');
    Some(Child { pid: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    #[test]
    fn scratch_of_a_killed_process_goes_with_its_worktree_and_ours_leaves_no_trace() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let all = repo.common_dir().join("metawsm/scratch");
        let dead = all.join("999999999-1-abc").join(WORKTREE);
        sandbox.git(&["worktree", "add", "--quiet", "--detach", dead.to_str().expect("UTF-8")]);
        let scratch = repo.scratch().expect("made");
        assert!(!dead.exists());
        assert_eq!(repo.worktrees().expect("listed").len(), 1);
        drop(scratch);
        assert!(!all.exists());
        fs::remove_dir(repo.common_dir().join("metawsm")).expect("empty");
        drop(repo.scratch().expect("made"));
        assert!(!repo.common_dir().join("metawsm").exists());
    }

    #[test]
    fn a_checkout_is_whole_and_leaves_nothing_behind_whatever_was_done_in_it() {
        let sandbox = Sandbox::new();
        let commit = sandbox.commit_on("task", "main", &[("t", "t"), ("dir/u", "u")]);
        let repo = sandbox.repo();
        let hook = sandbox.dir().join(".git/hooks/post-checkout");
        fs::write(&hook, "#!/bin/sh\ntouch ../../hooked\n").expect("a hook");
        let checkout = repo.checkout(&commit).expect("made");
        let top = checkout.path();
        assert_eq!(fs::read_to_string(top.join("dir/u")).expect("read"), "u");
        assert_eq!(super::super::testing::git_in(&top, &["rev-parse", "HEAD"]), commit);
        fs::write(top.join("left"), "x").expect("written");
        fs::write(top.join("t"), "edited").expect("written");
        super::super::testing::git_in(&top, &["worktree", "lock", "."]);
        drop(checkout);
        assert!(!top.exists());
        assert_eq!(repo.worktrees().expect("listed").len(), 1);
        assert_eq!(sandbox.git(&["worktree", "prune", "--dry-run", "--verbose"]), "");
        assert!(!repo.common_dir().join("metawsm").exists());
    }
}
