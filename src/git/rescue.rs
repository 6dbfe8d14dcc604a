//! Rescue refs: everything of a worktree that no commit holds, saved before it goes.

use super::objects::one_id;
use super::path::join_nul;
use super::refs::branch_ref;
use super::rescue_files::{Haul, haul};
use super::status::PLAIN_INDEX;
use super::{GitError, GitResult, Head, Repository};
use crate::sys::Cmd;
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

    /// A detached HEAD that nothing else keeps.
    fn lonely_head(&self, head: &Head) -> GitResult<Option<String>> {
        let Head::Detached(id) = head else { return Ok(None) };
        let contains = format!("--contains={id}");
        let held = self.question().args(["for-each-ref", "--count=1", &contains]).run()?;
        Ok(held.stdout.is_empty().then(|| id.clone()))
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
