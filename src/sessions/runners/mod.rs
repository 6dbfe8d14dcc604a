//! Command lines of agent programs, one file for each that we know.
//!
//! The default lets an agent edit files and commit in the workspace, and nothing beyond. Flags are those of the
//! programs' own help (codex 0.169, claude 2.1).

mod claude;
mod codex;

use super::SessionError;
use crate::model::SessionBackend;
use crate::sys::env;
use jiff::Timestamp;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

/// The command that becomes the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Whether it shows a screen to talk to.
    pub interactive: bool,
    /// The conversation that it continues or begins, where that is known before it starts.
    pub conversation: Option<String>,
}

/// What a command line is made from.
#[derive(Debug, Clone, Copy)]
pub struct RunnerInput<'a> {
    /// `shell`, `codex`, `claude` or `command`.
    pub runner: &'a str,
    /// The text for a shell, for the runner `shell`.
    pub command: Option<&'a str>,
    /// The words of the runner `command`; `{prompt_file}` and `{prompt}` are filled in.
    pub argv_template: &'a [String],
    /// `interactive`, `headless`, or `auto`: interactive in tmux.
    pub mode: Option<&'a str>,
    /// `ask`, `edit` (the default) or `full`.
    pub permissions: Option<&'a str>,
    /// The file that holds the prompt.
    pub prompt_file: &'a Path,
    /// The prompt.
    pub prompt: &'a str,
    /// Where the agent may write: all worktrees, the directories of signal files, and the places of
    /// [`git_places`] for each worktree.
    pub writable: &'a [PathBuf],
    /// Where it will run.
    pub backend: SessionBackend,
    /// The conversation to continue.
    pub conversation: Option<&'a str>,
    /// The program, resolved; else it is looked up by its name.
    pub program: Option<&'a Path>,
}

/// One argument of a program may have 128 KiB in all; a prompt above this is read from its file.
const PROMPT_LIMIT: usize = 100 << 10;

impl RunnerInput<'_> {
    fn is_interactive(&self) -> bool {
        match self.mode {
            Some("interactive") => true,
            Some("headless") => false,
            _ => self.backend == SessionBackend::Tmux,
        }
    }

    fn prompt_argument(&self) -> String {
        // A null byte cannot stand in an argument.
        if self.prompt.len() <= PROMPT_LIMIT && !self.prompt.contains('\0') {
            return self.prompt.to_owned();
        }
        format!("Read the file {} whole; it holds your task. Then do it.", self.prompt_file.display())
    }

    fn program_or(&self, name: &str) -> String {
        self.program.map_or_else(|| name.to_owned(), |p| p.to_string_lossy().into_owned())
    }

    fn refuse(&self, why: impl Into<String>) -> SessionError {
        SessionError::Profile { runner: self.runner.to_owned(), why: why.into() }
    }
}

/// The command line of an agent.
pub fn command_line(input: &RunnerInput) -> Result<AgentCommand, SessionError> {
    if let Some(mode) = input.mode.filter(|m| !["auto", "interactive", "headless"].contains(m)) {
        return Err(input.refuse(format!("its mode '{mode}' is none of auto, interactive, headless")));
    }
    if let Some(word) = input.permissions.filter(|p| !["ask", "edit", "full"].contains(p)) {
        return Err(input.refuse(format!("its permissions '{word}' are none of ask, edit, full")));
    }
    match input.runner {
        "shell" => shell(input),
        "command" => template(input),
        "codex" => Ok(codex::command_line(input)),
        "claude" => Ok(claude::command_line(input)),
        other => Err(SessionError::UnknownRunner(other.to_owned())),
    }
}

fn shell(input: &RunnerInput) -> Result<AgentCommand, SessionError> {
    let text = input.command.map(str::trim).filter(|t| !t.is_empty());
    let text = text.ok_or_else(|| input.refuse("its profile names no command"))?;
    let shell = if env::find_program("bash").is_some() { "bash" } else { "sh" };
    let argv = vec![input.program_or(shell), "-c".to_owned(), text.to_owned()];
    Ok(AgentCommand { argv, interactive: input.backend == SessionBackend::Tmux, conversation: None })
}

fn template(input: &RunnerInput) -> Result<AgentCommand, SessionError> {
    if input.argv_template.first().is_none_or(|program| program.trim().is_empty()) {
        return Err(input.refuse("its profile holds no argument list"));
    }
    let file = input.prompt_file.to_string_lossy();
    let filled = |word: &String| match word.as_str() {
        "{prompt}" => input.prompt_argument(),
        word => word.replace("{prompt_file}", &file),
    };
    let argv = input.argv_template.iter().map(filled).collect();
    Ok(AgentCommand { argv, interactive: input.is_interactive(), conversation: None })
}

/// Says whether an agent started like this could do work and commit it without a person beside it; else why not.
pub fn could_commit(input: &RunnerInput) -> Result<(), String> {
    match input.runner {
        "claude" | "codex" if input.is_interactive() && input.backend == SessionBackend::Process => {
            Err("it is to run with a screen, and a process session has none; use tmux, or mode = headless"
                .into())
        }
        "claude" | "codex" if input.is_interactive() => Ok(()),
        "claude" | "codex" if input.permissions == Some("ask") => Err(
            "it would ask before each change, and nobody is there to answer; use permissions = edit, or tmux"
                .into(),
        ),
        "codex" if input.permissions != Some("full") => codex::could_commit(input.writable),
        "shell" if input.backend == SessionBackend::Process => {
            let word = input.command.unwrap_or_default().trim();
            let bare = ["bash", "sh", "zsh", "fish", "dash", "ksh"];
            if bare.contains(&word.rsplit('/').next().unwrap_or_default()) {
                return Err(format!("the shell '{word}' without a terminal ends at once; use tmux"));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The agent program that is installed: claude, else codex.
pub fn default_runner() -> Result<&'static str, SessionError> {
    let installed = |name: &&str| env::find_program(name).is_some();
    ["claude", "codex"].into_iter().find(installed).ok_or(SessionError::NoAgent)
}

/// What of a git common directory an agent in the linked worktree `id` has to write for add, commit, amend and
/// stash. Never `hooks`, `config` or `metawsm`; and not the directory as a whole, also because codex then takes
/// `worktrees/<id>` for something to protect.
pub fn git_places(common_dir: &Path, id: &str) -> Vec<PathBuf> {
    let places = ["objects", "refs", "logs"].map(|name| common_dir.join(name));
    places.into_iter().chain([common_dir.join("worktrees").join(id)]).collect()
}

/// Whether a path is one of those of [`git_places`].
fn is_git_place(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let above = path.parent().unwrap_or(path);
    let shared = ["objects", "refs", "logs"].contains(&&*name) && above.join("HEAD").is_file();
    shared || path.join("commondir").is_file()
}

/// The id of the conversation that an agent began after `since` in the directory `cwd`, where its program tells
/// or keeps it. claude is told the id before it starts; see [`AgentCommand::conversation`].
pub fn find_conversation(runner: &str, cwd: &Path, since: Timestamp, log: &Path) -> Option<String> {
    (runner == "codex").then(|| codex::find_conversation(cwd, since, log)).flatten()
}

/// The first line of a file, cut at `cap` bytes.
fn first_line(path: &Path, cap: u64) -> Option<String> {
    use std::io::Read as _;
    let mut line = String::new();
    BufReader::new(fs::File::open(path).ok()?.take(cap)).read_line(&mut line).ok()?;
    Some(line)
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn input<'a>(runner: &'a str, writable: &'a [PathBuf]) -> RunnerInput<'a> {
        RunnerInput {
            runner,
            command: None,
            argv_template: &[],
            mode: None,
            permissions: None,
            prompt_file: Path::new("/w/.metawsm/brief.md"),
            prompt: "--do it",
            writable,
            backend: SessionBackend::Tmux,
            conversation: None,
            program: None,
        }
    }

    #[test]
    fn a_template_is_filled_and_a_missing_one_refused() {
        let words = ["run", "--file={prompt_file}", "{prompt}"].map(str::to_owned);
        let made = command_line(&RunnerInput { argv_template: &words, ..input("command", &[]) });
        assert_eq!(made.expect("made").argv, ["run", "--file=/w/.metawsm/brief.md", "--do it"]);
        assert!(matches!(command_line(&input("command", &[])), Err(SessionError::Profile { .. })));
        assert!(matches!(command_line(&input("shell", &[])), Err(SessionError::Profile { .. })));
        assert!(matches!(command_line(&input("vim", &[])), Err(SessionError::UnknownRunner(_))));
        let odd = RunnerInput { permissions: Some("root"), ..input("claude", &[]) };
        assert!(matches!(command_line(&odd), Err(SessionError::Profile { .. })));
    }

    #[test]
    fn a_long_prompt_is_read_from_its_file() {
        let long = "x".repeat(PROMPT_LIMIT + 1);
        for runner in ["codex", "claude"] {
            let made = command_line(&RunnerInput { prompt: &long, ..input(runner, &[]) }).expect("made");
            assert!(made.argv.last().is_some_and(|p| p.contains("/w/.metawsm/brief.md") && p.len() < 200));
        }
    }

    #[test]
    fn a_prompt_is_never_an_option() {
        for runner in ["codex", "claude"] {
            for mode in ["interactive", "headless"] {
                for conversation in [None, Some("01a20382-5894-7481-a70a-ca72312d6d5f")] {
                    let input = RunnerInput { mode: Some(mode), conversation, ..input(runner, &[]) };
                    let argv = command_line(&input).expect("made").argv;
                    let at = argv.iter().position(|w| w == "--").expect("a separator");
                    assert!(argv.iter().position(|w| w == "--do it").is_some_and(|p| p > at), "{argv:?}");
                }
            }
        }
    }

    #[test]
    fn who_could_not_commit_alone_is_refused() {
        let places = git_places(Path::new("/r/.git"), "ws");
        let alone = |runner| RunnerInput { backend: SessionBackend::Process, ..input(runner, &places) };
        assert_eq!(could_commit(&alone("codex")), Ok(()));
        assert_eq!(could_commit(&alone("claude")), Ok(()));
        assert!(could_commit(&RunnerInput { writable: &[], ..alone("codex") }).is_err());
        for runner in ["codex", "claude"] {
            assert!(could_commit(&RunnerInput { permissions: Some("ask"), ..alone(runner) }).is_err());
            assert!(could_commit(&RunnerInput { mode: Some("interactive"), ..alone(runner) }).is_err());
            assert_eq!(could_commit(&RunnerInput { permissions: Some("ask"), ..input(runner, &[]) }), Ok(()));
        }
        assert!(could_commit(&RunnerInput { command: Some("/bin/bash"), ..alone("shell") }).is_err());
        assert_eq!(could_commit(&RunnerInput { command: Some("bash x.sh"), ..alone("shell") }), Ok(()));
    }

    #[test]
    fn a_uuid_is_known_by_its_shape() {
        assert!(is_uuid("01a20382-5894-7481-a70a-ca72312d6d5f"));
        assert!(!is_uuid("01a20382-5894-7481-a70a-ca72312d6d5") && !is_uuid("../../../-----"));
    }
}
