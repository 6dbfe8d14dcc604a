//! When a run counts as completed, and what is said when it does not.

use crate::kit::{all, require, wait_for};
use crate::stage::{PATIENCE, Stage, WORKER, holds, id, needs, tree, workspace};
use git_metawsm::sys::procs;
use serde_json::json;
use std::path::PathBuf;

/// The record that the wrapper of an agent keeps.
fn exit_file(stage: &Stage, run: &str, key: &str) -> PathBuf {
    stage.api.file(&format!(".git/metawsm/runs/{run}/agents/{key}.exit.toml"))
}

fn record(stage: &Stage, run: &str, key: &str) -> toml::Table {
    let file = exit_file(stage, run, key);
    let read = || std::fs::read_to_string(&file).ok().and_then(|text| text.parse::<toml::Table>().ok());
    wait_for("the wrapper has written its record", PATIENCE, read)
}

#[test]
fn work_committed_and_exit_0_completes_without_anybody_typing_and_anything_else_never_does() {
    let cases = [
        ("worker", WORKER, "completed", ""),
        ("idler", "exit 0", "running", "nothing was changed"),
        ("messy", "echo x > left.txt", "running", "1 file is not committed"),
        (
            "half",
            "echo x > a; git add a; git commit -qm a; echo y > b; echo z > c",
            "running",
            "2 files are not committed",
        ),
        ("third", "git commit -qm x --allow-empty; exit 3", "running", "exit 3"),
        ("killed", "git commit -qm x --allow-empty; kill -KILL $$", "running", "signal 9"),
        ("termed", "kill -TERM $$", "running", "signal 15"),
        (
            "merging",
            "git checkout -q -b side; echo 1 > f; git add f; git commit -qm 1; git checkout -q -; echo 2 > f; git add f; git commit -qm 2; git merge side || true",
            "running",
            "half done",
        ),
        (
            "elsewhere",
            "git checkout -q -b other; git commit -qm x --allow-empty",
            "running",
            "nothing was changed",
        ),
    ];
    let agents: Vec<_> = cases.iter().map(|(name, script, ..)| (*name, *script)).collect();
    let stage = Stage::new(&agents);
    for (name, _, state, why) in cases {
        let run = stage.run(&["--agent", name, &format!("Case {name}")]);
        let run = id(&run);
        stage.wait_ended(run);
        if state == "completed" {
            stage.wait_state(run, "completed");
            let log = stage.do_(["log", run]).ok().stdout;
            holds(&log, &["its work is committed (1 commit)"]);
            continue;
        }
        let view = stage.status(run);
        assert_eq!(view["state"], state, "{name}: {view:#}");
        holds(&needs(&view), &[why, "git metawsm "]);
        stage.do_(["close", run]).code(3);
        assert_eq!(stage.status(run)["state"], state, "looking again changes nothing");
    }
}

#[test]
fn what_a_person_commits_for_an_agent_completes_the_run() {
    let stage = Stage::new(&[("messy", "echo x > left.txt")]);
    let run = stage.run(&["Leave a mess"]);
    stage.wait_ended(id(&run));
    let view = stage.status(id(&run));
    holds(&needs(&view), &[&format!("git metawsm commit {}", id(&run))]);
    stage.do_(["commit", "-m", "Take it in"]).ok();
    assert_eq!(stage.look(id(&run))["state"], "completed");
    assert_eq!(stage.git(tree(&run, 0, "api"), &["log", "-1", "--format=%s"]).stdout, "Take it in\n");
}

#[test]
fn both_agents_of_a_workspace_must_be_done() {
    let slow = "until [ -e ../go ]; do sleep 0.05; done; exit 0";
    let stage = Stage::new(&[("coder", WORKER), ("reviewer", slow)]);
    let run = stage.run(&["Work and review"]);
    let ended = stage.wait_health(id(&run), 0, "ended");
    assert_eq!(ended["agents"][1]["health"], "working");
    assert_eq!(stage.status(id(&run))["state"], "running");
    std::fs::write(workspace(&run, 0).join("go"), "").expect("a file");
    stage.wait_state(id(&run), "completed");
}

#[test]
fn an_agent_that_fails_beside_one_that_worked_keeps_the_run_open() {
    let stage = Stage::new(&[("coder", WORKER), ("reviewer", "exit 1")]);
    let run = stage.run(&["Work and review"]);
    stage.wait_ended(id(&run));
    let view = stage.status(id(&run));
    assert_eq!(view["state"], "running");
    holds(&needs(&view), &["reviewer", "exit 1"]);
}

#[test]
fn an_agent_that_ends_before_the_run_command_does_is_settled_all_the_same() {
    // The second ticket's set-up holds the run longer than a wrapper waits for it.
    let more = json!({ "workspace": { "setup_commands": [["sh", "-c",
        "case $METAWSM_TICKET in SLOW) sleep 7;; esac"]] } });
    let stage = Stage::with(&[("coder", WORKER)], "process", &more);
    let run = stage.run(&["--ticket", "FAST,SLOW"]);
    stage.wait_state(id(&run), "completed");
}

#[test]
fn a_wrapper_that_was_killed_and_a_machine_that_was_restarted_are_shown_as_such() {
    for backend in ["process", "tmux"] {
        if backend == "tmux" && require("tmux").is_none() {
            continue;
        }
        let stage = Stage::with(&[("sleeper", "exec sleep 600")], backend, &json!({}));
        let run = stage.run(&["Sleep on it"]);
        let wrapper = record(&stage, id(&run), "sleep-on-it.sleeper")["wrapper"]["pid"].as_integer();
        let wrapper = procs::of_pid(i32::try_from(wrapper.expect("a process id")).expect("small"));
        procs::kill_hard(wrapper);
        let view = stage.wait_health(id(&run), 0, "dead");
        let restart = format!("git metawsm restart {}", id(&run));
        holds(&needs(&view), &["wrapper", "was killed", &restart]);
        assert_eq!(stage.status(id(&run))["state"], "running");
        stage.do_(["stop"]).ok();
        wait_for("nothing of the agent is left", PATIENCE, || {
            procs::marked("METAWSM_RUN", id(&run)).is_empty().then_some(())
        });

        stage.do_(["resume"]).ok();
        stage.wait_health(id(&run), 0, "working");
        let file = exit_file(&stage, id(&run), "sleep-on-it.sleeper");
        let text = std::fs::read_to_string(&file).expect("a record");
        let boot = procs::boot_id();
        assert!(text.contains(&boot), "{text}");
        std::fs::write(&file, text.replace(&boot, "00000000-0000-0000-0000-000000000000")).expect("written");
        let view = stage.look(id(&run));
        assert_eq!(view["agents"][0]["health"], "dead");
        holds(&needs(&view), &["the machine was started again", "git metawsm resume --all"]);
    }
}

#[test]
fn many_exits_at_once_are_all_reported_right() {
    let count = if all() { 100 } else { 16 };
    let kinds = ["exit 0", "exit 3", "kill -KILL $$", "kill -TERM $$", "exit 255"];
    let expected = [(Some(0), None), (Some(3), None), (None, Some(9)), (None, Some(15)), (Some(255), None)];
    let script =
        |at: usize| format!("until [ -e \"$METAWSM_ROOT/.git/go\" ]; do sleep 0.2; done; {}", kinds[at % 5]);
    let agents: Vec<_> = (0..count).map(|at| (format!("a{at}"), script(at))).collect();
    let agents: Vec<_> = agents.iter().map(|(name, script)| (name.as_str(), script.as_str())).collect();
    let backend = if require("tmux").is_some() { "tmux" } else { "process" };
    let stage = Stage::with(&agents, backend, &json!({}));
    let run = stage.run(&["Many ends"]);
    std::fs::write(stage.api.file(".git/go"), "").expect("a file");
    let view = stage.wait_ended(id(&run));
    for (at, agent) in view["agents"].as_array().expect("agents").iter().enumerate() {
        let found = (agent["exit"].as_i64(), agent["signal"].as_i64());
        assert_eq!(found, expected[at % 5], "{agent}");
    }
    let text = needs(&stage.status(id(&run)));
    for at in (0..count).filter(|at| at % 5 != 0) {
        assert!(text.contains(&format!("many-ends.a{at} ")), "a{at} is not in:\n{text}");
    }
}
