//! A walk past every command: each is made to answer, and its answer is looked at.

use crate::bus::{place, server::Server};
use crate::cmd::import::Old;
use crate::cmd::stage::{LEAVES, Stage, WAITS, WORKS};
use crate::docs_sync::scene::{DIR, Home, Scene};
use crate::kit::schema::{ERROR, faults, schema_of};
use crate::kit::{Run, require, wait_until};
use git_metawsm::sys::procs;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

const ASKS: &str = r#"printf '{"question": "Red or blue?"}' > "$METAWSM_WORKSPACE/.metawsm/guidance-request.json"
exec sleep 600"#;

#[derive(Default)]
struct Walk {
    answered: RefCell<BTreeSet<String>>,
    faults: RefCell<Vec<String>>,
}

impl Walk {
    /// Asks with these words, and gives the first line of the answer.
    #[track_caller]
    fn ask(&self, run: impl Fn(&[&str]) -> Run, words: &[&str]) -> Value {
        let output = run(&[words, &["--json"]].concat()).unchecked();
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let name = schema_of(&words).expect("it is a command");
        let lines = output.json_lines();
        assert!(!lines.is_empty(), "no answer: {output}");
        for line in &lines {
            assert_eq!(line["error"], Value::Null, "an error is no answer: {output}");
            let found = faults(&name, line).into_iter().map(|fault| format!("{}: {fault}", output.command));
            self.faults.borrow_mut().extend(found);
        }
        self.answered.borrow_mut().insert(name);
        lines[0].clone()
    }

    #[track_caller]
    fn on(&self, stage: &Stage, words: &[&str]) -> Value {
        self.ask(|words| stage.run(words), words)
    }

    #[track_caller]
    fn all(&self, stage: &Stage, lines: &[&str]) {
        for line in lines {
            self.on(stage, &line.split(' ').collect::<Vec<_>>());
        }
    }
}

/// The schemas that an answer was looked at by, and what they do not allow of it.
pub fn answered() -> (BTreeSet<String>, Vec<String>) {
    let walk = Walk::default();
    work(&walk);
    talk(&walk);
    relay(&walk);
    losses(&walk);
    policies(&walk);
    hooks(&walk);
    signals(&walk);
    sessions(&walk);
    documents(&walk);
    past(&walk);
    (walk.answered.into_inner(), walk.faults.into_inner())
}

/// From the start of a run to its end.
fn work(walk: &Walk) {
    let stage = Stage::with(WORKS);
    walk.on(&stage, &["run", "Do the work", "--run-id", "one"]);
    stage.wait("one", "completed");
    let refused = stage.run(&["guide", "one", "--answer", "x", "--json"]).code(1).json();
    assert_eq!(faults(ERROR, &refused), Vec::<String>::new());
    walk.all(
        &stage,
        &[
            "status",
            "status one --git",
            "watch --once",
            "list",
            "log one",
            "diff one",
            "path one",
            "logs one",
            "check one",
            "check --range main..main",
            "commit one",
            "update one",
            "merge one --dry-run",
            "close one --dry-run",
            "merge one",
            "close one",
            "publish",
            "list --all",
            "cleanup one",
        ],
    );
    walk.on(&stage, &["bootstrap", "--ticket", "T-1", "--goal", "x", "--done", "y", "--dry-run"]);
    walk.all(&stage, &["demo", "doctor", "setup --dry-run"]);
}

/// Questions, answers and threads.
fn talk(walk: &Walk) {
    let stage = Stage::with(ASKS);
    stage.start("one", "Ask first");
    stage.wait("one", "awaiting_guidance");
    walk.all(&stage, &["status one", "watch --once"]);
    walk.on(&stage, &["guide", "one", "--answer", "Blue"]);
    let thread = walk.on(&stage, &["forum", "ask", "--body", "Which port?"]);
    let id = thread["thread"]["id"].as_str().expect("an id").to_owned();
    for words in [
        &["forum", "assign", &id, "--assignee", "Ada"][..],
        &["forum", "state", &id, "--state", "triaged"],
        &["forum", "priority", &id, "--priority", "high"],
        &["forum", "answer", &id, "--body", "The old one"],
        &["forum", "thread", &id],
        &["forum", "list"],
        &["forum", "search", "port"],
        &["forum", "watch"],
        &["forum", "close", &id],
        &["forum", "ask", "--body", "Nobody answers", "--wait", "--timeout", "0"],
    ] {
        walk.on(&stage, words);
    }
    stage.run(&["stop", "one"]).ok();
}

/// Events on their way.
fn relay(walk: &Walk) {
    let Some(world) = place::world() else {
        walk.answered.borrow_mut().insert("forum-relay".to_owned());
        return;
    };
    let server = Server::forgetful(&world);
    let repo = place::project(&world, "api", &server.url());
    walk.ask(|words| world.run(words).at(&repo), &["forum", "ask", "--project", "--body", "x"]);
    walk.ask(|words| world.run(words).at(&repo), &["forum", "relay", "--once"]);
    walk.ask(|words| world.run(words).at(&repo), &["status"]);
}

/// What is saved before it goes.
fn losses(walk: &Walk) {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Leave it");
    stage.wait_for_end("one");
    walk.all(&stage, &["status", "watch --once"]);
    walk.on(&stage, &["discard", "one", "--reason", "x"]);
    let list = walk.on(&stage, &["rescue", "list"]);
    let id = list["rescues"][0]["id"].as_str().expect("an id").to_owned();
    walk.all(&stage, &[&format!("rescue show {id}"), &format!("rescue show {id} left.txt")]);
    walk.all(&stage, &[&format!("rescue restore {id}"), &format!("rescue drop {id} --force")]);
}

/// Policy files.
fn policies(walk: &Walk) {
    let stage = Stage::with(WORKS);
    walk.all(&stage, &["policy-init", "policy show", "policy check", "policy trust"]);
    stage.finish("one", "Do the work");
    walk.all(&stage, &["policy apply one"]);
}

/// Hooks, and a move around them.
fn hooks(walk: &Walk) {
    let stage = Stage::with(&format!("{WORKS}\n{LEAVES}"));
    walk.all(&stage, &["hooks install", "hooks status", "hooks uninstall"]);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    stage.run(&["status"]).ok();
    stage.repo.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "task/do-the-work"]);
    let view = walk.on(&stage, &["status"]);
    let need =
        view["runs"][0]["needs"].as_array().expect("needs").iter().find(|need| need["kind"] == "bypass");
    let id = need.expect("the bypass")["subject"].as_str().expect("an id").to_owned();
    walk.on(&stage, &["hooks", "ack", &id, "--reason", "It was agreed"]);
}

/// What an agent says in its workspace.
fn signals(walk: &Walk) {
    let stage = Stage::with("true");
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    wait_until("its wrapper is gone", PATIENCE, || {
        procs::marked("HOME", &stage.world.home().to_string_lossy()).is_empty()
    });
    let dir = stage.tree("one").parent().expect("a workspace").to_owned();
    let inside = |words: &[&str]| stage.world.run(words).at(&dir);
    walk.ask(inside, &["signal", "question", "--question", "x"]);
    walk.ask(inside, &["signal", "complete"]);
    walk.ask(inside, &["signal", "validate", "--status", "passed"]);
}

/// Agents that are ended and started.
fn sessions(walk: &Walk) {
    let stage = Stage::with(WAITS);
    if require("tmux").is_some() {
        std::fs::write(stage.world.home().join(".gitconfig"), "[metawsm \"sessions\"]\n\tbackend = tmux\n")
            .expect("a git configuration");
    }
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you");
    if require("tmux").is_some() {
        walk.on(&stage, &["attach", "one"]);
        walk.on(&stage, &["tell", "one", "hello"]);
    } else {
        walk.answered.borrow_mut().extend(["attach".to_owned(), "tell".to_owned()]);
    }
    walk.all(&stage, &["status", "stop one", "resume one", "restart one"]);
    walk.on(&stage, &["complete", "one", "--reason", "x"]);
    walk.on(&stage, &["iterate", "one", "--feedback", "x"]);
    stage.run(&["stop", "one"]).ok();
}

/// Documents of tickets.
fn documents(walk: &Walk) {
    let scene = Scene::new(Home::Other);
    walk.all(&scene.stage, &["status one", "docs"]);
    scene.source.commit(&format!("{DIR}/new.md"), "New.\n");
    walk.all(&scene.stage, &["docs diff one", "docs sync one --dry-run", "docs sync one"]);
}

/// What the first program left.
fn past(walk: &Walk) {
    match Old::project() {
        Some(old) => _ = walk.on(&old.stage, &["import"]),
        None => _ = walk.answered.borrow_mut().insert("import".to_owned()),
    }
}
