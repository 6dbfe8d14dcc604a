//! Gates in real scenes: each refuses what it is for, and the command that it names, pasted into a shell, clears it.

use crate::kit::{BINARY, Repo};
use crate::stage::{Stage, WORKER, blockers, holds, id, tree};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A stage whose run on `api` (ticket `go-ahead`) is completed, and its worktree.
fn completed(agent: &str, more: &Value) -> (Stage, PathBuf) {
    let stage = Stage::with(&[("coder", agent)], "process", more);
    std::os::unix::fs::symlink(BINARY, stage.world.bin().join("git-metawsm")).expect("a link");
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let top = tree(&run, 0, "api");
    (stage, top)
}

/// A line typed into a shell of this world, in the control repository.
#[track_caller]
fn paste(stage: &Stage, line: &str) {
    let mut shell = stage.world.command("sh");
    shell.args(["-c", line]).current_dir(stage.api.path());
    shell.env("GIT_AUTHOR_NAME", "Ada").env("GIT_AUTHOR_EMAIL", "ada@example.org");
    shell.env("GIT_COMMITTER_NAME", "Ada").env("GIT_COMMITTER_EMAIL", "ada@example.org");
    crate::kit::Output::of(&mut shell, line).ok();
}

fn verdict(stage: &Stage) -> Value {
    stage.do_(["check", "--json"]).output().json()
}

/// The ids of the gates that stand like this.
fn standing(answer: &Value, how: &str) -> Vec<String> {
    let gates = answer["gates"].as_array().expect("gates").iter();
    gates.filter(|g| g["verdict"] == how).map(|g| g["gate"].as_str().expect("an id").to_owned()).collect()
}

/// Requires that this gate alone refuses, pastes the commands that it names, and requires that nothing refuses then.
#[track_caller]
fn clears(stage: &Stage, gate: &str) -> String {
    let answer = verdict(stage);
    assert_eq!(standing(&answer, "block"), [gate], "{}", blockers(&answer));
    let said = blockers(&answer);
    let gates = answer["gates"].as_array().expect("gates");
    for blocker in gates.iter().flat_map(|gate| gate["blockers"].as_array().expect("blockers")) {
        paste(stage, blocker["command"].as_str().expect("a command"));
    }
    let after = verdict(stage);
    assert_eq!(after["passes"], true, "{said}\nis not cleared:\n{}", blockers(&after));
    said
}

/// What is done in a worktree behind the run's back.
fn at(stage: &Stage, top: &Path) -> Repo {
    stage.api.seen_from(top)
}

/// Commits past our hooks, as somebody does who means it.
fn unseen(repo: &Repo, file: &str, text: &str) {
    repo.write(file, text);
    repo.git(["add", "-f", "--", file]);
    repo.git(["commit", "-q", "--no-verify", "-m", &format!("Change {file}")]);
}

#[test]
fn a_branch_cannot_change_the_rules_by_which_it_is_judged() {
    let (stage, top) = completed(WORKER, &json!({}));
    let branch = at(&stage, &top);
    unseen(
        &branch,
        ".metawsm/policy.json",
        "{\"version\": 2, \"close\": {\"gates\": {\"clean-tree\": \"off\"}}}\n",
    );
    unseen(&branch, ".metawsm/runs/2026-01/forged.toml", "x = 1\n");
    branch.write("dirt.txt", "dirt");
    let answer = verdict(&stage);
    assert_eq!(
        standing(&answer, "block"),
        ["clean-tree", "records-untouched"],
        "the rules are those of base"
    );
    std::fs::remove_file(top.join("dirt.txt")).expect("removed");
    let said = clears(&stage, "records-untouched");
    holds(&said, &[".metawsm/policy.json, .metawsm/runs/2026-01/forged.toml", "'main'"]);
    stage.do_(["close"]).ok();
    assert!(stage.api.rev("main:.metawsm/runs/2026-01/forged.toml").is_none());
}

#[test]
fn records_that_came_with_base_are_no_change_of_the_branch() {
    let (stage, top) = completed(WORKER, &json!({}));
    stage.api.commit(".metawsm/runs/2026-01/theirs.toml", "x = 1\n");
    at(&stage, &top).git(["merge", "-q", "-m", "Take base in", "main"]);
    stage.api.commit(".metawsm/runs/2026-01/later.toml", "x = 1\n");
    assert_eq!(verdict(&stage)["passes"], true);
    // The same bytes as base has, however they came here.
    unseen(&at(&stage, &top), ".metawsm/runs/2026-01/later.toml", "x = 1\n");
    assert_eq!(verdict(&stage)["passes"], true);
}

#[test]
fn forbidden_files_do_not_come_into_base() {
    let (stage, top) = completed(WORKER, &json!({}));
    let branch = at(&stage, &top);
    branch.commit(".env.example", "KEY=\n");
    assert_eq!(verdict(&stage)["passes"], true, "an example is meant to be committed");
    unseen(&branch, "deep/it's a.pem", "secret\n");
    unseen(&branch, ".ENV", "secret\n");
    let said = clears(&stage, "forbidden-files");
    holds(&said, &[".ENV, deep/it's a.pem"]);
    stage.do_(["merge"]).ok();
    assert!(stage.api.rev("main:.ENV").is_none());
}

#[test]
fn a_forbidden_file_of_base_may_be_removed_and_not_changed() {
    let stage = Stage::new(&[("coder", WORKER)]);
    stage.api.commit("old.key", "one\n");
    stage.api.commit("other.key", "one\n");
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let branch = at(&stage, &tree(&run, 0, "api"));
    branch.git(["rm", "-q", "old.key"]);
    branch.git(["commit", "-q", "-m", "Remove a key"]);
    assert_eq!(verdict(&stage)["passes"], true);
    unseen(&branch, "other.key", "two\n");
    assert_eq!(standing(&verdict(&stage), "block"), ["forbidden-files"]);
}

#[test]
fn dirt_of_every_kind_is_named_and_cleared() {
    type Make = fn(&Repo);
    let kinds: [(&str, Make); 9] = [
        ("plain.txt (untracked)", |r| r.write("plain.txt", "x")),
        ("README.md (modified, hidden by assume-unchanged)", |r| {
            r.git(["update-index", "--assume-unchanged", "README.md"]);
            r.write("README.md", "hidden");
        }),
        ("README.md (modified, hidden by skip-worktree)", |r| {
            r.git(["update-index", "--skip-worktree", "README.md"]);
            r.write("README.md", "hidden too");
        }),
        ("nested/ (nested repository)", |r| {
            r.git(["init", "-q", "nested"]);
            r.write("nested/file", "x");
        }),
        (".env (untracked)", |r| r.write(".env", "secret")),
        (".metawsm/notes.txt (untracked)", |r| r.write(".metawsm/notes.txt", "mine")),
        (".metawsm/policy.json (modified)", |r| r.write(".metawsm/policy.json", "{}")),
        ("A merge is half done.", |r| {
            r.git(["branch", "side", "HEAD~1"]);
            r.git(["merge", "-q", "--no-commit", "--no-ff", "-s", "ours", "HEAD~1"]);
            r.git(["update-ref", "MERGE_HEAD", "HEAD"]);
        }),
        ("A bisect is half done.", |r| {
            r.git(["bisect", "start"]);
        }),
    ];
    let (stage, top) = completed(WORKER, &json!({}));
    let branch = at(&stage, &top);
    for (what, make) in kinds {
        make(&branch);
        let said = clears(&stage, "clean-tree");
        holds(&said, &[what]);
    }
    // What was moved out of the way is not gone.
    assert!(top.with_file_name("nested.moved").join("file").is_file());
    assert!(top.with_file_name("notes.txt.moved").is_file());
}

#[test]
fn foreign_heads_are_named_and_brought_back() {
    let (stage, top) = completed(WORKER, &json!({}));
    let branch = at(&stage, &top);
    branch.git(["switch", "-q", "--detach"]);
    holds(&clears(&stage, "on-branch"), &["detached at"]);
    branch.git(["switch", "-q", "-c", "elsewhere", "main~0"]);
    holds(&clears(&stage, "on-branch"), &["on branch 'elsewhere'"]);
    branch.git(
        ["branch", "-m", "task/go-ahead", "my own name"].map(|w| if w == "my own name" { "mine" } else { w }),
    );
    let answer = verdict(&stage);
    assert_eq!(standing(&answer, "block"), ["on-branch", "mergeable"], "{answer:#}");
    paste(&stage, answer["gates"][3]["blockers"][0]["command"].as_str().expect("a command"));
    assert_eq!(verdict(&stage)["passes"], true);
}

#[test]
fn a_run_branch_deleted_behind_our_back_comes_back() {
    let (stage, top) = completed(WORKER, &json!({}));
    let head = stage.api.rev("task/go-ahead");
    stage.api.git(["update-ref", "-d", "refs/heads/task/go-ahead"]);
    let answer = verdict(&stage);
    holds(&blockers(&answer), &["The run branch 'task/go-ahead' of api no longer exists."]);
    let gates = answer["gates"].as_array().expect("gates");
    let gate = gates.iter().find(|gate| gate["gate"] == "mergeable").expect("it");
    paste(&stage, gate["blockers"][0]["command"].as_str().expect("a command"));
    assert_eq!(stage.api.rev("task/go-ahead"), head);
    assert_eq!(verdict(&stage)["passes"], true);
    drop(top);
}

#[test]
fn what_lies_where_the_merge_writes_is_named_and_put_into_the_stash() {
    type Make = fn(&Repo);
    let kinds: [(&str, Make); 4] = [
        ("coder-go-ahead.txt (untracked)", |r| r.write("coder-go-ahead.txt", "mine")),
        ("coder-go-ahead.txt (ignored)", |r| {
            std::fs::write(r.common_dir().join("info/exclude"), "coder-*\n").expect("written");
            r.write("coder-go-ahead.txt", "my second");
        }),
        ("coder-go-ahead.txt (staged)", |r| {
            r.write("coder-go-ahead.txt", "my third");
            r.git(["add", "-f", "coder-go-ahead.txt"]);
        }),
        ("A cherry-pick is half done", |r| {
            r.git(["update-ref", "CHERRY_PICK_HEAD", "HEAD"]);
        }),
    ];
    let (stage, _top) = completed(WORKER, &json!({}));
    for (what, make) in kinds {
        make(&stage.api);
        holds(&clears(&stage, "base-ready"), &[what]);
    }
    let stashed = stage.api.git(["stash", "list"]);
    assert_eq!(stashed.lines().count(), 3, "{stashed}");
    stage.do_(["close"]).ok();
}

#[test]
fn a_worktree_of_base_that_is_gone_is_named_and_forgotten() {
    let (stage, _top) = completed(WORKER, &json!({}));
    stage.api.git(["switch", "-q", "-c", "mine"]);
    let place = stage.world.root().join("my base");
    stage.api.git(["worktree", "add", "-q", &place.display().to_string(), "main"]);
    stage.api.git(["worktree", "lock", &place.display().to_string()]);
    std::fs::remove_dir_all(&place).expect("removed");
    holds(&clears(&stage, "base-ready"), &["my base, which is gone."]);
    stage.do_(["merge"]).ok();
}

#[test]
fn levels_and_waivers_hold_as_the_stricter_policy_says() {
    let loose = json!({ "close": { "gates": { "forbidden-files": "warn", "clean-tree": "off" } } });
    let (stage, top) = completed(WORKER, &loose);
    let branch = at(&stage, &top);
    unseen(&branch, ".env", "secret\n");
    branch.write("dirt.txt", "dirt");
    let answer = verdict(&stage);
    assert_eq!(
        (standing(&answer, "warn"), standing(&answer, "off")),
        (vec!["forbidden-files".into()], vec!["clean-tree".into()])
    );
    // Base's policy is tightened while the run goes on.
    let mut strict = stage.rules();
    strict["close"] = json!({ "never_waive": ["clean-tree"], "gates": { "clean-tree": "warn" } });
    stage.set_policy(&stage.api, &strict);
    let answer = verdict(&stage);
    assert_eq!(standing(&answer, "block"), ["forbidden-files"], "{answer:#}");
    assert_eq!(standing(&answer, "warn"), ["clean-tree", "policy-drift"]);
    stage.do_(["check", "--waive", "forbidden-files=a test file"]).ok().says("waived forbidden-files");
    stage.do_(["check", "--waive", "clean-tree=why not"]).code(3).tells("close.never_waive");
    stage.do_(["check", "--waive", "nope=why"]).code(2);
    let closed = stage.do_(["close", "--json", "--waive", "forbidden-files=a test file"]).ok().json();
    let gates = closed["receipt"]["gates"].as_array().expect("gates").clone();
    let line = |gate: &str| gates.iter().find(|line| line["gate"] == gate).expect("a gate").clone();
    assert_eq!(
        (&line("forbidden-files")["verdict"], &line("forbidden-files")["note"]),
        (&"waived".into(), &"a test file".into())
    );
    holds(line("policy-drift")["note"].as_str().expect("a note"), &["close.never_waive"]);
    assert_eq!(line("clean-tree")["judge"], "git2");
    assert_eq!(line("mergeable")["judge"], "git");
}

#[test]
fn drift_of_the_policy_is_shown_and_taken_over() {
    let (stage, _top) = completed(WORKER, &json!({}));
    stage.api.git(["config", "metawsm.sessions.backend", "process"]);
    assert!(standing(&verdict(&stage), "warn").is_empty(), "what a person sets for all policies is no drift");
    let mut rules = stage.rules();
    rules["health"] = json!({ "idle_seconds": 7 });
    stage.set_policy(&stage.api, &rules);
    let answer = verdict(&stage);
    assert_eq!(standing(&answer, "warn"), ["policy-drift"]);
    holds(&blockers(&answer), &["health.idle_seconds: 300 -> 7"]);
    paste(&stage, "git metawsm policy apply go-ahead");
    assert!(standing(&verdict(&stage), "warn").is_empty());
}
