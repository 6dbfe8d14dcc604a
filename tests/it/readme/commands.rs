//! The table of commands in the README is what the program says of itself.

use super::{WRITES, is_blessing, readme, top};
use crate::kit::World;
use clap::CommandFactory;
use git_metawsm::cmd::Cli;
use std::fmt::Write as _;

const BEGIN: &str = "<!-- commands: from the program itself -->\n";
const END: &str = "<!-- end of commands -->\n";

/// The headings of `-h` with the commands below each.
fn groups() -> Vec<(String, Vec<String>)> {
    let help = World::new().run(["-h"]).ok().stdout;
    let program = Cli::command();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for line in help.lines() {
        if let Some(heading) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            groups.push((heading.to_owned(), Vec::new()));
        }
        // What is told further goes on below its beginning, farther in.
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        let name = name.and_then(|rest| rest.split_whitespace().next());
        if let (Some(name), Some((_, names))) =
            (name.filter(|n| program.find_subcommand(n).is_some()), groups.last_mut())
        {
            names.push(name.to_owned());
        }
    }
    groups.retain(|(_, names)| !names.is_empty());
    groups
}

fn table() -> String {
    let program = Cli::command();
    let mut table = "| | command | what it does |\n|---|---|---|\n".to_owned();
    for (heading, names) in groups() {
        for (at, name) in names.iter().enumerate() {
            let heading = if at == 0 { heading.as_str() } else { "" };
            let about = program.find_subcommand(name).and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
            let _ = writeln!(table, "| {heading} | `{name}` | {about} |");
        }
    }
    table
}

#[test]
fn the_table_of_commands_is_what_the_program_says() {
    let table = table();
    let _held = WRITES.lock().expect("no writer has died");
    let text = readme();
    let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (shown, after) = rest.split_once(END).expect("the table has an end");
    for command in Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
        let row = format!("| `{}` |", command.get_name());
        assert!(table.contains(&row), "'-h' does not show {row}");
    }
    if is_blessing() && shown != table {
        let text = format!("{before}{BEGIN}{table}{END}{after}");
        std::fs::write(top().join("README.md"), text).expect("the README is written");
        return;
    }
    assert_eq!(shown, table, "write it anew: METAWSM_BLESS=1 cargo test --test it readme::");
}
