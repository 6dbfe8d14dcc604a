//! The operator's day: a question is seen and answered, the agent goes on, the work is judged, merged and closed.

use super::chair::Chair;
use crate::kit::require;
use crate::stage::{Stage, holds, id, tree};
use serde_json::json;

/// Asks, waits for the answer, and does as it was told.
pub const ASKS: &str = r#"
root="$METAWSM_WORKSPACE/.metawsm"
tree="$METAWSM_WORKSPACE/api"
echo "the agent begins"
echo '{"question": "Which port shall the server listen on?"}' > "$root/request.part"
mv "$root/request.part" "$root/guidance-request.json"
until [ -f "$root/guidance-response.json" ]; do sleep 0.1; done
echo "the agent goes on"
sed -n 's/.*"answer": *"\([^"]*\)".*/\1/p' "$root/guidance-response.json" > "$tree/port.txt"
git -C "$tree" add port.txt
git -C "$tree" commit -qm "Set the port"
echo '{}' > "$root/complete.part"
mv "$root/complete.part" "$root/implementation-complete.json""#;

fn story(backend: &str) {
    let stage = Stage::with(&[("coder", ASKS)], backend, &json!({}));
    let run = stage.run(&["Choose the port"]);
    let run_id = id(&run);
    let chair = Chair::at(&stage, (80, 24), "");
    let shown = chair.see("Which port shall the server");
    holds(&shown, &["1 open, 1 need you", "? Choose the port", "awaiting", "a answer", "q quit"]);
    chair.key("2");
    chair.see("the agent begins");

    chair.key("a");
    chair.see("coder:");
    chair.write("9090");
    chair.key("Enter");
    holds(&chair.see("Do it? y/N"), &["This is the answer:", "9090"]);
    chair.key("n");
    chair.see("Alt-Enter new line");
    assert_eq!(stage.look(run_id)["state"], "awaiting_guidance", "no changes nothing");
    chair.key("Enter");
    chair.see("Do it? y/N");
    chair.key("y");
    chair.see("answered choose-the-port.coder");
    chair.back();
    chair.see("the agent goes on");
    chair.see("! Choose the port");
    chair.see("completed");
    assert_eq!(std::fs::read_to_string(tree(&run, 0, "api").join("port.txt")).expect("its work"), "9090\n");

    chair.key("c");
    holds(&chair.see("judged just now"), &["ok     run-state"]);
    chair.key("6");
    holds(&chair.see("+9090"), &["port.txt", "as of just now"]);
    chair.key("8");
    chair.see("answer given");

    chair.key("m");
    holds(&chair.see("Do it? y/N"), &["merge 'task/choose-the-port' into 'main' of api", "Gates:"]);
    chair.key("Enter");
    chair.see_that("the plan is gone", |screen| !screen.contains("Do it?"));
    assert_eq!(stage.api.git(["ls-tree", "--name-only", "main", "port.txt"]), "", "Enter alone does nothing");
    chair.key("m");
    chair.see("Do it? y/N");
    chair.key("y");
    chair.see("merged choose-the-port into 'main' of api");
    assert_eq!(stage.api.git(["show", "main:port.txt"]), "9090");
    chair.back();

    chair.key("C");
    holds(&chair.see("Do it? y/N"), &["publish .metawsm/runs/"]);
    chair.key("y");
    chair.see(&format!("{run_id} closed"));
    chair.back();
    // It is no more among the open ones, and still looked at.
    holds(&chair.see("X cleanup"), &["0 open", "closed"]);
    chair.key("3");
    chair.see("It is closed: nothing is left to judge.");
    chair.key("X");
    chair.see("Do it? y/N");
    chair.key("y");
    chair.see("removed branch");
    assert!(!tree(&run, 0, "api").exists());
    chair.back();
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
}

#[test]
fn a_question_is_answered_and_the_work_judged_merged_and_closed_where_agents_are_in_tmux() {
    if require("tmux").is_some() {
        story("tmux");
    }
}

#[test]
fn a_question_is_answered_and_the_work_judged_merged_and_closed_where_agents_are_processes() {
    if require("tmux").is_some() {
        story("process");
    }
}

#[test]
fn a_session_is_entered_and_left_and_the_screen_is_as_it_was() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(&[("coder", "echo 'here is the agent'; exec sleep 600")], "tmux", &json!({}));
    stage.run(&["Wait for me"]);
    let chair = Chair::at(&stage, (80, 24), "");
    chair.see("Wait for me");
    chair.key("t");
    chair.see_that("the session is entered", |screen| {
        screen.contains("here is the agent") && !screen.contains("q quit")
    });
    chair.key("C-b");
    chair.key("d");
    holds(&chair.see("q quit"), &["1 open", "Wait for me"]);
    chair.key("s");
    holds(&chair.see("Do it? y/N"), &["These sessions end", "wait-for-me.coder"]);
    chair.key("y");
    chair.see("stopped by a person");
    chair.back();
    chair.key("t");
    chair.see("the session cannot be entered");
    chair.back();
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
}

#[test]
fn feedback_reaches_the_agent_and_words_are_said_in_a_thread() {
    if require("tmux").is_none() {
        return;
    }
    let again = r#"echo "round of $METAWSM_AGENT" >> "$METAWSM_WORKSPACE/api/rounds.txt"
git -C "$METAWSM_WORKSPACE/api" add . && git -C "$METAWSM_WORKSPACE/api" commit -qm "A round""#;
    let stage = Stage::new(&[("coder", again)]);
    let run = stage.run(&["Go round"]);
    stage.wait_state(id(&run), "completed");
    stage
        .do_(["forum", "ask", "--run-id", id(&run), "--title", "Which colour?", "--body", "Red or blue?"])
        .ok();
    let chair = Chair::at(&stage, (100, 30), &format!("--run-id {}", id(&run)));
    chair.see("completed");
    chair.key("i");
    chair.see("what is still to be done");
    chair.write("Once more");
    chair.key("Enter");
    holds(&chair.see("Do it? y/N"), &["would go on with the feedback"]);
    chair.key("y");
    chair.see("goes on with feedback 1");
    chair.back();
    let rounds = tree(&run, 0, "api").join("rounds.txt");
    crate::kit::wait_until("there was a second round", crate::stage::PATIENCE, || {
        std::fs::read_to_string(&rounds).is_ok_and(|text| text.lines().count() == 2)
    });
    chair.key("5");
    chair.key("l");
    chair.see("Which colour?");
    chair.key("Enter");
    chair.see("Red or blue?");
    chair.key("a");
    chair.see("Alt-Enter new line");
    chair.write("Blue");
    chair.key("Enter");
    chair.see("These words go into the thread");
    chair.key("y");
    chair.see("answered");
    chair.back();
    chair.see("Blue");
    chair.key("q");
    chair.is_as_before(stage.api.path(), "0");
}
