//! Repairing a worktree that a kill left between two commits, by content.

use super::path::{join_nul, split_nul};
use super::status::PLAIN_INDEX;
use super::{GitError, GitResult, RepoPath, Repository};
use crate::sys::{SysError, files};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
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
        let place = self.at(worktree)?;
        let changes = place.changes(between.0, between.1)?;
        let side = usize::from(target != between.0);
        let strange = place.strangers(&changes)?;
        if !strange.is_empty() {
            let paths = strange.iter().map(ToString::to_string).collect();
            return Err(GitError::Foreign { worktree: place.dir().to_owned(), paths });
        }
        let (kept, gone): (Vec<_>, Vec<_>) = changes.iter().partition(|c| c.sides[side].is_some());
        if !gone.is_empty() {
            let paths = join_nul(gone.iter().map(|c| &c.path));
            place.action().args(["update-index", "--force-remove", "-z", "--stdin"]).stdin(paths).run()?;
            for change in &gone {
                remove_with_empty_parents(place.dir(), &change.path)?;
            }
        }
        if !kept.is_empty() {
            let paths = join_nul(kept.iter().map(|c| &c.path));
            let cmd =
                place.action().args(["restore", &format!("--source={target}"), "--staged", "--worktree"]);
            cmd.args(["--pathspec-from-file=-", "--pathspec-file-nul"]).stdin(paths).run()?;
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
    fn strangers(&self, changes: &[Change]) -> GitResult<Vec<RepoPath>> {
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
            if !known || !(holds(0) || holds(1)) {
                strange.push(change.path.clone());
            }
        }
        Ok(strange)
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
