//! What people and agents leave in a worktree, and what becomes of it when the worktree goes: each byte and each
//! commit is where it was, with a refusal that names it, or comes back from a rescue byte for byte.

mod scene;
mod table;

use scene::{Order, Scene};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use table::{End, SITUATIONS, Situation};

/// Worlds at a time: most of the time of each goes by while disks are waited for.
const AT_A_TIME: usize = 3;

/// Every situation under one command. A failure names them all.
fn judge(order: Order, expected: fn(&Situation) -> Option<End>) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(situation) = SITUATIONS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(end) = expected(situation) else { continue };
                    let judged = || Scene::new(order, situation).judge(order, &end);
                    if let Err(cause) = std::panic::catch_unwind(judged) {
                        let why = cause.downcast_ref::<String>().cloned();
                        let why = why.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                        let line = format!("== {}: {}", situation.name, why.unwrap_or_default());
                        failures.lock().expect("nobody panics here").push(line);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panics here");
    assert!(failures.is_empty(), "{order:?}:\n{}", failures.join("\n"));
}

#[test]
fn cleanup_loses_nothing() {
    judge(Order::Cleanup, |s| Some(s.cleanup));
}

#[test]
fn cleanup_by_force_loses_nothing() {
    // Where nothing is refused, force changes nothing.
    judge(Order::Force, |s| (s.cleanup != End::Goes).then_some(s.force));
}

#[test]
fn discard_loses_nothing() {
    judge(Order::Discard, |s| Some(s.discard));
}

#[test]
fn restart_loses_nothing() {
    judge(Order::Restart, |s| Some(s.restart));
}

#[test]
fn there_are_25_situations_and_more() {
    assert!(SITUATIONS.len() >= 25, "{}", SITUATIONS.len());
}
