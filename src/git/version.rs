//! The version of the git program.

use super::{GitError, GitResult, command};
use std::fmt;

/// The oldest git that has `merge-tree --write-tree`.
pub const OLDEST: (u32, u32) = (2, 38);

/// A version of git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number, 0 where there is none.
    pub patch: u32,
}

impl Version {
    /// Whether this is at least `major.minor`.
    pub fn is_at_least(self, (major, minor): (u32, u32)) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    fn parse(text: &str) -> Option<Self> {
        let word = text.strip_prefix("git version ")?.split_whitespace().next()?;
        let mut numbers = word.split('.').map(|n| n.parse().ok());
        let major = numbers.next()??;
        let minor = numbers.next()??;
        Some(Self { major, minor, patch: numbers.next().flatten().unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Asks the git program for its version.
pub fn version() -> GitResult<Version> {
    let text = command::plain().arg("--version").run()?.text();
    Version::parse(&text)
        .ok_or_else(|| GitError::odd(format!("'git --version' answered '{text}', which names no version")))
}

/// The version, if it is new enough.
pub fn require_version() -> GitResult<Version> {
    let found = version()?;
    if found.is_at_least(OLDEST) { Ok(found) } else { Err(GitError::TooOld { found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_vendors_are_read() {
        let of = |text| Version::parse(text).map(|v| v.to_string());
        assert_eq!(of("git version 2.39.5").as_deref(), Some("2.39.5"));
        assert_eq!(of("git version 2.39.5 (Apple Git-154)").as_deref(), Some("2.39.5"));
        assert_eq!(of("git version 2.47.1.windows.2").as_deref(), Some("2.47.1"));
        assert_eq!(of("git version 3.0-rc1").as_deref(), None);
        assert_eq!(of("git version 2.54.GIT").as_deref(), Some("2.54.0"));
    }

    #[test]
    fn this_git_is_new_enough() {
        require_version().expect("git");
        assert!(!Version { major: 2, minor: 37, patch: 9 }.is_at_least(OLDEST));
    }
}
