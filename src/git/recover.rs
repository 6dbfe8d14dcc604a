//! Going on from a move of a base that stopped half way: forward to its end or back to its start.

use super::refs::branch_ref;
use super::{BaseMove, GitError, GitResult, Holder, RepoPath, Repository};
use crate::model::Child;
use crate::sys::{files, procs};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long whoever holds a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// A move of a base that may have stopped half way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HalfMove {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Where it was, a full id; `None` where the move makes it.
    pub old: Option<String>,
    /// Where it goes, a full id.
    pub new: String,
}

/// Where a base is, seen from a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Where the move begins.
    Old,
    /// Where it ends.
    New,
    /// Somebody went on from where it ends.
    Beyond(String),
    /// Elsewhere; `None` for a branch that is gone.
    Elsewhere(Option<String>),
}

impl HalfMove {
    /// A move of a base that was there before.
    pub fn of(step: &BaseMove) -> Self {
        Self { branch: step.branch.clone(), old: Some(step.old.clone()), new: step.new.clone() }
    }

    /// The move as [`Repository::advance`] takes it; `None` where it makes the branch.
    pub fn step(&self) -> Option<BaseMove> {
        let old = self.old.clone()?;
        Some(BaseMove { branch: self.branch.clone(), old, new: self.new.clone() })
    }
}

impl Repository {
    /// Where a base is, seen from a move of it.
    pub fn standing(&self, step: &HalfMove) -> GitResult<Standing> {
        let found = self.branch_id(&step.branch)?;
        Ok(match found {
            Some(id) if id == step.new => Standing::New,
            found if found == step.old => Standing::Old,
            Some(id) if self.is_ancestor(&step.new, &id)? => Standing::Beyond(id),
            found => Standing::Elsewhere(found),
        })
    }

    /// Refuses where [`Repository::recover`] would, naming what somebody else moved or changed since; touches
    /// nothing.
    pub fn require_recoverable(&self, step: &HalfMove, forward: bool) -> GitResult<()> {
        self.require_half(step)?;
        let Some(old) = &step.old else { return Ok(()) };
        for holder in self.half_done(step, forward)? {
            self.require_repairable(&holder.worktree, (old, &step.new))?;
        }
        Ok(())
    }

    /// Brings a base and every worktree that has it checked out to the end of a move, or back to its start, whatever
    /// a kill left: each touched file is completed by what git holds, all others stay as they are. Refuses, before
    /// anything is touched, a ref or file that somebody else moved or changed since. Safe to repeat.
    pub fn recover(&self, step: &HalfMove, forward: bool) -> GitResult<()> {
        let is_new = self.require_half(step)?;
        let name = branch_ref(&step.branch);
        let Some(old) = &step.old else {
            return match (forward, is_new) {
                (true, false) => self.create_branch(&step.branch, &step.new),
                (false, true) => self.delete_ref(&name, &step.new),
                _ => Ok(()),
            };
        };
        let half_done = self.half_done(step, forward)?;
        for holder in &half_done {
            self.require_repairable(&holder.worktree, (old, &step.new))?;
        }
        let target = if forward { &step.new } else { old };
        for holder in &half_done {
            self.repair_after_kill(&holder.worktree, (old, &step.new), target)?;
        }
        match (forward, is_new) {
            (true, false) => self.update_ref(&name, &step.new, Some(old)),
            (false, true) => self.update_ref(&name, old, Some(&step.new)),
            _ => Ok(()),
        }
    }

    /// Whether the base is where the move ends; elsewhere than at its two ends is an error.
    fn require_half(&self, step: &HalfMove) -> GitResult<bool> {
        match self.standing(step)? {
            Standing::New => Ok(true),
            Standing::Old => Ok(false),
            Standing::Beyond(_) | Standing::Elsewhere(_) => Err(GitError::Moved {
                reference: branch_ref(&step.branch),
                expected: Some(step.new.clone()),
                found: self.branch_id(&step.branch)?,
            }),
        }
    }

    /// The worktrees of the base that may have to be brought to one end. git writes an index after the files, so
    /// where ref and index are at the end already, what differs there is somebody's own edit.
    fn half_done(&self, step: &HalfMove, forward: bool) -> GitResult<Vec<Holder>> {
        let mut holders = self.quiet_holders(&step.branch)?;
        let (Some(old), true) = (&step.old, forward && self.standing(step)? == Standing::New) else {
            return Ok(holders);
        };
        let touched: BTreeSet<RepoPath> = self.changed_paths(old, &step.new)?.into_iter().collect();
        let mut left = Vec::new();
        for holder in holders.drain(..) {
            let staged = self.at(&holder.worktree)?.staged_against(&step.new)?;
            if staged.iter().any(|path| touched.contains(path)) {
                left.push(holder);
            }
        }
        Ok(left)
    }

    /// The lock files that a git takes when it moves this branch with its worktrees, there or not, and where such a git
    /// is at work.
    fn locks(&self, branch: &str) -> GitResult<(Vec<PathBuf>, Vec<PathBuf>)> {
        let mut dirs = BTreeSet::from([self.git_dir().to_owned()]);
        let mut places = BTreeSet::from([self.dir().to_owned(), self.common_dir().to_owned()]);
        for holder in self.base_holders(branch)?.into_iter().filter(|h| !h.missing) {
            let place = self.at(&holder.worktree)?;
            dirs.insert(place.git_dir().to_owned());
            places.insert(holder.worktree);
        }
        let own = ["index.lock", "HEAD.lock", "ORIG_HEAD.lock", "AUTO_MERGE.lock", "MERGE_HEAD.lock"];
        let shared = ["packed-refs.lock", "packed-refs.new", "reftable/tables.list.lock"];
        let mut locks: Vec<PathBuf> = dirs.iter().flat_map(|dir| own.map(|name| dir.join(name))).collect();
        locks.extend(shared.map(|name| self.common_dir().join(name)));
        locks.push(self.common_dir().join(format!("{}.lock", branch_ref(branch))));
        Ok((locks, places.into_iter().chain(dirs).collect()))
    }

    /// Waits a moment for whoever holds a lock that moving this branch takes; an error where it stays. Only behind this
    /// can a lock be known for one of a child of ours.
    pub(super) fn require_unlocked(&self, branch: &str) -> GitResult<()> {
        let (locks, _) = self.locks(branch)?;
        let begun = Instant::now();
        while let Some(lock) = locks.iter().find(|lock| lock.symlink_metadata().is_ok()) {
            if begun.elapsed() > PATIENCE {
                return Err(GitError::Locked { lock: lock.clone() });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Removes the lock files that a killed git child of ours left; gives back those that were removed. For a caller
    /// who knows that a child of ours began its work on this branch no earlier than `since`, when there was no lock,
    /// and that it is dead. A lock that is older, or that a living git may hold, stays: it is somebody else's.
    pub fn remove_stale_locks(&self, branch: &str, since: Timestamp) -> GitResult<Vec<PathBuf>> {
        let (mut locks, places) = self.locks(branch)?;
        locks.retain(|lock| is_since(lock, since));
        let writes = |child: &Child| !is_reader(&procs::command_words(child.pid));
        if locks.is_empty() || procs::working_in("git", &places).iter().any(writes) {
            return Ok(Vec::new());
        }
        for lock in &locks {
            files::remove_durable(lock)?;
        }
        Ok(locks)
    }
}

/// Whether the words of a git command are of one that may live long, behind a pager or an editor's back, and takes no
/// lock.
fn is_reader(words: &[String]) -> bool {
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "-c" | "-C" | "--git-dir" | "--work-tree") {
            words.next();
        } else if !word.starts_with('-') {
            let readers =
                ["log", "show", "diff", "blame", "grep", "help", "reflog", "cat-file", "fsmonitor--daemon"];
            return readers.contains(&word.as_str());
        }
    }
    false
}

/// Whether a file is there and was last written at or after a second.
fn is_since(path: &std::path::Path, since: Timestamp) -> bool {
    let modified = path.symlink_metadata().and_then(|meta| meta.modified());
    let modified = modified.ok().and_then(|at| Timestamp::try_from(at).ok());
    modified.is_some_and(|at| at.as_second() >= since.as_second())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in, write_in};
    use super::*;
    use std::fs;

    fn planned(sandbox: &Sandbox) -> HalfMove {
        sandbox.commit("other", "other\n");
        sandbox.commit("gone", "gone\n");
        let old = sandbox.id("main");
        let new =
            sandbox.commit_on("task", "main", &[("a.txt", "a longer text of the task\n"), ("new/t", "t\n")]);
        sandbox.write("other", "dirty\n");
        sandbox.write("mine", "untracked\n");
        HalfMove { branch: "main".to_owned(), old: Some(old), new }
    }

    fn at(sandbox: &Sandbox, id: &str) {
        assert_eq!(sandbox.id("main"), id);
        assert_eq!(sandbox.git(&["status", "--porcelain", "-uall"]), " M other\n?? mine");
    }

    #[test]
    fn whatever_a_kill_left_of_the_files_both_ends_are_reached() {
        let left: [&dyn Fn(&Sandbox); 5] = [
            &|_| {},
            &|sandbox| fs::remove_file(sandbox.dir().join("a.txt")).expect("removed"),
            &|sandbox| sandbox.write("a.txt", ""),
            &|sandbox| sandbox.write("a.txt", "a longer te"),
            &|sandbox| {
                sandbox.git(&["read-tree", "-m", "-u", "HEAD", "task"]);
            },
        ];
        for (number, left) in left.iter().enumerate() {
            for forward in [true, false] {
                for moved in [true, false] {
                    let sandbox = Sandbox::new();
                    let step = planned(&sandbox);
                    left(&sandbox);
                    // With the ref at its end the index was written before.
                    if moved && number == 4 {
                        sandbox.git(&["update-ref", "refs/heads/main", &step.new]);
                    }
                    let end =
                        if forward { step.new.clone() } else { step.old.clone().expect("it was there") };
                    for _ in 0..2 {
                        sandbox.repo().require_recoverable(&step, forward).expect("it can");
                        sandbox.repo().recover(&step, forward).expect("it does");
                        at(&sandbox, &end);
                    }
                }
            }
        }
    }

    #[test]
    fn what_somebody_else_changed_or_moved_is_named_and_nothing_is_touched() {
        let sandbox = Sandbox::new();
        let step = planned(&sandbox);
        sandbox.write("a.txt", "somebody's own\n");
        for forward in [true, false] {
            let error = sandbox.repo().recover(&step, forward).expect_err("foreign");
            assert!(matches!(error, GitError::Foreign { paths, .. } if paths == ["a.txt"]));
        }
        assert_eq!(sandbox.read("a.txt"), "somebody's own\n");
        sandbox.git(&["checkout", "--", "a.txt"]);
        let away = sandbox.commit("b", "b");
        assert_eq!(sandbox.repo().standing(&step).expect("asked"), Standing::Elsewhere(Some(away)));
        assert!(matches!(sandbox.repo().recover(&step, true), Err(GitError::Moved { .. })));
    }

    #[test]
    fn an_edit_made_after_the_move_was_whole_is_no_matter() {
        let sandbox = Sandbox::new();
        let step = planned(&sandbox);
        sandbox.repo().advance(&step.step().expect("a step")).expect("moved");
        sandbox.write("a.txt", "somebody's own\n");
        sandbox.repo().recover(&step, true).expect("it is there");
        assert_eq!(sandbox.read("a.txt"), "somebody's own\n");
        let on = sandbox.commit("c", "c");
        assert_eq!(sandbox.repo().standing(&step).expect("asked"), Standing::Beyond(on));
    }

    #[test]
    fn a_branch_that_the_move_makes_goes_again() {
        let sandbox = Sandbox::new();
        let step = HalfMove { branch: "release".to_owned(), old: None, new: sandbox.id("main") };
        for forward in [true, true, false, false] {
            sandbox.repo().recover(&step, forward).expect("done");
            assert_eq!(sandbox.repo().branch_id("release").expect("asked").is_some(), forward);
        }
    }

    #[test]
    fn only_locks_that_our_dead_child_can_have_made_go() {
        let sandbox = Sandbox::new();
        let second = sandbox.beside("second");
        sandbox.git(&["worktree", "add", "--quiet", "--force", second.to_str().expect("UTF-8"), "main"]);
        let git_dir = sandbox.dir().join(".git");
        let now = Timestamp::now();
        let ours = ["index.lock", "refs/heads/main.lock", "worktrees/second/index.lock"];
        for name in ours {
            fs::write(git_dir.join(name), "").expect("made");
        }
        let later = now.checked_add(jiff::SignedDuration::from_secs(60)).expect("a time");
        assert_eq!(sandbox.repo().remove_stale_locks("main", later).expect("asked"), [] as [PathBuf; 0]);
        let living = sandbox.beside("bin/git");
        fs::create_dir_all(living.parent().expect("a folder")).expect("made");
        fs::copy("/bin/sleep", &living).expect("copied");
        let mut child = crate::sys::Cmd::new(&living).arg("60").cwd(&second).start_inherited().expect("it");
        while procs::working_in("git", std::slice::from_ref(&second)).is_empty() {
            std::thread::yield_now();
        }
        assert!(is_reader(&["git", "-c", "x=y", "log", "-p"].map(str::to_owned)));
        assert!(!is_reader(&["git", "-C", "log", "commit", "-m", "show"].map(str::to_owned)));
        assert_eq!(sandbox.repo().remove_stale_locks("main", now).expect("asked"), [] as [PathBuf; 0]);
        child.kill().and_then(|()| child.wait()).expect("gone");
        assert_eq!(sandbox.repo().remove_stale_locks("main", now).expect("asked").len(), ours.len());
        write_in(&second, "x", "x");
        git_in(&second, &["add", "x"]);
    }
}
