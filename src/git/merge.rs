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
        self.merging(base, &|cmd| merge(cmd, base, head))
    }

    /// What merging two commits that conflict leaves, as `git merge-tree -z` tells it: the tree, then a line for each
    /// version of each file in conflict.
    pub(super) fn conflicts(&self, base: &str, head: &str) -> GitResult<Vec<u8>> {
        self.merging(base, &|cmd| {
            let cmd = cmd.clone().args(["merge-tree", "--write-tree", "-z", "--no-messages", base, head]);
            let output = cmd.output()?;
            match output.exit.code() {
                Some(0 | 1) => Ok(output.stdout),
                _ => Ok(cmd.require_ok(output)?.stdout),
            }
        })
    }

    /// Runs a merge under the attributes of base's own tree.
    fn merging<T>(&self, base: &str, run: &dyn Fn(&Cmd) -> GitResult<T>) -> GitResult<T> {
        if version()?.is_at_least(ATTR_SOURCE) {
            return run(&self.object_action().arg(format!("--attr-source={base}")));
        }
        let attributes: Vec<_> = self
            .list_tree(base, "", true)?
            .into_iter()
            .filter(|e| e.path.name() == b".gitattributes")
            .collect();
        if attributes.is_empty() {
            return run(&self.object_action());
        }
        let scratch = self.scratch()?;
        run(&self.among_attributes(&scratch, &attributes)?)
    }

    /// An older git takes attributes from the worktree only: gives it a throw-away one that holds nothing but
    /// base's attributes.
    fn among_attributes(&self, scratch: &Scratch, attributes: &[TreeEntry]) -> GitResult<Cmd> {
        let top = scratch.join("attributes");
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
        _ => {
            cmd.require_ok(output)?;
            return Err(GitError::odd(format!("'{}' ended oddly.", cmd.display())));
        }
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

/// The paths of conflicts among messages, which are: number of paths, the paths, a kind, a text. Messages of other
/// kinds tell what went well ("Auto-merging").
fn files_of_messages(bytes: &[u8]) -> Vec<RepoPath> {
    let mut files = Vec::new();
    let mut fields = split_nul(bytes);
    while let Some(count) = fields.next().and_then(|n| std::str::from_utf8(n).ok()?.parse::<usize>().ok()) {
        let paths: Vec<_> = fields.by_ref().take(count).map(RepoPath::new).collect();
        if fields.next().is_some_and(|kind| kind.starts_with(b"CONFLICT")) {
            files.extend(paths);
        }
        fields.next();
    }
    files
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    fn merged(sandbox: &Sandbox, base: &str, head: &str) -> Merged {
        sandbox.repo().merge_trees(&sandbox.id(base), &sandbox.id(head)).expect("judged")
    }

    #[test]
    fn a_clean_merge_is_a_tree_and_touches_nothing() {
        let sandbox = Sandbox::new();
        sandbox.commit_on("task", "main", &[("t", "task")]);
        let main = sandbox.commit("m", "main");
        let Merged::Clean { tree } = merged(&sandbox, "main", "task") else { panic!("clean") };
        let names: Vec<_> = sandbox.repo().list_tree(&tree, "", true).expect("listed");
        assert_eq!(names.iter().map(|e| e.path.to_string()).collect::<Vec<_>>(), ["a.txt", "m", "t"]);
        assert_eq!(sandbox.id("main"), main);
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    }

    #[test]
    fn conflicts_name_their_files() {
        let sandbox = Sandbox::new();
        sandbox.commit("old/x", "one\ntwo\nthree\nfour\n");
        sandbox.commit_on("task", "main", &[("a.txt", "task\n"), ("ü\n", "task\n"), ("t", "t")]);
        sandbox.commit_on("main2", "main", &[("a.txt", "main\n"), ("ü\n", "main\n")]);
        let Merged::Conflict { files } = merged(&sandbox, "main2", "task") else { panic!("conflict") };
        assert_eq!(files, ["a.txt", "ü\n"]);
    }

    #[test]
    fn a_conflict_without_an_unmerged_file_names_the_folder_and_nothing_that_went_well() {
        let sandbox = Sandbox::new();
        let lines = |word: &str| ["one", "two", "three", "four"].map(|n| format!("{word} {n}\n")).concat();
        for file in ["old/a", "old/b", "both"] {
            sandbox.commit(file, &lines(file));
        }
        sandbox.commit_on("task", "main", &[("old/c", "new\n"), ("both", &(lines("both") + "task\n"))]);
        sandbox.commit("both", &("main\n".to_owned() + &lines("both")));
        for (from, to) in [("old/a", "one"), ("old/b", "two")] {
            fs::create_dir_all(sandbox.dir().join(to)).expect("made");
            sandbox.git(&["mv", from, to]);
        }
        sandbox.git(&["commit", "--quiet", "-m", "Move the folder two ways"]);
        let Merged::Conflict { files } = merged(&sandbox, "main", "task") else { panic!("conflict") };
        assert_eq!(files, ["old"]);
    }

    #[test]
    fn unrelated_histories_do_not_merge() {
        let sandbox = Sandbox::new();
        sandbox.git(&["switch", "--quiet", "--orphan", "other"]);
        sandbox.commit("x", "x");
        assert_eq!(merged(&sandbox, "main", "other"), Merged::Unrelated);
    }

    #[test]
    fn the_attributes_are_those_of_base_whatever_lies_in_the_worktree() {
        let sandbox = Sandbox::new();
        sandbox.commit("log/list", "one\n");
        sandbox.commit_on("plain-task", "main", &[("log/list", "one\ntask\n")]);
        sandbox.commit_on("plain-main", "main", &[("log/list", "one\nmain\n")]);
        sandbox.commit("log/.gitattributes", "list merge=union\n");
        sandbox.commit_on("task", "main", &[("log/list", "one\ntask\n")]);
        sandbox.commit_on("base", "main", &[("log/list", "one\nmain\n")]);
        let Merged::Clean { tree } = merged(&sandbox, "base", "task") else { panic!("union merges") };
        let text = sandbox.repo().read_file(&tree, "log/list").expect("read").expect("there");
        assert_eq!(String::from_utf8_lossy(&text), "one\nmain\ntask\n");
        // The worktree has the attributes, this base has not.
        assert!(matches!(merged(&sandbox, "plain-main", "plain-task"), Merged::Conflict { .. }));
    }

    #[test]
    fn a_bare_repository_merges_too() {
        let sandbox = Sandbox::new();
        sandbox.commit(".gitattributes", "* merge=union\n");
        sandbox.commit_on("task", "main", &[("t", "t")]);
        sandbox.commit("m", "m");
        sandbox.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]);
        let bare = Repository::require(&sandbox.beside("bare.git")).expect("found");
        let merged = bare.merge_trees(&sandbox.id("main"), &sandbox.id("task")).expect("judged");
        assert!(matches!(merged, Merged::Clean { .. }));
    }
}
