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

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    #[test]
    fn a_ref_moves_only_from_where_it_is_expected() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let old = sandbox.id("main");
        let new = sandbox.commit_on("task", "main", &[("t", "t")]);
        repo.update_ref("refs/metawsm/x", &old, None).expect("made");
        let lost = repo.update_ref("refs/metawsm/x", &new, None).expect_err("exists");
        assert!(matches!(lost, GitError::Moved { expected: None, found: Some(_), .. }), "{lost}");
        let lost = repo.update_ref("refs/metawsm/x", &new, Some(&new)).expect_err("elsewhere");
        assert!(matches!(lost, GitError::Moved { found: Some(id), .. } if id == old));
        repo.update_ref("refs/metawsm/x", &new, Some(&old)).expect("moved");
        let lost = repo.delete_ref("refs/metawsm/x", &old).expect_err("elsewhere");
        assert!(matches!(lost, GitError::Moved { .. }));
        repo.delete_ref("refs/metawsm/x", &new).expect("deleted");
        repo.delete_ref("refs/metawsm/x", &new).expect("deleted twice");
        assert_eq!(repo.ref_id("refs/metawsm/x").expect("asked"), None);
    }

    #[test]
    fn a_branch_is_made_once_and_not_deleted_while_a_worktree_holds_it() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let id = sandbox.id("main");
        repo.create_branch("task/x", &id).expect("made");
        repo.create_branch("task/x", &id).expect("made already");
        assert!(repo.create_branch("task", &id).is_err(), "task/x is in the way");
        let path = sandbox.beside("w");
        sandbox.git(&["worktree", "add", "--quiet", path.to_str().expect("UTF-8"), "task/x"]);
        let refused = repo.delete_ref("refs/heads/task/x", &id).expect_err("checked out");
        assert!(matches!(refused, GitError::CheckedOut { worktree, .. } if worktree == path));
    }
}
