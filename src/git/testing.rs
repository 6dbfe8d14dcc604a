//! Real repositories in temporary directories, for the tests of this room and of those above it.

use super::Repository;
use crate::sys::Cmd;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

static HOME: OnceLock<TempDir> = OnceLock::new();

/// An empty home directory that all tests of this process share; nothing is ever written to it.
fn home() -> &'static Path {
    let made = HOME.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join(".gitconfig"), "").expect("an empty configuration");
        dir
    });
    made.path()
}

/// Keeps the configuration of the machine away from a git child.
pub(crate) fn isolated(cmd: Cmd) -> Cmd {
    cmd.env("HOME", home()).env("GIT_CONFIG_NOSYSTEM", "1").without_env([
        "XDG_CONFIG_HOME",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
    ])
}

/// A repository on branch `main` with one commit (`a.txt`), in a directory that goes with it.
pub(crate) struct Sandbox {
    base: TempDir,
    name: &'static str,
}

impl Sandbox {
    /// With one commit.
    pub(crate) fn new() -> Self {
        let sandbox = Self::empty(&[]);
        sandbox.commit("a.txt", "a\n");
        sandbox
    }

    /// Without a commit; `options` are given to `git init`.
    pub(crate) fn empty(options: &[&str]) -> Self {
        let sandbox = Self { base: tempfile::tempdir().expect("a temporary directory"), name: "repo" };
        fs::create_dir(sandbox.dir()).expect("repository directory");
        sandbox.git(&[&["init", "--quiet", "-b", "main"], options].concat());
        sandbox.identify();
        sandbox
    }

    /// A clone of this one.
    pub(crate) fn clone_of(&self) -> Self {
        let clone = Self { base: tempfile::tempdir().expect("a temporary directory"), name: "repo" };
        let cmd = isolated(Cmd::new("git")).args(["clone", "--quiet"]).arg(self.dir()).arg(clone.dir());
        cmd.run().expect("git clone");
        clone.identify();
        clone
    }

    fn identify(&self) {
        self.git(&["config", "user.name", "Test"]);
        self.git(&["config", "user.email", "test@example.com"]);
    }

    /// The top of the main worktree.
    pub(crate) fn dir(&self) -> PathBuf {
        self.base.path().canonicalize().expect("real path").join(self.name)
    }

    /// A path beside the main worktree.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.base.path().canonicalize().expect("real path").join(name)
    }

    /// The repository as this room sees it.
    pub(crate) fn repo(&self) -> Repository {
        Repository::discover(&self.dir()).expect("discovered").expect("a repository")
    }

    /// Runs git in the main worktree and returns what it says.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git_in(&self.dir(), args)
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        write_in(&self.dir(), path, text);
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir().join(path)).expect(path)
    }

    /// Writes a file, commits it and returns the commit.
    pub(crate) fn commit(&self, path: &str, text: &str) -> String {
        self.write(path, text);
        self.git(&["add", "-f", "--", path]);
        self.git(&["commit", "--quiet", "-m", &format!("Write {path}")]);
        self.id("HEAD")
    }

    /// The id of a revision.
    pub(crate) fn id(&self, rev: &str) -> String {
        self.git(&["rev-parse", rev])
    }

    /// A linked worktree beside the main one, on a new branch at HEAD.
    pub(crate) fn worktree(&self, name: &str, branch: &str) -> PathBuf {
        let path = self.beside(name);
        let text = path.to_str().expect("UTF-8").to_owned();
        self.git(&["worktree", "add", "--quiet", "-b", branch, &text]);
        path
    }

    /// Commits on a branch made from `from`, without touching the worktree; returns the commit.
    pub(crate) fn commit_on(&self, branch: &str, from: &str, files: &[(&str, &str)]) -> String {
        let edits: Vec<_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), Some(text.as_bytes().to_vec()))).collect();
        let from = self.id(from);
        let tree = self.repo().edit_tree(&self.id(&format!("{from}^{{tree}}")), &edits).expect("tree");
        let commit = self.repo().commit_tree(&tree, &[&from], "Work").expect("commit");
        self.git(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
        commit
    }
}

/// Runs git in a directory and returns what it says.
pub(crate) fn git_in(dir: &Path, args: &[&str]) -> String {
    let cmd = isolated(Cmd::new("git").without_env(crate::sys::env::GIT_LOCAL)).cwd(dir).args(args);
    cmd.run().expect("git").text()
}

/// Runs git in a directory where it may fail.
pub(crate) fn try_git_in(dir: &Path, args: &[&str]) -> bool {
    let cmd = isolated(Cmd::new("git").without_env(crate::sys::env::GIT_LOCAL)).cwd(dir).args(args);
    cmd.output().expect("git starts").exit.is_ok()
}

/// Writes a file below a directory.
pub(crate) fn write_in(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().expect("parent")).expect("directory");
    fs::write(path, text).expect("write");
}
