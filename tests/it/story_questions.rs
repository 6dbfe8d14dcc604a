//! Questions of agents that come twice, to several takers at once, or in threads of their own; and words of a session
//! that is over.

use crate::kit::{wait_for, wait_until};
use crate::stage::{PATIENCE, Stage, holds, id, needs, tree, wait_file, workspace};
use serde_json::{Value, json};
use std::path::Path;

const SLEEPER: &str = "exec sleep 600";

/// Puts a file in its place in one go, as a careful agent does.
fn put(path: &Path, text: &str) {
    let temp = path.with_extension("part");
    std::fs::write(&temp, text).expect("written");
    std::fs::rename(temp, path).expect("in place");
}

/// The titles of the threads of a run, in order.
fn titles(stage: &Stage, run: &Value) -> Vec<String> {
    let answer = stage.do_(["forum", "list", "--json", "--limit", "1000", "--run-id", id(run)]).ok().json();
    let threads = answer["threads"].as_array().expect("threads");
    let mut titles: Vec<_> =
        threads.iter().map(|t| t["title"].as_str().expect("a title").to_owned()).collect();
    titles.sort();
    titles
}

#[test]
fn the_same_words_asked_again_while_nobody_has_answered_are_one_question() {
    let stage = Stage::new(&[("coder", SLEEPER)]);
    let run = stage.run(&["Ask"]);
    let roots = [workspace(&run, 0), tree(&run, 0, "api")].map(|root| root.join(".metawsm"));
    let ask = |root: &Path, text: &str| {
        let file = root.join("guidance-request.json");
        put(&file, text);
        wait_until("it is taken", PATIENCE, || !file.exists());
    };
    ask(&roots[0], r#"{"question": "Which colour?", "context": "red, blue"}"#);
    ask(&roots[0], r#"{"question": "Which colour?", "context": "red, blue"}"#);
    ask(&roots[1], r#"{"context": "red, blue", "question": " Which colour? ", "agent": "coder"}"#);
    assert_eq!(titles(&stage, &run), ["Which colour?"]);
    ask(&roots[0], r#"{"question": "Which colour?", "context": "light or dark"}"#);
    assert_eq!(titles(&stage, &run), ["Which colour?", "Which colour?"], "it is about something else");
    holds(&stage.do_(["log", id(&run)]).ok().stdout, &["asked again"]);
    stage.do_(["guide", "--answer", "blue"]).ok();
    stage.do_(["guide", "--answer", "dark"]).ok();
    assert_eq!(stage.status(id(&run))["state"], "running");
    ask(&roots[0], r#"{"question": "Which colour?", "context": "red, blue"}"#);
    assert_eq!(titles(&stage, &run).len(), 3, "once answered, it is asked anew");
    stage.do_(["stop"]).ok();
}

#[test]
fn many_who_take_at_once_lose_nothing_and_take_nothing_twice() {
    let stage = Stage::new(&[("coder", SLEEPER), ("tester", SLEEPER)]);
    let run = stage.run(&["Ask a lot"]);
    let root = workspace(&run, 0).join(".metawsm");
    let asked = std::sync::atomic::AtomicBool::new(false);
    let mut wanted = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !asked.load(std::sync::atomic::Ordering::Relaxed) {
                    stage.do_(["status", id(&run)]).ok();
                }
            });
        }
        let agents = ["coder", "tester"].map(|agent| {
            let root = &root;
            scope.spawn(move || {
                let ask = |number: usize| {
                    let file = root.join(format!("guidance-request-{agent}.json"));
                    wait_until("there is room", PATIENCE, || !file.exists());
                    put(&file, &format!(r#"{{"question": "{number:02} of {agent}?"}}"#));
                    format!("{number:02} of {agent}?")
                };
                (0..15).map(ask).collect::<Vec<_>>()
            })
        });
        let wanted: Vec<_> = agents.into_iter().flat_map(|agent| agent.join().expect("no panic")).collect();
        asked.store(true, std::sync::atomic::Ordering::Relaxed);
        wanted
    });
    wanted.sort();
    wait_until("all are taken", PATIENCE, || titles(&stage, &run).len() >= wanted.len());
    assert_eq!(titles(&stage, &run), wanted);
    let seen = std::fs::read_dir(root.join("seen")).expect("the folder").count();
    assert_eq!(seen, wanted.len());
    let open = needs(&stage.status(id(&run))).matches("has asked").count();
    assert_eq!(open, wanted.len(), "each is told of once");
    stage.do_(["stop"]).ok();
}

#[test]
fn a_leftover_of_the_old_session_says_nothing_about_the_new_work() {
    // What a session leaves ends with it, or with the feedback.
    for ends in ["", "exec sleep 600"] {
        let body = format!(
            r#"if [ ! -e ../begun ]; then
  for root in "$METAWSM_WORKSPACE" .; do
    mkdir -p "$root/.metawsm"
    METAWSM_SESSION= setsid sh -c 'while [ ! -e "$1/go" ]; do sleep 0.05; done; echo "{{}}" > "$2/.metawsm/implementation-complete.json"' sh "$METAWSM_WORKSPACE" "$root" &
  done
  echo > ../begun
  {ends}
else
  exec sleep 600
fi"#
        );
        let stage = Stage::new(&[("coder", &body)]);
        let run = stage.run(&["Leave something"]);
        wait_file(workspace(&run, 0).join("begun"));
        if ends.is_empty() {
            stage.wait_ended(id(&run));
        }
        stage.do_(["iterate", "--feedback", "Once more"]).ok();
        std::fs::write(workspace(&run, 0).join("go"), "").expect("a file");
        // Long enough for a leftover to see it: as often as it looks, several times.
        let begun = std::time::Instant::now();
        wait_until("time has passed", PATIENCE, || {
            stage.status(id(&run));
            begun.elapsed() > std::time::Duration::from_secs(1)
        });
        let view = stage.status(id(&run));
        assert_eq!((&view["state"], needs(&view).as_str()), (&"running".into(), ""), "{view:#}");
        stage.do_(["stop"]).ok();
    }
}

#[test]
fn guidance_that_an_agent_asks_for_in_a_thread_keeps_its_run_waiting() {
    let body = r#"git metawsm forum ask --kind guidance --body 'Which colour?' --wait > ../part-heard
mv ../part-heard ../heard
while [ ! -e ../again ]; do sleep 0.05; done
git metawsm forum answer "$(cat ../again)" --body 'Which shade?'
exec sleep 600"#;
    let dir = tempfile::tempdir().expect("temp");
    let file = dir.path().join("told");
    let told = format!("echo \"$METAWSM_EVENT $METAWSM_MESSAGE\" >> {}", file.display());
    let stage =
        Stage::with(&[("coder", body)], "process", &json!({"notify": {"command": ["sh", "-c", told]}}));
    let run = stage.run(&["Ask in a thread"]);
    stage.wait_state(id(&run), "awaiting_guidance");
    holds(&needs(&stage.look(id(&run))), &["coder has asked (just now): Which colour?", "git metawsm guide"]);
    let told = wait_for("a person is told", PATIENCE, || {
        std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'))
    });
    holds(&told, &["guidance_needed", "Which colour?"]);
    stage.do_(["check", id(&run)]).code(3).says("Which colour?");
    stage.do_(["guide", id(&run), "--answer", "blue"]).ok();
    holds(&wait_file(workspace(&run, 0).join("heard")), &["blue"]);
    assert_eq!(stage.status(id(&run))["state"], "running");
    let answer = stage.do_(["forum", "list", "--json"]).ok().json();
    let thread = answer["threads"][0]["id"].as_str().expect("an id").to_owned();
    std::fs::write(workspace(&run, 0).join("again"), &thread).expect("written");
    wait_until("it is asked again", PATIENCE, || stage.status(id(&run))["state"] == "awaiting_guidance");
    stage.do_(["guide", id(&run), "--answer", "light"]).ok();
    assert_eq!(stage.status(id(&run))["state"], "running");
    assert_eq!(titles(&stage, &run).len(), 1);
    stage.do_(["stop"]).ok();
}

#[test]
fn a_run_that_is_discarded_leaves_nobody_waiting() {
    let stage = Stage::new(&[("coder", SLEEPER)]);
    let run = stage.run(&["Ask"]);
    put(&workspace(&run, 0).join(".metawsm/guidance-request.json"), r#"{"question": "Which colour?"}"#);
    stage.wait_state(id(&run), "awaiting_guidance");
    stage.do_(["discard", id(&run)]).ok();
    let answer = stage.do_(["forum", "list", "--json"]).ok().json();
    assert_eq!(answer["threads"][0]["state"], "closed", "{answer:#}");
}

#[test]
fn a_run_that_is_closed_over_an_open_question_leaves_nobody_waiting() {
    let stage = Stage::new(&[("coder", SLEEPER)]);
    let run = stage.run(&["Ask"]);
    put(&workspace(&run, 0).join(".metawsm/guidance-request.json"), r#"{"question": "Which colour?"}"#);
    stage.wait_state(id(&run), "awaiting_guidance");
    stage.do_(["complete", id(&run), "--reason", "good enough"]).ok();
    stage.do_(["stop", id(&run)]).ok();
    stage.do_(["close", id(&run)]).code(3).tells("Which colour?");
    stage.do_(["close", id(&run), "--waive", "guidance=any colour will do"]).ok();
    let answer = stage.do_(["forum", "list", "--json"]).ok().json();
    assert_eq!(answer["threads"][0]["state"], "closed", "{answer:#}");
    stage.do_(["publish"]).ok();
}
