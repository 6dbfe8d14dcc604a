//! `signal`: an agent asks, says that it is done, or what its validation came to.

use super::stage::{Stage, WAITS, WORKS, answer, plain};
use crate::kit::{BINARY, Output, wait_until};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn workspace(stage: &Stage, id: &str) -> PathBuf {
    stage.tree(id).parent().expect("a workspace").to_owned()
}

fn signals(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join(".metawsm")).map(|dir| dir.flatten().collect::<Vec<_>>());
    let names = entries.unwrap_or_default().into_iter().map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> =
        names.filter(|name| git_metawsm::model::SignalKind::of_file(name).is_some()).collect();
    names.sort();
    names
}

fn read(path: impl AsRef<Path>) -> Value {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// A run whose agent has ended, so that nobody takes what is said until somebody settles.
fn ended(stage: &Stage) -> PathBuf {
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    wait_until("its wrapper is gone", PATIENCE, || {
        git_metawsm::sys::procs::marked("HOME", &stage.world.home().to_string_lossy()).is_empty()
    });
    workspace(stage, "one")
}

#[test]
fn an_agent_says_in_its_session_that_it_is_done() {
    let stage = Stage::with("git metawsm signal complete --summary 'All is done.'\nexec sleep 600");
    stage.start("one", "Do the work");
    stage.wait("one", "completed");
    let view = stage.json(&["status", "--no-ingest", "one"]);
    assert_eq!(view["runs"][0]["agents"][0]["completed"], "All is done.");
    let dir = workspace(&stage, "one");
    assert_eq!(signals(&dir), Vec::<String>::new());
    let seen: Vec<_> = std::fs::read_dir(dir.join(".metawsm/seen")).expect("there").flatten().collect();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let said = read(seen[0].path());
    assert_eq!(said, json!({ "agent": "agent", "run_id": "one", "summary": "All is done." }));
}

#[test]
fn an_agent_waits_for_the_answer_to_its_question() {
    let asks = "git metawsm signal question --question 'Which colour?' --context 'of the door' --wait --timeout 100 \
                > ../answer.txt\necho 'it goes on'\nexec sleep 600";
    let stage = Stage::with(asks);
    stage.start("one", "Ask first");
    stage.wait("one", "awaiting_guidance");
    let threads = stage.json(&["forum", "list"]);
    let thread = threads["threads"][0]["id"].as_str().expect("a thread").to_owned();
    assert_eq!(threads["threads"].as_array().map(Vec::len), Some(1), "{threads}");
    let words = stage.run(&["forum", "thread", &thread]).ok().stdout;
    assert!(words.contains("Which colour?") && words.contains("of the door"), "{words}");
    stage.run(&["forum", "answer", &thread, "--body", "Blue,\nlike the sky."]).ok();
    stage.wait("one", "running");
    let dir = workspace(&stage, "one");
    // Whoever delivers writes this file; where nobody did yet, it is written here.
    let response = dir.join(".metawsm/guidance-response.json");
    if !response.exists() {
        let text = json!({ "guidance_id": thread, "run_id": "one", "agent": "agent", "question": "Which colour?",
            "answer": "Blue,\nlike the sky.", "answered_at": "2026-01-01T00:00:00Z" });
        std::fs::write(&response, text.to_string()).expect("written");
    }
    stage.wait_for_words("one", "it goes on");
    assert_eq!(std::fs::read_to_string(dir.join("answer.txt")).expect("there"), "Blue,\nlike the sky.\n");
}

#[test]
fn a_question_that_waits_is_never_overwritten() {
    let stage = Stage::with("true");
    let dir = ended(&stage);
    let ask = |text: &str| stage.world.run(["signal", "question", "--question", text]).at(&dir).output();
    let first = ask("First?").ok();
    plain(&first);
    first.says("Left the question in ").tells("Stop here: the answer comes as your next message.");
    ask("Second?").ok();
    assert_eq!(signals(&dir), ["guidance-request-agent.json", "guidance-request.json"]);
    assert_eq!(read(dir.join(".metawsm/guidance-request.json"))["question"], "First?");
    assert_eq!(read(dir.join(".metawsm/guidance-request-agent.json"))["question"], "Second?");
    ask("Third?")
        .code(1)
        .tells("An earlier question still waits to be taken in ")
        .tells("git metawsm status one");
    stage.wait("one", "awaiting_guidance");
    assert_eq!(signals(&dir), Vec::<String>::new());
    ask("Third?").ok();
    let view = stage.json(&["status", "one"]);
    let needs = view["runs"][0]["needs"].to_string();
    for part in ["First?", "Second?", "Third?", "guide one --question fthr-"] {
        assert!(needs.contains(part), "{part} is missing in {needs}");
    }
    assert_eq!(stage.json(&["forum", "list"])["threads"].as_array().map(Vec::len), Some(3));
}

#[test]
fn words_come_from_a_file_or_standard_input_too() {
    let stage = Stage::with("true");
    let dir = ended(&stage);
    let file = dir.join("words.txt");
    std::fs::write(&file, "From\na file?\n").expect("written");
    stage.world.run(["signal", "question", "--body-file", "words.txt"]).at(&dir).ok();
    assert_eq!(read(dir.join(".metawsm/guidance-request.json"))["question"], "From\na file?");
    let asked = stage.world.run(["--json", "signal", "question"]).at(&dir).stdin("From a pipe?").ok();
    let said = answer(&asked);
    assert_eq!(
        (&said["signal"], &said["run"], &said["agent"]),
        (&"question".into(), &"one".into(), &"agent".into())
    );
    assert_eq!(read(said["path"].as_str().expect("a path"))["question"], "From a pipe?");
    stage.world.run(["signal", "question"]).at(&dir).code(2).tells("The question is empty.");
    let long = "x".repeat(70_000);
    stage
        .world
        .run(["signal", "question"])
        .at(&dir)
        .stdin(long)
        .code(2)
        .tells("A signal may have at most 65536 bytes");
}

#[test]
fn nobody_answers_in_time_and_the_question_stays() {
    let stage = Stage::with("true");
    let dir = ended(&stage);
    let words = ["signal", "question", "--question", "Anybody?", "--wait", "--timeout", "1"];
    let output = stage.world.run(words).at(&dir).code(1);
    output
        .tells("asked; waiting for an answer")
        .tells("Nobody has answered in time; the question stays open.");
    assert_eq!(signals(&dir), ["guidance-request.json"]);
}

#[test]
fn outside_of_a_session_it_says_so_and_writes_nothing() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.refuses(&["signal", "complete"]), @"
    2 usage
    error: This is no session of an agent: neither METAWSM_WORKSPACE nor a workspace around this directory says which run is meant.
    next:
      git metawsm status
      git metawsm forum ask --body '<the words>'
    ");
    before.assert_same(&stage.world.snapshot());
}

#[test]
fn an_agent_speaks_for_itself_and_for_an_open_run_only() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let dir = workspace(&stage, "one");
    let said = |words: &[&str], own: &str| stage.world.run(words).at(&dir).env("METAWSM_AGENT", own).output();
    said(&["signal", "complete", "--agent", "other"], "agent")
        .code(3)
        .tells("The agent 'agent' speaks for itself only.");
    said(&["signal", "complete"], "ghost").code(2).tells("This ticket has no agent 'ghost'; it has agent.");
    stage
        .world
        .run(["signal", "complete", "--agent", "ghost"])
        .at(&dir)
        .code(2)
        .tells("has no agent 'ghost'");
    let elsewhere = stage.world.run(["signal", "complete"]).at(&dir).env("METAWSM_RUN", "two");
    elsewhere.code(2).tells("This session is of two, and the workspace here is of one.");
    assert_eq!(signals(&dir), Vec::<String>::new());
    stage.run(&["close", "one"]).ok();
    stage.world.run(["signal", "complete"]).at(&dir).code(1).tells("one is closed: nobody listens any more.");
    assert_eq!(signals(&dir), Vec::<String>::new());
}

#[test]
fn a_validation_names_the_brief_of_its_run() {
    let stage = Stage::with("true");
    let words = ["bootstrap", "--run-id", "one", "--ticket", "T-1", "--goal", "Add it", "--done", "it works"];
    stage.run(&words).ok();
    stage.wait_for_end("one");
    let dir = workspace(&stage, "one");
    let say = |more: &[&str]| stage.world.run([&["signal", "validate"], more].concat()).at(&dir).ok();
    say(&["--status", "failed", "--summary", "one test fails"]);
    let view = stage.json(&["status", "one"]);
    let needs = view["runs"][0]["needs"].to_string();
    assert!(needs.contains("T-1.agent says that its validation failed: one test fails."), "{needs}");
    let check = stage.run(&["check", "one"]).code(3);
    check
        .says("The agent says that its validation failed: one test fails.")
        .says("git metawsm iterate one --feedback");
    say(&["--status", "passed", "--done-criteria", "something else"]);
    stage.run(&["status", "one"]).ok();
    stage.run(&["check", "one"]).code(3).says("against something else than the brief of this run");
    say(&["--status", "passed"]);
    let said = read(dir.join(".metawsm/validation-result.json"));
    assert!(said["brief_id"].as_str().is_some_and(|id| id.starts_with("brief-")), "{said}");
    // Without the record the workspace says it.
    say(&["--status", "passed", "--done-criteria", " it   works\n"]);
    let hidden = stage.world.run(["signal", "validate", "--status", "passed"]).at(&dir);
    hidden.env("METAWSM_ROOT", stage.world.root()).ok();
    assert_eq!(read(dir.join(".metawsm/validation-result.json"))["brief_id"], said["brief_id"]);
    let check = stage.run(&["check", "one"]).code(3);
    check.says("validation (the agent says)");
    let answer = stage.run(&["--json", "check", "one"]).code(3).json();
    let gate = |id: &str| {
        answer["error"]["gates"]
            .as_array()
            .or(answer["gates"].as_array())
            .into_iter()
            .flatten()
            .find(|gate| gate["gate"] == id)
            .unwrap_or_else(|| panic!("no {id} in {answer}"))
            .clone()
    };
    assert_eq!((&gate("validation")["verdict"], &gate("brief")["verdict"]), (&"pass".into(), &"pass".into()));
    assert_eq!(gate("run-state")["verdict"], "block", "in a bootstrap run an exit says nothing");
    assert_eq!(gate("validation")["judge"], "the agent says");
}

/// What a sandbox does that lets an agent write below its working directory alone.
#[test]
fn from_a_sandbox_it_speaks_in_the_doc_home() {
    let stage = Stage::with("true");
    let dir = ended(&stage);
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && shift && exec \"$@\"";
    let mut command = stage.world.command("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(dir.join(".metawsm"));
    command.arg(BINARY).args(["signal", "question", "--question", "From a sandbox?"]);
    let output = Output::of(command.current_dir(dir.join("api")), "unshare");
    if output.status != Some(0) && !output.stderr.contains("error:") {
        let _ = writeln!(std::io::stderr(), "skipped: {}", output.to_string().replace('\n', " "));
        return;
    }
    let place = dir.join("api/.metawsm/guidance-request.json");
    output.clone().ok().says(&place.display().to_string());
    assert_eq!(signals(&dir), Vec::<String>::new());
    let git = |args: &[&str]| {
        Output::of(stage.world.command("git").arg("-C").arg(dir.join("api")).args(args), "git")
    };
    assert_eq!(git(&["status", "--porcelain"]).ok().stdout, "", "it is no dirt");
    stage.wait("one", "awaiting_guidance");
    assert!(!place.exists());
}

#[test]
fn of_several_agents_each_has_a_file_of_its_own() {
    let stage = Stage::with(WAITS);
    stage.world.script("codex", WAITS);
    let policy =
        r#"{"version":2,"agents":[{"name":"one","profile":"claude"},{"name":"two","profile":"codex"}]}"#;
    stage.repo.commit(".metawsm/policy.json", policy);
    stage.run(&["run", "Do it", "--run-id", "one"]).ok();
    stage.run(&["stop", "one"]).ok();
    let dir = workspace(&stage, "one");
    stage
        .world
        .run(["signal", "complete"])
        .at(&dir)
        .code(2)
        .tells("Several agents work here, so name one by --agent: one, two.");
    stage.world.run(["signal", "complete", "--agent", "two"]).at(&dir).ok();
    stage.world.run(["signal", "complete"]).at(&dir).env("METAWSM_AGENT", "one").ok();
    assert_eq!(signals(&dir), ["implementation-complete-one.json", "implementation-complete-two.json"]);
}
