//! Worktrees: listed, made, removed.

use super::command::LONG;
use super::{GitError, GitResult, Repository};
use crate::model::Child;
use crate::sys::{SysError, env};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A worktree as git lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Worktree {
    /// Where it lies (the bare directory itself for the entry of a bare repository).
    pub path: PathBuf,
    /// Its HEAD commit.
    pub head: Option<String>,
    /// Its branch, without `refs/heads/`.
    pub branch: Option<String>,
    /// Whether this is the bare repository and no worktree.
    pub bare: bool,
    /// Whether HEAD is on no branch (also during a rebase or bisect).
    pub detached: bool,
    /// Whether it is locked against removal.
    pub locked: bool,
    /// Whether its directory is gone.
    pub prunable: bool,
}

/// A worktree to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorktree {
    /// Where, absolute.
    pub path: PathBuf,
    /// Its branch, without `refs/heads/`.
    pub branch: String,
    /// The commit that a new branch starts at; `None`: the branch exists.
    pub from: Option<String>,
}

impl Repository {
    /// All worktrees of the repository, the main one first, as git lists them.
    pub(super) fn worktrees_by_git(&self) -> GitResult<Vec<Worktree>> {
        let bytes = self.question().args(["worktree", "list", "--porcelain", "-z"]).run()?.stdout;
        let mut found = Vec::new();
        for block in blocks(&bytes) {
            found.extend(worktree_of(&block));
        }
        if let Some(main) = found.first_mut().filter(|main: &&mut Worktree| !main.bare) {
            self.mend_main(main)?;
        }
        Ok(found)
    }

    /// git derives the main worktree from the common directory, which is wrong in submodules and wherever
    /// `core.worktree` says otherwise.
    fn mend_main(&self, main: &mut Worktree) -> GitResult<()> {
        if !self.is_linked() {
            if let Some(top) = self.worktree() {
                top.clone_into(&mut main.path);
            }
        } else if let Some(told) = self.config("core.worktree")? {
            main.path = crate::sys::files::real_path(&self.common_dir().join(told));
        }
        Ok(())
    }

    /// Makes a worktree. `run_id` stands in the environment of git and `on_start` learns its process, so that who
    /// comes after a crash can find it and wait for it. A kill leaves git's half-made worktree, which
    /// [`Repository::remove_worktree`] with force takes away.
    pub fn add_worktree(
        &self,
        wanted: &NewWorktree,
        run_id: &str,
        on_start: &mut dyn FnMut(Child),
    ) -> GitResult<()> {
        self.require_branch_name(&wanted.branch)?;
        let cmd = self
            .action()
            .env(env::STEP, run_id)
            .limit(LONG)
            .args(["-c", "core.fsync=reference", "worktree", "add"])
            .arg("--quiet");
        let cmd = if let Some(from) = &wanted.from {
            let missing = || GitError::NoBranch { branch: from.clone(), repository: self.dir().to_owned() };
            let from = self.find_commit(from)?.ok_or_else(missing)?;
            cmd.args(["--no-track", "-b", &wanted.branch, "--"]).arg(&wanted.path).arg(from)
        } else {
            self.require_branch(&wanted.branch)?;
            cmd.arg("--").arg(&wanted.path).arg(&wanted.branch)
        };
        cmd.run_watched(on_start)?;
        Ok(())
    }

    /// The commit of a branch that must exist.
    pub fn require_branch(&self, branch: &str) -> GitResult<String> {
        let missing = || GitError::NoBranch { branch: branch.to_owned(), repository: self.dir().to_owned() };
        self.branch_id(branch)?.ok_or_else(missing)
    }

    /// Removes a worktree, its directory and its registration. Without `force` git refuses dirty and untracked
    /// files; ignored ones go in any case, so that a rescue comes first. One that is not there is fine.
    pub fn remove_worktree(&self, path: &Path, force: bool) -> GitResult<()> {
        let real = crate::sys::files::real_path(path);
        let Some(listed) = self.worktrees()?.into_iter().find(|w| w.path == real || w.path == path) else {
            return Ok(());
        };
        if force && listed.path.join(".git").symlink_metadata().is_err() {
            return self.forget_worktree(&listed.path);
        }
        let mut cmd = self.registrar().args(["worktree", "remove"]);
        if force {
            // Twice: also a locked one, as git leaves it while it is being made.
            cmd = cmd.args(["--force", "--force"]);
        }
        cmd.arg("--").arg(&listed.path).run()?;
        Ok(())
    }

    /// Takes away what a kill left of `worktree add` before it linked the directory, or the registration of a
    /// directory that is gone. A directory that holds anything stays.
    fn forget_worktree(&self, path: &Path) -> GitResult<()> {
        match std::fs::remove_dir(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(SysError::file("remove", path, e).into());
            }
            _ => {}
        }
        self.registrar().args(["worktree", "remove", "--force", "--force", "--"]).arg(path).run()?;
        Ok(())
    }

    /// Forgets the worktrees whose directories are gone.
    pub fn prune_worktrees(&self) -> GitResult<()> {
        self.registrar().args(["worktree", "prune"]).run()?;
        Ok(())
    }

    /// Commands on registrations, run from the common directory: the worktree at hand may be the one that goes.
    fn registrar(&self) -> crate::sys::Cmd {
        let place = Self::clone(self);
        let cmd = place.action().cwd(self.common_dir()).limit(LONG);
        if place.worktree().is_some() { cmd.arg("--git-dir").arg(self.common_dir()) } else { cmd }
    }

    /// The git directories of all worktrees, the common directory first.
    pub(super) fn git_dirs(&self) -> Vec<PathBuf> {
        let mut dirs = vec![self.common_dir().to_owned()];
        if let Ok(entries) = self.common_dir().join("worktrees").read_dir() {
            dirs.extend(entries.flatten().map(|entry| entry.path()));
        }
        dirs.sort();
        dirs
    }

    /// The worktrees whose branch, by HEAD alone, is `branch`.
    pub(super) fn worktrees_on(&self, branch: &str) -> GitResult<Vec<Worktree>> {
        let on = |w: &Worktree| !w.bare && w.branch.as_deref() == Some(branch);
        Ok(self.worktrees()?.into_iter().filter(on).collect())
    }
}

fn blocks(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut blocks = vec![Vec::new()];
    for line in bytes.split(|b| *b == 0) {
        if line.is_empty() {
            blocks.push(Vec::new());
        } else if let Some(block) = blocks.last_mut() {
            block.push(line);
        }
    }
    blocks
}

fn worktree_of(lines: &[&[u8]]) -> Option<Worktree> {
    let mut worktree = Worktree::default();
    let path = lines.first()?.strip_prefix(b"worktree ")?;
    worktree.path = PathBuf::from(OsStr::from_bytes(path));
    for line in &lines[1..] {
        let text = String::from_utf8_lossy(line);
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match word {
            "HEAD" => worktree.head = Some(rest.to_owned()).filter(|id| id.bytes().any(|b| b != b'0')),
            "branch" => worktree.branch = Some(rest.strip_prefix("refs/heads/").unwrap_or(rest).to_owned()),
            "bare" => worktree.bare = true,
            "detached" => worktree.detached = true,
            "locked" => worktree.locked = true,
            "prunable" => worktree.prunable = true,
            _ => {}
        }
    }
    // git says nothing of a locked worktree whose directory is gone.
    Some(worktree)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in};
    use super::*;

    fn wanted(path: &Path, branch: &str, from: Option<&str>) -> NewWorktree {
        NewWorktree { path: path.to_owned(), branch: branch.to_owned(), from: from.map(str::to_owned) }
    }

    #[test]
    fn a_worktree_is_made_on_a_new_branch_listed_and_removed() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let path = sandbox.beside("w s/x");
        let mut children = Vec::new();
        let from = wanted(&path, "task/x", Some("HEAD"));
        repo.add_worktree(&from, "run-1", &mut |child| children.push(child)).expect("made");
        assert_eq!(children.len(), 1);
        let listed = repo.worktrees().expect("listed");
        assert_eq!(listed[0].path, sandbox.dir());
        assert_eq!((listed[1].path.as_path(), listed[1].branch.as_deref()), (path.as_path(), Some("task/x")));
        assert_eq!(repo.upstream("task/x").expect("asked"), None);
        std::fs::write(path.join("new"), "").expect("file");
        assert!(repo.remove_worktree(&path, false).is_err(), "git refuses untracked files");
        repo.remove_worktree(&path, true).expect("removed");
        repo.remove_worktree(&path, true).expect("removed twice");
        assert!(!path.exists());
        assert_eq!(repo.worktrees().expect("listed").len(), 1);
    }

    #[test]
    fn a_worktree_is_made_on_an_existing_branch_only_if_it_exists() {
        let origin = Sandbox::new();
        origin.git(&["branch", "remote-only"]);
        let clone = origin.clone_of();
        let repo = clone.repo();
        let missing = wanted(&clone.beside("x"), "remote-only", None);
        assert!(matches!(repo.add_worktree(&missing, "r", &mut |_| {}), Err(GitError::NoBranch { .. })));
        clone.git(&["branch", "here"]);
        repo.add_worktree(&wanted(&clone.beside("y"), "here", None), "r", &mut |_| {}).expect("made");
        let bad = wanted(&clone.beside("z"), "-b", Some("HEAD"));
        assert!(matches!(repo.add_worktree(&bad, "r", &mut |_| {}), Err(GitError::BadName { .. })));
    }

    #[test]
    fn a_worktree_can_remove_itself_and_gone_ones_are_pruned() {
        let sandbox = Sandbox::new();
        let (one, two) = (sandbox.worktree("one", "one"), sandbox.worktree("two", "two"));
        let from_one = Repository::require(&one).expect("found");
        from_one.remove_worktree(&one, false).expect("removed");
        std::fs::remove_dir_all(&two).expect("removed by hand");
        let listed = sandbox.repo().worktrees().expect("listed");
        assert!(listed.iter().any(|w| w.path == two && w.prunable));
        sandbox.repo().prune_worktrees().expect("pruned");
        assert_eq!(sandbox.repo().worktrees().expect("listed").len(), 1);
    }

    #[test]
    fn a_locked_worktree_goes_by_force_only() {
        let sandbox = Sandbox::new();
        let path = sandbox.worktree("one", "one");
        git_in(&path, &["worktree", "lock", "."]);
        assert!(sandbox.repo().worktrees().expect("listed")[1].locked);
        assert!(sandbox.repo().remove_worktree(&path, false).is_err());
        sandbox.repo().remove_worktree(&path, true).expect("removed");
    }

    #[test]
    fn what_a_killed_add_left_is_taken_away_unless_it_holds_something() {
        let sandbox = Sandbox::new();
        for name in ["gone", "empty", "full"] {
            let path = sandbox.worktree(name, name);
            git_in(&path, &["worktree", "lock", "--reason", "initializing", "."]);
            std::fs::remove_dir_all(&path).expect("removed");
        }
        std::fs::create_dir(sandbox.beside("empty")).expect("directory");
        super::super::testing::write_in(&sandbox.beside("full"), "work", "mine");
        let repo = sandbox.repo();
        repo.remove_worktree(&sandbox.beside("gone"), true).expect("forgotten");
        repo.remove_worktree(&sandbox.beside("empty"), true).expect("forgotten");
        assert!(repo.remove_worktree(&sandbox.beside("full"), true).is_err());
        assert!(sandbox.beside("full/work").exists());
        let left: Vec<_> = repo.worktrees().expect("listed").into_iter().filter_map(|w| w.branch).collect();
        assert_eq!(left, ["main", "full"]);
    }

    #[test]
    fn the_main_worktree_of_a_submodule_is_listed_where_it_lies() {
        let (inner, outer) = (Sandbox::new(), Sandbox::new());
        let url = inner.dir().display().to_string();
        outer.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
        let top = outer.dir().join("sub");
        let repo = Repository::require(&top).expect("found");
        assert_eq!(repo.worktrees().expect("listed")[0].path, top);
        git_in(&top, &["worktree", "add", "--quiet", "-b", "x", "../../linked"]);
        let linked = Repository::require(&outer.beside("linked")).expect("found");
        assert_eq!(linked.worktrees().expect("listed")[0].path, top);
    }
}
