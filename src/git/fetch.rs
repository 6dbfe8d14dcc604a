//! Fetching, within a time limit.

use super::refs::branch_ref;
use super::{GitResult, Repository};
use crate::sys::env;
use std::time::Duration;

/// What a fetch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The remote answered; the tracking branch is at this commit (`None` where nothing tracks the branch).
    Done {
        /// The commit of the tracking branch.
        id: Option<String>,
    },
    /// The remote did not answer, in time or at all. What was known before still stands.
    Failed {
        /// The reason, a full sentence.
        why: String,
    },
}

impl Repository {
    /// Fetches one branch of a remote into its tracking branch. Never asks for a password and never fails: where
    /// the remote cannot be reached, the answer says why.
    pub fn fetch_branch(&self, remote: &str, branch: &str, limit: Duration) -> GitResult<Fetched> {
        let cmd = self
            .action()
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.askPass="])
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--"])
            .args([remote, &branch_ref(branch)])
            // An empty GIT_ASKPASS also keeps git from falling back to SSH_ASKPASS.
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GCM_INTERACTIVE", "never")
            .limit(limit);
        let cmd = match self.batch_ssh()? {
            Some(ssh) => cmd.env("GIT_SSH_COMMAND", ssh),
            None => cmd,
        };
        match cmd.run() {
            Ok(_) => Ok(Fetched::Done { id: self.tracking_id(remote, branch)? }),
            Err(error) => Ok(Fetched::Failed { why: error.to_string() }),
        }
    }

    /// The user's ssh command without prompts; `None` where it is not OpenSSH's and cannot be told so.
    pub(super) fn batch_ssh(&self) -> GitResult<Option<String>> {
        let command = match env::text("GIT_SSH_COMMAND") {
            Some(command) => command,
            None => match self.config("core.sshCommand")? {
                Some(command) => command,
                None if env::text("GIT_SSH").is_some() => return Ok(None),
                None => "ssh".to_owned(),
            },
        };
        let program = command.split_whitespace().next().unwrap_or_default();
        let is_ssh = program.rsplit('/').next() == Some("ssh");
        Ok(is_ssh.then(|| format!("{command} -oBatchMode=yes")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    #[test]
    fn a_branch_is_fetched_and_an_unreachable_remote_is_an_answer() {
        let origin = Sandbox::new();
        let clone = origin.clone_of();
        let id = origin.commit("b.txt", "b");
        let fetched = clone.repo().fetch_branch("origin", "main", Duration::from_secs(20)).expect("asked");
        assert_eq!(fetched, Fetched::Done { id: Some(id.clone()) });
        assert_eq!(clone.repo().tracking_id("origin", "main").expect("asked"), Some(id));
        for (remote, branch) in [("origin", "nowhere"), ("missing", "main"), ("--upload-pack=x", "main")] {
            let fetched = clone.repo().fetch_branch(remote, branch, Duration::from_secs(20)).expect("asked");
            assert!(matches!(fetched, Fetched::Failed { .. }), "{remote} {branch}");
        }
    }

    #[test]
    fn a_remote_that_hangs_costs_no_more_than_the_limit() {
        let sandbox = Sandbox::new();
        sandbox.git(&["remote", "add", "slow", "ext::sleep 60"]);
        sandbox.git(&["config", "protocol.ext.allow", "always"]);
        let begun = std::time::Instant::now();
        let fetched = sandbox.repo().fetch_branch("slow", "main", Duration::from_millis(300)).expect("asked");
        assert!(matches!(fetched, Fetched::Failed { .. }));
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
