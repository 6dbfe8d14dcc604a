//! Every way to move a base, tried with unfinished and with finished work: what is not finished is stopped, and what
//! the stopped command leaves is taken back by the command that it is told; or it is found by the next command.

mod routes;
mod scene;

use crate::kit::all;
use routes::{InHand, ROUTES, Route, Seen};
use scene::{Layout, RUN, Scene, TASK, Work};

fn take_in_hand(scene: &Scene, route: &Route) {
    if route.in_hand != InHand::Nothing {
        scene.place.write("other.txt", "edited by hand\n");
    }
    if route.in_hand == InHand::Staged {
        scene.place.write("staged.txt", "staged by hand\n");
        scene.place.git(["add", "staged.txt"]);
    }
    scene.place.write("untracked.txt", "not known to git\n");
}

/// The command between two sentences of a refusal.
fn restore_in(said: &str) -> Option<String> {
    let mut lines = said
        .lines()
        .skip_while(|line| !line.ends_with("takes it back:") && !line.ends_with("takes them back:"));
    lines.next()?;
    lines.next().and_then(|line| line.strip_prefix("  ")).map(str::to_owned)
}

fn act(scene: &Scene, route: &Route) -> (Option<i32>, String) {
    if route.act != "(libgit2)" {
        return scene.sh(route.act);
    }
    let repo = git2::Repository::open(scene.place.path()).expect("opened");
    let id = git2::Oid::from_str(&scene.place.rev(TASK).expect("work")).expect("an id");
    repo.reference("refs/heads/main", id, true, "moved").expect("moved");
    (Some(0), String::new())
}

fn begin(scene: &Scene, route: &Route) {
    scene.set_back(route.on_base, route.more);
    take_in_hand(scene, route);
    if !route.before.is_empty() {
        let (status, said) = scene.sh(route.before);
        assert_eq!(status, Some(0), "{}: before: {said}", route.name);
    }
}

/// Stopped by a hook: base is where it was, the refusal names run and blockers, and what it says restores.
fn is_stopped(scene: &Scene, route: &Route) {
    let (base, before) = (scene.base(route.seen == Seen::ByPush), scene.state());
    let (status, said) = act(scene, route);
    let name = route.name;
    assert_ne!(status, Some(0), "{name}: it went through: {said}");
    assert_eq!(scene.base(route.seen == Seen::ByPush), base, "{name}: base moved: {said}");
    for part in [
        "would bring unfinished work into 'main'",
        RUN,
        "run-state: ",
        "clean-tree: ",
        "git metawsm check r1",
    ] {
        assert!(said.contains(part), "{name}: {part:?} is missing in {said}");
    }
    if let Some(command) = restore_in(&said) {
        let (status, told) = scene.sh(&command);
        assert_eq!(status, Some(0), "{name}: {command}: {told}");
    }
    let after = scene.state();
    assert_eq!(after, before, "{name}: not as it was after {said}");
    assert!(!scene.status().contains("around the hooks"), "{name}: what was stopped is no bypass");
}

/// Not stopped: the next command names it, with the command that answers for it.
fn is_found(scene: &Scene, route: &Route) {
    let (status, said) = act(scene, route);
    let name = route.name;
    assert_eq!(status, Some(0), "{name}: {said}");
    let told = scene.status();
    for part in ["came into 'main' of api around the hooks", "git metawsm hooks ack "] {
        assert!(told.contains(part), "{name}: {part:?} is missing in {told} after {said}");
    }
    assert_eq!(scene.status(), told, "{name}: it stays the same");
}

/// Tries every route, and names all that are not as they should be.
fn each(scene: &Scene, judge: impl Fn(&Route)) {
    let is_bad = |route: &&Route| {
        let tried = std::panic::AssertUnwindSafe(|| {
            begin(scene, route);
            judge(route);
        });
        std::panic::catch_unwind(tried).is_err()
    };
    let bad: Vec<_> = ROUTES.iter().filter(is_bad).map(|route| route.name).collect();
    assert!(bad.is_empty(), "not as they should be: {bad:?}");
}

fn unfinished(layout: Layout) {
    let scene = Scene::new(Work::Unfinished, layout, "");
    each(
        &scene,
        |route| {
            if route.seen == Seen::Later { is_found(&scene, route) } else { is_stopped(&scene, route) }
        },
    );
}

fn finished(layout: Layout) {
    let scene = Scene::new(Work::Finished, layout, "");
    each(&scene, |route| {
        let base = scene.base(route.seen == Seen::ByPush);
        let (status, said) = act(&scene, route);
        let name = route.name;
        assert_eq!(status, Some(0), "{name}: {said}");
        assert_ne!(scene.base(route.seen == Seen::ByPush), base, "{name}: base did not move: {said}");
        assert!(!said.contains("git-metawsm"), "{name}: nothing is said: {said}");
        let told = scene.status();
        assert!(!told.contains("around the hooks"), "{name}: {told}");
    });
}

#[test]
fn unfinished_work_is_stopped_or_found_in_the_main_worktree() {
    unfinished(Layout::Main);
}

#[test]
fn unfinished_work_is_stopped_or_found_in_a_linked_worktree() {
    unfinished(Layout::Linked);
}

#[test]
fn finished_work_passes_in_the_main_worktree() {
    finished(Layout::Main);
}

#[test]
fn finished_work_passes_in_a_linked_worktree() {
    finished(Layout::Linked);
}

#[test]
fn without_the_costly_hook_the_others_stop_what_they_see_and_the_rest_is_found() {
    let scene = Scene::new(
        Work::Unfinished,
        Layout::Main,
        "{ \"version\": 2, \"hooks\": { \"strict\": \"never\" } }\n",
    );
    assert!(!scene.stage.repo.path().join(".git/hooks/reference-transaction").exists());
    // All of them took a while already.
    let some = |name: &str| all() || name.len().is_multiple_of(3);
    each(&scene, |route| match route.seen {
        _ if !some(route.name) => {}
        Seen::ByHook | Seen::ByPush => is_stopped(&scene, route),
        Seen::ByRefs | Seen::Later => is_found(&scene, route),
    });
}

/// Everyday commands that move refs and bring nothing in.
#[test]
fn what_brings_nothing_in_is_never_harmed() {
    let scene = Scene::new(Work::Unfinished, Layout::Main, "");
    let harmless = [
        ("gc", true, "git gc -q"),
        ("pack-refs", true, "git pack-refs --all --prune"),
        ("a commit on base", true, "git commit -q --allow-empty -m Mine"),
        ("amend", true, "git commit -q --amend --no-edit"),
        ("reset back", true, "git reset -q --hard HEAD~1"),
        ("reset to itself", true, "git reset -q --hard HEAD"),
        ("merge --abort", true, "git merge --no-ff -m Merge $TASK; git merge --abort"),
        ("merge --no-commit --abort", true, "git merge --no-ff --no-commit $TASK && git merge --abort"),
        ("rebase --abort", true, "git commit -q --allow-empty -m Mine; git rebase $TASK; git rebase --abort"),
        ("a merge of something else", true, "git merge -q --no-ff -m Merge elsewhere"),
        ("stash", true, "echo x > other.txt && git stash -q && git stash pop -q"),
        ("a new branch", true, "git switch -q -c feature $TASK && git commit -q --allow-empty -m x"),
        ("a merge elsewhere", false, "git merge -q $TASK"),
        ("deleting base", false, "git branch -D main"),
        ("renaming base", false, "git branch -m main trunk"),
        ("base from the remote", false, "git branch -D main && git branch main origin/main"),
        ("pushing the branch of a run", true, "git push -q origin $TASK"),
        ("pushing base", true, "git commit -q --allow-empty -m Mine && git push -q origin main"),
        ("deleting a pushed branch", true, "git push -q origin $TASK:tmp && git push -q origin :tmp"),
        ("fetch", true, "git fetch -q origin"),
        (
            "a pull of what the server merged",
            true,
            "git push -q origin $TASK && git clone -q \"$REPOS/api.origin.git\" ../server && (cd ../server \
             && git -c user.name=S -c user.email=s@e merge -q --no-ff -m 'Merge on the server' origin/$TASK \
             && git push -q origin main) && git pull -q --ff-only origin main && git log --oneline | grep -q server",
        ),
    ];
    for (name, on_base, script) in harmless {
        scene.set_back(on_base, false);
        if on_base {
            scene.place.git(["branch", "elsewhere", "main~1"]);
            scene.place.git(["switch", "-q", "elsewhere"]);
            scene.place.commit("elsewhere.txt", "x\n");
            scene.place.git(["switch", "-q", "main"]);
        }
        let (status, said) = scene.sh(script);
        assert_eq!(status, Some(0), "{name}: {said}");
        let git_dir = scene.place.git(["rev-parse", "--absolute-git-dir"]);
        for half in ["MERGE_HEAD", "rebase-merge", "rebase-apply"] {
            assert!(!std::path::Path::new(&git_dir).join(half).exists(), "{name}: {half} is left");
        }
        assert!(scene.place.rev(TASK).is_some(), "{name}: the branch of the run is there");
        assert!(!scene.status().contains("around the hooks"), "{name}");
    }
}
