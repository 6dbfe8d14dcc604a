//! Where a repository is, and who reads it: libgit2 where it can, git elsewhere.

use super::{GitError, GitResult, command};
use crate::sys::{env, files};
use git2::{ErrorCode, RepositoryOpenFlags};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A place in a repository: the top of one of its worktrees, or the bare directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    worktree: Option<PathBuf>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    quick: bool,
    marks: Vec<(&'static str, String)>,
}

impl Repository {
    /// The repository around a directory; `None` outside any. Variables such as GIT_DIR count for nothing.
    pub fn discover(dir: &Path) -> GitResult<Option<Self>> {
        match open_at(dir, RepositoryOpenFlags::empty()) {
            Ok(found) => {
                let found = Self::of_git2(&found);
                if found.is_cut_off_from(dir) { Self::discover_by_git(dir) } else { Ok(Some(found)) }
            }
            Err(e) if e.code() == ErrorCode::NotFound && !has_git_entry(dir) => Ok(None),
            // An unknown format, a foreign owner, a broken link: git knows, or says why not.
            Err(_) => Self::discover_by_git(dir),
        }
    }

    /// The repository around a directory.
    pub fn require(dir: &Path) -> GitResult<Self> {
        Self::discover(dir)?.ok_or_else(|| GitError::NotARepository { dir: dir.to_owned() })
    }

    fn of_git2(found: &git2::Repository) -> Self {
        let common_dir = files::real_path(found.commondir());
        Self {
            worktree: found.workdir().map(files::real_path),
            git_dir: files::real_path(found.path()),
            quick: reads_well(found, &common_dir),
            common_dir,
            marks: Vec::new(),
        }
    }

    /// Whether a `.git` file lies between `dir` and the top that libgit2 found: it links to nothing.
    fn is_cut_off_from(&self, dir: &Path) -> bool {
        let Some(top) = &self.worktree else { return false };
        let dir = files::real_path(dir);
        dir.ancestors().take_while(|above| above != top).any(|above| above.join(".git").is_file())
    }

    pub(super) fn discover_by_git(dir: &Path) -> GitResult<Option<Self>> {
        if !dir.is_dir() {
            return Ok(None);
        }
        let ask = |what: &[&str]| {
            let cmd = command::question_in(dir).args(["rev-parse", "--path-format=absolute"]).args(what);
            cmd.output().map(|output| (cmd, output))
        };
        let (cmd, output) = ask(&["--git-dir", "--git-common-dir", "--is-inside-work-tree"])?;
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("(or any of the parent directories)") || said.contains("(or any parent up to mount")
        {
            return Ok(None);
        }
        let output = cmd.require_ok(output)?;
        let mut lines = output.stdout.split(|b| *b == b'\n').map(path_of);
        let (Some(git_dir), Some(common_dir)) = (lines.next(), lines.next()) else {
            return Err(GitError::odd(format!(
                "git did not say where the repository of {} is",
                dir.display()
            )));
        };
        let (git_dir, common_dir) = (files::real_path(&git_dir), files::real_path(&common_dir));
        let worktree = if lines.next().is_some_and(|inside| inside.as_os_str() == "true") {
            let (cmd, output) = ask(&["--show-toplevel"])?;
            let output = cmd.require_ok(output)?;
            Some(files::real_path(&path_of(output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout))))
        } else if git_dir == common_dir && git_dir.file_name() == Some(OsStr::new(".git")) {
            // Asked from inside `.git`.
            git_dir.parent().map(Path::to_owned)
        } else {
            None
        };
        Ok(Some(Self { worktree, git_dir, common_dir, quick: false, marks: Vec::new() }))
    }

    /// The same repository, seen from another of its worktrees; `worktree` must be the top of one.
    pub fn at(&self, worktree: &Path) -> GitResult<Self> {
        let top = files::real_path(worktree);
        if self.worktree.as_ref() == Some(&top) {
            return Ok(self.clone());
        }
        match Self::discover(&top)? {
            Some(found) if found.worktree.as_ref() == Some(&top) && found.common_dir == self.common_dir => {
                Ok(Self { marks: self.marks.clone(), ..found })
            }
            _ => Err(GitError::NotAWorktree { path: top, repository: self.common_dir.clone() }),
        }
    }

    /// The same place, whose children that change something carry the hold token (which lets them pass our
    /// hooks) and the run (by which who comes after a crash finds them).
    #[must_use]
    pub fn with_hold(&self, token: &str, run_id: &str) -> Self {
        let marks = vec![(env::HOLD, token.to_owned()), (env::STEP, run_id.to_owned())];
        Self { marks, ..self.clone() }
    }

    /// The top of the worktree, or the bare directory.
    pub fn dir(&self) -> &Path {
        self.worktree.as_deref().unwrap_or(&self.git_dir)
    }

    /// The top of the worktree, without links; `None` in a bare repository.
    pub fn worktree(&self) -> Option<&Path> {
        self.worktree.as_deref()
    }

    /// The git directory of this worktree.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all worktrees share, absolute and without links.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// Whether this place is a bare repository (a linked worktree of one is not).
    pub fn is_bare(&self) -> bool {
        self.worktree.is_none()
    }

    /// Whether this place is a linked worktree.
    pub fn is_linked(&self) -> bool {
        self.git_dir != self.common_dir
    }

    pub(super) fn marks(&self) -> &[(&'static str, String)] {
        &self.marks
    }

    /// libgit2's view, where it reads this repository as git does.
    pub(super) fn quick(&self) -> Option<git2::Repository> {
        if !self.quick {
            return None;
        }
        open_at(self.dir(), RepositoryOpenFlags::NO_SEARCH).ok()
    }

    /// The answer of libgit2, or, where it cannot give one, of git.
    pub(super) fn answer<T>(
        &self,
        quick: impl FnOnce(&git2::Repository) -> Result<T, git2::Error>,
        git: impl FnOnce() -> GitResult<T>,
    ) -> GitResult<T> {
        match self.quick().map(|repo| quick(&repo)) {
            Some(Ok(answer)) => Ok(answer),
            _ => git(),
        }
    }

    #[cfg(test)]
    pub(super) fn asking_git_only(&self) -> Self {
        Self { quick: false, ..self.clone() }
    }
}

fn open_at(dir: &Path, flags: RepositoryOpenFlags) -> Result<git2::Repository, git2::Error> {
    git2::Repository::open_ext(dir, flags, &[] as &[&OsStr])
}

fn has_git_entry(dir: &Path) -> bool {
    let dir = files::real_path(dir);
    dir.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok())
}

/// Whether libgit2 sees the objects that git sees: it fetches none that a partial clone left out.
fn reads_well(repo: &git2::Repository, common_dir: &Path) -> bool {
    if common_dir.join("shallow").exists() {
        return false;
    }
    let Ok(config) = repo.config() else { return false };
    let Ok(mut entries) = config.entries(Some("^(extensions\\.partialclone|remote\\..*\\.promisor)$")) else {
        return false;
    };
    entries.next().is_none()
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}
