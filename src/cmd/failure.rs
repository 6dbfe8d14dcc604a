//! The one place that maps errors to a kind, an exit code and hints.

mod mending;

use super::plain_screen;
use crate::bus::BusError;
use crate::git::GitError;
use crate::hooks::HookError;
use crate::policy::{Problem, ProblemKind};
use crate::render::{self, Failure, Screen};
use crate::service::ServiceError;
use crate::sessions::SessionError;
use crate::store::StoreError;
use crate::sys::{SysError, process::quoted};
use crate::tickets::TicketError;
use crate::workspaces::WorkspaceError;
use clap::CommandFactory;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// What was typed.
pub(super) struct Asked<'a> {
    /// The command's word.
    pub command: &'static str,
    /// All words after the program's name.
    pub words: &'a [OsString],
}

/// Shows an error of what was asked and gives its exit code.
pub(super) fn of(screen: &Screen, error: &ServiceError, asked: &Asked<'_>) -> ExitCode {
    render::failure(screen, &explained(error, asked));
    ExitCode::from(class(error).1)
}

/// An error of what was asked, ready to be shown.
pub(super) fn explained(error: &ServiceError, asked: &Asked<'_>) -> Failure {
    Failure {
        kind: class(error).0,
        message: error.to_string(),
        details: details(error),
        hints: hints(error, asked).into_iter().map(|hint| that_fits(hint, asked)).collect(),
        verdict: match error {
            ServiceError::Refused(refusal) => Some(refusal.verdict.clone()),
            _ => None,
        },
    }
}

/// Shows what is wrong with the command line, or the help that was asked for.
pub(super) fn of_usage(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let screen = plain_screen(args.iter().any(|word| word == "--json"));
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        screen.answer(&text);
        return screen.exit(ExitCode::SUCCESS);
    }
    let words = args.get(1..).unwrap_or_default();
    render::failure(&screen, &usage(error.kind(), &text, command_in(words).as_deref()));
    ExitCode::from(2)
}

/// Runs the program; where it dies of a bug of ours, says so in a sentence and gives exit code 70. What a panic says
/// of itself stands behind the sentence: whoever mends it needs it.
pub(super) fn of_bug(args: &[OsString], program: impl FnOnce() -> ExitCode) -> ExitCode {
    let died = std::sync::Arc::new(std::sync::Mutex::new(None));
    let noted = std::sync::Arc::clone(&died);
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let words = panic.payload();
        let what = words.downcast_ref::<String>().map(String::as_str);
        let what =
            what.or_else(|| words.downcast_ref::<&str>().copied()).unwrap_or("without words").to_owned();
        if let Ok(mut noted) = noted.lock() {
            noted.get_or_insert((what, place));
        }
    }));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(program)).unwrap_or_else(|_| {
        let (what, place) = died.lock().ok().and_then(|mut died| died.take()).unwrap_or_default();
        let failure = Failure {
            kind: "bug",
            message: "The program died of a bug of its own; nothing that was acknowledged is lost".to_owned(),
            details: vec![format!("{what} ({place}, version {})", env!("CARGO_PKG_VERSION"))],
            hints: vec!["git metawsm status".to_owned()],
            verdict: None,
        };
        render::failure(&plain_screen(args.iter().any(|word| word == "--json")), &failure);
        ExitCode::from(70)
    })
}

/// The first word that is a command, and those below it: `policy apply`.
fn command_in(words: &[OsString]) -> Option<String> {
    let mut known = super::Cli::command();
    let mut path = Vec::new();
    for word in words.iter().filter_map(|word| word.to_str()) {
        if let Some(below) = known.find_subcommand(word) {
            path.push(word);
            known = below.clone();
        }
    }
    (!path.is_empty()).then(|| path.join(" "))
}

/// The parser's text, taken apart: its sentence, its tips and usage line, and where to read more.
fn usage(kind: ErrorKind, text: &str, command: Option<&str>) -> Failure {
    let is_help = kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let mut parts = text.trim().split("\n\n").map(|part| part.trim().to_owned());
    let first = parts.next().unwrap_or_default();
    let message = match first.strip_prefix("error: ") {
        Some(rest) if !is_help => one_line(rest),
        _ => "A word is missing after the command".to_owned(),
    };
    let rest: Vec<_> = parts.filter(|part| !part.starts_with("For more information")).collect();
    let shown = |part: &&String| !is_help || part.starts_with("Usage: ") || part.starts_with("Commands:");
    Failure {
        kind: "usage",
        message,
        details: rest.iter().filter(shown).cloned().collect(),
        hints: vec![command.map_or("git metawsm -h".to_owned(), |word| format!("git metawsm {word} -h"))],
        verdict: None,
    }
}

/// A sentence that the parser broke over several lines, with a capital letter.
fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Kind and exit code (design 9): 1 failed, 2 usage, 3 refused, 4 busy, 5 an outside program, 6 newer records.
fn class(error: &ServiceError) -> (&'static str, u8) {
    match error {
        ServiceError::Wrong { .. } | ServiceError::Several { .. } | ServiceError::Name(_) => ("usage", 2),
        ServiceError::Policy { problems, .. } if problems.iter().any(is_newer) => ("newer", 6),
        ServiceError::Policy { .. } => ("policy", 2),
        ServiceError::Refused(_) | ServiceError::Forbidden { .. } => ("refused", 3),
        ServiceError::Interrupted { signal, .. } => {
            ("interrupted", 128_u8.saturating_add(u8::try_from(*signal).unwrap_or(2)))
        }
        ServiceError::Store(error) => of_store(error),
        ServiceError::Git(error) | ServiceError::Hook(HookError::Git(error)) => of_git(error),
        ServiceError::Sys(error) | ServiceError::Hook(HookError::Sys(error)) => of_sys(error),
        ServiceError::Session(error) => of_session(error),
        ServiceError::Bus(error) => of_bus(error),
        ServiceError::Workspace(error) => of_workspace(error),
        ServiceError::Ticket(error) => of_ticket(error),
        ServiceError::Move { .. } | ServiceError::Plan(_) | ServiceError::Failed { .. } => ("failed", 1),
    }
}

fn of_bus(error: &BusError) -> (&'static str, u8) {
    match error {
        BusError::Address { .. } => ("usage", 2),
        BusError::Sys(error) => of_sys(error),
        _ => ("outside", 5),
    }
}

fn of_sys(error: &SysError) -> (&'static str, u8) {
    match error {
        SysError::Busy { .. } => ("busy", 4),
        SysError::Start { .. } | SysError::Failed { .. } | SysError::TimedOut { .. } => ("outside", 5),
        _ => ("failed", 1),
    }
}

fn of_store(error: &StoreError) -> (&'static str, u8) {
    match error {
        error if error.is_busy() => ("busy", 4),
        error if error.is_newer() => ("newer", 6),
        StoreError::Sys(error) => of_sys(error),
        _ => ("failed", 1),
    }
}

fn of_git(error: &GitError) -> (&'static str, u8) {
    match error {
        GitError::Missing | GitError::TooOld { .. } => ("outside", 5),
        GitError::BadName { .. } => ("usage", 2),
        GitError::Locked { .. } => ("busy", 4),
        GitError::RescueRefused { .. } => ("refused", 3),
        GitError::Sys(error) => of_sys(error),
        _ => ("failed", 1),
    }
}

fn of_session(error: &SessionError) -> (&'static str, u8) {
    match error {
        SessionError::NoTmux
        | SessionError::NoProgram { .. }
        | SessionError::NoAgent
        | SessionError::Tmux { .. } => ("outside", 5),
        SessionError::Sys(error) => of_sys(error),
        _ => ("failed", 1),
    }
}

fn of_workspace(error: &WorkspaceError) -> (&'static str, u8) {
    match error {
        WorkspaceError::Git(error) => of_git(error),
        WorkspaceError::Sys(error) => of_sys(error),
        WorkspaceError::Name(_) => ("usage", 2),
        WorkspaceError::NoWsm | WorkspaceError::WsmFailed { .. } => ("outside", 5),
        _ => ("failed", 1),
    }
}

fn of_ticket(error: &TicketError) -> (&'static str, u8) {
    match error {
        TicketError::Sys(error) => of_sys(error),
        TicketError::Program { .. } => ("outside", 5),
        _ => ("failed", 1),
    }
}

fn details(error: &ServiceError) -> Vec<String> {
    match error {
        ServiceError::Policy { problems, .. } => problems.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn is_newer(problem: &Problem) -> bool {
    matches!(problem.kind, ProblemKind::Version { .. })
}

/// Commands to paste that go on from an error of what was asked.
fn hints(error: &ServiceError, asked: &Asked<'_>) -> Vec<String> {
    // A value before the command may be called like one.
    let before = asked.words.iter().take_while(|word| *word != asked.command).count();
    let command = command_in(&asked.words[before..]).unwrap_or_else(|| asked.command.to_owned());
    let some = |hints: &[&str]| hints.iter().map(|h| (*h).to_owned()).collect();
    match error {
        ServiceError::Wrong { hints, .. }
        | ServiceError::Failed { hints, .. }
        | ServiceError::Forbidden { hints, .. }
        | ServiceError::Interrupted { hints, .. } => hints.clone(),
        ServiceError::Several { words, .. } => words.iter().take(5).map(|w| again(&command, w)).collect(),
        ServiceError::Refused(refusal) => vec![format!("git metawsm status {}", refusal.run)],
        ServiceError::Move { run, .. } => vec![format!("git metawsm status {run}")],
        ServiceError::Policy { path, problems } => of_policy(path, problems),
        ServiceError::Git(error) | ServiceError::Hook(HookError::Git(error)) => mending::of_git(error, asked),
        ServiceError::Sys(error) | ServiceError::Hook(HookError::Sys(error)) => mending::of_sys(error, asked),
        ServiceError::Store(error) => mending::of_store(error, asked),
        ServiceError::Session(error) => mending::of_session(error, asked),
        ServiceError::Ticket(error) => mending::of_ticket(error, asked),
        ServiceError::Workspace(error) => mending::of_workspace(error, asked),
        ServiceError::Bus(_) => some(&["git metawsm forum relay --once", "git metawsm policy show"]),
        ServiceError::Name(error) if error.what == "run id" => some(&["git metawsm list --all"]),
        ServiceError::Name(_) => vec![format!("git metawsm {command} -h")],
        ServiceError::Plan(_) => some(&["git metawsm check"]),
    }
}

/// A longer line is not one to paste.
const LONGEST_LINE: usize = 2000;

/// A hint with a value of many screens in it is none: the help of the command takes its place.
fn that_fits(hint: String, asked: &Asked<'_>) -> String {
    if hint.len() > LONGEST_LINE { format!("git metawsm {} -h", asked.command) } else { hint }
}

/// The same words once more.
fn same_words(words: &[OsString]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    format!("git metawsm {}", words.join(" "))
}

/// The same words, more patient.
fn again_patiently(words: &[OsString]) -> String {
    let mut line = "git metawsm --wait 60".to_owned();
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        if word == "--wait" {
            words.next();
        } else if !word.starts_with("--wait=") {
            line.push(' ');
            line.push_str(&quoted(&word));
        }
    }
    line
}

/// The same command with the word that was missing.
fn again(command: &str, word: &str) -> String {
    let rest = match command {
        "complete" => " --reason '<why the work is done>'",
        "tell" => " '<text>'",
        _ => "",
    };
    format!("git metawsm {command} {word}{rest}")
}

/// What mends a policy depends on where it stands.
fn of_policy(path: &Path, problems: &[Problem]) -> Vec<String> {
    if problems.iter().any(is_newer) {
        return vec!["git metawsm --version".to_owned()];
    }
    if !path.is_absolute() {
        return vec![match path.to_string_lossy().strip_prefix("of ") {
            Some(run) => format!("git metawsm policy apply {run}"),
            None if path == Path::new("in git config") => {
                r"git config --show-origin --get-regexp '^metawsm\.'".to_owned()
            }
            None => format!("git show {}", path.display()),
        }];
    }
    let place = quoted(&path.display().to_string());
    let mut hints = Vec::new();
    if problems.iter().any(|p| matches!(p.kind, ProblemKind::UnknownKey { .. })) {
        hints.push(format!("git metawsm --policy {place} policy check --fix"));
    }
    if problems.iter().any(|p| !matches!(p.kind, ProblemKind::UnknownKey { .. })) {
        hints.push(format!("${{EDITOR:-vi}} {place}"));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_is_taken_apart() {
        let text = "error: the following required arguments were not provided:\n  --reason <TEXT>\n\n\
                    Usage: git metawsm complete --reason <TEXT> [RUN]\n\nFor more information, try '--help'.\n";
        let failure = usage(ErrorKind::MissingRequiredArgument, text, Some("complete"));
        assert_eq!(failure.message, "The following required arguments were not provided: --reason <TEXT>");
        assert_eq!(failure.details, ["Usage: git metawsm complete --reason <TEXT> [RUN]"]);
        assert_eq!(failure.hints, ["git metawsm complete -h"]);
    }

    #[test]
    fn a_bug_of_ours_ends_with_a_sentence_and_exit_70() {
        let before = std::panic::take_hook();
        let code = of_bug(&["git-metawsm".into(), "status".into()], || panic!("the sky is green"));
        let fine = of_bug(&[], || ExitCode::SUCCESS);
        std::panic::set_hook(before);
        assert_eq!((code, fine), (ExitCode::from(70), ExitCode::SUCCESS));
    }

    #[test]
    fn a_command_is_named_with_the_verb_below_it() {
        let named = |line: &str| command_in(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for (line, command) in [
            ("--json policy apply --dry-run", Some("policy apply")),
            ("docs --json diff --no", Some("docs diff")),
            ("docs --refresh", Some("docs")),
            ("run status", Some("run")),
            ("nothing", None),
        ] {
            assert_eq!(named(line).as_deref(), command, "{line}");
        }
    }

    #[test]
    fn the_same_words_are_asked_again_with_patience() {
        let words =
            ["--wait", "0", "complete", "one", "--reason", "it's done", "--wait=3"].map(OsString::from);
        assert_eq!(again_patiently(&words), r"git metawsm --wait 60 complete one --reason 'it'\''s done'");
    }
}
