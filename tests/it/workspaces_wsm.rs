//! wsm and we use the same workspaces. Tests of the real wsm say so and pass where it is not on PATH, unless
//! `METAWSM_TEST_REQUIRE` names it; the same is tested with a stand-in everywhere.

mod provider;
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
