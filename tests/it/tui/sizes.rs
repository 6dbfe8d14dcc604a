//! Terminals as they are: small, wide, changing, without colours, or none that a screen could be shown on.

use super::chair::Chair;
use crate::kit::{require, wait_for};
use crate::stage::{PATIENCE, Stage, holds};
use std::time::{Duration, Instant};

#[test]
fn a_small_terminal_shows_the_runs_and_a_larger_one_more() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exec sleep 600")]);
    stage.run(&["漢字 and a very long goal that no small terminal can ever hold in one line"]);
    let chair = Chair::at(&stage, (20, 5), "");
    holds(&chair.see("1 open"), &["quit"]);
    chair.key("l");
    chair.see("run-");
    chair.tmux(&["resize-window", "-t", "chair", "-x", "100", "-y", "30"]).ok();
    let shown = chair.see("8 journal");
    holds(&shown, &["1 open", "漢字", "s stop"]);
    chair.tmux(&["resize-window", "-t", "chair", "-x", "10", "-y", "3"]).ok();
    chair.see_that("it says that this is too small", |screen| screen.starts_with("20x5"));
    chair.tmux(&["resize-window", "-t", "chair", "-x", "200", "-y", "60"]).ok();
    chair.see("8 journal");
    chair.key("q");
    chair.see("left with 0\n");
    stage.do_(["stop"]).ok();
}

#[test]
fn without_colours_none_is_used_and_otherwise_some_are() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exec sleep 600")]);
    stage.run(&["Colour it"]);
    for (variables, colors) in [("NO_COLOR=1", false), ("", true)] {
        let chair = Chair::in_dir(&stage.world, stage.api.path(), (80, 24));
        chair.start(variables, "");
        chair.see("8 journal");
        chair.see("running");
        let painted = chair.tmux(&["capture-pane", "-p", "-e", "-t", "chair"]).ok().stdout;
        assert_eq!(painted.contains("38;5;"), colors, "{variables}: {painted:?}");
        chair.key("q");
        chair.see("left with 0");
        chair.tmux(&["kill-server"]).ok();
    }
    stage.do_(["stop"]).ok();
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_is_told_what_shows_the_same() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exit 0")]);
    for (variables, words) in [("TERM=dumb", "TERM is 'dumb'"), ("env -u TERM", "TERM is not set")] {
        let chair = Chair::in_dir(&stage.world, stage.api.path(), (100, 24));
        chair.start(variables, "");
        let shown = chair.see("left with 1");
        holds(&shown, &[words, "git metawsm status --watch"]);
        chair.tmux(&["kill-server"]).ok();
    }
}

/// How often the threads of a process have been woken, and the ticks of time that they have used.
fn work_of(pid: &str) -> (u64, u64) {
    let number = |text: &str| text.trim().parse::<u64>().expect("a number");
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("its threads").flatten();
    let woken = tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
        .map(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            number(line.expect("Linux counts them"))
        })
        .sum();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its numbers");
    let after = stat.rsplit_once(')').expect("its name").1;
    let ticks = after.split_whitespace().skip(11).take(2).map(number).sum();
    (woken, ticks)
}

#[test]
fn who_looks_at_it_and_does_nothing_wakes_nobody() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "echo 'it is quiet now'; exec sleep 600")]);
    stage.run(&["Wait"]);
    let chair = Chair::at(&stage, (80, 24), "");
    chair.see("8 journal");
    chair.key("2");
    chair.see("it is quiet now");
    let pid = chair.program();
    // Three seconds in a row without a wake-up; only the minute for ages may fall into some of them.
    let (mut since, mut before) = (Instant::now(), work_of(&pid));
    wait_for("it sleeps", PATIENCE, || {
        let now = work_of(&pid);
        if now != before {
            (since, before) = (Instant::now(), now);
        }
        (since.elapsed() >= Duration::from_secs(3)).then_some(())
    });
    stage.do_(["forum", "ask", "--title", "News", "--body", "Wake up"]).ok();
    wait_for("a change wakes it", PATIENCE, || (work_of(&pid).0 > before.0).then_some(()));
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
    stage.do_(["stop"]).ok();
}
