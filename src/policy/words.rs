//! The words that single keys take, each set one enum.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)*
        }

        impl $type {
            /// Every word of the set, in the order of the enum.
            pub const WORDS: &'static [&'static str] = &[$($text),*];

            /// The word, as it stands in a policy file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    )*};
}

words! {
    /// `docs.authority_mode`: which copy of a ticket's documents is the truth.
    AuthorityMode {
        /// The workspace's copy, while a run is open.
        WorkspaceActive = "workspace_active",
    }
    /// `docs.seed_mode`: how a ticket's documents come into the doc home.
    SeedMode {
        /// Not at all.
        None = "none",
        /// Copied from the control repository when the run starts.
        CopyFromRepoOnStart = "copy_from_repo_on_start",
    }
    /// `tickets.provider`: who keeps the ticket documents.
    TicketsProvider {
        /// Our own ttmp tree.
        Builtin = "builtin",
        /// The docmgr program.
        Docmgr = "docmgr",
    }
    /// `tickets.required`: when a ticket must exist before a run.
    TicketsRequired {
        /// Where a docs root exists and `--ticket` was given.
        Auto = "auto",
        /// In every run.
        Always = "always",
    }
    /// `workspace.provider`: who lays workspaces out.
    WorkspaceProvider {
        /// We do, by git worktrees.
        Builtin = "builtin",
        /// The wsm program.
        Wsm = "wsm",
    }
    /// `sessions.backend`: where agents run.
    SessionsBackend {
        /// tmux if installed, else processes.
        Auto = "auto",
        /// Sessions of the user's tmux server.
        Tmux = "tmux",
        /// Detached processes with a log file.
        Process = "process",
    }
    /// `hooks.install`: who installs hooks.
    HooksInstall {
        /// `run` does.
        Auto = "auto",
        /// Only `hooks install` does.
        Manual = "manual",
    }
    /// `hooks.strict`: when the reference-transaction hook is installed. Not in the order of strictness.
    HooksStrict {
        /// Only while a run is open and not stopped in the repository.
        Auto = "auto",
        /// As long as the other hooks are.
        Always = "always",
        /// Never.
        Never = "never",
    }
    /// `merge.style`: what a merge leaves on base.
    MergeStyle {
        /// A merge commit.
        Merge = "merge",
        /// One squashed commit.
        Squash = "squash",
    }
    /// `state.track`: when records are committed.
    Track {
        /// At close.
        OnClose = "on_close",
        /// Never: records stay on this machine.
        Never = "never",
    }
    /// `forum.transport`: how forum events travel.
    ForumTransport {
        /// As files, in git.
        Files = "files",
        /// Through a Redis stream too.
        Redis = "redis",
    }
    /// `operator.llm.mode` and `git_pr.mode`: how much is done unasked.
    Assistance {
        /// Nothing.
        Off = "off",
        /// Proposals only.
        Assist = "assist",
        /// Carried out.
        Auto = "auto",
    }
    /// `git_pr.review_feedback.mode`: how much is done with review comments unasked.
    ReviewMode {
        /// Collected.
        Assist = "assist",
        /// Collected and handed to the agent.
        Auto = "auto",
    }
    /// `git_pr.credential_mode`: whose credentials push and open pull requests.
    CredentialMode {
        /// Those of the user who runs us.
        LocalUserAuth = "local_user_auth",
    }
    /// `git_pr.required_checks`: what is looked at before a commit or pull request is made.
    RequiredCheck {
        /// `git_pr.test_commands` succeed.
        Tests = "tests",
        /// No file matches `git_pr.forbidden_file_patterns`.
        ForbiddenFiles = "forbidden_files",
        /// Nothing is uncommitted.
        CleanTree = "clean_tree",
        /// The ticket's documents went through the ticket workflow.
        TicketWorkflow = "ticket_workflow",
    }
    /// `agent_profiles[].runner`: what kind of program an agent is.
    Runner {
        /// The first of claude and codex that is installed.
        Auto = "auto",
        /// A shell command.
        Shell = "shell",
        /// The codex program.
        Codex = "codex",
        /// The claude program.
        Claude = "claude",
        /// Any program, as an argv template with `{prompt_file}`.
        Command = "command",
    }
    /// `agent_profiles[].runner_options.mode`: how claude and codex are started.
    RunMode {
        /// Interactive in tmux, headless in the process backend.
        Auto = "auto",
        /// With a screen to talk to.
        Interactive = "interactive",
        /// One prompt, then the end.
        Headless = "headless",
    }
    /// `agent_profiles[].runner_options.permissions`: what an agent may do unasked. The order is that of reach.
    Permissions {
        /// Nothing: it asks for each change.
        Ask = "ask",
        /// Edits and git commits in the workspace.
        Edit = "edit",
        /// Everything its user may.
        Full = "full",
    }
}
