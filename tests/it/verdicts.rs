//! Our verdicts are git's: whether a worktree is clean, and what a merge comes to, over repositories of every odd kind
//! and over random merges.

mod clean;
mod formats;
mod merges;
mod random;

use crate::kit::Output;
use git_metawsm::git::{Merged, Repository};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// git as our program calls it in this process: with the same configuration, outside any other repository.
fn plain_git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "T").env(format!("GIT_{who}_EMAIL"), "t@example.org");
    }
    command
}

fn git(dir: &Path, args: &[&str]) -> Output {
    Output::of(plain_git(dir).args(args), "git")
}

/// The fields of a NUL-separated answer, byte for byte as far as it is text.
fn fields(output: &Output) -> Vec<String> {
    output.stdout.split('\0').filter(|field| !field.is_empty()).map(str::to_owned).collect()
}

/// What a real `git merge` of `head` into `base` comes to, in a worktree of its own: the tree, or the files that are
/// left unmerged; `None` where git refuses to begin.
#[derive(Debug, PartialEq, Eq)]
enum Real {
    Tree(String),
    Unmerged(BTreeSet<String>),
    Refused,
}

/// Merges for real in this worktree, which goes back to `base` first and holds nothing that counts.
fn really_merge(scratch: &Path, base: &str, head: &str) -> Real {
    git(scratch, &["reset", "-q", "--hard", base]).ok();
    git(scratch, &["clean", "-q", "-ffdx"]).ok();
    let merged = git(scratch, &["merge", "--no-ff", "--no-commit", "--no-autostash", head]);
    let unmerged: BTreeSet<_> =
        fields(&git(scratch, &["diff", "--name-only", "--diff-filter=U", "-z"]).ok()).into_iter().collect();
    let unmerged = if unmerged.is_empty() { split_folders(&merged.stdout) } else { unmerged };
    match (merged.status, unmerged.is_empty()) {
        (Some(0), true) => Real::Tree(git(scratch, &["write-tree"]).ok().stdout.trim().to_owned()),
        (Some(1), _) => Real::Unmerged(unmerged),
        _ => Real::Refused,
    }
}

/// The folders that git could not follow, as their parts went several ways: a conflict that leaves no file unmerged.
fn split_folders(told: &str) -> BTreeSet<String> {
    let folder = |line: &str| {
        let line = line.strip_prefix("CONFLICT (directory rename split): Unclear where to rename ")?;
        line.split_once(" to;").map(|(folder, _)| folder.to_owned())
    };
    told.lines().filter_map(folder).collect()
}

/// What our program says of the same merge, in the same words.
fn our_merge(repository: &Repository, base: &str, head: &str) -> Real {
    match repository.merge_trees(base, head).expect("judged") {
        Merged::Clean { tree } => Real::Tree(tree),
        Merged::Conflict { files } => Real::Unmerged(files.iter().map(ToString::to_string).collect()),
        Merged::Unrelated => Real::Refused,
    }
}
