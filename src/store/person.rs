//! What each user's state directory keeps (`$XDG_STATE_HOME/git-metawsm`): the list of control repositories, and
//! which policy contents the user trusts.

use super::{StoreError, StoreResult, path_list};
use crate::sys::{clock, env, files, lock};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A control repository that this user has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoot {
    /// Its worktree, or its common directory where it is bare.
    pub path: PathBuf,
    /// Whether it is still there.
    pub exists: bool,
}

struct Person {
    dir: PathBuf,
}

impl Person {
    fn require() -> StoreResult<Self> {
        Self::find().ok_or(StoreError::NoHome)
    }

    fn find() -> Option<Self> {
        env::state_dir().map(|dir| Self { dir: dir.join("git-metawsm") })
    }

    fn roots(&self) -> PathBuf {
        self.dir.join("roots")
    }

    fn trusted(&self) -> PathBuf {
        self.dir.join("trust")
    }

    fn lock(&self) -> StoreResult<lock::Lock> {
        let what = "The list of control repositories";
        Ok(lock::take(&self.dir.join("person.lock"), what, "remember", "", Duration::from_secs(10))?)
    }

    fn remember(&self, root: &Path) -> StoreResult<()> {
        // Looked at without the lock first: after the first run in a repository nothing is written any more.
        if path_list::load(&self.roots())?.iter().any(|p| p == root) {
            return Ok(());
        }
        let _lock = self.lock()?;
        path_list::add(&self.roots(), root).map(|_| ())
    }

    fn forget(&self, root: &Path) -> StoreResult<bool> {
        let _lock = self.lock()?;
        path_list::remove(&self.roots(), root)
    }

    fn known(&self) -> StoreResult<Vec<KnownRoot>> {
        let paths = path_list::load(&self.roots())?;
        Ok(paths.into_iter().map(|path| KnownRoot { exists: path.is_dir(), path }).collect())
    }

    fn trust(&self, hash: &str, what: &str) -> StoreResult<()> {
        if self.trusts(hash) {
            return Ok(());
        }
        let file = self.trusted();
        if hash.is_empty() || hash.contains(char::is_whitespace) {
            let why = format!("'{hash}' is no content hash");
            return Err(StoreError::Occupied { path: file, why });
        }
        let _lock = self.lock()?;
        let mut text = files::find_text(&file)?.unwrap_or_default();
        let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(text, "{hash}\t{}\t{what}", clock::now());
        Ok(files::write_atomic_mode(&file, text.as_bytes(), 0o600)?)
    }

    /// A list that cannot be read trusts nothing.
    fn trusts(&self, hash: &str) -> bool {
        let text = files::find_text(&self.trusted()).ok().flatten().unwrap_or_default();
        !hash.is_empty() && text.lines().any(|line| line.split('\t').next() == Some(hash))
    }
}

/// Adds a control repository to the user's list.
pub fn remember_root(root: &Path) -> StoreResult<()> {
    Person::require()?.remember(root)
}

/// Takes a control repository off the user's list; says whether it was there.
pub fn forget_root(root: &Path) -> StoreResult<bool> {
    Person::require()?.forget(root)
}

/// The user's control repositories in the order of first use, also those that are gone. Empty where the user has
/// no home directory.
pub fn known_roots() -> StoreResult<Vec<KnownRoot>> {
    Person::find().map_or_else(|| Ok(Vec::new()), |person| person.known())
}

/// Notes that the user trusts this content; `what` says for people what it is.
pub fn trust(hash: &str, what: &str) -> StoreResult<()> {
    Person::require()?.trust(hash, what)
}

/// Whether the user trusts this content.
pub fn is_trusted(hash: &str) -> bool {
    Person::find().is_some_and(|person| person.trusts(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_repositories_are_remembered_once_and_gone_ones_are_named() {
        let dir = tempfile::tempdir().expect("temp");
        let person = Person { dir: dir.path().join("state/git-metawsm") };
        assert_eq!(person.known().expect("none"), []);
        let (here, gone) = (dir.path().to_owned(), dir.path().join("gone"));
        for path in [&here, &gone, &here] {
            person.remember(path).expect("remember");
        }
        let known = |path: &Path, exists| KnownRoot { path: path.to_owned(), exists };
        assert_eq!(person.known().expect("list"), [known(&here, true), known(&gone, false)]);
        assert!(person.forget(&gone).expect("forget") && !person.forget(&gone).expect("again"));
        assert_eq!(person.known().expect("list"), [known(&here, true)]);
        person.remember(Path::new("/with\na line")).expect_err("it would read back as two");
        assert_eq!(person.known().expect("list"), [known(&here, true)]);
    }

    #[test]
    fn sixteen_who_remember_at_once_are_all_remembered() {
        let dir = tempfile::tempdir().expect("temp");
        let person = Person { dir: dir.path().to_owned() };
        std::thread::scope(|scope| {
            for n in 0..16 {
                let person = &person;
                scope.spawn(move || person.remember(Path::new(&format!("/repo/{n}"))).expect("remember"));
            }
        });
        assert_eq!(person.known().expect("list").len(), 16);
    }

    #[test]
    fn trust_is_by_content_and_nothing_else() {
        let dir = tempfile::tempdir().expect("temp");
        let person = Person { dir: dir.path().to_owned() };
        assert!(!person.trusts("") && !person.trusts("sha256:1"));
        person.trust("sha256:1", "policy.json\nsha256:2\tof /x").expect("trust");
        person.trust("sha256:1", "again").expect("trust");
        assert!(person.trusts("sha256:1") && !person.trusts("sha256:2") && !person.trusts("sha256"));
        assert_eq!(files::find_text(&person.trusted()).expect("read").expect("there").lines().count(), 1);
        for bad in ["", "a b", "a\nb"] {
            assert!(person.trust(bad, "").is_err(), "{bad:?}");
        }
    }
}
