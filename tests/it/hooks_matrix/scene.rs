//! A run with two commits on its branch, finished or not, in a world that is set back before each route.

use crate::cmd::stage::{Stage, plain};
use crate::kit::{Output, Repo, World, find};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The run.
pub const RUN: &str = "r1";
/// Its branch.
pub const TASK: &str = "task/do-it";

/// Two commits, one of which changes what base has.
const WORKS: &str = "cd \"$METAWSM_WORKSPACE\"/api
echo one > work.txt && git add work.txt && git commit -q -m 'Do the first half'
echo two >> work.txt && echo task >> shared.txt && git commit -q -a -m 'Do the second half'";

/// How the work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A file is not committed, so the run goes on.
    Unfinished,
    /// The run is completed.
    Finished,
}

/// Where somebody works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In the main worktree.
    Main,
    /// In a linked worktree; the main one is on a branch of its own.
    Linked,
}

/// The scene and how it was before anything was tried.
pub struct Scene {
    /// The world.
    pub stage: Stage,
    /// Where routes are tried.
    pub place: Repo,
    saved: TempDir,
}

const FOLDERS: [&str; 2] = ["home", "repos"];

impl Scene {
    /// A scene under the policy that this text sets.
    pub fn new(work: Work, layout: Layout, policy: &str) -> Self {
        let leaves = if work == Work::Unfinished { "\necho left > left.txt" } else { "" };
        let stage = Stage::of(World::new(), &format!("{WORKS}{leaves}"));
        let repo = &stage.repo;
        repo.commit("other.txt", "other\n");
        repo.commit("shared.txt", "base\n");
        if !policy.is_empty() {
            repo.commit(".metawsm/policy.json", policy);
        }
        repo.with_origin();
        stage.start(RUN, "Do it");
        stage.wait_for_end(RUN);
        if work == Work::Finished {
            stage.wait(RUN, "completed");
        } else {
            // Settled once, so that what comes later is seen as later.
            stage.run(&["status"]).ok();
        }
        repo.git(["branch", "side"]);
        let place = match layout {
            Layout::Main => repo.clone(),
            Layout::Linked => {
                repo.git(["switch", "-q", "side"]);
                let linked = stage.world.root().join("repos/linked");
                repo.git(["worktree", "add", "-q", &linked.to_string_lossy(), "main"]);
                repo.seen_from(linked)
            }
        };
        let saved = tempfile::tempdir().expect("a folder");
        let scene = Self { stage, place, saved };
        Self::copy(scene.stage.world.root(), scene.saved.path());
        scene
    }

    fn copy(from: &Path, to: &Path) {
        for folder in FOLDERS {
            let _ = std::fs::remove_dir_all(to.join(folder));
            let cp = find("cp").expect("cp is installed");
            let mut command = Command::new(cp);
            Output::of(command.arg("-a").arg(from.join(folder)).arg(to.join(folder)), "cp").ok();
        }
    }

    /// Everything as it was; base is checked out in the place, or nowhere; `more` is one commit on base, so that it is
    /// no ancestor of the work any more.
    pub fn set_back(&self, on_base: bool, more: bool) {
        Self::copy(self.saved.path(), self.stage.world.root());
        if more {
            self.place.commit("more.txt", "more\n");
        }
        if !on_base {
            self.place.git(["switch", "-q", "-c", "elsewhere", "main~1"]);
        }
        for dir in [self.place.path().to_owned(), self.tree()] {
            self.place.seen_from(dir).try_git(["update-index", "-q", "--refresh"]);
        }
        // What has moved until here was nobody's work.
        self.stage.run(&["status"]).ok().lacks("around the hooks");
    }

    /// The worktree of the run.
    pub fn tree(&self) -> PathBuf {
        let dates = self.stage.world.home().join("workspaces");
        let date = std::fs::read_dir(dates).expect("a workspace").flatten().next().expect("a date");
        date.path().join("do-it/api")
    }

    /// A script of sh in the place; both streams in one text.
    pub fn sh(&self, script: &str) -> (Option<i32>, String) {
        let id = |rev: &str| self.place.rev(rev).unwrap_or_default();
        let mut command = self.stage.world.command("sh");
        command.args(["-c", &format!("{{ {script}\n}} 2>&1")]).current_dir(self.place.path());
        command.env("TASK", TASK).env("WORK", id(TASK)).env("BASE", id("main")).env("GIT_EDITOR", "true");
        command.env("PROGRAM", crate::kit::BINARY).env("REPOS", self.stage.world.root().join("repos"));
        let output = Output::of(&mut command, "sh");
        (output.status, output.stdout)
    }

    /// Where a base is: the local one, or the one of the remote.
    pub fn base(&self, remote: bool) -> String {
        if remote {
            let origin = self.stage.repo.path().with_extension("origin.git");
            return self.stage.repo.seen_from(origin).rev("main").expect("a base");
        }
        self.place.rev("refs/heads/main").unwrap_or_default()
    }

    /// All that a refused command may not change: HEAD, what is staged and edited, what is half done.
    pub fn state(&self) -> String {
        let git_dir = self.place.git(["rev-parse", "--absolute-git-dir"]);
        let half =
            ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "sequencer"];
        let half: Vec<_> = half.into_iter().filter(|name| Path::new(&git_dir).join(name).exists()).collect();
        let head = self.place.try_git(["symbolic-ref", "-q", "HEAD"]).stdout;
        let refs = self.place.git(["for-each-ref", "--format=%(refname) %(objectname)"]);
        let index = self.place.git(["ls-files", "-s"]);
        let status = self.place.git(["status", "--porcelain=v2", "--untracked-files=all"]);
        let mut files = String::new();
        for name in self.place.git(["ls-files", "-c", "-o"]).lines() {
            let text = std::fs::read_to_string(self.place.file(name)).unwrap_or_else(|_| "(gone)".to_owned());
            let _ = writeln!(files, "{name}: {text}");
        }
        format!("{head}{half:?}\n{refs}\n{index}\n{status}\n{files}")
    }

    /// What status says.
    pub fn status(&self) -> String {
        let output = self.stage.run(&["status"]).ok();
        plain(&output);
        output.stdout
    }
}
