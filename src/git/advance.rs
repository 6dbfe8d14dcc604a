//! Moving a base, with the worktrees that have it checked out.

use super::refs::branch_ref;
use super::{GitError, GitResult, Head, Holder, RepoPath, Repository};
use std::path::Path;

/// A move of a base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseMove {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Where it is, a full id.
    pub old: String,
    /// Where it goes, a full id of a descendant of `old`.
    pub new: String,
}

impl Repository {
    /// Moves a base forward and brings every worktree along that has it checked out. The caller holds the
    /// repository's lock. Nothing moves where a worktree is in the middle of something, is missing, or has
    /// anything where the move would write; what is dirty elsewhere stays as it is. A base that is at `new` already
    /// gets its worktrees finished.
    ///
    /// A kill leaves the ref at `old` or `new` and the touched files at old or new contents:
    /// [`Repository::repair_worktree`] mends either way.
    pub fn advance(&self, step: &BaseMove) -> GitResult<()> {
        let found = self.require_at(&step.branch, &[&step.old, &step.new])?;
        let holders = self.quiet_holders(&step.branch)?;
        if !self.is_ancestor(&step.old, &step.new)? {
            let BaseMove { branch, old, new } = step.clone();
            return Err(GitError::NotForward { branch, old, new });
        }
        if found == step.new {
            return self.finish(step, &holders);
        }
        let paths = self.changed_paths(&step.old, &step.new)?;
        self.require_way(&holders, &paths)?;
        let Some((first, rest)) = holders.split_first() else {
            return self.update_ref(&branch_ref(&step.branch), &step.new, Some(&step.old));
        };
        self.at(&first.worktree)?.fast_forward(step)?;
        for holder in rest {
            self.at(&holder.worktree)?.carry(&step.old, &step.new)?;
        }
        Ok(())
    }

    /// Takes an [`Repository::advance`] back: the ref from `new` to `old`, and every worktree that has it checked
    /// out; staged and dirty edits elsewhere stay. A base that is at `old` already gets its worktrees finished.
    pub fn retreat(&self, step: &BaseMove) -> GitResult<()> {
        let found = self.require_at(&step.branch, &[&step.old, &step.new])?;
        let holders = self.quiet_holders(&step.branch)?;
        let back = BaseMove { branch: step.branch.clone(), old: step.new.clone(), new: step.old.clone() };
        if found == step.old {
            return self.finish(&back, &holders);
        }
        let paths = self.changed_paths(&step.new, &step.old)?;
        self.require_way(&holders, &paths)?;
        self.update_ref(&branch_ref(&step.branch), &step.old, Some(&step.new))?;
        for holder in &holders {
            self.at(&holder.worktree)?.carry(&step.new, &step.old)?;
        }
        Ok(())
    }

    fn require_at(&self, branch: &str, ids: &[&str]) -> GitResult<String> {
        let found = self.branch_id(branch)?;
        match found {
            Some(id) if ids.contains(&id.as_str()) => Ok(id),
            found => {
                let expected = ids.first().map(|id| (*id).to_owned());
                Err(GitError::Moved { reference: branch_ref(branch), expected, found })
            }
        }
    }

    /// The worktrees of a branch, all of them there and with nothing half done.
    fn quiet_holders(&self, branch: &str) -> GitResult<Vec<Holder>> {
        let holders = self.base_holders(branch)?;
        for Holder { worktree, operation, missing } in &holders {
            if let Some(operation) = *operation {
                return Err(GitError::Busy { worktree: worktree.clone(), operation });
            }
            if *missing {
                return Err(GitError::CheckedOut { branch: branch.to_owned(), worktree: worktree.clone() });
            }
        }
        Ok(holders)
    }

    fn require_way(&self, holders: &[Holder], paths: &[RepoPath]) -> GitResult<()> {
        for Holder { worktree, .. } in holders {
            let obstacles = self.obstacles(worktree, paths)?;
            if !obstacles.is_empty() {
                return Err(GitError::Obstructed { worktree: worktree.clone(), obstacles });
            }
        }
        Ok(())
    }

    /// Brings those worktrees along that the ref has left behind.
    fn finish(&self, step: &BaseMove, holders: &[Holder]) -> GitResult<()> {
        let touched = self.changed_paths(&step.old, &step.new)?;
        for Holder { worktree, .. } in holders {
            let staged = self.at(worktree)?.staged_against(&step.new)?;
            if touched.iter().any(|path| staged.contains(path)) {
                self.repair_worktree(worktree, (&step.old, &step.new), &step.new)?;
            }
        }
        Ok(())
    }

    /// Fast-forwards this worktree, which has the branch checked out, and with it the branch.
    fn fast_forward(&self, step: &BaseMove) -> GitResult<()> {
        self.require_on(&step.branch, &step.old)?;
        let cmd = self.action().args(["-c", "merge.verifySignatures=false", "merge", "--ff-only"]);
        let cmd = cmd.args(["--no-autostash", "--no-overwrite-ignore", "--commit", "--no-squash"]);
        let merged = cmd.args(["--no-stat", "--quiet", "--end-of-options", &step.new]).run();
        if let Err(error) = merged {
            // A hook that refuses leaves index and files at the new state.
            if self.branch_id(&step.branch)?.as_deref() == Some(&step.old) {
                let _ = self.repair_worktree(self.dir(), (&step.old, &step.new), &step.old);
            }
            return Err(error.into());
        }
        self.require_on(&step.branch, &step.new)
    }

    /// Moves index and files of this worktree, whose branch has moved already, from one commit to the other.
    fn carry(&self, from: &str, to: &str) -> GitResult<()> {
        self.action().args(["read-tree", "-m", "-u", from, to]).run()?;
        Ok(())
    }

    fn require_on(&self, branch: &str, id: &str) -> GitResult<()> {
        let head = self.head()?;
        match &head {
            Head::Branch { name, id: Some(at) } if name == branch && at == id => Ok(()),
            Head::Branch { name, id: at } if name == branch => Err(GitError::Moved {
                reference: branch_ref(branch),
                expected: Some(id.to_owned()),
                found: at.clone(),
            }),
            _ => Err(GitError::NotOnBranch {
                worktree: self.dir().to_owned(),
                branch: branch.to_owned(),
                found: head.describe(),
            }),
        }
    }

    /// Removes the lock files that a killed git child of ours left. Only for a caller who knows that the child is
    /// dead and was ours: a live git owns its locks.
    pub fn remove_stale_locks(&self, worktree: &Path, branch: &str) -> GitResult<()> {
        let place = self.at(worktree)?;
        let locks = [
            place.git_dir().join("index.lock"),
            place.git_dir().join("HEAD.lock"),
            place.common_dir().join(format!("{}.lock", branch_ref(branch))),
        ];
        for lock in locks {
            crate::sys::files::remove_durable(&lock)?;
        }
        Ok(())
    }
}
