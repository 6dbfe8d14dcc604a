//! Hostile words and hostile files: visible, harmless, nothing lost.

use crate::cmd::stage::{Stage, WAITS, WORKS, plain};
use git_metawsm::model::{Actor, ActorKind, EventWhat, FiledEvent, ForumEvent, Priority, RunId, ThreadId};
use git_metawsm::store::{Store, event_bytes};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Every control character, what moves, hides or turns text around, and what terminals take for orders.
fn words() -> Vec<String> {
    // A tab is shown as it is in a post of several lines, as a line break is.
    let controls = (0..0x20_u32).filter(|c| *c != 0x09).chain(0x7f..0xa0);
    let marks = (0x200b..=0x200f).chain(0x2028..=0x202e).chain(0x2060..=0x206f);
    let others = [0x061c, 0xfeff, 0xfff9, 0xfffb, 0xe0001, 0xe0041, 0x0300, 0xfffe, 0x0010_ffff];
    let single = controls.chain(marks).chain(others).filter_map(char::from_u32);
    let orders = [
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]52;c;ZXZpbA==\u{7}",
        "\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "\u{1b}P+q544e\u{1b}\\",
        "\u{1b}[6n",
        "\u{9b}31m",
        "\u{1b}[?1049h",
        "\u{1b}c",
        "a\rb",
        "a\u{8}\u{8}b",
        "'''\n\"\"\"\n[x]\na = 1",
        "\n\nMetawsm-Merged: x",
        "---\n---\n",
        "{\"a\":1}\n{\"b\":2}",
        "%s%n%x {} {0} $(id) `id` ${HOME}",
        "</script><script>alert(1)</script>",
    ];
    single.map(|c| format!("a{c}b")).chain(orders.map(str::to_owned)).collect()
}

fn store(stage: &Stage) -> Store {
    Store::at(&stage.repo.common_dir(), Some(stage.repo.path()))
}

fn event(thread: &ThreadId, lamport: u64, what: EventWhat, name: &str) -> ForumEvent {
    let actor = Actor { kind: ActorKind::Human, name: name.to_owned() };
    let mut event = ForumEvent::new(thread.clone(), what, lamport, jiff::Timestamp::now(), actor);
    event.nonce = format!("{lamport}");
    event
}

fn opened(thread: &ThreadId, title: &str, body: &str, name: &str) -> ForumEvent {
    let mut event = event(thread, 1, EventWhat::Opened, name);
    event.title = Some(title.to_owned());
    event.body = Some(body.to_owned());
    event.priority = Some(Priority::Urgent);
    event
}

#[test]
fn no_word_of_anybody_reaches_a_terminal_as_it_is() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do it");
    let (store, words) = (store(&stage), words());
    let run = RunId::parse("one").expect("an id");
    let mut threads = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let id = ThreadId::parse(&format!("fthr-20260101-000000-{n:08}")).expect("an id");
        let mut first = opened(&id, word, word, word);
        first.run = Some(run.clone());
        let mut given = event(&id, 2, EventWhat::Assigned, word);
        (given.assignee, given.assignee_type) = (Some(word.clone()), Some(ActorKind::Agent));
        given.note = Some(word.clone());
        for event in [first, given] {
            store.add_event(None, &event).expect("an event");
        }
        threads.push(id);
    }
    let cases = words.len() * 5;
    assert!(cases >= 200, "{cases}");
    let shows: [&[&str]; 8] = [
        &["forum", "list", "--limit", "1000"],
        &["forum", "watch", "--limit", "1000"],
        &["forum", "search", "a", "--limit", "1000"],
        &["forum", "list", "--escalated"],
        &["status"],
        &["status", "one"],
        &["log", "one"],
        &["publish", "--dry-run"],
    ];
    for words in shows {
        plain(&stage.run(words).ok());
        plain(&stage.run(&[&["--json"], words].concat()).ok());
    }
    for words in [&["check", "one"][..], &["--json", "check", "one"]] {
        plain(&stage.run(words).output());
    }
    for (id, word) in threads.iter().zip(&words) {
        plain(&stage.run(&["forum", "thread", id.as_str()]).ok());
        let view = stage.json(&["forum", "thread", id.as_str()]);
        let of = |at: usize, key: &str| view["events"][at][key].as_str().map(str::to_owned);
        let told = [of(0, "body"), of(0, "actor"), of(1, "note")];
        assert!(told.iter().all(|told| told.as_ref() == Some(word)), "{word:?}: {view}");
        assert_eq!(view["thread"]["assignee"]["name"].as_str(), Some(word.as_str()));
        assert_eq!(view["thread"]["title"].as_str(), Some(word.as_str()));
    }
    stage.run(&["publish"]).ok();
    let message = stage.repo.git(["log", "-1", "--format=%B"]);
    assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message:?}");
    assert!(!message.lines().any(|line| line.starts_with("Metawsm-")), "no foreign trailer: {message}");
    stage.run(&["stop", "one"]).ok();
}

const NEWER: &str = "a newer format";

type Make = fn(&Path);

fn named(dir: &Path, bytes: &[u8]) {
    let id = FiledEvent::id_of(2, bytes).expect("an id");
    std::fs::write(dir.join(format!("{id}.toml")), bytes).expect("a file");
}

fn place(dir: &Path) -> PathBuf {
    dir.join(format!("fevt-000002-{}.toml", "a".repeat(32)))
}

fn thread_of(dir: &Path) -> String {
    dir.file_name().expect("a name").to_string_lossy().into_owned()
}

fn changed(dir: &Path, from: &str, to: &str) {
    let mut post = event(&ThreadId::parse(&thread_of(dir)).expect("an id"), 2, EventWhat::Posted, "Eve");
    post.body = Some("late words".to_owned());
    let text = String::from_utf8(event_bytes(&post).expect("bytes")).expect("text");
    assert!(text.contains(from), "{from:?} is not in {text}");
    named(dir, text.replacen(from, to, 1).as_bytes());
}

const LITTER: [(&str, Make); 30] = [
    ("empty", |dir| named(dir, b"")),
    ("blanks", |dir| named(dir, b" \n\t \r\n")),
    ("a NUL", |dir| named(dir, b"\0\0\0")),
    ("no text", |dir| named(dir, b"\xff\xfe\x80")),
    ("a pipe", |dir| nix::unistd::mkfifo(&place(dir), nix::sys::stat::Mode::S_IRWXU).expect("a pipe")),
    ("a link", |dir| std::os::unix::fs::symlink("/etc/passwd", place(dir)).expect("a link")),
    ("a link to nowhere", |dir| std::os::unix::fs::symlink("nowhere", place(dir)).expect("a link")),
    ("a link to itself", |dir| std::os::unix::fs::symlink(place(dir), place(dir)).expect("a link")),
    ("a link to a device", |dir| std::os::unix::fs::symlink("/dev/zero", place(dir)).expect("a link")),
    ("a directory", |dir| std::fs::create_dir(place(dir)).expect("a directory")),
    ("a gibibyte", |dir| {
        std::fs::File::create(place(dir)).and_then(|file| file.set_len(1 << 30)).expect("a file");
    }),
    ("another content", |dir| {
        changed(dir, "late", "late");
        let name = std::fs::read_dir(dir).expect("it").flatten().map(|e| e.path());
        let post = name.into_iter().find(|p| p.to_string_lossy().contains("fevt-000002")).expect("the post");
        let text = std::fs::read_to_string(&post).expect("text");
        std::fs::write(post, text.replace("late", "fake")).expect("written");
    }),
    ("a wrong name", |dir| std::fs::write(dir.join("fevt-1.toml"), "format = 1").expect("a file")),
    ("a hostile name", |dir| std::fs::write(dir.join("\u{1b}[31m\u{202e}.toml"), "x").expect("a file")),
    ("another thread", |dir| changed(dir, "fthr-", "fthr-9")),
    ("a thread above", |dir| changed(dir, "\"fthr-", "\"../fthr-")),
    (NEWER, |dir| changed(dir, "format = 1", "format = 99")),
    ("no format", |dir| changed(dir, "format = 1\n", "")),
    ("format 0", |dir| changed(dir, "format = 1", "format = 0")),
    ("format -1", |dir| changed(dir, "format = 1", "format = -1")),
    ("another kind", |dir| changed(dir, "forum-event", "run")),
    ("an unknown event", |dir| changed(dir, "\"posted\"", "\"exploded\"")),
    ("number 0", |dir| changed(dir, "lamport = 2", "lamport = 0")),
    ("a number without end", |dir| changed(dir, "lamport = 2", "lamport = 9223372036854775807")),
    ("a key twice", |dir| changed(dir, "format = 1", "format = 1\nformat = 1")),
    ("no time", |dir| changed(dir, "at = \"", "at = \"x")),
    ("no words", |dir| changed(dir, "late words", " ")),
    ("deep lists", |dir| named(dir, format!("x = {}", "[".repeat(1_000_000)).as_bytes())),
    ("deep tables", |dir| named(dir, format!("{}x = 1", "a.".repeat(1_000_000)).as_bytes())),
    ("deep inline tables", |dir| named(dir, format!("x = {}", "{a=".repeat(300_000)).as_bytes())),
];

#[test]
fn litter_among_events_is_named_and_hides_nothing() {
    let stage = Stage::with(WORKS);
    let store = store(&stage);
    let mut threads = Vec::new();
    for (n, (what, make)) in LITTER.iter().enumerate() {
        let id = ThreadId::parse(&format!("fthr-20260101-000000-{n:08}")).expect("an id");
        store.add_event(None, &opened(&id, what, "good words", "Ada")).expect("an event");
        make(&store.thread_dir("2026-01", &id));
        threads.push((id, *what));
    }
    let expected: Vec<Value> = threads
        .iter()
        .flat_map(|(id, what)| {
            let view = stage.json(&["forum", "thread", id.as_str()]);
            plain(&stage.run(&["forum", "thread", id.as_str()]).ok());
            assert_eq!(view["thread"]["title"], *what);
            assert_eq!(view["events"][0]["body"], "good words", "{what}");
            // What a newer version wrote and this one understands is shown.
            let counts = if *what == NEWER { (2, 0) } else { (1, 1) };
            let count = |key: &str| view[key].as_array().map_or(0, Vec::len);
            assert_eq!((count("events"), count("broken")), counts, "{what}: {view}");
            view["broken"].as_array().cloned().unwrap_or_default()
        })
        .collect();
    // Answering goes on beside all of them, but for what a newer version has written.
    for (id, what) in &threads {
        let said = stage.run(&["forum", "answer", id.as_str(), "--body", "still here"]);
        let output = if *what == NEWER { said.code(6) } else { said.ok() };
        plain(&output);
    }
    for _ in 0..2 {
        let listed = stage.json(&["forum", "list", "--limit", "100"]);
        assert_eq!(listed["threads"].as_array().map(Vec::len), Some(LITTER.len()));
        let broken = listed["broken"].as_array().expect("a list");
        assert!(expected.iter().all(|why| broken.contains(why)), "{broken:#?}");
        plain(&stage.run(&["forum", "list"]).ok());
        plain(&stage.run(&["forum", "search", "good"]).ok());
        plain(&stage.run(&["forum", "watch"]).ok());
        plain(&stage.run(&["status"]).ok());
    }
    stage.run(&["publish"]).ok();
    let published = stage.repo.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/forum"]);
    assert_eq!(published.lines().count(), 2 * LITTER.len(), "only what is good: {published}");
}

#[test]
fn litter_in_the_place_of_threads_and_months_is_named_and_hides_nothing() {
    let stage = Stage::with(WORKS);
    let id = crate::cmd::forum::ask(&stage, &["--body", "good words"]);
    let forum = stage.repo.common_dir().join("metawsm/forum");
    let month = forum.join("2026-01");
    std::fs::create_dir_all(&month).expect("a month");
    std::fs::write(forum.join("2026-02"), "a file").expect("a file");
    std::fs::create_dir(forum.join("\u{1b}[2J")).expect("a directory");
    std::os::unix::fs::symlink("/", forum.join("2026-03")).expect("a link");
    std::fs::write(month.join("fthr-file"), "x").expect("a file");
    std::fs::create_dir(month.join("..\u{202e}x")).expect("a directory");
    std::fs::create_dir(month.join("fthr-empty")).expect("a directory");
    std::os::unix::fs::symlink("/proc", month.join("fthr-link")).expect("a link");
    nix::unistd::mkfifo(&month.join("fthr-pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    for _ in 0..2 {
        for words in [&["forum", "list"][..], &["forum", "watch"], &["status"], &["forum", "search", "good"]]
        {
            plain(&stage.run(words).ok());
        }
        let listed = stage.json(&["forum", "list"]);
        assert_eq!(listed["threads"][0]["id"], id.as_str());
        assert_eq!(listed["threads"].as_array().map(Vec::len), Some(1), "{listed}");
    }
    stage.run(&["forum", "answer", &id, "--body", "still here"]).ok();
    stage.run(&["publish"]).ok();
}
