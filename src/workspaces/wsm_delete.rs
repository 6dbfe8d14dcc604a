//! When wsm may delete a workspace: it deletes everything in the directory, so everything must be saved or known.

use super::removal::{Removal, RemovalWorktree};
use super::{WorkspaceResult, Wsm, go_work};
use crate::model::{RepoName, plain_line};
use crate::sys::{SysError, files};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Has wsm delete the workspace whose worktrees were saved, and out of which our own files are gone. Where anything
/// else lies in it, wsm is not asked. Gives what a person should know.
pub(super) fn delete(
    removal: &Removal<'_>,
    going: &[&RemovalWorktree<'_>],
) -> WorkspaceResult<Option<String>> {
    let dir = removal.dir;
    let repos: Vec<_> = removal.worktrees.iter().map(|worktree| worktree.name).collect();
    if is_plain_go_work(dir, &repos) {
        files::remove_durable(&dir.join(go_work::FILE))?;
        files::remove_durable(&dir.join("go.work.sum"))?;
    }
    let is_going = |name: &OsStr| going.iter().any(|worktree| worktree.path == dir.join(name));
    if let Some(name) = entries(dir)?.into_iter().find(|name| !is_going(name)) {
        let place = plain_line(&dir.join(name).to_string_lossy());
        return Ok(Some(format!(
            "wsm was not asked to delete '{}': it would delete {place} too",
            removal.workspace
        )));
    }
    Wsm::find()?.delete(removal.run, removal.workspace.as_str(), dir)
}

/// Everything in a directory, whatever its name; nothing where it is gone.
fn entries(dir: &Path) -> WorkspaceResult<Vec<OsString>> {
    match std::fs::read_dir(dir) {
        Ok(found) => {
            let names: Result<Vec<_>, _> = found.map(|entry| entry.map(|entry| entry.file_name())).collect();
            let mut names = names.map_err(|e| SysError::file("list", dir, e))?;
            names.sort();
            Ok(names)
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(SysError::file("list", dir, e).into()),
    }
}

/// Whether a `go.work` says nothing that could not be found out again: modules of the workspace and a version.
fn is_plain_go_work(workspace: &Path, repos: &[&RepoName]) -> bool {
    let Ok(Some(text)) = files::find_foreign(&workspace.join(go_work::FILE), 64 * 1024) else { return false };
    String::from_utf8_lossy(&text).lines().all(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [] | ["go" | "toolchain", _] | ["use", "("] | [")"] => true,
            [module] | ["use", module] => {
                module.strip_prefix("./").is_some_and(|name| repos.iter().any(|repo| repo.as_str() == name))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_work_that_can_be_made_again_is_told_from_one_with_words_of_its_own() {
        let dir = tempfile::tempdir().expect("temp");
        let app = RepoName::parse("app").expect("name");
        for (text, plain) in [
            ("go 1.23\n\nuse (\n\t./app\n)\n", true),
            ("go 1.23\ntoolchain go1.24.1\nuse ./app\n", true),
            ("go 1.23\nuse ./other\n", false),
            ("go 1.23\nuse ./app\nreplace a => ../b\n", false),
            ("// mine\ngo 1.23\n", false),
        ] {
            std::fs::write(dir.path().join("go.work"), text).expect("write");
            assert_eq!(is_plain_go_work(dir.path(), &[&app]), plain, "{text}");
        }
    }
}
