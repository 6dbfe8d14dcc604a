use super::forum_event::EVENT_CAP;
use super::testing::{LONG, Place, at};
use super::{OddEvent, RecordError, Store, StoreError, ThreadFiles, event_bytes, parse_event};
use crate::model::{
    Actor, ActorKind, AgentName, EVENT_FORMAT, EventWhat, FiledEvent, ForumEvent, Priority, RunId, ThreadId,
    ThreadKind, ThreadState, TicketId,
};
use crate::sys::files;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;

const BODY: &str =
    "Shall it say \"hello\"\nor '''bye'''?\n\n\t\\ back, \u{1b}[31m red, \u{202e} bidi, \r return, \0 nul";

fn thread_id() -> ThreadId {
    ThreadId::parse("fthr-20250304-050607-abcdefgh").expect("an id")
}

fn new(what: EventWhat, lamport: u64) -> ForumEvent {
    let actor = Actor { kind: ActorKind::Agent, name: "coder".to_owned() };
    let mut event = ForumEvent::new(thread_id(), what, lamport, at("2025-03-04T05:06:07Z"), actor);
    event.nonce = "abcdefghijklmnop".to_owned();
    event
}

fn opened() -> ForumEvent {
    ForumEvent {
        run: RunId::parse("run-20250304-050607-abcd").ok(),
        ticket: TicketId::parse("MW-1").ok(),
        agent: AgentName::parse("coder").ok(),
        thread_kind: Some(ThreadKind::Guidance),
        priority: Some(Priority::High),
        state: Some(ThreadState::WaitingHuman),
        title: Some("What shall it say?".to_owned()),
        body: Some(BODY.to_owned()),
        ..new(EventWhat::Opened, 1)
    }
}

fn posted(lamport: u64, nonce: &str) -> ForumEvent {
    let body = Some(format!("words {nonce}"));
    ForumEvent { body, nonce: nonce.to_owned(), ..new(EventWhat::Posted, lamport) }
}

fn assigned() -> ForumEvent {
    ForumEvent {
        assignee_type: Some(ActorKind::Human),
        assignee: Some("Ada <ada@example.org>".to_owned()),
        note: Some("She knows.".to_owned()),
        ..new(EventWhat::Assigned, 2)
    }
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/store").join(format!("event-v{EVENT_FORMAT}"))
}

#[test]
fn the_frozen_events_of_every_format_are_read() {
    let all = [("opened", opened()), ("assigned", assigned())];
    for format in 1..=EVENT_FORMAT {
        let dir = fixtures().with_file_name(format!("event-v{format}"));
        for (name, event) in &all {
            let file =
                fs::read_dir(dir.join(name)).expect("frozen events").flatten().next().expect("one event");
            let bytes = fs::read(file.path()).expect("an event");
            let stem = file.path().file_stem().expect("a name").to_string_lossy().into_owned();
            let read = parse_event(&stem, &bytes).expect("a frozen event is read for ever");
            assert_eq!(read.event, *event, "{name} of format {format}");
            if format == EVENT_FORMAT {
                assert_eq!(bytes, event_bytes(event).expect("bytes"), "the text form is the frozen one");
            }
        }
    }
}

fn filed(bytes: &[u8]) -> String {
    FiledEvent::id_of(1, bytes).expect("an id").to_string()
}

#[test]
fn what_is_no_event_is_named_and_what_is_newer_is_read_where_it_can_be() {
    let good = String::from_utf8(event_bytes(&opened()).expect("bytes")).expect("text");
    let broken = |text: &str, why: &str| {
        let error = parse_event(&filed(text.as_bytes()), text.as_bytes()).expect_err(why);
        assert!(error.to_string().contains(why), "{error} does not say {why:?}");
    };
    broken("", "it does not say its format");
    broken("format = 0\nkind = \"forum-event\"\n", "it does not say its format");
    broken(&good.replace("kind = \"forum-event\"", "kind = \"run\""), "not the record of a forum event");
    broken(&good.replace("title = ", "title = [\n"), "line ");
    broken(&good.replace("priority = \"high\"\n", ""), "an event 'opened' needs a priority");
    broken(&good.replace("lamport = 1", "lamport = 2"), "an event 'opened' needs the number 1");
    broken(&good.replace("lamport = 1", "lamport = -1"), "line 5");
    broken(&good.replace("\"opened\"", "\"exploded\""), "line 4");
    broken(&good.replace("fthr-", "../"), "line 3");
    let error = parse_event("fevt-000001-x", good.as_bytes()).expect_err("another name");
    assert!(error.to_string().contains("its name was made from"), "{error}");
    let changed = good.replace("What shall it say?", "What shall it hide?");
    assert!(parse_event(&filed(good.as_bytes()), changed.as_bytes()).is_err(), "a changed word is seen");
    assert!(parse_event("x", &[0xff, 0xfe]).expect_err("no text").to_string().contains("UTF-8"));
    assert!(parse_event("x", &vec![b'#'; EVENT_CAP + 1]).expect_err("large").to_string().contains("large"));
    let newer = good.replace("format = 1", "format = 99\nmood = \"glad\"");
    let read = parse_event(&filed(newer.as_bytes()), newer.as_bytes()).expect("it parses");
    assert_eq!((read.event.format, read.event.what), (99, EventWhat::Opened));
    let other = "format = 99\nkind = \"forum-event\"\nsaid = 1\n";
    assert_eq!(parse_event("x", other.as_bytes()), Err(RecordError::Newer { format: 99 }));
    let bad = ForumEvent { body: None, ..posted(2, "a") };
    assert!(matches!(event_bytes(&bad), Err(StoreError::Event { .. })));
}

proptest! {
    #[test]
    fn any_words_come_back_as_they_were(
        body in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f\\u{202a}-\\u{202e}'\"\\\\]){0,60}",
        title in "\\PC{0,20}",
        name in "[\\x00-\\u{ff}]{0,20}",
    ) {
        let mut event = opened();
        event.body = Some(format!("x{body}"));
        event.title = Some(format!("x{title}"));
        event.actor = name;
        let bytes = event_bytes(&event).expect("bytes");
        prop_assert!(!bytes.contains(&0) && bytes.ends_with(b"\n"));
        let text = std::str::from_utf8(&bytes).expect("text");
        prop_assert!(!text.contains('\r'), "a checkout may change the ends of lines");
        prop_assert_eq!(parse_event(&filed(&bytes), &bytes).expect("it is read").event, event);
    }

    #[test]
    fn no_bytes_are_more_than_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_event("fevt-000001-x", &bytes).is_err());
    }
}

fn only(store: &Store) -> ThreadFiles {
    let mut odd = Vec::new();
    let found = store.threads(&mut odd).expect("a list");
    assert_eq!((found.len(), odd), (1, vec![]));
    found.into_iter().next().expect("one")
}

fn read(store: &Store) -> (Vec<FiledEvent>, Vec<OddEvent>) {
    let mut odd = Vec::new();
    let events = store.thread_events(&only(store), &mut odd).expect("read");
    (events, odd)
}

#[test]
fn an_event_lies_in_the_month_of_its_thread_and_is_written_once() {
    let place = Place::new();
    let store = place.store();
    assert!(store.threads(&mut Vec::new()).expect("none").is_empty() && !store.exists());
    let first = store.add_event(None, &opened()).expect("added");
    let second = store.add_event(None, &posted(2, "a")).expect("added");
    assert_eq!(store.add_event(None, &opened()).expect("again"), first);
    let dir = store.dir().join("forum/2025-03").join(thread_id().as_str());
    assert_eq!(
        files::names_in(&dir).expect("list"),
        [format!("{}.toml", first.id), format!("{}.toml", second.id)]
    );
    assert_eq!(read(&store), (vec![first, second], vec![]));
    assert_eq!(store.find_thread(&thread_id()).expect("find"), Some(only(&store)));
    let path = only(&store).published_path("fevt-1");
    assert_eq!(path, format!(".metawsm/forum/2025-03/{}/fevt-1.toml", thread_id()));
    let elsewhere = ForumEvent { thread: ThreadId::parse("fthr-42").expect("id"), ..opened() };
    store.add_event(Some("2019-01"), &elsewhere).expect("an id of somebody else");
    let found = store.find_thread(&elsewhere.thread).expect("find").expect("it is there");
    assert_eq!((found.month.as_str(), found.names.len()), ("2019-01", 1));
    assert_eq!(store.find_thread(&ThreadId::parse("fthr-43").expect("id")).expect("find"), None);
}

#[test]
fn what_somebody_left_in_the_forum_is_named_and_hides_nothing() {
    let place = Place::new();
    let store = place.store();
    let first = store.add_event(None, &opened()).expect("added");
    let dir = store.thread_dir("2025-03", &thread_id());
    let name = |n: u32| dir.join(format!("fevt-00000{n}-aaaa.toml"));
    fs::write(dir.join(".tmp-abcd"), "half").expect("what a kill leaves");
    fs::write(dir.join("notes.txt"), "mine").expect("a file");
    fs::write(name(2), b"\xff\x1b[31m").expect("a file");
    nix::unistd::mkfifo(&name(3), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    std::os::unix::fs::symlink("/etc/passwd", name(4)).expect("a link");
    fs::create_dir(name(5)).expect("a directory");
    let large = fs::File::create(name(6)).expect("a file");
    large.set_len(1 << 30).expect("a gibibyte of nothing");
    fs::hard_link(dir.join(format!("{}.toml", first.id)), dir.join(".tmp-second-name"))
        .expect("a second name");
    let mut other = opened();
    other.thread = ThreadId::parse("fthr-other").expect("id");
    let bytes = event_bytes(&other).expect("bytes");
    fs::write(dir.join(format!("{}.toml", filed(&bytes))), &bytes).expect("of another thread");
    let (events, odd) = read(&store);
    assert_eq!((events, odd.len()), (vec![first], 6), "{odd:#?}");
    let whys = odd.iter().map(|odd| odd.why.as_str()).collect::<Vec<_>>().join("\n");
    for why in ["not UTF-8 text", "not a regular file", "too large", "of the thread fthr-other"] {
        assert!(whys.contains(why), "{why} is missing in {whys}");
    }
    let forum = store.forum_dir();
    fs::create_dir(forum.join("elsewhere")).expect("a directory");
    fs::create_dir(forum.join("2025-03/-odd")).expect("a directory");
    fs::create_dir(forum.join("2025-03/fthr-empty")).expect("what a kill leaves");
    fs::write(forum.join("2025-03/fthr-file"), "x").expect("a file");
    let mut odd = Vec::new();
    assert_eq!(store.threads(&mut odd).expect("list").len(), 1);
    assert_eq!(odd.len(), 2, "{odd:?}");
}

#[test]
fn many_at_once_lose_nothing_and_one_thread_has_one_writer() {
    let place = Place::new();
    let store = place.store();
    store.add_event(None, &opened()).expect("added");
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (store, start) = (&store, &start);
            scope.spawn(move || {
                start.wait();
                for n in 0..10 {
                    let _lock = store.lock_thread(&thread_id(), "test", LONG).expect("the lock");
                    let lamport = u64::try_from(only(store).names.len()).expect("few") + 1;
                    store.add_event(None, &posted(lamport, &format!("{writer}-{n}"))).expect("added");
                }
            });
        }
    });
    let (events, odd) = read(&store);
    assert_eq!((events.len(), odd.len()), (81, 0));
    let numbers: Vec<_> = events.iter().map(|event| event.event.lamport).collect();
    assert_eq!(numbers, (1..=81).collect::<Vec<_>>(), "one after the other");
}

#[test]
fn what_history_keeps_can_go_and_its_directory_with_it() {
    let place = Place::new();
    let store = place.store();
    store.add_event(None, &opened()).expect("added");
    store.add_event(None, &posted(2, "a")).expect("added");
    let thread = only(&store);
    store.forget_events(&thread, &thread.names[..1]).expect("one goes");
    assert_eq!(only(&store).names, thread.names[1..]);
    store.forget_events(&thread, &thread.names[1..]).expect("the other goes");
    assert!(!store.thread_dir("2025-03", &thread_id()).exists());
    let mut odd = Vec::new();
    assert_eq!(store.thread_events(&thread, &mut odd).expect("gone meanwhile"), []);
    assert_eq!((store.event_bytes(&thread, &thread.names[0]).expect("gone"), odd.len()), (None, 0));
}

#[test]
fn what_a_killed_writer_left_goes_when_it_is_old() {
    let place = Place::new();
    let store = place.store();
    store.add_event(None, &opened()).expect("added");
    let month = store.forum_dir().join("2025-03");
    let dir = month.join(thread_id().as_str());
    fs::write(dir.join(".tmp-half"), "ha").expect("litter");
    fs::create_dir(month.join("fthr-empty")).expect("litter");
    assert_eq!(store.sweep_temps().expect("sweep"), 0, "it may be written just now");
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    for old in [dir.join(".tmp-half"), dir.clone(), month.join("fthr-empty")] {
        fs::File::open(&old).and_then(|file| file.set_modified(hour_ago)).expect("the time");
    }
    assert_eq!(store.sweep_temps().expect("sweep"), 2);
    assert_eq!((only(&store).names.len(), files::names_in(&month).expect("list").len()), (1, 1));
}
