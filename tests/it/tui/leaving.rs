//! Every way out leaves the terminal as it was.

use super::chair::Chair;
use crate::kit::{World, require, wait_until};
use crate::stage::{PATIENCE, Stage};
use git_metawsm::tui::Terminal;
use std::process::Command;

/// Set where this test program is started again, in a terminal of its own.
const BREAKS: &str = "IT_TUI_BREAKS";

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_it_was() {
    if require("tmux").is_none() {
        return;
    }
    for (signal, status) in [("TERM", "143"), ("HUP", "129"), ("INT", "130")] {
        let stage = Stage::new(&[("coder", "exit 0")]);
        let chair = Chair::at(&stage, (80, 24), "");
        chair.see("q quit");
        let kill = Command::new("kill").args([&format!("-{signal}"), &chair.program()]).status();
        assert!(kill.expect("kill runs").success());
        chair.is_as_before(stage.api.path(), status);
    }
}

#[test]
fn ctrl_c_leaves_it_too() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exit 0")]);
    let chair = Chair::at(&stage, (80, 24), "");
    chair.see("No open runs here");
    chair.key("C-c");
    chair.is_as_before(stage.api.path(), "0");
}

#[test]
fn a_terminal_that_goes_away_takes_it_along() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exit 0")]);
    let chair = Chair::at(&stage, (80, 24), "");
    chair.see("q quit");
    let place = format!("/proc/{}", chair.program());
    chair.tmux(&["kill-server"]).ok();
    wait_until("it has ended", PATIENCE, || !std::path::Path::new(&place).exists());
}

#[test]
fn a_panic_of_any_thread_gives_the_terminal_back_before_it_is_told() {
    if std::env::var_os(BREAKS).is_some() {
        let terminal = Terminal::take().expect("a terminal");
        let _ = std::thread::spawn(|| panic!("this thread breaks")).join();
        drop(terminal);
        return;
    }
    if require("tmux").is_none() {
        return;
    }
    let world = World::new();
    let chair = Chair::in_dir(&world, world.root(), (100, 30));
    let program = std::env::current_exe().expect("we are a program");
    let name = "tui::leaving::a_panic_of_any_thread_gives_the_terminal_back_before_it_is_told";
    chair.line(&format!(
        "clear; stty -a > before; {BREAKS}=1 '{}' --exact {name} --nocapture; echo \"left with $?\"; stty -a > after",
        program.display()
    ));
    let shown = chair.see("left with 0");
    assert!(shown.contains("this thread breaks"), "what it said is there to be read:\n{shown}");
    chair.is_as_before(world.root(), "0");
}
