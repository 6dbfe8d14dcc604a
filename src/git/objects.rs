//! Commits and trees, written by git, durable before any ref names them.

use super::refs::is_id;
use super::{GitError, GitResult, Repository};
use crate::sys::{Cmd, SysError};
use std::fmt::Write as _;
use std::fs;

impl Repository {
    /// Writes a commit in the user's name, signed where `commit.gpgSign` says so. No ref moves.
    pub fn commit_tree(&self, tree: &str, parents: &[&str], message: &str) -> GitResult<String> {
        let mut cmd = self.object_action().args(["-c", "i18n.commitEncoding=UTF-8", "commit-tree"]);
        if self.config_flag("commit.gpgSign")? {
            cmd = cmd.arg("-S");
        }
        for parent in parents {
            cmd = cmd.args(["-p", parent]);
        }
        // Without `-m` and `-F` the message comes from standard input.
        one_id(&cmd.arg(tree).stdin(message))
    }

    /// Writes a commit that no ref will ever name, for computing with: unsigned, by nobody, at no time, so that the
    /// same question asked twice writes the same object.
    pub fn scratch_commit(&self, tree: &str, parents: &[&str]) -> GitResult<String> {
        let mut cmd = self.object_action();
        for who in ["AUTHOR", "COMMITTER"] {
            cmd = cmd.env(format!("GIT_{who}_NAME"), "git-metawsm").env(format!("GIT_{who}_EMAIL"), "none");
            cmd = cmd.env(format!("GIT_{who}_DATE"), "2000-01-01T00:00:00Z");
        }
        cmd = cmd.arg("commit-tree");
        for parent in parents {
            cmd = cmd.args(["-p", parent]);
        }
        one_id(&cmd.arg(tree).stdin("scratch\n"))
    }

    /// Writes a tree like `tree` with some files replaced, added (`Some`, as plain files) or removed (`None`; one
    /// that is not there is fine). Paths use `/`.
    pub fn edit_tree(&self, tree: &str, edits: &[(String, Option<Vec<u8>>)]) -> GitResult<String> {
        let scratch = self.scratch()?;
        let index = scratch.join("index");
        let cmd = || self.object_action().env("GIT_INDEX_FILE", &index);
        cmd().args(["read-tree", "--end-of-options", tree]).run()?;
        let mut names = String::new();
        for (number, bytes) in edits.iter().filter_map(|(_, bytes)| bytes.as_ref()).enumerate() {
            let file = scratch.join(&number.to_string());
            fs::write(&file, bytes).map_err(|e| SysError::file("write", &file, e))?;
            let _ = writeln!(names, "{number}");
        }
        let hash = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
        let ids = cmd().cwd(scratch.path()).args(hash).stdin(names).run()?.text();
        let mut ids = ids.lines();
        let mut lines = Vec::new();
        for (path, bytes) in edits {
            let (mode, id) = match bytes {
                Some(_) => ("100644", ids.next().unwrap_or_default().to_owned()),
                None => ("0", "0".repeat(tree_length(tree))),
            };
            lines.extend_from_slice(format!("{mode} {id}\t{path}\0").as_bytes());
        }
        if !lines.is_empty() {
            let output = cmd().args(["update-index", "-z", "--index-info"]).stdin(lines).run()?;
            // git skips a path that it finds improper, and calls that success.
            let said = String::from_utf8_lossy(&output.stderr);
            if let Some(line) = said.lines().find(|line| line.starts_with("Ignoring path")) {
                return Err(GitError::odd(format!("git would not take a path into a tree: {line}")));
            }
        }
        one_id(&cmd().arg("write-tree"))
    }
}

fn tree_length(id: &str) -> usize {
    if id.len() == 64 { 64 } else { 40 }
}

/// Runs a command that answers one id.
pub(super) fn one_id(cmd: &Cmd) -> GitResult<String> {
    let text = cmd.run()?.text();
    if is_id(&text) { Ok(text) } else { Err(GitError::odd(format!("'{}' answered no id.", cmd.display()))) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn a_tree_is_edited_without_index_or_worktree() {
        let sandbox = Sandbox::new();
        sandbox.commit("keep/me", "keep");
        sandbox.commit("file", "a file");
        sandbox.write("dirty", "dirty");
        let repo = sandbox.repo();
        let edits = [
            ("a.txt".to_owned(), None),
            ("never/there".to_owned(), None),
            (".metawsm/runs/2026-01/x.toml".to_owned(), Some(b"one\r\ntwo".to_vec())),
            ("file/below".to_owned(), Some(b"the file became a directory".to_vec())),
            ("empty".to_owned(), Some(Vec::new())),
        ];
        let tree = repo.edit_tree(&sandbox.id("HEAD^{tree}"), &edits).expect("edited");
        let paths: Vec<_> = repo.list_tree(&tree, "", true).expect("listed");
        let paths: Vec<_> = paths.iter().map(|e| e.path.to_string()).collect();
        assert_eq!(paths, [".metawsm/runs/2026-01/x.toml", "empty", "file/below", "keep/me"]);
        let read = repo.read_file(&tree, ".metawsm/runs/2026-01/x.toml").expect("read");
        assert_eq!(read.as_deref(), Some(b"one\r\ntwo".as_slice()));
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "?? dirty");
        assert_eq!(repo.edit_tree(&tree, &[]).expect("edited"), tree);
    }

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        let sandbox = Sandbox::new();
        for path in ["../x", ".git/config", "a/../b", "/x"] {
            let edits = [(path.to_owned(), Some(b"x".to_vec()))];
            let edited = sandbox.repo().edit_tree(&sandbox.id("HEAD^{tree}"), &edits);
            assert!(edited.is_err(), "{path}");
        }
    }

    #[test]
    fn a_commit_has_the_given_parents_and_message() {
        let sandbox = Sandbox::new();
        let head = sandbox.id("HEAD");
        let side = sandbox.commit_on("side", "main", &[("s", "s")]);
        let tree = sandbox.id("side^{tree}");
        let id = sandbox.repo().commit_tree(&tree, &[&head, &side], "Merge\n\nKey: ü\n").expect("written");
        let commits = sandbox.repo().commits(&side, &id).expect("walked");
        assert_eq!(commits[0].parents, [head, side]);
        assert_eq!(commits[0].body, "Key: ü");
    }
}
