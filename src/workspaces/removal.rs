//! Takes a workspace away, after everything in it that git does not hold yet was saved.

use super::context::{BRIEF_FILE, CONTEXT_FILE, OWN_DIR};
use super::site::{Site, admin_dir, roll_back};
use super::worktree::wait_for_earlier;
use super::{Provider, WorkspaceResult, go_work, metadata, wsm_delete, wsm_file};
use crate::git::{Kept, RepoPath, Repository, RescueLimits, RescueOrder};
use crate::model::{RepoName, RunId, SignalKind, WorkspaceName};
use crate::sys::{SysError, clock, files};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is to be removed. The caller holds the locks of all repositories, and no agent works there any more.
#[derive(Debug)]
pub struct Removal<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The workspace's name.
    pub workspace: &'a WorkspaceName,
    /// Its directory.
    pub dir: &'a Path,
    /// Its worktrees.
    pub worktrees: Vec<RemovalWorktree<'a>>,
    /// Who made it, and so deletes it.
    pub provider: Provider,
    /// What a rescue may drop, and how much it may hold.
    pub limits: &'a RescueLimits,
    /// The command that asks for it.
    pub why: &'a str,
}

/// One worktree of a workspace to be removed.
#[derive(Debug)]
pub struct RemovalWorktree<'a> {
    /// The repository's name.
    pub name: &'a RepoName,
    /// The repository.
    pub repo: &'a Repository,
    /// The worktree.
    pub path: &'a Path,
}

/// What was saved of one worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// The repository's name.
    pub repo: RepoName,
    /// The rescue in it.
    pub kept: Kept,
}

/// What a removal did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Rescue refs, in the order of the worktrees.
    pub rescued: Vec<Rescued>,
    /// Disposable folders that went unsaved, `<repo>/<path>`.
    pub dropped: Vec<String>,
    /// What was left because it is not ours; the workspace's directory stays around it.
    pub kept: Vec<PathBuf>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// Removes a workspace: saves every worktree in a rescue ref (signals that nobody has read yet with the first one),
/// then removes the worktrees, our own files, the directory if nothing else is left in it, and wsm's file if it names
/// the directory. Where one rescue refuses, nothing is removed. Branches stay. Safe to repeat after a stop at any
/// point.
pub fn remove(removal: &Removal<'_>) -> WorkspaceResult<Removed> {
    let mut removed = Removed::default();
    let mut going = Vec::new();
    let mut unread = unread_signals(removal.dir)?;
    for worktree in &removal.worktrees {
        wait_for_earlier(removal.run, worktree.path)?;
        if rescue(removal, worktree, &mut unread, &mut removed)? {
            going.push(worktree);
        }
    }
    if removal.provider == Provider::Wsm {
        remove_own_files(removal.dir, &unread, &mut Vec::new())?;
        removed.notes.extend(wsm_delete::delete(removal, &going)?);
    }
    // Also what wsm left, whatever it said.
    for worktree in going {
        take_away(worktree)?;
    }
    remove_own_files(removal.dir, &unread, &mut removed.kept)?;
    remove_dir(removal.dir, &mut removed.kept)?;
    wsm_file::remove_wsm_file(removal.workspace.as_str(), removal.dir)?;
    Ok(removed)
}

/// Where signals of the workspace stand in a rescue.
const SIGNALS: &str = ".metawsm/of-workspace";

/// What agents said in the workspace and nobody has taken: with the path under which it is saved.
fn unread_signals(dir: &Path) -> WorkspaceResult<Vec<(RepoPath, PathBuf)>> {
    let own = dir.join(OWN_DIR);
    if !own.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        return Ok(Vec::new());
    }
    let is_said = |name: &String| {
        SignalKind::of_file(name).is_some_and(|(kind, _)| kind != SignalKind::Answer)
            && own.join(name).symlink_metadata().is_ok_and(|meta| meta.is_file() || meta.is_symlink())
    };
    let names = files::names_in(&own)?;
    let place = |name: String| (RepoPath::from(format!("{SIGNALS}/{name}")), own.join(&name));
    Ok(names.into_iter().filter(is_said).map(place).collect())
}

/// Saves what one worktree holds, and the signals that are not saved yet; `false` where there is nothing of ours at
/// its place.
fn rescue(
    removal: &Removal<'_>,
    worktree: &RemovalWorktree<'_>,
    unread: &mut Vec<(RepoPath, PathBuf)>,
    removed: &mut Removed,
) -> WorkspaceResult<bool> {
    restore_git_file(worktree)?;
    let worktrees = worktree.repo.worktrees()?;
    let reference = || free_rescue_ref(worktree.repo, removal.run, removal.workspace.as_str(), worktree.name);
    let kept = match Site::look(worktree.repo, &worktrees, worktree.path)? {
        Site::Foreign(_) => {
            removed.kept.push(worktree.path.to_owned());
            return Ok(false);
        }
        // Nobody ever worked in what git did not finish making.
        Site::Free | Site::HalfMade(_) => None,
        Site::Missing(_) => match admin_dir(worktree.repo.common_dir(), worktree.path)? {
            Some(admin) => worktree.repo.rescue_registration(&admin, &reference()?, removal.why)?,
            None => None,
        },
        Site::Stands(_) => {
            let (reference, limits, why) = (reference()?, removal.limits, removal.why);
            let beside: &[_] = unread;
            let path = worktree.path;
            let order = RescueOrder { worktree: path, reference: &reference, why, limits, beside };
            let rescue = worktree.repo.rescue(&order)?;
            unread.clear();
            removed.dropped.extend(rescue.dropped.iter().map(|path| format!("{}/{path}", worktree.name)));
            rescue.kept
        }
    };
    removed.rescued.extend(kept.map(|kept| Rescued { repo: worktree.name.clone(), kept }));
    Ok(true)
}

/// A `worktree remove` that was killed may have deleted the `.git` file before the files around it; without it
/// git takes them for nobody's, and nothing would save them.
fn restore_git_file(worktree: &RemovalWorktree<'_>) -> WorkspaceResult<()> {
    let file = worktree.path.join(".git");
    let is_dir = worktree.path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    if !is_dir || file.symlink_metadata().is_ok() {
        return Ok(());
    }
    if let Some(admin) = admin_dir(worktree.repo.common_dir(), worktree.path)? {
        files::write_atomic(&file, format!("gitdir: {}\n", admin.display()).as_bytes())?;
    }
    Ok(())
}

/// A rescue ref that is still free, `refs/metawsm/rescue/<run>/<workspace>/<repo>/<time>`.
pub fn free_rescue_ref(
    repo: &Repository,
    run: &RunId,
    workspace: &str,
    name: &RepoName,
) -> WorkspaceResult<String> {
    let time = clock::compact(clock::now());
    let stem = format!("refs/metawsm/rescue/{run}/{workspace}/{name}/{time}");
    let mut reference = stem.clone();
    let mut number = 1;
    while repo.ref_id(&reference)?.is_some() {
        number += 1;
        reference = format!("{stem}-{number}");
    }
    Ok(reference)
}

fn take_away(worktree: &RemovalWorktree<'_>) -> WorkspaceResult<()> {
    let worktrees = worktree.repo.worktrees()?;
    match Site::look(worktree.repo, &worktrees, worktree.path)? {
        Site::Stands(found) | Site::Missing(found) => worktree.repo.remove_worktree(&found.path, true)?,
        Site::HalfMade(admin) => roll_back(worktree.path, admin.as_deref())?,
        // At most an empty directory.
        Site::Free => {
            let _ = fs::remove_dir(worktree.path);
        }
        Site::Foreign(_) => {}
    }
    Ok(())
}

/// What we and the signals of behaviour 6 put into `<workspace>/.metawsm/`.
fn is_own_file(name: &str) -> bool {
    let is_signal = SignalKind::of_file(name).is_some();
    let starts = ["prompt-", "brief-"].iter().any(|start| name.starts_with(start));
    let is_prompt = starts && name.strip_suffix(".md").is_some();
    is_signal
        || is_prompt
        || [BRIEF_FILE, CONTEXT_FILE].contains(&name)
        || name.starts_with(files::TEMP_PREFIX)
}

/// Signals that were saved nowhere, because no worktree is left, stay.
fn remove_own_files(
    dir: &Path,
    unread: &[(RepoPath, PathBuf)],
    kept: &mut Vec<PathBuf>,
) -> WorkspaceResult<()> {
    let own = dir.join(OWN_DIR);
    if own.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        for name in files::names_in(&own)? {
            let path = own.join(&name);
            let is_dir = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
            if name == "seen" && is_dir {
                files::remove_tree(&path)?;
            } else if is_own_file(&name) && !is_dir && !unread.iter().any(|(_, from)| *from == path) {
                files::remove_durable(&path)?;
            }
        }
        remove_dir(&own, kept)?;
    }
    metadata::remove_placed(dir)?;
    if go_work::is_ours(dir)? {
        files::remove_durable(&dir.join(go_work::FILE))?;
        // go writes it beside go.work, and it holds nothing but checksums.
        files::remove_durable(&dir.join("go.work.sum"))?;
    }
    Ok(())
}

/// Removes an empty directory; what keeps it from being empty is kept and named.
fn remove_dir(dir: &Path, kept: &mut Vec<PathBuf>) -> WorkspaceResult<()> {
    match fs::remove_dir(dir) {
        Ok(()) => Ok(()),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {
            let entries = fs::read_dir(dir).map_err(|e| SysError::file("list", dir, e))?;
            let entries = entries.flatten().map(|entry| entry.path());
            let mut left: Vec<_> =
                entries.filter(|path| !kept.iter().any(|known| known.starts_with(path))).collect();
            left.sort();
            kept.extend(left);
            Ok(())
        }
        Err(e) => Err(SysError::file("remove", dir, e).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{Sandbox, git_in, write_in};
    use crate::workspaces::{Context, ensure_go_work, save_brief, save_context};
    use crate::{git::GitError, model::TicketId, workspaces::WorkspaceError};

    struct Scene {
        sandbox: Sandbox,
        repo: Repository,
        dir: PathBuf,
        path: PathBuf,
        run: RunId,
        workspace: WorkspaceName,
        name: RepoName,
        limits: RescueLimits,
    }

    impl Scene {
        /// A workspace with one worktree and our files.
        fn new() -> Self {
            let sandbox = Sandbox::new();
            sandbox.commit(".gitignore", ".env\nnode_modules/\n");
            let word = format!("t-{}", crate::sys::random::base32(12));
            let dir = sandbox.beside("2025-01-01").join(&word);
            let path = dir.join("app");
            let text = path.to_str().expect("UTF-8");
            sandbox.git(&["worktree", "add", "--quiet", "-b", "task/t-1", text]);
            let disposable = vec!["node_modules".to_owned()];
            let scene = Self {
                repo: sandbox.repo(),
                dir,
                path,
                run: RunId::parse("run-1").expect("run"),
                workspace: WorkspaceName::parse(&word).expect("name"),
                name: RepoName::parse("app").expect("name"),
                limits: RescueLimits { disposable, max_file: 1 << 20, max_total: 1 << 22 },
                sandbox,
            };
            scene.write_own_files();
            scene
        }

        fn write_own_files(&self) {
            let ticket = TicketId::parse("T-1").expect("ticket");
            let (run, repos) = (self.run.clone(), vec![self.name.clone()]);
            let context = Context::new(self.sandbox.dir(), run, ticket, self.workspace.clone(), repos);
            save_context(&self.dir, &context).expect("context");
            save_brief(&self.dir, None, "Do it.\n").expect("brief");
            for name in ["guidance-response.json", "seen/1.json"] {
                write_in(&self.dir, &format!(".metawsm/{name}"), "{}");
            }
        }

        fn remove(&self) -> WorkspaceResult<Removed> {
            let worktree = RemovalWorktree { name: &self.name, repo: &self.repo, path: &self.path };
            remove(&Removal {
                run: &self.run,
                workspace: &self.workspace,
                dir: &self.dir,
                worktrees: vec![worktree],
                provider: Provider::Builtin,
                limits: &self.limits,
                why: "cleanup",
            })
        }

        fn rescued_files(&self, removed: &Removed) -> String {
            let reference = &removed.rescued.first().expect("something was saved").kept.reference;
            assert!(reference.starts_with(&format!("refs/metawsm/rescue/run-1/{}/app/", self.workspace)));
            self.sandbox.git(&["ls-tree", "-r", "--name-only", reference])
        }

        fn assert_gone(&self) {
            assert!(self.dir.symlink_metadata().is_err(), "the workspace is gone");
            assert_eq!(self.repo.worktrees().expect("list").len(), 1);
            assert!(self.repo.branch_id("task/t-1").expect("look").is_some(), "branches stay");
        }
    }

    #[test]
    fn dirty_untracked_and_ignored_files_are_saved_before_the_workspace_goes() {
        let scene = Scene::new();
        for (path, text) in [("a.txt", "dirty"), ("new.txt", "new"), (".env", "secret")] {
            write_in(&scene.path, path, text);
        }
        write_in(&scene.path, "node_modules/x/y.js", "x");
        let removed = scene.remove().expect("removed");
        scene.assert_gone();
        assert_eq!(scene.rescued_files(&removed), ".env\n.gitignore\na.txt\nnew.txt");
        let reference = &removed.rescued[0].kept.reference;
        assert_eq!(scene.sandbox.git(&["show", &format!("{reference}:a.txt")]), "dirty");
        assert_eq!(removed.dropped, ["app/node_modules/"]);
        assert_eq!(removed.kept, Vec::<PathBuf>::new());
        assert_eq!(scene.remove().expect("again"), Removed::default());
    }

    #[test]
    fn a_clean_workspace_goes_without_a_rescue_ref() {
        let scene = Scene::new();
        for repo in ["app", "lib"] {
            write_in(&scene.dir, &format!("{repo}/go.mod"), "module m\n\ngo 1.24\n");
        }
        let names = ["app", "lib"].map(|name| RepoName::parse(name).expect("name"));
        assert!(ensure_go_work(&scene.dir, &names).expect("go.work"));
        fs::remove_dir_all(scene.dir.join("lib")).expect("remove");
        fs::remove_file(scene.path.join("go.mod")).expect("remove");
        assert_eq!(scene.remove().expect("removed"), Removed::default());
        scene.assert_gone();
    }

    #[test]
    fn files_of_somebody_else_are_kept_and_named() {
        let scene = Scene::new();
        write_in(&scene.dir, "notes.md", "mine");
        write_in(&scene.dir, ".metawsm/draft.md", "an agent's");
        write_in(&scene.dir, "lib/file", "no worktree");
        let lib = (RepoName::parse("lib").expect("name"), scene.dir.join("lib"));
        let worktree = |name, path| RemovalWorktree { name, repo: &scene.repo, path };
        let removal = Removal {
            run: &scene.run,
            workspace: &scene.workspace,
            dir: &scene.dir,
            worktrees: vec![worktree(&scene.name, &scene.path), worktree(&lib.0, &lib.1)],
            provider: Provider::Builtin,
            limits: &scene.limits,
            why: "cleanup",
        };
        let removed = remove(&removal).expect("removed");
        let mut kept = removed.kept;
        kept.sort();
        assert_eq!(kept, [".metawsm/draft.md", "lib", "notes.md"].map(|name| scene.dir.join(name)));
        assert!(kept.iter().all(|path| path.exists()) && !scene.path.exists());
        assert!(!scene.dir.join(".metawsm/context.json").exists());
    }

    #[test]
    fn what_cannot_be_saved_stops_everything() {
        let scene = Scene::new();
        write_in(&scene.path, "new.txt", "new");
        git_in(&scene.path, &["init", "--quiet", "nested"]);
        write_in(&scene.path, "nested/work", "x");
        let error = scene.remove().expect_err("refused");
        assert!(matches!(error, WorkspaceError::Git(GitError::RescueRefused { .. })), "{error}");
        assert!(scene.path.join("new.txt").exists() && scene.dir.join(".metawsm/context.json").exists());
    }

    #[test]
    fn a_removal_that_was_killed_is_finished_and_loses_nothing() {
        let scene = Scene::new();
        write_in(&scene.path, "new.txt", "new");
        // As git leaves it when it is killed while it deletes the files.
        fs::remove_file(scene.path.join(".git")).expect("remove");
        fs::remove_file(scene.path.join("a.txt")).expect("remove");
        let removed = scene.remove().expect("removed");
        assert_eq!(scene.rescued_files(&removed), ".gitignore\nnew.txt");
        scene.assert_gone();
    }

    #[test]
    fn a_workspace_whose_files_were_deleted_is_forgotten() {
        let scene = Scene::new();
        fs::remove_dir_all(&scene.dir).expect("deleted");
        assert_eq!(scene.remove().expect("removed"), Removed::default());
        scene.assert_gone();
    }

    #[test]
    fn a_half_made_worktree_goes_with_its_workspace() {
        let scene = Scene::new();
        let admin = admin_dir(scene.repo.common_dir(), &scene.path).expect("look").expect("linked");
        fs::write(admin.join("locked"), "initializing").expect("write");
        fs::remove_file(admin.join("index")).expect("remove");
        assert_eq!(scene.remove().expect("removed"), Removed::default());
        scene.assert_gone();
    }

    #[test]
    fn commits_on_no_branch_are_saved() {
        let scene = Scene::new();
        git_in(&scene.path, &["switch", "--quiet", "--detach"]);
        git_in(&scene.path, &["commit", "--quiet", "--allow-empty", "-m", "Lonely"]);
        let lonely = git_in(&scene.path, &["rev-parse", "HEAD"]);
        let removed = scene.remove().expect("removed");
        let reference = &removed.rescued[0].kept.reference;
        assert_eq!(scene.sandbox.id(&format!("{reference}^{{commit}}")), lonely);
    }
}
