//! Commits of what lies in a worktree, made by `git commit` so that the user's hooks and signing hold.

use super::path::join_nul;
use super::{DirtKind, GitError, GitResult, RepoPath, Repository};
use crate::sys::SysError;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

impl Repository {
    /// Commits everything dirty in a worktree but `.metawsm/`, nested repositories and what `exclude` names;
    /// returns the commit, `None` where nothing is left to commit. What is staged of the excluded stays staged.
    pub fn commit_all(
        &self,
        worktree: &Path,
        message: &str,
        exclude: &dyn Fn(&str) -> bool,
    ) -> GitResult<Option<String>> {
        let place = self.at(worktree)?;
        place.require_no_operation()?;
        let wanted = |d: &super::Dirty| {
            d.what != DirtKind::NestedRepository && !d.path.is_below(".metawsm") && !exclude(&d.path.text())
        };
        let paths: Vec<_> = place.listing(false)?.dirty.into_iter().filter(wanted).map(|d| d.path).collect();
        place.commit_only(&paths, message)
    }

    /// Commits these paths (files) as they lie in a worktree, and nothing else that is staged; returns the commit,
    /// `None` where they are unchanged.
    pub fn commit_paths(
        &self,
        worktree: &Path,
        paths: &[RepoPath],
        message: &str,
    ) -> GitResult<Option<String>> {
        let place = self.at(worktree)?;
        place.require_no_operation()?;
        place.commit_only(paths, message)
    }

    fn require_no_operation(&self) -> GitResult<()> {
        match self.operation()? {
            Some(operation) => Err(GitError::Busy { worktree: self.dir().to_owned(), operation }),
            None => Ok(()),
        }
    }

    fn commit_only(&self, paths: &[RepoPath], message: &str) -> GitResult<Option<String>> {
        if paths.is_empty() {
            return Ok(None);
        }
        let list = join_nul(paths);
        let stage = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
        self.action().args(stage).stdin(list).run()?;
        let head = self.head()?;
        let changed: Vec<_> = match head.id() {
            Some(id) => {
                let staged: BTreeSet<_> = self.staged_against(id)?;
                paths.iter().filter(|p| staged.contains(p)).collect()
            }
            None => paths.iter().collect(),
        };
        if changed.is_empty() {
            return Ok(None);
        }
        let scratch = self.scratch()?;
        let file = scratch.join("message");
        fs::write(&file, message).map_err(|e| SysError::file("write", &file, e))?;
        let cmd =
            self.action().args(["-c", "i18n.commitEncoding=UTF-8", "commit", "--quiet", "--only", "--file"]);
        let cmd = cmd.arg(&file).args(["--pathspec-from-file=-", "--pathspec-file-nul"]);
        cmd.stdin(join_nul(changed)).run()?;
        Ok(self.head()?.id().map(str::to_owned))
    }
}
