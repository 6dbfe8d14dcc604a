//! The command lines of agent programs against the programs' own help, where they are installed.

use crate::kit::{World, require};
use git_metawsm::model::SessionBackend;
use git_metawsm::sessions::{RunnerInput, command_line};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const CONVERSATION: &str = "01a20382-5894-4481-a70a-ca72312d6d5f";

/// Every way in which we start this program.
fn lines(runner: &str) -> Vec<Vec<String>> {
    let writable = [PathBuf::from("/w/t-1/.metawsm"), PathBuf::from("/w/t-1/api")];
    let mut lines = Vec::new();
    for mode in ["interactive", "headless"] {
        for permissions in ["ask", "edit", "full"] {
            for conversation in [None, Some(CONVERSATION)] {
                let input = RunnerInput {
                    runner,
                    command: None,
                    argv_template: &[],
                    mode: Some(mode),
                    permissions: Some(permissions),
                    prompt_file: Path::new("/w/t-1/.metawsm/prompt.md"),
                    prompt: "--do it",
                    writable: &writable,
                    backend: SessionBackend::Tmux,
                    conversation,
                    program: None,
                };
                lines.push(command_line(&input).expect("a command line").argv);
            }
        }
    }
    lines
}

/// The help of the subcommand that a line names.
struct Helps {
    world: World,
    program: PathBuf,
    known: HashMap<Vec<String>, String>,
}

impl Helps {
    fn of(&mut self, words: &[String]) -> &str {
        let Self { world, program, known } = self;
        known.entry(words.to_vec()).or_insert_with(|| {
            let output = world.command(&*program).args(words).arg("--help").output().expect("it starts");
            assert!(output.status.success(), "{words:?} is no subcommand: {output:?}");
            String::from_utf8(output.stdout).expect("text")
        })
    }
}

/// Checks each option before the `--`, and that what follows it is taken.
fn check(program: &str, is_known_value: &dyn Fn(&str, &str, &str) -> bool) {
    let Some(path) = require(program) else { return };
    let mut helps = Helps { world: World::new(), program: path, known: HashMap::new() };
    for line in lines(program) {
        let end = line.iter().position(|word| word == "--").expect("a separator");
        let words: Vec<_> = line[1..end].iter().take_while(|word| !word.starts_with('-')).cloned().collect();
        let help = helps.of(&words).to_owned();
        for (at, word) in line.iter().enumerate().take(end).skip(1) {
            if word.starts_with('-') {
                let is_there = help.split(|c: char| c.is_whitespace() || c == ',').any(|part| part == word);
                assert!(is_there, "{program} {words:?} knows no {word}:\n{help}");
                let value = &line[at + 1];
                assert!(is_known_value(word, value, &help), "{word} takes no {value}:\n{help}");
            }
        }
        let operands = line.len() - end - 1;
        assert_eq!(
            operands,
            if program == "codex" && line.contains(&CONVERSATION.to_owned()) { 2 } else { 1 }
        );
        let usage = help.lines().find(|l| l.starts_with("Usage:")).expect("a usage line").to_lowercase();
        assert!(usage.contains("[prompt]"), "{usage}");
        assert!(operands == 1 || usage.contains("[session_id] [prompt]"), "{usage}");
    }
}

#[test]
fn codex_knows_every_option_that_we_give_it() {
    check("codex", &|option, value, _| option == "-c" && value.contains('='));
    let Some(path) = require("codex") else { return };
    // The words of the settings are those of its options.
    let mut helps = Helps { world: World::new(), program: path, known: HashMap::new() };
    let help = helps.of(&[]).to_owned();
    for word in ["read-only", "workspace-write", "danger-full-access", "on-request", "never"] {
        assert!(help.contains(word), "codex knows no {word}:\n{help}");
    }
}

#[test]
fn claude_knows_every_option_that_we_give_it() {
    check("claude", &|option, value, help| {
        option != "--permission-mode" || help.contains(&format!("\"{value}\""))
    });
}
