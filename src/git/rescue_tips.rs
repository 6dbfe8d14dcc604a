//! Commits that only a worktree, or only a branch that is about to go, names.

use super::command::question_in;
use super::path::split_nul;
use super::refs::{branch_ref, is_id};
use super::{GitResult, Head, Repository};
use crate::sys::Cmd;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Directories of a half done operation.
const OPERATIONS: [&str; 3] = ["rebase-merge", "rebase-apply", "sequencer"];
/// Refs that each worktree has for itself.
const PRIVATE_REFS: [&str; 3] = ["refs/bisect", "refs/worktree", "refs/rewritten"];
/// Files of an operation that name commits are small.
const MOST_OF_A_FILE: u64 = 1 << 20;

impl Repository {
    /// Every commit that the files of this worktree's git directory name: HEAD and its reflog, what merges and picks
    /// are at, what a rebase has set aside, its own refs.
    pub(super) fn private_tips(&self, head: &Head) -> GitResult<BTreeSet<String>> {
        let mut tips = tips_in(self.git_dir());
        tips.extend(head.id().map(str::to_owned));
        let refs = self.question().args(["for-each-ref", "--format=%(objectname)"]).args(PRIVATE_REFS);
        tips.extend(refs.run()?.text().lines().map(str::to_owned));
        Ok(tips)
    }

    /// What a branch and its reflog name.
    pub(super) fn branch_tips(&self, branch: &str) -> BTreeSet<String> {
        let mut tips = BTreeSet::new();
        logged(&self.common_dir().join("logs").join(branch_ref(branch)), &mut tips);
        tips
    }

    /// Of these commits those that no ref of the repository contains (`without`: a branch that does not count), each
    /// unless another one of them contains it. Ids that name no commit any more are passed over.
    pub(super) fn lost_commits(
        &self,
        tips: &BTreeSet<String>,
        without: Option<&str>,
    ) -> GitResult<Vec<String>> {
        let tips = self.present(tips)?;
        if tips.is_empty() {
            return Ok(Vec::new());
        }
        let lost = if let Some(lost) = self.unreached(&tips, without)? {
            lost
        } else {
            // One of them has lost its own past: that one cannot be kept, and must not cost us the others.
            let mut lost = BTreeMap::new();
            for tip in &tips {
                lost.extend(self.unreached(&BTreeSet::from([tip.clone()]), without)?.unwrap_or_default());
            }
            lost
        };
        let inner: BTreeSet<_> = lost.values().flatten().collect();
        Ok(tips.iter().filter(|tip| lost.contains_key(*tip) && !inner.contains(tip)).cloned().collect())
    }

    /// Whether a branch, a tag or any other ref contains a commit.
    pub fn is_held_by_a_ref(&self, id: &str) -> GitResult<bool> {
        let contains = format!("--contains={id}");
        let keepers = self.common_question().args(["for-each-ref", "--count=1", &contains]).run()?;
        Ok(!keepers.stdout.is_empty())
    }

    /// Whether git was killed while it made this worktree: the lock on it is git's own.
    pub fn is_unfinished_worktree(&self, worktree: &Path) -> GitResult<bool> {
        let Ok(place) = self.at(worktree) else { return Ok(false) };
        let reason = crate::sys::files::find_text(&place.git_dir().join("locked"))?;
        Ok(reason.is_some_and(|reason| reason.trim() == "initializing"))
    }

    /// The ids that name commits which are there.
    fn present(&self, ids: &BTreeSet<String>) -> GitResult<BTreeSet<String>> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let lines: Vec<_> = ids.iter().map(String::as_str).collect();
        let cmd = self.common_question().args(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
        let text = cmd.stdin(lines.join("\n") + "\n").run()?.text();
        Ok(text.lines().filter_map(|line| line.strip_suffix(" commit")).map(str::to_owned).collect())
    }

    /// Every commit below these that no ref contains, with its parents; `None` where history is incomplete.
    fn unreached(
        &self,
        tips: &BTreeSet<String>,
        without: Option<&str>,
    ) -> GitResult<Option<BTreeMap<String, Vec<String>>>> {
        let lines: Vec<_> = tips.iter().map(String::as_str).collect();
        let mut cmd =
            self.common_question().args(["rev-list", "--parents", "--single-worktree", "--stdin", "--not"]);
        if let Some(branch) = without {
            cmd = cmd.arg(format!("--exclude={}", branch_ref(branch)));
        }
        let output = cmd.arg("--all").stdin(lines.join("\n") + "\n").output()?;
        if !output.exit.is_ok() {
            return Ok(None);
        }
        let mut lost = BTreeMap::new();
        for line in output.text().lines() {
            let mut ids = line.split(' ').map(str::to_owned);
            lost.extend(ids.next().map(|id| (id, ids.collect())));
        }
        Ok(Some(lost))
    }

    /// A question from the common directory: HEAD and refs of the worktree at hand do not count.
    fn common_question(&self) -> Cmd {
        question_in(self.common_dir()).arg("--git-dir").arg(self.common_dir())
    }
}

/// What the files of a worktree's git directory name.
pub(super) fn tips_in(git_dir: &Path) -> BTreeSet<String> {
    let mut tips = BTreeSet::new();
    logged(&git_dir.join("logs/HEAD"), &mut tips);
    for entry in fs::read_dir(git_dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What was fetched is no work of this worktree.
        if (name.ends_with("HEAD") && name != "FETCH_HEAD") || name.ends_with("_AUTOSTASH") {
            named(&entry.path(), &mut tips);
        }
    }
    for dir in OPERATIONS {
        for entry in fs::read_dir(git_dir.join(dir)).into_iter().flatten().flatten() {
            named(&entry.path(), &mut tips);
        }
    }
    tips
}

/// The ids among the words of a file.
fn named(path: &Path, tips: &mut BTreeSet<String>) {
    if path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= MOST_OF_A_FILE) {
        let bytes = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        tips.extend(text.split_whitespace().filter(|word| is_tip(word)).map(str::to_owned));
    }
}

/// The ids of a reflog, before and after each move.
fn logged(path: &Path, tips: &mut BTreeSet<String>) {
    let bytes = fs::read(path).unwrap_or_default();
    for line in bytes.split(|b| *b == b'\n') {
        let words = line.split(|b| *b == b' ').take(2).filter_map(|word| std::str::from_utf8(word).ok());
        tips.extend(words.filter(|word| is_tip(word)).map(str::to_owned));
    }
}

fn is_tip(word: &str) -> bool {
    is_id(word) && word.bytes().any(|b| b != b'0')
}

impl Repository {
    /// Repositories of submodules in this worktree's git directory, which go with it, and that hold commits which no
    /// remote has: by the names under which git keeps them.
    pub(super) fn unpublished_modules(&self) -> Vec<String> {
        let top = self.git_dir().join("modules");
        let (mut found, mut next) = (Vec::new(), vec![top.clone()]);
        while let Some(dir) = next.pop() {
            if dir.join("HEAD").is_file() && dir.join("objects").is_dir() {
                if !is_published(&dir) {
                    found.push(dir.strip_prefix(&top).unwrap_or(&dir).display().to_string());
                }
                next.push(dir.join("modules"));
                continue;
            }
            next.extend(
                fs::read_dir(&dir).into_iter().flatten().flatten().map(|e| e.path()).filter(|p| p.is_dir()),
            );
        }
        found.sort();
        found
    }
}

/// Whether remotes have every commit that HEAD, branches, stashes and reflogs of a repository name.
fn is_published(git_dir: &Path) -> bool {
    let ask = ["rev-list", "--max-count=1", "HEAD", "--all", "--reflog", "--not", "--remotes", "--tags"];
    let cmd = question_in(git_dir).arg("--git-dir").arg(git_dir).args(["-c", "core.bare=true"]).args(ask);
    cmd.output().is_ok_and(|o| o.exit.is_ok() && split_nul(&o.stdout).next().is_none())
}
