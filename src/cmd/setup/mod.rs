//! `setup`: man pages and completions.

mod pages;
mod policy_page;
mod records_page;
mod roff;
mod sections;

use super::{Outcome, completions};
use crate::render::{self, Screen};
use crate::service::{self, Caller, SetupRequest, Shell};
use clap::ValueEnum;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShellWord {
    Bash,
    Zsh,
    Fish,
}

/// Install man pages and shell completions for this user.
///
/// git itself answers 'git metawsm --help' with the man page, so it must be where man looks. Files go to this user's own
/// places, none of them is overwritten that this did not write, and a list is kept of them for --remove.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Take away what an earlier setup wrote.
    #[arg(long, conflicts_with = "shell")]
    remove: bool,
    /// Say only what would be written or taken away.
    #[arg(long)]
    dry_run: bool,
    /// Completions of these shells; by default of those that are installed.
    #[arg(long, value_name = "SHELL", value_delimiter = ',')]
    shell: Vec<ShellWord>,
    /// Write below this directory, in share/man and so on: for packages.
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let shell = |word: ShellWord| match word {
        ShellWord::Bash => Shell::Bash,
        ShellWord::Zsh => Shell::Zsh,
        ShellWord::Fish => Shell::Fish,
    };
    let request = SetupRequest {
        remove: args.remove,
        dry_run: args.dry_run,
        shells: args.shell.into_iter().map(shell).collect(),
        prefix: args.prefix.map(|prefix| caller.cwd.join(prefix)),
        pages: if args.remove { Vec::new() } else { manual() },
        scripts: Shell::ALL.into_iter().map(|shell| (shell, completions::script(shell))).collect(),
    };
    Ok(render::set_up(screen, &service::setup(&request)?))
}

/// Every page of the manual, by its file name.
pub fn manual() -> Vec<(String, String)> {
    let mut pages = pages::pages();
    pages.extend([policy_page::page(), records_page::page()]);
    pages
}
