//! File events of live state: what wakes who follows it, and that looking does not.

use crate::cmd::forum::ask;
use crate::cmd::stage::{Stage, WAITS, WORKS};
use git_metawsm::service::Changes;
use std::path::PathBuf;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_millis(400);

fn roots(stage: &Stage) -> Vec<PathBuf> {
    vec![stage.repo.path().to_owned()]
}

/// Follows until nothing comes any more.
fn settle(changes: &mut Changes, roots: &[PathBuf]) {
    changes.follow(roots);
    while changes.wait(QUIET) {
        changes.follow(roots);
    }
}

#[test]
fn looking_wakes_nobody_however_one_looks() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you\n");
    ask(&stage, &["--body", "which way?"]);
    let (mut changes, roots) = (Changes::new(), roots(&stage));
    settle(&mut changes, &roots);
    for look in
        [&["status"][..], &["status", "--git"], &["status", "one", "--git"], &["status", "--json", "-A"]]
    {
        // What is racy at the first look is noted by a later one, in the index alone.
        for _ in 0..3 {
            stage.run(look).ok();
            assert!(!changes.wait(QUIET), "{look:?} woke who follows");
        }
    }
    for look in [&["list"][..], &["log", "one"], &["forum", "list"], &["diff", "one"], &["check", "one"]] {
        stage.run(look).output();
        assert!(!changes.wait(QUIET), "{look:?} woke who follows");
    }
}

#[test]
fn runs_signals_threads_and_ends_wake_who_follows() {
    let stage = Stage::with(WAITS);
    let (mut changes, roots) = (Changes::new(), roots(&stage));
    // Before there is any live state at all.
    settle(&mut changes, &roots);
    let mut wakes = |what: &str, act: &dyn Fn()| {
        settle(&mut changes, &roots);
        act();
        assert!(changes.wait(LONG), "{what} wakes nobody");
    };
    wakes("a run", &|| stage.start("one", "Wait for me"));
    stage.wait_for_words("one", "waiting for you\n");
    let tree = stage.tree("one");
    let root = tree.parent().expect("a workspace").join(".metawsm");
    let note = root.join("a-signal-or-not.json");
    wakes("a signal", &|| std::fs::write(&note, "{}").expect("a signal"));
    wakes("its change", &|| std::fs::write(&note, "{ }").expect("a signal"));
    let id = std::cell::RefCell::new(String::new());
    wakes("a thread", &|| *id.borrow_mut() = ask(&stage, &["--body", "which way?"]));
    wakes("an answer", &|| {
        stage.run(&["forum", "answer", &id.borrow(), "--body", "left"]).ok();
    });
    // A place that is taken away and made anew is another one.
    std::fs::remove_dir_all(&root).expect("the place of signals goes");
    std::fs::create_dir(&root).expect("and comes back");
    wakes("a signal in a new place", &|| std::fs::write(&note, "{}").expect("a signal"));
    wakes("a stop", &|| {
        stage.run(&["stop", "one"]).ok();
    });
    stage.agent(WORKS);
    wakes("going on", &|| {
        stage.run(&["resume", "one"]).ok();
    });
    wakes("a discard", &|| {
        stage.run(&["discard", "one"]).ok();
    });
}

#[test]
fn a_repository_that_is_gone_and_one_that_never_was_hurt_nobody() {
    let stage = Stage::with(WORKS);
    let never = stage.world.root().join("never");
    let mut changes = Changes::new();
    changes.follow(&[never.clone(), stage.repo.path().to_owned()]);
    std::fs::remove_dir_all(stage.repo.path()).expect("the repository goes");
    changes.follow(&[never, stage.repo.path().to_owned()]);
    while changes.wait(QUIET) {}
    assert!(!changes.wait(QUIET));
    changes.waker().wake();
    assert!(changes.wait(LONG), "the waker wakes");
}
