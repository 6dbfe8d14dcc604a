//! One repository's worktree in a workspace: probed, made, made again after a kill.

use super::removal::free_rescue_ref;
use super::site::{Site, admin_dir, damaged, is_same_place, roll_back};
use super::{WorkspaceError, WorkspaceResult};
use crate::git::{Kept, NewWorktree, Repository, Worktree};
use crate::model::{Child, RepoName, RunId};
use crate::sys::{env, files, procs};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a worktree should be.
#[derive(Debug, Clone, Copy)]
pub struct WorktreeOrder<'a> {
    /// The repository; the caller holds its lock.
    pub repo: &'a Repository,
    /// Where the worktree belongs.
    pub path: &'a Path,
    /// Its branch, without `refs/heads/`.
    pub branch: &'a str,
    /// The commit that a new branch starts from.
    pub from: &'a str,
    /// The run.
    pub run: &'a RunId,
    /// Whether this run made the branch, or wrote down that it would after seeing that there was none. Without
    /// it an existing branch is refused; with it the branch is checked out where it stands, never moved.
    pub branch_is_ours: bool,
}

/// A worktree that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnsuredWorktree {
    /// The commit that its branch is on.
    pub head: String,
    /// Whether the branch is this run's.
    pub made_branch: bool,
    /// What the registration of a worktree that had vanished held: saved before it was made again.
    pub rescued: Option<Kept>,
}

/// How long a git process of an earlier attempt is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Makes the worktree that is ordered, or finds that it stands. A git process of this run that still works on
/// the path is waited for; a half made worktree is taken away and made again; a finished one is kept as it is,
/// whatever was done in it since; a branch or directory of somebody else is an error and stays. `on_start` hears
/// of the git process while it works.
pub fn ensure_worktree(
    order: &WorktreeOrder<'_>,
    on_start: &mut dyn FnMut(Child),
) -> WorkspaceResult<EnsuredWorktree> {
    wait_for_earlier(order.run, order.path)?;
    let worktrees = order.repo.worktrees()?;
    let mut rescued = None;
    match Site::look(order.repo, &worktrees, order.path)? {
        Site::Stands(found) => return kept(order, found),
        Site::HalfMade(admin) => roll_back(order.path, admin.as_deref())?,
        Site::Missing(gone) => {
            rescued = rescue_gone(order)?;
            order.repo.remove_worktree(&gone.path, true)?;
        }
        Site::Free => {}
        Site::Foreign(why) => return Err(WorkspaceError::Occupied { path: order.path.to_owned(), why }),
    }
    let existing = order.repo.branch_id(order.branch)?;
    if existing.is_some() {
        require_ours(order, &worktrees)?;
    }
    if let Some(parent) = order.path.parent() {
        files::ensure_dir(parent)?;
    }
    let from = existing.is_none().then(|| order.from.to_owned());
    let made_branch = from.is_some() || order.branch_is_ours;
    let new = NewWorktree { path: order.path.to_owned(), branch: order.branch.to_owned(), from };
    if let Err(error) = order.repo.add_worktree(&new, order.run.as_str(), on_start) {
        if existing.is_none() {
            take_back_branch(order);
        }
        return Err(error.into());
    }
    if !worktree_is_complete(order.repo, order.path)? {
        return Err(damaged(order.path));
    }
    Ok(EnsuredWorktree { head: require_head(order)?, made_branch, rescued })
}

/// Saves what only the registration of a vanished worktree holds.
fn rescue_gone(order: &WorktreeOrder<'_>) -> WorkspaceResult<Option<Kept>> {
    let Some(admin) = admin_dir(order.repo.common_dir(), order.path)? else { return Ok(None) };
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let (workspace, repo) = (name(order.path.parent()), RepoName::parse(&name(Some(order.path)))?);
    let reference = free_rescue_ref(order.repo, order.run, &workspace, &repo)?;
    Ok(order.repo.rescue_registration(&admin, &reference, "resume")?)
}

/// Whether a finished worktree of the repository stands at the path: registered, no longer being made, with an
/// index. What was changed or deleted in it since does not matter.
pub fn worktree_is_complete(repo: &Repository, path: &Path) -> WorkspaceResult<bool> {
    Ok(matches!(Site::look(repo, &repo.worktrees()?, path)?, Site::Stands(_)))
}

fn kept(order: &WorktreeOrder<'_>, found: &Worktree) -> WorkspaceResult<EnsuredWorktree> {
    if found.branch.as_deref() == Some(order.branch) {
        let (head, made_branch) = (require_head(order)?, order.branch_is_ours);
        return Ok(EnsuredWorktree { head, made_branch, rescued: None });
    }
    let found = found.branch.as_ref().map_or_else(|| "no branch".to_owned(), |b| format!("the branch '{b}'"));
    Err(WorkspaceError::WrongBranch { path: order.path.to_owned(), found, wanted: order.branch.to_owned() })
}

fn require_ours(order: &WorktreeOrder<'_>, worktrees: &[Worktree]) -> WorkspaceResult<()> {
    let branch = || order.branch.to_owned();
    let holder = worktrees.iter().find(|w| w.branch.as_deref() == Some(order.branch));
    if !order.branch_is_ours {
        return Err(WorkspaceError::BranchExists { branch: branch(), repo: order.repo.dir().to_owned() });
    }
    match holder.filter(|w| !is_same_place(&w.path, order.path)) {
        Some(other) => Err(WorkspaceError::BranchElsewhere {
            branch: branch(),
            at: other.path.clone(),
            wanted: order.path.to_owned(),
        }),
        None => Ok(()),
    }
}

/// A failed `worktree add` leaves its new branch; the next attempt would take it for somebody else's.
fn take_back_branch(order: &WorktreeOrder<'_>) {
    let has_it = |w: &Worktree| w.branch.as_deref() == Some(order.branch);
    if let Ok(Some(id)) = order.repo.branch_id(order.branch)
        && id == order.from
        && order.repo.worktrees().is_ok_and(|all| !all.iter().any(has_it))
    {
        let _ = order.repo.delete_ref(&format!("refs/heads/{}", order.branch), &id);
    }
}

fn require_head(order: &WorktreeOrder<'_>) -> WorkspaceResult<String> {
    order.repo.branch_id(order.branch)?.ok_or_else(|| WorkspaceError::Damaged {
        path: order.path.to_owned(),
        why: format!("its branch '{}' is gone", order.branch),
    })
}

/// Waits for git processes that an earlier, killed attempt of this run left working on the path.
pub(super) fn wait_for_earlier(run: &RunId, path: &Path) -> WorkspaceResult<()> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(2);
    while let Some(child) = working_on(run, path).first() {
        if begun.elapsed() >= PATIENCE {
            return Err(WorkspaceError::StillRunning {
                pid: child.pid,
                command: procs::command_line(child.pid).unwrap_or_default(),
                path: path.to_owned(),
                seconds: PATIENCE.as_secs(),
            });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(200));
    }
    Ok(())
}

fn working_on(run: &RunId, path: &Path) -> Vec<Child> {
    let ours = procs::marked(env::STEP, run.as_str());
    if ours.is_empty() {
        return ours;
    }
    let text = path.to_string_lossy();
    // `worktree add` has the path among its arguments; the checkout that it starts, in its environment.
    let inside = procs::marked("GIT_WORK_TREE", &text);
    let argument = format!(" {text} ");
    let names_it =
        |child: &Child| procs::command_line(child.pid).is_some_and(|l| format!("{l} ").contains(&argument));
    ours.into_iter().filter(|child| inside.contains(child) || names_it(child)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{Sandbox, git_in, write_in};
    use std::fs;
    use std::path::PathBuf;

    struct Scene {
        sandbox: Sandbox,
        repo: Repository,
        base: String,
        path: PathBuf,
        run: RunId,
    }

    impl Scene {
        fn new() -> Self {
            let sandbox = Sandbox::new();
            let path = sandbox.beside("workspaces/2025-01-01/t-1/repo");
            let run = format!("run-{}", crate::sys::random::base32(12));
            let (repo, base) = (sandbox.repo(), sandbox.id("HEAD"));
            Self { sandbox, repo, base, path, run: RunId::parse(&run).expect("run id") }
        }

        fn order(&self, branch_is_ours: bool) -> WorktreeOrder<'_> {
            let (repo, path, from, run) = (&self.repo, self.path.as_path(), self.base.as_str(), &self.run);
            WorktreeOrder { repo, path, branch: "task/t-1", from, run, branch_is_ours }
        }

        fn ensure(&self, branch_is_ours: bool) -> WorkspaceResult<EnsuredWorktree> {
            ensure_worktree(&self.order(branch_is_ours), &mut |_| {})
        }

        /// Files whose checkout takes until `go` is written: then git can be killed in the middle.
        fn slow(&mut self) {
            let at = |name: &str| self.sandbox.beside(name).display().to_string();
            let filter =
                format!("touch {}; until [ -e {} ]; do sleep 0.02; done; cat", at("begun"), at("go"));
            self.sandbox.commit(".gitattributes", "*.slow filter=slow\n");
            self.base = self.sandbox.commit("b.slow", "b\n");
            self.sandbox.git(&["config", "filter.slow.smudge", &filter]);
        }

        fn go(&self) {
            fs::write(self.sandbox.beside("go"), "").expect("go");
        }

        /// Starts making the worktree and, once the checkout is under way, lets `end` kill what it likes; `then`
        /// runs while what `end` spared goes on.
        fn killed(&self, end: impl Fn(Child), then: impl FnOnce()) {
            let new = NewWorktree {
                path: self.path.clone(),
                branch: "task/t-1".to_owned(),
                from: Some(self.base.clone()),
            };
            std::thread::scope(|scope| {
                let (sender, receiver) = std::sync::mpsc::channel();
                let making = scope.spawn(move || {
                    let told = &mut |child| sender.send(child).expect("told");
                    self.repo.add_worktree(&new, self.run.as_str(), told)
                });
                let child = receiver.recv_timeout(Duration::from_secs(20)).expect("git starts");
                until("the checkout begins", || self.sandbox.beside("begun").exists());
                end(child);
                then();
                making.join().expect("no panic").expect_err("git was killed");
            });
        }

        fn assert_whole(&self, made: &EnsuredWorktree) {
            let whole = EnsuredWorktree { head: self.base.clone(), made_branch: true, rescued: None };
            assert_eq!(made, &whole);
            assert!(worktree_is_complete(&self.repo, &self.path).expect("look"));
            assert_eq!(git_in(&self.path, &["status", "--porcelain"]), "");
            assert_eq!(git_in(&self.path, &["branch", "--show-current"]), "task/t-1");
            assert_eq!(self.repo.worktrees().expect("list").len(), 2);
        }
    }

    fn until(what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition() {
            assert!(Instant::now() < deadline, "{what}: not in time");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_worktree_is_made_once_and_then_kept_as_it_is() {
        let scene = Scene::new();
        let mut heard = Vec::new();
        let made = ensure_worktree(&scene.order(false), &mut |child| heard.push(child)).expect("made");
        scene.assert_whole(&made);
        assert_eq!(heard.len(), 1);
        fs::remove_file(scene.path.join("a.txt")).expect("an agent deletes");
        write_in(&scene.path, "new.txt", "an agent's work");
        assert_eq!(scene.ensure(true).expect("kept"), made);
        assert!(!scene.path.join("a.txt").exists() && scene.path.join("new.txt").exists());
        git_in(&scene.path, &["switch", "--quiet", "-c", "other"]);
        assert!(matches!(scene.ensure(true), Err(WorkspaceError::WrongBranch { .. })));
    }

    #[test]
    fn a_branch_that_was_there_before_is_never_touched() {
        let scene = Scene::new();
        let id = scene.sandbox.commit_on("task/t-1", "main", &[("theirs.txt", "x")]);
        assert!(matches!(scene.ensure(false), Err(WorkspaceError::BranchExists { .. })));
        assert_eq!(scene.repo.branch_id("task/t-1").expect("look"), Some(id.clone()));
        assert!(!scene.path.exists());
        // Ours is checked out where it stands: a worktree that somebody deleted comes back with its commits.
        assert_eq!(scene.ensure(true).expect("made").head, id);
        fs::remove_dir_all(&scene.path).expect("deleted");
        assert_eq!(scene.ensure(true).expect("made again").head, id);
        assert!(scene.path.join("theirs.txt").exists());
    }

    #[test]
    fn a_deleted_worktree_behind_a_linked_root_is_made_again() {
        let mut scene = Scene::new();
        fs::create_dir(scene.sandbox.beside("real")).expect("mkdir");
        std::os::unix::fs::symlink("real", scene.sandbox.beside("linked")).expect("link");
        scene.path = scene.sandbox.beside("linked/2025-01-01/t-1/repo");
        let made = scene.ensure(false).expect("made");
        assert_eq!(scene.ensure(true).expect("kept"), made);
        fs::remove_dir_all(&scene.path).expect("deleted");
        scene.assert_whole(&scene.ensure(true).expect("made again"));
    }

    #[test]
    fn a_branch_in_another_worktree_is_named_with_its_place() {
        let scene = Scene::new();
        let elsewhere = scene.sandbox.worktree("elsewhere", "task/t-1");
        let error = scene.ensure(true).expect_err("checked out elsewhere");
        assert!(matches!(&error, WorkspaceError::BranchElsewhere { at, .. } if *at == elsewhere), "{error}");
    }

    #[test]
    fn what_is_not_ours_at_the_place_stays() {
        let scene = Scene::new();
        write_in(&scene.path, "theirs.txt", "x");
        assert!(matches!(scene.ensure(false), Err(WorkspaceError::Occupied { .. })));
        assert!(scene.path.join("theirs.txt").exists());
        assert_eq!(scene.repo.branch_id("task/t-1").expect("look"), None);
        fs::remove_dir_all(&scene.path).expect("remove");
        std::os::unix::fs::symlink(scene.sandbox.dir(), &scene.path).expect("link");
        assert!(matches!(scene.ensure(false), Err(WorkspaceError::Occupied { .. })));
        let main = scene.sandbox.dir();
        let order = WorktreeOrder { path: &main, ..scene.order(false) };
        assert!(matches!(ensure_worktree(&order, &mut |_| {}), Err(WorkspaceError::Occupied { .. })));
    }

    #[test]
    fn a_failed_attempt_leaves_no_branch() {
        let scene = Scene::new();
        scene.sandbox.commit(".gitattributes", "*.txt filter=bad\n");
        scene.sandbox.git(&["config", "filter.bad.smudge", "false"]);
        scene.sandbox.git(&["config", "filter.bad.required", "true"]);
        let base = scene.sandbox.id("HEAD");
        let order = WorktreeOrder { from: &base, ..scene.order(false) };
        ensure_worktree(&order, &mut |_| {}).expect_err("the filter fails");
        assert_eq!(scene.repo.branch_id("task/t-1").expect("look"), None);
        scene.sandbox.git(&["config", "filter.bad.smudge", "cat"]);
        ensure_worktree(&order, &mut |_| {}).expect("the next attempt is free to succeed");
    }

    #[test]
    fn a_worktree_that_git_was_killed_in_making_is_made_again() {
        let mut scene = Scene::new();
        scene.slow();
        scene.killed(|child| procs::kill_group(child.pid), || ());
        assert!(scene.path.join(".git").exists() && !scene.path.join("b.slow").exists());
        assert!(!worktree_is_complete(&scene.repo, &scene.path).expect("look"));
        scene.go();
        scene.assert_whole(&scene.ensure(true).expect("made again"));
    }

    #[test]
    fn a_checkout_that_outlived_its_parent_is_waited_for() {
        let mut scene = Scene::new();
        scene.slow();
        scene.killed(procs::kill_hard, || {
            let working = working_on(&scene.run, &scene.path);
            assert!(!working.is_empty(), "the checkout goes on without its parent");
            let waited = std::thread::scope(|scope| {
                let waiting = scope.spawn(|| wait_for_earlier(&scene.run, &scene.path));
                assert!(!waiting.is_finished());
                scene.go();
                waiting.join().expect("no panic")
            });
            waited.expect("the checkout ends");
            assert!(!working.into_iter().any(procs::is_alive), "nobody works there any more");
        });
        scene.assert_whole(&scene.ensure(true).expect("made again"));
    }
}
