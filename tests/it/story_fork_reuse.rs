//! Forking from a run, and reusing a workspace that is there.

use crate::kit::Repo;
use crate::stage::{Stage, WORKER, holds, id, tree, workspace};
use serde_json::Value;

fn branch(run: &Value, repo: &str) -> String {
    let trees = run["worktrees"].as_array().expect("worktrees");
    let found = trees.iter().find(|t| t["repo"] == repo).expect("a worktree");
    found["branch"].as_str().expect("a branch").to_owned()
}

fn base(run: &Value, repo: &str) -> String {
    let repos = run["repos"].as_array().expect("repositories");
    repos.iter().find(|r| r["repo"] == repo).expect("a repository")["base"].as_str().expect("base").to_owned()
}

#[test]
fn a_fork_starts_from_the_run_branches_of_its_source_and_merges_back_into_them() {
    for by_workspace in [false, true] {
        let stage = Stage::new(&[("coder", WORKER)]);
        let web = stage.repo_on("web", "master");
        let first = stage.run(&["--repos", "api,web", "First part"]);
        stage.wait_state(id(&first), "completed");
        let from = if by_workspace { "first-part" } else { id(&first) };
        let fork = stage.run(&["--workspace-strategy", "fork", "--from", from, "Second part"]);
        stage.wait_state(id(&fork), "completed");
        let repos: [(&Repo, &str, &str); 2] = [(&stage.api, "api", "main"), (&web, "web", "master")];
        for (repo, name, main) in repos {
            let source = branch(&first, name);
            assert_eq!(base(&fork, name), source);
            assert_ne!(branch(&fork, name), source);
            assert!(tree(&fork, 0, name).join("coder-first-part.txt").is_file(), "it holds the first part");
            assert_eq!(
                repo.try_git(["cat-file", "-e", &format!("{main}:coder-first-part.txt")]).status,
                Some(128)
            );
        }
        stage.do_(["merge", id(&fork)]).ok();
        for (repo, name, main) in repos {
            let source = branch(&first, name);
            assert!(repo.git(["log", "-1", "--format=%B", &source]).contains("Metawsm-Ticket: second-part"));
            assert!(tree(&first, 0, name).join("coder-second-part.txt").is_file(), "brought along");
            assert_eq!(
                repo.try_git(["cat-file", "-e", &format!("{main}:coder-second-part.txt")]).status,
                Some(128)
            );
        }
        stage.do_(["close", id(&fork)]).ok();
        stage.do_(["cleanup", id(&fork)]).ok();
        assert!(!workspace(&fork, 0).exists());
        stage.do_(["close", id(&first)]).ok();
        stage.do_(["cleanup", id(&first)]).ok();
        for (repo, _, main) in repos {
            for file in ["coder-first-part.txt", "coder-second-part.txt"] {
                repo.git(["cat-file", "-e", &format!("{main}:{file}")]);
            }
            assert_eq!(repo.git(["for-each-ref", "--format=%(refname)"]), format!("refs/heads/{main}"));
            assert_eq!(repo.git(["status", "--porcelain"]), "");
        }
    }
}

#[test]
fn a_fork_of_fewer_repositories_still_starts_from_the_run_branch() {
    let stage = Stage::new(&[("coder", WORKER)]);
    stage.repo_on("web", "main");
    let first = stage.run(&["--repos", "api,web", "First part"]);
    stage.wait_state(id(&first), "completed");
    let args = ["--workspace-strategy", "fork", "--from", id(&first), "--repos", "web", "Second part"];
    let fork = stage.run(&args);
    assert_eq!(base(&fork, "web"), branch(&first, "web"));
    assert_eq!(fork["repos"].as_array().map(Vec::len), Some(1));
    let other = stage.repo_on("other", "main");
    let args =
        ["run", "--workspace-strategy", "fork", "--from", id(&first), "--repos", "other", "Third part"];
    stage.do_(args).code(1).tells("other").tells("first-part");
    assert_eq!(other.git(["branch"]), "* main");
}

#[test]
fn the_source_of_a_fork_may_go_before_the_fork_does() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let first = stage.run(&["First part"]);
    stage.wait_state(id(&first), "completed");
    let fork = stage.run(&["--workspace-strategy", "fork", "--from", id(&first), "Second part"]);
    stage.wait_state(id(&fork), "completed");
    stage.do_(["close", id(&first)]).ok();
    let source = branch(&first, "api");
    stage.do_(["cleanup", id(&first)]).ok();
    assert!(!workspace(&first, 0).exists());
    // Its base went with the source; the work is named and kept.
    stage.do_(["status", id(&fork)]).ok();
    let refused = stage.do_(["close", id(&fork)]).code(3);
    refused.tells(&format!("'{source}'"));
    assert!(stage.api.rev(&branch(&fork, "api")).is_some());
    stage.do_(["discard", id(&fork)]).ok();
    assert!(stage.api.git(["for-each-ref", "refs/metawsm/rescue"]).contains(id(&fork)));
}

#[test]
fn a_reused_workspace_and_its_branches_outlive_the_run() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    // A workspace as a person or wsm lays it: one worktree per repository, on branches of its own.
    let place = stage.world.home().join("mine");
    for (repo, name) in [(&stage.api, "api"), (&web, "web")] {
        let dir = place.join(name).display().to_string();
        repo.git(["worktree", "add", "-q", "-b", "feature", &dir, "main"]);
    }
    let from = place.display().to_string();
    let args = ["--workspace-strategy", "reuse", "--from", &from, "Go on here"];
    let run = stage.run(&args);
    assert_eq!(workspace(&run, 0), place);
    assert_eq!((branch(&run, "api"), base(&run, "web")), ("feature".to_owned(), "main".to_owned()));
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    holds(&stage.api.read("coder-go-on-here.txt"), &["work of coder"]);
    stage.do_(["cleanup", id(&run)]).ok().says("was there before");
    for (repo, name) in [(&stage.api, "api"), (&web, "web")] {
        assert!(place.join(name).join("coder-go-on-here.txt").is_file());
        assert!(repo.rev("refs/heads/feature").is_some());
        assert_eq!(repo.seen_from(place.join(name)).git(["status", "--porcelain"]), "");
    }
    let again = stage.run(&args);
    stage.do_(["discard", id(&again)]).ok();
    assert!(place.join("api/README.md").is_file());
    assert!(stage.api.rev("refs/heads/feature").is_some());
}

#[test]
fn reusing_the_workspace_of_an_open_run_counts_only_what_is_new() {
    let stage = Stage::new(&[("coder", WORKER), ("idler", "exit 0")]);
    let first = stage.run(&["--agent", "coder", "First part"]);
    stage.wait_state(id(&first), "completed");
    let again = stage.run(&[
        "--agent",
        "idler",
        "--workspace-strategy",
        "reuse",
        "--from",
        id(&first),
        "Second part",
    ]);
    assert_eq!(workspace(&again, 0), workspace(&first, 0));
    stage.wait_ended(id(&again));
    let view = stage.status(id(&again));
    assert_eq!(view["state"], "running", "the commit of the first run is not its own: {view:#}");
    holds(&crate::stage::needs(&view), &["nothing was changed"]);
    stage.do_(["discard", id(&again)]).ok();
    assert!(workspace(&first, 0).is_dir());
    assert!(stage.api.rev(&branch(&first, "api")).is_some());
}

#[test]
fn a_source_that_does_not_exist_or_is_not_named_is_an_error_before_anything_is_made() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let before = stage.api.snapshot();
    for strategy in ["fork", "reuse"] {
        stage.do_(["run", "x", "--workspace-strategy", strategy]).code(2).tells("--from");
        let args = ["run", "x", "--workspace-strategy", strategy, "--from", "nowhere"];
        stage.do_(args).code(1).tells("'nowhere'");
    }
    stage.do_(["run", "x", "--from", "nowhere"]).code(2).tells("fork and reuse");
    before.assert_same(&stage.api.snapshot());
}
