//! `go.work`, so that Go modules of one workspace see each other.

use super::WorkspaceResult;
use crate::model::RepoName;
use crate::sys::files;
use std::fmt::Write as _;
use std::path::Path;

pub(super) const FILE: &str = "go.work";
/// The first line of a `go.work` of ours; without it the file is somebody else's.
const MARK: &str = "// Made by git-metawsm; delete this line to keep the file.";
const CAP: u64 = 1024 * 1024;

/// Writes `<workspace>/go.work` where at least two of the repositories hold a `go.mod` at their top, naming
/// those; returns whether one of ours stands there now. A file that is not ours is never written to.
pub fn ensure_go_work(workspace: &Path, repos: &[RepoName]) -> WorkspaceResult<bool> {
    let path = workspace.join(FILE);
    if path.symlink_metadata().is_ok() && !is_ours(workspace)? {
        return Ok(false);
    }
    let mut version = "1.18".to_owned();
    let mut uses = String::new();
    let mut count = 0;
    for repo in repos {
        let module = workspace.join(repo.as_str()).join("go.mod");
        let Some(text) = files::find_foreign(&module, CAP).ok().flatten() else { continue };
        // go refuses a workspace older than one of its modules.
        if let Some(needed) = go_version(&String::from_utf8_lossy(&text))
            && parts(&needed) > parts(&version)
        {
            version = needed;
        }
        let _ = writeln!(uses, "\t./{repo}");
        count += 1;
    }
    if count < 2 {
        files::remove_durable(&path)?;
        return Ok(false);
    }
    let text = format!("{MARK}\ngo {version}\n\nuse (\n{uses})\n");
    if files::find_text(&path)?.as_deref() != Some(&text) {
        files::write_atomic(&path, text.as_bytes())?;
    }
    Ok(true)
}

/// Whether the workspace's `go.work` is one that we wrote.
pub(super) fn is_ours(workspace: &Path) -> WorkspaceResult<bool> {
    let path = workspace.join(FILE);
    if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        return Ok(false);
    }
    Ok(files::find_foreign(&path, CAP)?.is_some_and(|text| text.starts_with(MARK.as_bytes())))
}

fn go_version(module: &str) -> Option<String> {
    let line = module.lines().find_map(|line| line.trim().strip_prefix("go "))?;
    let version = line.split_whitespace().next()?;
    version.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| version.to_owned())
}

fn parts(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names() -> Vec<RepoName> {
        ["a", "b", "c"].map(|name| RepoName::parse(name).expect("name")).to_vec()
    }

    #[test]
    fn modules_of_one_workspace_see_each_other() {
        let dir = tempfile::tempdir().expect("temp");
        for (repo, module) in [("a", Some("go 1.21")), ("b", Some("go 1.24.3 // x")), ("c", None)] {
            fs::create_dir(dir.path().join(repo)).expect("mkdir");
            if let Some(go) = module {
                fs::write(dir.path().join(repo).join("go.mod"), format!("module m\n\n{go}\n"))
                    .expect("write");
            }
        }
        assert!(!ensure_go_work(dir.path(), &names()[..1]).expect("one module needs none"));
        assert!(ensure_go_work(dir.path(), &names()).expect("ensure"));
        let text = fs::read_to_string(dir.path().join(FILE)).expect("read");
        assert_eq!(text, format!("{MARK}\ngo 1.24.3\n\nuse (\n\t./a\n\t./b\n)\n"));
        assert!(is_ours(dir.path()).expect("look"));
    }

    #[test]
    fn a_go_work_of_somebody_else_stays() {
        let dir = tempfile::tempdir().expect("temp");
        for repo in ["a", "b"] {
            fs::create_dir(dir.path().join(repo)).expect("mkdir");
            fs::write(dir.path().join(repo).join("go.mod"), "module m\ngo 1.21\n").expect("write");
        }
        fs::write(dir.path().join(FILE), "go 1.20\n").expect("write");
        assert!(!ensure_go_work(dir.path(), &names()).expect("ensure"));
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).expect("read"), "go 1.20\n");
    }
}
