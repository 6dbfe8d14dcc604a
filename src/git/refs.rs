//! Questions about refs and HEAD.

use super::{GitError, GitResult, Repository};
use git2::ErrorCode;

/// What HEAD is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// On a branch.
    Branch {
        /// The branch, without `refs/heads/`.
        name: String,
        /// Its commit; `None` where it has none yet.
        id: Option<String>,
    },
    /// On a commit.
    Detached(String),
}

impl Head {
    /// The branch, if HEAD is on one.
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch { name, .. } => Some(name),
            Self::Detached(_) => None,
        }
    }

    /// The commit, if there is one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Branch { id, .. } => id.as_deref(),
            Self::Detached(id) => Some(id),
        }
    }

    /// HEAD for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Branch { name, .. } => format!("the branch '{name}'"),
            Self::Detached(id) => format!("no branch (detached at {id})"),
        }
    }
}

/// Makes "not found" an answer.
pub(super) fn found<T>(result: Result<T, git2::Error>) -> Result<Option<T>, git2::Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.code() == ErrorCode::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

pub(super) fn branch_ref(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

impl Repository {
    /// The commit of a local branch, named without `refs/heads/`.
    pub fn branch_id(&self, branch: &str) -> GitResult<Option<String>> {
        self.ref_id(&branch_ref(branch))
    }

    /// The object of a ref, by its full name.
    pub fn ref_id(&self, name: &str) -> GitResult<Option<String>> {
        self.answer(
            |repo| Ok(found(repo.refname_to_id(name))?.map(|id| id.to_string())),
            || self.ask_id(&["rev-parse", "--verify", "--quiet", name], false),
        )
    }

    /// The commit behind any way git has to name one; `None` where there is none or it is ambiguous.
    pub fn find_commit(&self, rev: &str) -> GitResult<Option<String>> {
        if rev.is_empty() || rev.starts_with('-') || rev.contains(['\0', '\n']) {
            return Ok(None);
        }
        let spec = format!("{rev}^{{commit}}");
        self.answer(
            |repo| repo.revparse_single(&spec).map(|object| Some(object.id().to_string())),
            || self.ask_id(&["rev-parse", "--verify", "--quiet", &spec], true),
        )
    }

    /// Runs a question whose exit 0 comes with one id and whose exit 1 means "none"; with `lenient` also 128, which
    /// git gives for a path or object that is not there.
    pub(super) fn ask_id(&self, args: &[&str], lenient: bool) -> GitResult<Option<String>> {
        let cmd = self.question().args(args);
        let output = cmd.output()?;
        match output.exit.code() {
            Some(1) => Ok(None),
            Some(128) if lenient => Ok(None),
            _ => Ok(Some(cmd.require_ok(output)?.text()).filter(|id| is_id(id))),
        }
    }

    /// What HEAD of this worktree is.
    pub fn head(&self) -> GitResult<Head> {
        self.answer(
            |repo| {
                let head = repo.find_reference("HEAD")?;
                let Some(target) = head.symbolic_target_bytes() else {
                    let id = head.target().ok_or_else(|| git2::Error::from_str("HEAD has no target"))?;
                    return Ok(Head::Detached(id.to_string()));
                };
                let target = std::str::from_utf8(target).map_err(|_| git2::Error::from_str("not UTF-8"))?;
                let id = found(repo.refname_to_id(target))?.map(|id| id.to_string());
                Ok(Head::Branch { name: short(target).to_owned(), id })
            },
            || self.head_by_git(),
        )
    }

    fn head_by_git(&self) -> GitResult<Head> {
        let id = self.ask_id(&["rev-parse", "--verify", "--quiet", "HEAD"], false)?;
        let output = self.question().args(["symbolic-ref", "--quiet", "HEAD"]).output()?;
        if output.exit.is_ok() {
            return Ok(Head::Branch { name: short(&output.text()).to_owned(), id });
        }
        let lost = || GitError::odd(format!("HEAD of {} names no commit", self.dir().display()));
        id.map(Head::Detached).ok_or_else(lost)
    }

    /// The commit that HEAD of this worktree was last at, by its log: also where the branch that it names is gone. `None`
    /// where no log is kept in a file.
    pub fn last_logged_head(&self) -> Option<String> {
        let log = std::fs::read(self.git_dir().join("logs/HEAD")).ok()?;
        let text = String::from_utf8_lossy(&log);
        // Before, after, and who: a branch that is deleted adds no line.
        let ids = text.lines().rev().filter_map(|line| line.split(' ').nth(1));
        ids.filter(|id| is_id(id) && id.bytes().any(|b| b != b'0')).map(str::to_owned).next()
    }

    /// All refs whose full name starts with `prefix` (which ends in `/`), with their ids, sorted by name.
    pub fn refs_below(&self, prefix: &str) -> GitResult<Vec<(String, String)>> {
        self.answer(
            |repo| {
                let mut refs = Vec::new();
                for reference in repo.references_glob(&format!("{prefix}*"))? {
                    let reference = reference?;
                    let name = reference.name().map(str::to_owned);
                    if let (Ok(name), Some(id)) = (name, reference.target()) {
                        refs.push((name, id.to_string()));
                    }
                }
                refs.sort();
                Ok(refs)
            },
            || {
                let cmd = self.question().args(["for-each-ref", "--format=%(refname) %(objectname)", prefix]);
                let text = cmd.run()?.text();
                let pair = |line: &str| line.split_once(' ').map(|(n, id)| (n.to_owned(), id.to_owned()));
                Ok(text.lines().filter_map(pair).collect())
            },
        )
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// Whether a text is a full object id (SHA-1 or SHA-256).
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    fn both(sandbox: &Sandbox) -> [Repository; 2] {
        [sandbox.repo(), sandbox.repo().asking_git_only()]
    }

    #[test]
    fn revisions_are_found_and_nonsense_is_none() {
        let sandbox = Sandbox::new();
        let id = sandbox.id("HEAD");
        sandbox.git(&["tag", "-m", "tagged", "v1"]);
        for repo in both(&sandbox) {
            for rev in ["HEAD", "main", "refs/heads/main", "v1", &id[..10]] {
                assert_eq!(repo.find_commit(rev).expect("asked").as_ref(), Some(&id), "{rev}");
            }
            for rev in ["", "nope", "--all", "-h", "HEAD:a.txt", "a..b", "main\n", "HEAD~9", &"0".repeat(40)]
            {
                assert_eq!(repo.find_commit(rev).expect("asked"), None, "{rev:?}");
            }
            assert_eq!(repo.branch_id("nope").expect("asked"), None);
        }
    }

    #[test]
    fn head_is_a_branch_an_unborn_branch_or_a_commit() {
        let sandbox = Sandbox::empty(&[]);
        for repo in both(&sandbox) {
            assert_eq!(repo.head().expect("head"), Head::Branch { name: "main".to_owned(), id: None });
        }
        let id = sandbox.commit("a", "a");
        sandbox.git(&["switch", "--quiet", "-c", "task/x"]);
        for repo in both(&sandbox) {
            let on = Head::Branch { name: "task/x".to_owned(), id: Some(id.clone()) };
            assert_eq!(repo.head().expect("head"), on);
        }
        sandbox.git(&["switch", "--quiet", "--detach"]);
        for repo in both(&sandbox) {
            assert_eq!(repo.head().expect("head"), Head::Detached(id.clone()));
        }
    }

    #[test]
    fn the_log_of_head_knows_the_commit_of_a_branch_that_is_gone() {
        let sandbox = Sandbox::new();
        let id = sandbox.commit("b", "b");
        assert_eq!(sandbox.repo().last_logged_head(), Some(id.clone()));
        sandbox.git(&["update-ref", "-d", "refs/heads/main"]);
        assert_eq!(sandbox.repo().last_logged_head(), Some(id));
    }

    #[test]
    fn refs_are_listed_by_prefix() {
        let sandbox = Sandbox::new();
        for name in ["refs/metawsm/rescue/r/b", "refs/metawsm/rescue/r/a", "refs/metawsm/rescued"] {
            sandbox.git(&["update-ref", name, "HEAD"]);
        }
        for repo in both(&sandbox) {
            let names: Vec<_> = repo.refs_below("refs/metawsm/rescue/").expect("asked");
            let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["refs/metawsm/rescue/r/a", "refs/metawsm/rescue/r/b"]);
        }
    }
}
