//! Runs of all control repositories: each is acted on where it is, and every command can be typed where one stands.

use super::chair::Chair;
use crate::kit::require;
use crate::stage::{PATIENCE, Stage, holds, id};
use crate::story_merge::half_merged;
use serde_json::json;

#[test]
fn a_run_of_another_control_repository_is_answered_judged_and_closed_there() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(&[("coder", super::story::ASKS)], "process", &json!({}));
    let run = stage.run(&["Choose the port"]);
    let other = stage.repo_on("other", "main");
    let place = stage.api.path().display().to_string();
    let chair = Chair::in_dir(&stage.world, other.path(), (200, 40));
    chair.start("", "-A");
    holds(
        &chair.see("Which port shall the server"),
        &["1 open, 1 need you", &format!("git metawsm -C {place} guide")],
    );
    chair.key("a");
    chair.see("coder:");
    chair.write("9090");
    chair.key("Enter");
    chair.see("Do it? y/N");
    chair.key("y");
    chair.see("answered choose-the-port.coder");
    chair.back();
    chair.see("completed");
    chair.key("3");
    chair.see("ok     run-state");
    chair.key("C");
    holds(&chair.see("Do it? y/N"), &[&format!("close {}: this would be done", id(&run))]);
    chair.key("y");
    chair.see(&format!("git metawsm -C {place} cleanup {}", id(&run)));
    assert_eq!(stage.api.git(["show", "main:port.txt"]), "9090");
    chair.back();
    chair.see("It is closed: nothing is left to judge.");
    chair.key("X");
    chair.see("Do it? y/N");
    chair.key("y");
    chair.see("removed");
    chair.back();
    chair.key("q");
    chair.is_as_before(other.path(), "0");
}

#[test]
fn a_merge_that_was_stopped_half_way_is_finished_or_taken_back_from_anywhere() {
    if require("tmux").is_none() {
        return;
    }
    for finishes in [true, false] {
        let (stage, web, run) = half_merged("merge");
        let other = stage.repo_on("other", "main");
        let chair = Chair::in_dir(&stage.world, other.path(), (110, 30));
        chair.start("", "-A");
        chair.see("was stopped while it moved");
        chair.key("m");
        holds(&chair.see("it was stopped half way"), &["finish the merge", "take the merge back"]);
        let word = if finishes { "finish the merge" } else { "take the merge back" };
        if !finishes {
            chair.key("j");
        }
        chair.key("Enter");
        holds(&chair.see("Do it? y/N"), &[&format!("{word} {}: this would be done", id(&run))]);
        chair.key("y");
        chair.see_that("it is over", |screen| screen.contains("Esc back") && !screen.contains("under way"));
        chair.back();
        let holds_work = |repo: &crate::kit::Repo| repo.rev("main:coder-go-ahead.txt").is_some();
        assert_eq!((holds_work(&web), holds_work(&stage.api)), (finishes, finishes));
        crate::kit::wait_until("nothing is half done", PATIENCE, || !chair.screen().contains("half way"));
        chair.key("q");
        chair.is_as_before(other.path(), "0");
    }
}
