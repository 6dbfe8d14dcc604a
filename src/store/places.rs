//! Taking the places of this machine out of texts that history will keep.

use crate::model::Run;
use crate::sys::env;
use std::path::PathBuf;

/// First parts of absolute paths that tell of a person or a machine. A path below another name in a person's own
/// words is taken for a word of the project, such as the route of a web server.
pub(super) const PERSONAL: [&str; 6] = ["home", "private", "root", "tmp", "Users", "Volumes"];

/// First parts of absolute paths in texts that programs wrote.
pub(super) const MACHINE: [&str; 18] = [
    "bin", "etc", "home", "lib", "media", "mnt", "nix", "opt", "private", "root", "run", "sbin", "srv",
    "tmp", "Users", "usr", "var", "Volumes",
];

/// The places on this machine that a run's record knows.
pub(super) struct Places {
    /// Longest first, each with the word that takes its place.
    known: Vec<(String, String)>,
    /// The first parts of their paths.
    tops: Vec<String>,
}

impl Places {
    pub(super) fn of(run: &Run) -> Self {
        let mut known = Vec::new();
        let mut add = |path: Option<&PathBuf>, word: String| {
            let path = path.and_then(|p| p.to_str()).filter(|p| p.len() > 1);
            known.extend(path.map(|p| (p.to_owned(), word)));
        };
        for ticket in &run.tickets {
            add(ticket.path.as_ref(), format!("<{}>", ticket.workspace));
        }
        for repo in &run.repos {
            add(repo.path.as_ref(), format!("<{}>", repo.name));
            add(repo.common_dir.as_ref(), format!("<{}>/.git", repo.name));
        }
        for tree in &run.worktrees {
            add(tree.path.as_ref(), format!("<{}>", tree.repo));
        }
        add(env::home().as_ref(), "~".to_owned());
        known.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        let tops =
            known.iter().filter_map(|(path, _)| Some(path.strip_prefix('/')?.split('/').next()?.to_owned()));
        Self { tops: tops.collect(), known }
    }

    /// The text with known places named and every other absolute path below `roots` cut to its last part.
    pub(super) fn hidden(&self, text: &str, roots: &[&str]) -> String {
        let mut text = text.to_owned();
        for (path, word) in &self.known {
            if text.contains(path.as_str()) {
                text = text.replace(path.as_str(), word);
            }
        }
        let is_root = |part: &str| roots.contains(&part) || self.tops.iter().any(|top| top == part);
        without_roots(&text, is_root)
    }
}

fn without_roots(text: &str, is_root: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        // A slash within a word, and the two of an address, begin no path.
        let inside = out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '>' | '~'))
            || (from.starts_with("//") && !from.starts_with("///"));
        let ends = |c: char| c.is_whitespace() || "\"'`,;()[]{}<>|".contains(c);
        let (path, after) = from.split_at(from.find(ends).unwrap_or(from.len()));
        let mut parts = path.trim_matches('/').split('/');
        let rooted = parts.next().is_some_and(&is_root);
        match parts.next_back() {
            Some(last) if rooted && !inside => {
                out.push_str("…/");
                out.push_str(last);
            }
            _ => out.push_str(path),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_a_machine_are_cut() {
        let cases = [
            ("Could not write /home/me/x/run.toml: full", "Could not write …/run.toml: full"),
            ("see '/tmp/a b'", "see '…/a b'"),
            ("at /home", "at /home"),
            ("file:///tmp/x/y", "file:…/y"),
            ("https://example.org/home/x", "https://example.org/home/x"),
            ("the route /api/login and src/tmp/x.rs", "the route /api/login and src/tmp/x.rs"),
            ("either/or, 1/2", "either/or, 1/2"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_roots(text, |part| MACHINE.contains(&part)), expected, "{text:?}");
        }
    }
}
