//! Paths as git keeps them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A path within a repository: raw bytes, `/` between parts, relative to the top. Two paths that look alike on a
/// screen stay two paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// A path from git's own bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// From a path relative to the top of the worktree.
    pub fn of(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, `None` where it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The path for people, invalid UTF-8 replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Where it lies on disk.
    pub fn under(&self, top: &Path) -> PathBuf {
        top.join(OsStr::from_bytes(&self.0))
    }

    /// As the operating system sees it, relative to the top.
    pub fn to_path(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsString::from_vec(self.0.clone()))
    }

    /// Whether it is `dir` or lies below it.
    pub fn is_below(&self, dir: impl AsRef<[u8]>) -> bool {
        let dir = dir.as_ref();
        let rest = self.0.strip_prefix(dir.strip_suffix(b"/").unwrap_or(dir));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }

    /// The last part.
    pub fn name(&self) -> &[u8] {
        let bytes = self.0.strip_suffix(b"/").unwrap_or(&self.0);
        bytes.rsplit(|b| *b == b'/').next().unwrap_or_default()
    }

    /// Whether it stays inside the worktree and outside `.git`.
    pub fn is_tame(&self) -> bool {
        let wild = |part: &[u8]| {
            part.is_empty() || part == b"." || part == b".." || part.eq_ignore_ascii_case(b".git")
        };
        !self.0.split(|b| *b == b'/').any(wild)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl AsRef<[u8]> for RepoPath {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for RepoPath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for RepoPath {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl PartialEq<str> for RepoPath {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for RepoPath {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

/// The paths of a NUL-terminated list.
pub(super) fn split_nul(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == 0).filter(|part| !part.is_empty())
}

/// The NUL-terminated list of paths.
pub(super) fn join_nul<'a>(paths: impl IntoIterator<Item = &'a RepoPath>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// The same as pathspecs that mean nothing but these very paths.
pub(super) fn join_pathspecs<'a>(paths: impl IntoIterator<Item = &'a RepoPath>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(b":(top,literal)");
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(0);
    }
    bytes
}
