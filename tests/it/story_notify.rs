//! A person is told by `notify.command`: once for each event, by whoever sees it first, and nothing waits for it.

use crate::kit::{wait_for, wait_until};
use crate::stage::{PATIENCE, Stage, id, workspace};
use git_metawsm::sys::procs;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A stage whose command keeps what it was told, one file an event.
fn stage(agents: &[(&str, &str)], backend: &str) -> (Stage, PathBuf) {
    let stage = Stage::with(agents, backend, &json!({}));
    let dir = stage.world.root().join("heard");
    std::fs::create_dir_all(&dir).expect("a folder");
    let script = format!(
        "printf '%s\\n' \"$METAWSM_EVENT\" \"$METAWSM_MESSAGE\" \"$METAWSM_RUN_ID\" \"$METAWSM_RUN_STATUS\" \
         \"$METAWSM_TICKETS\" > {0}/part.$$; mv {0}/part.$$ {0}/told.$$",
        dir.display()
    );
    set_command(&stage, &["sh", "-c", &script]);
    (stage, dir)
}

fn set_command(stage: &Stage, argv: &[&str]) {
    let mut rules = stage.rules();
    rules["notify"] = json!({ "command": argv });
    stage.set_policy(&stage.api, &rules);
}

/// What was told so far, in no order: event, message, run, state, tickets.
fn told(dir: &Path) -> Vec<Vec<String>> {
    let entries = std::fs::read_dir(dir).expect("a folder").flatten();
    let files = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("told."));
    let lines = |path: PathBuf| std::fs::read_to_string(path).map(|t| t.lines().map(str::to_owned).collect());
    files.filter_map(|entry| lines(entry.path()).ok()).collect()
}

fn wait_told(dir: &Path, count: usize) -> Vec<Vec<String>> {
    wait_for(&format!("{count} events are told"), PATIENCE, || Some(told(dir)).filter(|t| t.len() >= count))
}

#[test]
fn the_end_of_the_work_is_told_by_the_wrapper_once() {
    let work = "git commit -qm x --allow-empty";
    let (stage, heard) = stage(&[("coder", work)], "process");
    let run = stage.run(&["Tell me"]);
    let told = wait_told(&heard, 1);
    assert_eq!(told[0][0], "run_done");
    assert!(told[0][1].contains("Tell me"), "{told:?}");
    assert_eq!(told[0][2..], [id(&run), "completed", "tell-me"]);
    for _ in 0..3 {
        stage.status(id(&run));
    }
    stage.wait_nobody();
    assert_eq!(self::told(&heard).len(), 1, "once");
}

#[test]
fn a_question_is_told_of_by_the_wrapper_once() {
    let asks = r#"printf '{"question": "Red\\nor blue?"}' > "$METAWSM_WORKSPACE/part"
mv "$METAWSM_WORKSPACE/part" "$METAWSM_WORKSPACE/.metawsm/guidance-request.json"; exec sleep 600"#;
    let (stage, heard) = stage(&[("coder", asks)], "process");
    let run = stage.run(&["Ask me"]);
    let told = wait_told(&heard, 1);
    assert_eq!((told[0][0].as_str(), told[0].len()), ("guidance_needed", 5));
    assert!(told[0][1].contains("coder on ask-me asks: Red"), "{told:?}");
    assert_eq!(told[0][3], "awaiting_guidance");
    stage.status(id(&run));
    stage.do_(["guide", "--answer", "Blue"]).ok();
    stage.do_(["stop"]).ok();
    stage.wait_nobody();
    assert_eq!(self::told(&heard).len(), 1, "once");
}

#[test]
fn an_agent_that_ends_badly_or_with_nothing_done_is_told_of_each_time_it_does() {
    let (stage, heard) = stage(&[("coder", "exit 3")], "process");
    let run = stage.run(&["Fail"]);
    let told = wait_told(&heard, 1);
    assert_eq!((told[0][0].as_str(), told[0][2].as_str()), ("agent_unhealthy", id(&run)));
    assert!(told[0][1].contains("exit 3"), "{told:?}");
    stage.status(id(&run));
    stage.do_(["restart"]).ok();
    wait_told(&heard, 2);
    stage.wait_nobody();
    stage.status(id(&run));
    stage.wait_nobody();
    assert_eq!(self::told(&heard).len(), 2, "once for each start");
}

#[test]
fn what_a_person_did_is_not_told_to_a_person() {
    let (stage, heard) = stage(&[("coder", "exec sleep 600")], "process");
    let run = stage.run(&["Know it"]);
    stage.do_(["complete", id(&run), "--reason", "I did it myself"]).ok();
    stage.status(id(&run));
    stage.do_(["stop", id(&run)]).ok();
    stage.wait_nobody();
    assert_eq!(told(&heard), Vec::<Vec<String>>::new());
}

#[test]
fn a_thread_that_is_escalated_is_told_of_by_whoever_looks_first() {
    let (stage, heard) = stage(&[("coder", "exec sleep 600")], "process");
    let run = stage.run(&["Press"]);
    stage.do_(["forum", "ask", "--priority", "urgent", "--body", "Where is\u{1b}[31m it?"]).ok();
    stage.do_(["status", "--no-ingest"]).ok();
    stage.do_(["status"]).ok();
    let told = wait_told(&heard, 1);
    assert_eq!(told[0][0], "thread_escalated");
    assert!(told[0][1].contains("Where is") && !told[0][1].contains('\u{1b}'), "{told:?}");
    stage.do_(["status", id(&run)]).ok();
    stage.do_(["stop", id(&run)]).ok();
    stage.wait_nobody();
    assert_eq!(self::told(&heard).len(), 1);
}

#[test]
fn a_command_that_hangs_keeps_nobody_and_is_ended_when_its_time_is_over() {
    let stage = Stage::new(&[("coder", "git commit -qm x --allow-empty")]);
    set_command(&stage, &["sh", "-c", "sleep 600 & echo hangs; sleep 601"]);
    let begun = Instant::now();
    let run = stage.run(&["Hang"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    assert!(begun.elapsed() < Duration::from_secs(50), "nobody waits for it");
    let root = stage.world.root().join("log");
    let log = root.to_string_lossy().into_owned();
    let words = ["agent", "notify", "1", &log, "--", "sh", "-c", "sleep 602 & sleep 603"];
    stage.world.run(words).at(&stage.api).ok();
    let log = std::fs::read_to_string(root).expect("a log");
    assert!(log.contains("ended after 1 s"), "{log}");
    let left = |what: &str| {
        let all = procs::marked("HOME", &stage.world.home().to_string_lossy());
        all.iter().filter_map(|c| procs::command_line(c.pid)).any(|line| line.contains(what))
    };
    wait_until("all that it started is gone", PATIENCE, || !left("sleep 602") && !left("sleep 603"));
    for child in procs::marked("HOME", &stage.world.home().to_string_lossy()) {
        procs::kill_hard(child);
    }
}

#[test]
fn a_command_that_nobody_trusts_starts_nothing_and_says_so() {
    let stage =
        Stage::new(&[("coder", "git commit -qm x --allow-empty; while [ ! -e ../go ]; do sleep 0.1; done")]);
    let run = stage.run(&["Trust"]);
    let mut rules = stage.rules();
    let mark = stage.world.root().join("mark");
    rules["notify"] = json!({ "command": ["touch", mark] });
    stage.api.write(".metawsm/policy.json", &rules.to_string());
    std::fs::write(workspace(&run, 0).join("go"), "").expect("a file");
    stage.wait_state(id(&run), "completed");
    stage.wait_nobody();
    assert!(!mark.exists());
    let log = stage.api.common_dir().join(format!("metawsm/runs/{}/logs/notify.log", id(&run)));
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(log.contains("have not trusted yet"), "{log}");
}
