//! Where the records live: bare repositories, linked worktrees, and a control repository that takes no part itself.

use crate::kit::Repo;
use crate::stage::{Stage, WORKER, holds, id, workspace};
use serde_json::Value;
use std::path::Path;

fn published(repo: &Repo, rev: &str) -> String {
    repo.git(["ls-tree", "-r", "--name-only", rev, ".metawsm/runs"])
}

#[test]
fn a_control_repository_beside_the_work_publishes_the_record_on_its_own_base() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let (web, core) = (stage.repo_on("web", "main"), stage.repo_on("core", "master"));
    let run = stage.run(&["--repos", "web,core", "Elsewhere"]);
    stage.wait_state(id(&run), "completed");
    let old = stage.api.git(["rev-parse", "main"]);
    stage.api.write("mine.txt", "not committed\n");
    // From a participating repository, where nothing says which run: its control repository is found.
    let closed = stage.at(&web, ["close", "--json"]).ok().json();
    assert_eq!(closed["state"], "closed");
    assert_eq!(stage.api.git(["rev-parse", "main^"]), old, "one commit");
    holds(&published(&stage.api, "main"), &[id(&run)]);
    assert_eq!(stage.api.git(["status", "--porcelain"]), "?? mine.txt");
    for repo in [&web, &core] {
        assert_eq!(published(repo, "HEAD"), "", "records lie in the control repository alone");
        assert!(repo.file("coder-elsewhere.txt").is_file());
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
    stage.do_(["cleanup"]).ok();
    assert!(!workspace(&run, 0).exists());
}

#[test]
fn a_record_is_never_what_puts_base_ahead_of_its_upstream() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    stage.api.with_origin();
    stage.api.git(["branch", "-q", "--set-upstream-to", "origin/main", "main"]);
    let run = stage.run(&["--repos", "web", "Elsewhere"]);
    stage.wait_state(id(&run), "completed");
    let old = stage.api.rev("main");
    let closed = stage.do_(["close", "--json"]).ok().json();
    assert_eq!((&closed["state"], &closed["published"]), (&"closed".into(), &Value::Null));
    holds(&closed["acts"].to_string(), &["the record waits for the next merge"]);
    assert_eq!(stage.api.rev("main"), old);
    assert!(web.file("coder-elsewhere.txt").is_file(), "the work has landed all the same");
    stage.do_(["list", "--all"]).ok().says(id(&run));
    stage.do_(["cleanup", id(&run)]).ok();
    assert!(stage.api.file(".git/metawsm/closed").join(id(&run)).is_dir(), "the record waits");

    // The next merge into the control repository takes it along.
    let next = stage.run(&["--repos", "api", "Here"]);
    stage.wait_state(id(&next), "completed");
    stage.do_(["close", id(&next)]).ok();
    holds(&published(&stage.api, "main"), &[id(&run), id(&next)]);
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
}

#[test]
fn tickets_of_a_record_that_waited_are_closed_when_it_goes_into_history() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let run = stage.run(&["--ticket", "LATE", "--create"]);
    stage.wait_state(id(&run), "completed");
    // Somebody merged the branch on the server and it came back with a pull: nothing is left to merge.
    stage.api.git(["merge", "-q", "--no-ff", "task/late"]);
    stage.api.with_origin();
    stage.api.git(["branch", "-q", "--set-upstream-to", "origin/main", "main"]);
    stage.do_(["close"]).ok().says("the record waits for the next merge");
    let index = |rev: &str| {
        let names = stage.api.git(["ls-tree", "-r", "--name-only", rev, "ttmp"]);
        let name = names
            .lines()
            .find(|n| n.contains("/LATE--") && n.ends_with("index.md"))
            .expect("a ticket")
            .to_owned();
        stage.api.git(["show", &format!("{rev}:{name}")])
    };
    holds(&index("main"), &["Status: active"]);
    let next = stage.run(&["Here"]);
    stage.wait_state(id(&next), "completed");
    stage.do_(["close", id(&next)]).ok();
    holds(&index("main"), &["Status: complete"]);
}

#[test]
fn a_bare_control_repository_with_linked_worktrees_does_the_whole_job() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let bare = stage.world.root().join("repos/hub.git");
    stage
        .git(
            stage.world.root(),
            &["clone", "-q", "--bare", &stage.api.path().display().to_string(), &bare.display().to_string()],
        )
        .ok();
    for (key, value) in [("user.name", "Ada Tester"), ("user.email", "ada@example.org")] {
        stage.git(&bare, &["config", key, value]).ok();
    }
    let linked = stage.world.root().join("repos/linked");
    stage.git(&bare, &["worktree", "add", "-q", &linked.display().to_string(), "main"]).ok();
    stage
        .git(
            &bare,
            &[
                "worktree",
                "add",
                "-q",
                "-b",
                "mine",
                &stage.world.root().join("repos/mine").display().to_string(),
            ],
        )
        .ok();
    let hub = stage.api.seen_from(&linked);
    stage.at(&linked, ["policy", "trust"]).ok();
    let run = stage.at(&linked, ["run", "--json", "In a bare one"]).ok().json();
    let run_id = id(&run).to_owned();
    assert!(bare.join("metawsm/runs").join(&run_id).is_dir());
    assert!(workspace(&run, 0).join("hub").is_dir(), "named after the bare repository: {run:#}");
    crate::kit::wait_until("it is completed", crate::stage::PATIENCE, || {
        let view = stage.at(&bare, ["status", "--json", "--no-ingest"]).ok().json();
        view["runs"][0]["state"] == "completed"
    });
    // From the other worktree, from the bare directory, from the workspace: the same run.
    for place in [stage.world.root().join("repos/mine"), bare.clone(), workspace(&run, 0).join("hub")] {
        stage.at(&place, ["check"]).ok().says(&run_id);
    }
    stage.at(&linked, ["close"]).ok();
    assert!(hub.file("coder-in-a-bare-one.txt").is_file());
    assert_eq!(hub.git(["status", "--porcelain"]), "");
    holds(&published(&hub, "main"), &[&run_id]);
    stage.at(&bare, ["cleanup"]).ok();
    assert!(!workspace(&run, 0).exists());
    assert_eq!(hub.git(["branch", "--format=%(refname:short)"]), "main\nmine");
    assert_eq!(hub.git(["worktree", "list"]).lines().count(), 3);
}

#[test]
fn a_bare_repository_may_take_part_without_any_worktree_of_its_own() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let bare = stage.world.root().join("repos/lib.git");
    let web = stage.repo_on("web", "main");
    stage
        .git(
            stage.world.root(),
            &["clone", "-q", "--bare", &web.path().display().to_string(), &bare.display().to_string()],
        )
        .ok();
    for (key, value) in [("user.name", "Ada Tester"), ("user.email", "ada@example.org")] {
        stage.git(&bare, &["config", key, value]).ok();
    }
    let run = stage.run(&["--repos", "api", "--repos", &bare.display().to_string(), "Both"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    stage.git(&bare, &["cat-file", "-e", "main:coder-both.txt"]).ok();
    stage.do_(["cleanup"]).ok();
    assert_eq!(stage.git(&bare, &["branch", "--format=%(refname:short)"]).stdout, "main\n");
}

#[test]
fn a_linked_worktree_of_the_control_repository_is_as_good_as_the_main_one() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let linked = stage.world.root().join("repos/feature-tree");
    stage.api.git(["worktree", "add", "-q", "-b", "feature", &linked.display().to_string()]);
    let run = stage.at(&linked, ["run", "--json", "From here"]).ok().json();
    assert_eq!(run["repos"][0]["repo"], "api", "a repository is called like its main worktree");
    stage.wait_state(id(&run), "completed");
    // The worktree it was started from goes away; the run does not.
    stage.api.git(["worktree", "remove", &linked.display().to_string()]);
    stage.do_(["close"]).ok();
    stage.do_(["cleanup"]).ok();
    assert!(stage.api.file("coder-from-here.txt").is_file());
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
}

#[test]
fn commands_in_a_workspace_mean_its_run_and_elsewhere_they_name_the_candidates() {
    let stage = Stage::new(&[("coder", "exit 0")]);
    stage.repo_on("web", "main");
    let first = stage.run(&["--repos", "web", "First"]);
    let second = stage.run(&["--repos", "web", "Second"]);
    let deep = workspace(&second, 0).join("web");
    stage.at(&deep, ["path"]).ok().says(&workspace(&second, 0).display().to_string());
    let several = stage.do_(["path"]).code(2);
    several.tells(id(&first)).tells(id(&second));
    stage.at(Path::new("/"), ["status", "-A"]).ok().says(id(&first)).says(id(&second));
    stage.at(Path::new("/"), ["close"]).code(1).tells("not inside a git repository");
}
