//! What goes wrong while somebody looks: said truthfully, and the screen goes on.

use super::chair::Chair;
use crate::kit::require;
use crate::stage::{Stage, holds, id, workspace};
use serde_json::json;

#[test]
fn a_run_whose_record_is_taken_away_is_said_to_be_gone() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exit 0")]);
    let run = stage.run(&["Take me away"]);
    stage.wait_nobody();
    let chair = Chair::at(&stage, (100, 24), "");
    chair.see("Take me away");
    std::fs::remove_dir_all(stage.api.common_dir().join("metawsm/runs").join(id(&run))).expect("it is there");
    let shown = chair.see("gone");
    holds(&shown, &["0 open", "error:", id(&run)]);
    chair.key("m");
    chair.see("No run is chosen.");
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
}

#[test]
fn a_tmux_server_that_is_killed_leaves_a_dead_agent_and_a_screen_that_says_so() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(&[("coder", "echo 'still here'; exec sleep 600")], "tmux", &json!({}));
    stage.run(&["Lose me"]);
    let chair = Chair::at(&stage, (100, 24), "");
    chair.see("Lose me");
    chair.key("2");
    chair.see("still here");
    stage.world.tmux(["kill-server"]).ok();
    chair.key("1");
    // How the agent ended was written down by its wrapper, if it lived to; or it is known that it did not.
    chair.see_that("it says what became of the agent", |screen| {
        screen.contains("! Lose me") && ["ended", "dead", "signal"].iter().any(|word| screen.contains(word))
    });
    chair.key("t");
    chair.see("the session cannot be entered");
    chair.back();
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
}

#[test]
fn a_refusal_names_every_blocker_with_what_clears_it() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", crate::stage::WORKER)]);
    let run = stage.run(&["Leave something"]);
    stage.wait_state(id(&run), "completed");
    std::fs::write(workspace(&run, 0).join("api/late.txt"), "late\n").expect("a file");
    let chair = Chair::at(&stage, (110, 30), "");
    chair.see("completed");
    chair.key("C");
    let shown = chair.see("close is not possible now");
    holds(&shown, &["BLOCK  clean-tree", "late.txt", &format!("git metawsm commit {}", id(&run))]);
    chair.key("y");
    chair.back();
    chair.key("w");
    holds(&chair.see("Do it? y/N"), &["What is not committed in these worktrees"]);
    chair.key("y");
    chair.see("leave-something/api");
    chair.back();
    chair.key("C");
    holds(&chair.see("Do it? y/N"), &["merge 'task/leave-something' into 'main' of api"]);
    chair.key("n");
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
}

#[test]
fn a_run_that_somebody_holds_is_shown_with_its_holder() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exit 0")]);
    let run = stage.run(&["Hold me"]);
    stage.wait_nobody();
    let lock = stage.api.common_dir().join("metawsm/locks").join(format!("{}.lock", id(&run)));
    let held = std::fs::File::options().write(true).read(true).open(&lock).expect("its lock");
    held.lock().expect("nobody holds it");
    let chair = Chair::at(&stage, (100, 24), "--wait 1");
    chair.see("Hold me");
    chair.key("s");
    chair.see("Do it? y/N");
    chair.key("y");
    holds(&chair.see("stop did not succeed"), &["in use by"]);
    drop(held);
    chair.back();
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
}

#[test]
fn below_an_agent_it_only_looks() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::new(&[("coder", "exec sleep 600")]);
    stage.run(&["Look only"]);
    let chair = Chair::in_dir(&stage.world, stage.api.path(), (100, 24));
    chair.start("METAWSM_AGENT=coder", "");
    chair.see("Look only");
    chair.key("s");
    chair.see("'stop' is for people; the agent 'coder' cannot do it.");
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
    stage.do_(["stop"]).ok();
}
