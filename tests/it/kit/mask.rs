//! Masks for what differs from run to run, so that whole outputs can be compared.

use regex::{Captures, Regex};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Replaces the world's path by `$WORLD`, run ids by `RUN`, times by `TIME`, dates by `DATE`, process ids by
/// `PID`, and every word that begins an object id of these repositories (or is 40 or 64 hex digits) by `OID`.
pub fn mask(text: &str, world: &Path, repos: &[PathBuf]) -> String {
    let text = text.replace(&*world.to_string_lossy(), "$WORLD");
    let plain = [
        (r"\brun-\d{8}-\d{6}-[a-z2-7]{4}\b", "RUN"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?", "TIME"),
        (r"\b\d{4}-\d\d-\d\d\b", "DATE"),
        (r"\b\d{8}T\d{6}Z?\b", "TIME"),
        (r"\b(pid|process) \d+\b", "$1 PID"),
        (r"\b([0-9a-f]{64}|[0-9a-f]{40})\b", "OID"),
    ];
    let text = plain.iter().fold(text, |text, (pattern, to)| {
        Regex::new(pattern).expect("a pattern of ours").replace_all(&text, *to).into_owned()
    });
    mask_short_ids(&text, repos)
}

/// Short ids can be all digits: only the repositories know which words are ids.
fn mask_short_ids(text: &str, repos: &[PathBuf]) -> String {
    let word = Regex::new(r"\b[0-9a-f]{7,39}\b").expect("a pattern of ours");
    if !word.is_match(text) {
        return text.to_owned();
    }
    let ids: Vec<String> = repos.iter().flat_map(|repo| object_ids(repo)).collect();
    let replace = |found: &Captures<'_>| {
        let known = ids.iter().any(|id| id.starts_with(&found[0]));
        if known { "OID".to_owned() } else { found[0].to_owned() }
    };
    word.replace_all(text, replace).into_owned()
}

fn object_ids(repo: &Path) -> Vec<String> {
    let args = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"];
    let output = Command::new("git").args(args).current_dir(repo).output().expect("git runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
