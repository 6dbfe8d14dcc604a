//! Operations left half done, and who holds a branch.

use super::refs::branch_ref;
use super::{GitResult, Repository};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// An operation that git has begun and not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A merge.
    Merge,
    /// A rebase.
    Rebase,
    /// Applying mails.
    ApplyMail,
    /// A cherry-pick.
    CherryPick,
    /// A revert.
    Revert,
    /// A bisect.
    Bisect,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::ApplyMail => "'git am'",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        })
    }
}

/// A worktree that holds a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The worktree.
    pub worktree: PathBuf,
    /// What is not finished there.
    pub operation: Option<Operation>,
    /// Whether the worktree's directory is gone.
    pub missing: bool,
}

impl Repository {
    /// What is half done in this worktree. Mailed patches and rebases win over the picks they are made of.
    pub fn operation(&self) -> GitResult<Option<Operation>> {
        if let Some(operation) = operation_in(self.git_dir()) {
            return Ok(Some(operation));
        }
        // With reftable these two are no files.
        if self.stores_refs_elsewhere() {
            for (name, operation) in
                [("CHERRY_PICK_HEAD", Operation::CherryPick), ("REVERT_HEAD", Operation::Revert)]
            {
                if self.ask_id(&["rev-parse", "--verify", "--quiet", name], false)?.is_some() {
                    return Ok(Some(operation));
                }
            }
        }
        Ok(None)
    }

    fn stores_refs_elsewhere(&self) -> bool {
        self.common_dir().join("reftable").is_dir()
    }

    /// Every worktree that has the branch checked out or will come back to it: also those in the middle of a
    /// rebase or bisect of it (which git lists as detached), locked ones, and ones whose directory is gone.
    pub fn base_holders(&self, branch: &str) -> GitResult<Vec<Holder>> {
        let mut holders = Vec::new();
        for worktree in self.worktrees_on(branch)? {
            let missing = worktree.prunable || !worktree.path.join(".git").exists();
            let operation = if missing { None } else { self.at(&worktree.path)?.operation()? };
            holders.push(Holder { worktree: worktree.path, operation, missing });
        }
        for git_dir in self.git_dirs() {
            let Some(operation) = comes_back_to(&git_dir, branch) else { continue };
            let worktree = self.worktree_of(&git_dir);
            let missing = !worktree.is_dir();
            if !holders.iter().any(|h| h.worktree == worktree) {
                holders.push(Holder { worktree, operation: Some(operation), missing });
            }
        }
        Ok(holders)
    }

    fn worktree_of(&self, git_dir: &Path) -> PathBuf {
        if git_dir == self.common_dir() {
            let main = if self.is_linked() { None } else { self.worktree() };
            return main.or(git_dir.parent()).unwrap_or(git_dir).to_owned();
        }
        let link = fs::read_to_string(git_dir.join("gitdir")).unwrap_or_default();
        let link = git_dir.join(link.trim_end_matches('\n'));
        crate::sys::files::real_path(link.parent().unwrap_or(git_dir))
    }
}

fn operation_in(git_dir: &Path) -> Option<Operation> {
    let has = |name: &str| git_dir.join(name).symlink_metadata().is_ok();
    if has("rebase-apply") {
        let mail = has("rebase-apply/applying");
        return Some(if mail { Operation::ApplyMail } else { Operation::Rebase });
    }
    let signs = [
        ("rebase-merge", Operation::Rebase),
        ("MERGE_HEAD", Operation::Merge),
        ("CHERRY_PICK_HEAD", Operation::CherryPick),
        ("REVERT_HEAD", Operation::Revert),
        ("BISECT_LOG", Operation::Bisect),
        ("BISECT_START", Operation::Bisect),
    ];
    if let Some((_, operation)) = signs.into_iter().find(|(name, _)| has(name)) {
        return Some(operation);
    }
    // Between two picks of a series only the list of what is left to do stands there.
    let todo = fs::read_to_string(git_dir.join("sequencer/todo")).ok()?;
    Some(if todo.trim_start().starts_with("revert") { Operation::Revert } else { Operation::CherryPick })
}

/// Whether an operation in this git directory ends with moving or checking out the branch.
fn comes_back_to(git_dir: &Path, branch: &str) -> Option<Operation> {
    let full = branch_ref(branch);
    let text = |name: &str| fs::read_to_string(git_dir.join(name)).unwrap_or_default();
    for name in ["rebase-merge/head-name", "rebase-apply/head-name"] {
        if text(name).trim_end() == full {
            return Some(Operation::Rebase);
        }
    }
    // `rebase --update-refs` moves further branches at its end: lines of ref, before, after.
    if text("rebase-merge/update-refs").lines().any(|line| line == full) {
        return Some(Operation::Rebase);
    }
    let start = text("BISECT_START");
    let start = start.trim_end();
    (start == branch || start == full).then_some(Operation::Bisect)
}
