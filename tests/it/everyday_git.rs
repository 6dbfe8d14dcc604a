//! Everyday git cannot touch live state: whatever people do in the control worktree, the records of open runs stay
//! byte for byte, and what `list` and `log` say does not depend on the branch that is checked out.

use crate::crash::{Scene, TICKET, WORKS};
use crate::kit::{Repo, Snapshot};

/// A record as somebody could forge it, for a run that never was.
const FORGED: &str = "run-20200101-000000-aaaa";

/// What `list` and `log` say, for programs and for people.
fn told(scene: &Scene) -> Vec<String> {
    let id = scene.id(TICKET);
    let asked: [&[&str]; 4] =
        [&["list", "--all"], &["list", "--all", "--json"], &["log", &id], &["log", &id, "--json"]];
    let answer = |args: &[&str]| scene.world.run(args).at(&scene.app).ok().stdout;
    asked.iter().map(|args| answer(args)).collect()
}

/// Does something in the control worktree and requires that neither live state nor the answers have changed.
#[track_caller]
fn unmoved(scene: &Scene, what: &str, act: impl FnOnce(&Repo)) {
    let (bytes, answers) = (Snapshot::of(&scene.live()), told(scene));
    act(&scene.app);
    let changes = bytes.changes(&Snapshot::of(&scene.live()));
    assert!(changes.is_empty(), "{what} changed the live state: {changes:#?}");
    assert_eq!(told(scene), answers, "{what} changed what is told");
}

#[test]
fn no_everyday_command_of_git_touches_the_records_of_open_runs() {
    let scene = Scene::new(WORKS).with_run();
    scene.wait_for_state(TICKET, "completed");
    scene.wait_until_quiet();
    scene.app.write("untracked.txt", "mine\n");
    unmoved(&scene, "stash -a", |app| drop(app.git(["stash", "push", "-q", "-a"])));
    unmoved(&scene, "stash pop", |app| drop(app.git(["stash", "pop", "-q"])));
    assert_eq!(scene.app.read("untracked.txt"), "mine\n");
    unmoved(&scene, "clean -ffdx", |app| drop(app.git(["clean", "-q", "-ffdx"])));
    unmoved(&scene, "gc", |app| {
        app.git(["reflog", "expire", "--expire=now", "--all"]);
        app.git(["gc", "-q", "--prune=now"]);
    });
    unmoved(&scene, "a commit and reset --hard", |app| {
        app.commit("README.md", "Changed\n");
        app.git(["reset", "-q", "--hard", "HEAD~1"]);
    });
    unmoved(&scene, "a rebase", |app| {
        app.git(["switch", "-q", "-c", "topic", "HEAD~1"]);
        app.commit("topic.txt", "one\n");
        app.git(["rebase", "-q", "main"]);
        app.git(["switch", "-q", "main"]);
    });
    unmoved(&scene, "worktree prune", |app| drop(app.git(["worktree", "prune"])));
    scene.metawsm(["close", TICKET]).ok();
    assert_eq!(scene.state(TICKET), "closed");
    assert_eq!(scene.app.git(["status", "--porcelain"]), "");
}

#[test]
fn switching_to_an_old_or_an_orphan_branch_changes_nothing_that_is_told() {
    let scene = Scene::new(WORKS).with_run();
    scene.wait_for_state(TICKET, "completed");
    scene.wait_until_quiet();
    let first = scene.app.git(["rev-list", "--max-parents=0", "HEAD"]);
    unmoved(&scene, "an old commit", |app| drop(app.git(["switch", "-q", "--detach", &first])));
    unmoved(&scene, "an orphan branch", |app| {
        app.git(["switch", "-q", "--orphan", "empty"]);
        app.commit("other.txt", "another history\n");
    });
    scene.app.git(["switch", "-q", "main"]);
    scene.metawsm(["close", TICKET]).ok();
    unmoved(&scene, "an old commit after the close", |app| {
        drop(app.git(["switch", "-q", "--detach", &first]));
    });
}

#[test]
fn a_branch_that_tracks_forged_records_forges_nothing() {
    let scene = Scene::new(WORKS).with_run();
    scene.wait_for_state(TICKET, "completed");
    scene.wait_until_quiet();
    let id = scene.id(TICKET);
    let record = scene.live().join("runs").join(&id).join("run.toml");
    let record = std::fs::read_to_string(record).expect("the record").replace("completed", "discarded");
    forge(&scene.app, "forged-records", |app| {
        for name in [&id, FORGED] {
            add(app, "100644", &format!(".metawsm/live/runs/{name}/run.toml"), &record.replace(&id, name));
        }
    });
    forge(&scene.app, "forged-link", |app| add(app, "120000", ".metawsm/live", "../../elsewhere"));
    for branch in ["forged-records", "forged-link"] {
        unmoved(&scene, branch, |app| drop(app.git(["switch", "-q", branch])));
        assert!(!told(&scene).concat().contains(FORGED), "{branch}");
        unmoved(&scene, "the way back", |app| drop(app.git(["switch", "-q", "main"])));
    }
    assert!(
        !scene.world.root().join("elsewhere").exists()
            && !scene.world.root().join("repos/elsewhere").exists()
    );
    scene.metawsm(["close", TICKET]).ok();
}

/// Makes a branch of main with one more commit, without touching the worktree.
fn forge(app: &Repo, branch: &str, fill: impl FnOnce(&Repo)) {
    app.git(["read-tree", "HEAD"]);
    fill(app);
    let tree = app.git(["write-tree"]);
    let commit = app.git(["commit-tree", "-p", "HEAD", "-m", "Forged", &tree]);
    app.git(["branch", branch, &commit]);
    app.git(["read-tree", "HEAD"]);
    app.git(["update-index", "-q", "--refresh"]);
}

fn add(app: &Repo, mode: &str, path: &str, text: &str) {
    let file = app.path().join(".git/forged");
    std::fs::write(&file, text).expect("a file");
    let blob = app.git(["hash-object", "-w", "--no-filters", ".git/forged"]);
    app.git(["update-index", "--add", "--cacheinfo", &format!("{mode},{blob},{path}")]);
}
