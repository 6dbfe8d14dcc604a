//! A git repository of a test.

use super::{Output, Snapshot};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds since 1970 of the first commit; each git command is a minute later, so that ids repeat.
const FIRST: u64 = 1_767_323_045;

/// A repository with an identity of its own and deterministic dates.
#[derive(Clone)]
pub struct Repo {
    path: PathBuf,
    env: Vec<(&'static str, OsString)>,
    minutes: Arc<AtomicU64>,
}

impl Repo {
    /// Makes the repository at this path, with one commit on `branch`.
    pub fn init(path: PathBuf, branch: &str, env: Vec<(&'static str, OsString)>) -> Self {
        std::fs::create_dir_all(&path).expect("the folder of the repository");
        let repo = Self { path, env, minutes: Arc::default() };
        repo.git(["init", "-q", "-b", branch]);
        repo.git(["config", "user.name", "Ada Tester"]);
        repo.git(["config", "user.email", "ada@example.org"]);
        repo.commit("README.md", "A repository of a test.\n");
        repo
    }

    /// The top of its work tree.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same repository seen from another worktree or folder.
    pub fn seen_from(&self, path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..self.clone() }
    }

    /// A path below its top.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, with its folders.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.file(file);
        std::fs::create_dir_all(path.parent().expect("it lies below the top")).expect("its folder");
        std::fs::write(path, text).expect("the file is written");
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.file(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    /// Commits one file with this text and returns the commit's id.
    pub fn commit(&self, file: &str, text: &str) -> String {
        self.write(file, text);
        self.git(["add", "-f", "--", file]);
        self.git(["commit", "-q", "-m", &format!("Change {file}")]);
        self.git(["rev-parse", "HEAD"])
    }

    /// Runs git here, requires success, returns its output without the last newline.
    #[track_caller]
    pub fn git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> String {
        self.try_git(args).ok().stdout.trim_end_matches('\n').to_owned()
    }

    /// Runs git here, whatever comes of it.
    pub fn try_git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Output {
        let date = format!("{} +0000", FIRST + 60 * self.minutes.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.path).env_clear().envs(self.env.clone());
        command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        Output::of(&mut command, "git")
    }

    /// The id a revision names, `None` where it names nothing.
    pub fn rev(&self, revision: &str) -> Option<String> {
        let output = self.try_git(["rev-parse", "--verify", "-q", "--end-of-options", revision]);
        (output.status == Some(0)).then(|| output.stdout.trim().to_owned())
    }

    /// The git directory that all worktrees of this repository share.
    pub fn common_dir(&self) -> PathBuf {
        let dir = self.git(["rev-parse", "--path-format=absolute", "--git-common-dir"]);
        dir.into()
    }

    /// A bare clone beside it, named as its remote `origin`, with everything pushed and fetched.
    pub fn with_origin(&self) -> PathBuf {
        let bare = self.path.with_extension("origin.git");
        self.git([OsStr::new("clone"), "-q".as_ref(), "--bare".as_ref(), ".".as_ref(), bare.as_os_str()]);
        self.git([OsStr::new("remote"), "add".as_ref(), "origin".as_ref(), bare.as_os_str()]);
        self.git(["fetch", "-q", "origin"]);
        self.git(["remote", "set-head", "origin", "-a"]);
        bare
    }

    /// Every byte that a dry run may not change: work tree, refs, index, configuration, hooks and live records;
    /// not the object store (unreachable objects are no change), not locks, not the index of records.
    pub fn snapshot(&self) -> Snapshot {
        let tree = Snapshot::of(&self.path);
        let common = self.common_dir();
        if common.starts_with(&self.path) { tree } else { tree.and(Snapshot::of(&common)) }
    }
}

impl AsRef<Path> for Repo {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}
