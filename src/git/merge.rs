//! Merges as objects: judged and computed before any ref moves.

use super::command::{LONG, plain};
use super::path::split_nul;
use super::refs::is_id;
use super::scratch::Scratch;
use super::{GitError, GitResult, RepoPath, Repository, TreeEntry, version};
use crate::sys::{Cmd, SysError};
use std::fs;

/// What merging two commits gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// A tree; its objects are on disk.
    Clean {
        /// The tree's id.
        tree: String,
    },
    /// Conflicts.
    Conflict {
        /// The files in conflict, sorted.
        files: Vec<RepoPath>,
    },
    /// Nothing: the two share no history, and git refuses.
    Unrelated,
}

/// The git that brought `--attr-source`.
const ATTR_SOURCE: (u32, u32) = (2, 41);

impl Repository {
    /// Merges two commits (full ids) as git does when `base` is checked out: with its merge strategy, the user's
    /// configuration, and the attributes of base's own tree.
    pub fn merge_trees(&self, base: &str, head: &str) -> GitResult<Merged> {
        if self.merge_base(base, head)?.is_none() {
            return Ok(Merged::Unrelated);
        }
        if version()?.is_at_least(ATTR_SOURCE) {
            return merge(&self.object_action().arg(format!("--attr-source={base}")), base, head);
        }
        let attributes: Vec<_> = self
            .list_tree(base, "", true)?
            .into_iter()
            .filter(|e| e.path.name() == b".gitattributes")
            .collect();
        if attributes.is_empty() {
            return merge(&self.object_action(), base, head);
        }
        let scratch = self.scratch()?;
        merge(&self.among_attributes(&scratch, &attributes)?, base, head)
    }

    /// An older git takes attributes from the worktree only: gives it a throw-away one that holds nothing but
    /// base's attributes.
    fn among_attributes(&self, scratch: &Scratch, attributes: &[TreeEntry]) -> GitResult<Cmd> {
        let top = scratch.join("worktree");
        for entry in attributes {
            // git follows no linked attributes either.
            if entry.mode & 0o170_000 != 0o100_000 || !entry.path.is_tame() {
                continue;
            }
            let path = entry.path.under(&top);
            let bytes = self.read_blob(&entry.id)?.unwrap_or_default();
            let dir = path.parent().unwrap_or(&top);
            fs::create_dir_all(dir).map_err(|e| SysError::file("create", dir, e))?;
            fs::write(&path, bytes).map_err(|e| SysError::file("write", &path, e))?;
        }
        fs::create_dir_all(&top).map_err(|e| SysError::file("create", &top, e))?;
        let cmd =
            plain().cwd(&top).limit(LONG).env("LC_ALL", "C").env("GIT_INDEX_FILE", scratch.join("index"));
        let cmd = cmd.arg("--git-dir").arg(self.common_dir()).arg("--work-tree").arg(&top);
        Ok(cmd.args(["-c", "core.bare=false", "-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"]))
    }
}

fn merge(cmd: &Cmd, base: &str, head: &str) -> GitResult<Merged> {
    let cmd = cmd.clone().args(["merge-tree", "--write-tree", "-z", "--name-only", "--messages", base, head]);
    let output = cmd.output()?;
    let clean = match output.exit.code() {
        Some(0) => true,
        Some(1) => false,
        _ => return Err(cmd.require_ok(output).err().map_or(GitError::Missing, Into::into)),
    };
    let mut fields = output.stdout.split(|b| *b == 0);
    let tree = String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
    if !is_id(&tree) {
        return Err(GitError::odd(format!("'{}' answered no tree.", cmd.display())));
    }
    if clean {
        return Ok(Merged::Clean { tree });
    }
    // An empty field ends the list of files; a conflict may be told by messages alone.
    let mut files: Vec<_> = fields.by_ref().take_while(|f| !f.is_empty()).map(RepoPath::new).collect();
    if files.is_empty() {
        let rest: Vec<_> = fields.collect();
        files = files_of_messages(&rest.join(&0));
    }
    files.sort();
    files.dedup();
    Ok(Merged::Conflict { files })
}

/// Messages are: number of paths, the paths, a kind, a text.
fn files_of_messages(bytes: &[u8]) -> Vec<RepoPath> {
    let mut files = Vec::new();
    let mut fields = split_nul(bytes);
    while let Some(count) = fields.next().and_then(|n| std::str::from_utf8(n).ok()?.parse::<usize>().ok()) {
        files.extend(fields.by_ref().take(count).map(RepoPath::new));
        fields.by_ref().take(2).for_each(drop);
    }
    files
}
