//! What a move of a branch would bring in, and what a commit would hold.

use super::path::split_nul;
use super::refs::is_id;
use super::{GitError, GitResult, RepoPath, Repository};
use crate::sys::files;
use git2::{Index, Oid, Sort};
use std::collections::HashSet;
use std::path::Path;

/// A path as the index holds it, where HEAD holds it otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The path.
    pub path: RepoPath,
    /// The object in the index; `None` where the path is to be removed.
    pub id: Option<String>,
}

impl Repository {
    /// The repository of a hook: git names it by GIT_DIR, else by the working directory.
    pub fn of_hook(cwd: &Path, git_dir: Option<&Path>) -> GitResult<Self> {
        match git_dir {
            Some(dir) => Self::require(&cwd.join(dir)),
            None => Self::require(cwd),
        }
    }

    /// The commits reachable from a tip and from nothing that is known, newest first. Full ids; what is known and
    /// no longer here is passed over.
    pub fn outside(&self, tips: &[String], known: &[String]) -> GitResult<Vec<String>> {
        let mut here = Vec::new();
        for id in known.iter().filter(|id| is_id(id)) {
            here.extend(self.find_commit(id)?);
        }
        here.sort();
        here.dedup();
        self.answer(
            |repo| {
                let mut walk = repo.revwalk()?;
                walk.set_sorting(Sort::TOPOLOGICAL)?;
                for tip in tips {
                    walk.push(Oid::from_str(tip)?)?;
                }
                for id in &here {
                    walk.hide(Oid::from_str(id)?)?;
                }
                walk.map(|id| id.map(|id| id.to_string())).collect()
            },
            || {
                let lines = tips.iter().cloned().chain(here.iter().map(|id| format!("^{id}")));
                let input = lines.map(|line| line + "\n").collect::<String>();
                let cmd = self.question().args(["rev-list", "--topo-order", "--stdin"]).stdin(input);
                Ok(cmd.run()?.text().lines().map(str::to_owned).collect())
            },
        )
    }

    /// The commits made on a branch: from its head along first parents, until one is known.
    pub fn first_parents(&self, head: &str, known: &[String]) -> GitResult<Vec<String>> {
        let outside: HashSet<String> = self.outside(&[head.to_owned()], known)?.into_iter().collect();
        let mut chain = Vec::new();
        let mut next = Some(head.to_owned());
        while let Some(id) = next.filter(|id| outside.contains(id)) {
            next = self.parents(&id)?.into_iter().next();
            chain.push(id);
        }
        Ok(chain)
    }

    /// The parents of a commit.
    pub fn parents(&self, id: &str) -> GitResult<Vec<String>> {
        self.answer(
            |repo| Ok(repo.find_commit(Oid::from_str(id)?)?.parent_ids().map(|p| p.to_string()).collect()),
            || {
                let text =
                    self.question().args(["rev-list", "--parents", "--max-count=1", id, "--"]).run()?.text();
                Ok(text.split_whitespace().skip(1).map(str::to_owned).collect())
            },
        )
    }

    /// The whole message of a commit, invalid UTF-8 replaced.
    pub fn message(&self, id: &str) -> GitResult<String> {
        self.answer(
            |repo| {
                let commit = repo.find_commit(Oid::from_str(id)?)?;
                Ok(String::from_utf8_lossy(commit.message_bytes()).into_owned())
            },
            || Ok(self.question().args(["log", "--max-count=1", "--format=%B", id, "--"]).run()?.text()),
        )
    }

    /// What tells a patch however its lines have moved; `None` for a merge, a first commit and an empty one. Two of
    /// them compare only within one repository.
    pub fn patch_id(&self, id: &str) -> GitResult<Option<String>> {
        let parents = self.parents(id)?;
        let [parent] = parents.as_slice() else { return Ok(None) };
        self.answer(
            |repo| {
                let tree = |id: &str| repo.find_commit(Oid::from_str(id)?)?.tree();
                let diff = repo.diff_tree_to_tree(Some(&tree(parent)?), Some(&tree(id)?), None)?;
                if diff.deltas().len() == 0 {
                    return Ok(None);
                }
                diff.patchid(None).map(|id| Some(id.to_string()))
            },
            || {
                let diff =
                    self.question().args(["diff-tree", "-p", "--no-ext-diff", "--no-textconv", parent, id]);
                let patch = diff.run()?.stdout;
                if patch.is_empty() {
                    return Ok(None);
                }
                let text = self.question().args(["patch-id", "--stable"]).stdin(patch).run()?.text();
                Ok(text.split_whitespace().next().map(str::to_owned))
            },
        )
    }

    /// The commits that a merge which is not committed yet brings in.
    pub fn merge_heads(&self) -> GitResult<Vec<String>> {
        let text = self.note("MERGE_HEAD")?;
        Ok(text.lines().map(str::trim).filter(|id| is_id(id)).map(str::to_owned).collect())
    }

    /// The commits that a squash which is not committed yet was made of, as far as its message still lists them.
    pub fn squashed_ids(&self) -> GitResult<Vec<String>> {
        let text = self.note("SQUASH_MSG")?;
        let ids = text.lines().filter_map(|line| line.strip_prefix("commit ")).map(str::trim);
        Ok(ids.filter(|id| is_id(id)).map(str::to_owned).collect())
    }

    /// What git has noted in a file of this worktree's git directory.
    fn note(&self, name: &str) -> GitResult<String> {
        Ok(files::find_text(&self.git_dir().join(name))?.unwrap_or_default())
    }

    /// Whether any ref leads to this commit.
    pub fn is_referenced(&self, id: &str) -> GitResult<bool> {
        let cmd =
            self.question().args(["for-each-ref", "--count=1", "--format=%(refname)", "--contains", id]);
        Ok(!cmd.run()?.text().is_empty())
    }

    /// What the index (this worktree's, or another file that git names to a hook) holds otherwise than HEAD.
    pub fn staged(&self, index: Option<&Path>) -> GitResult<Vec<Staged>> {
        self.answer_anew(
            |repo| {
                let index = index.map_or_else(|| repo.index(), Index::open)?;
                let head = repo.head().and_then(|head| head.peel_to_tree()).ok();
                let diff = repo.diff_tree_to_index(head.as_ref(), Some(&index), None)?;
                let staged = diff.deltas().filter_map(|delta| {
                    let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes())?;
                    let id =
                        (delta.status() != git2::Delta::Deleted).then(|| delta.new_file().id().to_string());
                    Some(Staged { path: RepoPath::new(path), id })
                });
                Ok(staged.collect())
            },
            || {
                let cmd = self.question().args([
                    "diff-index",
                    "--cached",
                    "--raw",
                    "-z",
                    "--no-abbrev",
                    "--no-renames",
                ]);
                let cmd = cmd.args(["--ignore-submodules=none", "--end-of-options", "HEAD", "--"]);
                let cmd = if let Some(index) = index { cmd.env("GIT_INDEX_FILE", index) } else { cmd };
                staged_of(&cmd.run()?.stdout)
            },
        )
    }
}

/// `:mode mode id id status`, then the path.
fn staged_of(bytes: &[u8]) -> GitResult<Vec<Staged>> {
    let mut staged = Vec::new();
    let mut fields = split_nul(bytes);
    while let (Some(head), Some(path)) = (fields.next(), fields.next()) {
        let head = String::from_utf8_lossy(head).into_owned();
        let words: Vec<_> = head.split_whitespace().collect();
        let [_, _, _, id, status] = words.as_slice() else {
            return Err(GitError::odd(format!("git described a difference as '{head}'")));
        };
        let id = (*status != "D").then(|| (*id).to_owned());
        staged.push(Staged { path: RepoPath::new(path), id });
    }
    Ok(staged)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in};
    use super::*;

    fn both(sandbox: &Sandbox) -> [Repository; 2] {
        [sandbox.repo(), sandbox.repo().asking_git_only()]
    }

    #[test]
    fn the_work_of_a_branch_is_its_own_commits_without_what_it_merged() {
        let sandbox = Sandbox::new();
        let start = sandbox.id("HEAD");
        sandbox.git(&["switch", "--quiet", "-c", "task"]);
        let one = sandbox.commit("t", "1");
        sandbox.git(&["switch", "--quiet", "main"]);
        let main = sandbox.commit("m", "m");
        sandbox.git(&["switch", "--quiet", "task"]);
        sandbox.git(&["merge", "--quiet", "-m", "Merge main", "main"]);
        let merge = sandbox.id("HEAD");
        for repo in both(&sandbox) {
            let known = [start.clone(), "f".repeat(40)];
            assert_eq!(repo.first_parents(&merge, &known).expect("walked"), [merge.clone(), one.clone()]);
            let outside = repo.outside(std::slice::from_ref(&merge), &known).expect("walked");
            assert!(outside.len() == 3 && outside.contains(&main));
            let rest = repo.first_parents(&merge, std::slice::from_ref(&one)).expect("walked");
            assert!(rest.len() == 1 && rest[0] == merge);
            assert_eq!(repo.parents(&merge).expect("asked"), [one.clone(), main.clone()]);
            assert_eq!(repo.message(&merge).expect("read").trim(), "Merge main");
            assert_eq!(repo.patch_id(&merge).expect("asked"), None);
            assert!(repo.is_referenced(&one).expect("asked"));
        }
    }

    #[test]
    fn a_copied_patch_has_the_same_id() {
        let sandbox = Sandbox::new();
        sandbox.git(&["switch", "--quiet", "-c", "task"]);
        let work = sandbox.commit("t", "1\n");
        sandbox.git(&["switch", "--quiet", "main"]);
        let other = sandbox.commit("m", "m\n");
        sandbox.git(&["cherry-pick", &work]);
        let copy = sandbox.id("HEAD");
        for repo in both(&sandbox) {
            let id = |commit: &str| repo.patch_id(commit).expect("asked").expect("a patch");
            assert!(id(&work) == id(&copy) && id(&work) != id(&other));
        }
    }

    #[test]
    fn an_index_tells_what_a_commit_would_change() {
        let sandbox = Sandbox::new();
        sandbox.commit("gone", "x");
        sandbox.git(&["rm", "--quiet", "gone"]);
        sandbox.write("new ü", "new\n");
        sandbox.git(&["add", "."]);
        let blob = sandbox.git(&["hash-object", "new ü"]);
        let other = sandbox.beside("index");
        std::fs::copy(sandbox.dir().join(".git/index"), &other).expect("copied");
        git_in(&sandbox.dir(), &["reset", "--quiet"]);
        for repo in both(&sandbox) {
            assert_eq!(repo.staged(None).expect("read"), []);
            let staged = repo.staged(Some(&other)).expect("read");
            let wanted = [
                Staged { path: "gone".into(), id: None },
                Staged { path: "new ü".into(), id: Some(blob.clone()) },
            ];
            assert_eq!(staged, wanted);
        }
    }

    #[test]
    fn a_hook_names_its_repository_in_every_layout() {
        let sandbox = Sandbox::new();
        let linked = sandbox.worktree("linked", "task");
        let main = sandbox.dir();
        let cases = [
            (main.clone(), None, main.clone()),
            (main.join(".git"), Some("."), main.clone()),
            (linked.clone(), Some("../repo/.git/worktrees/linked"), linked.clone()),
        ];
        for (cwd, git_dir, top) in cases {
            let repo = Repository::of_hook(&cwd, git_dir.map(Path::new)).expect("found");
            assert_eq!(repo.worktree(), Some(top.as_path()));
            assert_eq!(repo.common_dir(), main.join(".git"));
        }
    }
}
