//! What a clone does by itself: which project it is, what it sends when the transport is switched, and what a kill
//! leaves of that.

use super::place::{Talker, project, wait_for_all, world};
use super::server::Server;
use crate::kit::{BINARY, World, require, wait_until};
use git_metawsm::model::{Guidance, RunId};
use git_metawsm::store::Store;
use std::time::{Duration, Instant};

#[test]
fn a_shallow_clone_says_what_it_lacks_and_sends_when_it_has_it() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let ann = Talker::of(&world, &repo);
    let bob = Talker::clone_with(&world, &repo, "bob", &["--depth", "1"]);
    bob.ask("Where am I?");
    assert_eq!(bob.waiting(), 1);
    bob.run(&["status"]).ok().says("This clone is shallow").says("1 event waits");
    bob.run(&["forum", "relay", "--once"]).code(1).tells("git fetch --unshallow");
    bob.repo.git(["fetch", "-q", "--unshallow"]);
    bob.relay();
    ann.relay();
    wait_for_all(&[&ann, &bob], 1);
}

#[test]
fn what_was_said_before_the_transport_was_switched_on_is_sent_too() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    let switch = |on: bool| {
        let policy = std::fs::read_to_string(ann.repo.file(".metawsm/policy.json")).expect("a policy");
        let (from, to) = if on { ("files", "redis") } else { ("redis", "files") };
        let policy =
            policy.replacen(&format!("\"transport\":\"{from}\""), &format!("\"transport\":\"{to}\""), 1);
        ann.repo.write(".metawsm/policy.json", &policy);
    };
    switch(false);
    ann.ask("in files");
    assert!(!ann.metawsm().join("bus").exists(), "nothing is kept for who sends nothing");
    ann.run(&["forum", "relay", "--once"]).code(1).tells("forum.transport is 'files'");
    assert!(ann.json(&["status"])["forum_bus"].is_null());
    switch(true);
    ann.relay();
    switch(false);
    ann.ask("in files again");
    switch(true);
    ann.relay();
    bob.relay();
    wait_for_all(&[&ann, &bob], 2);
}

/// The system calls by which a file is made durable and an event is sent.
const CALLS: &str = "fsync,linkat,unlink,sendto,recvfrom";

#[test]
fn whatever_a_kill_stops_is_sent_once_it_is_there() {
    let (Some(world), Some(_)) = (world(), require("strace")) else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    for talker in [&ann, &bob] {
        talker.relay();
    }
    for call in CALLS.split(',') {
        for at in 1.. {
            let mut traced = world.command("strace");
            let inject = format!("inject={call}:signal=KILL:when={at}");
            traced.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
            traced.arg(BINARY).args(["forum", "ask", "--project", "--body"]).arg(format!("{call} {at}"));
            let ended = traced.current_dir(ann.repo.path()).output().expect("strace runs");
            if ended.status.success() {
                break;
            }
        }
        ann.relay();
        bob.relay();
        ann.relay();
        assert_eq!(bob.events(), ann.events(), "{call}");
    }
    assert!(ann.names().len() >= CALLS.split(',').count(), "each call was let through in the end");
}

#[test]
fn an_answer_from_another_machine_reaches_the_run_that_waits_for_it() {
    let Some(world) = world() else { return };
    let world = quiet(world);
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    world.script("claude", "exec sleep 600");
    ann.run(&["run", "Do it", "--run-id", "asks"]).ok();
    let asked = ann.json(&["forum", "ask", "--run-id", "asks", "--kind", "guidance", "--body", "Which one?"]);
    let thread = asked["thread"]["id"].as_str().expect("an id").to_owned();
    let store = Store::at(&ann.repo.common_dir(), Some(ann.repo.path()));
    let id = RunId::parse("asks").expect("an id");
    let mut hold = store.hold(&id, "test", Duration::from_secs(60)).expect("held");
    let of = hold.run().agents[0].clone();
    let guidance = Guidance {
        thread: git_metawsm::model::ThreadId::parse(&thread).expect("an id"),
        ticket: of.ticket.clone(),
        agent: of.name.clone(),
        question: "Which one?".to_owned(),
        asked: git_metawsm::sys::clock::now(),
        from_doc_home: false,
        file: String::new(),
        answered: None,
        delivered: None,
    };
    hold.update(|run| run.guidance.push(guidance)).expect("written");
    drop(hold);
    let relay = ann.run(&["forum", "relay"]).start();
    bob.relay();
    bob.answer(&thread, "The second one.");
    wait_until("the answer stands in the record", Duration::from_secs(120), || {
        let run = store.find_run(&id).expect("readable").expect("there");
        run.guidance[0].answered.is_some()
    });
    drop(relay);
    ann.run(&["stop", "asks"]).ok();
}

/// An agent that asks and ends, and writes down what it is given when its conversation goes on.
const ASKS: &str = r#"out=$(dirname "$0")/../heard
if [ -e "$out.asked" ]; then
  printf '%s\n' "$@" > "$out.new"
  mv "$out.new" "$out"
  exec sleep 600
fi
touch "$out.asked"
git metawsm signal question --question 'Which one?'"#;

#[test]
fn an_answer_from_another_machine_goes_on_to_the_agent_though_its_run_was_held() {
    let Some(world) = world() else { return };
    let world = quiet(world);
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    world.script("claude", ASKS);
    ann.run(&["run", "Do it", "--run-id", "asks"]).ok();
    let store = Store::at(&ann.repo.common_dir(), Some(ann.repo.path()));
    let id = RunId::parse("asks").expect("an id");
    wait_until("the agent has asked and ended", Duration::from_secs(120), || {
        let view = ann.json(&["status", "asks"]);
        view["runs"][0]["state"] == "awaiting_guidance" && view["runs"][0]["agents"][0]["health"] == "ended"
    });
    let relay = ann.run(&["forum", "relay"]).start();
    let run = store.find_run(&id).expect("readable").expect("there");
    let thread = run.guidance[0].thread.to_string();
    wait_until("the question is elsewhere", Duration::from_secs(120), || {
        bob.relay();
        !bob.names().is_empty()
    });
    let hold = store.hold(&id, "test", Duration::from_secs(60)).expect("held");
    bob.answer(&thread, "The second one.");
    wait_until("the answer is there", Duration::from_secs(120), || ann.names().len() == 2);
    // Longer than the relay waits for who holds a run.
    let begun = Instant::now();
    wait_until("the relay has given up", Duration::from_secs(10), || {
        begun.elapsed() > Duration::from_secs(2)
    });
    drop(hold);
    let heard = world.root().join("heard");
    wait_until("the agent goes on with the answer", Duration::from_secs(120), || {
        std::fs::read_to_string(&heard).is_ok_and(|words| words.contains("The second one."))
    });
    drop(relay);
    ann.run(&["stop", "asks"]).ok();
}

/// Agents as plain processes.
fn quiet(world: World) -> World {
    let config = "[metawsm \"sessions\"]\n\tbackend = process\n";
    std::fs::write(world.home().join(".gitconfig"), config).expect("a git configuration");
    world
}

#[test]
fn who_waits_for_an_answer_gets_the_one_of_another_machine() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    let words = ["forum", "ask", "--project", "--body", "Which one?", "--wait", "--timeout", "110"];
    let asking = ann.run(&words).start();
    let mut thread = String::new();
    wait_until("the question is there", Duration::from_secs(100), || {
        let listed = bob.json(&["forum", "list"]);
        thread = listed["threads"][0]["id"].as_str().unwrap_or_default().to_owned();
        !thread.is_empty()
    });
    bob.answer(&thread, "The second one.");
    asking.end().ok().says("The second one.");
}
