//! Ref moves, each by compare-and-swap.

use super::refs::branch_ref;
use super::{GitError, GitResult, Repository};

const LOG_MESSAGE: &str = "git-metawsm";

impl Repository {
    /// Makes a branch at a commit; one that is there at this very commit is fine.
    pub fn create_branch(&self, branch: &str, commit: &str) -> GitResult<()> {
        self.require_branch_name(branch)?;
        if self.branch_id(branch)?.as_deref() == Some(commit) {
            return Ok(());
        }
        self.update_ref(&branch_ref(branch), commit, None)
    }

    /// Moves a ref (full name) to `new` if it is at `old`; `None`: if it does not exist. No worktree follows.
    pub fn update_ref(&self, name: &str, new: &str, old: Option<&str>) -> GitResult<()> {
        let zero = "0".repeat(new.len());
        let cmd = self.action().args(["update-ref", "--no-deref", "-m", LOG_MESSAGE, "--create-reflog"]);
        let cmd = cmd.args(["--", name, new, old.unwrap_or(&zero)]);
        self.swapped(cmd.run().map(drop).map_err(Into::into), name, old)
    }

    /// Deletes a ref (full name) if it is at `old`; one that is not there is fine, a branch that a worktree holds
    /// is refused.
    pub fn delete_ref(&self, name: &str, old: &str) -> GitResult<()> {
        if self.ref_id(name)?.is_none() {
            return Ok(());
        }
        if let Some(branch) = name.strip_prefix("refs/heads/")
            && let Some(holder) = self.base_holders(branch)?.into_iter().next()
        {
            return Err(GitError::CheckedOut { branch: branch.to_owned(), worktree: holder.worktree });
        }
        let cmd = self.action().args(["update-ref", "--no-deref", "-m", LOG_MESSAGE, "-d", "--", name, old]);
        self.swapped(cmd.run().map(drop).map_err(Into::into), name, Some(old))
    }

    /// Tells a lost race from other failures.
    fn swapped(&self, result: GitResult<()>, name: &str, expected: Option<&str>) -> GitResult<()> {
        let Err(error) = result else { return Ok(()) };
        let found = self.ref_id(name)?;
        if found.as_deref() == expected {
            return Err(error);
        }
        Err(GitError::Moved { reference: name.to_owned(), expected: expected.map(str::to_owned), found })
    }
}
