//! How much two commits differ.

use super::{GitError, GitResult, Repository};

/// How much two commits differ; a rename is two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffCounts {
    /// Files that differ.
    pub files: usize,
    /// Lines that only the newer one holds.
    pub insertions: usize,
    /// Lines that only the older one holds.
    pub deletions: usize,
}

impl Repository {
    /// Counts what differs between two commits or trees; one git process where libgit2 cannot tell.
    pub fn diff_counts(&self, old: &str, new: &str) -> GitResult<DiffCounts> {
        if old == new {
            return Ok(DiffCounts::default());
        }
        self.answer(|repo| counted_by_git2(repo, old, new), || self.counted_by_git(old, new))
    }

    fn counted_by_git(&self, old: &str, new: &str) -> GitResult<DiffCounts> {
        let cmd = self.question().args(["diff", "--shortstat", "--no-renames", "--no-ext-diff"]);
        let cmd = cmd.args(["--no-textconv", "--no-color", "--ignore-submodules=none", "--end-of-options"]);
        let text = cmd.args([old, new, "--"]).env("LC_ALL", "C").run()?.text();
        let mut counts = DiffCounts::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (number, what) = part.split_once(' ').unwrap_or((part, ""));
            let odd = || GitError::odd(format!("git summed a difference up as '{text}'"));
            let number = number.parse().map_err(|_| odd())?;
            match what.split(['(', ' ']).next().unwrap_or_default() {
                "file" | "files" => counts.files = number,
                "insertion" | "insertions" => counts.insertions = number,
                "deletion" | "deletions" => counts.deletions = number,
                _ => return Err(odd()),
            }
        }
        Ok(counts)
    }
}

fn counted_by_git2(repo: &git2::Repository, old: &str, new: &str) -> Result<DiffCounts, git2::Error> {
    let tree = |name: &str| repo.revparse_single(name)?.peel_to_tree();
    let (old, new) = (tree(old)?, tree(new)?);
    let stats = repo.diff_tree_to_tree(Some(&old), Some(&new), None)?.stats()?;
    Ok(DiffCounts {
        files: stats.files_changed(),
        insertions: stats.insertions(),
        deletions: stats.deletions(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    #[test]
    fn libgit2_and_git_count_the_same() {
        let sandbox = Sandbox::new();
        let root = sandbox.id("HEAD");
        let both = |old: &str, new: &str| {
            let counts = sandbox.repo().diff_counts(old, new).expect("counted");
            assert_eq!(counts, sandbox.repo().counted_by_git(old, new).expect("counted"));
            counts
        };
        sandbox.commit("b", "one\ntwo\nthree\n");
        assert_eq!(both(&root, "HEAD"), DiffCounts { files: 1, insertions: 3, deletions: 0 });
        sandbox.commit("b", "one\n2\nthree\nfour\n");
        assert_eq!(both("HEAD~1", "HEAD"), DiffCounts { files: 1, insertions: 2, deletions: 1 });
        sandbox.commit("c, 3 files", "\0\u{1}binary\0");
        sandbox.git(&["mv", "b", "d"]);
        sandbox.git(&["commit", "--quiet", "-m", "Rename"]);
        assert_eq!(both(&root, "HEAD").files, 2);
        assert_eq!(both("HEAD~1", "HEAD"), DiffCounts { files: 2, insertions: 4, deletions: 4 });
        sandbox.git(&["rm", "--quiet", "d"]);
        sandbox.git(&["commit", "--quiet", "-m", "Remove"]);
        assert_eq!(both("HEAD~1", "HEAD"), DiffCounts { files: 1, insertions: 0, deletions: 4 });
        assert_eq!(both("HEAD", "HEAD^{tree}"), DiffCounts::default());
    }
}
