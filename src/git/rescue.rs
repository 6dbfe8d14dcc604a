//! Rescue refs: everything of a worktree that no commit holds, and every commit that only it names, saved before it
//! goes.

use super::objects::one_id;
use super::path::{join_nul, split_nul};
use super::refs::{branch_ref, is_id};
use super::rescue_files::{Haul, Item, haul};
use super::rescue_tips::tips_in;
use super::rescued::{Note, SavedKind};
use super::status::PLAIN_INDEX;
use super::{GitError, GitResult, Head, RepoPath, Repository};
use crate::sys::{Cmd, clock};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a rescue may drop, and how much it saves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueLimits {
    /// Ignored directories that can be made again: names (`node_modules`) or paths from the top (`web/dist`).
    pub disposable: Vec<String>,
    /// The largest file that is saved, in bytes.
    pub max_file: u64,
    /// The most that is saved in all, in bytes.
    pub max_total: u64,
}

/// What is to be saved, and where.
#[derive(Debug, Clone, Copy)]
pub struct RescueOrder<'a> {
    /// The top of the worktree.
    pub worktree: &'a Path,
    /// The full name of the new ref.
    pub reference: &'a str,
    /// The command that the worktree would not survive.
    pub why: &'a str,
    /// What may be dropped, and how much is saved.
    pub limits: &'a RescueLimits,
    /// Files from beside the worktree that are saved with it: under which path, and where they lie.
    pub beside: &'a [(RepoPath, PathBuf)],
}

/// What a rescue saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// Where it is; `None` where there was nothing to save.
    pub kept: Option<Kept>,
    /// What was left behind: disposable directories, and what is no regular file.
    pub dropped: Vec<String>,
}

/// Where something was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The full name of the ref.
    pub reference: String,
    /// The id of what it names, by which people call it.
    pub id: String,
}

impl Repository {
    /// Saves the dirty, untracked and ignored files of a worktree, byte for byte, as a commit on top of its HEAD
    /// behind a new ref; index and files stay as they are. What is staged and differs from the files becomes a
    /// second parent. Commits that only this worktree names (a HEAD on no branch, what its reflog, a half done
    /// rebase or its own refs hold) become further ones.
    ///
    /// Refuses, before any ref is made, what it cannot save whole: files over the limits, nested repositories,
    /// submodules with work of their own, what cannot be read.
    pub fn rescue(&self, order: &RescueOrder<'_>) -> GitResult<Rescue> {
        let place = self.at(order.worktree)?;
        let mut haul = haul(&place, order.limits)?;
        haul.add_beside(order.beside);
        if !haul.refused.is_empty() {
            return Err(GitError::RescueRefused { worktree: place.dir().to_owned(), names: haul.refused });
        }
        let head = place.head()?;
        let mut note = Note::new(order.why);
        note.branch = head.branch().map(str::to_owned);
        note.worktree = Some(place.dir().display().to_string());
        note.dropped.clone_from(&haul.dropped);
        note.commits = place.lost_commits(&place.private_tips(&head)?, None)?;
        let commit = match place.rescue_files(&haul, &head, &mut note)? {
            Some(commit) => commit,
            None if note.commits.is_empty() => return Ok(Rescue { kept: None, dropped: haul.dropped }),
            None => place.joined(&note.commits)?,
        };
        let kept = place.keep(&commit, order.reference, &note)?;
        Ok(Rescue { kept: Some(kept), dropped: haul.dropped })
    }

    /// Saves what the registration of a worktree holds whose directory is gone: what is staged, and the commits that
    /// nothing else names; `None` where there is nothing of that.
    pub fn rescue_registration(&self, git_dir: &Path, reference: &str, why: &str) -> GitResult<Option<Kept>> {
        let text = std::fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
        let head = match text.trim_end().strip_prefix("ref: ") {
            Some(name) => self.ref_id(name)?,
            None => Some(text.trim_end().to_owned()).filter(|id| is_id(id)),
        };
        let mut note = Note::new(why);
        note.branch = text.trim_end().strip_prefix("ref: refs/heads/").map(str::to_owned);
        let mut tips = tips_in(git_dir);
        tips.extend(head.clone());
        note.commits = self.lost_commits(&tips, None)?;
        let scratch = self.scratch()?;
        let index = scratch.join("index");
        let staged = match std::fs::copy(git_dir.join("index"), &index) {
            Ok(_) => Some(self.staged_tree_of(git_dir, &index)?),
            Err(_) => None,
        };
        let head_tree = head.as_deref().map(|id| self.tree_id(id)).transpose()?.flatten();
        let commit = match staged.filter(|tree| Some(tree) != head_tree.as_ref()) {
            Some(tree) => {
                note.kind = SavedKind::Files;
                note.head.clone_from(&head);
                let lost = note.commits.iter().filter(|id| head.as_ref() != Some(id));
                let parents: Vec<_> = head.iter().chain(lost).cloned().collect();
                let message = "Staged in a worktree whose directory is gone\n";
                self.unsigned_commit(&tree, &parents, message)?
            }
            None if note.commits.is_empty() => return Ok(None),
            None => self.joined(&note.commits)?,
        };
        self.keep(&commit, reference, &note).map(Some)
    }

    /// What a rescue of the worktree would refuse to save, each with the reason.
    pub fn rescue_refusals(&self, worktree: &Path, limits: &RescueLimits) -> GitResult<Vec<String>> {
        Ok(haul(&self.at(worktree)?, limits)?.refused)
    }

    /// The commit of the files, where they differ from HEAD.
    fn rescue_files(&self, haul: &Haul, head: &Head, note: &mut Note) -> GitResult<Option<String>> {
        let scratch = self.scratch()?;
        let index = scratch.copy_index(self)?;
        let cmd = || self.action().args(PLAIN_INDEX).env("GIT_INDEX_FILE", &index);
        let staged = self.staged_tree_of(self.git_dir(), &index)?;
        if !haul.save.is_empty() {
            self.clear_flags(&index, &self.flagged()?)?;
            let lines = self.index_lines(&haul.save)?;
            let take = ["update-index", "--add", "--replace", "-z", "--index-info"];
            cmd().args(take).stdin(lines).run()?;
            self.require_taken(&index, haul)?;
        }
        let tree = one_id(&cmd().arg("write-tree"))?;
        let head_tree = head.id().map(|id| self.tree_id(id)).transpose()?.flatten();
        let extra = Some(staged).filter(|s| Some(s) != head_tree.as_ref() && *s != tree);
        let differs = match &head_tree {
            Some(head_tree) => *head_tree != tree || extra.is_some(),
            None => !haul.save.is_empty(),
        };
        if !differs {
            return Ok(None);
        }
        note.kind = SavedKind::Files;
        note.head = head.id().map(str::to_owned);
        (note.files, note.bytes) = (haul.save.len(), haul.bytes);
        let mut parents: Vec<String> = note.head.iter().cloned().collect();
        if let Some(extra) = extra {
            let id = self.unsigned_commit(&extra, &parents, "Staged when the worktree was rescued\n")?;
            parents.push(id.clone());
            note.staged = Some(id);
        }
        parents.extend(note.commits.iter().filter(|id| note.head.as_ref() != Some(id)).cloned());
        let name = self.dir().display();
        let message = format!("Files of {} that no commit held\n\n{name}\n", head.describe());
        self.unsigned_commit(&tree, &parents, &message).map(Some)
    }

    /// The tree of what is staged. Conflict stages make no tree: their paths are left out, their contents are in
    /// commits.
    fn staged_tree_of(&self, git_dir: &Path, index: &Path) -> GitResult<String> {
        let cmd = |index: &Path| {
            let cmd = self.object_action_in(git_dir);
            cmd.args(PLAIN_INDEX).env("GIT_INDEX_FILE", index)
        };
        let unmerged = cmd(index).args(["ls-files", "--unmerged", "-z"]).run()?.stdout;
        if unmerged.is_empty() {
            return one_id(&cmd(index).arg("write-tree"));
        }
        let path =
            |line: &[u8]| line.iter().position(|b| *b == b'\t').map(|at| RepoPath::new(&line[at + 1..]));
        let paths: Vec<_> = split_nul(&unmerged).filter_map(path).collect();
        let copy = index.with_extension("staged");
        std::fs::copy(index, &copy).map_err(|e| crate::sys::SysError::file("copy", index, e))?;
        let drop = ["update-index", "--force-remove", "-z", "--stdin"];
        cmd(&copy).args(drop).stdin(join_nul(&paths)).run()?;
        one_id(&cmd(&copy).arg("write-tree"))
    }

    /// The files as lines of `update-index --index-info`: their very bytes, whatever filters and line endings are
    /// configured; what is no file any more is taken out.
    fn index_lines(&self, items: &[Item]) -> GitResult<Vec<u8>> {
        let mut lines = Vec::new();
        let add = |lines: &mut Vec<u8>, mode: &str, id: &str, path: &RepoPath| {
            lines.extend_from_slice(format!("{mode} {id}\t").as_bytes());
            lines.extend_from_slice(path.as_bytes());
            lines.push(0);
        };
        let zero = "0".repeat(self.id_length()?);
        let mut files = Vec::new();
        for item in items {
            match item.from.symlink_metadata() {
                Ok(meta) if meta.is_file() => files.push((item, is_executable(&meta))),
                Ok(meta) if meta.is_symlink() => {
                    let target = std::fs::read_link(&item.from);
                    let target = target.map_err(|e| crate::sys::SysError::file("read", &item.from, e))?;
                    let bytes = RepoPath::of(&target).as_bytes().to_vec();
                    let cmd = self.action().args(["hash-object", "-w", "--no-filters", "--stdin"]);
                    add(&mut lines, "120000", &one_id(&cmd.stdin(bytes))?, &item.path);
                }
                _ => add(&mut lines, "0", &zero, &item.path),
            }
        }
        for some in chunks(&files) {
            let cmd = self.action().args(["hash-object", "-w", "--no-filters", "--"]);
            let text = cmd.args(some.iter().map(|(item, _)| &item.from)).run()?.text();
            for ((item, executable), id) in some.iter().zip(text.lines()) {
                add(&mut lines, if *executable { "100755" } else { "100644" }, id, &item.path);
            }
        }
        Ok(lines)
    }

    pub(super) fn id_length(&self) -> GitResult<usize> {
        let format = self.question().args(["rev-parse", "--show-object-format"]).run()?.text();
        Ok(if format == "sha256" { 64 } else { 40 })
    }

    /// git skips paths that it finds improper (`.GIT/x`) and calls that success; a rescue does not.
    fn require_taken(&self, index: &Path, haul: &Haul) -> GitResult<()> {
        let cmd = self.question().args(PLAIN_INDEX).env("GIT_INDEX_FILE", index).args(["ls-files", "-z"]);
        let bytes = cmd.run()?.stdout;
        let taken: BTreeSet<_> = split_nul(&bytes).collect();
        let there = |item: &Item| item.from.symlink_metadata().is_ok_and(|m| !m.is_dir());
        let left = haul.save.iter().filter(|item| !taken.contains(item.path.as_bytes()) && there(item));
        let names: Vec<_> = left.map(|i| format!("{} (git does not take this name)", i.path)).collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(GitError::RescueRefused { worktree: self.dir().to_owned(), names })
    }

    /// A commit that must come about: without a signature, and in our name where git knows none.
    pub(super) fn unsigned_commit(&self, tree: &str, parents: &[String], message: &str) -> GitResult<String> {
        let mut cmd = self.action().args(["-c", "i18n.commitEncoding=UTF-8", "commit-tree"]);
        for parent in parents {
            cmd = cmd.args(["-p", parent]);
        }
        if !self.has_identity() {
            cmd = as_ourselves(cmd);
        }
        one_id(&cmd.arg(tree).stdin(message))
    }

    /// One commit behind which all of these are: itself where there is one only.
    fn joined(&self, commits: &[String]) -> GitResult<String> {
        let [first, rest @ ..] = commits else {
            return Err(GitError::odd("No commit was given to be kept."));
        };
        if rest.is_empty() {
            return Ok(first.clone());
        }
        let odd = || GitError::odd(format!("The commit {first} has no tree"));
        let tree = self.tree_id(first)?.ok_or_else(odd)?;
        self.unsigned_commit(&tree, commits, "Commits that no branch held\n")
    }

    /// Puts a commit behind a new ref, with the note that tells what it is.
    fn keep(&self, commit: &str, reference: &str, note: &Note) -> GitResult<Kept> {
        let now = clock::now();
        let at = now.as_second();
        let who = format!("tagger git-metawsm <git-metawsm@localhost> {at} +0000");
        let text = note.text(now, reference);
        let tag = format!("object {commit}\ntype commit\ntag rescue\n{who}\n\n{text}");
        let id = one_id(&self.action().arg("mktag").stdin(tag))?;
        self.update_ref(reference, &id, None)?;
        Ok(Kept { reference: reference.to_owned(), id })
    }

    /// Saves a branch under a new ref before it goes, with the commits that only its reflog names; `None` where
    /// there is no such branch. Where `is_held` (base contains it) only those of the reflog are worth it.
    pub fn rescue_branch(
        &self,
        branch: &str,
        reference: &str,
        why: &str,
        is_held: bool,
    ) -> GitResult<Option<Kept>> {
        let Some(id) = self.ref_id(&branch_ref(branch))? else { return Ok(None) };
        let mut note = Note::new(why);
        note.branch = Some(branch.to_owned());
        let lost = self.lost_commits(&self.branch_tips(branch), Some(branch))?;
        if is_held && lost.is_empty() {
            return Ok(None);
        }
        if !is_held {
            note.kind = SavedKind::Branch;
            note.head = Some(id.clone());
        }
        note.commits = lost.into_iter().filter(|lost| is_held || *lost != id).collect();
        let mut all = note.commits.clone();
        if !is_held {
            all.insert(0, id);
        }
        let commit = self.joined(&all)?;
        self.keep(&commit, reference, &note).map(Some)
    }
}

fn is_executable(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o100 != 0
}

/// As many files as a command line surely takes.
fn chunks<'a, 'b>(files: &'a [(&'b Item, bool)]) -> impl Iterator<Item = &'a [(&'b Item, bool)]> {
    let mut rest = files;
    std::iter::from_fn(move || {
        let mut room = 64 << 10;
        let fits = |(item, _): &&(&Item, bool)| {
            let length = item.from.as_os_str().len() + 1;
            let fits = length <= room;
            room = room.saturating_sub(length);
            fits
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (some, later) = rest.split_at(count);
        rest = later;
        (!some.is_empty()).then_some(some)
    })
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
#[path = "rescue_tests.rs"]
mod tests;
