//! Whether base holds a branch, as far as libgit2 can tell without starting a process: what `status` may ask of a
//! hundred runs.

use super::Repository;
use super::refs::branch_ref;
use git2::{ErrorCode, Oid};
use std::collections::{HashMap, HashSet};

/// A branch to look at, and where it should have gone.
#[derive(Debug, Clone, Copy)]
pub struct Outlook<'a> {
    /// The branch merged into.
    pub base: &'a str,
    /// The branch.
    pub branch: &'a str,
    /// Where it began, a full id.
    pub start: &'a str,
    /// Pairs of a head of the branch and a commit of base that holds it, by somebody's word; full ids.
    pub said: &'a [(&'a str, &'a str)],
}

/// What a look at a branch told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glance {
    /// Nothing: git has to be asked.
    Unknown,
    /// The branch brings nothing: it is gone, fresh, or what it did it has undone.
    Nothing,
    /// Base holds its work.
    Held(Seen),
    /// Nothing shows that base holds it; a merge might.
    Open(Seen),
}

/// The commits that were looked at, full ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The branch's head.
    pub head: String,
    /// The newer of base and its upstream.
    pub base: String,
}

/// How far back base's own line is walked to tell what a branch took in from it.
const MOST_PARENTS: usize = 20_000;

impl Repository {
    /// Looks at branches; one answer each. The repository is opened once, and no process is started.
    pub fn glance(&self, outlooks: &[Outlook<'_>]) -> Vec<Glance> {
        let Some(repo) = self.take_opened() else { return vec![Glance::Unknown; outlooks.len()] };
        let mut bases = HashMap::new();
        let mut glances = Vec::new();
        for outlook in outlooks {
            let base = bases.entry(outlook.base).or_insert_with(|| newest(&repo, outlook.base));
            glances.push(match base {
                Ok(Some(base)) => look(&repo, outlook, *base).unwrap_or(Glance::Unknown),
                _ => Glance::Unknown,
            });
        }
        self.put_back(repo);
        glances
    }
}

type Answer<T> = Result<T, git2::Error>;

/// A local branch, or its upstream where it is strictly behind that.
fn newest(repo: &git2::Repository, base: &str) -> Answer<Option<Oid>> {
    let name = branch_ref(base);
    let local = optional(repo.refname_to_id(&name))?;
    let tracking = match optional(repo.branch_upstream_name(&name))? {
        Some(tracking) => String::from_utf8_lossy(&tracking).into_owned(),
        None => format!("refs/remotes/origin/{base}"),
    };
    let upstream = optional(repo.refname_to_id(&tracking))?;
    Ok(match (local, upstream) {
        (Some(local), Some(upstream)) if repo.graph_descendant_of(upstream, local)? => Some(upstream),
        (Some(local), _) => Some(local),
        (None, upstream) => upstream,
    })
}

fn optional<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.code() == ErrorCode::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn look(repo: &git2::Repository, outlook: &Outlook<'_>, base: Oid) -> Answer<Glance> {
    let Some(head) = optional(repo.refname_to_id(&branch_ref(outlook.branch)))? else {
        return Ok(Glance::Nothing);
    };
    let Ok(start) = Oid::from_str(outlook.start) else { return Ok(Glance::Nothing) };
    if head == start {
        return Ok(Glance::Nothing);
    }
    let seen = Seen { head: head.to_string(), base: base.to_string() };
    // Where base has not moved since the branch began, it cannot have got anything.
    if base == start || !is_held(repo, outlook, head, base)? {
        return Ok(Glance::Open(seen));
    }
    Ok(if brings_nothing(repo, head, start, base)? { Glance::Nothing } else { Glance::Held(seen) })
}

fn is_held(repo: &git2::Repository, outlook: &Outlook<'_>, head: Oid, base: Oid) -> Answer<bool> {
    let reaches =
        |commit: Oid| Ok::<_, git2::Error>(base == commit || repo.graph_descendant_of(base, commit)?);
    if reaches(head)? {
        return Ok(true);
    }
    for (said_head, commit) in outlook.said {
        if *said_head == head.to_string()
            && let Ok(commit) = Oid::from_str(commit)
            && repo.find_commit(commit).is_ok()
            && reaches(commit)?
        {
            return Ok(true);
        }
    }
    has_same_content(repo, head, base)
}

/// Whether every path that the branch changed is in base as the branch has it: then a merge would change nothing.
fn has_same_content(repo: &git2::Repository, head: Oid, base: Oid) -> Answer<bool> {
    let Some(from) = optional(repo.merge_base(base, head))? else { return Ok(false) };
    let tree = |id: Oid| repo.find_commit(id)?.tree();
    let (from, head, base) = (tree(from)?, tree(head)?, tree(base)?);
    let diff = repo.diff_tree_to_tree(Some(&from), Some(&head), None)?;
    let mut paths = diff.deltas().flat_map(|delta| {
        [delta.old_file().path().map(ToOwned::to_owned), delta.new_file().path().map(ToOwned::to_owned)]
    });
    let entry = |tree: &git2::Tree<'_>, path: &std::path::Path| {
        Ok::<_, git2::Error>(optional(tree.get_path(path))?.map(|entry| (entry.id(), entry.filemode())))
    };
    paths.try_fold(true, |same, path| {
        let Some(path) = path.filter(|_| same) else { return Ok(false) };
        Ok(entry(&head, &path)? == entry(&base, &path)?)
    })
}

/// Whether the branch's head is, in content, where it began or what it last took in from base.
fn brings_nothing(repo: &git2::Repository, head: Oid, start: Oid, base: Oid) -> Answer<bool> {
    let tree = |id: Oid| Ok::<_, git2::Error>(repo.find_commit(id)?.tree_id());
    let mut at = head;
    for _ in 0..MOST_PARENTS {
        if at == start {
            break;
        }
        let commit = repo.find_commit(at)?;
        if let Ok(taken_in) = commit.parent_id(1)
            && first_parents(repo, base, start)?.contains(&taken_in)
        {
            return Ok(tree(head)? == tree(taken_in)?);
        }
        let Ok(parent) = commit.parent_id(0) else { break };
        at = parent;
    }
    Ok(tree(head)? == tree(start)?)
}

/// Base's own line, down to where a branch began.
fn first_parents(repo: &git2::Repository, base: Oid, start: Oid) -> Answer<HashSet<Oid>> {
    let mut line = HashSet::new();
    let mut at = base;
    while line.len() < MOST_PARENTS && at != start && line.insert(at) {
        let Ok(parent) = repo.find_commit(at)?.parent_id(0) else { break };
        at = parent;
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    fn glance(sandbox: &Sandbox, start: &str, said: &[(&str, &str)]) -> Glance {
        let outlook = Outlook { base: "main", branch: "task", start, said };
        sandbox.repo().glance(&[outlook]).remove(0)
    }

    /// A branch `task` that began at the answered commit and holds one commit of its own.
    fn worked(sandbox: &Sandbox) -> String {
        let start = sandbox.id("main");
        sandbox.commit_on("task", "main", &[("t", "task\n")]);
        start
    }

    fn is_held(glance: &Glance) -> bool {
        matches!(glance, Glance::Held(_))
    }

    #[test]
    fn work_that_base_does_not_hold_is_open_and_a_fresh_branch_is_nothing() {
        let sandbox = Sandbox::new();
        let start = sandbox.id("main");
        sandbox.git(&["branch", "task"]);
        assert_eq!(glance(&sandbox, &start, &[]), Glance::Nothing);
        worked(&sandbox);
        assert!(matches!(glance(&sandbox, &start, &[]), Glance::Open(_)));
        sandbox.commit("m", "m");
        assert!(matches!(glance(&sandbox, &start, &[]), Glance::Open(_)));
        sandbox.git(&["branch", "-D", "task"]);
        assert_eq!(glance(&sandbox, &start, &[]), Glance::Nothing);
    }

    #[test]
    fn merges_fast_forwards_squashes_and_rebases_are_seen() {
        let ways: [&[&[&str]]; 4] = [
            &[&["merge", "--quiet", "--no-ff", "-m", "m", "task"]],
            &[&["merge", "--quiet", "--ff-only", "task"]],
            &[&["merge", "--quiet", "--squash", "task"], &["commit", "--quiet", "-m", "Squashed"]],
            &[&["commit", "--quiet", "--allow-empty", "-m", "x"], &["cherry-pick", "task"]],
        ];
        for way in ways {
            let sandbox = Sandbox::new();
            let start = worked(&sandbox);
            for step in way {
                sandbox.git(step);
            }
            assert!(is_held(&glance(&sandbox, &start, &[])), "{way:?}");
        }
    }

    #[test]
    fn upstream_counts_once_it_is_fetched() {
        let server = Sandbox::new();
        let sandbox = server.clone_of();
        let start = worked(&sandbox);
        sandbox.git(&["push", "--quiet", "origin", "task"]);
        server.git(&["merge", "--quiet", "--no-ff", "-m", "m", "task"]);
        assert!(!is_held(&glance(&sandbox, &start, &[])));
        sandbox.git(&["fetch", "--quiet"]);
        assert!(is_held(&glance(&sandbox, &start, &[])));
    }

    #[test]
    fn somebodys_word_counts_for_this_head_while_base_holds_that_commit() {
        let sandbox = Sandbox::new();
        let start = worked(&sandbox);
        let head = sandbox.id("task");
        let commit = sandbox.commit("t", "task, edited\n");
        assert!(is_held(&glance(&sandbox, &start, &[(&head, &commit)])));
        assert!(!is_held(&glance(&sandbox, &start, &[(&start, &commit)])), "of another head");
        assert!(!is_held(&glance(&sandbox, &start, &[(&head, &"e".repeat(40))])), "no such commit");
        sandbox.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        sandbox.commit("other", "x");
        assert!(!is_held(&glance(&sandbox, &start, &[(&head, &commit)])), "base was set back");
    }

    #[test]
    fn empty_and_undone_work_is_nothing_even_when_it_was_merged() {
        let undo: [&[&[&str]]; 3] = [
            &[&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]],
            &[
                &["commit", "--quiet", "--allow-empty", "-m", "x"],
                &["merge", "--quiet", "-m", "take in", "main"],
            ],
            &[&["cherry-pick", "work"], &["revert", "--no-edit", "HEAD"]],
        ];
        for steps in undo {
            let sandbox = Sandbox::new();
            let start = sandbox.id("main");
            sandbox.commit_on("work", "main", &[("w", "w")]);
            sandbox.commit("m", "m");
            sandbox.git(&["switch", "--quiet", "-c", "task", &start]);
            for step in steps {
                sandbox.git(step);
            }
            sandbox.git(&["switch", "--quiet", "main"]);
            sandbox.git(&["merge", "--quiet", "--no-ff", "-m", "Merge task", "task"]);
            assert_eq!(glance(&sandbox, &start, &[]), Glance::Nothing, "{steps:?}");
        }
    }

    #[test]
    fn where_libgit2_cannot_read_nothing_is_said() {
        let sandbox = Sandbox::empty(&["--object-format=sha256"]);
        let start = sandbox.commit("a", "a");
        assert_eq!(glance(&sandbox, &start, &[]), Glance::Unknown);
    }
}
