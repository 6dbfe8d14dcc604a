//! What only looks changes nothing: not a byte of live state, locks, index, refs, git's index files or worktrees.

use crate::crash::{IDLES, Scene, TICKET, WORKS};
use crate::kit::{Output, Snapshot};

/// Runs a command and requires that the whole world is as before; git objects may be added.
#[track_caller]
fn looks_only(scene: &Scene, args: &[&str]) -> Output {
    scene.wait_until_quiet();
    let before = Snapshot::whole(scene.world.root());
    let output = scene.world.run(args).at(&scene.app).output();
    scene.wait_until_quiet();
    let changes = before.changes(&Snapshot::whole(scene.world.root()));
    assert!(changes.is_empty(), "{output} changed {changes:#?}");
    output
}

/// Every command that must only look, in a scene where there is much to do.
fn all_look_only(scene: &Scene) {
    for (args, status) in [
        (&["close", TICKET, "--dry-run"][..], 0),
        (&["merge", TICKET, "--dry-run"], 0),
        (&["check", TICKET], 0),
        (&["status", TICKET, "--no-ingest", "--git"], 0),
        (&["status", "--no-ingest"], 0),
        (&["run", "--dry-run", "--ticket", "NEW-1", "--create", "Something else"], 0),
        (&["run", "--dry-run", "Something else"], 0),
        (&["bootstrap", "--dry-run", "--ticket", "NEW-1", "--goal", "x", "--done", "y"], 0),
    ] {
        looks_only(scene, args).code(status);
    }
}

/// Makes every cache old: the files are the same and younger than what was noted of them.
fn make_caches_stale(scene: &Scene) {
    std::fs::remove_file(scene.live().join("index.db")).ok();
    let worktree = scene.worktree();
    for dir in [scene.app.path(), &worktree] {
        let file = std::fs::File::options().write(true).open(dir.join("README.md")).expect("a file");
        file.set_modified(std::time::SystemTime::now()).expect("the time is set");
    }
}

#[test]
fn a_dry_run_of_a_completed_run_changes_no_byte() {
    let scene = Scene::new(WORKS).with_run();
    scene.wait_for_state(TICKET, "completed");
    // A remote that is ahead: a fetch would move a ref.
    let origin = scene.app.with_origin();
    let ahead = scene.app.git(["commit-tree", "-p", "HEAD", "-m", "Somebody else", "HEAD^{tree}"]);
    scene.app.git(["push", "-q", origin.to_str().expect("a path"), &format!("{ahead}:refs/heads/main")]);
    all_look_only(&scene);
    make_caches_stale(&scene);
    all_look_only(&scene);
    assert_eq!(scene.state(TICKET), "completed");
}

#[test]
fn a_run_that_waits_to_be_settled_is_settled_in_memory_only() {
    let scene = Scene::new(IDLES).with_run();
    let tree = scene.app.seen_from(scene.worktree());
    tree.commit("work.txt", "done by hand\n");
    let said = format!("{}/.metawsm/implementation-complete.json", tree.path().display());
    std::fs::write(&said, "{\"summary\":\"all done\"}").expect("the signal");
    let record = std::fs::read(scene.live().join("runs").join(scene.id(TICKET)).join("run.toml"));
    all_look_only(&scene);
    let now = std::fs::read(scene.live().join("runs").join(scene.id(TICKET)).join("run.toml"));
    assert_eq!(record.expect("the record"), now.expect("the record"));
    assert!(std::path::Path::new(&said).exists(), "the signal still waits");
    scene.metawsm(["close", TICKET]).ok();
}

#[test]
fn a_refused_close_changes_no_byte_either() {
    let scene = Scene::new(WORKS).with_run();
    scene.wait_for_state(TICKET, "completed");
    scene.app.seen_from(scene.worktree()).write("left.txt", "not committed\n");
    looks_only(&scene, &["close", TICKET, "--dry-run"]).code(3).tells("left.txt");
    looks_only(&scene, &["check", TICKET]).code(3);
}
