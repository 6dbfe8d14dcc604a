//! Rescue refs: everything of a worktree that no commit holds, saved before it goes.

use super::objects::one_id;
use super::path::{join_nul, split_nul};
use super::refs::branch_ref;
use super::rescue_files::{Haul, haul};
use super::status::PLAIN_INDEX;
use super::{GitError, GitResult, Head, RepoPath, Repository};
use crate::sys::Cmd;
use std::collections::BTreeSet;
use std::path::Path;

/// What a rescue may drop, and how much it saves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueLimits {
    /// Directories that can be made again: names (`node_modules`) or paths from the top (`web/dist`).
    pub disposable: Vec<String>,
    /// The largest file that is saved, in bytes.
    pub max_file: u64,
    /// The most that is saved in all, in bytes.
    pub max_total: u64,
}

/// What a rescue saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// The ref that holds it; `None` where there was nothing to save.
    pub reference: Option<String>,
    /// What was left behind: disposable directories, and what is no regular file.
    pub dropped: Vec<String>,
}

impl Repository {
    /// Saves the dirty, untracked and ignored files of a worktree as a commit on top of its HEAD, under a new ref;
    /// index and files stay as they are. What is staged and differs from the files becomes a second parent. A HEAD
    /// on no branch that no ref contains is saved as well.
    ///
    /// Refuses, before anything is written, what it cannot save whole: files over the limits, nested repositories,
    /// submodules with work of their own.
    pub fn rescue(&self, worktree: &Path, ref_name: &str, limits: &RescueLimits) -> GitResult<Rescue> {
        let place = self.at(worktree)?;
        let haul = haul(&place, limits)?;
        if !haul.refused.is_empty() {
            return Err(GitError::RescueRefused { worktree: place.dir().to_owned(), names: haul.refused });
        }
        let Some(commit) = place.rescue_commit(&haul)? else {
            return Ok(Rescue { reference: None, dropped: haul.dropped });
        };
        place.update_ref(ref_name, &commit, None)?;
        Ok(Rescue { reference: Some(ref_name.to_owned()), dropped: haul.dropped })
    }

    fn rescue_commit(&self, haul: &Haul) -> GitResult<Option<String>> {
        let head = self.head()?;
        let scratch = self.scratch()?;
        let index = scratch.copy_index(self)?;
        let cmd = || self.action().args(PLAIN_INDEX).env("GIT_INDEX_FILE", &index);
        // Conflict stages make no tree; their contents are in commits.
        let output = cmd().arg("write-tree").output()?;
        let staged = output.exit.is_ok().then(|| output.text());
        if !haul.save.is_empty() {
            self.clear_flags(&index, &self.flagged()?)?;
            let save = ["-c", "core.safecrlf=false", "update-index", "--add", "--remove", "--replace", "-z"];
            cmd().args(save).arg("--stdin").stdin(join_nul(&haul.save)).run()?;
            self.require_taken(&index, haul)?;
        }
        let tree = one_id(&cmd().arg("write-tree"))?;
        let head_tree = head.id().map(|id| self.tree_id(id)).transpose()?.flatten();
        let extra = staged.filter(|s| Some(s) != head_tree.as_ref() && *s != tree);
        let differs = match &head_tree {
            Some(head_tree) => *head_tree != tree || extra.is_some(),
            None => !haul.save.is_empty(),
        };
        if !differs {
            return self.lonely_head(&head);
        }
        let mut parents: Vec<String> = head.id().map(str::to_owned).into_iter().collect();
        if let Some(extra) = extra {
            let below: Vec<_> = parents.clone();
            parents.push(self.unsigned_commit(&extra, &below, "Staged when the worktree was rescued\n")?);
        }
        let name = self.dir().display();
        let message = format!("Files of {} that no commit held\n\n{name}\n", head.describe());
        self.unsigned_commit(&tree, &parents, &message).map(Some)
    }

    /// git skips paths that it finds improper (`.GIT/x`) and calls that success; a rescue does not.
    fn require_taken(&self, index: &Path, haul: &Haul) -> GitResult<()> {
        let cmd = self.question().args(PLAIN_INDEX).env("GIT_INDEX_FILE", index).args(["ls-files", "-z"]);
        let bytes = cmd.run()?.stdout;
        let taken: BTreeSet<_> = split_nul(&bytes).collect();
        let there = |path: &RepoPath| path.under(self.dir()).symlink_metadata().is_ok_and(|m| !m.is_dir());
        let left: Vec<_> =
            haul.save.iter().filter(|path| !taken.contains(path.as_bytes()) && there(path)).collect();
        if left.is_empty() {
            return Ok(());
        }
        let names = left.iter().map(|path| format!("{path} (git does not take this name)")).collect();
        Err(GitError::RescueRefused { worktree: self.dir().to_owned(), names })
    }

    /// A detached HEAD that nothing else keeps.
    fn lonely_head(&self, head: &Head) -> GitResult<Option<String>> {
        let Head::Detached(id) = head else { return Ok(None) };
        let contains = format!("--contains={id}");
        let keepers = self.question().args(["for-each-ref", "--count=1", &contains]).run()?;
        Ok(keepers.stdout.is_empty().then(|| id.clone()))
    }

    /// A commit that must come about: without a signature, and in our name where git knows none.
    fn unsigned_commit(&self, tree: &str, parents: &[String], message: &str) -> GitResult<String> {
        let mut cmd = self.action().args(["-c", "i18n.commitEncoding=UTF-8", "commit-tree"]);
        for parent in parents {
            cmd = cmd.args(["-p", parent]);
        }
        if !self.has_identity() {
            cmd = as_ourselves(cmd);
        }
        one_id(&cmd.arg(tree).stdin(message))
    }

    /// Saves a branch's commit under a new ref, before the branch goes; `None` where there is no such branch. A
    /// ref that is there at this very commit is fine.
    pub fn rescue_branch(&self, branch: &str, ref_name: &str) -> GitResult<Option<String>> {
        let Some(id) = self.ref_id(&branch_ref(branch))? else { return Ok(None) };
        if self.ref_id(ref_name)?.as_deref() != Some(&id) {
            self.update_ref(ref_name, &id, None)?;
        }
        Ok(Some(ref_name.to_owned()))
    }
}

fn as_ourselves(cmd: Cmd) -> Cmd {
    let mut cmd = cmd;
    for role in ["AUTHOR", "COMMITTER"] {
        cmd = cmd
            .env(format!("GIT_{role}_NAME"), "git-metawsm")
            .env(format!("GIT_{role}_EMAIL"), "git-metawsm@localhost");
    }
    cmd
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in, try_git_in, write_in};
    use super::*;
    use std::fs;

    const REF: &str = "refs/metawsm/rescue/run-1/w/repo/1";

    fn limits() -> RescueLimits {
        RescueLimits { disposable: vec!["node_modules".to_owned()], max_file: 1000, max_total: 3000 }
    }

    fn rescue(sandbox: &Sandbox, worktree: &Path) -> GitResult<Rescue> {
        sandbox.repo().rescue(worktree, REF, &limits())
    }

    #[test]
    fn dirty_untracked_ignored_and_hidden_files_are_saved_and_nothing_is_touched() {
        let sandbox = Sandbox::new();
        sandbox.commit(".gitignore", "*.env\nout/\n");
        for file in ["staged", "hidden", "deleted"] {
            sandbox.commit(file, "old\n");
        }
        let top = sandbox.worktree("w", "task");
        write_in(&top, "a.txt", "dirty\n");
        write_in(&top, "staged", "staged only\n");
        git_in(&top, &["add", "staged"]);
        write_in(&top, "staged", "old\n");
        git_in(&top, &["update-index", "--assume-unchanged", "hidden"]);
        write_in(&top, "hidden", "new\n");
        fs::remove_file(top.join("deleted")).expect("removed");
        write_in(&top, "un/tracked", "u\n");
        write_in(&top, "secret.env", "e\n");
        write_in(&top, "out/deep/o", "o\n");
        write_in(&top, "node_modules/x/y", "n\n");
        let before = git_in(&top, &["status", "--porcelain", "-uall"]);
        let rescue = rescue(&sandbox, &top).expect("saved");
        assert_eq!(rescue.reference.as_deref(), Some(REF));
        assert_eq!(rescue.dropped, ["node_modules/"]);
        assert_eq!(git_in(&top, &["status", "--porcelain", "-uall"]), before);
        sandbox.repo().remove_worktree(&top, true).expect("removed");
        let read = |path: &str| {
            let bytes = sandbox.repo().read_file(REF, path).expect("read");
            bytes.map(|b| String::from_utf8_lossy(&b).into_owned())
        };
        for (path, text) in [
            ("a.txt", "dirty\n"),
            ("hidden", "new\n"),
            ("un/tracked", "u\n"),
            ("secret.env", "e\n"),
            ("out/deep/o", "o\n"),
        ] {
            assert_eq!(read(path).as_deref(), Some(text), "{path}");
        }
        assert_eq!((read("deleted"), read("node_modules/x/y")), (None, None));
        assert_eq!(sandbox.id(&format!("{REF}^1")), sandbox.id("task"));
        assert_eq!(sandbox.git(&["show", &format!("{REF}^2:staged")]), "staged only");
    }

    #[test]
    fn a_clean_worktree_needs_no_rescue_and_a_lonely_head_does() {
        let sandbox = Sandbox::new();
        let top = sandbox.worktree("w", "task");
        assert_eq!(rescue(&sandbox, &top).expect("asked").reference, None);
        git_in(&top, &["switch", "--quiet", "--detach"]);
        assert_eq!(rescue(&sandbox, &top).expect("asked").reference, None);
        git_in(&top, &["commit", "--quiet", "--allow-empty", "-m", "Lonely"]);
        let lonely = git_in(&top, &["rev-parse", "HEAD"]);
        assert_eq!(rescue(&sandbox, &top).expect("asked").reference.as_deref(), Some(REF));
        assert_eq!(sandbox.id(REF), lonely);
    }

    #[test]
    fn caches_are_dropped_but_never_beside_tracked_files() {
        let sandbox = Sandbox::new();
        sandbox.commit("node_modules/tracked", "t\n");
        sandbox.write("node_modules/work", "w\n");
        sandbox.write("web/node_modules/x", "x\n");
        let tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
        sandbox.write("target/CACHEDIR.TAG", tag);
        sandbox.write("target/big", &"x".repeat(5000));
        sandbox.write("fake/CACHEDIR.TAG", "no signature");
        let rescue = rescue(&sandbox, &sandbox.dir()).expect("saved");
        assert_eq!(rescue.dropped, ["target/", "web/node_modules/"]);
        let saved = sandbox.repo().changed_paths("HEAD", REF).expect("asked");
        assert_eq!(saved, ["fake/CACHEDIR.TAG", "node_modules/work"]);
    }

    #[test]
    fn what_cannot_be_saved_whole_is_refused_by_name() {
        let sandbox = Sandbox::new();
        sandbox.commit(".gitignore", "ignored/\n");
        sandbox.write("big", &"x".repeat(2000));
        sandbox.git(&["init", "--quiet", "nested"]);
        sandbox.git(&["init", "--quiet", "ignored/deep/repo"]);
        let Err(GitError::RescueRefused { names, .. }) = rescue(&sandbox, &sandbox.dir()) else {
            panic!("refused")
        };
        let names = names.join("\n");
        for part in ["big (2000 bytes", "nested (a repository", "ignored/deep/repo (a repository"] {
            assert!(names.contains(part), "{names}");
        }
        assert_eq!(sandbox.repo().ref_id(REF).expect("asked"), None);

        let sandbox = Sandbox::new();
        sandbox.write(".GIT/x", "not a name for git\n");
        let error = rescue(&sandbox, &sandbox.dir()).expect_err("not taken");
        assert!(error.to_string().contains(".GIT/x"), "{error}");

        let sandbox = Sandbox::new();
        for n in 0..4 {
            sandbox.write(&format!("part{n}"), &"x".repeat(900));
        }
        let error = rescue(&sandbox, &sandbox.dir()).expect_err("too much");
        assert!(error.to_string().contains("3600 bytes in all"), "{error}");
    }

    #[test]
    fn a_submodule_with_work_of_its_own_is_refused() {
        let (inner, outer) = (Sandbox::new(), Sandbox::new());
        let url = inner.dir().display().to_string();
        outer.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
        outer.git(&["commit", "--quiet", "-m", "Submodule"]);
        assert_eq!(rescue(&outer, &outer.dir()).expect("published").reference, None);
        let sub = outer.dir().join("sub");
        git_in(
            &sub,
            &["-c", "user.name=T", "-c", "user.email=t@e", "commit", "--quiet", "--allow-empty", "-m", "x"],
        );
        outer.git(&["commit", "--quiet", "-am", "Newer submodule"]);
        assert!(matches!(rescue(&outer, &outer.dir()), Err(GitError::RescueRefused { .. })));
    }

    #[test]
    fn conflicts_unborn_branches_and_a_nameless_user_are_no_hindrance() {
        let sandbox = Sandbox::new();
        sandbox.commit_on("side", "main", &[("a.txt", "side\n")]);
        sandbox.commit("a.txt", "main\n");
        assert!(!try_git_in(&sandbox.dir(), &["merge", "side"]));
        rescue(&sandbox, &sandbox.dir()).expect("saved");
        assert!(sandbox.git(&["show", &format!("{REF}:a.txt")]).contains("<<<<<<<"));

        let sandbox = Sandbox::empty(&[]);
        for key in ["user.name", "user.email"] {
            sandbox.git(&["config", "--unset", key]);
        }
        sandbox.git(&["config", "user.useConfigOnly", "true"]);
        assert_eq!(rescue(&sandbox, &sandbox.dir()).expect("asked").reference, None);
        sandbox.write("first", "1\n");
        rescue(&sandbox, &sandbox.dir()).expect("saved");
        assert_eq!(sandbox.git(&["show", &format!("{REF}:first")]), "1");
    }

    #[test]
    fn a_branch_is_kept_behind_a_rescue_ref() {
        let sandbox = Sandbox::new();
        let id = sandbox.commit_on("task", "main", &[("t", "t")]);
        for _ in 0..2 {
            let kept = sandbox.repo().rescue_branch("task", REF).expect("kept");
            assert_eq!(kept.as_deref(), Some(REF));
        }
        sandbox.repo().delete_ref("refs/heads/task", &id).expect("deleted");
        assert_eq!(sandbox.id(REF), id);
        assert_eq!(sandbox.repo().rescue_branch("task", "refs/metawsm/rescue/x").expect("asked"), None);
    }
}
