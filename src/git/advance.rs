//! Moving a base, with the worktrees that have it checked out.

use super::refs::branch_ref;
use super::{GitError, GitResult, Head, Holder, RepoPath, Repository};
use crate::model::Child;

/// Told before the first change of a move, and then of each process that makes changes.
pub type Watch<'a> = dyn FnMut(Option<Child>) -> GitResult<()> + 'a;

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
    /// A kill leaves the ref at `old` or `new`, the touched files at old or new contents or on the way between them,
    /// and lock files: [`Repository::recover`] mends either way.
    pub fn advance(&self, step: &BaseMove) -> GitResult<()> {
        self.advance_watched(step, &mut |_| Ok(()))
    }

    /// As [`Repository::advance`], telling `watch` right before the first change (with `None`; an error stops there)
    /// and then each process that makes changes.
    pub fn advance_watched(&self, step: &BaseMove, watch: &mut Watch<'_>) -> GitResult<()> {
        let found = self.require_at(&step.branch, &[&step.old, &step.new])?;
        if found != step.new {
            // First, because whoever holds one may be changing what is looked at.
            self.require_unlocked(&step.branch)?;
        }
        let holders = self.require_advance(step)?;
        if found == step.new {
            return self.finish(step, &holders);
        }
        watch(None)?;
        let Some((first, rest)) = holders.split_first() else {
            return self.update_ref(&branch_ref(&step.branch), &step.new, Some(&step.old));
        };
        self.at(&first.worktree)?.fast_forward(step, watch)?;
        for holder in rest {
            self.at(&holder.worktree)?.carry(&step.old, &step.new, watch)?;
        }
        Ok(())
    }

    /// The worktrees that a move would bring along, each of them ready for it; changes nothing.
    pub fn require_advance(&self, step: &BaseMove) -> GitResult<Vec<Holder>> {
        let found = self.require_at(&step.branch, &[&step.old, &step.new])?;
        let holders = self.quiet_holders(&step.branch)?;
        if !self.is_ancestor(&step.old, &step.new)? {
            let BaseMove { branch, old, new } = step.clone();
            return Err(GitError::NotForward { branch, old, new });
        }
        if found != step.new {
            let paths = self.changed_paths(&step.old, &step.new)?;
            self.require_way(&holders, &paths)?;
        }
        Ok(holders)
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
    pub(super) fn quiet_holders(&self, branch: &str) -> GitResult<Vec<Holder>> {
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
    fn fast_forward(&self, step: &BaseMove, watch: &mut Watch<'_>) -> GitResult<()> {
        self.require_on(&step.branch, &step.old)?;
        // No housekeeping that would go on behind our back.
        let cmd = self.action().args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
        let cmd = cmd.args(["-c", "merge.verifySignatures=false", "merge", "--ff-only"]);
        let cmd = cmd.args(["--no-autostash", "--no-overwrite-ignore", "--commit", "--no-squash"]);
        let cmd = cmd.args(["--no-stat", "--quiet", "--end-of-options", &step.new]);
        let merged = cmd.run_watched(&mut |child| drop(watch(Some(child))));
        if let Err(error) = merged {
            // A hook that refuses leaves index and files at the new state.
            if self.branch_id(&step.branch)?.as_deref() == Some(&step.old) {
                let _ = self.repair_worktree(self.dir(), (&step.old, &step.new), &step.old);
            }
            return Err(error.into());
        }
        self.require_on(&step.branch, &step.new)?;
        self.clear_leftovers(&step.old, &step.new)
    }

    /// Moves index and files of this worktree, whose branch has moved already, from one commit to the other.
    fn carry(&self, from: &str, to: &str, watch: &mut Watch<'_>) -> GitResult<()> {
        let cmd = self.action().args(["read-tree", "-m", "-u", from, to]);
        cmd.run_watched(&mut |child| drop(watch(Some(child))))?;
        self.clear_leftovers(from, to)
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
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in, try_git_in, write_in};
    use super::*;
    use std::path::Path;

    type Make<'a> = &'a dyn Fn(&Path);
    type Begin<'a> = &'a dyn Fn(&Sandbox);

    /// `main` at HEAD, and a descendant of it that changes `a.txt`, adds `new/t` and removes `gone`.
    fn planned(sandbox: &Sandbox) -> BaseMove {
        let old = sandbox.commit("gone", "gone");
        sandbox.commit_on("task", "main", &[("a.txt", "task\n"), ("new/t", "t\n")]);
        let repo = sandbox.repo();
        let tree = repo.edit_tree(&sandbox.id("task^{tree}"), &[("gone".to_owned(), None)]).expect("tree");
        let new = repo.commit_tree(&tree, &[&sandbox.id("task")], "Remove").expect("commit");
        BaseMove { branch: "main".to_owned(), old, new }
    }

    fn advance(sandbox: &Sandbox, step: &BaseMove) -> GitResult<()> {
        sandbox.repo().with_hold("token", "run-1").advance(step)
    }

    #[test]
    fn a_base_that_nobody_holds_moves_alone() {
        let sandbox = Sandbox::new();
        let step = planned(&sandbox);
        sandbox.git(&["switch", "--quiet", "-c", "elsewhere"]);
        advance(&sandbox, &step).expect("moved");
        assert_eq!(sandbox.id("main"), step.new);
        assert_eq!(sandbox.read("a.txt"), "a\n");
        advance(&sandbox, &step).expect("moved already");
    }

    #[test]
    fn a_checked_out_base_moves_with_its_files_and_foreign_edits_stay() {
        let sandbox = Sandbox::new();
        sandbox.commit("other", "other\n");
        sandbox.commit("staged", "staged\n");
        let step = planned(&sandbox);
        sandbox.write("other", "edited\n");
        sandbox.write("staged", "edited\n");
        sandbox.git(&["add", "staged"]);
        sandbox.git(&["config", "merge.autoStash", "true"]);
        sandbox.git(&["config", "merge.verifySignatures", "true"]);
        advance(&sandbox, &step).expect("moved");
        assert_eq!(sandbox.id("HEAD"), step.new);
        assert_eq!((sandbox.read("a.txt").as_str(), sandbox.read("new/t").as_str()), ("task\n", "t\n"));
        assert_eq!(sandbox.git(&["status", "--porcelain"]), " M other\nM  staged");
        let half = super::super::HalfMove::of(&step);
        sandbox.repo().recover(&half, false).expect("taken back");
        assert_eq!(sandbox.id("HEAD"), step.old);
        assert_eq!(sandbox.read("gone"), "gone");
        assert!(!sandbox.dir().join("new").exists());
        assert_eq!(sandbox.git(&["status", "--porcelain"]), " M other\nM  staged");
        sandbox.repo().recover(&half, false).expect("taken back already");
    }

    #[test]
    fn options_of_the_branch_do_not_squash_the_move() {
        let sandbox = Sandbox::new();
        let step = planned(&sandbox);
        sandbox.git(&["config", "branch.main.mergeOptions", "--squash --no-commit"]);
        advance(&sandbox, &step).expect("moved");
        assert_eq!(sandbox.id("HEAD"), step.new);
    }

    #[test]
    fn a_base_checked_out_twice_ends_right_in_both_worktrees() {
        let sandbox = Sandbox::new();
        sandbox.commit("other", "other\n");
        let step = planned(&sandbox);
        let second = sandbox.beside("second");
        sandbox.git(&["worktree", "add", "--quiet", "--force", second.to_str().expect("UTF-8"), "main"]);
        write_in(&second, "other", "edited\n");
        assert_eq!(sandbox.repo().base_holders("main").expect("asked").len(), 2);
        advance(&sandbox, &step).expect("moved");
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        assert_eq!(git_in(&second, &["status", "--porcelain"]), " M other");
        assert!(!second.join("gone").exists());
        assert_eq!(std::fs::read_to_string(second.join("new/t")).expect("there"), "t\n");
    }

    #[test]
    fn an_obstacle_in_any_worktree_of_base_stops_the_move_before_it_begins() {
        let obstacles: [(&str, Make); 7] = [
            ("a.txt (modified)", &|top| write_in(top, "a.txt", "edited\n")),
            ("new/t (untracked)", &|top| write_in(top, "new/t", "mine\n")),
            ("new (untracked)", &|top| write_in(top, "new", "a file where a directory goes\n")),
            ("new/t (ignored)", &|top| {
                std::fs::write(top.join("..").join("repo/.git/info/exclude"), "t\n").expect("exclude");
                write_in(top, "new/t", "mine\n");
            }),
            ("a.txt (modified, hidden by assume-unchanged)", &|top| {
                git_in(top, &["update-index", "--assume-unchanged", "a.txt"]);
                write_in(top, "a.txt", "edited\n");
            }),
            ("a.txt (modified, hidden by skip-worktree)", &|top| {
                git_in(top, &["update-index", "--skip-worktree", "a.txt"]);
                write_in(top, "a.txt", "edited\n");
            }),
            ("a.txt (staged)", &|top| {
                write_in(top, "a.txt", "edited\n");
                git_in(top, &["add", "a.txt"]);
                write_in(top, "a.txt", "a\n");
            }),
        ];
        for (said, make) in obstacles {
            let sandbox = Sandbox::new();
            let step = planned(&sandbox);
            let second = sandbox.beside("second");
            sandbox.git(&["worktree", "add", "--quiet", "--force", second.to_str().expect("UTF-8"), "main"]);
            make(&second);
            let error = advance(&sandbox, &step).expect_err(said);
            assert!(
                matches!(&error, GitError::Obstructed { worktree, .. } if *worktree == second),
                "{error}"
            );
            assert!(error.to_string().contains(said), "{error} names {said}");
            assert_eq!(sandbox.id("main"), step.old);
            assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        }
    }

    #[test]
    fn a_base_under_rebase_or_bisect_or_merge_is_refused() {
        let operations: [(&str, Begin); 3] = [
            ("rebase", &|sandbox| {
                sandbox.commit_on("onto", "main~1", &[("gone", "conflict")]);
                assert!(!try_git_in(&sandbox.dir(), &["rebase", "onto"]));
            }),
            ("bisect", &|sandbox| {
                sandbox.git(&["bisect", "start"]);
                sandbox.git(&["bisect", "bad"]);
                sandbox.git(&["bisect", "good", "main~2"]);
            }),
            ("merge", &|sandbox| {
                sandbox.commit_on("other", "main~1", &[("gone", "conflict")]);
                assert!(!try_git_in(&sandbox.dir(), &["merge", "other"]));
            }),
        ];
        for (name, begin) in operations {
            let sandbox = Sandbox::new();
            sandbox.commit("b", "b");
            let step = planned(&sandbox);
            begin(&sandbox);
            let error = advance(&sandbox, &step).expect_err(name);
            assert!(
                matches!(&error, GitError::Busy { worktree, .. } if *worktree == sandbox.dir()),
                "{error}"
            );
            assert!(error.to_string().contains(name), "{error}");
            assert_eq!(sandbox.id("main"), step.old);
        }
    }

    #[test]
    fn a_base_held_by_a_worktree_that_is_gone_is_refused() {
        let sandbox = Sandbox::new();
        let step = planned(&sandbox);
        sandbox.git(&["switch", "--quiet", "-c", "elsewhere"]);
        let away = sandbox.beside("away");
        sandbox.git(&["worktree", "add", "--quiet", "--lock", away.to_str().expect("UTF-8"), "main"]);
        std::fs::rename(&away, sandbox.beside("unplugged")).expect("moved");
        let error = advance(&sandbox, &step).expect_err("missing");
        assert!(matches!(error, GitError::CheckedOut { worktree, .. } if worktree == away));
        assert_eq!(sandbox.id("main"), step.old);
    }

    #[test]
    fn a_base_that_somebody_moved_and_a_move_sideways_are_refused() {
        let sandbox = Sandbox::new();
        let step = planned(&sandbox);
        let away = sandbox.commit("later", "later");
        let error = advance(&sandbox, &step).expect_err("moved");
        assert!(matches!(error, GitError::Moved { found: Some(id), .. } if id == away));
        let sideways = BaseMove { old: away, ..step };
        assert!(matches!(advance(&sandbox, &sideways), Err(GitError::NotForward { .. })));
    }

    #[test]
    fn a_move_that_a_hook_refuses_leaves_no_trace() {
        use std::os::unix::fs::PermissionsExt;
        let sandbox = Sandbox::new();
        let step = planned(&sandbox);
        let hook = sandbox.dir().join(".git/hooks/reference-transaction");
        write_in(
            &sandbox.dir(),
            ".git/hooks/reference-transaction",
            "#!/bin/sh\n[ \"$METAWSM_HOLD\" = let-me ]\n",
        );
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("executable");
        assert!(advance(&sandbox, &step).is_err());
        assert_eq!(sandbox.id("main"), step.old);
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        sandbox.repo().with_hold("let-me", "run-1").advance(&step).expect("the hold passes");
        assert_eq!(sandbox.id("main"), step.new);
    }
}
