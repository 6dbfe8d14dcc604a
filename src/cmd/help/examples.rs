//! An example or two for each command: lines that can be typed, and what they do.

use std::fmt::Write as _;

/// The command's words, and its examples: the rest of the line, and what it does.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

const EXAMPLES: &[Row] = &[
    (
        "run",
        &[
            ("run 'Make the tests pass on Windows'", "one agent, here, on a text"),
            ("run --ticket API-7 --repos api,web:develop", "a ticket across two repositories"),
            ("run --ticket API-7 --agent claude --dry-run", "show the plan, change nothing"),
            (
                "run --workspace-strategy fork --from API-7 'Try it with SQLite'",
                "go on from another run's branches",
            ),
        ],
    ),
    ("tui", &[("tui", "runs on the left, the chosen one on the right, and keys for everything")]),
    (
        "bootstrap",
        &[(
            "bootstrap --ticket API-8 --goal 'Cut start-up time' --done 'Below 50 ms'",
            "ask for nothing that is said here",
        )],
    ),
    (
        "status",
        &[
            ("status", "what needs you, in all open runs"),
            ("status API-7 --git", "one run in full, with what changed"),
            ("status -A", "all control repositories of this user"),
        ],
    ),
    (
        "watch",
        &[
            ("watch -A --bell", "ring when anything needs you, in all control repositories"),
            ("watch API-7 --exit", "wait until the run is done (0), has failed (1) or needs you (3)"),
            ("watch --notify-cmd 'notify-me --urgent'", "start a program for each thing"),
        ],
    ),
    (
        "tui",
        &[
            ("tui", "the runs of this repository"),
            ("tui API-7", "begin at the run of a ticket"),
            ("tui -A", "the runs of all control repositories"),
        ],
    ),
    ("list", &[("list --all --ticket API-7", "every run there ever was on a ticket")]),
    ("log", &[("log API-7", "what happened, when, and by whom")]),
    (
        "diff",
        &[
            ("diff API-7", "everything the run changed, in a pager"),
            ("diff API-7 web --stat", "numbers of one repository"),
        ],
    ),
    (
        "path",
        &[
            ("path API-7", "the directory of the workspace"),
            ("path API-7 web", "the worktree of one repository"),
        ],
    ),
    ("attach", &[("attach API-7:reviewer", "look over an agent's shoulder; detach with Ctrl-b d")]),
    ("logs", &[("logs API-7 -f", "follow what the agent prints")]),
    ("tell", &[("tell API-7 'Leave the public API alone'", "a line typed to the agent")]),
    (
        "guide",
        &[
            ("guide API-7 --answer 'Port 8080'", "answer the oldest question"),
            ("guide API-7 --body-file answer.md --no-restart", "keep the answer for an agent that has ended"),
        ],
    ),
    ("signal", &[("signal complete --summary 'The parser is done'", "for agents: the work is done")]),
    (
        "signal question",
        &[("signal question --question 'Which port?'", "for agents: hold the run until somebody answers")],
    ),
    (
        "signal complete",
        &[("signal complete --summary 'The parser is done'", "for agents: the work is done")],
    ),
    ("signal validate", &[("signal validate --status passed", "for agents: the done criteria are met")]),
    ("resume", &[("resume API-7", "start what is not done"), ("resume --all", "after a reboot")]),
    ("stop", &[("stop API-7", "end the agents and keep everything")]),
    ("restart", &[("restart API-7", "end the agents and start them again")]),
    (
        "iterate",
        &[("iterate API-7 --feedback 'Add a test for empty input'", "another round with what you found")],
    ),
    ("complete", &[("complete API-7 --reason 'Reviewed by hand'", "the work is done, say you")]),
    (
        "discard",
        &[("discard API-7 --reason 'Solved elsewhere'", "drop a run; its work is saved in rescue refs")],
    ),
    ("commit", &[("commit API-7 -m 'Add the parser'", "commit what agents left, in all repositories")]),
    ("docs", &[("docs --refresh --ticket API-7", "tickets here and on other servers, asked anew")]),
    ("docs sync", &[("docs sync API-7", "merge both copies of the ticket's documents")]),
    ("docs diff", &[("docs diff API-7", "where the two copies differ")]),
    ("forum", &[("forum list --escalated", "threads that wait too long")]),
    (
        "forum ask",
        &[
            ("forum ask --title 'Port?' --body 'Which port may I use?'", "open a thread"),
            ("forum ask --body 'Which port?' --wait --timeout 600", "and wait for the answer"),
        ],
    ),
    ("forum answer", &[("forum answer 3fk2 --body 'Port 8080'", "answer a thread")]),
    ("forum assign", &[("forum assign 3fk2 --assignee kim", "say who looks after a thread")]),
    ("forum state", &[("forum state 3fk2 --state triaged", "move a thread")]),
    ("forum priority", &[("forum priority 3fk2 --priority high", "say how much a thread presses")]),
    ("forum close", &[("forum close 3fk2", "end a thread")]),
    ("forum list", &[("forum list --state new --priority high", "what presses")]),
    ("forum thread", &[("forum thread 3fk2", "a thread with all its posts")]),
    ("forum watch", &[("forum watch --follow --json", "events as they come, for a program")]),
    ("forum search", &[("forum search 'port 8080'", "threads that hold these words")]),
    ("forum relay", &[("forum relay", "carry events to and from other machines until Ctrl-C")]),
    (
        "check",
        &[
            ("check API-7", "what still stands in the way, and what clears it"),
            ("check API-7 --run", "after running the tests of the policy"),
            ("check --range origin/main..HEAD", "the commits of a range, in CI"),
        ],
    ),
    (
        "merge",
        &[
            ("merge API-7 --dry-run", "what would come into base"),
            ("merge API-7", "bring it in, and leave the run open"),
        ],
    ),
    (
        "close",
        &[
            ("close API-7 --dry-run", "the plan, and everything in its way"),
            ("close API-7", "merge, close the ticket, publish the record"),
            ("close API-7 --waive 'forum-quiet=answered by phone' --push", "pass one gate, then push"),
            ("close API-7 --continue", "finish a close that was cut off"),
        ],
    ),
    ("update", &[("update API-7", "take base into the run's branches")]),
    ("publish", &[("publish", "commit the records that wait for it")]),
    ("cleanup", &[("cleanup API-7", "remove the workspace and the merged branches of a closed run")]),
    ("rescue", &[("rescue list", "everything that was saved before it was removed")]),
    ("rescue list", &[("rescue list API-7", "what was saved of one run")]),
    ("rescue show", &[("rescue show 9f3a src/main.rs", "print a saved file")]),
    ("rescue restore", &[("rescue restore 9f3a --to recovered", "bring files back into a new directory")]),
    ("rescue drop", &[("rescue drop 9f3a", "let go of what is elsewhere too")]),
    ("policy-init", &[("policy-init --toml", "a policy file in which every key is explained")]),
    ("policy", &[("policy show", "what is in force here")]),
    ("policy show", &[("policy show --json", "the same, for a program")]),
    ("policy check", &[("policy check --fix", "remove or rename keys that do not exist")]),
    ("policy trust", &[("policy trust", "let the programs of this policy run")]),
    ("policy apply", &[("policy apply API-7 --dry-run", "what a run would get of the present policy")]),
    ("hooks", &[("hooks status", "prove that every hook fires, and what it costs")]),
    ("hooks install", &[("hooks install ../web", "put hooks into a repository by hand")]),
    ("hooks uninstall", &[("hooks uninstall ../web", "take them out, byte for byte")]),
    ("hooks status", &[("hooks status", "prove that every hook fires, and what it costs")]),
    ("hooks ack", &[("hooks ack 7c1e --reason 'An urgent fix, reviewed later'", "answer for a bypass")]),
    ("import", &[("import --dry-run", "what the old database holds")]),
    ("demo", &[("demo --keep", "see the main job, and look around in what it made")]),
    (
        "setup",
        &[
            ("setup", "install man pages and completions for this user"),
            ("setup --dry-run --shell zsh", "what would be written for one shell"),
            ("setup --remove", "take all of it away again"),
        ],
    ),
    (
        "doctor",
        &[
            ("doctor", "look at everything, change nothing"),
            ("doctor --repair", "mend what can be mended safely"),
        ],
    ),
];

/// The examples of a command, by its words such as `policy apply`.
pub(in crate::cmd) fn examples(path: &str) -> &'static [(&'static str, &'static str)] {
    EXAMPLES.iter().find(|(name, _)| *name == path).map_or(&[], |(_, examples)| examples)
}

/// The same as the end of a help text.
pub(in crate::cmd) fn plain_examples(path: &str) -> Option<String> {
    let examples = examples(path);
    if examples.is_empty() {
        return None;
    }
    let mut text = "Examples:".to_owned();
    for (line, what) in examples {
        let _ = write!(text, "\n  git metawsm {line}\n      {what}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::Cli;
    use clap::Parser;

    #[test]
    fn every_example_is_understood_and_is_of_its_command() {
        for (path, examples) in EXAMPLES {
            for (line, what) in *examples {
                // A shell's single quotes, the only ones that stand here.
                let words = line.split('\'').enumerate().flat_map(|(at, part)| match at % 2 {
                    0 => part.split_whitespace().collect::<Vec<_>>(),
                    _ => vec![part],
                });
                let parsed = Cli::try_parse_from(std::iter::once("git-metawsm").chain(words));
                assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("refused"));
                assert!(line.starts_with(path) && !what.is_empty(), "{path}: {line}");
                assert!(line.len() + 14 <= 100 && what.len() <= 74, "{line}: too wide");
            }
        }
    }
}
