//! Differences, for machines and for people.

use super::path::{join_nul, split_nul};
use super::status::PLAIN_INDEX;
use super::{DirtKind, GitResult, RepoPath, Repository};
use std::path::Path;

impl Repository {
    /// The paths that differ between two commits or trees, as raw bytes, sorted; a rename is two paths.
    pub fn changed_paths(&self, old: &str, new: &str) -> GitResult<Vec<RepoPath>> {
        if old == new {
            return Ok(Vec::new());
        }
        self.answer(|repo| changed_by_git2(repo, old, new), || self.changed_by_git(old, new))
    }

    fn changed_by_git(&self, old: &str, new: &str) -> GitResult<Vec<RepoPath>> {
        let cmd =
            self.question().args(["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff"]);
        let bytes = cmd.args(["--ignore-submodules=none", "--end-of-options", old, new]).run()?.stdout;
        let mut paths: Vec<_> = split_nul(&bytes).map(RepoPath::new).collect();
        paths.sort();
        Ok(paths)
    }

    /// The difference between a commit and the files of a worktree, untracked ones included, as git prints it without colours.
    /// The workspace's own `.metawsm/` is left out unless it is tracked.
    pub fn diff(&self, worktree: &Path, from_commit: &str, stat: bool) -> GitResult<Vec<u8>> {
        let place = self.at(worktree)?;
        let scratch = place.scratch()?;
        let index = scratch.copy_index(&place)?;
        let shown = |d: &&super::Dirty| d.what == DirtKind::Untracked && !d.path.is_below(".metawsm");
        let listing = place.listing(false)?;
        let untracked = join_nul(listing.dirty.iter().filter(shown).map(|d| &d.path));
        let cmd = || place.question().env("GIT_INDEX_FILE", &index);
        if !untracked.is_empty() {
            let add = cmd().args(PLAIN_INDEX).args(["add", "--intent-to-add", "--pathspec-from-file=-"]);
            add.arg("--pathspec-file-nul").stdin(untracked).run()?;
        }
        let cmd = cmd().args(["diff", "--no-ext-diff", "--no-textconv", "--no-color"]);
        let cmd = if stat { cmd.arg("--stat") } else { cmd };
        Ok(cmd.args(["--end-of-options", from_commit, "--"]).run()?.stdout)
    }

    /// The difference between two commits, as git prints it without colours.
    pub fn diff_commits(&self, from: &str, to: &str, stat: bool) -> GitResult<Vec<u8>> {
        let cmd = self.question().args(["diff", "--no-ext-diff", "--no-textconv", "--no-color"]);
        let cmd = if stat { cmd.arg("--stat") } else { cmd };
        Ok(cmd.args(["--end-of-options", from, to, "--"]).run()?.stdout)
    }
}

fn changed_by_git2(repo: &git2::Repository, old: &str, new: &str) -> Result<Vec<RepoPath>, git2::Error> {
    let tree = |name: &str| repo.revparse_single(name)?.peel_to_tree();
    let (old, new) = (tree(old)?, tree(new)?);
    if old.id() == new.id() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for delta in repo.diff_tree_to_tree(Some(&old), Some(&new), None)?.deltas() {
        let both = [delta.old_file(), delta.new_file()];
        paths.extend(both.iter().filter_map(git2::DiffFile::path_bytes).map(RepoPath::new));
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn committed_uncommitted_and_untracked_changes_are_shown_together() {
        let sandbox = Sandbox::new();
        let base = sandbox.id("HEAD");
        sandbox.commit("committed", "one\n");
        sandbox.write("a.txt", "edited\n");
        sandbox.write("new file", "new\n");
        sandbox.write(".metawsm/signal.json", "{}");
        let repo = sandbox.repo();
        let diff = String::from_utf8(repo.diff(&sandbox.dir(), &base, false).expect("diff")).expect("text");
        for line in ["+one", "+edited", "+new"] {
            assert!(diff.lines().any(|l| l == line), "{line} in {diff}");
        }
        assert!(!diff.contains("signal.json") && !diff.contains('\x1b'));
        let stat = repo.diff(&sandbox.dir(), &base, true).expect("stat");
        assert!(String::from_utf8_lossy(&stat).contains("3 files changed"));
        assert_eq!(sandbox.git(&["status", "--porcelain", "new file"]), "?? \"new file\"");
    }

    #[test]
    fn changed_paths_are_raw_and_count_a_rename_twice() {
        let sandbox = Sandbox::new();
        sandbox.git(&["mv", "a.txt", "ü\tb"]);
        sandbox.git(&["commit", "--quiet", "-m", "Rename"]);
        let both = |old: &str, new: &str| {
            let paths = sandbox.repo().changed_paths(old, new).expect("asked");
            assert_eq!(paths, sandbox.repo().changed_by_git(old, new).expect("asked"));
            paths
        };
        assert_eq!(both("HEAD~1", "HEAD"), ["a.txt", "ü\tb"]);
        assert_eq!(both("HEAD", "HEAD^{tree}"), [] as [&str; 0]);
        let file = sandbox.dir().join("ü\tb");
        std::fs::remove_file(&file).expect("removed");
        std::os::unix::fs::symlink("elsewhere", &file).expect("a link in its place");
        sandbox.commit("dir/x", "x");
        sandbox.git(&["commit", "--quiet", "-a", "-m", "A link"]);
        assert_eq!(both("HEAD~2", "HEAD"), ["dir/x", "ü\tb"]);
        sandbox.git(&["rm", "--quiet", "-r", "dir"]);
        sandbox.commit("dir", "a file in place of a directory");
        assert_eq!(both("HEAD~1", "HEAD"), ["dir", "dir/x"]);
    }
}
