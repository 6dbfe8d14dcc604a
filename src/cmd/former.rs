//! Commands of the first metawsm that are no more, and how it spelled options.

use super::Outcome;
use crate::service::ServiceError;
use std::ffi::OsString;

/// Accepted for the first program's sake, to say what it means now.
#[derive(Debug, clap::Args)]
#[command(hide = true, disable_help_flag = true)]
pub(super) struct Args {
    /// Nothing of it is done, whatever it was.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _words: Vec<String>,
}

/// Each command, what to say of it, and what to type instead.
const ANSWERS: [(&str, &str, &[&str]); 5] = [
    (
        "pr",
        "'pr' is no more: 'close' merges by itself, and pull requests are opened by the program of your forge, from the \
         branches of the run.",
        &["git metawsm path", "git metawsm close --push", "git metawsm close --landed <commit>"],
    ),
    (
        "auth",
        "'auth check' is no more: nothing here talks to a forge, and pushing is git's own.",
        &["git config user.name", "git push --dry-run"],
    ),
    (
        "review",
        "'review sync' is no more: hand what reviewers said to the agents.",
        &["git metawsm iterate --feedback '<what they said>'"],
    ),
    (
        "operator",
        "'operator' is no more: nothing acts by itself. 'status' says what needs a person, and 'notify.command' tells of it \
         as it happens.",
        &[
            "git metawsm status -A",
            "git metawsm watch -A",
            "git config metawsm.notify.command '<program>'",
            "git metawsm resume --all",
        ],
    ),
    (
        "serve",
        "'serve' is no more: there is no daemon, and every command reads and writes the records itself.",
        &["git metawsm forum list", "git metawsm forum relay"],
    ),
];

/// Options and words that a command no longer has: the command, the word, what to say, and what to type instead.
const WORDS: [(&str, &str, &str, &[&str]); 6] = [
    (
        "restart",
        "--dry-run",
        "'restart' has no dry run: it ends and starts the agents that 'status' shows.",
        &["git metawsm status"],
    ),
    (
        "cleanup",
        "--dry-run",
        "'cleanup' has no dry run: it refuses to lose anything, and saves what it removes.",
        &["git metawsm status", "git metawsm rescue list"],
    ),
    (
        "commit",
        "--actor",
        "'commit' has no '--actor': a commit carries the author that git config names.",
        &["git config user.name", "git metawsm commit -m '<message>'"],
    ),
    (
        "forum",
        "debug",
        "'forum debug' is no more: there is no bus to look into; 'status' says how events travel.",
        &["git metawsm status", "git metawsm forum watch"],
    ),
    (
        "forum",
        "--query",
        "'forum search' takes the words as they are, without '--query'.",
        &["git metawsm forum search '<words>'"],
    ),
    (
        "forum",
        "--server",
        "'--server' is no more: there is no daemon, and threads are files.",
        &["git metawsm forum list"],
    ),
];

/// What to say of a line that was not understood, where one of its words is of the first program.
pub(super) fn gone(args: &[OsString]) -> Option<ServiceError> {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let has = |word: &str| {
        words.iter().any(|said| *said == word || said.split_once('=').is_some_and(|s| s.0 == word))
    };
    let found = WORDS.iter().find(|(command, word, ..)| has(command) && has(word))?;
    Some(ServiceError::wrong(found.2, found.3))
}

/// Says what a command of the first program means now.
pub(super) fn run(command: &str) -> Outcome {
    let found = ANSWERS.iter().find(|(name, ..)| *name == command);
    let (_, message, hints) = found.copied().unwrap_or(("", "This command is no more.", &["git metawsm -h"]));
    Err(ServiceError::wrong(message, hints))
}

/// The options of the first program, which could be written with one dash too, and those among them without a value,
/// which could be given one.
const OPTIONS: [&str; 46] = [
    "actor",
    "actor-name",
    "actor-type",
    "agent",
    "agent-name",
    "answer",
    "assignee",
    "assignee-type",
    "base-branch",
    "bell",
    "body",
    "changelog-entry",
    "constraints",
    "cursor",
    "db",
    "doc-authority-mode",
    "doc-home-repo",
    "doc-repo",
    "doc-seed-mode",
    "done-criteria",
    "dry-run",
    "endpoint",
    "feedback",
    "goal",
    "human",
    "interval",
    "keep-workspaces",
    "limit",
    "merge-intent",
    "message",
    "note",
    "notify-cmd",
    "path",
    "policy",
    "priority",
    "refresh",
    "repos",
    "run-id",
    "scope",
    "state",
    "thread-id",
    "ticket",
    "title",
    "type",
    "workspace-strategy",
    "all",
];
const SWITCHES: [&str; 6] = ["all", "bell", "dry-run", "human", "keep-workspaces", "refresh"];

/// The words as we spell them: `-ticket` becomes `--ticket`, `--dry-run=true` becomes `--dry-run`, and `--dry-run=false`
/// goes. What follows `--` stays as it is.
pub(super) fn spelled(args: Vec<OsString>) -> Vec<OsString> {
    let mut rest = false;
    args.into_iter()
        .filter_map(|word| {
            rest |= word == "--";
            match word.to_str() {
                Some(text) if !rest => respelled(text),
                _ => Some(word),
            }
        })
        .collect()
}

fn respelled(word: &str) -> Option<OsString> {
    let bare = word.trim_start_matches('-');
    let dashes = word.len() - bare.len();
    let (name, value) = bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)));
    if !(1..=2).contains(&dashes) || !OPTIONS.contains(&name) {
        return Some(word.into());
    }
    match value {
        Some("true" | "1" | "t" | "T" | "TRUE" | "True") if SWITCHES.contains(&name) => {
            Some(format!("--{name}").into())
        }
        Some("false" | "0" | "f" | "F" | "FALSE" | "False") if SWITCHES.contains(&name) => None,
        _ => Some(format!("--{bare}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_spellings_become_ours_and_nothing_else_changes() {
        let cases: [(&[&str], &[&str]); 6] = [
            (&["run", "-ticket", "T-1", "-repos=a,b"], &["run", "--ticket", "T-1", "--repos=a,b"]),
            (&["close", "--dry-run=true", "-human=false"], &["close", "--dry-run"]),
            (&["list", "-a", "-q", "-C", "x", "-f"], &["list", "-a", "-q", "-C", "x", "-f"]),
            (
                &["forum", "ask", "--body", "- a point", "-all-of-it"],
                &["forum", "ask", "--body", "- a point", "-all-of-it"],
            ),
            (&["run", "--", "-ticket", "--dry-run=true"], &["run", "--", "-ticket", "--dry-run=true"]),
            (&["x", "-", "--", "---ticket"], &["x", "-", "--", "---ticket"]),
        ];
        for (old, new) in cases {
            let words = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
            assert_eq!(spelled(words(old)), words(new));
        }
    }
}
