//! Repairing a worktree that a kill left between two commits, by content.

use super::path::{join_nul, join_pathspecs, split_nul};
use super::status::PLAIN_INDEX;
use super::{GitError, GitResult, RepoPath, Repository};
use crate::sys::{SysError, files};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path that differs between two commits, as `diff-tree` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    path: RepoPath,
    /// Mode and id in the one and in the other commit; `None` where the path is absent.
    sides: [Option<(String, String)>; 2],
}

impl Repository {
    /// Brings the paths that differ between the two commits of `between` to their state in `target` (one of the
    /// two), in files and index alike. Each must hold one of the two states, else nothing is touched and they are
    /// named. All other paths, staged or dirty, stay as they are. No ref moves.
    pub fn repair_worktree(&self, worktree: &Path, between: (&str, &str), target: &str) -> GitResult<()> {
        self.repair(worktree, between, target, false)
    }

    /// As [`Repository::repair_worktree`] after a git of ours was killed at writing these paths: a file that is gone,
    /// or holds the beginning of one of its two states, was left so by it. Nothing is lost by completing it.
    pub(super) fn repair_after_kill(
        &self,
        worktree: &Path,
        between: (&str, &str),
        target: &str,
    ) -> GitResult<()> {
        self.repair(worktree, between, target, true)
    }

    /// Refuses where [`Repository::repair_after_kill`] would; touches nothing.
    pub(super) fn require_repairable(&self, worktree: &Path, between: (&str, &str)) -> GitResult<()> {
        let place = self.at(worktree)?;
        place.require_known(&place.changes(between.0, between.1)?, true)
    }

    fn require_known(&self, changes: &[Change], killed: bool) -> GitResult<()> {
        let strange = self.strangers(changes, killed)?;
        if strange.is_empty() {
            return Ok(());
        }
        let paths = strange.iter().map(ToString::to_string).collect();
        Err(GitError::Foreign { worktree: self.dir().to_owned(), paths })
    }

    fn repair(&self, worktree: &Path, between: (&str, &str), target: &str, killed: bool) -> GitResult<()> {
        let place = self.at(worktree)?;
        let changes = place.changes(between.0, between.1)?;
        let side = usize::from(target != between.0);
        place.require_known(&changes, killed)?;
        let (kept, gone): (Vec<_>, Vec<_>) = changes.iter().partition(|c| c.sides[side].is_some());
        if !gone.is_empty() {
            // Files first: an index at the target says that the files are there as well.
            for change in &gone {
                remove_with_empty_parents(place.dir(), &change.path)?;
            }
            let paths = join_nul(gone.iter().map(|c| &c.path));
            place.action().args(["update-index", "--force-remove", "-z", "--stdin"]).stdin(paths).run()?;
        }
        if !kept.is_empty() {
            let paths = join_pathspecs(kept.iter().map(|c| &c.path));
            let cmd =
                place.action().args(["restore", &format!("--source={target}"), "--staged", "--worktree"]);
            cmd.args(["--pathspec-from-file=-", "--pathspec-file-nul"]).stdin(paths).run()?;
        }
        Ok(())
    }

    /// Removes what git left standing in this worktree on its way from one commit to the other: a file that it cannot
    /// unlink is only a warning to it.
    pub(super) fn clear_leftovers(&self, from: &str, to: &str) -> GitResult<()> {
        let is_left = |change: &Change| {
            let file = change.path.under(self.dir());
            change.sides[1].is_none() && file.symlink_metadata().is_ok_and(|meta| !meta.is_dir())
        };
        if self.changes(from, to)?.iter().any(is_left) {
            self.repair_worktree(self.dir(), (from, to), to)?;
        }
        Ok(())
    }

    /// The paths whose index entry differs from a commit.
    pub(super) fn staged_against(&self, commit: &str) -> GitResult<BTreeSet<RepoPath>> {
        let cmd =
            self.question().args(["diff-index", "--cached", "-z", "--name-only", "--no-renames", commit]);
        Ok(split_nul(&cmd.run()?.stdout).map(RepoPath::new).collect())
    }

    fn changes(&self, one: &str, other: &str) -> GitResult<Vec<Change>> {
        let cmd = self.question().args(["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"]);
        let bytes = cmd.args(["--end-of-options", one, other]).run()?.stdout;
        let mut fields = split_nul(&bytes);
        let mut changes = Vec::new();
        while let (Some(what), Some(path)) = (fields.next(), fields.next()) {
            let what = String::from_utf8_lossy(what);
            let words: Vec<_> = what.trim_start_matches(':').split(' ').collect();
            let [mode, new_mode, id, new_id, _] = words[..] else {
                return Err(GitError::odd("'git diff-tree' answered a line that cannot be understood."));
            };
            let side = |mode: &str, id: &str| (mode != "000000").then(|| (mode.to_owned(), id.to_owned()));
            changes
                .push(Change { path: RepoPath::new(path), sides: [side(mode, id), side(new_mode, new_id)] });
        }
        Ok(changes)
    }

    /// The paths that hold neither of the two states in the files, or in the index.
    fn strangers(&self, changes: &[Change], killed: bool) -> GitResult<Vec<RepoPath>> {
        let differing = [self.differing(changes, 0)?, self.differing(changes, 1)?];
        let index = self.index_entries()?;
        let mut strange = Vec::new();
        for change in changes {
            let absent = change.path.under(self.dir()).symlink_metadata().is_err();
            let holds = |side: usize| match &change.sides[side] {
                Some(_) => !differing[side].contains(&change.path),
                // A directory in the place of a file counts as "no file".
                None => absent || change.path.under(self.dir()).is_dir(),
            };
            let staged = index.get(&change.path);
            let known = change.sides.iter().any(|side| side.as_ref() == staged);
            let is_held = holds(0) || holds(1) || (killed && self.is_half_written(change)?);
            if !known || !is_held {
                strange.push(change.path.clone());
            }
        }
        Ok(strange)
    }

    /// Whether a file is gone or holds the beginning of one of its two states, as checked out.
    fn is_half_written(&self, change: &Change) -> GitResult<bool> {
        let file = change.path.under(self.dir());
        let Ok(meta) = file.symlink_metadata() else { return Ok(true) };
        if !meta.is_file() {
            return Ok(false);
        }
        let bytes = files::read(&file)?;
        for (mode, id) in change.sides.iter().flatten() {
            if !mode.starts_with("100") {
                continue;
            }
            let mut path = std::ffi::OsString::from("--path=");
            path.push(std::ffi::OsStr::from_bytes(change.path.as_bytes()));
            let whole = self.question().args(["cat-file", "--filters"]).arg(path).arg(id).run()?.stdout;
            if whole.starts_with(&bytes) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Which of the changed paths differ on disk from one side, filters and modes considered: a scratch index
    /// holds nothing but that side of them.
    fn differing(&self, changes: &[Change], side: usize) -> GitResult<BTreeSet<RepoPath>> {
        let scratch = self.scratch()?;
        let index = scratch.join("index");
        let cmd = || self.question().args(PLAIN_INDEX).env("GIT_INDEX_FILE", &index);
        let mut lines = Vec::new();
        for change in changes {
            if let Some((mode, id)) = &change.sides[side] {
                lines.extend_from_slice(format!("{mode} {id}\t").as_bytes());
                lines.extend_from_slice(change.path.as_bytes());
                lines.push(0);
            }
        }
        if lines.is_empty() {
            return Ok(BTreeSet::new());
        }
        cmd().args(["update-index", "-z", "--index-info"]).stdin(lines).run()?;
        cmd().args(["update-index", "-q", "--refresh"]).output()?;
        let bytes =
            cmd().args(["diff-files", "-z", "--name-only", "--ignore-submodules=dirty"]).run()?.stdout;
        Ok(split_nul(&bytes).map(RepoPath::new).collect())
    }

    fn index_entries(&self) -> GitResult<BTreeMap<RepoPath, (String, String)>> {
        let bytes = self.question().args(["ls-files", "--stage", "-z"]).run()?.stdout;
        let mut entries = BTreeMap::new();
        for line in split_nul(&bytes) {
            let Some(tab) = line.iter().position(|b| *b == b'\t') else { continue };
            let words = String::from_utf8_lossy(&line[..tab]).into_owned();
            if let [mode, id, _] = words.split(' ').collect::<Vec<_>>()[..] {
                entries.insert(RepoPath::new(&line[tab + 1..]), (mode.to_owned(), id.to_owned()));
            }
        }
        Ok(entries)
    }
}

fn remove_with_empty_parents(top: &Path, path: &RepoPath) -> GitResult<()> {
    let file = path.under(top);
    if file.is_dir() && !file.is_symlink() {
        return Ok(());
    }
    files::remove_durable(&file).or_else(|e| if gone_with_its_directory(&e) { Ok(()) } else { Err(e) })?;
    let mut dir = file.parent();
    while let Some(above) = dir.filter(|d| *d != top && d.starts_with(top)) {
        // Stops at the first directory that holds something.
        if fs::remove_dir(above).is_err() {
            break;
        }
        dir = above.parent();
    }
    Ok(())
}

fn gone_with_its_directory(error: &SysError) -> bool {
    matches!(error, SysError::File { source, .. } if source.kind() == std::io::ErrorKind::NotADirectory)
        || error.is_not_found()
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    fn sandbox() -> (Sandbox, String, String) {
        let sandbox = Sandbox::new();
        sandbox.commit("gone/below", "gone\n");
        sandbox.commit("other", "other\n");
        let old = sandbox.commit("file", "file\n");
        sandbox.commit_on("task", "main", &[("a.txt", "task\n"), ("new/t", "t\n"), ("file/now/dir", "d\n")]);
        let tree = sandbox.id("task^{tree}");
        let repo = sandbox.repo();
        let tree = repo.edit_tree(&tree, &[("gone/below".to_owned(), None)]).expect("tree");
        let new = repo.commit_tree(&tree, &[&old], "New").expect("commit");
        sandbox.write("other", "staged\n");
        sandbox.git(&["add", "other"]);
        sandbox.write("other", "dirty\n");
        sandbox.write("untracked", "mine\n");
        (sandbox, old, new)
    }

    #[test]
    fn a_half_written_worktree_is_brought_to_either_side_and_other_edits_stay() {
        for half in 0..5 {
            for to_new in [true, false] {
                let (sandbox, old, new) = sandbox();
                let dir = sandbox.dir();
                let steps: [&dyn Fn(); 5] = [
                    &|| sandbox.write("a.txt", "task\n"),
                    &|| sandbox.write("new/t", "t\n"),
                    &|| fs::remove_dir_all(dir.join("gone")).expect("removed"),
                    &|| fs::remove_file(dir.join("file")).expect("removed"),
                    &|| sandbox.write("file/now/dir", "d\n"),
                ];
                steps[..half].iter().for_each(|step| step());
                let target = if to_new { &new } else { &old };
                sandbox.repo().repair_worktree(&dir, (&old, &new), target).expect("repaired");
                sandbox.git(&["update-ref", "refs/heads/main", target]);
                let status = sandbox.git(&["status", "--porcelain", "-uall"]);
                assert_eq!(status, "MM other\n?? untracked", "{half} {to_new}");
                sandbox.repo().repair_worktree(&dir, (&old, &new), target).expect("repaired twice");
            }
        }
    }

    #[test]
    fn a_file_that_somebody_changed_is_named_and_nothing_is_touched() {
        let (sandbox, old, new) = sandbox();
        sandbox.write("a.txt", "mine\n");
        sandbox.write("new/t", "t\n");
        let error = sandbox.repo().repair_worktree(&sandbox.dir(), (&old, &new), &new).expect_err("foreign");
        assert!(matches!(error, GitError::Foreign { paths, .. } if paths == ["a.txt"]));
        assert!(!sandbox.dir().join("file").is_dir());
        assert_eq!(sandbox.read("a.txt"), "mine\n");
    }
}
