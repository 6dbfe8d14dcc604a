//! wsm and we use the same workspaces. Tests of the real wsm say so and pass where it is not on PATH, unless
//! `METAWSM_TEST_REQUIRE` names it; the same is tested with a stand-in everywhere.

mod habits;
mod provider;
mod reuse;
mod stand_in;

use crate::kit::{Output, World, require};
use git_metawsm::model::WorkspaceName;
use git_metawsm::workspaces::{WsmRepo, WsmWorkspace, wsm_file};
use std::path::PathBuf;

const BRANCH: &str = "task/t-1";

/// A workspace with two worktrees, as `run` makes it, and wsm's file of it.
fn written(world: &World) -> PathBuf {
    let dir = world.home().join("workspaces/2025-01-01/t-1");
    let mut repos = Vec::new();
    for name in ["app", "lib"] {
        let repo = world.repo(name);
        let path = dir.join(name);
        let path = path.to_str().expect("UTF-8");
        repo.git(["worktree", "add", "--quiet", "-b", BRANCH, "--", path, "main"]);
        repos.push(WsmRepo::new(name, repo.path()));
    }
    let name = WorkspaceName::parse("t-1").expect("a name");
    let workspace = WsmWorkspace::new(&name, &dir, BRANCH, "main", repos);
    wsm_file::save_in(&world.home().join(".config/workspace-manager"), &workspace).expect("saved");
    dir
}

fn wsm(world: &World, args: &[&str]) -> Output {
    Output::of(world.command("wsm").args(args), "wsm").ok()
}

#[test]
fn the_file_leads_to_worktrees_that_git_knows() {
    let world = World::new();
    let dir = written(&world);
    let file = world.home().join(".config/workspace-manager/workspaces/t-1.json");
    let text = std::fs::read_to_string(file).expect("wsm's file");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["path"].as_str(), dir.to_str());
    let repos = json["repositories"].as_array().expect("a list");
    for (repo, name) in repos.iter().zip(["app", "lib"]) {
        assert_eq!(repo["name"], name);
        let path = repo["path"].as_str().expect("a path");
        let listed = Output::of(world.command("git").args(["-C", path, "worktree", "list"]), "git").ok();
        listed.says(dir.join(name).to_str().expect("UTF-8"));
    }
    assert_eq!(repos.len(), 2);
}

#[test]
fn wsm_lists_and_describes_a_workspace_of_ours() {
    if require("wsm").is_none() {
        return;
    }
    let world = World::new();
    let dir = written(&world);
    wsm(&world, &["list", "workspaces"]).says("t-1");
    let dir = dir.to_str().expect("UTF-8");
    // A table cuts long values; the field does not.
    wsm(&world, &["info", "t-1", "--field", "path"]).says(dir);
    wsm(&world, &["info", "t-1", "--field", "branch"]).says(BRANCH);
}

/// A world with two repositories that the real wsm knows; `None`, after a word about it, where wsm is not installed.
fn real() -> Option<(World, [crate::kit::Repo; 2])> {
    require("wsm")?;
    let world = World::new();
    let repos = ["app", "lib"].map(|name| world.repo(name));
    for repo in &repos {
        wsm(&world, &["discover", repo.path().to_str().expect("UTF-8")]);
    }
    Some((world, repos))
}

#[test]
fn the_real_wsm_deletes_a_workspace_of_ours() {
    if require("wsm").is_none() {
        return;
    }
    let world = World::new();
    let dir = written(&world);
    wsm(&world, &["delete", "t-1", "--force", "--force-worktrees", "--remove-files"]);
    assert!(!dir.exists());
    for name in ["app", "lib"] {
        let path = world.root().join("repos").join(name);
        let listed =
            Output::of(world.command("git").arg("-C").arg(path).args(["worktree", "list"]), "git").ok();
        assert_eq!(listed.stdout.lines().count(), 1);
    }
}

#[test]
fn the_real_wsm_is_driven_for_a_whole_run() {
    let Some((world, [app, lib])) = real() else { return };
    let policy = r#"{"version": 2, "workspace": {"provider": "wsm"}, "sessions": {"backend": "process"}}"#;
    app.commit(".metawsm/policy.json", &format!("{policy}\n"));
    world.script("claude", "echo loose > loose.txt");
    let run =
        world.run(["run", "--json", "--repos", "app,lib", "--run-id", "one", "Do it"]).at(&app).ok().json();
    let dir = PathBuf::from(run["tickets"][0]["path"].as_str().expect("a path"));
    wsm(&world, &["list", "workspaces"]).says("do-it");
    wsm(&world, &["info", "do-it", "--field", "path"]).says(dir.to_str().expect("UTF-8"));
    assert!(dir.join("app/.git").exists() && dir.join("lib/.git").exists());
    world.run(["discard", "one"]).at(&app).ok();
    assert!(!dir.exists() && !world.home().join(".config/workspace-manager/workspaces/do-it.json").exists());
    for repo in [&app, &lib] {
        assert_eq!(repo.git(["for-each-ref", "--format=%(refname)", "refs/heads"]), "refs/heads/main");
        assert_eq!(repo.git(["worktree", "list"]).lines().count(), 1);
    }
}

#[test]
fn a_workspace_of_the_real_wsm_is_reused() {
    let Some((world, [app, _])) = real() else { return };
    let args = ["create", "mine", "--repos", "app,lib", "--branch", "feature/x", "--base-branch", "main"];
    wsm(&world, &args);
    world.script("claude", "echo x > x.txt; git add x.txt; git commit -qm Work");
    let home = world.home().join(".gitconfig");
    std::fs::write(home, "[metawsm \"sessions\"]\n\tbackend = process\n").expect("a git configuration");
    let args =
        ["run", "--json", "--workspace-strategy", "reuse", "--from", "mine", "--run-id", "one", "Go on"];
    let run = world.run(args).at(&app).ok().json();
    assert_eq!(
        (&run["worktrees"][0]["branch"], &run["repos"][0]["base"]),
        (&"feature/x".into(), &"main".into())
    );
    world.run(["discard", "one"]).at(&app).ok();
    wsm(&world, &["status", "mine"]);
    wsm(&world, &["delete", "mine", "--force", "--force-worktrees", "--remove-files"]);
}
