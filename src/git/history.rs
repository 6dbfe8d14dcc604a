//! Questions about history.

use super::refs::found;
use super::{GitError, GitResult, Repository};
use git2::{Oid, Sort};
use std::collections::BTreeSet;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The full id.
    pub id: String,
    /// The ids of its parents.
    pub parents: Vec<String>,
    /// `Name <mail>`.
    pub author: String,
    /// The first paragraph of the message on one line.
    pub subject: String,
    /// The rest of the message, trailers included.
    pub body: String,
}

const LOG_FORMAT: &str = "--format=tformat:%H%x00%P%x00%an <%ae>%x00%s%x00%b%x00";

fn oid(id: &str) -> Result<Oid, git2::Error> {
    Oid::from_str(id)
}

impl Repository {
    /// Whether commit `old` is reachable from commit `new` (a commit is its own ancestor). Full ids.
    pub fn is_ancestor(&self, old: &str, new: &str) -> GitResult<bool> {
        if old == new {
            return Ok(true);
        }
        self.answer(
            |repo| repo.graph_descendant_of(oid(new)?, oid(old)?),
            || {
                let cmd = self.question().args(["merge-base", "--is-ancestor", old, new]);
                let output = cmd.output()?;
                match output.exit.code() {
                    Some(1) => Ok(false),
                    _ => Ok(cmd.require_ok(output).map(|_| true)?),
                }
            },
        )
    }

    /// The best common ancestor of two commits, by full ids; `None` where their histories are unrelated.
    pub fn merge_base(&self, one: &str, other: &str) -> GitResult<Option<String>> {
        self.answer(
            |repo| Ok(found(repo.merge_base(oid(one)?, oid(other)?))?.map(|id| id.to_string())),
            || {
                let cmd = self.question().args(["merge-base", one, other]);
                let output = cmd.output()?;
                if output.exit.code() == Some(1) {
                    return Ok(None);
                }
                Ok(cmd.require_ok(output)?.text().lines().next().map(str::to_owned))
            },
        )
    }

    /// The commits reachable from `to` and not from `from`, newest first. Full ids.
    pub fn commits(&self, from: &str, to: &str) -> GitResult<Vec<Commit>> {
        self.answer(
            |repo| {
                let mut walk = repo.revwalk()?;
                walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
                walk.push(oid(to)?)?;
                walk.hide(oid(from)?)?;
                walk.map(|id| repo.find_commit(id?).map(|commit| of_git2(&commit))).collect()
            },
            || {
                let range = format!("{from}..{to}");
                let cmd =
                    self.question().args(["log", "--date-order", "--encoding=UTF-8", "--no-show-signature"]);
                let bytes = cmd.args(["--no-notes", "--no-color", LOG_FORMAT, &range, "--"]).run()?.stdout;
                of_log(&bytes)
            },
        )
    }

    /// As [`Repository::commits`]; without `from` every commit reachable from `to`.
    pub fn commits_up_to(&self, from: Option<&str>, to: &str) -> GitResult<Vec<Commit>> {
        let Some(from) = from else {
            let cmd =
                self.question().args(["log", "--date-order", "--encoding=UTF-8", "--no-show-signature"]);
            let bytes = cmd.args(["--no-notes", "--no-color", LOG_FORMAT, to, "--"]).run()?.stdout;
            return of_log(&bytes);
        };
        self.commits(from, to)
    }

    /// The commits at which a shallow clone cuts history off.
    pub fn shallow_commits(&self) -> GitResult<BTreeSet<String>> {
        let text = crate::sys::files::find_text(&self.common_dir().join("shallow"))?.unwrap_or_default();
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The commit with which the line of first parents of `id` begins: merging a foreign history in does not change it.
    /// `None` where a shallow clone does not hold it.
    pub fn first_commit(&self, id: &str) -> GitResult<Option<String>> {
        let args = ["rev-list", "--first-parent", "--max-parents=0", "--end-of-options", id, "--"];
        let first = self.question().args(args).run()?.text().lines().next().map(str::to_owned);
        let cut = self.shallow_commits()?;
        Ok(first.filter(|first| !cut.contains(first)))
    }

    /// How many commits are reachable from `to` and not from `from`. Full ids.
    pub fn count_between(&self, from: &str, to: &str) -> GitResult<usize> {
        self.answer(
            |repo| {
                let mut walk = repo.revwalk()?;
                walk.push(oid(to)?)?;
                walk.hide(oid(from)?)?;
                walk.try_fold(0, |count, id| id.map(|_| count + 1))
            },
            || {
                let range = format!("{from}..{to}");
                let text = self.question().args(["rev-list", "--count", &range, "--"]).run()?.text();
                text.parse().map_err(|_| GitError::odd(format!("git counted '{text}' commits in {range}")))
            },
        )
    }
}

fn of_git2(commit: &git2::Commit<'_>) -> Commit {
    let author = commit.author();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let message = text(commit.message_bytes());
    let message = message.trim_start_matches('\n');
    let (subject, body) = message.split_once("\n\n").unwrap_or((message, ""));
    Commit {
        id: commit.id().to_string(),
        parents: commit.parent_ids().map(|id| id.to_string()).collect(),
        author: format!("{} <{}>", text(author.name_bytes()), text(author.email_bytes())),
        subject: subject.split('\n').map(str::trim_end).collect::<Vec<_>>().join(" ").trim().to_owned(),
        body: body.trim_matches('\n').to_owned(),
    }
}

fn of_log(bytes: &[u8]) -> GitResult<Vec<Commit>> {
    let text = String::from_utf8_lossy(bytes);
    let fields: Vec<_> = text.split('\0').collect();
    let mut commits = Vec::new();
    for chunk in fields[..fields.len() - 1].chunks(5) {
        let [id, parents, author, subject, body] = chunk else {
            return Err(GitError::odd("'git log' left out a field."));
        };
        commits.push(Commit {
            id: id.trim_start_matches('\n').to_owned(),
            parents: parents.split_whitespace().map(str::to_owned).collect(),
            author: (*author).to_owned(),
            subject: (*subject).to_owned(),
            body: body.trim_matches('\n').to_owned(),
        });
    }
    Ok(commits)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn libgit2_and_git_tell_the_same_history() {
        let sandbox = Sandbox::new();
        let root = sandbox.id("HEAD");
        let one = sandbox.commit("b", "b");
        sandbox.git(&["switch", "--quiet", "-c", "side", &root]);
        let side = sandbox.commit("c", "c");
        sandbox.git(&["switch", "--quiet", "main"]);
        sandbox.git(&["merge", "--quiet", "--no-ff", "-m", "Join\nboth\n\nBody one.\n\nKey: value", "side"]);
        let top = sandbox.id("HEAD");
        let (quick, git) = (sandbox.repo(), sandbox.repo().asking_git_only());
        let commits = quick.commits(&root, &top).expect("walked");
        assert_eq!(commits, git.commits(&root, &top).expect("walked"));
        assert_eq!(commits[0].parents, [one.clone(), side.clone()]);
        assert_eq!(commits[0].subject, "Join both");
        assert_eq!(commits[0].body, "Body one.\n\nKey: value");
        assert_eq!(commits[0].author, "Test <test@example.com>");
        for repo in [quick, git] {
            assert_eq!(repo.count_between(&root, &top).expect("counted"), 3);
            assert!(repo.commits(&top, &root).expect("walked").is_empty());
            assert!(repo.is_ancestor(&root, &side).expect("asked"));
            assert!(!repo.is_ancestor(&one, &side).expect("asked"));
            assert!(repo.is_ancestor(&one, &one).expect("asked"));
            assert_eq!(repo.merge_base(&one, &side).expect("asked").as_deref(), Some(root.as_str()));
        }
    }

    #[test]
    fn history_begins_where_it_did_after_another_one_was_merged_in() {
        let sandbox = Sandbox::new();
        let root = sandbox.id("HEAD");
        sandbox.commit("b", "b");
        sandbox.git(&["switch", "--quiet", "--orphan", "other"]);
        sandbox.commit("x", "x");
        sandbox.git(&["switch", "--quiet", "main"]);
        sandbox.git(&["merge", "--quiet", "--no-edit", "--allow-unrelated-histories", "other"]);
        let first = sandbox.repo().first_commit(&sandbox.id("HEAD")).expect("asked");
        assert_eq!(first.as_deref(), Some(root.as_str()));
        let url = format!("file://{}", sandbox.dir().display());
        sandbox.git(&["clone", "--quiet", "--depth=1", &url, "../shallow"]);
        let shallow = super::super::Repository::require(&sandbox.beside("shallow")).expect("found");
        assert_eq!(shallow.first_commit(&sandbox.id("HEAD")).expect("asked"), None);
    }

    #[test]
    fn unrelated_histories_have_no_merge_base() {
        let sandbox = Sandbox::new();
        let one = sandbox.id("HEAD");
        sandbox.git(&["switch", "--quiet", "--orphan", "other"]);
        let other = sandbox.commit("x", "x");
        for repo in [sandbox.repo(), sandbox.repo().asking_git_only()] {
            assert_eq!(repo.merge_base(&one, &other).expect("asked"), None);
        }
    }
}
