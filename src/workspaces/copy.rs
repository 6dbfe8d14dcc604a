//! Ignored files that a new worktree needs: `.env` and its like.

use super::pattern::Patterns;
use super::{WorkspaceError, WorkspaceResult};
use crate::git::Repository;
use crate::sys::{SysError, files};
use std::collections::HashSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The repository's own list, with the lines of a `.gitignore`.
const INCLUDE_FILE: &str = ".worktreeinclude";
const INCLUDE_CAP: u64 = 256 * 1024;
const MAX_FILES: usize = 10_000;
const MAX_FILE: u64 = 64 * 1024 * 1024;
const MAX_TOTAL: u64 = 512 * 1024 * 1024;

/// Copies the files of `source` (a worktree) that git ignores there and that `patterns` or the source's
/// `.worktreeinclude` pick into `target`, with their permissions. Links are neither copied nor followed, on
/// either side; what is in `target` already stays; `.git`, `.metawsm` and names that are not UTF-8 are never copied.
/// Returns the copied paths, relative, in order.
pub fn copy_ignored(source: &Path, target: &Path, patterns: &[String]) -> WorkspaceResult<Vec<String>> {
    let mut picked = Patterns::default();
    picked.add(patterns.iter().map(String::as_str));
    let include = files::find_foreign(&source.join(INCLUDE_FILE), INCLUDE_CAP)?.unwrap_or_default();
    picked.add(String::from_utf8_lossy(&include).lines());
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let mut copying = Copying { source, target, picked, copied: Vec::new(), bytes: 0, swept: HashSet::new() };
    for path in ignored_in(source)? {
        copying.take(path.trim_end_matches('/'))?;
    }
    copying.copied.sort();
    Ok(copying.copied)
}

fn ignored_in(source: &Path) -> WorkspaceResult<Vec<String>> {
    let Some(repo) = Repository::discover(source)? else { return Ok(Vec::new()) };
    let paths = repo.ignored_files(source)?;
    Ok(paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect())
}

struct Copying<'a> {
    source: &'a Path,
    target: &'a Path,
    picked: Patterns,
    copied: Vec<String>,
    bytes: u64,
    swept: HashSet<PathBuf>,
}

impl Copying<'_> {
    /// Takes an ignored file, or what lies in an ignored directory, as far as it is picked.
    fn take(&mut self, path: &str) -> WorkspaceResult<()> {
        let is_ours = |part: &str| matches!(part, ".git" | ".metawsm" | ".." | ".");
        if path.is_empty() || path.starts_with('/') || path.split('/').any(is_ours) {
            return Ok(());
        }
        if !is_dir_without_links(self.source, parent_of(path)) {
            return Ok(());
        }
        let from = self.source.join(path);
        let Ok(meta) = from.symlink_metadata() else { return Ok(()) };
        if meta.is_dir() {
            // A repository in the repository is a thing of its own.
            if from.join(".git").symlink_metadata().is_ok() {
                return Ok(());
            }
            for name in files::names_in(&from)? {
                self.take(&format!("{path}/{name}"))?;
            }
            return Ok(());
        }
        if meta.is_file() && self.picked.picks(path) { self.copy(path, &meta) } else { Ok(()) }
    }

    fn copy(&mut self, path: &str, meta: &Metadata) -> WorkspaceResult<()> {
        let to = self.target.join(path);
        if to.symlink_metadata().is_ok() || !ensure_dir_without_links(self.target, parent_of(path))? {
            return Ok(());
        }
        self.require_room(path, meta.len())?;
        if let Some((bytes, mode)) = read_regular(&self.source.join(path))? {
            self.bytes += bytes.len() as u64;
            self.sweep(parent_of(path))?;
            files::write_atomic_mode(&to, &bytes, mode)?;
            self.copied.push(path.to_owned());
        }
        Ok(())
    }

    /// A copy that was killed left its temp file beside the place; the worktree is not in use yet.
    fn sweep(&mut self, relative: &str) -> WorkspaceResult<()> {
        let dir = self.target.join(relative);
        if !self.swept.insert(dir.clone()) {
            return Ok(());
        }
        for name in files::names_in(&dir)? {
            if name.strip_prefix(files::TEMP_PREFIX).is_some_and(is_random) {
                files::remove_durable(&dir.join(name))?;
            }
        }
        Ok(())
    }

    fn require_room(&self, path: &str, size: u64) -> WorkspaceResult<()> {
        let why = if size > MAX_FILE {
            format!("{path} has {size} bytes, and at most {MAX_FILE} are copied of one file")
        } else if self.bytes + size > MAX_TOTAL {
            format!("with {path} they have more than {MAX_TOTAL} bytes")
        } else if self.copied.len() >= MAX_FILES {
            format!("{path} would be one more than {MAX_FILES} files")
        } else {
            return Ok(());
        };
        Err(WorkspaceError::TooMuchToCopy { source_dir: self.source.to_owned(), why })
    }
}

fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_dir_without_links(top: &Path, relative: &str) -> bool {
    let mut at = top.to_owned();
    relative.split('/').filter(|part| !part.is_empty()).all(|part| {
        at.push(part);
        at.symlink_metadata().is_ok_and(|meta| meta.is_dir())
    })
}

/// Makes the directories below `top`; `false` where a link or a file is in the way (the target's tree is
/// foreign: a tracked link would lead our writing elsewhere).
fn ensure_dir_without_links(top: &Path, relative: &str) -> WorkspaceResult<bool> {
    let mut at = top.to_owned();
    for part in relative.split('/').filter(|part| !part.is_empty()) {
        at.push(part);
        match at.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Ok(false),
            Err(_) => files::ensure_dir(&at)?,
        }
    }
    Ok(true)
}

/// The bytes and permissions of a regular file; `None` where it has become something else. Hard links are fine
/// here: package stores are made of them.
fn read_regular(path: &Path) -> WorkspaceResult<Option<(Vec<u8>, u32)>> {
    let failed = |e| SysError::file("read", path, e);
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => file,
        Err(e) if e.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e).into()),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() || meta.len() > MAX_FILE {
        return Ok(None);
    }
    let bytes = read_up_to(file, MAX_FILE).map_err(failed)?;
    Ok(Some((bytes, meta.permissions().mode() & 0o777)))
}

fn read_up_to(file: File, cap: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(cap).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_random(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{Sandbox, write_in};
    use std::fs;
    use std::os::unix::fs::symlink;

    fn scene() -> (Sandbox, PathBuf) {
        let sandbox = Sandbox::new();
        sandbox.commit(".gitignore", ".env*\n/secret/\n/link\nout/\n");
        let target = sandbox.worktree("copy", "task/copy");
        (sandbox, target)
    }

    fn copied(sandbox: &Sandbox, target: &Path, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<_> = patterns.iter().map(|p| (*p).to_owned()).collect();
        copy_ignored(&sandbox.dir(), target, &patterns).expect("copied")
    }

    #[test]
    fn ignored_files_that_a_pattern_picks_are_copied_with_their_permissions() {
        let (sandbox, target) = scene();
        for path in [".env", "app/.env.local", "secret/deep/key", "out/x.o", "untracked.txt"] {
            sandbox.write(path, path);
        }
        let key = sandbox.dir().join("secret/deep/key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("mode");
        assert_eq!(copied(&sandbox, &target, &[]), Vec::<String>::new());
        sandbox.write(".worktreeinclude", "# ours\nsecret/\n");
        let done = copied(&sandbox, &target, &[".env*", "!.env.example", "untracked.txt", "a.txt"]);
        assert_eq!(done, [".env", "app/.env.local", "secret/deep/key"]);
        let mode = target.join("secret/deep/key").metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_to_string(target.join("app/.env.local")).expect("read"), "app/.env.local");
        assert!(!target.join("out").exists() && !target.join("untracked.txt").exists());
    }

    #[test]
    fn what_is_there_stays_and_a_killed_copy_is_swept() {
        let (sandbox, target) = scene();
        sandbox.write(".env", "theirs");
        sandbox.write(".env.more", "more");
        write_in(&target, ".env", "mine");
        write_in(&target, ".tmp-abcdefghijklmn23", "half");
        write_in(&target, ".tmp-note", "not ours");
        assert_eq!(copied(&sandbox, &target, &[".env*"]), [".env.more"]);
        assert_eq!(fs::read_to_string(target.join(".env")).expect("read"), "mine");
        assert!(!target.join(".tmp-abcdefghijklmn23").exists() && target.join(".tmp-note").exists());
    }

    #[test]
    fn no_link_is_followed_on_either_side() {
        let (sandbox, target) = scene();
        let outside = sandbox.beside("outside");
        write_in(&outside, "passwords", "x");
        symlink(outside.join("passwords"), sandbox.dir().join(".env")).expect("link");
        symlink(&outside, sandbox.dir().join("link")).expect("link");
        sandbox.write("secret/key", "key");
        symlink(&outside, target.join("secret")).expect("link");
        assert_eq!(copied(&sandbox, &target, &["*"]), Vec::<String>::new());
        assert_eq!(files::names_in(&outside).expect("list"), ["passwords"]);
    }

    #[test]
    fn repositories_inside_and_our_own_files_are_not_copied() {
        let (sandbox, target) = scene();
        fs::write(sandbox.repo().common_dir().join("info/exclude"), ".metawsm/\n").expect("exclude");
        sandbox.write("secret/nested/.git/config", "x");
        sandbox.write("secret/nested/file", "x");
        sandbox.write(".metawsm/context.json", "{}");
        assert_eq!(copied(&sandbox, &target, &["**"]), Vec::<String>::new());
    }

    #[test]
    fn a_file_over_the_limit_is_named() {
        let (sandbox, target) = scene();
        let large = File::create(sandbox.dir().join(".env")).expect("create");
        large.set_len(MAX_FILE + 1).expect("grow");
        let error = copy_ignored(&sandbox.dir(), &target, &[".env".to_owned()]).expect_err("too large");
        assert!(error.to_string().contains(".env has "), "{error}");
        assert!(!target.join(".env").exists());
    }
}
