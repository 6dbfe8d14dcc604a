//! One hook file: whether it is there, whose it is, and whether our block may go in.

use super::block::{self, Found};
use super::shim::By;
use crate::sys::files;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// The most bytes that a hook may have to be looked at.
const CAP: u64 = 1 << 20;

/// Shells that read our block as it is meant.
const SHELLS: [&str; 6] = ["sh", "dash", "bash", "ash", "ksh", "mksh"];

/// Words in the files of programs that write hooks anew whenever they like.
const MANAGERS: [(&str, &str); 6] = [
    ("lefthook", "lefthook"),
    ("husky", "husky"),
    ("pre-commit.com", "pre-commit"),
    ("overcommit", "overcommit"),
    ("simple-git-hooks", "simple-git-hooks"),
    ("prek hook-impl", "prek"),
];

/// What a hook file is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookFile {
    /// There is none.
    Missing,
    /// It holds our block.
    Ours,
    /// A script that our block can go into.
    Script,
    /// It is left alone, for this reason (a clause with "it").
    Foreign(String),
}

/// Who put our block into a hook file; `None` where it holds none.
pub fn hook_by(path: &Path) -> Option<By> {
    let found = look(path).ok().flatten()?.found?;
    let is_of_run = String::from_utf8_lossy(&found.lines).contains(By::Run.words());
    Some(if is_of_run { By::Run } else { By::Person })
}

/// What a hook file is.
pub fn hook_file(path: &Path) -> HookFile {
    match look(path) {
        Ok(None) => HookFile::Missing,
        Ok(Some(looked)) if looked.found.is_some() => HookFile::Ours,
        Ok(Some(_)) => HookFile::Script,
        Err(why) => HookFile::Foreign(why),
    }
}

/// A hook file that may be written.
pub(super) struct Looked {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its permissions.
    pub mode: u32,
    /// Our block in it.
    pub found: Option<Found>,
}

/// Reads a hook file; an error says why it is left alone.
pub(super) fn look(path: &Path) -> Result<Option<Looked>, String> {
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("it cannot be looked at ({e})")),
    };
    if meta.is_symlink() {
        return Err("it is a symbolic link".to_owned());
    }
    if !meta.is_file() {
        return Err("it is no file".to_owned());
    }
    if meta.nlink() > 1 {
        return Err("it has a second name (a hard link)".to_owned());
    }
    let bytes =
        files::find_foreign(path, CAP).map_err(|_| "it cannot be read".to_owned())?.unwrap_or_default();
    let found = block::find(&bytes)?;
    if found.is_none() {
        require_script(&bytes)?;
        if meta.permissions().mode() & 0o111 == 0 {
            return Err("it is not executable, so git passes over it".to_owned());
        }
        require_unmanaged(&bytes)?;
    }
    if fs::OpenOptions::new().append(true).open(path).is_err() {
        return Err("it is read-only".to_owned());
    }
    Ok(Some(Looked { bytes, mode: meta.permissions().mode() & 0o7777, found }))
}

fn require_script(bytes: &[u8]) -> Result<(), String> {
    if bytes.contains(&0) {
        return Err("it is a binary".to_owned());
    }
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let Some(interpreter) = first.strip_prefix(b"#!") else {
        return Err("it has no '#!' line".to_owned());
    };
    if bytes.windows(2).any(|pair| pair == b"\r\n") || first.contains(&b'\r') {
        return Err("its lines end in CRLF".to_owned());
    }
    let line = String::from_utf8_lossy(interpreter);
    if is_shell(&line) { Ok(()) } else { Err(format!("it is run by '{}' and not by sh", line.trim())) }
}

/// `/bin/sh`, `/bin/bash -eu`, `/usr/bin/env bash`: a shell, with single letters that change nothing for our block.
fn is_shell(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let Some(mut program) = words.next().filter(|word| word.starts_with('/')).map(base) else { return false };
    if program == "env" {
        let Some(named) = words.next() else { return false };
        named.clone_into(&mut program);
    }
    let is_plain = |flags: &str| {
        flags.strip_prefix('-').is_some_and(|l| !l.is_empty() && l.chars().all(|c| "euxvhp".contains(c)))
    };
    SHELLS.contains(&program.as_str()) && words.all(is_plain)
}

fn require_unmanaged(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    match MANAGERS.iter().find(|(word, _)| text.contains(word)) {
        Some((_, name)) => Err(format!("{name} writes it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shells_are_taken_for_shells() {
        for line in ["/bin/sh", " /bin/bash -e", "/usr/bin/env bash", "/bin/dash -eu -x", "/usr/bin/env  sh"]
        {
            assert!(is_shell(line), "{line}");
        }
        for line in [
            "/usr/bin/python3",
            "/usr/bin/env node",
            "sh",
            "",
            "/bin/sh -c",
            "/usr/bin/env -S bash -e",
            "/usr/bin/env",
            "/bin/fish",
            "/bin/sh script",
        ] {
            assert!(!is_shell(line), "{line}");
        }
    }
}
