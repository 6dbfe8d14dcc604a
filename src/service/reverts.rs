//! Whether base took the work of a branch back: a commit of base that says "This reverts commit ..." of a merge of it.

use super::ServiceResult;
use crate::git::{Commit, Repository};
use crate::model::{RepoName, Run, RunWorktree};
use std::collections::{HashMap, HashSet};

/// A commit of base that takes an earlier merge of a branch back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revert {
    /// The commit that reverts, a full id.
    pub by: String,
    /// What it reverts, a full id.
    pub of: String,
}

/// The revert by which `onto` (a commit of base) lacks work of this branch that it once held; `None` where there is
/// none, or where it was itself reverted. After such a revert git calls the branch merged and brings nothing back.
/// What `--landed` has said of a later commit counts more.
pub(super) fn find_revert(
    repository: &Repository,
    run: &Run,
    tree: &RunWorktree,
    (head, onto): (&str, &str),
) -> ServiceResult<Option<Revert>> {
    if tree.start.is_empty() || head == tree.start || onto == tree.start {
        return Ok(None);
    }
    // Parents before children: what base got since the branch began.
    let history = repository.commits(&tree.start, onto)?;
    let undone = undone(&history);
    if undone.is_empty() {
        return Ok(None);
    }
    let own = Own::of(repository, tree, head)?;
    let brought = Brought { repository, run, tree, head, onto };
    for (commit, part) in brought.by(&history, &own)? {
        let Some(by) = undone.get(commit.as_str()) else { continue };
        // A branch that took back a commit of its own has done so on purpose.
        if part && repository.is_ancestor(by, head)? {
            continue;
        }
        if !is_answered(repository, run, (&tree.repo, head), by)? {
            return Ok(Some(Revert { by: (*by).to_owned(), of: commit }));
        }
    }
    Ok(None)
}

/// What is reverted in a history (newest first), with the commit that does it; a reverted revert undoes nothing.
fn undone(history: &[Commit]) -> HashMap<String, &str> {
    let mut undone: HashMap<String, &str> = HashMap::new();
    for commit in history {
        if undone.contains_key(&commit.id) {
            continue;
        }
        for id in reverted_by(&commit.body) {
            undone.entry(id).or_insert(&commit.id);
        }
    }
    undone
}

/// The commits that a message says it reverts, in the words that git writes.
fn reverted_by(body: &str) -> Vec<String> {
    let ids = body.match_indices("This reverts commit ").filter_map(|(at, words)| {
        let rest = &body[at + words.len()..];
        let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        matches!(id.len(), 40 | 64).then(|| id.to_lowercase())
    });
    ids.collect()
}

/// The commits of a branch since its start, along its first parents.
struct Own {
    ids: HashSet<String>,
    /// Whether that line ends at the start: then every commit of it is the branch's own.
    from_start: bool,
}

impl Own {
    fn of(repository: &Repository, tree: &RunWorktree, head: &str) -> ServiceResult<Self> {
        let commits = repository.commits(&tree.start, head)?;
        let (ids, end) = line_of(&commits, head);
        Ok(Self { ids, from_start: end == Some(tree.start.as_str()) })
    }
}

/// What brought the work of a branch into base.
struct Brought<'a> {
    repository: &'a Repository,
    run: &'a Run,
    tree: &'a RunWorktree,
    head: &'a str,
    onto: &'a str,
}

impl Brought<'_> {
    /// The commits of base that brought it, and whether each is but a part of it.
    fn by(&self, history: &[Commit], own: &Own) -> ServiceResult<Vec<(String, bool)>> {
        let mut found = Vec::new();
        for (commit, merged) in self.told(history) {
            if own.ids.contains(&merged) || self.is_all_there_is(&merged, history)? {
                found.push((commit, false));
            }
        }
        for commit in history {
            let is_own = own.ids.contains(&commit.id);
            if !is_own && commit.parents.iter().skip(1).any(|parent| own.ids.contains(parent)) {
                found.push((commit.id.clone(), false));
            } else if is_own && own.from_start {
                // A fast-forward brought it.
                found.push((commit.id.clone(), true));
            }
        }
        Ok(found)
    }

    /// Commits of base with the head that each merged, by our record, our trailers, and somebody's word.
    fn told(&self, history: &[Commit]) -> Vec<(String, String)> {
        let (run, tree) = (self.run, self.tree);
        let ours = run.merges.iter().filter(|m| m.repo == tree.repo && m.ticket == tree.ticket);
        let said = run.landed.iter().filter(|l| l.repo == tree.repo);
        let told = ours.map(|m| (&m.commit, &m.head)).chain(said.map(|l| (&l.commit, &l.head)));
        let mut told: Vec<_> = told.map(|(commit, head)| (commit.clone(), head.clone())).collect();
        let marks = [format!("Metawsm-Merged: {}", run.id), format!("Metawsm-Ticket: {}", tree.ticket)];
        for commit in history {
            let is_ours = marks.iter().all(|mark| commit.body.lines().any(|line| line == mark));
            if let Some(merged) = commit.parents.get(1).filter(|_| is_ours) {
                told.push((commit.id.clone(), merged.clone()));
            }
        }
        told
    }

    /// Whether the branch is a later point of base's own line, which holds `merged`: it was fast-forwarded to base, and
    /// has nothing else to bring. One with new commits on top was made anew, and merges.
    fn is_all_there_is(&self, merged: &str, history: &[Commit]) -> ServiceResult<bool> {
        if !line_of(history, self.onto).0.contains(self.head) {
            return Ok(false);
        }
        Ok(self.repository.is_ancestor(merged, self.head)?)
    }
}

/// The commits of a history along first parents from one of them, and where that line leaves the history.
fn line_of<'a>(history: &'a [Commit], from: &'a str) -> (HashSet<String>, Option<&'a str>) {
    let parent: HashMap<_, _> =
        history.iter().map(|c| (c.id.as_str(), c.parents.first().map(String::as_str))).collect();
    let mut line = HashSet::new();
    let mut at = Some(from);
    while let Some(id) = at.filter(|id| parent.contains_key(id)) {
        line.insert(id.to_owned());
        at = parent.get(id).copied().flatten();
    }
    (line, at)
}

/// Whether somebody has said, of a commit after the revert, that it holds this head.
fn is_answered(
    repository: &Repository,
    run: &Run,
    (repo, head): (&RepoName, &str),
    by: &str,
) -> ServiceResult<bool> {
    for mark in run.landed.iter().filter(|l| l.repo == *repo && l.head == head) {
        if repository.is_ancestor(by, &mark.commit)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_revert_are_found_wherever_they_stand() {
        let id = "a".repeat(40);
        let other = "B".repeat(64);
        let body = format!(
            "This reverts commit {id}, reversing\nchanges made to {other}.\n\nThis reverts commit {other}."
        );
        assert_eq!(reverted_by(&body), [id, other.to_lowercase()]);
        assert!(reverted_by("This reverts commit abc123.").is_empty());
        assert!(reverted_by("This reverts commit ").is_empty());
    }

    #[test]
    fn a_reverted_revert_undoes_nothing() {
        let (work, first, second, third) = ("1".repeat(40), "2".repeat(40), "3".repeat(40), "4".repeat(40));
        let commit = |id: &str, of: &str| Commit {
            id: id.to_owned(),
            parents: Vec::new(),
            author: String::new(),
            subject: String::new(),
            body: format!("This reverts commit {of}."),
        };
        let two = [commit(&second, &first), commit(&first, &work)];
        assert!(!undone(&two).contains_key(&work));
        let three = [commit(&third, &second), commit(&second, &first), commit(&first, &work)];
        assert_eq!(undone(&three).get(&work), Some(&first.as_str()));
    }
}
