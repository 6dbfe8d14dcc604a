//! Work that came into base in every way: what status says of it, and that nothing is merged twice or lost unsaid.

use crate::kit::Repo;
use crate::stage::{Stage, WORKER, blockers, holds, id, tree};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A stage with a completed run on `api`, which has an origin, and a clone in which the server's side is played.
fn with_server(agent: &str) -> (Stage, Repo, PathBuf) {
    let stage = Stage::with(&[("coder", agent)], "process", &json!({}));
    let origin = stage.api.with_origin();
    stage.api.git(["branch", "-q", "--set-upstream-to", "origin/main", "main"]);
    let place = stage.world.root().join("server");
    stage
        .git(
            stage.world.root(),
            &["clone", "-q", &origin.display().to_string(), &place.display().to_string()],
        )
        .ok();
    let server = stage.api.seen_from(&place);
    server.git(["config", "user.name", "Server"]);
    server.git(["config", "user.email", "server@example.org"]);
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage.api.git(["push", "-q", "origin", "task/go-ahead"]);
    server.git(["fetch", "-q"]);
    (stage, server, tree(&run, 0, "api"))
}

fn landed(stage: &Stage) -> String {
    stage.look("go-ahead")["landed"].as_str().expect("a word").to_owned()
}

fn merged(closed: &Value) -> usize {
    let repos = closed["receipt"]["repos"].as_array().expect("repositories");
    repos.iter().map(|repo| repo["merges"].as_array().map_or(0, Vec::len)).sum()
}

#[test]
fn what_the_server_merged_is_shown_as_landed_and_merged_no_second_time() {
    let ways: [&[&[&str]]; 4] = [
        &[&["merge", "-q", "--squash", "origin/task/go-ahead"], &["commit", "-q", "-m", "Go ahead (#1)"]],
        &[&["merge", "-q", "--no-ff", "-m", "Merge pull request #1", "origin/task/go-ahead"]],
        &[&["merge", "-q", "--ff-only", "origin/task/go-ahead"]],
        &[&["commit", "-q", "--allow-empty", "-m", "Other"], &["cherry-pick", "-x", "origin/task/go-ahead"]],
    ];
    for (number, way) in ways.iter().enumerate() {
        let (stage, server, _) = with_server(WORKER);
        assert_eq!(landed(&stage), "no");
        for step in *way {
            server.git(*step);
        }
        server.git(["push", "-q", "origin", "main"]);
        // Fetched is enough; pulled is the same.
        stage.api.git(if number % 2 == 0 { ["pull", "-q", "--ff-only"] } else { ["fetch", "-q", "origin"] });
        assert_eq!(landed(&stage), "yes", "{way:?}");
        stage.do_(["status", "go-ahead"]).ok().says("base holds its work already").says("git metawsm close");
        let closed = stage.do_(["close", "--json"]).ok().json();
        assert_eq!(merged(&closed), 0, "{closed:#}");
        assert_eq!(stage.api.git(["log", "--format=%H", "--grep=^Metawsm-Merged", "main"]), "");
        stage.api.git(["merge-base", "--is-ancestor", "origin/main", "main"]);
    }
}

#[test]
fn fresh_empty_and_undone_branches_are_never_landed() {
    let agents = [
        "true",
        "git -C \"$METAWSM_WORKSPACE/api\" commit -q --allow-empty -m Nothing",
        "cd \"$METAWSM_WORKSPACE/api\"; echo x > x; git add x; git commit -qm x; git revert --no-edit HEAD >/dev/null",
    ];
    for agent in agents {
        let stage = Stage::new(&[("coder", agent)]);
        let run = stage.run(&["Go ahead"]);
        stage.wait_ended(id(&run));
        stage.do_(["complete", "go-ahead", "--reason", "it has ended"]).ok();
        stage.api.commit("theirs.txt", "theirs\n");
        stage.api.git(["merge", "-q", "--no-ff", "-m", "By hand", "task/go-ahead"].map(|word| word));
        assert_eq!(landed(&stage), "no", "{agent}");
    }
}

#[test]
fn what_only_a_merge_can_tell_is_asked_once_and_kept() {
    let (stage, server, top) = with_server(WORKER);
    // Base got the work and, in the same file, an edit of somebody else.
    let branch = stage.api.seen_from(&top);
    branch.commit("list.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\nwork\n");
    server.commit("list.txt", "theirs\none\ntwo\nthree\nfour\nfive\nsix\nseven\nwork\n");
    server.git(["checkout", "-q", "origin/task/go-ahead", "--", "coder-go-ahead.txt"]);
    server.git(["commit", "-q", "-m", "The rest of it"]);
    server.git(["push", "-q", "origin", "main"]);
    stage.api.git(["pull", "-q"]);
    assert_eq!(landed(&stage), "no", "by a mere look");
    let answer = stage.do_(["status", "--git", "--json", "go-ahead"]).ok().json();
    // Both sides added the file: the merge conflicts, and so it is not landed.
    assert_eq!(answer["runs"][0]["landed"], "no");
    let (stage, server, top) = with_server(
        "cd \"$METAWSM_WORKSPACE/api\"; printf 'Title\\n\\n\\n\\n\\nA repository of a test.\\n' > README.md; git commit -qam Title",
    );
    drop(top);
    server.git(["merge", "-q", "--squash", "origin/task/go-ahead"]);
    server.git(["commit", "-q", "-m", "Go ahead (#1)"]);
    server.commit("README.md", "Title\n\n\n\n\nA repository of a test.\n\n\n\n\nTheirs.\n");
    server.git(["push", "-q", "origin", "main"]);
    stage.api.git(["pull", "-q"]);
    assert_eq!(landed(&stage), "no", "by a mere look");
    let answer = stage.do_(["status", "--git", "--json", "go-ahead"]).ok().json();
    assert_eq!(answer["runs"][0]["landed"], "yes");
    assert_eq!(landed(&stage), "yes", "kept");
    stage.api.commit("README.md", "Nothing of it is left.\n");
    assert_eq!(landed(&stage), "no", "an answer counts for one base alone");
}

#[test]
fn after_a_revert_of_its_merge_a_run_says_so_until_the_revert_is_reverted() {
    type Way = fn(&Stage, &Repo);
    let ways: [(&str, Way); 4] = [
        ("ours", |stage, _| {
            stage.do_(["merge"]).ok();
            stage.api.git(["revert", "--no-edit", "-m", "1", "HEAD"]);
        }),
        ("by hand", |stage, _| {
            stage.api.git(["merge", "-q", "--no-ff", "-m", "By hand", "task/go-ahead"]);
            stage.api.commit("later.txt", "later\n");
            stage.api.git(["revert", "--no-edit", "-m", "1", "HEAD~1"]);
        }),
        ("fast-forward", |stage, _| {
            stage.api.git(["merge", "-q", "--ff-only", "task/go-ahead"]);
            stage.api.git(["revert", "--no-edit", "HEAD"]);
        }),
        ("by the server", |stage, server| {
            server.git(["merge", "-q", "--no-ff", "-m", "Merge pull request #1", "origin/task/go-ahead"]);
            server.git(["revert", "--no-edit", "-m", "1", "HEAD"]);
            server.git(["push", "-q", "origin", "main"]);
            stage.api.git(["pull", "-q"]);
        }),
    ];
    for (name, way) in ways {
        let (stage, server, top) = with_server(WORKER);
        way(&stage, &server);
        assert!(stage.api.rev("main:coder-go-ahead.txt").is_none());
        assert_eq!(landed(&stage), "reverted", "{name}");
        let command = format!("git -C {} revert --no-edit ", stage.api.path().display());
        stage.do_(["status", "go-ahead"]).ok().says("has taken the work back").says(&command);
        let main = stage.api.rev("main");
        stage
            .do_(["merge"])
            .code(3)
            .tells("mergeable")
            .tells("merging again would bring nothing back")
            .tells(&command);
        stage.do_(["close"]).code(3);
        assert_eq!(stage.api.rev("main"), main);
        // Taking base in does not heal it: it takes the revert in too.
        let branch = stage.api.seen_from(&top);
        if name == "ours" {
            branch.git(["merge", "-q", "--ff-only", "main"]);
            stage.do_(["close"]).code(3).tells("mergeable");
            branch.git(["reset", "-q", "--hard", "origin/task/go-ahead"]);
        }
        if name != "fast-forward" {
            branch.commit("more.txt", "more\n");
            branch.git(["merge", "-q", "-m", "Take base in", "main"]);
            stage.do_(["close"]).code(3).tells("mergeable");
            branch.git(["reset", "-q", "--hard", "origin/task/go-ahead"]);
        }
        let refused = stage.do_(["check", "--json"]).code(3).json();
        let said = blockers(&refused);
        let line = said.split_once(" -> ").expect("a command").1;
        holds(line, &[&command]);
        let mut shell = stage.world.command("sh");
        crate::kit::Output::of(shell.args(["-c", line]), line).ok();
        assert!(stage.api.rev("main:coder-go-ahead.txt").is_some());
        assert_eq!(landed(&stage), "yes", "{name}");
        let closed = stage.do_(["close", "--json"]).ok().json();
        // The receipt names the merge that this run had brought before, and no other.
        assert_eq!(merged(&closed), usize::from(name == "ours"));
    }
}

#[test]
fn a_branch_that_was_made_anew_after_a_revert_merges() {
    let (stage, _server, top) = with_server(WORKER);
    stage.do_(["merge"]).ok();
    stage.api.git(["revert", "--no-edit", "-m", "1", "HEAD"]);
    let branch = stage.api.seen_from(&top);
    branch.git(["rebase", "-q", "--no-ff", "--onto", "main", "HEAD~1"]);
    assert_eq!(landed(&stage), "no");
    stage.do_(["merge"]).ok();
    assert!(stage.api.rev("main:coder-go-ahead.txt").is_some());
    assert_eq!(landed(&stage), "yes");
    stage.do_(["close"]).ok();
}

#[test]
fn a_revert_of_somebody_elses_work_is_none_of_ours() {
    let (stage, _server, top) = with_server(WORKER);
    stage.api.git(["switch", "-q", "-c", "side"]);
    stage.api.commit("side.txt", "side\n");
    stage.api.git(["switch", "-q", "main"]);
    stage.api.git(["merge", "-q", "--no-ff", "-m", "Merge side", "side"]);
    stage.api.git(["revert", "--no-edit", "-m", "1", "HEAD"]);
    stage.api.seen_from(&top).git(["merge", "-q", "-m", "Take base in", "main"]);
    // And a branch may take back a step of its own.
    stage.api.seen_from(&top).commit("step.txt", "step\n");
    stage.api.seen_from(&top).git(["revert", "--no-edit", "HEAD"]);
    let closed = stage.do_(["close", "--json"]).ok().json();
    assert_eq!(merged(&closed), 1);
}
