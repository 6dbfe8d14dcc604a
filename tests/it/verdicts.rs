//! Our verdicts are git's: whether a worktree is clean, and what a merge comes to, over repositories of every odd kind
//! and over random merges.

mod clean;
mod formats;
mod merges;
mod random;

use crate::kit::Output;
use git_metawsm::git::{GitError, Merged, Repository};
use git_metawsm::sys::{Exit, SysError};
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
/// left unmerged, or what git says where it left none (a folder that moved two ways).
#[derive(Debug, PartialEq, Eq)]
enum Real {
    Tree(String),
    Unmerged(BTreeSet<String>),
    Told(String),
    /// git breaks: an assertion of its own (merge-ort in 2.39) does not hold.
    Broken,
    Refused,
}

/// Merges for real in this worktree, which goes back to `base` first and holds nothing that counts.
fn really_merge(scratch: &Path, base: &str, head: &str) -> Real {
    git(scratch, &["reset", "-q", "--hard", base]).ok();
    git(scratch, &["clean", "-q", "-ffdx"]).ok();
    let merged = git(scratch, &["merge", "--no-ff", "--no-commit", "--no-autostash", head]);
    if merged.status.is_none() {
        // A git that broke leaves its lock.
        let lock =
            git(scratch, &["rev-parse", "--path-format=absolute", "--git-path", "index.lock"]).ok().stdout;
        let _ = std::fs::remove_file(lock.trim());
    }
    let unmerged: BTreeSet<_> =
        fields(&git(scratch, &["diff", "--name-only", "--diff-filter=U", "-z"]).ok()).into_iter().collect();
    match (merged.status, unmerged.is_empty()) {
        (None, _) => Real::Broken,
        (Some(1), true) => Real::Told(merged.stdout),
        (Some(0), true) => Real::Tree(git(scratch, &["write-tree"]).ok().stdout.trim().to_owned()),
        (Some(1), _) => Real::Unmerged(unmerged),
        _ => Real::Refused,
    }
}

/// What our program says of the same merge, in the same words.
fn our_merge(repository: &Repository, base: &str, head: &str) -> Real {
    match repository.merge_trees(base, head) {
        Ok(Merged::Clean { tree }) => Real::Tree(tree),
        Ok(Merged::Conflict { files }) => Real::Unmerged(files.iter().map(ToString::to_string).collect()),
        Ok(Merged::Unrelated) => Real::Refused,
        Err(GitError::Sys(SysError::Failed { exit: Exit::Signal(_), .. })) => Real::Broken,
        Err(error) => panic!("not judged: {error}"),
    }
}

/// Requires that we say what a real merge came to; of one that left no file unmerged, that we name what git names in
/// its lines of conflicts.
fn require_same(ours: &Real, real: &Real, which: &str) {
    let (Real::Unmerged(files), Real::Told(text)) = (ours, real) else {
        assert_eq!(ours, real, "{which}");
        return;
    };
    let conflicts: Vec<_> = text.lines().filter(|line| line.starts_with("CONFLICT")).collect();
    let is_named = |file: &String| conflicts.iter().any(|line| line.contains(file.as_str()));
    assert!(!files.is_empty() && files.iter().all(is_named), "{which}: {files:?} of {text}");
}
