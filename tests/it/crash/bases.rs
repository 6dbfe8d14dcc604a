//! The transaction over three repositories: at every call of ours and of every git that we start, all of them are
//! killed at once, or the call fails. After that `--continue` brings all bases to their new commit, or `--abort` all to
//! their old one, with the files of checked-out bases and without touching what lies beside them.

use super::scene::{Scene, TICKET, WORKS};
use super::strikes::sample;
use super::trace::{Fault, Traced, traced_whole};
use crate::kit::{BINARY, Repo, World, seed};
use std::ffi::OsStr;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Changes, adds, removes, and puts a directory where a file was, in all three.
const WORKS_IN_ALL: &str = "\
for repo in app lib store; do
  cd ../$repo
  echo changed > shared.txt
  i=0; while [ $i -lt 300 ]; do echo \"line $i of a longer file\"; i=$((i + 1)); done > deep/new.txt 2>/dev/null || {
    mkdir -p deep; i=0; while [ $i -lt 300 ]; do echo \"line $i of a longer file\"; i=$((i + 1)); done > deep/new.txt; }
  git rm -q gone.txt file
  mkdir file && echo inside > file/inside
  git add -A && git commit -q -m 'The work of the agent'
done";

/// Three bases: checked out in the main worktree, in a bare repository, and in a linked worktree.
struct Bases {
    scene: Scene,
    lib: Repo,
    store: Repo,
    linked: Repo,
    old: [String; 3],
    /// What git says of the two worktrees that have base checked out.
    status: [String; 2],
}

impl Bases {
    fn new() -> Self {
        let world = World::new();
        let (lib, store) = (world.repo("lib"), world.repo("store-work"));
        let scene = Scene::on(world, WORKS);
        let repos = scene.world.root().join("repos");
        for repo in [&scene.app, &lib, &store] {
            for (file, text) in [("shared.txt", "old\n"), ("gone.txt", "gone\n"), ("file", "a file\n")] {
                repo.commit(file, text);
            }
            for file in ["staged.txt", "dirty.txt"] {
                repo.commit(file, "base\n");
            }
            repo.commit(".gitignore", ".env\nignored.txt\n");
            repo.git(["config", "merge.autoStash", "true"]);
        }
        let bare = repos.join("store");
        store.git([OsStr::new("clone"), "-q".as_ref(), "--bare".as_ref(), ".".as_ref(), bare.as_os_str()]);
        let store = store.seen_from(&bare);
        store.git(["config", "user.name", "Ada Tester"]);
        store.git(["config", "user.email", "ada@example.org"]);
        lib.git(["switch", "-q", "-c", "elsewhere"]);
        let linked = lib.seen_from(repos.join("lib-main"));
        lib.git([
            OsStr::new("worktree"),
            "add".as_ref(),
            "-q".as_ref(),
            linked.path().as_os_str(),
            "main".as_ref(),
        ]);
        let policy =
            scene.app.read(".metawsm/policy.json").replacen('{', "{\"hooks\":{\"install\":\"manual\"},", 1);
        scene.app.commit(".metawsm/policy.json", &policy);
        scene.agent(WORKS_IN_ALL);
        let places = format!("app,{},{}", lib.path().display(), bare.display());
        scene.metawsm(["policy", "trust"]).ok();
        scene.metawsm(["run", "--ticket", TICKET, "--repos", &places, "Do it"]).ok();
        scene.wait_for_state(TICKET, "completed");
        for repo in [&scene.app, &linked] {
            repo.write("staged.txt", "staged\n");
            repo.git(["add", "staged.txt"]);
            repo.write("dirty.txt", "dirty\n");
            repo.write("untracked.txt", "untracked\n");
            repo.write("ignored.txt", "ignored\n");
        }
        let mut bases = Self {
            scene: scene.saved(),
            lib,
            store,
            linked,
            old: [String::new(), String::new(), String::new()],
            status: [String::new(), String::new()],
        };
        bases.old = bases.ids();
        bases.status = bases.statuses();
        bases
    }

    fn ids(&self) -> [String; 3] {
        [&self.scene.app, &self.lib, &self.store].map(|repo| repo.rev("refs/heads/main").expect("a base"))
    }

    fn statuses(&self) -> [String; 2] {
        [&self.scene.app, &self.linked].map(|repo| repo.git(["status", "--porcelain", "-uall"]))
    }

    /// Which bases hold the work.
    fn moved(&self) -> [bool; 3] {
        let holds = |repo: &Repo| repo.rev("refs/heads/main:deep/new.txt").is_some();
        [holds(&self.scene.app), holds(&self.lib), holds(&self.store)]
    }

    /// All bases are new or all are old, their worktrees with them, and what lies beside the work is as it was.
    #[track_caller]
    fn require_one_side(&self) -> bool {
        let moved = self.moved();
        let is_new = moved[0];
        assert!(moved.iter().all(|m| *m == is_new), "a mixture: {moved:?}");
        if !is_new {
            assert_eq!(self.ids(), self.old, "they are back where they were");
        }
        assert_eq!(self.statuses(), self.status, "what lies beside the work is as it was");
        for repo in [&self.scene.app, &self.linked] {
            let texts =
                ["staged.txt", "dirty.txt", "untracked.txt", "ignored.txt"].map(|file| repo.read(file));
            assert_eq!(texts, ["staged\n", "dirty\n", "untracked\n", "ignored\n"]);
            let shared = if is_new { "changed\n" } else { "old\n" };
            assert_eq!(repo.read("shared.txt"), shared);
            assert_eq!(repo.file("gone.txt").exists(), !is_new);
            assert_eq!(repo.file("file/inside").exists(), is_new);
            assert!(repo.git(["stash", "list"]).is_empty(), "nothing was stashed away");
        }
        is_new
    }

    fn pending(&self) -> bool {
        let status = self.scene.metawsm(["status", TICKET, "--json"]).ok().json();
        let needs = status["runs"][0]["needs"].to_string();
        needs.contains("--continue")
    }

    /// Goes on after a fault, by the number of the point in one way or the other, and now and then twice.
    fn settle(&self, verb: &str, at: usize) {
        if !self.pending() {
            return;
        }
        self.scene.metawsm([verb, TICKET]).code(1).tells("--continue").tells("--abort");
        let way = if at.is_multiple_of(2) { "--continue" } else { "--abort" };
        for _ in 0..=at % 3 {
            let said = self.scene.metawsm([verb, way, TICKET]);
            // A close that had moved every base and was written down cannot be taken back.
            if said.status != Some(0) && way == "--abort" && said.stderr.contains("--continue") {
                self.scene.metawsm([verb, "--continue", TICKET]).ok();
            } else {
                said.ok();
            }
        }
        assert!(!self.pending(), "nothing is half done any more");
    }

    /// Whatever happened, a plain close ends it, once.
    fn finish(&self) {
        self.scene.metawsm(["close", TICKET]).ok();
        assert_eq!(self.scene.state(TICKET), "closed");
        assert!(self.require_one_side());
        let id = self.scene.id(TICKET);
        for repo in [&self.scene.app, &self.lib, &self.store] {
            let log =
                repo.git(["log", "--format=%(trailers:key=Metawsm-Merged,valueonly)", "--merges", "main"]);
            assert_eq!(log.lines().filter(|line| *line == id).count(), 1, "merged once: {log:?}");
            repo.git(["fsck", "--no-dangling"]);
            let locks = locks_in(&repo.common_dir());
            assert!(locks.is_empty(), "left behind: {locks:?}");
        }
        let names = self.scene.app.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/runs"]);
        assert!(names.contains(&id), "{names}");
    }
}

fn locks_in(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()) {
        if path.file_name() == Some(OsStr::new("metawsm")) {
            continue;
        }
        if path.is_dir() {
            found.extend(locks_in(&path));
        } else if path.extension() == Some(OsStr::new("lock")) {
            found.push(path);
        }
    }
    found
}

fn strike(bases: &Bases, verb: &'static str, samples: [usize; 3]) {
    let run = |fault| -> Option<Traced> {
        let mut command = bases.scene.world.command(BINARY);
        command.args([verb, TICKET]).current_dir(bases.scene.app.path());
        traced_whole(&command, fault)
    };
    bases.scene.set_back();
    let Some(clean) = run(Fault::None) else {
        // Past the capture of the test harness: a skipped test is always told.
        let _ = writeln!(std::io::stderr(), "skipped: no process may be traced here");
        return;
    };
    assert_eq!(clean.status, Some(0), "{clean:#?}");
    assert!(bases.require_one_side(), "the work is in");
    // Before the intent is on disk nothing moves: of those calls only a few are taken.
    let count = clean.calls.len();
    let begun = clean.calls.iter().position(|call| call.contains("intent.toml")).expect("an intent");
    let wanted = std::env::var("METAWSM_TEST_FAULT").ok();
    let (mut failures, mut struck) = (Vec::new(), 0);
    for (kind, take) in ["kill", "eio", "full"].into_iter().zip(samples) {
        let name = |at: usize| format!("bases-{verb}:{kind}:{at}");
        let points: Vec<usize> = if let Some(wanted) = &wanted {
            (0..count).filter(|at| name(*at) == *wanted).collect()
        } else {
            let late = sample(count - begun, take, &name(0)).into_iter().map(|at| begun + at);
            sample(begun, take / 8, &name(1)).into_iter().chain(late).collect()
        };
        for at in points {
            bases.scene.set_back();
            let traced = run(Fault::of(kind, at)).expect("it was traced before");
            struck += 1;
            let judged = catch_unwind(AssertUnwindSafe(|| judge(bases, verb, &traced, kind, at)));
            if let Err(panic) = judged {
                let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                let said = format!("{}{}", traced.stdout, traced.stderr);
                let (hit, now) = (traced.hit.unwrap_or_default(), bases.scene.described());
                failures.push(format!("== {} at '{hit}'\n{why}\n-- it said\n{said}-- now\n{now}", name(at)));
            }
        }
    }
    eprintln!("bases-{verb}: {struck} faults at {count} calls ({begun} before the intent), seed {}", seed());
    assert!(failures.is_empty(), "{} of {struck}:\n{}", failures.len(), failures.join("\n"));
}

fn judge(bases: &Bases, verb: &str, traced: &Traced, kind: &str, at: usize) {
    if kind != "kill" {
        let status = traced.status.expect("it ended by itself");
        assert!(![70, 101].contains(&status) && !traced.stderr.contains("panicked"), "it broke");
        assert!(status == 0 || traced.stderr.contains("error:"), "it failed without a word");
    }
    bases.scene.require_no_lock();
    bases.settle(verb, at);
    bases.require_one_side();
    bases.finish();
    bases.scene.require_whole();
}

#[test]
fn a_merge_into_three_bases_is_whole_or_undone_whatever_call_it_is_stopped_at() {
    strike(&Bases::new(), "merge", [45, 6, 6]);
}

#[test]
fn a_close_into_three_bases_is_whole_or_undone_whatever_call_it_is_stopped_at() {
    strike(&Bases::new(), "close", [45, 6, 6]);
}
