//! Keeps signal files out of a repository's status, without hiding anything else.

use super::WorkspaceResult;
use crate::git::Repository;
use crate::model::SignalKind;
use crate::sys::files;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The signal files of behaviour 6 in a worktree's `.metawsm/`. Never `.metawsm/` whole: what a branch keeps
/// there must show.
fn patterns() -> Vec<String> {
    let files = SignalKind::ALL.map(|kind| format!("/.metawsm/{}*.json", kind.stem()));
    files.into_iter().chain(["/.metawsm/seen/".to_owned()]).collect()
}

const CAP: u64 = 4 * 1024 * 1024;

/// Makes git ignore the signal files in all worktrees of a repository, through `<common>/info/exclude`; what
/// stands there keeps every byte. The caller holds the repository's lock. Returns whether something was added.
pub fn exclude_signals(repo: &Repository) -> WorkspaceResult<bool> {
    exclude_in(&repo.common_dir().join("info/exclude"))
}

fn exclude_in(path: &Path) -> WorkspaceResult<bool> {
    // Behind a link lies the file that people mean; the link stays.
    let path = files::real_path(path);
    let mut bytes = files::find_foreign(&path, CAP)?.unwrap_or_default();
    let stands = |pattern: &str| {
        bytes
            .split(|b| *b == b'\n')
            .any(|line| line.strip_suffix(b"\r").unwrap_or(line) == pattern.as_bytes())
    };
    let missing: Vec<_> = patterns().into_iter().filter(|pattern| !stands(pattern)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    for pattern in missing {
        bytes.extend_from_slice(pattern.as_bytes());
        bytes.push(b'\n');
    }
    // Repositories shared by a group keep their permissions.
    let mode = path.metadata().map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    files::write_atomic_mode(&path, &bytes, mode)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{Sandbox, git_in, write_in};
    use std::fs;

    #[test]
    fn patterns_are_added_once_and_every_byte_stays() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("info/exclude");
        fs::create_dir(dir.path().join("info")).expect("mkdir");
        fs::write(&path, b"# mine\r\n\xff\xfe\nlast line").expect("write");
        assert!(exclude_in(&path).expect("exclude"));
        assert!(!exclude_in(&path).expect("again"));
        let bytes = fs::read(&path).expect("read");
        let expected = format!("{}\n", patterns().join("\n"));
        assert_eq!(bytes, [b"# mine\r\n\xff\xfe\nlast line\n", expected.as_bytes()].concat());
    }

    #[test]
    fn a_missing_file_is_made() {
        let dir = tempfile::tempdir().expect("temp");
        let path = dir.path().join("info/exclude");
        assert!(exclude_in(&path).expect("exclude"));
        assert_eq!(fs::read_to_string(&path).expect("read").lines().count(), patterns().len());
    }

    #[test]
    fn git_hides_signal_files_in_every_worktree_and_shows_the_rest() {
        let sandbox = Sandbox::new();
        let worktree = sandbox.worktree("w", "task/t-1");
        assert!(exclude_signals(&sandbox.repo()).expect("exclude"));
        for name in [
            "guidance-request.json",
            "guidance-response-coder.json",
            "implementation-complete-coder.json",
            "validation-result.json",
            "seen/1.json",
            "policy.json",
            "sub/validation-result.json",
        ] {
            write_in(&worktree, &format!(".metawsm/{name}"), "{}");
        }
        let status = git_in(&worktree, &["status", "--porcelain", "--untracked-files=all"]);
        assert_eq!(status, "?? .metawsm/policy.json\n?? .metawsm/sub/validation-result.json");
    }
}
