//! Which places an agent's sandbox must let it write to.

use super::WorkspaceResult;
use super::site::admin_dir;
use crate::git::Repository;
use std::path::{Path, PathBuf};

/// The writable places of an agent in one worktree: the worktree, and of the common directory `objects`, `refs`,
/// `logs` and `worktrees/<id>`; enough for add, commit, amend and stash (tried), without `hooks`, `config` and
/// our records. A main worktree has no `worktrees/<id>`; agents are not put there.
pub fn sandbox_paths(repo: &Repository, worktree: &Path) -> WorkspaceResult<Vec<PathBuf>> {
    let common = repo.common_dir();
    let shared = ["objects", "refs", "logs"].map(|name| common.join(name));
    let own = admin_dir(common, worktree)?;
    Ok([worktree.to_owned()].into_iter().chain(shared).chain(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Sandbox;

    #[test]
    fn an_agent_may_write_what_commits_need_and_no_hooks() {
        let sandbox = Sandbox::new();
        let worktree = sandbox.worktree("other-name", "task/t-1");
        let common = sandbox.repo().common_dir().to_owned();
        let paths = sandbox_paths(&sandbox.repo(), &worktree).expect("paths");
        let expected = ["objects", "refs", "logs", "worktrees/other-name"].map(|name| common.join(name));
        assert_eq!(paths[0], worktree);
        assert_eq!(paths[1..], expected);
        assert!(paths.iter().all(|path| path.is_dir()));
    }
}
