//! What can follow a half-typed line: options and words of the command line itself, and names of what is here.

use crate::cmd::Cli;
use crate::model::{Priority, RunState, ThreadState};
use crate::render::{cut, escape};
use crate::service::{Caller, NeedKind, Shell, WordKind, words};
use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;

/// How much of a description fits beside a word.
const TOLD: usize = 60;

/// The answer for a shell, a line each.
pub(super) fn lines(caller: &Caller, shell: Shell, words: &[OsString], place: usize) -> String {
    let mut program = known(Cli::command(), "", caller);
    let Ok(found) = complete(&mut program, words.to_vec(), place, Some(&caller.cwd)) else {
        return String::new();
    };
    let begun = words.get(place).cloned().unwrap_or_default();
    let is_option = |offer: &CompletionCandidate| offer.get_value().as_encoded_bytes().starts_with(b"-");
    let wants_options = begun.as_encoded_bytes().starts_with(b"-") || found.iter().all(is_option);
    let mut text = String::new();
    for offer in found.iter().filter(|offer| wants_options || !is_option(offer)) {
        let Some(value) = offer.get_value().to_str().filter(|value| is_plain(value, shell)) else { continue };
        let help = offer.get_help().map(ToString::to_string).unwrap_or_default();
        let help = cut(&escape(help.lines().next().unwrap_or_default()), TOLD);
        line(&mut text, shell, value, &help);
    }
    text
}

/// Whether a word can be handed to the shell. bash takes it as it is typed; the others quote it themselves.
fn is_plain(value: &str, shell: Shell) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || "._/=:,@%+-~".contains(c);
    match shell {
        Shell::Bash => value.chars().all(is_word),
        Shell::Zsh | Shell::Fish => escape(value) == value,
    }
}

fn line(text: &mut String, shell: Shell, value: &str, help: &str) {
    let _ = match (shell, help) {
        (Shell::Bash, _) | (Shell::Fish, "") => writeln!(text, "{value}"),
        (Shell::Fish, help) => writeln!(text, "{value}\t{help}"),
        (Shell::Zsh, help) => {
            let mark = if value.ends_with(['=', '/', ',', ':']) { '-' } else { '+' };
            // _describe takes a backslash for an escape in both.
            let (value, help) = (value.replace('\\', "\\\\").replace(':', "\\:"), help.replace('\\', "\\\\"));
            if help.is_empty() {
                writeln!(text, "{mark}{value}")
            } else {
                writeln!(text, "{mark}{value}:{help}")
            }
        }
    };
}

/// The command with what is known about the words of its arguments, and of those below it.
fn known(command: Command, path: &str, caller: &Caller) -> Command {
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = command.mut_args(|arg| knowing(arg, path, caller));
    below.iter().fold(command, |command, name| {
        let path = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command.mut_subcommand(name, |below| known(below, &path, caller))
    })
}

fn knowing(arg: Arg, path: &str, caller: &Caller) -> Arg {
    if let Some(kind) = kind_of(&arg, path) {
        let caller = caller.clone();
        return arg.add(ArgValueCompleter::new(move |begun: &OsStr| names(&caller, kind, begun)));
    }
    if let Some(fixed) = fixed_of(&arg, path) {
        return arg.add(ArgValueCompleter::new(move |begun: &OsStr| fitting(fixed.iter().copied(), begun)));
    }
    match value_name(&arg).as_str() {
        "DIR" => arg.value_hint(ValueHint::DirPath),
        "FILE" | "PATH" => arg.value_hint(ValueHint::AnyPath),
        _ => arg,
    }
}

fn value_name(arg: &Arg) -> String {
    arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default()
}

/// What an argument names, by the word that stands for it in help.
fn kind_of(arg: &Arg, path: &str) -> Option<WordKind> {
    let first = path.split(' ').next().unwrap_or_default();
    let run = match first {
        "cleanup" | "rescue" => WordKind::DecidedRun,
        "status" | "log" | "logs" | "diff" | "path" | "docs" => WordKind::AnyRun,
        _ => WordKind::OpenRun,
    };
    let kind = match (value_name(arg).as_str(), arg.get_id().as_str()) {
        ("RUN", _) => run,
        ("WORKSPACE|RUN", _) => WordKind::AnyRun,
        ("RUN[:AGENT]", _) => WordKind::RunAgent,
        ("ID", "run_id") if first != "run" && first != "bootstrap" => WordKind::RunId,
        ("ID", "question") => WordKind::Question,
        ("ID", "thread_id") | ("THREAD", _) => WordKind::Thread,
        ("TICKET", _) => WordKind::Ticket,
        ("AGENT", _) => WordKind::Agent,
        ("REPO", _) if first != "hooks" => WordKind::Repo,
        ("REPOS", _) => WordKind::Repo,
        ("GATE=REASON", _) => WordKind::Gate,
        ("BRANCH", _) => WordKind::Branch,
        ("RESCUE", _) => WordKind::Rescue,
        ("NAME", "endpoint") => WordKind::Endpoint,
        (_, "id") if path == "hooks ack" => WordKind::Bypass,
        _ => return None,
    };
    Some(kind)
}

/// The words of an argument that takes one of a few.
fn fixed_of(arg: &Arg, path: &str) -> Option<Vec<&'static str>> {
    match value_name(arg).as_str() {
        "STATE" if path == "list" => Some(RunState::ALL.iter().map(|s| s.as_str()).collect()),
        "STATE" => Some(ThreadState::ALL.iter().map(|s| s.as_str()).collect()),
        "PRIORITY" => Some(Priority::ALL.iter().map(|p| p.as_str()).collect()),
        "KIND" if path == "watch" => Some(NeedKind::ALL.iter().map(|k| k.as_str()).collect()),
        "KIND" => Some(crate::model::ThreadKind::ALL.iter().map(|k| k.as_str()).collect()),
        "TYPE" => Some(crate::model::ActorKind::ALL.iter().map(|k| k.as_str()).collect()),
        _ => None,
    }
}

fn names(caller: &Caller, kind: WordKind, begun: &OsStr) -> Vec<CompletionCandidate> {
    let Some(begun) = begun.to_str() else { return Vec::new() };
    let lower = begun.to_ascii_lowercase();
    let mut offers = Vec::new();
    for (at, (word, told)) in words(caller, kind, begun).into_iter().enumerate() {
        // Tickets are found in any case, as the commands find them; a shell keeps only what begins as typed.
        if word.starts_with(begun) || word.to_ascii_lowercase().starts_with(&lower) {
            let told = escape(&told);
            let help = (!told.is_empty()).then(|| told.into());
            offers.push(CompletionCandidate::new(word).help(help).display_order(Some(at)));
        }
    }
    offers
}

fn fitting(words: impl Iterator<Item = &'static str>, begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    words.filter(|word| word.starts_with(&*begun)).map(CompletionCandidate::new).collect()
}
