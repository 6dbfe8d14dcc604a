//! Completion signals: files that agents write, taken at once, and those that are left alone with their reason.

use crate::kit::wait_until;
use crate::stage::{PATIENCE, Stage, holds, id, needs, tree, workspace};
use nix::sys::stat::Mode;
use serde_json::Value;
use std::path::{Path, PathBuf};

const SLEEPER: &str = "exec sleep 600";

/// Puts a file in its place in one go, as a careful agent does.
fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
    let temp = path.with_extension("part");
    std::fs::write(&temp, text).expect("written");
    std::fs::rename(temp, path).expect("in place");
}

fn done_in(root: &Path) -> PathBuf {
    root.join(".metawsm/implementation-complete.json")
}

fn seen(root: &Path) -> usize {
    std::fs::read_dir(root.join(".metawsm/seen")).map_or(0, Iterator::count)
}

#[test]
fn a_completion_in_either_root_is_taken_by_the_wrapper_and_put_away() {
    for in_home in [false, true] {
        let stage = Stage::new(&[("coder", SLEEPER)]);
        let run = stage.run(&["Say it"]);
        let root = if in_home { tree(&run, 0, "api") } else { workspace(&run, 0) };
        put(&done_in(&root), r#"{"summary": "All done."}"#);
        stage.wait_state(id(&run), "completed");
        assert!(!done_in(&root).exists());
        assert_eq!(seen(&root), 1);
        assert_eq!(stage.git(tree(&run, 0, "api"), &["status", "--porcelain"]).stdout, "");
        let view = stage.look(id(&run));
        assert_eq!(view["agents"][0]["completed"], "All done.");
        assert_eq!(view["agents"][0]["health"], "working", "it may still be there");
        stage.do_(["close"]).ok();
        assert_eq!(stage.look(id(&run))["agents"][0]["health"], "ended", "close has ended it");
    }
}

#[test]
fn each_of_two_agents_speaks_for_itself() {
    let stage = Stage::new(&[("coder", SLEEPER), ("reviewer", SLEEPER)]);
    let run = stage.run(&["Say it twice"]);
    let root = workspace(&run, 0);
    put(&done_in(&root), r#"{"summary": "whose?"}"#);
    wait_until("it is named", PATIENCE, || needs(&stage.look(id(&run))).contains("several work here"));
    assert!(done_in(&root).exists(), "it is left where it is");
    std::fs::remove_file(done_in(&root)).expect("removed");

    put(&root.join(".metawsm/implementation-complete-coder.json"), "{}");
    let completed = |at: usize| stage.look(id(&run))["agents"][at]["completed"].is_string();
    wait_until("the coder's word is taken", PATIENCE, || completed(0));
    assert!(!completed(1));
    assert_eq!(stage.look(id(&run))["state"], "running");
    put(&done_in(&tree(&run, 0, "api")), r#"{"agent": "reviewer"}"#);
    stage.wait_state(id(&run), "completed");
    assert_eq!((seen(&root), seen(&tree(&run, 0, "api"))), (1, 1));
}

#[test]
fn a_word_for_one_ticket_says_nothing_about_the_other() {
    let stage = Stage::new(&[("coder", SLEEPER)]);
    let run = stage.run(&["--ticket", "ONE,TWO"]);
    put(&done_in(&workspace(&run, 0)), "{}");
    wait_until("it is taken", PATIENCE, || stage.look(id(&run))["agents"][0]["completed"].is_string());
    assert_eq!(stage.status(id(&run))["state"], "running");
    put(&done_in(&workspace(&run, 1)), "{}");
    stage.wait_state(id(&run), "completed");
}

/// One odd signal: it is named with its path, left alone, and completes nothing.
#[track_caller]
fn is_left_alone(stage: &Stage, run: &Value, file: &Path, why: &str) {
    wait_until(&format!("{why} is said"), PATIENCE, || {
        let text = needs(&stage.look(id(run)));
        text.contains(why) && text.contains(&file.display().to_string())
    });
    let view = stage.status(id(run));
    assert_eq!(view["state"], "running", "{why}: {view:#}");
    assert!(file.symlink_metadata().is_ok(), "{} was taken away", file.display());
    std::fs::remove_file(file).expect("removed");
}

#[test]
fn what_is_no_completion_of_this_run_is_named_and_left_where_it_is() {
    let stage = Stage::new(&[("coder", SLEEPER)]);
    let run = stage.run(&["Say something odd"]);
    for root in [workspace(&run, 0), tree(&run, 0, "api")] {
        let file = done_in(&root);
        let odd = [
            (r#"{"run_id": "run-20200101-000000-aaaa"}"#.to_owned(), "another run"),
            (r#"{"agent": "nobody"}"#.to_owned(), "no agent 'nobody'"),
            ("{".to_owned(), "not a completion"),
            (String::new(), "not a completion"),
            ("[]".to_owned(), "not a completion"),
            (r#"{"sumary": "x"}"#.to_owned(), "unknown field"),
            (format!("{{\"summary\": \"{}\"}}", "x".repeat(100_000)), "at most"),
        ];
        for (text, why) in odd {
            put(&file, &text);
            is_left_alone(&stage, &run, &file, why);
        }
        put(&root.join("elsewhere.json"), "{}");
        std::os::unix::fs::symlink(root.join("elsewhere.json"), &file).expect("a link");
        is_left_alone(&stage, &run, &file, "link");
        nix::unistd::mkfifo(&file, Mode::S_IRWXU).expect("a pipe");
        is_left_alone(&stage, &run, &file, "not a regular file");
        std::fs::remove_file(root.join("elsewhere.json")).expect("removed");
    }
    let file = workspace(&run, 0).join(".metawsm/implementation-complete-nobody.json");
    put(&file, "{}");
    is_left_alone(&stage, &run, &file, "no agent 'nobody'");
    let file = workspace(&run, 0).join(".metawsm/implementation-complete-coder.json");
    put(&file, r#"{"agent": "reviewer"}"#);
    is_left_alone(&stage, &run, &file, "no agent 'reviewer'");
    put(&done_in(&workspace(&run, 0)), &format!("{{\"run_id\": \"{}\", \"agent\": \"coder\"}}", id(&run)));
    stage.wait_state(id(&run), "completed");
}

/// The thread that begins with this question.
fn thread_of(stage: &Stage, question: &str) -> String {
    let answer = stage.do_(["forum", "list", "--json"]).ok().json();
    let threads = answer["threads"].as_array().expect("threads");
    let found: Vec<_> = threads.iter().filter(|t| t["title"] == question).collect();
    assert_eq!(found.len(), 1, "{question} was asked once: {threads:#?}");
    assert_eq!((&found[0]["kind"], &found[0]["state"]), (&"guidance".into(), &"waiting_human".into()));
    found[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn an_open_question_keeps_a_run_from_completing() {
    let asks = r#"git commit -qm x --allow-empty
printf '{"question": "Which colour?"}' > "$METAWSM_WORKSPACE/.metawsm/guidance-request.json""#;
    let stage = Stage::new(&[("asker", asks)]);
    let run = stage.run(&["Ask first"]);
    stage.wait_ended(id(&run));
    stage.wait_state(id(&run), "awaiting_guidance");
    let question = workspace(&run, 0).join(".metawsm/guidance-request.json");
    assert!(!question.exists(), "it is taken");
    let view = stage.status(id(&run));
    let answer = format!("git metawsm guide {} --answer '<the answer>'", id(&run));
    holds(&needs(&view), &["asker has asked (just now): Which colour?", &answer]);
    put(&done_in(&workspace(&run, 0)), "{}");
    let view = stage.status(id(&run));
    assert_eq!(view["state"], "awaiting_guidance", "a completion does not answer a question: {view:#}");
    stage.do_(["forum", "answer", &thread_of(&stage, "Which colour?"), "--body", "Blue."]).ok();
    assert_eq!(stage.status(id(&run))["state"], "completed");
}

#[test]
fn looking_only_takes_no_signal_and_dry_runs_fold_it_in_memory() {
    // The wrapper is gone, so nobody takes the signal but the commands.
    let stage = Stage::new(&[("coder", "git commit -qm x --allow-empty; exit 1")]);
    let run = stage.run(&["Look only"]);
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    let file = done_in(&workspace(&run, 0));
    put(&file, "{}");
    stage.do_(["status", "--no-ingest", id(&run)]).ok();
    stage.do_(["check", id(&run)]).ok().says("passes");
    let before = stage.world.snapshot();
    stage.do_(["close", "--dry-run", id(&run)]).ok();
    before.assert_same(&stage.world.snapshot());
    assert!(file.exists());
    assert_eq!(stage.look(id(&run))["state"], "running");
    stage.do_(["close", id(&run)]).ok();
    assert!(!file.exists());
}

#[test]
fn a_signal_in_a_root_that_is_known_to_be_quiet_is_taken_all_the_same() {
    // The wrapper is gone, so nobody takes the signal but the commands.
    for in_home in [false, true] {
        let stage = Stage::new(&[("coder", "git commit -qm x --allow-empty; exit 1")]);
        let run = stage.run(&["Be quiet first"]);
        stage.wait_ended(id(&run));
        stage.wait_nobody();
        let root = if in_home { tree(&run, 0, "api") } else { workspace(&run, 0) };
        std::fs::create_dir_all(root.join(".metawsm")).expect("the root");
        let index = stage.api.file(".git/metawsm/index.db");
        let name = root.join(".metawsm").display().to_string();
        let is_known = || {
            stage.do_(["status"]).ok();
            let bytes = std::fs::read(&index).unwrap_or_default();
            bytes.windows(name.len()).any(|part| part == name.as_bytes())
        };
        wait_until("the index knows the root", PATIENCE, is_known);
        let with = stage.status(id(&run));
        std::fs::remove_file(&index).expect("the index");
        assert_eq!(needs(&with), needs(&stage.status(id(&run))), "the same without an index");
        wait_until("the index knows the root", PATIENCE, is_known);
        // As an agent that is not careful does.
        std::fs::write(done_in(&root), "{}").expect("written in place");
        stage.do_(["status"]).ok();
        assert!(!done_in(&root).exists(), "it is taken");
        assert_eq!(stage.look(id(&run))["state"], "completed");
    }
}

#[test]
fn restarted_agents_have_to_say_it_again() {
    let stage = Stage::new(&[("coder", SLEEPER)]);
    let run = stage.run(&["Say it again"]);
    put(&done_in(&workspace(&run, 0)), "{}");
    stage.wait_state(id(&run), "completed");
    stage.do_(["restart"]).ok();
    let view = stage.status(id(&run));
    assert_eq!((&view["state"], &view["agents"][0]["completed"]), (&"running".into(), &Value::Null));
    put(&done_in(&workspace(&run, 0)), "{}");
    stage.wait_state(id(&run), "completed");
    assert_eq!(seen(&workspace(&run, 0)), 2, "the same words count twice");
}

#[test]
fn a_word_from_before_a_restart_says_nothing_about_the_work_after_it() {
    let stage = Stage::new(&[("coder", SLEEPER)]);
    let run = stage.run(&["Start over"]);
    stage.do_(["stop"]).ok();
    stage.wait_nobody();
    put(&done_in(&workspace(&run, 0)), r#"{"summary": "the old work"}"#);
    stage.do_(["restart"]).ok();
    let view = stage.status(id(&run));
    assert_eq!((&view["state"], &view["agents"][0]["completed"]), (&"running".into(), &Value::Null));
    assert_eq!(seen(&workspace(&run, 0)), 1, "it is kept");
}
