//! Many at once: whatever is posted, by however many, is there once.

use crate::cmd::forum::ask;
use crate::cmd::stage::{Stage, WORKS, answer};
use crate::kit::all;
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writers, each starting one process after the other.
const WRITERS: usize = 16;

/// One writer's posts: every second one in one of the shared threads, the others in threads of their own.
fn write(stage: &Stage, shared: &[String], writer: usize, posts: usize) -> Vec<String> {
    let one = |n: usize| {
        let body = format!("words {writer}-{n}");
        let thread = &shared[(writer + n) % shared.len()];
        let words = match n % 2 {
            0 => vec!["--json", "--wait", "100", "forum", "answer", thread, "--body", &body],
            _ => vec!["--json", "forum", "ask", "--body", &body],
        };
        let value = answer(&stage.run(&words).ok());
        assert!(value["thread"]["id"].is_string(), "{value}");
        body
    };
    (0..posts).map(one).collect()
}

/// Lists again and again, and throws the index away in between: both never change what is there.
fn look(stage: &Stage, is_over: &AtomicBool) -> usize {
    let index = stage.repo.common_dir().join("metawsm/index.db");
    let (mut most, mut looks) = (0, 0);
    while !is_over.load(Ordering::Relaxed) || looks < 2 {
        let listed = stage.json(&["forum", "list", "--limit", "100000"]);
        assert_eq!(listed["broken"], serde_json::json!([]), "nobody sees half an event");
        let now = listed["threads"].as_array().expect("a list").len();
        assert!(now >= most, "{most} threads were there, and now {now}");
        (most, looks) = (now, looks + 1);
        if looks % 2 == 0 {
            let _ = std::fs::remove_file(&index);
        }
    }
    most
}

#[test]
fn of_sixteen_who_post_at_once_every_post_is_there_once() {
    let stage = Stage::with(WORKS);
    let posts = if all() { 250 } else { 6 };
    let shared: Vec<_> = (0..4).map(|n| ask(&stage, &["--body", &format!("shared {n}")])).collect();
    let (start, is_over) = (Barrier::new(WRITERS), AtomicBool::new(false));
    let said: Vec<String> = std::thread::scope(|scope| {
        let looking = scope.spawn(|| look(&stage, &is_over));
        let (stage, shared, start) = (&stage, &shared, &start);
        let writing: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    start.wait();
                    write(stage, shared, writer, posts)
                })
            })
            .collect();
        let said = writing.into_iter().flat_map(|task| task.join().expect("a writer")).collect();
        is_over.store(true, Ordering::Relaxed);
        looking.join().expect("who looks");
        said
    });
    let listed = stage.json(&["forum", "list", "--limit", "100000"]);
    let threads = listed["threads"].as_array().expect("a list");
    assert_eq!(threads.len(), shared.len() + WRITERS * (posts / 2));
    let mut found = Vec::new();
    for thread in threads {
        let id = thread["id"].as_str().expect("an id");
        assert_eq!(thread["superseded"], 0, "{thread}");
        let events = stage.json(&["forum", "thread", id])["events"].clone();
        let events = events.as_array().expect("events").clone();
        let numbers: Vec<_> = events.iter().filter_map(|e| e["lamport"].as_u64()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "one after the other");
        found.extend(events.iter().filter_map(|e| e["body"].as_str().map(str::to_owned)));
    }
    found.retain(|body| body.starts_with("words "));
    let (told, unique): (BTreeSet<_>, BTreeSet<_>) = (said.iter().collect(), found.iter().collect());
    assert_eq!((found.len(), told), (unique.len(), unique));
}
