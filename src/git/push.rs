//! Pushing a base.

use super::refs::branch_ref;
use super::{GitResult, Repository};

/// What a push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has taken the branch.
    Done,
    /// The remote had it already, as far as we know.
    Already,
    /// The remote has not taken it; nothing else changed.
    Failed {
        /// What git and the remote said.
        why: String,
    },
}

impl Repository {
    /// Pushes a branch to a ref of a remote, never by force, with the user's hooks, and never asking for a password.
    pub fn push_branch(&self, remote: &str, branch: &str, remote_ref: &str) -> GitResult<Pushed> {
        let refspec = format!("{}:{remote_ref}", branch_ref(branch));
        let cmd = self
            .action()
            .args(["-c", "core.askPass=", "push", "--quiet", "--no-follow-tags", "--recurse-submodules=no"])
            .args(["--", remote, &refspec])
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GCM_INTERACTIVE", "never");
        let cmd = match self.batch_ssh()? {
            Some(ssh) => cmd.env("GIT_SSH_COMMAND", ssh),
            None => cmd,
        };
        match cmd.run() {
            Ok(_) => Ok(Pushed::Done),
            Err(error) => Ok(Pushed::Failed { why: error.to_string() }),
        }
    }
}
