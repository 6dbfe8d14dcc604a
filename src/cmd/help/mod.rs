//! `help`, `-h` and `--help`: the commands in groups, the four verbs first, and an example for each.
//!
//! Parsing needs none of this, so it is put on the command line only where somebody reads it: help, man pages,
//! completions.

mod examples;
mod groups;

pub(super) use examples::{examples, plain_examples};
pub(super) use groups::{GROUPS, members};

use super::Cli;
use clap::{Command, CommandFactory};

/// The whole command line with everything that only readers need.
pub fn program() -> Command {
    let program = Cli::command();
    let template = groups::template(&program);
    taught(program.help_template(template), "")
}

/// The command and those below it, each with its examples.
fn taught(command: Command, path: &str) -> Command {
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = below.iter().fold(command, |command, name| {
        let path = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command.mut_subcommand(name, |below| taught(below, &path))
    });
    match plain_examples(path) {
        Some(text) => command.after_long_help(text),
        None => command,
    }
}
