//! One run in one situation, and the judge of what came of it.

use super::table::{End, Situation};
use crate::cmd::stage::{Stage, WORKS};
use crate::kit::{Output, Repo};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `cleanup` of a closed run.
    Cleanup,
    /// `cleanup --force` of a closed run.
    Force,
    /// `discard` of a completed run.
    Discard,
    /// `restart` of a completed run.
    Restart,
}

/// A completed or closed run whose worktree is in a situation.
pub struct Scene {
    /// The stage; its repository is the only one of the run.
    pub stage: Stage,
    /// The worktree.
    pub tree: Repo,
    /// Commits that must stay reachable.
    pub commits: Vec<String>,
    /// Where the files of the worktree lie now, if somebody moved them.
    pub moved: Option<PathBuf>,
    /// What may go, as paths from the workspace; it must be named.
    pub may_go: Vec<&'static str>,
    /// A process that must end with the scene.
    pub child: Option<std::process::Child>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a file is: its bytes, or where it points.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Bytes(Vec<u8>),
    Link(PathBuf),
}

/// Every file below a directory; git's own files, sockets and the like left out.
fn files_in(top: &Path) -> BTreeMap<PathBuf, What> {
    let (mut found, mut next) = (BTreeMap::new(), vec![top.to_owned()]);
    while let Some(dir) = next.pop() {
        for path in fs::read_dir(&dir).into_iter().flatten().flatten().map(|e| e.path()) {
            let Ok(meta) = path.symlink_metadata() else { continue };
            let kind = meta.file_type();
            let what = if kind.is_dir() {
                next.push(path);
                continue;
            } else if kind.is_symlink() {
                What::Link(fs::read_link(&path).expect("a link"))
            } else if kind.is_fifo() || kind.is_socket() || path.file_name().is_some_and(|n| n == ".git") {
                continue;
            } else {
                What::Bytes(fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
            };
            found.insert(path.strip_prefix(top).expect("below").to_owned(), what);
        }
    }
    found
}

impl Scene {
    /// The scene with the situation set up.
    pub fn new(order: Order, situation: &Situation) -> Self {
        let stage = Stage::with(WORKS);
        stage.repo.commit(".gitignore", "*.log\nnode_modules/\n");
        stage.repo.commit("dir/file.txt", "one\n");
        stage.finish("one", "Do the work");
        let tree = stage.repo.seen_from(stage.tree("one"));
        let (commits, may_go) = (vec![tree.git(["rev-parse", "HEAD"])], Vec::new());
        let mut scene = Self { stage, tree, commits, moved: None, may_go, child: None };
        if let Some(before) = situation.before {
            before(&mut scene);
        }
        if matches!(order, Order::Cleanup | Order::Force) {
            scene.stage.run(&["close", "one"]).ok();
        }
        (situation.set_up)(&mut scene);
        scene
    }

    /// The workspace around the worktree.
    pub fn workspace(&self) -> PathBuf {
        self.tree.path().parent().expect("a workspace").to_owned()
    }

    /// Takes the id of a revision of the worktree as one that must not be lost.
    pub fn keep(&mut self, revision: &str) {
        self.commits.push(self.tree.git(["rev-parse", "--verify", revision]));
    }

    fn order(&self, order: Order) -> Output {
        self.stage.agent("true");
        match order {
            Order::Cleanup => self.stage.run(&["cleanup", "one"]).output(),
            Order::Force => self.stage.run(&["cleanup", "one", "--force"]).output(),
            Order::Discard => self.stage.run(&["discard", "one"]).output(),
            Order::Restart => self.stage.run(&["restart", "one"]).output(),
        }
    }

    /// Gives the order and requires its end, and that nothing is lost.
    pub fn judge(self, order: Order, end: &End) {
        // What the program itself writes about the run may change.
        let workspace = self.workspace();
        let mut before = files_in(&workspace);
        let own = [".metawsm/context.json", ".metawsm/brief.md", ".wsm/wsm.json"].map(PathBuf::from);
        before
            .retain(|path, _| !own.contains(path) && !path.to_string_lossy().starts_with(".metawsm/prompt-"));
        let known = self.known(&before);
        before.retain(|path, _| !known.contains(path));
        let elsewhere = self.moved.as_ref().map(|place| files_in(place));
        let output = self.order(order);
        match end {
            End::Goes => assert_eq!(output.status, Some(0), "{output}"),
            End::Refuses(words) => {
                assert_eq!(output.status, Some(3), "{output}");
                assert!(output.stderr.contains(words), "{words:?} is not named: {output}");
                assert!(output.stderr.contains("\nnext:\n  git "), "no command: {output}");
                assert_eq!(files_in(&workspace), {
                    let mut all = files_in(&workspace);
                    all.extend(before.clone());
                    all
                });
            }
            End::Either => {}
        }
        if let (Some(place), Some(files)) = (&self.moved, elsewhere) {
            assert_eq!(files_in(place), files, "what was moved away stays");
        }
        self.require_files(&workspace, before, &output);
        self.require_commits();
        self.stage.run(&["status", "one"]).ok();
    }

    /// The files that are as a commit has them which must not be lost either.
    fn known(&self, files: &BTreeMap<PathBuf, What>) -> Vec<PathBuf> {
        let name = self.tree.path().file_name().expect("a name");
        let mut known = Vec::new();
        for (path, what) in files {
            let (Ok(inside), What::Bytes(bytes)) = (path.strip_prefix(name), what) else { continue };
            let Some(text) = inside.to_str() else { continue };
            let holds = |id: &String| {
                let shown = self.stage.repo.try_git(["show", &format!("{id}:{text}")]);
                shown.status == Some(0) && shown.stdout.as_bytes() == bytes
            };
            if self.commits.iter().any(holds) {
                known.push(path.clone());
            }
        }
        known
    }

    /// Each file is where it was, or elsewhere in the workspace, or comes back.
    fn require_files(&self, workspace: &Path, before: BTreeMap<PathBuf, What>, output: &Output) {
        let now = files_in(workspace);
        let gone: Vec<_> = before
            .into_iter()
            .filter(|(path, what)| now.get(path) != Some(what) && !now.values().any(|w| w == what))
            .collect();
        if gone.is_empty() {
            return;
        }
        let back = self.restored();
        let name = self.tree.path().file_name().expect("a name");
        for (path, what) in gone {
            let inside = match path.strip_prefix(name) {
                Ok(inside) => inside.to_owned(),
                Err(_) => Path::new(".metawsm/of-workspace").join(path.file_name().expect("a file")),
            };
            let found = back.iter().any(|files| files.get(&inside) == Some(&what));
            let may_go = self.may_go.iter().find(|may| path.starts_with(may));
            if let Some(may) = may_go {
                assert!(output.stdout.contains(&format!("dropped {may}")), "{may} is not named: {output}");
                continue;
            }
            assert!(found, "{} is lost; {} rescues; {output}", path.display(), back.len());
        }
    }

    /// The files of every rescue of the run, each restored into a directory of its own.
    fn restored(&self) -> Vec<BTreeMap<PathBuf, What>> {
        let answer = self.stage.json(&["rescue", "list", "one"]);
        let rescues = answer["rescues"].as_array().expect("a list").clone();
        let mut found = Vec::new();
        for rescue in rescues.iter().filter(|r| r["kind"] == "files") {
            let id = rescue["id"].as_str().expect("an id");
            let dir = self.stage.world.root().join(format!("restored-{id}"));
            self.stage.run(&["rescue", "restore", id, "--to", dir.to_str().expect("text")]).ok();
            found.push(files_in(&dir));
        }
        found
    }

    /// Each commit stays behind a ref, whatever git throws away.
    fn require_commits(&self) {
        for id in &self.commits {
            let contains = format!("--contains={id}");
            let refs = self.stage.repo.try_git(["for-each-ref", "--format=%(refname)", &contains]);
            let heads = self.stage.repo.try_git(["worktree", "list", "--porcelain"]);
            let is_held = refs.status == Some(0) && !refs.stdout.is_empty();
            assert!(is_held || self.is_at_work(id), "the commit {id} is lost: {refs}\n{heads}");
        }
    }

    /// Whether the worktree still stands and names the commit.
    fn is_at_work(&self, id: &str) -> bool {
        let stands = self.tree.path().join(".git").exists();
        stands && {
            let dir = self.tree.git(["rev-parse", "--absolute-git-dir"]);
            let names = Output::of(self.stage.world.command("grep").args(["-r", "-l", id, &dir]), "grep");
            names.status == Some(0)
        }
    }
}
