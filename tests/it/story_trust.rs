//! What agents cannot do: vouch for themselves, loosen their rules, pass our hooks, or change what was written down
//! without a trace. And what never reaches them.

use crate::cmd::stage::{Stage, WORKS};
use crate::stage::{self, blockers, holds, id, wait_file, workspace};
use serde_json::json;
use std::fs;

/// What a command may have around it and must hand on to nobody.
const HOSTILE: [(&str, &str); 9] = [
    ("GIT_DIR", "/nowhere"),
    ("GIT_WORK_TREE", "/nowhere"),
    ("GIT_INDEX_FILE", "/nowhere/index"),
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "core.hooksPath"),
    ("GIT_CONFIG_VALUE_0", "/nowhere"),
    ("GIT_CONFIG_PARAMETERS", "'core.hooksPath'='/nowhere'"),
    ("METAWSM_HOLD", "a-token"),
    ("METAWSM_BYPASS", "a reason"),
];

fn names(environment: &str) -> Vec<&str> {
    environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect()
}

#[test]
fn nothing_of_our_surroundings_reaches_set_up_commands_agents_or_the_tmux_server() {
    for backend in ["tmux", "process"] {
        let policy = json!({ "workspace": { "setup_commands": [["sh", "-c", "env > setup.env"]] } });
        let stage = stage::Stage::with(&[("coder", "env > ../agent.env\nsleep 600")], backend, &policy);
        let mut run = stage.do_(["run", "--json", "--ticket", "T-1", "--create", "Do it"]);
        for (name, value) in HOSTILE {
            run = run.env(name, value);
        }
        let run = run.ok().json();
        let dir = workspace(&run, 0);
        let server = if backend == "tmux" {
            stage.world.tmux(["show-environment", "-g"]).ok().stdout
        } else {
            String::new()
        };
        for environment in [wait_file(dir.join("setup.env")), wait_file(dir.join("agent.env")), server] {
            let names = names(&environment);
            let left: Vec<_> = HOSTILE.iter().filter(|(name, _)| names.contains(name)).collect();
            assert!(left.is_empty(), "{backend}: {left:?} came through");
        }
        stage.do_(["stop", id(&run)]).ok();
    }
}

#[test]
fn what_was_written_down_and_changed_behind_our_back_shows() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let journal = stage.repo.common_dir().join("metawsm/runs/one/journal.jsonl");
    let text = fs::read_to_string(&journal).expect("a journal");
    assert_eq!(stage.json(&["check", "one"])["tampered"], serde_json::Value::Null);
    let line = |n: usize| text.lines().nth(n).expect("a line").to_owned();
    let changed = text.replacen(&line(1), &line(1).replacen("\"actor\":\"", "\"actor\":\"not ", 1), 1);
    let removed = text.replacen(&format!("{}\n", line(1)), "", 1);
    let renamed = text.replacen("\"event\":\"created\"", "\"event\":\"state\"", 1);
    for forged in [changed, removed, renamed] {
        fs::write(&journal, &forged).expect("written");
        for words in [&["status", "one"][..], &["status"], &["check", "one"], &["log", "one"]] {
            let output = stage.run(words).output();
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(said.contains("does not follow from the line before it"), "{output}");
        }
        assert!(stage.json(&["check", "one"])["tampered"].is_string());
    }
    fs::remove_file(&journal).expect("removed");
    stage.run(&["status", "one"]).ok().says("The journal of the run is missing");
    fs::write(&journal, text).expect("as it was");
    stage.run(&["status", "one"]).ok().lacks("journal of the run").lacks("run's journal");
}

#[test]
fn an_agent_cannot_loosen_its_own_rules() {
    let agent = "mkdir -p .metawsm && echo x > key.pem\n\
                 echo '{\"version\": 2, \"git_pr\": {\"forbidden_file_patterns\": []}, \"close\": {\"gates\": \
                 {\"forbidden-files\": \"off\", \"records-untouched\": \"off\"}}}' > .metawsm/policy.json\n\
                 git add -f . && git -c core.hooksPath=/dev/null commit -qm 'Mine'";
    let stage = stage::Stage::new(&[("coder", agent)]);
    let run = stage.run(&["--ticket", "T-1", "--create", "Do it"]);
    stage.wait_ended(id(&run));
    let refused = stage.do_(["check", "--json", id(&run)]).code(3).json();
    let said = blockers(&refused);
    holds(&said, &["forbidden-files:", "key.pem", "records-untouched:", ".metawsm/policy.json"]);
    stage.do_(["close", id(&run)]).code(3);
}

#[test]
fn a_hold_token_opens_nothing_once_its_command_has_ended() {
    let stage = Stage::with(WORKS);
    let token = stage.world.root().join("token");
    let hook = stage.repo.common_dir().join("hooks/pre-merge-commit");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$METAWSM_HOLD\" > '{}'\n", token.display());
    let script = stage.world.script("users-hook", &script);
    fs::create_dir_all(hook.parent().expect("a folder")).expect("made");
    fs::copy(script, &hook).expect("a hook of the user");
    stage.finish("one", "First work");
    stage.agent(&WORKS.replace("work.txt", "two.txt"));
    stage.start("two", "Second work");
    stage.wait_for_end("two");
    stage.run(&["close", "one"]).ok();
    let token = fs::read_to_string(token).expect("the hook ran").trim().to_owned();
    // The second run is not finished: its worktree is dirty.
    fs::write(stage.tree("two").join("loose.txt"), "loose\n").expect("written");
    let before = stage.repo.rev("main");
    let mut merge = stage.world.command("git");
    merge.args(["merge", "--no-ff", "-m", "By a stolen token", "task/second-work"]);
    merge.current_dir(stage.repo.path()).env("METAWSM_HOLD", &token).env("METAWSM_STEP", "one");
    let output = crate::kit::Output::of(&mut merge, "git");
    assert_ne!(output.status, Some(0), "{output}");
    assert!(output.stderr.contains("git-metawsm: ") && !token.is_empty(), "{output} with {token:?}");
    assert_eq!(stage.repo.rev("main"), before);
}
