//! Words that belong to one room, and words that belong nowhere.

use super::source::{Source, Violation, closing};

type Found<'a> = Box<dyn Fn(usize) -> bool + 'a>;

fn every(source: &Source, is_bad: impl Fn(usize) -> bool, why: &str) -> Vec<Violation> {
    (0..source.tokens.len()).filter(|at| is_bad(*at)).map(|at| source.violation(at, why)).collect()
}

/// Whether the path at this token takes `name` from the module `module`: `module::name`, `module::{name, ...}`.
fn takes(source: &Source, at: usize, module: &str, name: &str) -> bool {
    if source.at(at) != module || source.at(at + 1) != "::" {
        return false;
    }
    let group = source.at(at + 2) == "{";
    let end = if group { closing(&source.tokens, at + 2) } else { at + 3 };
    source.tokens[at + 2..end.min(source.tokens.len())].iter().any(|t| t.text == name)
}

/// Crates that only one room may use.
pub fn foreign_crates(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, room) in [("git2", "git"), ("rusqlite", "store"), ("redis", "bus"), ("reqwest", "federation")]
    {
        if source.path.starts_with("src/") && source.room() != Some(room) {
            let why = format!("{name} is used in src/{room} only: ask that room");
            // A field of that name is no crate.
            let is_field = |at: usize| source.before(at) == "." || source.at(at + 1) == ":";
            found.extend(every(source, |at| source.at(at) == name && !is_field(at), &why));
        }
    }
    found
}

/// Calls that start a process below the standard library.
const CALLS: [&str; 8] = ["fork", "vfork", "execv", "execve", "execvp", "execvpe", "fexecve", "posix_spawn"];

/// Processes started past `sys::Cmd`.
pub fn processes(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/") || source.room() == Some("sys") {
        return Vec::new();
    }
    let std_command = |at: usize| {
        takes(source, at, "process", "Command")
            || source.at(at) == "CommandExt"
            || (source.at(at) == "Command"
                && source.at(at + 1) == "::"
                && source.at(at + 2) == "new"
                && source.before(at) != "::")
    };
    let raw = |at: usize| {
        ["libc", "unistd", "spawn"]
            .iter()
            .any(|module| CALLS.iter().any(|name| takes(source, at, module, name)))
    };
    every(source, |at| std_command(at) || raw(at), "processes are started by sys::Cmd only")
}

/// Output past `render`.
pub fn printing(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/") || source.room() == Some("render") {
        return Vec::new();
    }
    let prints = |at: usize| {
        matches!(source.at(at), "println" | "eprintln" | "print" | "eprint" | "dbg")
            && source.at(at + 1) == "!"
    };
    let asks_terminal =
        |at: usize| source.path == "src/sys/term.rs" && matches!(source.at(at + 4), "is_terminal" | "as_fd");
    let stream = |at: usize| {
        matches!(source.at(at), "stdout" | "stderr")
            && source.at(at + 1) == "("
            && source.at(at + 2) == ")"
            && !matches!(source.before(at), "." | "fn")
            && !asks_terminal(at)
    };
    // The screen is drawn by a backend that writes to standard output, and this file is the one that hands it over.
    let draws = |at: usize| source.path == "src/tui/terminal.rs" && source.at(at) == "stdout";
    let bad = |at: usize| !source.tokens[at].test && (prints(at) || (stream(at) && !draws(at)));
    every(source, bad, "only src/render writes to the standard streams")
}

/// Words that belong nowhere.
pub fn nowhere(source: &Source) -> Vec<Violation> {
    let macro_named = |name: &'static str| -> Found<'_> {
        Box::new(move |at| source.at(at) == name && source.at(at + 1) == "!")
    };
    let in_src = source.path.starts_with("src/");
    let rules: [(Found<'_>, &str); 4] = [
        (Box::new(|at| source.at(at) == "unsafe"), "no unsafe code"),
        (macro_named("todo"), "nothing is left to do in a commit"),
        (macro_named("unimplemented"), "nothing is left to do in a commit"),
        (
            Box::new(move |at| {
                in_src
                    && source.at(at) == "unwrap"
                    && matches!(source.before(at), "." | "::")
                    && !source.tokens[at].test
            }),
            "unwrap() hides why it cannot fail: return the error, or expect(\"why\")",
        ),
    ];
    rules.iter().flat_map(|(bad, why)| every(source, bad, why)).collect()
}

/// Tests that wait for time instead of for a condition.
pub fn sleeping_tests(source: &Source) -> Vec<Violation> {
    let in_tests = source.path.starts_with("tests/");
    let bad = |at: usize| takes(source, at, "thread", "sleep") && (in_tests || source.tokens[at].test);
    every(source, bad, "a test waits for a condition with a deadline (kit::wait_for), never for time")
}
