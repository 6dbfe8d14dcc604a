//! Configuration and identity.

use super::refs::found;
use super::{GitResult, Repository};

impl Repository {
    /// The value of a configuration key as git resolves it here; `None` where it is not set.
    pub fn config(&self, key: &str) -> GitResult<Option<String>> {
        self.answer(
            |repo| found(repo.config()?.snapshot()?.get_string(key)),
            || {
                let cmd = self.question().args(["config", "--get", "--end-of-options", key]);
                let output = cmd.output()?;
                if output.exit.code() == Some(1) {
                    return Ok(None);
                }
                Ok(Some(cmd.require_ok(output)?.text()))
            },
        )
    }

    /// A boolean configuration key, as git reads booleans; `false` where it is not set.
    pub fn config_flag(&self, key: &str) -> GitResult<bool> {
        self.answer(
            |repo| Ok(found(repo.config()?.snapshot()?.get_bool(key))?.unwrap_or(false)),
            || {
                let cmd = self.question().args(["config", "--type=bool", "--get", key]);
                let output = cmd.output()?;
                if output.exit.code() == Some(1) {
                    return Ok(false);
                }
                Ok(cmd.require_ok(output)?.text() == "true")
            },
        )
    }

    /// Whoever acts here, `Name <mail>`, as git would write it into a commit; `unknown` where git would refuse.
    pub fn identity(&self) -> String {
        self.find_identity().unwrap_or_else(|| "unknown".to_owned())
    }

    /// Whether git knows an author for commits made here.
    pub fn has_identity(&self) -> bool {
        self.find_identity().is_some()
    }

    fn find_identity(&self) -> Option<String> {
        let output = self.question().args(["var", "GIT_AUTHOR_IDENT"]).output().ok()?;
        let text = output.exit.is_ok().then(|| output.text())?;
        // "Name <mail> 1700000000 +0000"
        let end = text.rfind('>')?;
        Some(text[..=end].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn configuration_is_read_alike_by_libgit2_and_git() {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", "metawsm.agent", "claude"]);
        sandbox.git(&["config", "metawsm.color", "off"]);
        for repo in [sandbox.repo(), sandbox.repo().asking_git_only()] {
            assert_eq!(repo.config("metawsm.agent").expect("asked").as_deref(), Some("claude"));
            assert_eq!(repo.config("metawsm.none").expect("asked"), None);
            assert!(!repo.config_flag("metawsm.color").expect("asked"));
            assert!(!repo.config_flag("metawsm.none").expect("asked"));
            assert_eq!(repo.identity(), "Test <test@example.com>");
        }
    }

    #[test]
    fn nobody_is_unknown() {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", "--unset", "user.name"]);
        sandbox.git(&["config", "--unset", "user.email"]);
        sandbox.git(&["config", "user.useConfigOnly", "true"]);
        assert_eq!(sandbox.repo().identity(), "unknown");
        assert!(!sandbox.repo().has_identity());
    }
}
