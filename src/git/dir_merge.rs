//! Merging two versions of a directory, as objects: nothing in any worktree changes.

use super::objects::one_id;
use super::{EntryKind, GitError, GitResult, Merged, RepoPath, Repository};
use std::collections::{BTreeMap, BTreeSet};

/// Which of two versions is kept where both changed the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first one.
    Ours,
    /// The second one.
    Theirs,
}

/// What merging two versions of a directory gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirMerge {
    /// A tree; its objects are on disk.
    Clean {
        /// The tree's id.
        tree: String,
    },
    /// Conflicts.
    Conflict {
        /// The files in conflict, sorted.
        files: Vec<RepoPath>,
    },
}

/// Mode and id of each version of a file in conflict: base, ours, theirs.
type Versions = [Option<(String, String)>; 3];

impl Repository {
    /// The tree (an id) with a directory replaced by another tree, or removed. Directories above it are made and, once
    /// empty, removed; a file in place of one of them is an error.
    pub fn graft(&self, tree: &str, dir: &str, new: Option<&str>) -> GitResult<String> {
        let (first, rest) = dir.split_once('/').unwrap_or((dir, ""));
        let mut entries = self.list_tree(tree, "", false)?;
        let at = entries.iter().position(|entry| entry.path == *first);
        let old = at.map(|at| entries.remove(at));
        if let Some(old) = &old
            && old.kind != EntryKind::Tree
        {
            return Err(GitError::odd(format!("{first} is a file or a link, and no directory.")));
        }
        let id = if rest.is_empty() {
            new.map(str::to_owned)
        } else {
            let below = match &old {
                Some(old) => old.id.clone(),
                None if new.is_none() => return Ok(tree.to_owned()),
                None => self.empty_tree()?,
            };
            let below = self.graft(&below, rest, new)?;
            (below != self.empty_tree()?).then_some(below)
        };
        let mut list = Vec::new();
        let kept = entries.iter().map(|e| (e.mode, e.kind, e.id.as_str(), e.path.as_bytes()));
        let put = id.iter().map(|id| (0o040_000, EntryKind::Tree, id.as_str(), first.as_bytes()));
        for (mode, kind, id, name) in kept.chain(put) {
            let kind = match kind {
                EntryKind::Blob => "blob",
                EntryKind::Tree => "tree",
                EntryKind::Commit => "commit",
            };
            list.extend_from_slice(format!("{mode:06o} {kind} {id}\t").as_bytes());
            list.extend_from_slice(name);
            list.push(0);
        }
        one_id(&self.object_action().args(["mktree", "-z"]).stdin(list))
    }

    /// The id of the tree that holds nothing.
    pub fn empty_tree(&self) -> GitResult<String> {
        one_id(&self.object_action().args(["mktree", "-z"]))
    }

    /// Merges two trees (full ids) that come from `base` (`None`: from nothing), as git merges commits that hold them,
    /// under the attributes of `ours`. With `favour` each file in conflict is as in that version, whole, and the rest
    /// is merged. What is computed is durable; no ref moves.
    pub fn merge_dirs(
        &self,
        base: Option<&str>,
        ours: &str,
        theirs: &str,
        favour: Option<Side>,
    ) -> GitResult<DirMerge> {
        let base = match base {
            Some(base) => base.to_owned(),
            None => self.empty_tree()?,
        };
        if let Some(tree) = taken_whole(&base, ours, theirs) {
            return Ok(DirMerge::Clean { tree: tree.to_owned() });
        }
        let root = self.scratch_commit(&base, &[])?;
        let heads = [self.scratch_commit(ours, &[&root])?, self.scratch_commit(theirs, &[&root])?];
        let files = match self.merge_trees(&heads[0], &heads[1])? {
            Merged::Clean { tree } => return Ok(DirMerge::Clean { tree }),
            Merged::Conflict { files } => files,
            Merged::Unrelated => return Err(GitError::odd("Two versions of one base share no history.")),
        };
        match favour {
            Some(side) => self.settle_conflicts(&heads, (ours, theirs), side),
            None => Ok(DirMerge::Conflict { files: self.named(files, &heads)? }),
        }
    }

    /// The names that files in conflict have in the versions: git calls a file that is a directory elsewhere
    /// `name~<commit>`.
    fn named(&self, files: Vec<RepoPath>, heads: &[String; 2]) -> GitResult<Vec<RepoPath>> {
        let mut names = BTreeSet::new();
        for path in files {
            let told = heads.iter().find_map(|head| without_label(&path, head));
            names.insert(match told {
                Some(told) if self.made_up(&path, heads)? => told,
                _ => path,
            });
        }
        Ok(names.into_iter().collect())
    }

    fn made_up(&self, path: &RepoPath, heads: &[String; 2]) -> GitResult<bool> {
        let Some(path) = path.as_str() else { return Ok(true) };
        for head in heads {
            if self.path_id(head, path)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn settle_conflicts(
        &self,
        heads: &[String; 2],
        (ours, theirs): (&str, &str),
        side: Side,
    ) -> GitResult<DirMerge> {
        let (tree, conflicts) = self.conflicted_tree(&heads[0], &heads[1])?;
        let favoured = match side {
            Side::Ours => ours,
            Side::Theirs => theirs,
        };
        let mut merged: BTreeMap<RepoPath, (String, String)> = self.files_of(&tree)?;
        let whole = self.files_of(favoured)?;
        for (path, versions) in &conflicts {
            merged.remove(path);
            let told = heads.iter().find_map(|head| without_label(path, head));
            if let Some(told) = told.filter(|_| !heads_hold(&whole, path)) {
                // A file here, a directory there: all of it as in the favoured version.
                merged.retain(|other, _| !other.is_below(&told));
                merged.extend(
                    whole.iter().filter(|(p, _)| p.is_below(&told)).map(|(p, f)| (p.clone(), f.clone())),
                );
                continue;
            }
            let version = versions[if side == Side::Ours { 1 } else { 2 }].clone();
            if let Some(version) = version {
                merged.insert(path.clone(), version);
            }
        }
        let files: Vec<_> = conflicts.into_keys().collect();
        // What git tells of by messages alone cannot be settled file by file.
        let clash = merged.keys().any(|path| parents(path).any(|above| merged.contains_key(&above)));
        if files.is_empty() || clash {
            let files = self.named(files, heads)?;
            return Ok(DirMerge::Conflict { files });
        }
        Ok(DirMerge::Clean { tree: self.tree_with(&merged)? })
    }

    /// The tree of a merge with conflicts, and the versions of each file in conflict.
    fn conflicted_tree(&self, one: &str, other: &str) -> GitResult<(String, BTreeMap<RepoPath, Versions>)> {
        let output = self.conflicts(one, other)?;
        let mut fields = output.split(|b| *b == 0);
        let tree = String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
        let mut conflicts: BTreeMap<RepoPath, Versions> = BTreeMap::new();
        for line in fields.take_while(|field| !field.is_empty()) {
            let odd = || GitError::odd("'git merge-tree' answered a line that cannot be understood.");
            let tab = line.iter().position(|b| *b == b'\t').ok_or_else(odd)?;
            let words = String::from_utf8_lossy(&line[..tab]).into_owned();
            let [mode, id, stage] = words.split(' ').collect::<Vec<_>>()[..] else { return Err(odd()) };
            let stage = stage.parse::<usize>().ok().filter(|s| (1..=3).contains(s)).ok_or_else(odd)?;
            let versions = conflicts.entry(RepoPath::new(&line[tab + 1..])).or_default();
            versions[stage - 1] = Some((mode.to_owned(), id.to_owned()));
        }
        Ok((tree, conflicts))
    }

    fn files_of(&self, tree: &str) -> GitResult<BTreeMap<RepoPath, (String, String)>> {
        let entries = self.list_tree(tree, "", true)?;
        Ok(entries.into_iter().map(|e| (e.path, (format!("{:06o}", e.mode), e.id))).collect())
    }

    fn tree_with(&self, files: &BTreeMap<RepoPath, (String, String)>) -> GitResult<String> {
        let scratch = self.scratch()?;
        let index = scratch.join("index");
        let cmd = || self.object_action().env("GIT_INDEX_FILE", &index);
        let mut lines = Vec::new();
        for (path, (mode, id)) in files {
            lines.extend_from_slice(format!("{mode} {id}\t").as_bytes());
            lines.extend_from_slice(path.as_bytes());
            lines.push(0);
        }
        if !lines.is_empty() {
            cmd().args(["update-index", "-z", "--index-info"]).stdin(lines).run()?;
        }
        one_id(&cmd().arg("write-tree"))
    }
}

/// The version to take where only one side changed, or both the same.
fn taken_whole<'a>(base: &str, ours: &'a str, theirs: &'a str) -> Option<&'a str> {
    if ours == theirs || theirs == base {
        Some(ours)
    } else if ours == base {
        Some(theirs)
    } else {
        None
    }
}

fn heads_hold(files: &BTreeMap<RepoPath, (String, String)>, path: &RepoPath) -> bool {
    files.contains_key(path)
}

/// The name before git added `~<commit>` (and a number) to it.
fn without_label(path: &RepoPath, commit: &str) -> Option<RepoPath> {
    let label = format!("~{commit}");
    let bytes = path.as_bytes();
    let at = bytes.windows(label.len()).rposition(|part| part == label.as_bytes())?;
    let rest = &bytes[at + label.len()..];
    (rest.is_empty() || rest.starts_with(b"_")).then(|| RepoPath::new(&bytes[..at]))
}

fn parents(path: &RepoPath) -> impl Iterator<Item = RepoPath> {
    let bytes = path.as_bytes();
    bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| RepoPath::new(&bytes[..at]))
}

/// The tree ids in the answers of `cat-file --batch-check`.
pub(super) fn tree_ids(bytes: &[u8]) -> BTreeSet<String> {
    let lines = bytes.split(|b| *b == b'\n').map(String::from_utf8_lossy);
    lines.filter_map(|line| line.split_once(" tree ").map(|(id, _)| id.to_owned())).collect()
}

#[cfg(test)]
#[path = "dir_merge_tests.rs"]
mod tests;
