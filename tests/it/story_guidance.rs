//! Questions of agents and their answers: asked in a file, answered in a thread, and brought to whoever asked, whether
//! it still sits in its session or has ended; and feedback on work that was done.

use crate::kit::{require, wait_until};
use crate::stage::{PATIENCE, Stage, holds, id, needs, tree, wait_file, workspace};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Writes a question as a careful agent does: `ask <file> <question>`.
const ASK: &str = r#"ask() {
  printf '{"question": "%s", "agent": "%s"}' "$2" "$METAWSM_AGENT" > "$METAWSM_WORKSPACE/part.$METAWSM_AGENT"
  mv "$METAWSM_WORKSPACE/part.$METAWSM_AGENT" "$METAWSM_WORKSPACE/.metawsm/$1.json"
}
finish() {
  git commit -qm "Work" --allow-empty
  echo '{}' > "$METAWSM_WORKSPACE/part.$METAWSM_AGENT"
  mv "$METAWSM_WORKSPACE/part.$METAWSM_AGENT" \
    "$METAWSM_WORKSPACE/.metawsm/implementation-complete-$METAWSM_AGENT.json"
}
"#;

fn script(body: &str) -> String {
    format!("{ASK}{body}")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A response file, once it is there.
fn response(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&wait_file(path)).expect("JSON")
}

fn asked(stage: &Stage, run: &Value) -> Vec<Value> {
    stage.do_(["forum", "list", "--json", "--run-id", id(run)]).ok().json()["threads"]
        .as_array()
        .expect("threads")
        .clone()
}

/// The thread of the question with these words.
fn thread(stage: &Stage, run: &Value, words: &str) -> String {
    let all = asked(stage, run);
    let found = all.iter().find(|t| t["title"].as_str().is_some_and(|title| title.contains(words)));
    found.unwrap_or_else(|| panic!("{words} in {all:?}"))["id"].as_str().expect("an id").to_owned()
}

#[test]
fn an_answer_is_typed_to_an_agent_that_sits_in_its_session() {
    if require("tmux").is_none() {
        return;
    }
    let body = script(
        r#"ask guidance-request "Which colour; red or blue?"
IFS= read -r line; printf '%s\n' "$line" > ../heard; finish; IFS= read -r line"#,
    );
    let stage = Stage::with(&[("coder", &body)], "tmux", &json!({}));
    let run = stage.run(&["Paint it"]);
    stage.wait_state(id(&run), "awaiting_guidance");
    let view = stage.status(id(&run));
    holds(&needs(&view), &["Which colour", "git metawsm guide"]);
    let answer = "blue; $(touch bad) #{pane_id} C-c";
    stage.do_(["guide", id(&run), "--answer", answer]).ok().says("typed into its session");
    let heard = wait_file(workspace(&run, 0).join("heard"));
    assert_eq!(heard, format!("The answer to your question \"Which colour; red or blue?\": {answer}\n"));
    let said = response(workspace(&run, 0).join(".metawsm/guidance-response.json"));
    assert_eq!(
        (&said["answer"], &said["agent"], &said["run_id"]),
        (&answer.into(), &"coder".into(), &id(&run).into())
    );
    assert_eq!(said["guidance_id"], thread(&stage, &run, "colour"));
    stage.wait_state(id(&run), "completed");
    assert!(!tree(&run, 0, "api").join("bad").exists());
    stage.do_(["guide", id(&run), "--answer", "x"]).code(1).tells("no open question");
    stage.do_(["close", id(&run)]).ok();
}

#[test]
fn what_an_agent_did_not_read_is_no_command_of_the_shell_after_it() {
    if require("tmux").is_none() {
        return;
    }
    let body = script("ask guidance-request \"Go on?\"\nwhile [ ! -e ../go ]; do sleep 0.1; done; exit 3");
    let stage = Stage::with(&[("coder", &body)], "tmux", &json!({}));
    let run = stage.run(&["Do not read"]);
    stage.wait_state(id(&run), "awaiting_guidance");
    stage.do_(["guide", id(&run), "--answer", "x\ntouch bad; touch ../bad\n"]).ok();
    std::fs::write(workspace(&run, 0).join("go"), "").expect("a file");
    stage.wait_ended(id(&run));
    let output = || stage.do_(["logs", id(&run)]).output().stdout;
    wait_until("the shell is there", PATIENCE, || output().contains("this is a shell"));
    stage.do_(["stop", id(&run)]).ok();
    assert!(!tree(&run, 0, "api").join("bad").exists() && !workspace(&run, 0).join("bad").exists());
}

/// A program that keeps the words of each start, its first argument left out of account: `<name>` in the workspace.
fn recording(body: &str) -> String {
    let keep = r#"n=$(ls .. | grep -c '^start') || n=0
for word; do printf '%s\n' "<$word>"; done > "../part-start$n"; mv "../part-start$n" "../start$n""#;
    format!("set -eu\n{ASK}{keep}\n{body}")
}

/// A stage with `claude` or `codex` as this script, headless.
fn with_program(name: &str, body: &str) -> Stage {
    let stage = Stage::new(&[("other", "true")]);
    stage.world.script(name, &recording(body));
    stage
}

fn start_file(run: &Value, number: usize) -> PathBuf {
    workspace(run, 0).join(format!("start{number}"))
}

/// What follows an argument.
fn after(words: &str, flag: &str) -> String {
    let mut lines = words.lines().skip_while(|line| *line != format!("<{flag}>"));
    lines.nth(1).unwrap_or_else(|| panic!("{flag} in {words}")).to_owned()
}

const CLAUDE: &str = r#"case "$n" in
0) ask guidance-request "Tabs or spaces?" ;;
*) finish ;;
esac"#;

#[test]
fn an_agent_that_has_ended_goes_on_in_its_conversation_with_the_answer() {
    let stage = with_program("claude", CLAUDE);
    let run = stage.run(&["--agent", "claude", "Indent it"]);
    stage.wait_ended(id(&run));
    stage.wait_state(id(&run), "awaiting_guidance");
    let conversation = after(&wait_file(start_file(&run, 0)), "--session-id");
    stage.do_(["guide", "--body-file", "-"]).stdin("Tabs,\nof width 8").ok().says("goes on with it");
    let words = wait_file(start_file(&run, 1));
    assert_eq!(after(&words, "--resume"), conversation);
    holds(&words, &["You asked: Tabs or spaces?\nThe answer: Tabs,\nof width 8\n"]);
    assert!(!words.contains("# Ticket") && !words.contains("## Where"), "only what is new: {words}");
    stage.wait_state(id(&run), "completed");
    holds(&read(workspace(&run, 0).join(".metawsm/brief.md")), &["Tabs,\nof width 8", "## Where"]);
    holds(&stage.do_(["log", id(&run)]).ok().stdout, &["asked", "answered"]);
}

#[test]
fn without_restart_the_answer_waits_and_resume_brings_it() {
    let stage = with_program("claude", CLAUDE);
    let run = stage.run(&["--agent", "claude", "Indent it"]);
    stage.wait_ended(id(&run));
    stage.wait_state(id(&run), "awaiting_guidance");
    stage.do_(["guide", "--answer", "Spaces", "--no-restart"]).ok().says("the agent has ended");
    let view = stage.status(id(&run));
    assert_eq!(view["state"], "running", "no work was done: {view:#}");
    holds(&needs(&view), &["was not given the answer", &format!("git metawsm resume {}", id(&run))]);
    stage.do_(["resume"]).ok();
    holds(&wait_file(start_file(&run, 1)), &["<--resume>", "The answer: Spaces"]);
    stage.wait_state(id(&run), "completed");
}

#[test]
fn restart_goes_on_in_the_old_conversation() {
    let stage = with_program("claude", "if [ \"$n\" = 0 ]; then exec sleep 600; fi; finish");
    let run = stage.run(&["--agent", "claude", "Indent it"]);
    let conversation = after(&wait_file(start_file(&run, 0)), "--session-id");
    stage.do_(["restart"]).ok();
    let words = wait_file(start_file(&run, 1));
    assert_eq!(after(&words, "--resume"), conversation);
    holds(&words, &["Your session had ended."]);
    stage.wait_state(id(&run), "completed");
}

#[test]
fn a_conversation_that_its_program_does_not_know_is_given_up() {
    let body = r#"case "$n" in
0) ask guidance-request "Tabs or spaces?" ;;
1) echo "No conversation found" >&2; exit 1 ;;
*) finish ;;
esac"#;
    let stage = with_program("claude", body);
    let run = stage.run(&["--agent", "claude", "Indent it"]);
    stage.wait_ended(id(&run));
    stage.wait_state(id(&run), "awaiting_guidance");
    stage.do_(["guide", "--answer", "Spaces"]).ok();
    wait_file(start_file(&run, 1));
    let view = stage.wait_ended(id(&run));
    holds(&needs(&view), &["ended at once", "begins a new one"]);
    stage.do_(["resume"]).ok();
    let words = wait_file(start_file(&run, 2));
    assert_ne!(after(&words, "--session-id"), after(&read(start_file(&run, 0)), "--session-id"));
    holds(&words, &["# Ticket", "You asked: Tabs or spaces?\nThe answer: Spaces"]);
    stage.wait_state(id(&run), "completed");
}

#[test]
fn the_conversation_of_codex_is_kept_once_it_has_told_it() {
    let body = format!("echo 'session id: 01a20382-5894-7481-a70a-ca72312d6d5f'\n{CLAUDE}");
    let stage = with_program("codex", &body);
    let run = stage.run(&["--agent", "codex", "Indent it"]);
    stage.wait_ended(id(&run));
    stage.wait_state(id(&run), "awaiting_guidance");
    stage.do_(["guide", "--answer", "Spaces"]).ok();
    let words = wait_file(start_file(&run, 1));
    holds(&words, &["<resume>", "<01a20382-5894-7481-a70a-ca72312d6d5f>", "The answer: Spaces"]);
    stage.wait_state(id(&run), "completed");
}

#[test]
fn two_agents_ask_twice_each_and_are_answered_in_any_order() {
    let body = script(
        r#"name="guidance-request-$METAWSM_AGENT"
ask "$name" "first of $METAWSM_AGENT"
while [ -e "$METAWSM_WORKSPACE/.metawsm/$name.json" ]; do sleep 0.05; done
ask "$name" "second of $METAWSM_AGENT"
exec sleep 600"#,
    );
    let stage = Stage::new(&[("coder", &body), ("tester", &body)]);
    let run = stage.run(&["Ask a lot"]);
    wait_until("four questions are asked", PATIENCE, || asked(&stage, &run).len() == 4);
    stage.do_(["guide", "--question", "fthr-", "--answer", "x"]).code(1);
    stage.do_(["guide", "--question", "nobody", "--answer", "x"]).code(1).tells("first of coder");
    for words in ["second of tester", "first of coder", "first of tester"] {
        let which = thread(&stage, &run, words);
        stage
            .do_(["guide", "--question", &which, "--answer", &format!("to the {words}")])
            .ok()
            .says("left for it");
    }
    assert_eq!(stage.status(id(&run))["state"], "awaiting_guidance");
    stage.do_(["guide", "--answer", "to the last"]).ok();
    assert_eq!(stage.status(id(&run))["state"], "running");
    let dir = workspace(&run, 0).join(".metawsm");
    let said = response(dir.join("guidance-response-tester.json"));
    assert_eq!(said["answer"], "to the first of tester", "the last one that was given");
    let second = thread(&stage, &run, "second of tester");
    let said = response(dir.join(format!("guidance-response-tester-{second}.json")));
    assert_eq!(
        (&said["question"], &said["answer"]),
        (&"second of tester".into(), &"to the second of tester".into())
    );
    assert_eq!(response(dir.join("guidance-response-coder.json"))["answer"], "to the last");
    stage.do_(["iterate", "--feedback", "More"]).ok();
    for agent in ["coder", "tester"] {
        let brief = read(dir.join(format!("brief-{agent}.md")));
        holds(
            &brief,
            &[&format!("You are the agent '{agent}'"), &format!("implementation-complete-{agent}.json")],
        );
    }
    assert_eq!(stage.git(tree(&run, 0, "api"), &["status", "--porcelain"]).stdout, "");
    stage.do_(["stop"]).ok();
}

#[test]
fn guide_forum_and_tell_are_one_way_to_answer() {
    let body = script("ask guidance-request \"Which?\"\nexec sleep 600");
    for way in ["guide", "forum", "tell"] {
        let stage = Stage::new(&[("coder", &body)]);
        let run = stage.run(&["Ask"]);
        stage.wait_state(id(&run), "awaiting_guidance");
        let which = thread(&stage, &run, "Which");
        match way {
            "guide" => stage.do_(["guide", "--answer", "this one"]).ok(),
            "forum" => stage.do_(["forum", "answer", &which, "--body", "this one"]).ok(),
            _ => stage.do_(["tell", id(&run), "this one"]).ok(),
        }
        .says("left for it");
        let view = stage.look(id(&run));
        assert_eq!(view["state"], "running", "{way}");
        let said = response(workspace(&run, 0).join(".metawsm/guidance-response.json"));
        assert_eq!(
            (&said["answer"], &said["guidance_id"]),
            (&"this one".into(), &which.as_str().into()),
            "{way}"
        );
        // Later words stand in the thread alone, and who says them is told so.
        let later = stage.do_(["forum", "answer", &which, "--body", "no, that one"]).ok();
        later.clone().tells("is not told of these words").tells("git metawsm tell run-");
        assert!(!later.stdout.contains("left for it"), "{later}");
        stage.do_(["stop"]).ok();
    }
}

#[test]
fn an_answer_to_a_run_that_somebody_holds_is_kept_and_handed_over_by_who_looks_next() {
    let body = script("ask guidance-request \"Which?\"\nexec sleep 600");
    let stage = Stage::new(&[("coder", &body)]);
    let run = stage.run(&["Ask"]);
    stage.wait_state(id(&run), "awaiting_guidance");
    let file = stage.api.common_dir().join(format!("metawsm/locks/{}.lock", id(&run)));
    let held = git_metawsm::sys::lock::take(&file, "Run", "a test", "", PATIENCE).expect("the lock");
    stage
        .do_(["--wait", "0", "guide", id(&run), "--answer", "this one"])
        .ok()
        .tells("handed over by whoever looks next");
    assert_eq!(stage.look(id(&run))["state"], "awaiting_guidance");
    drop(held);
    assert_eq!(stage.status(id(&run))["state"], "running");
    assert_eq!(response(workspace(&run, 0).join(".metawsm/guidance-response.json"))["answer"], "this one");
    stage.do_(["stop"]).ok();
}

#[test]
fn feedback_starts_the_work_again_and_nothing_said_before_it_counts() {
    let stage = with_program("claude", "finish\nif [ \"$n\" = 1 ]; then exec sleep 600; fi");
    let run = stage.run(&["--agent", "claude", "--create", "--ticket", "T-1", "Do it"]);
    stage.wait_state(id(&run), "completed");
    let root = workspace(&run, 0).join(".metawsm");
    stage.wait_nobody();
    let before = stage.world.snapshot();
    stage
        .do_(["iterate", "--dry-run", "--feedback", "x"])
        .ok()
        .says("would go on")
        .says("in its conversation");
    before.assert_same(&stage.world.snapshot());
    let old = tree(&run, 0, "api").join(".metawsm/implementation-complete.json");
    std::fs::create_dir_all(old.parent().expect("a folder")).expect("the folder");
    std::fs::write(&old, "{}").expect("written");
    stage.do_(["iterate", "--feedback", "Mind the colours"]).ok().says("feedback 1");
    let words = wait_file(start_file(&run, 1));
    assert_eq!(after(&words, "--resume"), after(&read(start_file(&run, 0)), "--session-id"));
    holds(&words, &["## Feedback on your earlier work\nMind the colours"]);
    stage.wait_state(id(&run), "completed");
    let docs = tree(&run, 0, "api").join("ttmp");
    let found = stage.git(tree(&run, 0, "api"), &["grep", "-l", "Mind the colours", "--", "ttmp"]).stdout;
    assert_eq!(found.lines().count(), 1, "{found} in {}", docs.display());
    assert!(found.contains("/reference/"), "{found}");
    stage.do_(["iterate", "--feedback", "And the words"]).ok();
    let words = wait_file(start_file(&run, 2));
    assert!(
        words.contains("And the words") && !words.contains("Mind the colours"),
        "only what is new: {words}"
    );
    // A completion from before the feedback that turns up late.
    stage.wait_state(id(&run), "completed");
    assert!(!old.exists() && root.join("seen").exists());
    stage.do_(["close", id(&run)]).ok();
    stage.do_(["iterate", id(&run), "--feedback", "More"]).code(1).tells("closed");
}

#[test]
fn feedback_answers_what_is_open_and_an_old_completion_that_turns_up_is_not_taken() {
    let body = script("[ -e ../start ] || ask guidance-request \"Which?\"\necho > ../start; exec sleep 600");
    let stage = Stage::new(&[("coder", &body)]);
    let run = stage.run(&["Ask"]);
    stage.wait_state(id(&run), "awaiting_guidance");
    stage.do_(["iterate", "--feedback", "Take the blue one"]).ok();
    let view = stage.status(id(&run));
    assert_eq!(view["state"], "running", "{view:#}");
    assert_eq!(asked(&stage, &run)[0]["state"], "answered");
    holds(
        &read(workspace(&run, 0).join(".metawsm/prompt-coder.md")),
        &["Take the blue one", "You asked: Which?"],
    );
    let late = workspace(&run, 0).join(".metawsm/implementation-complete.json");
    let file = std::fs::File::create(workspace(&run, 0).join("late")).expect("a file");
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600))
        .expect("an old file");
    std::io::Write::write_all(&mut &file, b"{}").expect("written");
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600))
        .expect("an old file");
    std::fs::rename(workspace(&run, 0).join("late"), &late).expect("in place");
    wait_until("it is named", PATIENCE, || {
        needs(&stage.status(id(&run))).contains("before the last feedback")
    });
    assert!(late.exists());
    assert_eq!(stage.status(id(&run))["state"], "running");
    stage.do_(["stop"]).ok();
}
