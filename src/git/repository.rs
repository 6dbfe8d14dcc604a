//! Where a repository is, and who reads it: libgit2 where it can, git elsewhere.

use super::{GitError, GitResult, Judge, command};
use crate::sys::{env, files};
use git2::{ErrorCode, RepositoryOpenFlags};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How git names, to the hooks of a push, where its objects lie until it takes them in.
const QUARANTINE: [&str; 3] =
    ["GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];

/// What git advises where a repository belongs to another user.
const TRUST: &str = "git config --global --add safe.directory ";

/// A place in a repository: the top of one of its worktrees, or the bare directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    worktree: Option<PathBuf>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    quick: bool,
    opened: Opened,
    marks: Vec<(&'static str, String)>,
    quarantine: Vec<(&'static str, OsString)>,
}

impl Repository {
    /// The repository around a directory; `None` outside any. Variables such as GIT_DIR count for nothing.
    pub fn discover(dir: &Path) -> GitResult<Option<Self>> {
        match open_at(dir, RepositoryOpenFlags::empty()) {
            Ok(found) => {
                let place = Self::of_git2(&found);
                if place.is_cut_off_from(dir) {
                    return Self::discover_by_git(dir);
                }
                place.put_back(found);
                Ok(Some(place))
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
            opened: Opened::default(),
            common_dir,
            marks: Vec::new(),
            quarantine: Vec::new(),
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
        let trust = said.lines().find_map(|line| line.trim().strip_prefix(TRUST));
        if let Some(place) = trust.filter(|_| !output.exit.is_ok()) {
            return Err(GitError::OfAnother { dir: dir.to_owned(), place: place.trim().to_owned() });
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
        Ok(Some(Self {
            worktree,
            git_dir,
            common_dir,
            quick: false,
            opened: Opened::default(),
            marks: Vec::new(),
            quarantine: Vec::new(),
        }))
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

    /// The same place with what a push has brought and git has not taken in yet, where we run in a hook of that push
    /// (`GIT_QUARANTINE_PATH`); git alone answers then.
    #[must_use]
    pub fn in_quarantine(&self) -> Self {
        if env::os(QUARANTINE[0]).is_none() {
            return self.clone();
        }
        let quarantine = QUARANTINE.into_iter().filter_map(|name| Some((name, env::os(name)?))).collect();
        Self { quick: false, quarantine, ..self.clone() }
    }

    pub(super) fn quarantine(&self) -> &[(&'static str, OsString)] {
        &self.quarantine
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

    /// Who answers questions about refs, history and objects here.
    pub fn reader(&self) -> Judge {
        if self.quick().is_some() { Judge::Git2 } else { Judge::Git }
    }

    pub(super) fn marks(&self) -> &[(&'static str, String)] {
        &self.marks
    }

    /// libgit2's view, where it reads this repository as git does. Opened now: nothing it says of an index or of
    /// what is ignored is older than this.
    pub(super) fn quick(&self) -> Option<git2::Repository> {
        if !self.quick {
            return None;
        }
        open_at(self.dir(), RepositoryOpenFlags::NO_SEARCH).ok()
    }

    /// As [`Repository::quick`], opened by an earlier question where nobody else asks just now: for refs, history,
    /// objects and configuration, which libgit2 looks at anew each time. To be given back with
    /// [`Repository::put_back`].
    pub(super) fn take_opened(&self) -> Option<git2::Repository> {
        self.opened.take().filter(|_| self.quick).or_else(|| self.quick())
    }

    /// Keeps libgit2's view for the next question.
    pub(super) fn put_back(&self, repo: git2::Repository) {
        self.opened.put_back(repo);
    }

    /// The answer of libgit2, or, where it cannot give one, of git. Not for indexes and what is ignored.
    pub(super) fn answer<T>(
        &self,
        quick: impl FnOnce(&git2::Repository) -> Result<T, git2::Error>,
        git: impl FnOnce() -> GitResult<T>,
    ) -> GitResult<T> {
        let Some(repo) = self.take_opened() else { return git() };
        let answer = quick(&repo);
        self.put_back(repo);
        answer.or_else(|_| git())
    }

    /// As [`Repository::answer`], for indexes and what is ignored: libgit2 reads those once, so a view that was asked
    /// about them is not kept.
    pub(super) fn answer_anew<T>(
        &self,
        quick: impl FnOnce(&git2::Repository) -> Result<T, git2::Error>,
        git: impl FnOnce() -> GitResult<T>,
    ) -> GitResult<T> {
        match self.take_opened().map(|repo| quick(&repo)) {
            Some(Ok(answer)) => Ok(answer),
            _ => git(),
        }
    }

    #[cfg(test)]
    pub(super) fn asking_git_only(&self) -> Self {
        Self { quick: false, ..self.clone() }
    }
}

/// libgit2's view that was opened last, kept for the next question: opening one reads all configuration. Clones of a
/// place share it.
#[derive(Clone, Default)]
struct Opened(Arc<Mutex<Option<git2::Repository>>>);

impl Opened {
    fn take(&self) -> Option<git2::Repository> {
        self.0.lock().ok()?.take()
    }

    fn put_back(&self, repo: git2::Repository) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some(repo);
        }
    }
}

impl PartialEq for Opened {
    /// What is kept makes no place another one.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Opened {}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
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
    // libgit2 reads neither of these, and would miss what they configure.
    let configured =
        ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"].into_iter().any(|name| env::text(name).is_some());
    if configured || common_dir.join("shallow").exists() {
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in, try_git_in};
    use super::*;

    fn both(dir: &Path) -> Repository {
        let quick = Repository::discover(dir).expect("asked").expect("found");
        let git = Repository::discover_by_git(dir).expect("asked").expect("found");
        assert_eq!(quick.asking_git_only(), git, "git2 and git name the same places");
        quick
    }

    #[test]
    fn a_main_worktree_is_found_from_its_top_below_it_and_inside_git() {
        let sandbox = Sandbox::new();
        std::fs::create_dir_all(sandbox.dir().join("deep/er")).expect("directory");
        for below in ["", "deep/er", ".git", ".git/refs"] {
            let repo = both(&sandbox.dir().join(below));
            assert_eq!(repo.dir(), sandbox.dir(), "from {below:?}");
            assert_eq!(repo.git_dir(), sandbox.dir().join(".git"));
            assert!(!repo.is_bare() && !repo.is_linked());
        }
    }

    #[test]
    fn a_linked_worktree_knows_its_own_and_the_shared_directory() {
        let sandbox = Sandbox::new();
        let linked = sandbox.worktree("linked", "task");
        let repo = both(&linked);
        assert_eq!(repo.worktree(), Some(linked.as_path()));
        assert_eq!(repo.common_dir(), sandbox.dir().join(".git"));
        assert_eq!(repo.git_dir(), sandbox.dir().join(".git/worktrees/linked"));
        assert!(repo.is_linked());
        assert_eq!(sandbox.repo().at(&linked).expect("the same repository"), repo);
    }

    #[test]
    fn a_bare_repository_and_its_linked_worktrees_are_found() {
        let sandbox = Sandbox::new();
        let (bare, linked) = (sandbox.beside("bare.git"), sandbox.beside("linked"));
        sandbox.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]);
        git_in(&bare, &["worktree", "add", "--quiet", "../linked", "main"]);
        let repo = both(&bare);
        assert!(repo.is_bare() && repo.worktree().is_none());
        assert_eq!(repo.dir(), bare);
        let repo = both(&linked);
        assert!(!repo.is_bare() && repo.is_linked());
        assert_eq!(repo.common_dir(), bare);
    }

    #[test]
    fn there_is_no_repository_outside_one() {
        let dir = tempfile::tempdir().expect("temp");
        assert_eq!(Repository::discover(dir.path()).expect("asked"), None);
        assert_eq!(Repository::discover_by_git(dir.path()).expect("asked"), None);
        assert_eq!(Repository::discover(&dir.path().join("missing")).expect("asked"), None);
        assert!(matches!(Repository::require(dir.path()), Err(GitError::NotARepository { .. })));
    }

    #[test]
    fn a_broken_link_is_an_error_and_not_the_repository_around_it() {
        let sandbox = Sandbox::new();
        sandbox.write("inner/.git", "gitdir: /nowhere/at/all\n");
        assert!(Repository::discover(&sandbox.dir().join("inner")).is_err());
        sandbox.write("plain/file", "");
        let taken = sandbox.repo().at(&sandbox.dir().join("plain"));
        assert!(matches!(taken, Err(GitError::NotAWorktree { .. })), "a directory is not a worktree");
    }

    #[test]
    fn git_answers_where_libgit2_cannot_open() {
        let sandbox = Sandbox::empty(&["--object-format=sha256"]);
        let id = sandbox.commit("a.txt", "a\n");
        assert_eq!(id.len(), 64);
        let repo = sandbox.repo();
        assert!(repo.quick().is_none());
        assert_eq!(repo.branch_id("main").expect("asked"), Some(id.clone()));
        assert_eq!(repo.read_file("HEAD", "a.txt").expect("asked").as_deref(), Some(b"a\n".as_slice()));
        let tree = repo.tree_id("HEAD").expect("asked").expect("a tree");
        let edits = [("b.txt".to_owned(), Some(b"b".to_vec())), ("a.txt".to_owned(), None)];
        let edited = repo.edit_tree(&tree, &edits).expect("edited");
        let commit = repo.commit_tree(&edited, &[&id], "More").expect("commit");
        repo.update_ref("refs/heads/more", &commit, None).expect("new branch");
        let step = super::super::BaseMove { branch: "main".to_owned(), old: id, new: commit };
        repo.advance(&step).expect("advanced");
        assert!(repo.clean_state(&sandbox.dir()).expect("judged").is_clean());
    }

    #[test]
    fn git_answers_where_refs_are_kept_in_tables() {
        let sandbox = Sandbox::empty(&[]);
        if !try_git_in(&sandbox.dir(), &["init", "--quiet", "--ref-format=reftable", "../tables"]) {
            return; // This git knows no reftable.
        }
        let top = sandbox.beside("tables");
        let commit =
            ["-c", "user.name=T", "-c", "user.email=t@e", "commit", "--quiet", "--allow-empty", "-m", "x"];
        git_in(&top, &commit);
        let repo = Repository::require(&top).expect("found");
        assert!(repo.quick().is_none());
        let id = repo.head().expect("head").id().map(str::to_owned);
        assert_eq!(repo.find_commit("HEAD").expect("asked"), id);
        assert!(repo.clean_state(&top).expect("judged").is_clean());
    }

    #[test]
    fn a_shallow_clone_is_left_to_git() {
        let sandbox = Sandbox::new();
        sandbox.commit("a.txt", "two\n");
        let url = format!("file://{}", sandbox.dir().display());
        sandbox.git(&["clone", "--quiet", "--depth=1", &url, "../shallow"]);
        let repo = Repository::require(&sandbox.beside("shallow")).expect("found");
        assert!(repo.quick().is_none());
        assert!(repo.find_commit("HEAD").expect("asked").is_some());
    }
}
