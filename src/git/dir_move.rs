//! Bringing a directory to where it is not: objects from one repository to another, and a tree into the worktree and
//! branch of a run.

use super::dir_merge::tree_ids;
use super::refs::branch_ref;
use super::{GitError, GitResult, Obstacle, ObstacleKind, RepoPath, Repository};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// The most changes of a directory that are looked through for an older state of it.
const MOST_CHANGES: &str = "--max-count=2000";

/// How often a commit of somebody else is let go first.
const MOST_ATTEMPTS: usize = 5;

/// A directory that a branch and the worktree that has it checked out are to hold.
#[derive(Debug, Clone, Copy)]
pub struct DirOrder<'a> {
    /// The worktree.
    pub worktree: &'a Path,
    /// The branch that it is on, without `refs/heads/`.
    pub branch: &'a str,
    /// The directory, relative to the top, `/` between parts.
    pub dir: &'a str,
    /// The tree that it is to hold, by its id; its objects are there.
    pub tree: &'a str,
    /// The message of the commit.
    pub message: &'a str,
    /// Since when a killed call of ours may have been at work on this very order: then files that it left half written
    /// are completed, and its locks go.
    pub since: Option<Timestamp>,
}

impl Repository {
    /// Copies the objects of a tree (an id) from another repository; durable once this returns. Safe to repeat.
    pub fn copy_tree(&self, from: &Self, tree: &str) -> GitResult<()> {
        if self.common_dir() == from.common_dir() {
            return Ok(());
        }
        let (ours, theirs) = (self.id_length()?, from.id_length()?);
        if ours != theirs {
            return Err(GitError::odd(format!(
                "{} and {} name objects in different ways (SHA-1 and SHA-256), so nothing can be copied between them.",
                from.dir().display(),
                self.dir().display()
            )));
        }
        let pack =
            from.question().args(["pack-objects", "--revs", "--stdout", "--quiet", "--no-reuse-delta"]);
        let pack = pack.stdin(format!("{tree}\n")).run()?.stdout;
        // All of them were asked for, so what is here already is written once more only in vain.
        self.object_action().args(["unpack-objects", "-q"]).stdin(pack).run()?;
        match self.tree_id(tree)? {
            Some(found) if found == tree => Ok(()),
            _ => Err(GitError::odd(format!("{} did not take the tree {tree}.", self.dir().display()))),
        }
    }

    /// Whether a commit at or below `tip` (among the newest 2,000 that changed the directory) held this very tree there.
    pub fn dir_has_held(&self, tip: &str, dir: &str, tree: &str) -> GitResult<bool> {
        let list = ["rev-list", "--full-history", MOST_CHANGES, "--end-of-options", tip, "--", dir];
        let commits = self.question().args(list).run()?.text();
        if commits.is_empty() {
            return Ok(false);
        }
        let mut asked = String::new();
        for commit in commits.lines() {
            let _ = writeln!(asked, "{commit}:{dir}");
        }
        let answers = self.question().args(["cat-file", "--batch-check"]).stdin(asked).run()?.stdout;
        Ok(tree_ids(&answers).contains(tree))
    }

    /// Makes a directory of a worktree, and the branch that it is on, hold a tree: files and index first, then one
    /// commit in the user's name. Nothing else that is edited or staged there is touched, and a commit that somebody
    /// makes there meanwhile stays below ours. Returns the commit; `None` where the branch holds the tree already. The
    /// caller holds the repository's lock, and has seen that nothing is edited in the directory (unless with `since`).
    ///
    /// Refused before anything changes: another branch, an operation half done, a lock of somebody else, anything lying
    /// where the tree writes. A hook that refuses the move leaves everything as it was. A kill leaves files and index
    /// on the way between the two states, and the branch at the old commit or the new one: the same order with `since`
    /// goes on from there.
    pub fn put_dir(&self, order: &DirOrder<'_>) -> GitResult<Option<String>> {
        let place = self.at(order.worktree)?;
        place.require_put(order)?;
        for attempt in 0.. {
            match place.put_once(order, attempt > 0) {
                // Somebody was faster: on top of that, then.
                Err(GitError::Moved { .. }) if attempt < MOST_ATTEMPTS => {}
                done => return done,
            }
        }
        Ok(None)
    }

    fn put_once(&self, order: &DirOrder<'_>, again: bool) -> GitResult<Option<String>> {
        let lost = || GitError::odd(format!("{} has no commit.", self.dir().display()));
        let head = self.head()?.id().map(str::to_owned).ok_or_else(lost)?;
        let old = self.tree_id(&head)?.ok_or_else(lost)?;
        if self.path_id(&head, order.dir)?.as_deref() == Some(order.tree) {
            return Ok(None);
        }
        let new = self.graft(&old, order.dir, Some(order.tree))?;
        let touched = self.changed_paths(&old, &new)?;
        let in_the_way = self.in_the_way_of(&touched, again || order.since.is_some())?;
        if !in_the_way.is_empty() {
            return Err(GitError::Obstructed { worktree: self.dir().to_owned(), obstacles: in_the_way });
        }
        let commit = self.commit_tree(&new, &[&head], order.message)?;
        let between = (old.as_str(), new.as_str());
        if order.since.is_some() {
            self.repair_after_kill(self.dir(), between, &new)?;
        } else {
            self.repair_worktree(self.dir(), between, &new)?;
        }
        let moved = self.update_ref(&branch_ref(order.branch), &commit, Some(&head));
        if let Err(error) = moved {
            if self.head()?.id() == Some(&head) {
                let _ = self.repair_worktree(self.dir(), between, &old);
            }
            return Err(error);
        }
        Ok(Some(commit))
    }

    fn require_put(&self, order: &DirOrder<'_>) -> GitResult<()> {
        let head = self.head()?;
        if head.branch() != Some(order.branch) {
            return Err(GitError::NotOnBranch {
                worktree: self.dir().to_owned(),
                branch: order.branch.to_owned(),
                found: head.describe(),
            });
        }
        if let Some(operation) = self.operation()? {
            return Err(GitError::Busy { worktree: self.dir().to_owned(), operation });
        }
        if let Some(since) = order.since {
            self.remove_stale_locks(order.branch, since)?;
        }
        self.require_unlocked(order.branch)
    }

    /// What git would write over. What a call of ours may have left counts only where it is none of the paths.
    fn in_the_way_of(&self, touched: &[RepoPath], may_be_ours: bool) -> GitResult<Vec<Obstacle>> {
        let mut found = self.obstacles(self.dir(), touched)?;
        if may_be_ours {
            let touched: BTreeSet<_> = touched.iter().collect();
            found.retain(|o| !matches!(o.kind, ObstacleKind::Dirty(_)) && !touched.contains(&o.path));
        }
        Ok(found)
    }
}

#[cfg(test)]
#[path = "dir_move_tests.rs"]
mod tests;
