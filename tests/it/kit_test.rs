//! The kit itself: a kit that cannot fail proves nothing.

use crate::kit::{Output, Snapshot, World, all, find, judge, require, seed, wait_for, wait_until};
use git_metawsm::sys::procs;
use std::panic::catch_unwind;
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_repository_has_a_branch_a_commit_and_ids_that_repeat() {
    let (one, two) = (World::new(), World::new());
    let make = |world: &World| world.repo_on("a", "trunk").commit("x/y.txt", "text\n");
    let (first, second) = (make(&one), make(&two));
    assert_eq!(first, second, "dates and identity are fixed");
    let repo = one.repo("b");
    assert_eq!(repo.git(["rev-list", "--count", "main"]), "1");
    assert_eq!(repo.git(["config", "--global", "--list"]), "", "no configuration of the machine's user");
    assert_eq!((repo.rev("main").is_some(), repo.rev("nothing")), (true, None));
}

#[test]
fn an_origin_is_known_and_holds_the_same() {
    let world = World::new();
    let repo = world.repo("a");
    let bare = repo.with_origin();
    assert!(bare.join("HEAD").is_file());
    assert_eq!(repo.rev("refs/remotes/origin/main"), repo.rev("main"));
    assert_eq!(repo.git(["symbolic-ref", "refs/remotes/origin/HEAD"]), "refs/remotes/origin/main");
}

#[test]
fn a_snapshot_sees_every_kind_of_change_and_leaves_the_object_store_out() {
    let world = World::new();
    let repo = world.repo("a");
    let before = repo.snapshot();
    repo.try_git(["hash-object", "-w", "README.md"]).ok();
    repo.write("x", "");
    std::fs::remove_file(repo.file("x")).expect("it was there");
    before.assert_same(&repo.snapshot());

    let change = |act: &dyn Fn()| {
        let before = repo.snapshot();
        act();
        before.changes(&repo.snapshot())
    };
    assert_eq!(change(&|| repo.write("x", "1")).len(), 1, "a new file");
    assert_eq!(change(&|| repo.write("x", "2")).len(), 1, "a changed file");
    assert!(!change(&|| drop(repo.git(["branch", "b"]))).is_empty(), "a ref");
    assert!(!change(&|| drop(repo.git(["add", "x"]))).is_empty(), "the index");
    assert!(!change(&|| drop(repo.git(["config", "a.b", "c"]))).is_empty(), "the configuration");
    assert!(!change(&|| repo.write(".git/metawsm/runs/r/run.toml", "")).is_empty(), "a live record");
    assert!(change(&|| repo.write(".git/metawsm/locks/r.lock", "")).is_empty(), "a lock");
    assert!(change(&|| repo.write(".git/metawsm/index.db-wal", "")).is_empty(), "the index of records");
    assert!(!change(&|| std::fs::remove_file(repo.file("x")).expect("it was there")).is_empty());
}

#[test]
fn a_snapshot_of_a_linked_worktree_holds_the_shared_refs() {
    let world = World::new();
    let repo = world.repo("a");
    let linked = world.root().join("linked");
    repo.git(["worktree".as_ref(), "add".as_ref(), "-q".as_ref(), linked.as_os_str()]);
    let linked = repo.seen_from(&linked);
    let before = linked.snapshot();
    repo.git(["branch", "other"]);
    assert!(!before.changes(&linked.snapshot()).is_empty());
    assert!(catch_unwind(|| before.assert_same(&linked.snapshot())).is_err());
}

#[test]
fn a_snapshot_of_the_world_holds_its_home() {
    let world = World::new();
    let before = world.snapshot();
    std::fs::create_dir(world.home().join("workspaces")).expect("a folder");
    assert_eq!(before.changes(&world.snapshot()).len(), 1);
    assert!(before.changes(&world.snapshot().without("home/workspaces")).is_empty());
    assert_ne!(Snapshot::of(world.root()), before);
}

#[test]
fn the_binary_runs_in_a_world_of_its_own() {
    let world = World::new();
    let repo = world.repo("a");
    world.run(["--version"]).at(&repo).ok();
    let failed = catch_unwind(|| World::new().run(["--version"]).code(77));
    assert!(failed.is_err(), "a wrong exit status is told");
    let running = world.run(["--version"]).at(&repo).env("A", "b").start();
    assert!(running.pid() > 0);
    running.end().ok();
}

#[test]
fn assertions_on_output_can_fail() {
    let output = |stdout: &str| Output {
        command: "x".into(),
        status: Some(3),
        stdout: stdout.into(),
        stderr: "story".into(),
    };
    assert_eq!(output("{\"schema\":1}").code(3).json()["schema"], 1);
    assert_eq!(output("{\"a\":1}\n{\"a\":2}\n").json_lines().len(), 2);
    output("answer").says("answer").tells("story").lacks("else");
    for wrong in [
        catch_unwind(|| drop(output("").ok())),
        catch_unwind(|| drop(output("answer").says("story"))),
        catch_unwind(|| drop(output("answer").tells("answer"))),
        catch_unwind(|| drop(output("answer").lacks("story"))),
        catch_unwind(|| drop(output("{} {}").json())),
        catch_unwind(|| drop(output("{\n").json_lines())),
    ] {
        assert!(wrong.is_err());
    }
}

#[test]
fn a_script_is_found_first_and_runs_as_it_is_written() {
    let world = World::new();
    let repo = world.repo("a");
    world.script("claude", "echo agent > work.txt\ngit add work.txt\ngit commit -qm 'Do the work'\n");
    world.script("git-log-wrapper", "#!/bin/sh\necho first \"$1\"");
    let mut claude = world.command("claude");
    Output::of(claude.current_dir(repo.path()), "claude").ok();
    assert_eq!(repo.git(["log", "-1", "--format=%s %an"]), "Do the work Ada Tester");
    Output::of(world.command("git-log-wrapper").arg("x"), "wrapper").ok().says("first x");
    world.unscript("claude");
    assert!(world.command("claude").output().is_err() || find("claude").is_some());
}

#[test]
fn a_world_with_chosen_programs_has_no_others() {
    let world = World::with_only(&["git", "sh"]);
    let found = Output::of(world.command("sh").args(["-c", "command -v git tmux; command -v ls"]), "sh");
    assert_eq!(found.stdout.lines().count(), 1, "{found}");
}

#[test]
fn everything_started_in_a_world_ends_with_it() {
    let world = World::new();
    let home = world.home().to_string_lossy().into_owned();
    let mut child = world.command("sleep").arg("600").spawn().expect("sleep starts");
    wait_until("the process shows its environment", SOON, || !procs::marked("HOME", &home).is_empty());
    if require("tmux").is_some() {
        world.tmux(["new-session", "-d", "-s", "one", "sleep 600"]).ok();
        world.tmux(["list-sessions", "-F", "#{session_name}"]).ok().says("one");
        assert!(world.snapshot().changes(&world.snapshot()).is_empty());
    }
    let root = world.root().to_owned();
    drop(world);
    child.wait().expect("it was killed");
    wait_until("no process is left", SOON, || procs::marked("HOME", &home).is_empty());
    assert!(!root.exists());
}

#[test]
fn waiting_ends_with_the_condition_or_with_the_deadline() {
    let mut calls = 0;
    let found = wait_for("the third call", SOON, || {
        calls += 1;
        (calls == 3).then_some("here")
    });
    assert_eq!(found, "here");
    let late = catch_unwind(|| wait_until("never", Duration::from_millis(5), || false));
    assert!(late.is_err());
}

#[test]
fn a_missing_tool_skips_unless_it_is_required() {
    let there = find("git").expect("git is installed");
    assert_eq!(judge(Some(there.clone()), "git", "git"), Ok(there));
    let skipped = (false, "skipped: tmux is not installed".to_owned());
    assert_eq!(judge(None, "git,tmuxinator", "tmux"), Err(skipped));
    assert!(judge(None, "git, tmux", "tmux").is_err_and(|(must, _)| must));
}

#[test]
fn what_differs_from_run_to_run_is_masked() {
    let world = World::new();
    let repo = world.repo("a");
    let id = repo.rev("HEAD").expect("a commit");
    let path = repo.path().display();
    let text = format!(
        "run-20260102-030405-ab2z at {path} on 2026-01-02 03:04:05 since 2026-01-02T03:04:05.123Z\n\
         {id} {} 1234567 deadbeef 2026-01-02 pid 4711\n",
        &id[..9]
    );
    insta::assert_snapshot!(world.masked(&text), @r"
    RUN at $WORLD/repos/a on TIME since TIME
    OID OID 1234567 deadbeef DATE pid PID
    ");
}

#[test]
fn the_seed_and_the_amount_come_from_the_environment() {
    // Read, not set: the environment belongs to the whole test program.
    let given = std::env::var("METAWSM_TEST_SEED").ok().and_then(|s| s.parse().ok());
    assert_eq!(seed(), given.unwrap_or(20_260_102));
    assert_eq!(all(), std::env::var("METAWSM_TEST_ALL").is_ok_and(|v| v == "1"));
}

#[test]
fn the_environment_of_a_world_is_its_own() {
    let world = World::new();
    let shown = Command::new("env").env_clear().envs(world.env()).output().expect("env runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMUX_TMPDIR"] {
        let line = shown.lines().find(|l| l.starts_with(&format!("{name}="))).expect("it is set");
        assert!(line.contains(&*world.root().to_string_lossy()), "{line}");
    }
    assert!(!shown.contains("METAWSM_"));
}
