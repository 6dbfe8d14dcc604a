//! Whether a worktree is clean, and who says so.

use super::status::one_per_path;
use super::{DirtKind, Dirty, GitResult, Head, Operation, RepoPath, Repository, index_file, probe};
use crate::model::is_signal_path;
use git2::{Status, StatusOptions, StatusShow};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who answered a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// libgit2.
    Git2,
    /// The git program.
    Git,
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Git2 => "git2",
            Self::Git => "git",
        })
    }
}

/// What stands between a worktree and being clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanState {
    /// Every dirty path, sorted.
    pub dirty: Vec<Dirty>,
    /// What HEAD is.
    pub head: Head,
    /// What is half done.
    pub operation: Option<Operation>,
    /// Who looked at the files.
    pub judge: Judge,
}

impl CleanState {
    /// What is dirty but for the files by which agents speak to us.
    pub fn unexpected(&self) -> impl Iterator<Item = &Dirty> {
        self.dirty.iter().filter(|dirty| !is_signal_path(&dirty.path.text()))
    }

    /// Whether nothing at all is dirty or half done.
    pub fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.operation.is_none()
    }
}

impl Repository {
    /// Everything that makes a worktree other than its HEAD commit, edits hidden by flags, nested repositories and
    /// submodules included. libgit2 answers where it is known to agree with git, elsewhere git.
    pub fn clean_state(&self, worktree: &Path) -> GitResult<CleanState> {
        let place = self.at(worktree)?;
        let (dirty, judge) = place.dirt()?;
        Ok(CleanState { dirty, head: place.head()?, operation: place.operation()?, judge })
    }
}

impl Repository {
    /// Every dirty path of this worktree, sorted, and who looked.
    pub(super) fn dirt(&self) -> GitResult<(Vec<Dirty>, Judge)> {
        let quick = self.quick().filter(|repo| probe::may_judge(repo, self));
        match quick.map(|repo| dirt_by_git2(&repo)) {
            Some(Ok(dirty)) => Ok((dirty, Judge::Git2)),
            _ => Ok((self.dirt_by_git()?, Judge::Git)),
        }
    }
}

fn dirt_by_git2(repo: &git2::Repository) -> Result<Vec<Dirty>, git2::Error> {
    // An index that says it holds HEAD's very tree need not be compared with it, path by path, again.
    let unstaged = unstaged_index(repo);
    if let Some(before) = unstaged {
        let dirty = dirt_shown(repo, StatusShow::Workdir)?;
        if look_at_index(repo) == Some(before) {
            return Ok(dirty);
        }
    }
    dirt_shown(repo, StatusShow::IndexAndWorkdir)
}

/// What the index file looked like when it held HEAD's tree; `None` where it may hold another one.
fn unstaged_index(repo: &git2::Repository) -> Option<IndexLook> {
    let before = look_at_index(repo)?;
    let bytes = fs::read(repo.path().join("index")).ok()?;
    let head = repo.head().ok()?.peel_to_tree().ok()?.id();
    (index_file::cached_tree(&bytes)? == head.as_bytes()).then_some(before)
}

/// Size, inode and time of change.
type IndexLook = (u64, u64, i64, i64);

fn look_at_index(repo: &git2::Repository) -> Option<IndexLook> {
    let meta = fs::metadata(repo.path().join("index")).ok()?;
    Some((meta.size(), meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

fn dirt_shown(repo: &git2::Repository, show: StatusShow) -> Result<Vec<Dirty>, git2::Error> {
    let mut options = StatusOptions::new();
    options
        .show(show)
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(false)
        .exclude_submodules(false)
        .update_index(false);
    let mut dirty = Vec::new();
    for entry in repo.statuses(Some(&mut options))?.iter() {
        let path = RepoPath::new(entry.path_bytes());
        let status = entry.status();
        let staged = Status::INDEX_NEW
            | Status::INDEX_MODIFIED
            | Status::INDEX_DELETED
            | Status::INDEX_RENAMED
            | Status::INDEX_TYPECHANGE;
        let what = if status.contains(Status::CONFLICTED) {
            DirtKind::Conflicted
        } else if status.intersects(staged) {
            DirtKind::Staged
        } else if status.contains(Status::WT_NEW) {
            if path.as_bytes().ends_with(b"/") { DirtKind::NestedRepository } else { DirtKind::Untracked }
        } else if status.is_ignored() || status == Status::CURRENT {
            continue;
        } else {
            DirtKind::Modified
        };
        dirty.push(Dirty { path, what });
    }
    one_per_path(&mut dirty);
    Ok(dirty)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, git_in, try_git_in};
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn state(sandbox: &Sandbox) -> CleanState {
        sandbox.repo().clean_state(&sandbox.dir()).expect("judged")
    }

    fn dirt(sandbox: &Sandbox) -> Vec<String> {
        let state = state(sandbox);
        let text = |d: &Dirty| format!("{}: {}", d.path, d.what);
        let told: Vec<_> = state.dirty.iter().map(text).collect();
        let git: Vec<_> = sandbox.repo().dirt_by_git().expect("asked").iter().map(text).collect();
        assert_eq!(told, git, "{} agrees with git", state.judge);
        told
    }

    #[test]
    fn a_clean_worktree_is_clean_and_libgit2_may_say_so() {
        let sandbox = Sandbox::new();
        sandbox.commit(".gitignore", "*.o\n");
        sandbox.write("x.o", "ignored");
        let state = state(&sandbox);
        assert!(state.is_clean());
        assert_eq!(state.judge, Judge::Git2);
        assert_eq!(state.head.branch(), Some("main"));
        assert_eq!(sandbox.repo().ignored_files(&sandbox.dir()).expect("asked"), ["x.o"]);
    }

    #[test]
    fn plain_dirt_is_named() {
        let sandbox = Sandbox::new();
        for file in ["b", "c", "d", "e"] {
            sandbox.commit(file, file);
        }
        sandbox.write("a.txt", "b\n");
        sandbox.write("b", "changed");
        sandbox.git(&["add", "b"]);
        fs::remove_file(sandbox.dir().join("c")).expect("removed");
        sandbox.git(&["rm", "--quiet", "--cached", "d"]);
        sandbox.write("dir/new", "new");
        let told = ["a.txt: modified", "b: staged", "c: modified", "d: staged", "dir/new: untracked"];
        assert_eq!(dirt(&sandbox), told);
        assert_eq!(state(&sandbox).judge, Judge::Git2);
    }

    #[test]
    fn edits_hidden_by_flags_are_dirt() {
        let sandbox = Sandbox::new();
        sandbox.commit("b", "b\n");
        sandbox.git(&["update-index", "--assume-unchanged", "a.txt"]);
        sandbox.git(&["update-index", "--skip-worktree", "b"]);
        assert!(state(&sandbox).is_clean(), "flags alone are no dirt");
        sandbox.write("a.txt", "c\n");
        sandbox.write("b", "d\n");
        assert_eq!(
            dirt(&sandbox),
            ["a.txt: modified, hidden by assume-unchanged", "b: modified, hidden by skip-worktree"]
        );
        assert_eq!(state(&sandbox).judge, Judge::Git);
        fs::remove_file(sandbox.dir().join("a.txt")).expect("removed");
        fs::remove_file(sandbox.dir().join("b")).expect("removed");
        assert_eq!(dirt(&sandbox), ["a.txt: modified, hidden by assume-unchanged"]);
    }

    #[test]
    fn configuration_that_hides_files_hides_nothing_from_us() {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", "status.showUntrackedFiles", "no"]);
        sandbox.git(&["config", "core.fsmonitor", "true"]);
        sandbox.write("new", "new");
        assert_eq!(dirt(&sandbox), ["new: untracked"]);
    }

    #[test]
    fn nested_repositories_and_submodules_are_dirt() {
        let sandbox = Sandbox::new();
        sandbox.git(&["init", "--quiet", "nested"]);
        sandbox.write("nested/file", "x");
        assert_eq!(dirt(&sandbox), ["nested/: nested repository"]);
        git_in(
            &sandbox.dir().join("nested"),
            &["-c", "user.name=T", "-c", "user.email=t@e", "commit", "--quiet", "--allow-empty", "-m", "x"],
        );
        assert_eq!(dirt(&sandbox), ["nested/: nested repository"]);

        let (inner, outer) = (Sandbox::new(), Sandbox::new());
        let url = inner.dir().display().to_string();
        outer.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
        outer.git(&["config", "-f", ".gitmodules", "submodule.sub.ignore", "all"]);
        outer.git(&["add", "."]);
        outer.git(&["commit", "--quiet", "-m", "Submodule"]);
        assert!(state(&outer).is_clean());
        outer.write("sub/a.txt", "edited");
        assert_eq!(dirt(&outer), ["sub: submodule"]);
        assert_eq!(state(&outer).judge, Judge::Git);
    }

    #[test]
    fn operations_left_half_done_are_named() {
        let begin: [(&[&str], Operation); 4] = [
            (&["merge", "side"], Operation::Merge),
            (&["rebase", "side"], Operation::Rebase),
            (&["cherry-pick", "side"], Operation::CherryPick),
            (&["revert", "--no-edit", "HEAD~1"], Operation::Revert),
        ];
        for (args, operation) in begin {
            let sandbox = Sandbox::new();
            sandbox.commit("a.txt", "two\n");
            sandbox.commit_on("side", "main~1", &[("a.txt", "side\n")]);
            sandbox.commit("a.txt", "three\n");
            let linked = sandbox.worktree("linked", "task");
            for top in [sandbox.dir(), linked] {
                assert!(!try_git_in(&top, args), "{operation} conflicts");
                let state = sandbox.repo().clean_state(&top).expect("judged");
                assert_eq!(state.operation, Some(operation));
                assert!(!state.is_clean());
                let conflicted = Dirty { path: "a.txt".into(), what: DirtKind::Conflicted };
                assert_eq!(state.dirty, [conflicted]);
            }
        }
        let sandbox = Sandbox::new();
        sandbox.git(&["bisect", "start"]);
        assert_eq!(state(&sandbox).operation, Some(Operation::Bisect));
    }

    #[test]
    fn git_judges_filters_and_sparse_checkouts_and_split_indexes() {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", "filter.up.clean", "tr a-z A-Z"]);
        sandbox.git(&["config", "filter.up.smudge", "tr A-Z a-z"]);
        sandbox.commit(".gitattributes", "*.up filter=up\n");
        sandbox.commit("x.up", "text\n");
        sandbox.write("x.up", "text\n");
        assert!(state(&sandbox).is_clean());
        assert_eq!(state(&sandbox).judge, Judge::Git);

        let sandbox = Sandbox::new();
        sandbox.commit("in/x", "x");
        sandbox.commit("out/y", "y");
        sandbox.git(&["sparse-checkout", "set", "in"]);
        assert!(state(&sandbox).is_clean());
        assert_eq!(state(&sandbox).judge, Judge::Git);

        let sandbox = Sandbox::new();
        sandbox.git(&["update-index", "--split-index"]);
        assert!(state(&sandbox).is_clean());
        assert_eq!(state(&sandbox).judge, Judge::Git);
        sandbox.git(&["update-index", "--assume-unchanged", "a.txt"]);
        sandbox.write("a.txt", "x\n");
        assert_eq!(dirt(&sandbox), ["a.txt: modified, hidden by assume-unchanged"]);
    }

    #[derive(Debug, Clone)]
    enum Act {
        Write(usize, u8),
        Remove(usize),
        Add(usize),
        Unstage(usize),
        Chmod(usize),
        Link(usize),
        Commit,
        Flag(usize),
    }

    const FILES: [&str; 6] = ["a.txt", "b", "dir/c", "dir/sub/d", "skip.o", "e f"];

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let file = 0..FILES.len();
        let act = prop_oneof![
            4 => (file.clone(), 0..3u8).prop_map(|(f, n)| Act::Write(f, n)),
            2 => file.clone().prop_map(Act::Remove),
            3 => file.clone().prop_map(Act::Add),
            1 => file.clone().prop_map(Act::Unstage),
            1 => file.clone().prop_map(Act::Chmod),
            1 => file.clone().prop_map(Act::Link),
            2 => Just(Act::Commit),
            1 => file.prop_map(Act::Flag),
        ];
        prop::collection::vec(act, 1..12)
    }

    fn perform(sandbox: &Sandbox, act: &Act) {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = sandbox.dir();
        let run = |args: &[&str]| {
            let _ = try_git_in(&dir, args);
        };
        match act {
            // Contents of one size, so that only bytes tell them apart.
            Act::Write(file, n) => {
                let path = dir.join(FILES[*file]);
                if path.is_symlink() {
                    let _ = fs::remove_file(path);
                }
                sandbox.write(FILES[*file], &n.to_string());
            }
            Act::Remove(file) => drop(fs::remove_file(dir.join(FILES[*file]))),
            Act::Add(file) => run(&["add", "-A", "--", FILES[*file]]),
            Act::Unstage(file) => run(&["reset", "--quiet", "--", FILES[*file]]),
            Act::Chmod(file) => {
                let _ = fs::set_permissions(dir.join(FILES[*file]), fs::Permissions::from_mode(0o755));
            }
            Act::Link(file) => {
                let path = dir.join(FILES[*file]);
                let _ = fs::remove_file(&path);
                let _ = path.parent().map(fs::create_dir_all);
                let _ = symlink("a.txt", path);
            }
            Act::Commit => run(&["commit", "--quiet", "-m", "x"]),
            Act::Flag(file) => run(&["update-index", "--assume-unchanged", "--", FILES[*file]]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn libgit2_agrees_with_git_wherever_it_may_judge(acts in acts()) {
            let sandbox = Sandbox::new();
            sandbox.commit(".gitignore", "*.o\n");
            for act in &acts {
                perform(&sandbox, act);
            }
            let state = state(&sandbox);
            prop_assert_eq!(&state.dirty, &sandbox.repo().dirt_by_git().expect("asked"), "{}", state.judge);
        }
    }
}
