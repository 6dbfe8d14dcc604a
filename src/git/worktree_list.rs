//! The worktrees of a repository, read from the files in which git keeps them; git itself is asked where those could
//! mean something else. Starting git costs as much as reading two hundred of them.

use super::worktrees::Worktree;
use super::{GitResult, Repository};
use crate::sys::files;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Keys under which the main worktree lies elsewhere or has a configuration of its own.
const FOREIGN_KEYS: &str = "^(core\\.worktree|extensions\\..*)$";

impl Repository {
    /// All worktrees of the repository, the main one first, the others by path.
    pub fn worktrees(&self) -> GitResult<Vec<Worktree>> {
        let read = self.quick().and_then(|repo| worktrees_by_files(&repo, self.common_dir()));
        read.map_or_else(|| self.worktrees_by_git(), Ok)
    }
}

/// `None` where git has to say.
fn worktrees_by_files(repo: &git2::Repository, common: &Path) -> Option<Vec<Worktree>> {
    if common.file_name() != Some(OsStr::new(".git")) || !is_plain(repo)? {
        return None;
    }
    let mut main = Worktree { path: common.parent()?.to_owned(), ..Worktree::default() };
    read_head(repo, common, &mut main)?;
    let mut linked = Vec::new();
    for id in files::names_in(&common.join("worktrees")).ok()? {
        let admin = common.join("worktrees").join(id);
        // git passes over a directory without this file.
        let Some(path) = path_in(&admin.join("gitdir"))? else { continue };
        let locked = admin.join("locked").symlink_metadata().is_ok();
        let prunable = !locked && !path.join(".git").exists();
        let mut worktree = Worktree { path, locked, prunable, ..Worktree::default() };
        read_head(repo, &admin, &mut worktree)?;
        linked.push(worktree);
    }
    linked.sort_by(|a, b| a.path.cmp(&b.path));
    linked.insert(0, main);
    Some(linked)
}

fn is_plain(repo: &git2::Repository) -> Option<bool> {
    let config = repo.config().ok()?;
    let is_bare = config.get_bool("core.bare").unwrap_or(false);
    let mut foreign = config.entries(Some(FOREIGN_KEYS)).ok()?;
    Some(!is_bare && foreign.next().is_none())
}

/// The worktree that an administrative directory names; only an absolute path means the same to every git.
#[expect(clippy::option_option, reason = "no file, and a file that git has to read, are two things")]
fn path_in(gitdir: &Path) -> Option<Option<PathBuf>> {
    let bytes = match fs::read(gitdir) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Some(None),
        Err(_) => return None,
    };
    let text = bytes.trim_ascii_end().strip_suffix(b"/.git")?;
    let path = PathBuf::from(OsStr::from_bytes(text));
    path.is_absolute().then_some(Some(path))
}

fn read_head(repo: &git2::Repository, git_dir: &Path, worktree: &mut Worktree) -> Option<()> {
    let file = git_dir.join("HEAD");
    if !file.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let text = text.trim_ascii_end();
    let Some(name) = text.strip_prefix("ref:").map(str::trim_ascii_start) else {
        worktree.head = Some(git2::Oid::from_str(text).ok().filter(|id| id.to_string() == text)?.to_string());
        worktree.detached = true;
        return Some(());
    };
    worktree.branch = Some(name.strip_prefix("refs/heads/").unwrap_or(name).to_owned());
    worktree.head = match repo.find_reference(name) {
        Ok(found) => Some(found.target()?.to_string()),
        Err(e) if e.code() == git2::ErrorCode::NotFound => None,
        Err(_) => return None,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in};
    use super::*;

    /// What the files say, which must be what git says.
    fn listed(sandbox: &Sandbox) -> Vec<Worktree> {
        let repo = sandbox.repo();
        let quick = repo.quick().expect("libgit2 reads it");
        let read = worktrees_by_files(&quick, repo.common_dir()).expect("plain");
        assert_eq!(read, repo.worktrees_by_git().expect("asked"));
        read
    }

    #[test]
    fn files_and_git_list_the_same_worktrees() {
        let sandbox = Sandbox::new();
        assert_eq!(listed(&sandbox).len(), 1);
        for name in ["b", "a", "gone", "locked", "locked-gone", "detached", "unborn"] {
            sandbox.worktree(name, &format!("task/{name}"));
        }
        let at = |name: &str| sandbox.beside(name);
        for name in ["locked", "locked-gone"] {
            git_in(&at(name), &["worktree", "lock", "."]);
        }
        for name in ["gone", "locked-gone"] {
            fs::remove_dir_all(at(name)).expect("removed");
        }
        git_in(&at("detached"), &["switch", "--quiet", "--detach"]);
        git_in(&at("unborn"), &["switch", "--quiet", "--orphan", "new"]);
        sandbox.git(&["pack-refs", "--all"]);
        let found = listed(&sandbox);
        assert_eq!(found.len(), 8);
        assert!(found[1].path.ends_with("a") && found[2].path.ends_with("b"), "by path: {found:?}");
        assert_eq!(found.iter().filter(|w| w.prunable).count(), 1);
        sandbox.git(&["switch", "--quiet", "--detach"]);
        assert!(listed(&sandbox)[0].detached);
    }

    #[test]
    fn a_worktree_in_the_middle_of_a_rebase_is_listed_alike() {
        let sandbox = Sandbox::new();
        sandbox.commit("a.txt", "two\n");
        sandbox.commit_on("side", "main~1", &[("a.txt", "side\n")]);
        assert!(!super::super::testing::try_git_in(&sandbox.dir(), &["rebase", "side"]));
        assert!(listed(&sandbox)[0].detached);
    }

    #[test]
    fn git_is_asked_where_the_main_worktree_may_lie_elsewhere() {
        for (key, value) in [("core.worktree", "../.."), ("core.bare", "true")] {
            let sandbox = Sandbox::new();
            let linked = sandbox.worktree("linked", "task");
            sandbox.git(&["config", key, value]);
            let repo = Repository::require(&linked).expect("found");
            let quick = git2::Repository::open(&linked).expect("opened");
            assert_eq!(worktrees_by_files(&quick, repo.common_dir()), None, "{key}");
        }
        let sandbox = Sandbox::new();
        let linked = sandbox.worktree("linked", "task");
        let gitdir = sandbox.dir().join(".git/worktrees/linked/gitdir");
        fs::write(&gitdir, "../../../../linked/.git\n").expect("a relative path");
        let repo = Repository::require(&linked).expect("found");
        let quick = git2::Repository::open(sandbox.dir()).expect("opened");
        assert_eq!(worktrees_by_files(&quick, repo.common_dir()), None);
    }
}
