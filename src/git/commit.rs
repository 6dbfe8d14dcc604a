//! Commits of what lies in a worktree, made by `git commit` so that the user's hooks and signing hold.

use super::path::{join_nul, join_pathspecs};
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

    /// Commits what is dirty at and below these paths (files or directories), and nothing else that is staged;
    /// ignored files and nested repositories are left out. Returns the commit, `None` where nothing is dirty there.
    pub fn commit_paths(
        &self,
        worktree: &Path,
        paths: &[RepoPath],
        message: &str,
    ) -> GitResult<Option<String>> {
        let place = self.at(worktree)?;
        place.require_no_operation()?;
        let wanted = |d: &super::Dirty| {
            d.what != DirtKind::NestedRepository && paths.iter().any(|given| d.path.is_below(given))
        };
        let paths: Vec<_> = place.listing(false)?.dirty.into_iter().filter(wanted).map(|d| d.path).collect();
        place.commit_only(&paths, message)
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
        cmd.stdin(join_pathspecs(changed)).run()?;
        Ok(self.head()?.id().map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn everything_is_committed_but_the_excluded_and_our_own_files() {
        let sandbox = Sandbox::new();
        for file in ["gone", "staged-gone"] {
            sandbox.commit(file, "x");
        }
        sandbox.write("a.txt", "new\n");
        sandbox.write("dir/new", "new");
        sandbox.write(".env", "secret");
        sandbox.git(&["add", ".env"]);
        sandbox.write(".metawsm/guidance-request.json", "{}");
        sandbox.git(&["rm", "--quiet", "staged-gone"]);
        std::fs::remove_file(sandbox.dir().join("gone")).expect("removed");
        let old = sandbox.id("HEAD");
        let repo = sandbox.repo();
        let id = repo.commit_all(&sandbox.dir(), "Leftovers\n", &|path| path == ".env").expect("committed");
        let id = id.expect("something");
        assert_eq!(
            repo.changed_paths(&old, &id).expect("asked"),
            ["a.txt", "dir/new", "gone", "staged-gone"]
        );
        assert_eq!(
            sandbox.git(&["status", "--porcelain", "-uall"]),
            "A  .env\n?? .metawsm/guidance-request.json"
        );
        let again = repo.commit_all(&sandbox.dir(), "Again", &|path| path == ".env").expect("asked");
        assert_eq!(again, None);
    }

    #[test]
    fn given_paths_are_committed_and_what_else_is_staged_stays_staged() {
        let sandbox = Sandbox::new();
        sandbox.write("other", "x");
        sandbox.git(&["add", "other"]);
        sandbox.write("ttmp/doc.md", "doc");
        sandbox.write("ttmp*", "no glob");
        let repo = sandbox.repo();
        let id = repo.commit_paths(&sandbox.dir(), &["ttmp/".into()], "Docs").expect("committed");
        assert_eq!(repo.changed_paths("HEAD~1", &id.expect("something")).expect("asked"), ["ttmp/doc.md"]);
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "A  other\n?? ttmp*");
        let odd = repo.commit_paths(&sandbox.dir(), &["ttmp*".into()], "Odd").expect("committed");
        assert_eq!(repo.changed_paths("HEAD~1", &odd.expect("something")).expect("asked"), ["ttmp*"]);
        assert_eq!(repo.commit_paths(&sandbox.dir(), &["ttmp/doc.md".into()], "Docs").expect("asked"), None);
    }

    #[test]
    fn nothing_is_committed_in_the_middle_of_a_merge() {
        let sandbox = Sandbox::new();
        sandbox.commit_on("side", "main", &[("a.txt", "side\n")]);
        sandbox.commit("a.txt", "main\n");
        assert!(!super::super::testing::try_git_in(&sandbox.dir(), &["merge", "side"]));
        let refused = sandbox.repo().commit_all(&sandbox.dir(), "x", &|_| false);
        assert!(matches!(refused, Err(super::GitError::Busy { .. })));
    }

    #[test]
    fn the_first_commit_of_a_repository_can_be_ours() {
        let sandbox = Sandbox::empty(&[]);
        sandbox.write("x", "x");
        assert!(sandbox.repo().commit_all(&sandbox.dir(), "First", &|_| false).expect("committed").is_some());
    }
}
