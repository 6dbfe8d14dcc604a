//! The man pages of the commands, from the same definitions that parse the command line.

use super::roff::Page;
use super::sections;
use crate::cmd::help::{GROUPS, examples, members, program};
use clap::Command;
use clap_mangen::Man;

/// Every page of section 1, by its file name.
pub(super) fn pages() -> Vec<(String, String)> {
    let mut top = program().disable_help_subcommand(true);
    top.build();
    let mut pages = Vec::new();
    add(&top, &top, "", &mut pages);
    pages
}

fn add(command: &Command, top: &Command, path: &str, pages: &mut Vec<(String, String)>) {
    pages.push((format!("{}.1", name_of(command)), page(command, top, path)));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let path = if path.is_empty() {
            below.get_name().to_owned()
        } else {
            format!("{path} {}", below.get_name())
        };
        add(below, top, &path, pages);
    }
}

fn name_of(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command, top: &Command, path: &str) -> String {
    let name = name_of(command);
    let mut page = Page::new(name, 1);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    page.name(name, about.trim_end_matches('.'));
    page.heading("SYNOPSIS");
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let words = command.get_bin_name().unwrap_or("git metawsm");
    page.words(words, usage.strip_prefix(words).unwrap_or_default());
    page.heading("DESCRIPTION");
    let long = command.get_long_about().or_else(|| command.get_about());
    page.paragraphs(&long.map(ToString::to_string).unwrap_or_default());
    if path.is_empty() {
        page.paragraphs(sections::WHAT);
        grouped(&mut page, command);
    } else if command.has_subcommands() {
        listed(&mut page, command);
    }
    options(&mut page, command, path);
    if path.is_empty() {
        page.table("WHICH RUN", sections::SELECTORS);
    }
    shown(&mut page, path);
    page.table("EXIT STATUS", sections::exits(path));
    if path.is_empty() {
        page.table("ENVIRONMENT", sections::ENVIRONMENT);
    }
    let files = sections::files(path);
    if !files.is_empty() {
        page.table("FILES", files);
    }
    page.heading("SEE ALSO");
    page.references(&see_also(command, top, path));
    page.text()
}

/// The commands in their groups, as help shows them.
fn grouped(page: &mut Page, top: &Command) {
    page.heading("COMMANDS");
    for (heading, names) in GROUPS {
        let members = members(top, names);
        if !members.is_empty() {
            page.below(heading);
            for command in members {
                entry(page, command);
            }
        }
    }
}

fn listed(page: &mut Page, command: &Command) {
    page.heading("COMMANDS");
    command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| entry(page, below));
}

fn entry(page: &mut Page, command: &Command) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    page.item(&format!("{}(1)", name_of(command)), &about);
}

/// The options, from the page generator; those of every command stand on the first page alone.
fn options(page: &mut Page, command: &Command, path: &str) {
    let is_top = path.is_empty();
    let own = command.clone().mut_args(|arg| {
        let everywhere = arg.is_global_set() && !is_top;
        let hidden = arg.is_hide_set() || everywhere;
        arg.hide(hidden)
    });
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = Man::new(own).render_options_section(&mut bytes);
    page.generated(&String::from_utf8_lossy(&bytes));
    if !is_top {
        page.paragraphs("The options of every command, such as --json and -C, stand in git-metawsm(1).");
    }
}

fn shown(page: &mut Page, path: &str) {
    let examples = if path.is_empty() { sections::FIRST_STEPS } else { examples(path) };
    if examples.is_empty() {
        return;
    }
    page.heading("EXAMPLES");
    for (line, what) in examples {
        page.item(&format!("git metawsm {line}"), what);
    }
}

/// The pages that stand beside this one: above and below it, and of the same group.
fn see_also(command: &Command, top: &Command, path: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if path.is_empty() {
        names.extend(
            ["git-metawsm-run", "git-metawsm-status", "git-metawsm-diff", "git-metawsm-close"]
                .map(|n| format!("{n}(1)")),
        );
        names.extend(
            ["git-metawsm-policy(5)", "git-metawsm-records(5)", "git(1)", "git-worktree(1)", "tmux(1)"]
                .map(str::to_owned),
        );
        return names;
    }
    names.push("git-metawsm(1)".to_owned());
    let first = path.split(' ').next().unwrap_or_default();
    let siblings = if let Some((above, _)) = path.split_once(' ') {
        names.push(format!("git-metawsm-{above}(1)"));
        top.find_subcommand(above).map(|above| above.get_subcommands().collect()).unwrap_or_default()
    } else {
        let group = GROUPS.iter().find(|(_, names)| names.contains(&first));
        group.map(|(_, names)| members(top, names)).unwrap_or_default()
    };
    let below = command.get_subcommands();
    let others = siblings.into_iter().chain(below).filter(|other| !other.is_hide_set());
    names.extend(
        others
            .map(|other| format!("{}(1)", name_of(other)))
            .filter(|n| *n != format!("{}(1)", name_of(command))),
    );
    names.extend(sections::related(first).iter().map(|name| (*name).to_owned()));
    names
}
