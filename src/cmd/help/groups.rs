//! The commands by what people want of them.

use crate::render::{columns, wrap};
use clap::Command;
use std::fmt::Write as _;

/// Each group's heading and its commands; those of the first are what everybody needs.
pub(in crate::cmd) const GROUPS: [(&str, &[&str]); 7] = [
    ("The four to know", &["run", "status", "diff", "close"]),
    ("Look", &["list", "log", "logs", "path", "docs", "watch", "tui"]),
    ("Work with agents", &["bootstrap", "tell", "attach", "guide", "forum", "signal"]),
    ("Steer a run", &["iterate", "stop", "resume", "restart", "complete", "commit", "update"]),
    ("Bring work in", &["check", "merge", "publish"]),
    ("Clean up", &["discard", "cleanup", "rescue"]),
    ("The program itself", &["policy-init", "policy", "hooks", "setup", "doctor", "import", "demo"]),
];

/// How wide help is laid out.
const WIDTH: usize = 80;

/// The commands of a group that people are shown.
pub(in crate::cmd) fn members<'a>(program: &'a Command, names: &[&str]) -> Vec<&'a Command> {
    let shown = |name: &&str| program.find_subcommand(name).filter(|command| !command.is_hide_set());
    names.iter().filter_map(shown).collect()
}

/// What `-h` prints, for the parser to fill in.
pub(super) fn template(program: &Command) -> String {
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter());
    let widest = names.map(|name| columns(name)).max().unwrap_or_default();
    for (heading, names) in GROUPS {
        let members = members(program, names);
        if members.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{heading}:");
        for command in members {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let lines = wrap(&about, WIDTH - widest - 4);
            let name = command.get_name();
            for (at, line) in lines.iter().enumerate() {
                let name = if at == 0 { name } else { "" };
                let _ = writeln!(text, "  {name:<widest$}  {line}");
            }
        }
    }
    text.push_str("\nGlobal options:\n{options}{after-help}");
    text
}
