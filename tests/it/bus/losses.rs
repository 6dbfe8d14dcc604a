//! What a server or a person can take away: the stream, a clone's place in it, entries that were not read yet.

use super::place::{Talker, project, wait_for_all, world};
use super::server::Server;
use redis::{Commands, Value};

type Loss = (&'static str, fn(&Server));

fn order(server: &Server, words: &[&str]) -> Value {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command.query(&mut server.client()).expect("it obeys")
}

const LOSSES: [Loss; 6] = [
    ("everything is gone", |server| drop(order(server, &["FLUSHALL"]))),
    ("the stream is deleted", |server| drop(order(server, &["DEL", &server.stream()]))),
    ("the groups are deleted, and the stream is emptied", |server| {
        for group in server.groups() {
            order(server, &["XGROUP", "DESTROY", &server.stream(), &group]);
        }
        order(server, &["XTRIM", &server.stream(), "MAXLEN", "0"]);
    }),
    ("it was trimmed to nothing", |server| drop(order(server, &["XTRIM", &server.stream(), "MAXLEN", "0"]))),
    ("it was trimmed to the last entry", |server| {
        order(server, &["XTRIM", &server.stream(), "MAXLEN", "1"]);
    }),
    ("an entry was taken out of the middle", |server| {
        let entries = order(server, &["XRANGE", &server.stream(), "-", "+"]);
        let Value::Array(entries) = entries else { panic!("entries") };
        let Value::Array(entry) = &entries[entries.len() - 2] else { panic!("an entry") };
        let id: String = redis::from_redis_value_ref(&entry[0]).expect("an id");
        order(server, &["XDEL", &server.stream(), &id]);
    }),
];

#[test]
fn whatever_the_server_loses_comes_again_from_who_has_it() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    let mut count = 0;
    for (loss, lose) in LOSSES {
        // Both are up to date, and know it.
        for talker in [&ann, &bob, &ann, &bob] {
            talker.relay();
        }
        for n in 0..3 {
            ann.ask(&format!("{loss}: {n}"));
            count += 1;
        }
        assert_eq!(ann.waiting(), 0, "{loss}: they were sent");
        lose(&server);
        let found: Vec<_> = [&bob, &ann, &bob].iter().flat_map(|talker| talker.relay()).collect();
        assert!(found.iter().any(|news| news["news"] == "sent"), "{loss}: {found:?}");
        wait_for_all(&[&ann, &bob], count);
    }
    // All is told: nobody sends anything anew any more.
    for talker in [&ann, &bob, &ann, &bob] {
        talker.relay();
    }
    for talker in [&ann, &bob] {
        let news = talker.relay();
        assert!(news.iter().all(|news| news["news"] == "reached"), "{news:?}");
    }
}

#[test]
fn a_new_clone_gets_what_the_stream_holds_no_more() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let ann = Talker::of(&world, &repo);
    for n in 0..3 {
        ann.ask(&format!("words {n}"));
    }
    ann.relay();
    order(&server, &["XTRIM", &server.stream(), "MAXLEN", "1"]);
    let bob = Talker::clone_of(&world, &repo, "bob");
    for talker in [&bob, &ann, &bob] {
        talker.relay();
    }
    wait_for_all(&[&ann, &bob], 3);
}

#[test]
fn what_a_killed_reader_was_given_is_taken_by_the_next() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    bob.relay();
    let group = server.groups().remove(0);
    ann.ask("one");
    ann.ask("two");
    // The first to a reader of this name, the second to one of a name that is not used any more.
    let give = |consumer: &str| {
        let words = ["XREADGROUP", "GROUP", &group, consumer, "COUNT", "1", "STREAMS", &server.stream(), ">"];
        order(&server, &words)
    };
    give("operator");
    let Value::Array(given) = give("somebody-else") else { panic!("an entry") };
    let text = format!("{given:?}");
    assert!(text.contains("fevt-"), "{text}");
    assert_eq!(server.pending(), 2);
    let pending: Value =
        order(&server, &["XPENDING", &server.stream(), &group, "-", "+", "10", "somebody-else"]);
    let Value::Array(rows) = pending else { panic!("rows") };
    let Value::Array(row) = &rows[0] else { panic!("a row") };
    let id: String = redis::from_redis_value_ref(&row[0]).expect("an id");
    order(&server, &["XCLAIM", &server.stream(), &group, "somebody-else", "0", &id, "IDLE", "600000"]);
    bob.relay();
    wait_for_all(&[&ann, &bob], 2);
    assert_eq!(server.pending(), 0);
}

#[test]
fn what_was_given_and_is_gone_comes_again() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    for talker in [&bob, &ann, &bob] {
        talker.relay();
    }
    let group = server
        .groups()
        .into_iter()
        .find(|group| group.ends_with(clone_id(&bob).as_str()))
        .expect("the group of this clone");
    ann.ask("one");
    order(&server, &["XREADGROUP", "GROUP", &group, "operator", "STREAMS", &server.stream(), ">"]);
    order(&server, &["XTRIM", &server.stream(), "MAXLEN", "0"]);
    for talker in [&bob, &ann, &bob] {
        talker.relay();
    }
    wait_for_all(&[&ann, &bob], 1);
}

fn clone_id(talker: &Talker<'_>) -> String {
    let text = std::fs::read_to_string(talker.metawsm().join("bus/clone")).expect("it has one");
    text.split_whitespace().next().expect("an id").to_owned()
}

#[test]
fn a_copy_of_a_clone_is_another_clone() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    bob.relay();
    let copy = world.root().join("repos/copy");
    let copied = std::process::Command::new("cp").arg("-a").arg(bob.repo.path()).arg(&copy).status();
    assert!(copied.expect("cp runs").success());
    let copy = Talker { world: &world, repo: bob.repo.seen_from(&copy) };
    let known: Vec<String> = server.client().keys("*").expect("keys");
    assert_eq!(known.len(), 2);
    ann.ask("To all of you.");
    for talker in [&bob, &copy] {
        talker.relay();
    }
    wait_for_all(&[&ann, &bob, &copy], 1);
    assert_ne!(clone_id(&bob), clone_id(&copy));
}
