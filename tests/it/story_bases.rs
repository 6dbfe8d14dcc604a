//! Bases as people leave them: behind, diverged, remote only, checked out anywhere, with work of their own in them.

use crate::kit::{Repo, Snapshot};
use crate::stage::{Stage, WORKER, blockers, holds, id, tree, workspace};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A clone that can push to the origin of a repository, as a colleague has.
fn colleague(stage: &Stage, repo: &Repo, origin: &std::path::Path, name: &str) -> Repo {
    let place = stage.world.root().join(name);
    let args = ["clone", "-q", &origin.display().to_string(), &place.display().to_string()];
    stage.git(stage.world.root(), &args).ok();
    let clone = repo.seen_from(&place);
    clone.git(["config", "user.name", "Bea Colleague"]);
    clone.git(["config", "user.email", "bea@example.org"]);
    clone
}

fn start(run: &Value, repo: &str) -> String {
    let repos = run["repos"].as_array().expect("repositories");
    let found = repos.iter().find(|r| r["repo"] == repo).expect("a repository");
    found["base_id"].as_str().expect("an id").to_owned()
}

fn note(run: &Value, repo: &str) -> String {
    let repos = run["repos"].as_array().expect("repositories");
    repos.iter().find(|r| r["repo"] == repo).expect("a repository")["note"].as_str().unwrap_or("").to_owned()
}

/// A stage with a second repository that has an origin and tracks it.
fn with_origin() -> (Stage, Repo, PathBuf) {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    let origin = web.with_origin();
    web.git(["branch", "-q", "--set-upstream-to", "origin/main", "main"]);
    (stage, web, origin)
}

#[test]
fn work_starts_from_the_newer_upstream_and_base_is_fast_forwarded_first() {
    let (stage, web, origin) = with_origin();
    let bea = colleague(&stage, &web, &origin, "bea");
    let theirs = bea.commit("theirs.txt", "theirs\n");
    bea.git(["push", "-q"]);
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    assert_eq!(start(&run, "web"), theirs, "fetched and taken");
    assert!(web.rev("main").is_some_and(|main| main != theirs), "local main has not moved yet");
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    let first_parents = web.git(["rev-list", "--first-parent", "main"]);
    assert_eq!(first_parents.lines().nth(1), Some(theirs.as_str()), "the merge lies on top of upstream");
    assert_eq!(web.read("theirs.txt"), "theirs\n");
    assert_eq!(web.git(["status", "--porcelain"]), "");
    web.git(["push", "-q"]);
}

#[test]
fn upstream_that_moved_during_the_run_is_taken_in_too_once_it_is_fetched() {
    let (stage, web, origin) = with_origin();
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let bea = colleague(&stage, &web, &origin, "bea");
    let theirs = bea.commit("theirs.txt", "theirs\n");
    bea.git(["push", "-q"]);
    web.git(["fetch", "-q"]);
    stage.do_(["close"]).ok();
    assert_eq!(web.git(["rev-parse", "main^1"]), theirs);
    assert_eq!(web.git(["status", "--porcelain"]), "");
}

#[test]
fn where_local_and_upstream_have_diverged_work_starts_from_local_and_it_is_said() {
    let (stage, web, origin) = with_origin();
    let bea = colleague(&stage, &web, &origin, "bea");
    bea.commit("theirs.txt", "theirs\n");
    bea.git(["push", "-q"]);
    let mine = web.commit("mine.txt", "mine\n");
    let run = stage.do_(["run", "--repos", "api,web", "Go ahead"]).ok();
    run.tells("diverged").tells("local one");
    let run = stage.look("go-ahead");
    assert_eq!(start(&run, "web"), mine);
    holds(&note(&run, "web"), &["diverged"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    assert_eq!(web.git(["rev-parse", "main^1"]), mine);
}

#[test]
fn a_remote_that_cannot_be_reached_is_said_and_stops_nothing() {
    let (stage, web, origin) = with_origin();
    std::fs::rename(&origin, origin.with_extension("away")).expect("moved");
    stage.do_(["run", "--repos", "api,web", "Go ahead"]).ok().tells("could not be fetched");
    let run = stage.look("go-ahead");
    assert_eq!(Some(start(&run, "web")), web.rev("main"));
}

#[test]
fn a_base_that_exists_only_on_the_remote_gets_a_local_branch_at_the_merge() {
    let (stage, web, origin) = with_origin();
    let bea = colleague(&stage, &web, &origin, "bea");
    bea.git(["switch", "-q", "-c", "develop"]);
    let theirs = bea.commit("develop.txt", "develop\n");
    bea.git(["push", "-q", "origin", "develop"]);
    web.git(["fetch", "-q"]);
    let run = stage.run(&["--repos", "api,web:develop", "Go ahead"]);
    assert_eq!(start(&run, "web"), theirs);
    assert!(web.rev("refs/heads/develop").is_none());
    assert_eq!(web.try_git(["config", "branch.task/go-ahead.remote"]).status, Some(1), "no tracking");
    stage.wait_state(id(&run), "completed");
    let main = web.rev("main");
    stage.do_(["close"]).ok();
    assert_eq!(web.git(["rev-parse", "develop^1"]), theirs);
    assert_eq!(web.rev("main"), main);
    assert_eq!(web.git(["branch", "--show-current"]), "main");
    stage.do_(["cleanup"]).ok();
    assert_eq!(
        web.git(["for-each-ref", "--format=%(refname)", "refs/heads"]),
        "refs/heads/develop\nrefs/heads/main"
    );
}

#[test]
fn a_base_checked_out_nowhere_moves_alone() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    web.git(["switch", "-q", "-c", "mine"]);
    web.write("mine.txt", "not committed\n");
    let before = Snapshot::of(web.path()).without(".git");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    web.git(["cat-file", "-e", "main:coder-go-ahead.txt"]);
    before.assert_same(&Snapshot::of(web.path()).without(".git"));
    assert_eq!(web.git(["branch", "--show-current"]), "mine");
}

#[test]
fn a_base_checked_out_in_a_linked_worktree_is_brought_along_there() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    web.git(["switch", "-q", "-c", "mine"]);
    let linked = stage.world.root().join("linked");
    web.git(["worktree", "add", "-q", &linked.display().to_string(), "main"]);
    let linked = web.seen_from(&linked);
    linked.write("notes", "untracked\n");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    assert_eq!(linked.read("coder-go-ahead.txt"), "work of coder on go-ahead\n");
    assert_eq!(linked.git(["status", "--porcelain"]), "?? notes");
    assert_eq!(web.git(["status", "--porcelain"]), "");
}

#[test]
fn unrelated_edits_in_a_base_are_kept_byte_for_byte() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    for file in ["staged", "dirty", "both", "gone"] {
        web.commit(file, "committed\n");
    }
    web.commit(".gitignore", "*.ignored\n");
    let leave_work = |repo: &Repo| {
        repo.write("staged", "staged\n");
        repo.git(["add", "staged"]);
        repo.write("both", "staged\n");
        repo.git(["add", "both"]);
        repo.write("both", "and edited\n");
        repo.write("dirty", "edited\n");
        repo.write("new", "untracked\n");
        repo.write("x.ignored", "ignored\n");
        std::fs::remove_file(repo.file("gone")).expect("removed");
        repo.write("added", "added\n");
        repo.git(["add", "added"]);
    };
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    leave_work(&web);
    let status = web.git(["status", "--porcelain", "--ignored"]);
    let staged = web.git(["diff", "--cached"]);
    let files = Snapshot::of(web.path()).without(".git");
    stage.do_(["close"]).ok();
    assert_eq!(web.git(["status", "--porcelain", "--ignored"]), status);
    assert_eq!(web.git(["diff", "--cached"]), staged);
    let changes = files.changes(&Snapshot::of(web.path()).without(".git"));
    assert_eq!(changes, [format!("new {}", web.file("coder-go-ahead.txt").display())]);
}

#[test]
fn a_file_in_the_way_blocks_before_anything_moves_and_is_named() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    web.commit(".gitignore", "*.txt\n");
    web.commit("tracked", "1\n");
    let script = "echo 2 > ../web/tracked\n\
        git -C ../web add -f tracked; for t in ../api ../web; do echo x > $t/work.txt; git -C $t add -f work.txt; git -C $t commit -qm x; done";
    std::fs::write(stage.world.root().join("agents/coder.sh"), script).expect("written");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let heads = [stage.api.rev("main"), web.rev("main")];
    web.write("work.txt", "precious and ignored\n");
    stage.api.write("work.txt", "precious and untracked\n");
    web.write("tracked", "edited\n");
    let before = stage.world.snapshot();
    let refused = stage.do_(["close", "--json", "--dry-run"]).code(3).json();
    before.assert_same(&stage.world.snapshot());
    let text = blockers(&refused);
    holds(
        &text,
        &[
            "base-ready: web: work.txt (ignored)",
            "base-ready: api: work.txt (untracked)",
            "base-ready: web: tracked (modified)",
        ],
    );
    assert_eq!(text.lines().count(), 3, "{text}");
    stage.do_(["close"]).code(3).tells("work.txt").tells("tracked");
    assert_eq!([stage.api.rev("main"), web.rev("main")], heads);
    assert_eq!(web.read("work.txt"), "precious and ignored\n");
    web.git(["checkout", "-q", "tracked"]);
    for repo in [&stage.api, &web] {
        std::fs::remove_file(repo.file("work.txt")).expect("removed");
    }
    stage.do_(["close"]).ok();
    assert_eq!((web.read("tracked").as_str(), web.read("work.txt").as_str()), ("2\n", "x\n"));
}

#[test]
fn a_base_in_the_middle_of_something_blocks() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    web.commit("a", "1\n");
    web.git(["switch", "-q", "-c", "side", "main~1"]);
    web.commit("a", "2\n");
    web.git(["switch", "-q", "main"]);
    assert_eq!(web.try_git(["merge", "side"]).status, Some(1));
    stage.do_(["close"]).code(3).tells("half done").tells("web");
    web.git(["merge", "--abort"]);
    assert_eq!(web.try_git(["rebase", "side"]).status, Some(1));
    stage.do_(["close"]).code(3).tells("half done");
    web.git(["rebase", "--abort"]);
    stage.do_(["close"]).ok();
}

#[test]
fn bases_come_from_the_flag_the_repository_and_the_policy_in_this_order() {
    let stage = Stage::with(
        &[("coder", "exit 0")],
        "process",
        &json!({ "workspace": { "bases": { "web": "next" } } }),
    );
    let (web, core) = (stage.repo_on("web", "main"), stage.repo_on("core", "master"));
    for repo in [&stage.api, &web, &core] {
        repo.git(["branch", "next"]);
        repo.git(["branch", "old"]);
    }
    let bases = |args: &[&str]| {
        let run = stage.do_(["run", "--dry-run", "--json", "x"]);
        drop(run);
        let all = [&["run", "--dry-run", "--json", "x"], args].concat();
        let run = stage.world.run(all).at(&stage.api).ok().json();
        let repos = run["repos"].as_array().expect("repositories").clone();
        repos.iter().map(|r| r["base"].as_str().expect("a base").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bases(&["--repos", "api,web,core"]), ["main", "next", "master"]);
    assert_eq!(bases(&["--repos", "api,web,core", "--base-branch", "old"]), ["old", "next", "old"]);
    assert_eq!(bases(&["--repos", "api:next,web:old", "--repos", "core"]), ["next", "old", "master"]);
    stage.do_(["run", "x", "--repos", "api:nowhere"]).code(1).tells("'nowhere'");
    stage.do_(["run", "x", "--base-branch", "nowhere"]).code(1).tells("'nowhere'");
    let real = stage.run(&["--base-branch", "old", "Really"]);
    assert_eq!(stage.git(tree(&real, 0, "api"), &["branch", "--show-current"]).stdout, "task/really\n");
    assert!(workspace(&real, 0).is_dir());
}
