//! What the pages say beyond the options.

use crate::sys::env;

type Rows = &'static [(&'static str, &'static str)];

/// The first page, after its first sentence.
pub(super) const WHAT: &str = "\
A run gives agents a workspace: one directory with a worktree of each repository, on branches of its own. Agents work \
and commit there. Nothing they do reaches a base branch before its gates hold, and what is removed is saved first.

Four commands carry the main job: run starts it, status says what needs you, diff shows what was done, and close brings \
it in. Every answer names the commands to go on with.";

/// The first examples of the first page.
pub(super) const FIRST_STEPS: Rows = &[
    ("demo", "see the main job, on throwaway repositories"),
    ("run 'Make the tests pass on Windows'", "start an agent in a workspace of its own"),
    ("status", "what needs you"),
    ("diff", "what it changed"),
    ("close", "merge it, close the ticket, publish the record"),
];

/// How a run is named.
pub(super) const SELECTORS: Rows = &[
    (
        "RUN",
        "A run id, a unique prefix of one, or a ticket in upper or lower case: its newest open run, else its newest one.",
    ),
    ("--run-id ID, --ticket TICKET", "The same by name. Both given must agree."),
    (
        "",
        "Without one: the run of the workspace around the current directory, else the only open run that the command can act on. Where several could be meant, they are listed; nothing is guessed.",
    ),
];

const EXITS: Rows = &[
    ("0", "Done. A reader that closes the pipe early is no failure either."),
    ("1", "It failed."),
    ("2", "The command line or the policy is not understood."),
    ("3", "A gate or a guard refuses; every reason is named, with the command that clears it."),
    ("4", "Somebody else holds the run or the repository; --wait waits longer."),
    ("5", "An outside program failed."),
    ("6", "A record was written by a newer version."),
    ("70", "A bug of git-metawsm."),
    ("128+n", "Signal n ended it; nothing is lost."),
];

/// The exit codes that a page names.
pub(super) fn exits(path: &str) -> Rows {
    match path {
        "" | "run" | "close" | "merge" | "check" => EXITS,
        "doctor" => &[
            ("0", "Nothing is wrong, or all of it is mended."),
            ("1", "Something is wrong; each line names what mends it."),
            ("", "The other codes are those of git-metawsm(1)."),
        ],
        "setup" => &[
            ("0", "Everything stands where it should."),
            ("1", "Something could not be written, or somebody else's file stands in the way."),
            ("", "The other codes are those of git-metawsm(1)."),
        ],
        "watch" => &[
            ("0", "With --exit: the work is done, or the run is closed. With --once: nothing needs you."),
            ("1", "With --exit: the run failed, was discarded, or its records are gone."),
            ("3", "It needs you: with --exit the run, with --once anything."),
            ("128+n", "Signal n ended the watch, such as 130 by Ctrl-C."),
            ("", "The other codes are those of git-metawsm(1)."),
        ],
        "diff" | "status" => &[
            ("0", "The answer was given, whatever it says."),
            ("", "The other codes are those of git-metawsm(1)."),
        ],
        _ => &[("", "0 is done; the codes of failures stand in git-metawsm(1).")],
    }
}

/// Every variable that people may set or will see.
pub(super) const ENVIRONMENT: Rows = &[
    (env::ROOT, "The control repository, as --root. Sessions have it set."),
    (
        env::BYPASS,
        "A reason that lets one git command pass the hooks. It is kept in the record; below an agent it is refused.",
    ),
    (
        env::REDIS_URL,
        "Where the Redis server of the forum answers, so that no policy file needs to hold a password.",
    ),
    (
        "METAWSM_RUN, METAWSM_TICKET, METAWSM_AGENT, METAWSM_WORKSPACE",
        "Set in sessions: the run, the ticket, the agent's name, and the workspace directory. Below an agent only reading, signal and forum are allowed.",
    ),
    (
        "METAWSM_EVENT, METAWSM_MESSAGE, METAWSM_RUN_ID, METAWSM_RUN_STATUS, METAWSM_TICKETS",
        "Set for the program of notify.command: what happened as a word and as a sentence, the run, its state, and its tickets.",
    ),
    (env::COMMAND, "Set beside them for the program of watch --notify-cmd: the command that goes on."),
    ("NO_COLOR", "Not empty: no colour, unless --color says otherwise."),
    ("GIT_PAGER, PAGER", "What shows a diff, chosen as git chooses it."),
    (
        "XDG_STATE_HOME",
        "Where the list of control repositories and of trusted policies lies; by default ~/.local/state.",
    ),
];

const MAIN_FILES: Rows = &[
    (
        ".metawsm/policy.json, .metawsm/policy.toml",
        "The policy, the only file here that people edit; see git-metawsm-policy(5).",
    ),
    (
        ".metawsm/runs, .metawsm/forum",
        "Published records and threads, committed; see git-metawsm-records(5).",
    ),
    (
        "<git common dir>/metawsm",
        "Live records of open runs, where no checkout or clean reaches them; .metawsm/live is a link to it.",
    ),
    ("<workspace>/.metawsm", "Signals between agents and git-metawsm, and the brief."),
    ("~/workspaces", "Where workspaces lie, unless workspace.root says otherwise."),
    (
        "~/.local/state/git-metawsm",
        "The control repositories of this user, trusted policies, and what setup wrote.",
    ),
];

/// The files that a page names.
pub(super) fn files(path: &str) -> Rows {
    match path {
        "" => MAIN_FILES,
        "run" => &[
            ("~/workspaces/<date>/<name>", "The workspace, with a worktree of each repository."),
            ("<workspace>/.metawsm/brief.md", "What the agent is told."),
            ("<git common dir>/metawsm/runs/<run>/run.toml", "The record of the run while it is open."),
        ],
        "close" => &[
            (
                ".metawsm/runs/<yyyy-mm>/<run>.toml",
                "The published record with its receipt, committed on base.",
            ),
            ("refs/metawsm/rescue/", "What was saved before it was removed."),
        ],
        "status" => &[(
            "<git common dir>/metawsm/runs/<run>/",
            "What it reads: run.toml and journal.jsonl of each open run.",
        )],
        "setup" => &[(
            "~/.local/state/git-metawsm/setup",
            "The list of what it wrote, by which --remove takes it away.",
        )],
        _ => &[],
    }
}

/// Pages beyond those of the same group.
pub(super) fn related(command: &str) -> &'static [&'static str] {
    match command {
        "policy" | "policy-init" | "run" | "bootstrap" | "check" => &["git-metawsm-policy(5)"],
        "close" | "merge" | "publish" | "log" | "doctor" | "signal" => &["git-metawsm-records(5)"],
        "hooks" => &["githooks(5)"],
        "diff" => &["git-diff(1)"],
        "attach" => &["tmux(1)"],
        _ => &[],
    }
}
