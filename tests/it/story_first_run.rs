//! The first minute: a repository with one commit and nothing else, and an agent program on PATH.

use crate::kit::{BINARY, Output, Repo, World, require, wait_for};
use crate::stage::{PATIENCE, holds};
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// An agent program that writes down how it was started, then commits one file.
const SCRIPTED: &str = r#"#!/bin/sh -eu
out=$(dirname "$0")/../seen
mkdir -p "$out"
printf '%s\0' "$0" "$@" > "$out/argv.new"
env -0 > "$out/env"
pwd -P > "$out/cwd"
cp "$METAWSM_WORKSPACE/.metawsm/brief.md" "$out/brief"
echo done > answer.txt
git add answer.txt
git commit -qm "Answer the goal"
mv "$out/argv.new" "$out/argv"
"#;

const TEXT: &str = "Teach the parser umlauts, and say 'done' -- $(not run) \"quoted\"";

struct Seen {
    argv: Vec<String>,
    env: String,
    cwd: PathBuf,
    brief: String,
}

/// Programs behind the world's own `bin/`: what a machine with git has, and no agent.
const PROGRAMS: [&str; 20] = [
    "git", "sh", "env", "cat", "cp", "mv", "mkdir", "dirname", "basename", "sleep", "pwd", "uname", "sed",
    "printf", "rm", "ls", "tr", "grep", "expr", "bash",
];

fn world(tmux: bool) -> World {
    let mut programs = PROGRAMS.to_vec();
    programs.extend(tmux.then_some("tmux"));
    let world = World::with_only(&programs);
    symlink(BINARY, world.bin().join("git-metawsm")).expect("a link in bin");
    world
}

fn git(world: &World, dir: &Path, args: &[&str]) -> Output {
    Output::of(world.command("git").current_dir(dir).args(args), "git")
}

fn seen(world: &World) -> Seen {
    let dir = world.root().join("seen");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
    let argv = wait_for("the agent has worked", PATIENCE, || read("argv"));
    Seen {
        argv: argv.trim_end_matches('\0').split('\0').map(str::to_owned).collect(),
        env: read("env").expect("an environment"),
        cwd: read("cwd").expect("a directory").trim_end().into(),
        brief: read("brief").expect("a brief"),
    }
}

fn wait_completed(world: &World, repo: &Repo) -> Value {
    wait_for("the run is completed by nobody but its agent", PATIENCE, || {
        let view = world.run(["status", "--no-ingest", "--json"]).at(repo).ok().json()["runs"][0].clone();
        (view["state"] == "completed").then_some(view)
    })
}

/// The whole first minute with one agent program, called as git calls it, from some place.
fn first_minute(program: &str, tmux: bool, call: impl FnOnce(&World, &Repo) -> Output) {
    let world = world(tmux);
    world.script(program, SCRIPTED);
    let repo = world.repo("app");
    let head = repo.git(["rev-parse", "HEAD"]);
    let said = call(&world, &repo).ok();
    let seen = seen(&world);
    let view = wait_completed(&world, &repo);
    let run = view["run"].as_str().expect("an id");
    let tree = PathBuf::from(view["worktrees"][0]["path"].as_str().expect("a path"));
    let workspace = tree.parent().expect("a workspace");

    assert_eq!(seen.cwd, tree);
    assert!(tree.starts_with(world.home().join("workspaces")), "{}", tree.display());
    let prompt = seen.argv.last().expect("a prompt");
    holds(prompt, &[TEXT, run, &tree.display().to_string(), "implementation-complete.json"]);
    assert_eq!(seen.argv[seen.argv.len() - 2], "--", "the prompt is no option: {:?}", seen.argv);
    assert!(seen.argv[0].ends_with(&format!("bin/{program}")), "{:?}", seen.argv);
    holds(&seen.brief, &[TEXT]);
    let env: Vec<_> = seen.env.split('\0').collect();
    let root = repo.path().display();
    for line in [
        format!("METAWSM_ROOT={root}"),
        format!("METAWSM_RUN={run}"),
        format!("METAWSM_WORKSPACE={}", workspace.display()),
        "METAWSM_AGENT=agent".to_owned(),
        format!("METAWSM_TICKET={}", view["tickets"][0]["ticket"].as_str().expect("a ticket")),
        format!("PWD={}", tree.display()),
    ] {
        assert!(env.contains(&line.as_str()), "{line} is not in {env:#?}");
    }
    for name in ["GIT_DIR=", "GIT_PREFIX=", "GIT_EXEC_PATH=", "METAWSM_BYPASS=", "TMUX="] {
        assert!(!env.iter().any(|l| l.starts_with(name)), "{name} reached the agent: {env:#?}");
    }
    holds(
        &said.stdout,
        &[
            run,
            &workspace.display().to_string(),
            "next:",
            &format!("git metawsm status {run}"),
            &format!("git metawsm diff {run}"),
        ],
    );
    assert_eq!(said.stdout.contains(&format!("git metawsm attach {run}")), tmux, "{said}");
    assert_eq!(repo.git(["rev-parse", "main"]), head, "base has not moved");
    assert_eq!(repo.git(["status", "--porcelain"]), "", "nothing shows in the user's worktree");
    assert_eq!(repo.git(["branch", "--show-current"]), "main");

    git(&world, repo.path(), &["metawsm", "close"]).ok();
    assert_eq!(repo.read("answer.txt"), "done\n");
    git(&world, repo.path(), &["metawsm", "cleanup"]).ok();
    assert!(!workspace.exists());
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    assert_eq!(repo.git(["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[test]
fn claude_alone_on_path_starts_in_its_own_worktree_with_the_text_in_its_prompt() {
    first_minute("claude", false, |world, repo| git(world, repo.path(), &["metawsm", "run", TEXT]));
}

#[test]
fn codex_alone_on_path_works_too_and_a_subdirectory_is_as_good_as_the_top() {
    first_minute("codex", false, |world, repo| {
        std::fs::create_dir_all(repo.file("src/deep")).expect("a folder");
        git(world, &repo.file("src/deep"), &["metawsm", "run", TEXT])
    });
}

#[test]
fn in_tmux_claude_gets_a_screen_and_git_may_be_told_where_to_go() {
    if require("tmux").is_none() {
        return;
    }
    first_minute("claude", true, |world, repo| {
        git(world, world.root(), &["-C", &repo.path().display().to_string(), "metawsm", "run", TEXT])
    });
}

#[test]
fn settings_that_git_hands_on_reach_neither_us_nor_the_agent() {
    first_minute("claude", false, |world, repo| {
        let dot_git = repo.file(".git").display().to_string();
        let args = ["-c", "user.name=Somebody", "--git-dir", &dot_git, "metawsm", "run", TEXT];
        git(world, repo.path(), &args)
    });
}

#[test]
fn without_an_agent_program_the_error_says_how_to_name_one() {
    let world = world(false);
    let repo = world.repo("app");
    let before = repo.snapshot();
    let failed = git(&world, repo.path(), &["metawsm", "run", TEXT]).code(5);
    failed.tells("claude").tells("codex").tells("--agent").tells("metawsm.agent");
    before.assert_same(&repo.snapshot());
    assert!(!world.home().join("workspaces").exists());

    let json = git(&world, repo.path(), &["metawsm", "run", TEXT, "--json"]).code(5).json();
    assert_eq!(json["error"]["kind"], "outside", "{json}");
}

#[test]
fn an_agent_named_by_flag_or_config_is_taken_before_path() {
    let world = world(false);
    let repo = world.repo("app");
    world.script("claude", SCRIPTED);
    world.script("codex", SCRIPTED);
    let plan = |args: &[&str]| {
        let args = [&["run", "x", "--dry-run", "--json"], args].concat();
        world.run(args).at(&repo).ok().json()["steps"].to_string()
    };
    holds(&plan(&[]), &["agent"]);
    world.run(["run", TEXT, "--agent", "codex"]).at(&repo).ok();
    assert!(seen(&world).argv[0].ends_with("bin/codex"));
    repo.git(["config", "metawsm.agent", "nobody"]);
    let failed = world.run(["run", "again"]).at(&repo).output();
    assert!(failed.status == Some(2), "{failed}");
    assert!(failed.stderr.contains("metawsm.agent") && failed.stderr.contains("nobody"), "{failed}");
}
