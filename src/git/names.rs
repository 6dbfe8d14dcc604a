//! Names that become refs.

use super::{GitError, GitResult, Repository};

impl Repository {
    /// Checks a name as `git check-ref-format --branch` does, except that `@{-1}` and its like name no branch.
    pub fn require_branch_name(&self, name: &str) -> GitResult<()> {
        let bad = || GitError::BadName { name: name.chars().take(120).collect() };
        if name.is_empty() || name == "HEAD" || name.starts_with('-') || name.contains(['\0', '\n']) {
            return Err(bad());
        }
        if is_tame(name) {
            return Ok(());
        }
        let output = self.question().args(["check-ref-format", &format!("refs/heads/{name}")]).output()?;
        if output.exit.is_ok() { Ok(()) } else { Err(bad()) }
    }

    /// The branch that makes a branch of this name impossible: `task` beside `task/x`, in either order.
    /// A branch of exactly this name is no conflict.
    pub fn find_ref_conflict(&self, name: &str) -> GitResult<Option<String>> {
        for (at, _) in name.match_indices('/') {
            if self.branch_id(&name[..at])?.is_some() {
                return Ok(Some(name[..at].to_owned()));
            }
        }
        let below = self.refs_below(&format!("refs/heads/{name}/"))?;
        Ok(below.first().map(|(full, _)| full.trim_start_matches("refs/heads/").to_owned()))
    }
}

/// Whether a name is of letters, digits, `-`, `_` and single dots and slashes between them: such a one git never
/// refuses, and it need not be started to say so.
fn is_tame(name: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    name.split('/').all(|part| part.split('.').all(is_word) && part.strip_suffix(".lock").is_none())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    #[test]
    fn names_that_git_refuses_are_refused() {
        let sandbox = Sandbox::new();
        for name in
            ["", "a..b", "x.lock", "-x", "HEAD", "a b", "a~1", "@{-1}", "a/", "/a", "a//b", "a\nb", "@{u}"]
        {
            let refused = sandbox.repo().require_branch_name(name);
            assert!(matches!(refused, Err(GitError::BadName { .. })), "{name:?} must be refused");
        }
        for name in ["main", "task/x-1", "a.b"] {
            sandbox.repo().require_branch_name(name).expect(name);
        }
    }

    #[test]
    fn a_name_is_taken_without_git_only_where_git_takes_it() {
        let sandbox = Sandbox::new();
        for (name, tame) in [
            ("task/x-1", true),
            ("a.b.c/D_1/-/0", true),
            ("x.lockx", true),
            ("lock", true),
            ("x.lock/y", false),
            ("a..b", false),
            ("a.", false),
            (".a", false),
            ("a/", false),
            ("@", false),
            ("é", false),
        ] {
            assert_eq!(is_tame(name), tame, "{name}");
            let asked = sandbox.repo().question().args(["check-ref-format", &format!("refs/heads/{name}")]);
            assert!(!tame || asked.output().expect("asked").exit.is_ok(), "git takes {name}");
        }
    }

    #[test]
    fn a_branch_named_like_a_directory_of_branches_is_a_conflict() {
        let sandbox = Sandbox::new();
        sandbox.git(&["branch", "task"]);
        sandbox.git(&["branch", "deep/er/x"]);
        for repo in [sandbox.repo(), sandbox.repo().asking_git_only()] {
            assert_eq!(repo.find_ref_conflict("task/a/b").expect("asked").as_deref(), Some("task"));
            assert_eq!(repo.find_ref_conflict("deep").expect("asked").as_deref(), Some("deep/er/x"));
            assert_eq!(repo.find_ref_conflict("task").expect("asked"), None);
            assert_eq!(repo.find_ref_conflict("deep/er/y").expect("asked"), None);
        }
    }
}
