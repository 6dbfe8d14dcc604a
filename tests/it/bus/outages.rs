//! Servers that come and go.

use super::place::{LONG, Talker, project, require_secret, wait_for_all, world};
use super::server::{PASSWORD, Server};
use crate::kit::{Repo, Running, World, all, wait_until};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Instant;

fn relays(talkers: &[&Talker<'_>]) -> Vec<Running> {
    let limit = LONG * 20;
    talkers.iter().map(|talker| talker.run(&["forum", "relay"]).limit(limit).start()).collect()
}

/// Says so many things: a third of them in threads of its own, the others in the shared ones.
fn talk(talker: &Talker<'_>, shared: &[String], count: usize) {
    for n in 0..count {
        let body = format!("words {n}");
        if n % 3 == 0 {
            talker.ask(&body);
        } else {
            talker.answer(&shared[n % shared.len()], &body);
        }
    }
}

/// Two clones talk while the server is killed twice in between; a third project is on the same server.
fn two_talk(world: &World, server: &mut Server, repo: &Repo, count: usize) {
    let (ann, bob) = (Talker::of(world, repo), Talker::clone_of(world, repo, "bob"));
    let other = project(world, "other", &server.url());
    let other = Talker::of(world, &other);
    let shared: Vec<String> = (0..3).map(|n| ann.ask(&format!("shared {n}"))).collect();
    ann.relay();
    bob.relay();
    wait_for_all(&[&ann, &bob], shared.len());
    let running = relays(&[&ann, &bob, &other]);
    std::thread::scope(|scope| {
        let talks: Vec<_> =
            [&ann, &bob].map(|talker| scope.spawn(|| talk(talker, &shared, count))).into_iter().collect();
        scope.spawn(|| {
            for n in 0..count.min(20) {
                other.ask(&format!("of another project {n}"));
            }
        });
        for part in 1..=2 {
            let half = shared.len() + count * part / 2;
            wait_until("they have talked for a while", LONG * 10, || ann.names().len() >= half);
            server.kill();
            let said = ann.names().len();
            let is_over = || talks.iter().any(std::thread::ScopedJoinHandle::is_finished);
            wait_until("they go on without it", LONG, || ann.names().len() > said + 2 || is_over());
            server.start();
        }
    });
    wait_for_all(&[&ann, &bob], shared.len() + 2 * count);
    wait_until("nothing waits any more", LONG, || ann.waiting() + bob.waiting() + other.waiting() == 0);
    drop(running);
    assert_eq!(ann.events(), bob.events(), "the same bytes");
    let theirs = other.names();
    assert_eq!(theirs.len(), count.min(20), "nothing of another project");
    assert!(ann.names().is_disjoint(&theirs));
    let posts = |talker: &Talker<'_>| {
        let listed = talker.json(&["forum", "list", "--limit", "100000"]);
        assert_eq!(listed["broken"], serde_json::json!([]));
        let threads = listed["threads"].as_array().expect("threads").clone();
        threads.iter().map(|thread| thread["posts"].as_u64().expect("a number")).sum::<u64>()
    };
    assert_eq!(posts(&ann), (shared.len() + 2 * count) as u64, "every post once");
    assert_eq!(posts(&ann), posts(&bob));
    assert_eq!(ann.status()["waiting"], 0);
}

#[test]
fn two_clones_lose_and_double_nothing_while_a_forgetful_server_is_killed_twice() {
    let Some(world) = world() else { return };
    let mut server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    two_talk(&world, &mut server, &repo, if all() { 1000 } else { 60 });
}

#[test]
fn two_clones_lose_and_double_nothing_while_a_durable_server_is_killed_twice() {
    let Some(world) = world() else { return };
    let mut server = Server::durable(&world);
    let repo = project(&world, "ann", &server.socket_url());
    two_talk(&world, &mut server, &repo, if all() { 1000 } else { 30 });
}

#[test]
fn without_the_server_work_goes_on_and_status_says_what_waits() {
    let Some(world) = world() else { return };
    let mut server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    server.kill();
    let thread = ann.ask("Is anybody there?");
    ann.answer(&thread, "Not yet.");
    let status = ann.status();
    assert_eq!(status["waiting"], 2);
    assert!(status["waiting_since"].is_string() && status["away"]["since"].is_string(), "{status}");
    let said = ann.run(&["status"]).ok();
    let said = said.says("  2 events wait to be sent, the oldest from just now; ").says("does not answer");
    let refused = ann.run(&["forum", "relay", "--once"]).code(5).tells("does not answer");
    server.start();
    ann.relay();
    assert_eq!(ann.status()["away"], serde_json::Value::Null);
    assert_eq!(ann.waiting(), 0);
    // Whoever lists takes in what came.
    wait_until("the list of the other clone shows it", LONG, || {
        bob.json(&["forum", "list"])["threads"].as_array().is_some_and(|threads| threads.len() == 1)
    });
    assert_eq!(bob.events(), ann.events());
    let state = world.home();
    require_secret(PASSWORD, &[said, refused], &[ann.metawsm(), bob.metawsm(), state]);
}

#[test]
fn a_relay_outlives_its_server_and_ends_when_it_is_asked_to() {
    let Some(world) = world() else { return };
    let mut server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    let running = bob.run(&["forum", "relay"]).limit(LONG * 2).start();
    ann.ask("one");
    wait_until("it arrives", LONG, || bob.names() == ann.names());
    bob.run(&["--wait", "0", "forum", "relay", "--once"]).code(4).tells("'forum relay' (process ");
    assert_eq!(bob.status()["relay"], running.pid());
    server.kill();
    ann.ask("two");
    server.start();
    ann.relay();
    wait_until("the second arrives", LONG, || bob.names().len() == 2);
    let pid = i32::try_from(running.pid()).expect("a process");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT).expect("alive");
    let ended = running.end().ok().says("reached: Redis at 127.0.0.1:").says("took: fthr-");
    require_secret(PASSWORD, &[ended], &[]);
}

#[test]
fn passwords_come_from_where_no_commit_holds_them_and_stay_there() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.bare_url());
    let ann = Talker::of(&world, &repo);
    let once = || ann.run(&["forum", "relay", "--once"]);
    let mut said = vec![once().code(5).tells("asks for a password").tells("METAWSM_REDIS_URL")];
    let wrong = server.url_with("hunter-two");
    said.push(once().env("METAWSM_REDIS_URL", &wrong).code(5).tells("does not take the password"));
    ann.run(&["forum", "ask", "--project", "--body", "x"]).env("METAWSM_REDIS_URL", &wrong).ok();
    said.push(ann.run(&["status"]).env("METAWSM_REDIS_URL", &wrong).ok().says("does not take the password"));
    said.push(once().env("METAWSM_REDIS_URL", "redis://:hunter-two@[").code(2));
    said.push(once().env("METAWSM_REDIS_URL", "rediss://:hunter-two@h/0").code(2).tells("no TLS"));
    require_secret("hunter-two", &said, &[ann.metawsm()]);
    ann.repo.git(["config", "metawsm.forum.redis.url", &server.url()]);
    said.push(once().ok());
    assert_eq!(ann.waiting(), 0);
    said.push(once().env("METAWSM_REDIS_URL", server.socket_url()).ok());
    let policy = ann.repo.read(".metawsm/policy.json").replace("redis://", "redis://:open-sesame@");
    ann.repo.write(".metawsm/policy.json", &policy);
    said.push(ann.run(&["policy", "show"]).ok().says("redis://***@127.0.0.1:"));
    said.push(ann.run(&["--json", "policy", "show"]).ok());
    said.push(once().ok());
    ann.repo.write(".metawsm/policy.json", &policy.replace("redis://", "rediss://"));
    said.push(ann.run(&["policy", "check"]).code(2).tells("rediss://***@127.0.0.1:"));
    require_secret(PASSWORD, &said, &[ann.metawsm()]);
}

#[test]
fn a_server_that_is_silent_holds_nobody_up() {
    let Some(world) = world() else { return };
    // It takes connections, into its queue, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://:{PASSWORD}@{}/0", silent.local_addr().expect("an address"));
    let socket = world.root().join("silent");
    let _silent = UnixListener::bind(&socket).expect("a socket");
    let repo = project(&world, "ann", &url);
    let ann = Talker::of(&world, &repo);
    for url in [url, format!("redis+unix://{}", socket.display())] {
        let before = ann.names().len();
        ann.repo.git(["config", "metawsm.forum.redis.url", &url]);
        // Nobody is known to be away.
        let _ = std::fs::remove_file(ann.metawsm().join("bus/away.toml"));
        let begun = Instant::now();
        let thread = ann.ask("Anybody?");
        ann.run(&["forum", "list"]).ok().says(&thread);
        let status = ann.status();
        // A quarter of a second each, and the time that processes take on a busy machine.
        assert!(begun.elapsed() < LONG / 8, "{:?}", begun.elapsed());
        assert_eq!(status["waiting"], before + 1);
        assert!(status["away"]["why"].as_str().is_some_and(|why| why.contains("takes too long")), "{status}");
    }
}
