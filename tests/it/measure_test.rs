//! The measuring of the benches: medians of turns, budgets, failures told.

use crate::measure::{Extra, Peak, Ratio, in_turns, on_two_threads, peak_of, run};
use std::process::Command;
use std::time::Duration;

fn ratio(floor: u64, ours: u64, budget: f64) -> Ratio {
    let (floor, ours) = (Duration::from_millis(floor), Duration::from_millis(ours));
    Ratio { work: "work".into(), against: "floor".into(), floor, ours, budget }
}

#[test]
fn a_budget_holds_up_to_its_ratio() {
    assert!(ratio(10, 30, 3.0).holds());
    assert!(!ratio(10, 31, 3.0).holds());
    assert!(ratio(10, 31, 3.0).to_string().contains("OVER"));
    assert!(!ratio(10, 30, 3.0).to_string().contains("OVER"));
}

#[test]
fn what_comes_on_top_is_judged_by_itself() {
    let extra = |floor, ours| Extra {
        work: "work".into(),
        against: "floor".into(),
        floor: Duration::from_millis(floor),
        ours: Duration::from_millis(ours),
        budget: Duration::from_millis(3),
    };
    assert!(extra(100, 103).holds() && extra(100, 90).holds() && !extra(1, 5).holds());
    assert!(extra(1, 5).to_string().contains("OVER") && !extra(1, 4).to_string().contains("OVER"));
}

#[test]
fn both_sides_take_turns_and_the_first_turn_is_not_measured() {
    let calls = std::cell::RefCell::new(Vec::new());
    let note = |who| {
        let calls = &calls;
        move |turn: usize| {
            calls.borrow_mut().push((who, turn));
            Ok(())
        }
    };
    in_turns(2, note("floor"), note("ours")).expect("nothing fails");
    let expected = [("floor", 0), ("ours", 0), ("ours", 1), ("floor", 1), ("floor", 2), ("ours", 2)];
    assert_eq!(*calls.borrow(), expected);
    assert!(in_turns(2, |_| Ok(()), |_| Err("no".into())).is_err());
}

#[test]
fn a_failed_command_is_told_with_its_line_and_its_words() {
    let sh = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    };
    let failed = run(&mut sh("echo reason >&2; exit 3"), &[0]).expect_err("it fails");
    assert!(failed.contains("sh -c") && failed.contains("reason"), "{failed}");
    assert_eq!(run(&mut sh("echo out; exit 3"), &[0, 3]), Ok("out\n".into()));
    assert!(on_two_threads(vec![sh("true"), sh("true"), sh("exit 1")]).is_err());
    assert!(on_two_threads(Vec::new()).is_ok());
}

#[test]
fn the_memory_of_a_command_is_told_and_has_a_budget() {
    let sh = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    };
    let long = "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; exit 3";
    let kib = peak_of(&mut sh(long), &[3]).expect("it ends as it should");
    assert!((100..100_000).contains(&kib), "{kib} KiB");
    peak_of(&mut sh(long), &[0]).expect_err("it ends otherwise");
    let peak = |kib| Peak { work: "work".into(), kib, budget_kib: 64 * 1024 };
    assert!(peak(64 * 1024).holds() && !peak(64 * 1024 + 1).holds());
    assert!(peak(32 * 1024).to_string().contains(" 32.0 "), "{}", peak(32 * 1024));
    assert!(peak(65 * 1024).to_string().contains("OVER"));
}
