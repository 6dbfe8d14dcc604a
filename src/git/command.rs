//! How git is called: cleared of the caller's repository, without prompts, within a limit.

use super::Repository;
use crate::sys::{Cmd, env};
use std::path::Path;
use std::time::Duration;

/// Variables beyond [`env::GIT_LOCAL`] that change what git's answers mean.
const MEANING: [&str; 7] = [
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_REFLOG_ACTION",
];

/// Work that runs hooks of the user, asks for a key, or checks out a large tree.
pub(super) const LONG: Duration = Duration::from_secs(30 * 60);

/// git without a repository.
pub(super) fn plain() -> Cmd {
    let cmd = Cmd::new("git")
        .awaited()
        .without_env(env::GIT_LOCAL)
        .without_env(MEANING)
        // Words that let one operation pass our hooks are for the child that they are given to, and for no other.
        .without_env([env::HOLD, env::BYPASS])
        .env("GIT_TERMINAL_PROMPT", "0")
        // Replaced objects would let a ref of an agent rewrite the history we judge; libgit2 knows none.
        .env("GIT_NO_REPLACE_OBJECTS", "1");
    #[cfg(test)]
    let cmd = super::testing::isolated(cmd);
    cmd
}

/// A question in a directory: stable language, no locks taken, no program of the configuration started.
pub(super) fn question_in(dir: &Path) -> Cmd {
    quiet(plain().cwd(dir))
}

fn quiet(cmd: Cmd) -> Cmd {
    cmd.env("LC_ALL", "C").args([
        "--no-optional-locks",
        "--literal-pathspecs",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.untrackedCache=false",
        "-c",
        "core.hooksPath=/dev/null",
    ])
}

fn durable(cmd: Cmd) -> Cmd {
    cmd.args(["-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"])
}

impl Repository {
    fn here(&self) -> Cmd {
        let cmd = plain().cwd(self.dir());
        // A bare repository is named, because `safe.bareRepository` may forbid to find it.
        let cmd = if self.worktree().is_none() { cmd.arg("--git-dir").arg(self.git_dir()) } else { cmd };
        self.quarantine().iter().fold(cmd, |cmd, (name, value)| cmd.env(name, value))
    }

    /// A question to this repository.
    pub(super) fn question(&self) -> Cmd {
        quiet(self.here())
    }

    /// A command that changes a worktree or writes durable objects and refs. It runs the user's hooks and carries
    /// the hold token.
    pub(super) fn action(&self) -> Cmd {
        // Nothing that hooks would inherit and stumble over, such as `--literal-pathspecs`.
        let cmd = durable(self.here()).args(["-c", "core.fsmonitor=false"]);
        self.marks().iter().fold(cmd, |cmd, (name, value)| cmd.env(name, value)).limit(LONG)
    }

    /// A command that writes durable objects, apart from any worktree and its attributes.
    pub(super) fn object_action(&self) -> Cmd {
        self.object_action_in(self.common_dir())
    }

    /// The same with the git directory of a worktree, be its files there or not.
    pub(super) fn object_action_in(&self, git_dir: &Path) -> Cmd {
        let cmd = plain().cwd(self.common_dir()).env("LC_ALL", "C").limit(LONG);
        durable(cmd.arg("--git-dir").arg(git_dir).args(["-c", "core.bare=true"]))
    }
}
