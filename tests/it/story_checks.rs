//! The project's own tests as a gate: run on the very merge result, kept, and never in anybody's way.

use crate::kit::{Repo, Snapshot, wait_for};
use crate::stage::{PATIENCE, Stage, WORKER, blockers, holds, id, tree};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// A stage whose policy demands this command, with a completed run.
fn completed(command: &Value) -> Stage {
    let stage =
        Stage::with(&[("coder", WORKER)], "process", &json!({ "git_pr": { "test_commands": command } }));
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage
}

/// A shell line that notes each of its runs outside of the checkout, then goes on.
fn counted(stage_root: &str, then: &str) -> String {
    format!("echo ran >> {stage_root}/runs; {then}")
}

fn runs(stage: &Stage) -> usize {
    std::fs::read_to_string(stage.world.root().join("runs")).unwrap_or_default().lines().count()
}

/// A stage whose one test is this shell line, counted.
fn with_test(then: &str) -> Stage {
    let stage = Stage::new(&[("coder", WORKER)]);
    let line = counted(&stage.world.root().display().to_string(), then);
    let mut rules = stage.rules();
    rules["git_pr"] = json!({ "test_commands": [line] });
    stage.set_policy(&stage.api, &rules);
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage
}

fn gate(stage: &Stage, words: &[&str]) -> Value {
    let answer = stage.world.run([&["check", "--json"], words].concat()).at(&stage.api).output().json();
    let gates = answer["gates"].as_array().expect("gates");
    gates.iter().find(|gate| gate["gate"] == "checks").expect("the gate").clone()
}

fn worktrees(repo: &Repo) -> usize {
    repo.git(["worktree", "list"]).lines().count()
}

#[test]
fn check_looks_only_and_check_run_executes_on_the_merge_result() {
    // Both sides are in the checkout; neither alone has both files.
    let stage = with_test("test -f coder-go-ahead.txt && test -f theirs.txt && ! git symbolic-ref -q HEAD");
    stage.api.commit("theirs.txt", "theirs\n");
    let before = stage.world.snapshot();
    let unknown = gate(&stage, &[]);
    assert_eq!(unknown["verdict"], "block");
    holds(&unknown.to_string(), &["unknown: it has not been run yet.", "git metawsm check --run "]);
    before.assert_same(&stage.world.snapshot());
    assert_eq!(runs(&stage), 0);
    let (base, trees) = (stage.api.snapshot(), worktrees(&stage.api));
    stage.do_(["check", "--run"]).ok().says("ok     checks").tells("on the merge result of api");
    assert_eq!(runs(&stage), 1);
    assert_eq!(worktrees(&stage.api), trees);
    base.without(".git/metawsm").assert_same(&stage.api.snapshot().without(".git/metawsm"));
    assert_eq!(gate(&stage, &[])["verdict"], "pass");
}

#[test]
fn a_result_is_kept_until_the_tree_the_command_or_the_policy_changes() {
    let stage = with_test("true");
    stage.do_(["check", "--run"]).ok();
    stage.do_(["check", "--run"]).ok();
    assert_eq!(runs(&stage), 1, "kept");
    stage.api.commit("theirs.txt", "theirs\n");
    holds(&gate(&stage, &[]).to_string(), &["it was last run on another tree or under another policy."]);
    stage.do_(["check", "--run"]).ok();
    assert_eq!(runs(&stage), 2);
    let mut rules = stage.rules();
    rules["close"] = json!({ "require_clean_git": true, "never_waive": ["checks"] });
    rules["git_pr"] =
        json!({ "test_commands": [counted(&stage.world.root().display().to_string(), "true")] });
    stage.set_policy(&stage.api, &rules);
    assert_eq!(gate(&stage, &[])["verdict"], "block", "another policy, and another tree");
    stage.do_(["merge"]).ok();
    assert_eq!(runs(&stage), 3, "merge runs what is due");
    let closed = stage.do_(["close", "--json"]).ok().json();
    assert_eq!(runs(&stage), 3, "nothing is left to merge, so nothing is left to test");
    let checks = closed["receipt"]["checks"].as_array().expect("checks").clone();
    assert_eq!(checks.len(), 1, "{closed:#}");
    assert_eq!(checks[0]["status"], 0);
    assert!(checks[0]["tree"].as_str().is_some_and(|tree| tree.len() == 40));
}

#[test]
fn a_failing_test_refuses_with_its_last_lines_and_moves_nothing() {
    let stage =
        with_test("echo first; echo 'it is broken' >&2; echo left > left.txt; git rm -q README.md; exit 3");
    let main = stage.api.rev("main");
    let refused = stage.do_(["close"]).code(3);
    refused.tells("failed '").tells("exit 3").tells("it is broken").tells("git metawsm check --run ");
    assert_eq!(stage.api.rev("main"), main);
    assert_eq!(stage.look("go-ahead")["state"], "completed");
    let kept = gate(&stage, &[]);
    holds(&kept.to_string(), &["failed on the merge result (exit 3); its output is in "]);
    let what = kept["blockers"][0]["what"].as_str().expect("a sentence");
    let log = what.rsplit_once(" in ").expect("a path").1.trim_end_matches('.');
    assert_eq!(std::fs::read_to_string(log).expect("the log"), "first\nit is broken\n");
    // A failing test is asked again whenever somebody wants to merge: it may have failed for a missing tool.
    stage.do_(["merge"]).code(3);
    assert_eq!(runs(&stage), 2);
    stage.do_(["merge", "--waive", "checks=known to be flaky"]).ok();
    assert_ne!(stage.api.rev("main"), main);
    assert_eq!(worktrees(&stage.api), 2);
}

#[test]
fn each_repository_has_its_own_commands_as_lines_or_words() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    web.commit("ok.sh", "#!/bin/sh\ntest \"$1\" = 'two words' && test -z \"${METAWSM_RUN:-}${GIT_DIR:-}\"\n");
    web.git(["update-index", "--chmod=+x", "ok.sh"]);
    web.git(["commit", "-q", "-m", "Make it executable"]);
    web.git(["checkout", "-q", "."]);
    let mut rules = stage.rules();
    rules["git_pr"] = json!({ "test_commands": { "*": ["test -f README.md"], "web": [["./ok.sh", "two words"], ["no-such-program"]] } });
    stage.set_policy(&stage.api, &rules);
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let refused = stage.do_(["check", "--run", "--json"]).code(3).json();
    let said = blockers(&refused);
    assert_eq!(said.lines().count(), 1, "{said}");
    holds(&said, &["checks: web: 'no-such-program' failed", "exit 127"]);
}

#[test]
fn commands_that_nobody_has_trusted_are_not_run() {
    let stage = completed(&json!([]));
    let mut rules = stage.rules();
    rules["git_pr"] =
        json!({ "test_commands": [counted(&stage.world.root().display().to_string(), "true")] });
    let text = serde_json::to_string(&rules).expect("JSON");
    stage.api.commit(".metawsm/policy.json", &text);
    let refused = stage.do_(["merge"]).output();
    assert_eq!(refused.status, Some(3), "{refused}");
    refused.tells("not trusted yet").tells("git metawsm policy trust");
    assert_eq!(gate(&stage, &[])["verdict"], "block");
    assert_eq!(runs(&stage), 0);
    stage.do_(["policy", "trust"]).ok();
    stage.do_(["merge"]).ok();
    assert_eq!(runs(&stage), 1);
}

#[test]
fn an_agent_cannot_run_the_tests_that_count() {
    let stage = with_test("true");
    let asked = stage.do_(["check", "--run"]).env("METAWSM_AGENT", "coder").output();
    assert_eq!(asked.status, Some(3), "{asked}");
    stage.do_(["check"]).env("METAWSM_AGENT", "coder").code(3);
    assert_eq!(runs(&stage), 0);
}

#[test]
fn an_interrupt_ends_the_tests_and_a_kill_leaves_nothing_that_git_complains_of() {
    let stage = with_test("exec sleep 600");
    let trees = worktrees(&stage.api);
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let before = runs(&stage);
        let running = stage.start(["check", "--run"]);
        wait_for("the test runs", PATIENCE, || (runs(&stage) > before).then_some(()));
        assert_eq!(worktrees(&stage.api), trees + 1);
        kill(Pid::from_raw(running.pid().cast_signed()), signal).expect("it runs");
        let output = running.end();
        if signal == Signal::SIGINT {
            assert_eq!(output.status, Some(130), "{output}");
            output.tells("git metawsm check --run");
            assert_eq!(worktrees(&stage.api), trees);
        }
    }
    // The next command takes away what the kill left, and gets the hold.
    let mut rules = stage.rules();
    rules["git_pr"] = json!({ "test_commands": [] });
    rules["close"] = json!({ "gates": { "checks": "off" } });
    stage.set_policy(&stage.api, &rules);
    stage.do_(["policy", "apply", "go-ahead"]).ok();
    stage.do_(["diff", "go-ahead"]).ok();
    assert_eq!(worktrees(&stage.api), trees);
    assert_eq!(stage.api.git(["worktree", "prune", "--dry-run", "--verbose"]), "");
    stage.do_(["close"]).ok();
}

#[test]
fn what_a_test_does_to_its_checkout_harms_nobody() {
    let stage = with_test(
        "rm -rf README.md; mkdir -p a/b; : > a/b/c; chmod 555 a/b; git switch -q -c stray 2>/dev/null; git add -A; git commit -qm x; git worktree lock . ; exit 0",
    );
    let top = tree(&stage.look("go-ahead"), 0, "api");
    let (mine, theirs) = (Snapshot::of(stage.api.path()).without(".git"), Snapshot::of(&top));
    stage.do_(["check", "--run"]).ok();
    mine.assert_same(&Snapshot::of(stage.api.path()).without(".git"));
    theirs.assert_same(&Snapshot::of(&top));
    assert_eq!(worktrees(&stage.api), 2);
    stage.do_(["close"]).ok();
}
