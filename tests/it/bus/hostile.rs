//! Whatever stands in the stream: it is checked, told once, and blocks nobody.

use super::place::{Talker, project, wait_for_all, world};
use super::server::Server;
use git_metawsm::model::{Actor, ActorKind, EventWhat, FiledEvent, ForumEvent, Priority, ThreadId};
use git_metawsm::store::event_bytes;

/// The fields of an entry.
type Fields = Vec<(&'static str, Vec<u8>)>;

fn add(server: &Server, fields: &[(&str, Vec<u8>)]) {
    let mut command = redis::cmd("XADD");
    command.arg(server.stream()).arg("*");
    for (name, value) in fields {
        command.arg(*name).arg(value);
    }
    command.query::<String>(&mut server.client()).expect("it is added");
}

fn event(thread: &str, body: &str) -> ForumEvent {
    let actor = Actor { kind: ActorKind::Operator, name: "Mallory".to_owned() };
    let thread = ThreadId::parse(thread).expect("an id");
    let mut event = ForumEvent::new(thread, EventWhat::Opened, 1, jiff::Timestamp::UNIX_EPOCH, actor);
    event.nonce.push('n');
    event.title = Some("A title".to_owned());
    event.priority = Some(Priority::Normal);
    event.body = Some(body.to_owned());
    event
}

/// An entry that is as it should be.
fn entry(project: &str, event: &ForumEvent, bytes: &[u8]) -> Fields {
    let id = FiledEvent::id_of(event.lamport, bytes).expect("an id");
    vec![
        ("topic", format!("forum.events.{}", event.what).into_bytes()),
        ("project", project.as_bytes().to_vec()),
        ("thread", event.thread.to_string().into_bytes()),
        ("event", id.to_string().into_bytes()),
        ("toml", bytes.to_vec()),
    ]
}

const THREAD: &str = "fthr-20260101-000000-abcdefgh";

fn with(mut fields: Fields, name: &str, value: &[u8]) -> Fields {
    for (field, old) in &mut fields {
        if *field == name {
            *old = value.to_vec();
        }
    }
    fields
}

/// Entries that nobody should take, and a word of why.
fn bad(project: &str) -> Vec<(Fields, &'static str)> {
    let good = event(THREAD, "words");
    let bytes = event_bytes(&good).expect("an event");
    let fields = || entry(project, &good, &bytes);
    let newer = String::from_utf8(bytes.clone()).expect("text").replacen("format = 1", "format = 99", 1);
    let broken = String::from_utf8(bytes.clone()).expect("text").replacen("lamport = 1", "lamport = [1", 1);
    let odd_thread = event("somewhere", "words");
    let odd_bytes = event_bytes(&odd_thread).expect("an event");
    let large = vec![b'x'; 9 << 20];
    let mut twice = fields();
    twice.push(("toml", bytes.clone()));
    vec![
        (vec![("hello", b"world".to_vec())], "no field 'topic'"),
        (vec![("payload", b"{}".to_vec()), ("metadata", vec![0, 255, 27])], "no field 'topic'"),
        (with(fields(), "project", b"another"), "another project"),
        (with(fields(), "project", b"\x1b[31mred"), "another project"),
        (with(fields(), "thread", b"../../../hooks"), "thread id"),
        (with(fields(), "event", b"../../x"), "event id"),
        (
            with(fields(), "event", b"fevt-000001-00000000000000000000000000000000"),
            "its content is not the one",
        ),
        (with(fields(), "thread", b"fthr-20260101-000000-zzzzzzzz"), "it is of the thread"),
        (with(fields(), "topic", b"forum.events.closed"), "topic"),
        (with(fields(), "toml", b"\xff\xfe\x00"), "UTF-8"),
        (with(fields(), "toml", b""), "does not say its format"),
        (with(fields(), "toml", &large), "too large"),
        (entry(project, &good, newer.as_bytes()), "newer"),
        (entry(project, &good, broken.as_bytes()), "expected"),
        (entry(project, &odd_thread, &odd_bytes), "no id of a thread"),
        (twice, "twice"),
    ]
}

#[test]
fn what_is_no_event_of_ours_is_told_once_and_blocks_nobody() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    ann.relay();
    bob.relay();
    let project = server.stream().rsplit(':').next().expect("a project").to_owned();
    let bad = bad(&project);
    ann.ask("before");
    for (fields, _) in &bad {
        add(&server, fields);
    }
    ann.ask("after");
    let output = bob.run(&["forum", "relay", "--once"]).ok();
    let told: Vec<_> = output.stdout.lines().filter(|line| line.starts_with("left out:")).collect();
    assert_eq!(told.len(), bad.len(), "{output}");
    for ((_, why), line) in bad.iter().zip(&told) {
        assert!(line.contains(why), "{why}: {line}");
    }
    assert!(!output.stdout.bytes().any(|byte| byte < b' ' && byte != b'\n' || byte == 0x7f), "{output}");
    assert_eq!(bob.names(), ann.names(), "what stands between and behind them is taken");
    assert_eq!(bob.names().len(), 2);
    assert!(bob.left_out().is_empty(), "told once");
    assert_eq!(bob.status()["left_out"], bad.len());
    ann.relay();
    assert_eq!(server.pending(), 0);
}

#[test]
fn an_entry_that_is_larger_than_memory_allows_is_left_out_alone() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let (ann, bob) = (Talker::of(&world, &repo), Talker::clone_of(&world, &repo, "bob"));
    ann.relay();
    bob.relay();
    ann.ask("before");
    add(&server, &[("toml", vec![b'x'; 40 << 20])]);
    ann.ask("between");
    add(&server, &[("toml", vec![b'x'; 40 << 20])]);
    let told = bob.left_out();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|why| why.contains("too large")), "{told:?}");
    wait_for_all(&[&ann, &bob], 2);
    assert!(bob.left_out().is_empty());
}

#[test]
fn a_stranger_who_can_write_to_the_stream_is_read_like_anybody() {
    let Some(world) = world() else { return };
    let server = Server::forgetful(&world);
    let repo = project(&world, "ann", &server.url());
    let ann = Talker::of(&world, &repo);
    ann.relay();
    let project = server.stream().rsplit(':').next().expect("a project").to_owned();
    let said = event(THREAD, "\x1b]0;owned\x07 \u{202e}txet\u{2069}");
    let bytes = event_bytes(&said).expect("an event");
    add(&server, &entry(&project, &said, &bytes));
    ann.relay();
    let shown = ann.run(&["forum", "thread", THREAD]).ok().says("Mallory");
    assert!(!shown.stdout.contains(['\x1b', '\x07', '\u{202e}']), "{shown}");
}
