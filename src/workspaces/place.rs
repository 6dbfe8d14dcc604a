//! Where workspaces lie and which names are free.

use super::{WorkspaceError, WorkspaceResult, wsm_file};
use crate::model::WorkspaceName;
use crate::sys::{SysError, files};
use std::io;
use std::path::{Path, PathBuf};

/// A workspace's directory under the root of all workspaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The root of all workspaces (policy `workspace.root`).
    pub root: PathBuf,
    /// The workspace: `<root>/<date>/<name>`.
    pub dir: PathBuf,
}

/// The place of a workspace made on `date` (`yyyy-mm-dd`, local time), as wsm lays them.
pub fn place(root: &Path, date: &str, name: &WorkspaceName) -> Place {
    Place { root: root.to_owned(), dir: root.join(date).join(name.as_str()) }
}

/// How many numbered names are tried.
const NUMBERS: u32 = 999;

/// The first free name of `stem`, `stem-2`, `stem-3` ... (behaviour 3); `taken` is asked for each.
pub fn free_name(
    stem: &str,
    taken: &dyn Fn(&str) -> WorkspaceResult<bool>,
) -> WorkspaceResult<WorkspaceName> {
    for number in 1..=NUMBERS {
        let name = if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") };
        let name = WorkspaceName::parse(&name)?;
        if !taken(name.as_str())? {
            return Ok(name);
        }
    }
    Err(WorkspaceError::NoFreeName { stem: stem.to_owned(), tried: NUMBERS })
}

/// Whether a workspace of that name lies under the root, on whatever date, or wsm knows one by it.
pub fn dir_taken(root: &Path, name: &str) -> WorkspaceResult<bool> {
    Ok(lies_under(root, name)? || wsm_file::is_known(name)?)
}

fn lies_under(root: &Path, name: &str) -> WorkspaceResult<bool> {
    for date in files::names_in(root)? {
        let dir = root.join(date).join(name);
        match dir.symlink_metadata() {
            Ok(_) => return Ok(true),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            // A stranger's directory beside the dates says nothing about ours.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {}
            Err(e) => return Err(SysError::file("look at", &dir, e).into()),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_the_next_free_number() {
        let taken = |name: &str| Ok(["t-1", "t-1-2"].contains(&name));
        assert_eq!(free_name("t-1", &taken).expect("free").as_str(), "t-1-3");
        assert_eq!(free_name("t-2", &taken).expect("free").as_str(), "t-2");
        assert!(free_name("../x", &taken).is_err());
        assert!(matches!(free_name("t", &|_| Ok(true)), Err(WorkspaceError::NoFreeName { .. })));
    }

    #[test]
    fn a_name_is_taken_on_every_date() {
        let root = tempfile::tempdir().expect("temp");
        assert!(!lies_under(&root.path().join("none"), "t-1").expect("look"));
        let name = WorkspaceName::parse("t-1").expect("name");
        let old = place(root.path(), "2024-02-03", &name);
        std::fs::create_dir_all(&old.dir).expect("mkdir");
        std::fs::write(root.path().join("a file"), "x").expect("write");
        assert!(lies_under(root.path(), "t-1").expect("look"));
        assert!(!lies_under(root.path(), "t-2").expect("look"));
    }
}
