//! Workspaces that wsm made, used by a run.

use super::stand_in::{calls, config, install};
use crate::kit::Repo;
use crate::stage::{Stage, WORKER, holds, id, workspace};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// A workspace `mine` of `api` and `web`, made by wsm.
fn made(base: Option<&str>) -> (Stage, Repo, PathBuf) {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    install(&stage.world, &[&stage.api, &web]);
    let mut args = vec!["create", "mine", "--repos", "api,web", "--branch", "feature/x"];
    args.extend(base.into_iter().flat_map(|base| ["--base-branch", base]));
    super::wsm(&stage.world, &args);
    let dir = super::wsm(&stage.world, &["info", "mine", "--field", "path"]).stdout.trim().to_owned();
    (stage, web, PathBuf::from(dir))
}

fn bases(run: &Value) -> Vec<&str> {
    let repos = run["repos"].as_array().expect("repositories");
    repos.iter().map(|repo| repo["base"].as_str().expect("a base")).collect()
}

fn file(stage: &Stage) -> PathBuf {
    config(&stage.world).join("workspaces/mine.json")
}

fn refused(stage: &Stage, parts: &[&str]) {
    let output = stage.do_(["run", "--workspace-strategy", "reuse", "--from", "mine", "x"]).output();
    assert_ne!(output.status, Some(0), "{output}");
    holds(&output.stderr, parts);
}

#[test]
fn a_workspace_of_wsm_is_used_by_name_and_by_path_and_stays() {
    for by_path in [false, true] {
        let (stage, web, dir) = made(Some("main"));
        let bytes = fs::read(file(&stage)).expect("wsm's file");
        let path = dir.display().to_string();
        let from = if by_path { path.as_str() } else { "mine" };
        let run = stage.run(&["--workspace-strategy", "reuse", "--from", from, "Go on here"]);
        assert_eq!((workspace(&run, 0), bases(&run)), (dir.clone(), vec!["main", "main"]));
        stage.wait_state(id(&run), "completed");
        stage.do_(["check", id(&run)]).ok();
        stage.do_(["close", id(&run)]).ok();
        stage.do_(["cleanup", id(&run)]).ok().says("was there before");
        for (repo, name) in [(&stage.api, "api"), (&web, "web")] {
            repo.git(["cat-file", "-e", "main:coder-go-on-here.txt"]);
            assert!(dir.join(name).join(".git").exists());
            assert!(repo.rev("refs/heads/feature/x").is_some());
        }
        assert_eq!(fs::read(file(&stage)).expect("wsm's file"), bytes, "not a byte was changed");
        super::wsm(&stage.world, &["status", "mine"]).says("api feature/x 0");
        assert!(!calls(&stage.world).contains("delete"));
        super::wsm(&stage.world, &["delete", "mine", "--force", "--force-worktrees", "--remove-files"]);
        assert!(!dir.exists());
    }
}

#[test]
fn the_base_is_what_wsm_wrote_down_and_else_our_own_rule() {
    let (stage, web, _) = made(None);
    for repo in [&stage.api, &web] {
        repo.git(["branch", "develop"]);
    }
    let plan = |stage: &Stage| {
        let args = ["run", "--json", "--dry-run", "--workspace-strategy", "reuse", "--from", "mine", "x"];
        stage.do_(args).ok().json()
    };
    assert_eq!(bases(&plan(&stage)), ["main", "main"]);
    let text = fs::read_to_string(file(&stage)).expect("wsm's file");
    fs::write(file(&stage), text.replace("\"base_branch\": \"\"", "\"base_branch\": \"origin/develop\""))
        .expect("written");
    assert_eq!(bases(&plan(&stage)), ["develop", "develop"]);
    fs::write(file(&stage), text.replace("\"base_branch\": \"\"", "\"base_branch\": \"long-gone\""))
        .expect("written");
    assert_eq!(bases(&plan(&stage)), ["main", "main"]);
    let other = text.replace("\"branch\": \"feature/x\"", "\"branch\": \"feature/y\"");
    fs::write(file(&stage), other).expect("written");
    let notes = plan(&stage)["notes"].to_string();
    holds(&notes, &["api is on 'feature/x' and not on 'feature/y'"]);
    // Without any file of wsm the worktrees speak for themselves.
    fs::remove_file(file(&stage)).expect("removed");
    refused(&stage, &["Nothing is called 'mine'"]);
}

#[test]
fn what_wsm_wrote_down_and_cannot_be_gone_by_is_named() {
    let (stage, _, dir) = made(Some("main"));
    let text = fs::read_to_string(file(&stage)).expect("wsm's file");
    let path = dir.display().to_string();
    let broken = [
        ("{ not json".to_owned(), "mine.json could not be understood"),
        (String::new(), "mine.json could not be understood"),
        (text.replace("\"name\": \"mine\"", "\"name\": \"yours\""), "called 'yours'"),
        (text.replace(&path, "../../etc"), "not an absolute path"),
        (text.replace(&path, &format!("{path}/../mine")), "not an absolute path"),
        (
            text.replace(&path, "/Users/someone/workspaces/mine"),
            "/Users/someone/workspaces/mine, and nothing is there",
        ),
        (" ".repeat(5 << 20), "bytes, and at most"),
        (json!({"name": "mine", "path": stage.world.home()}).to_string(), "holds no worktree"),
    ];
    for (text, told) in broken {
        fs::write(file(&stage), &text).expect("written");
        refused(&stage, &[told]);
        assert_eq!(fs::read_to_string(file(&stage)).expect("read").len(), text.len());
    }
    fs::remove_file(file(&stage)).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", file(&stage)).expect("a link");
    refused(&stage, &["is not a regular file"]);
    fs::remove_file(file(&stage)).expect("removed");
    fs::write(file(&stage), &text).expect("as it was");
    fs::remove_dir_all(&dir).expect("removed");
    refused(&stage, &["nothing is there any more", "wsm delete mine --force"]);
}
