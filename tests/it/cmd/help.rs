//! `help` and `-h`: four verbs first, every command in one group, and an example for each.

use crate::kit::World;
use clap::{Command, CommandFactory};
use git_metawsm::cmd::{Cli, program};

/// The lines below a heading of the first help, up to the next empty one.
fn below<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

fn first_words<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    // What goes on from the line above stands further in.
    let entries = lines.iter().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    entries.filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn four_verbs_come_first_and_every_command_is_listed_once() {
    let help = World::new().run(["-h"]).ok().stdout;
    assert_eq!(first_words(&below(&help, "The four to know:")), ["run", "status", "diff", "close"]);
    let before_options: Vec<_> = help.lines().take_while(|line| *line != "Global options:").collect();
    let mut listed = first_words(&before_options);
    let own = Cli::command();
    let mut known: Vec<_> =
        own.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).collect();
    listed.sort_unstable();
    known.sort_unstable();
    assert_eq!(listed, known);
    assert!(help.contains("\nGlobal options:\n  -C <DIR>"), "{help}");
    for line in before_options {
        assert!(line.chars().count() <= 100, "too wide: {line}");
    }
}

#[test]
fn every_command_has_an_example_that_names_it() {
    fn look(command: &Command, path: &str) {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            let path = format!("{path} {}", below.get_name());
            let end = below.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            assert!(end.starts_with("Examples:\n"), "'git metawsm{path}' has no example");
            assert!(end.contains(&format!("  git metawsm{path}")), "of another command: {end}");
            look(below, &path);
        }
    }
    look(&program(), "");
    let world = World::new();
    for words in [["help", "close"], ["close", "--help"]] {
        world.run(words).ok().says("Examples:\n  git metawsm close API-7 --dry-run\n");
    }
}
