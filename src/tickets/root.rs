//! Where a worktree keeps its tickets.

use super::front::Front;
use super::{TicketError, TicketResult};
use crate::sys::files;
use std::path::{Component, Path, PathBuf};

const CONFIG: &str = ".ttmp.yaml";
const CONFIG_CAP: u64 = 64 << 10;

/// The docs root of a worktree, and what was noticed on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocsRoot {
    /// The top of the worktree.
    pub top: PathBuf,
    /// The docs root, relative to the top, with `/`; empty where it is the top itself.
    pub relative: String,
    /// The vocabulary's path, relative to the top; `None` where the configuration puts it outside.
    pub vocabulary: Option<String>,
    /// Things a person should know, such as a configuration above the repository that is not followed.
    pub notes: Vec<String>,
}

impl DocsRoot {
    /// The docs root as an absolute path.
    pub fn path(&self) -> PathBuf {
        if self.relative.is_empty() { self.top.clone() } else { self.top.join(&self.relative) }
    }
}

/// The docs root of the worktree around a directory: the `root` of the nearest `.ttmp.yaml` between the directory
/// and the top, else `ttmp` at the top (`interop.md` 1.1). `None` where that directory is not there. A
/// configuration above the repository is noted and not followed. A root that a configuration puts outside the
/// repository, or behind a symbolic link, is an error: another root would silently be another set of tickets.
pub fn docs_root(worktree: &Path) -> TicketResult<Option<DocsRoot>> {
    let root = intended(worktree)?;
    Ok(root.path().is_dir().then_some(root))
}

/// The docs root as it is or would be, as [`docs_root`] finds it.
pub fn intended(worktree: &Path) -> TicketResult<DocsRoot> {
    let from = std::path::absolute(worktree)
        .map_err(|e| crate::sys::SysError::file("find", worktree, e))
        .map(|p| normal(&p))?;
    let top = from.ancestors().find(|dir| dir.join(".git").symlink_metadata().is_ok());
    let top = top.unwrap_or(&from).to_owned();
    let inside = from.ancestors().take_while(|dir| dir.starts_with(&top));
    for dir in inside {
        if let Some(bytes) = files::find_foreign(&dir.join(CONFIG), CONFIG_CAP)? {
            return configured(&top, dir, &bytes);
        }
    }
    let above = top.ancestors().skip(1).find(|dir| dir.join(CONFIG).is_file());
    let note = above.map(|dir| {
        format!(
            "{} lies above the repository and is not followed; docmgr would take its root",
            dir.join(CONFIG).display()
        )
    });
    let vocabulary = Some("ttmp/vocabulary.yaml".to_owned());
    let root = DocsRoot { top, relative: "ttmp".to_owned(), vocabulary, notes: note.into_iter().collect() };
    refuse_links(&root)?;
    Ok(root)
}

fn configured(top: &Path, dir: &Path, bytes: &[u8]) -> TicketResult<DocsRoot> {
    let front = Front::of_yaml(bytes);
    let given = front.text("root");
    let path = if given.is_empty() { top.join("ttmp") } else { normal(&dir.join(&given)) };
    let Some(relative) = inside(top, &path) else {
        let why = format!("{} puts it outside the repository", dir.join(CONFIG).display());
        return Err(TicketError::Root { root: path, top: top.to_owned(), why });
    };
    let given = front.text("vocabulary");
    let vocabulary = if given.is_empty() { path.join("vocabulary.yaml") } else { normal(&dir.join(given)) };
    let vocabulary = inside(top, &vocabulary);
    let mut notes = Vec::new();
    if vocabulary.is_none() {
        notes.push("The vocabulary lies outside the repository; topics are not added to it.".to_owned());
    }
    let root = DocsRoot { top: top.to_owned(), relative, vocabulary, notes };
    refuse_links(&root)?;
    Ok(root)
}

/// A path relative to the top with `/`, where it is inside and has a name in UTF-8.
pub(super) fn inside(top: &Path, path: &Path) -> Option<String> {
    let rest = path.strip_prefix(top).or_else(|_| path.strip_prefix(files::real_path(top))).ok()?;
    let parts: Option<Vec<&str>> = rest.components().map(|c| c.as_os_str().to_str()).collect();
    parts.map(|p| p.join("/"))
}

/// The path without `.` and `..`, by its words alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// git would not keep tickets behind a link, and a link may lead anywhere.
fn refuse_links(root: &DocsRoot) -> TicketResult<()> {
    let mut at = root.top.clone();
    for part in root.relative.split('/').filter(|p| !p.is_empty()) {
        at.push(part);
        let Ok(meta) = at.symlink_metadata() else { return Ok(()) };
        if !meta.is_dir() {
            let what = if meta.is_symlink() { "a symbolic link" } else { "not a directory" };
            let why = format!("{} is {what}", at.display());
            return Err(TicketError::Root { root: root.path(), top: root.top.clone(), why });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn repo() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("temp");
        let top = dir.path().join("outer/repo");
        fs::create_dir_all(top.join(".git")).expect("dirs");
        (dir, top)
    }

    #[test]
    fn a_repository_without_docs_has_no_root() {
        let (_dir, top) = repo();
        assert_eq!(docs_root(&top).expect("look"), None);
    }

    #[test]
    fn the_root_is_ttmp_at_the_top_also_from_below() {
        let (_dir, top) = repo();
        fs::create_dir_all(top.join("ttmp/2026")).expect("dirs");
        let root = docs_root(&top.join("ttmp/2026")).expect("look").expect("a root");
        assert_eq!((root.top.as_path(), root.relative.as_str()), (top.as_path(), "ttmp"));
        assert_eq!(root.notes, [] as [String; 0]);
    }

    #[test]
    fn a_configuration_inside_is_followed_and_one_above_is_noted() {
        let (_dir, top) = repo();
        fs::create_dir_all(top.join("sub/tickets")).expect("dirs");
        fs::create_dir(top.join("ttmp")).expect("dir");
        fs::write(top.join("../.ttmp.yaml"), "root: elsewhere\n").expect("write");
        let root = docs_root(&top).expect("look").expect("a root");
        assert_eq!(root.relative, "ttmp");
        assert!(root.notes[0].contains("is not followed"), "{:?}", root.notes);
        fs::write(top.join("sub/.ttmp.yaml"), "# ours\nroot: ./tickets # here\nvocabulary: ../v.yaml\n")
            .expect("write");
        let root = docs_root(&top.join("sub")).expect("look").expect("a root");
        assert_eq!(root.relative, "sub/tickets");
        assert_eq!(root.vocabulary.as_deref(), Some("v.yaml"));
    }

    #[test]
    fn a_root_outside_or_behind_a_link_is_an_error() {
        let (dir, top) = repo();
        for outside in ["../docs", "/tmp", "ttmp/../../x"] {
            fs::write(top.join(".ttmp.yaml"), format!("root: {outside}\n")).expect("write");
            assert!(matches!(docs_root(&top), Err(TicketError::Root { .. })), "{outside}");
        }
        fs::remove_file(top.join(".ttmp.yaml")).expect("remove");
        std::os::unix::fs::symlink(dir.path(), top.join("ttmp")).expect("link");
        assert!(matches!(docs_root(&top), Err(TicketError::Root { .. })));
    }
}
