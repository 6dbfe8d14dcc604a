//! Commits and trees, written by git, durable before any ref names them.

use super::refs::is_id;
use super::{GitError, GitResult, Repository};
use crate::sys::{Cmd, SysError};
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
            names.push_str(&format!("{number}\n"));
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
            cmd().args(["update-index", "-z", "--index-info"]).stdin(lines).run()?;
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
