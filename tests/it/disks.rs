//! Disks and locks as they really get in the way: a full disk, a git directory that cannot be written, a lock that
//! another process holds.

use crate::crash::{Scene, TICKET, WORKS};
use crate::kit::{Output, World};
use git_metawsm::sys::lock;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A mounted file system, taken away when dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None`, told past the capture of the test harness, where nothing may be mounted here.
    fn make(at: &Path, steps: &[&[&str]]) -> Option<Self> {
        for step in steps {
            let output = Output::of(Command::new("mount").args(*step).arg(at), "mount");
            if output.status != Some(0) {
                let _ = writeln!(std::io::stderr(), "skipped: {}", output.to_string().replace('\n', " "));
                return None;
            }
        }
        Some(Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// Fills the disk below a folder, but for so many bytes.
fn fill(dir: &Path, left: u64) -> PathBuf {
    let path = dir.join("filler");
    let mut file = std::fs::File::create(&path).expect("a file");
    let block = [0; 4096];
    let mut length = 0;
    while file.write_all(&block).is_ok() {
        length += 4096;
    }
    file.set_len(u64::saturating_sub(length, left)).expect("it gets shorter");
    path
}

/// It failed for want of space and says so, or needed none.
#[track_caller]
fn require_clear(output: &Output) {
    let clear = match output.status {
        Some(0) => true,
        Some(70 | 101) | None => false,
        // Where there is a commit-msg hook git reads the message again from a file, whose write it did not check.
        Some(_) => ["No space left", "unable to write", "Out of diskspace", "empty commit message"]
            .iter()
            .any(|why| output.stderr.contains(why)),
    };
    assert!(clear && !output.stderr.contains("panicked"), "{output}");
}

#[test]
fn a_disk_that_is_really_full_loses_nothing() {
    let world = World::new();
    let disk = world.root().join("repos");
    let Some(mount) = Mount::make(&disk, &[&["-t", "tmpfs", "-o", "size=8m", "tmpfs"]]) else { return };
    let scene = Scene::on(world, WORKS);
    for (round, left) in [0, 4, 16, 40, 64, 100, 160].into_iter().enumerate() {
        let ticket = format!("F-{round}");
        let filler = fill(&disk, left * 1024);
        require_clear(&scene.metawsm(["run", "--ticket", &ticket, "--create", "Do it"]));
        scene.metawsm(["status"]).ok();
        scene.runs();
        std::fs::remove_file(&filler).expect("it was there");
        match scene.find(&ticket) {
            None => scene.metawsm(["run", "--ticket", &ticket, "--create", "Do it"]).ok(),
            Some(_) => scene.metawsm(["resume", &ticket]).ok(),
        };
        scene.wait_for_state(&ticket, "completed");
        scene.wait_until_quiet();
        let filler = fill(&disk, left * 1024);
        require_clear(&scene.metawsm(["close", &ticket]));
        scene.metawsm(["status"]).ok();
        std::fs::remove_file(&filler).expect("it was there");
        scene.metawsm(["close", &ticket]).ok();
        assert_eq!(scene.state(&ticket), "closed");
        assert_eq!(scene.app.git(["status", "--porcelain"]), "");
        scene.require_whole();
        scene.metawsm(["cleanup", &ticket]).ok();
    }
    assert_eq!(scene.state("KEPT-1"), "completed");
    drop(mount);
}

#[test]
fn a_git_directory_that_cannot_be_written_refuses_clearly_and_can_be_read() {
    let scene = Scene::new(WORKS).with_run();
    scene.wait_for_state(TICKET, "completed");
    scene.wait_until_quiet();
    let git = scene.app.path().join(".git");
    let own = git.to_str().expect("a path").to_owned();
    let Some(mount) = Mount::make(&git, &[&["--bind", &own], &["-o", "remount,ro,bind"]]) else { return };
    for args in
        [&["status"][..], &["status", "--json"], &["list", "--all"], &["log", TICKET], &["path", TICKET]]
    {
        scene.world.run(args).at(&scene.app).ok().says("");
    }
    for args in [
        &["run", "--ticket", "NEW-1", "--create", "More"][..],
        &["complete", TICKET, "--reason", "enough"],
        &["stop", TICKET],
        &["close", TICKET],
        &["discard", TICKET],
        &["commit", TICKET],
    ] {
        let output = scene.world.run(args).at(&scene.app).output();
        assert!(matches!(output.status, Some(1 | 5)), "{output}");
        output.tells("Read-only file system").lacks("panicked");
    }
    drop(mount);
    assert_eq!(scene.state(TICKET), "completed");
    scene.metawsm(["close", TICKET]).ok();
}

#[test]
fn a_lock_that_another_process_holds_is_told_with_its_holder() {
    let scene = Scene::new(WORKS).with_run();
    scene.wait_for_state(TICKET, "completed");
    scene.wait_until_quiet();
    let locks = scene.live().join("locks");
    let holder = format!("'merge --all' (process {}) since ", std::process::id());
    let take = |name: String| {
        lock::take(&locks.join(name), "it", "merge --all", "", Duration::ZERO).expect("it is free")
    };
    let held = take(format!("{}.lock", scene.id(TICKET)));
    for args in [
        &["complete", TICKET, "--reason", "enough"][..],
        &["stop", TICKET],
        &["close", TICKET],
        &["discard", TICKET],
    ] {
        scene.world.run(["--wait", "0"].iter().chain(args)).at(&scene.app).code(4).tells(&holder);
    }
    let answer = scene.world.run(["--wait", "0", "--json", "close", TICKET]).at(&scene.app).code(4).json();
    assert_eq!(answer["error"]["kind"], "busy");
    // Who only looks does not wait, and says who is at it.
    scene.metawsm(["status"]).ok().says(&holder);
    drop(held);
    let held = take("repo.lock".to_owned());
    let args = ["--wait", "0", "run", "--ticket", "NEW-1", "--create", "More"];
    scene.world.run(args).at(&scene.app).code(4).tells(&holder);
    scene.world.run(["--wait", "0", "close", TICKET]).at(&scene.app).code(4).tells(&holder);
    drop(held);
    scene.metawsm(["close", TICKET]).ok();
}
