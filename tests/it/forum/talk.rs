//! Waiting for answers, following what happens, and what agents may say.

use crate::cmd::forum::{ask, ask_long_ago, masked, refused, thread};
use crate::cmd::stage::{Stage, WAITS, WORKS, answer, plain};
use crate::kit::{Output, Run, wait_until};
use serde_json::Value;
use std::time::Duration;

/// A run of an agent's words, as if inside its session.
fn as_agent<'a>(stage: &'a Stage, run: &'a str, name: &'a str) -> impl Fn(&[&str]) -> Run + 'a {
    move |words| {
        let run_of = stage.run(words).env("METAWSM_AGENT", name).env("METAWSM_RUN", run);
        run_of.env("METAWSM_TICKET", "do-it")
    }
}

#[test]
fn who_waits_gets_the_answer_or_leaves_when_the_time_is_up() {
    let stage = Stage::with(WORKS);
    let late = stage.run(&["forum", "ask", "--wait", "--timeout", "0", "--body", "Anybody?"]).code(1);
    plain(&late);
    assert_eq!(late.stdout, "");
    late.tells("Nobody has answered in time; the thread fthr-").tells("  git metawsm forum thread fthr-");
    let late =
        answer(&stage.run(&["--json", "forum", "ask", "--wait", "--timeout", "0", "--body", "x"]).code(1));
    assert_eq!((&late["answered"], &late["answer"]), (&false.into(), &Value::Null));
    for (nth, (deed, code)) in [("answer", 0), ("close", 1)].into_iter().enumerate() {
        let title = format!("Wait {nth}");
        let asking = stage.run(&["forum", "ask", "--wait", "--title", &title, "--body", "Which?"]).start();
        let find = || {
            let listed = stage.json(&["forum", "list"])["threads"].clone();
            listed.as_array().and_then(|all| all.iter().find(|t| t["title"] == title).cloned())
        };
        wait_until("it asks", Duration::from_secs(30), || find().is_some());
        let id = find().expect("it was there")["id"].as_str().expect("an id").to_owned();
        let words = ["forum", deed, &id, "--body", "The blue one"];
        stage.run(&words[..if deed == "answer" { 5 } else { 3 }]).ok();
        let output: Output = asking.end().code(code);
        assert_eq!(output.stdout, if code == 0 { "The blue one\n" } else { "" });
        assert!(code == 0 || output.stderr.contains("was closed without an answer"), "{output}");
    }
    assert!(refused(&stage, &["forum", "ask", "--timeout", "5", "--body", "x"]).starts_with("2 usage"));
    assert!(refused(&stage, &["forum", "ask", "--wait", "5", "--body", "x"]).starts_with("2 usage"));
    stage.run(&["--wait", "5", "forum", "ask", "--body", "The global option is another one"]).ok();
}

#[test]
fn a_watch_goes_on_from_its_cursor_and_follows() {
    let stage = Stage::with(WORKS);
    let id = ask(&stage, &["--body", "first", "--ticket", "T-1"]);
    ask(&stage, &["--body", "elsewhere", "--ticket", "T-2"]);
    let heard =
        |words: &[&str]| stage.run(&[&["--json", "forum", "watch"], words].concat()).ok().json_lines();
    let all = heard(&["--ticket", "t-1"]);
    assert_eq!((all.len(), &all[0]["body"], &all[0]["schema"]), (1, &"first".into(), &1.into()));
    let cursor = all[0]["cursor"].as_str().expect("a cursor").to_owned();
    assert!(heard(&["--ticket", "t-1", "--cursor", &cursor]).is_empty());
    let follow = ["--json", "forum", "watch", "--follow", "--ticket", "T-1", "--cursor", &cursor];
    let log = stage.world.root().join("heard");
    let file = std::fs::File::create(&log).expect("a file");
    let mut watch = stage.world.command(crate::kit::BINARY);
    watch.args(follow).current_dir(stage.repo.path()).stdout(file);
    let mut watch = watch.spawn().expect("it starts");
    stage.run(&["forum", "answer", &id, "--body", "second"]).ok();
    let text = || std::fs::read_to_string(&log).expect("what was heard");
    wait_until("the answer is heard", Duration::from_secs(30), || text().contains("\"second\""));
    let new = ask(&stage, &["--body", "third", "--ticket", "T-1"]);
    wait_until("the new thread is heard", Duration::from_secs(30), || text().contains("\"third\""));
    stage.run(&["forum", "close", &new]).ok();
    wait_until("its end is heard", Duration::from_secs(30), || text().lines().count() == 3);
    stage.world.command("kill").arg(watch.id().to_string()).status().expect("it can be asked to end");
    assert_eq!(watch.wait().expect("it ends").code(), Some(0));
    assert_eq!(heard(&["--cursor", &cursor, "--limit", "2"]).len(), 2);
    assert_eq!(heard(&["--cursor", "0"]).len(), 5);
    for bad in ["x", "1.fevt/../x", "5", "-1"] {
        assert!(
            refused(&stage, &["forum", "watch", &format!("--cursor={bad}")])
                .contains("The cursor was not given by")
        );
    }
}

#[test]
fn a_question_is_about_the_run_the_ticket_and_the_agent_of_its_session() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do it");
    let agent = as_agent(&stage, "one", "coder");
    let value = answer(&agent(&["--json", "forum", "ask", "--body", "Which?", "--kind", "guidance"]).ok());
    let asked = &value["thread"];
    assert_eq!(
        (&asked["run"], &asked["ticket"], &asked["agent"]),
        (&"one".into(), &"do-it".into(), &"coder".into())
    );
    assert_eq!((&asked["state"], &asked["kind"]), (&"waiting_human".into(), &"guidance".into()));
    assert_eq!(asked["opened_by"], serde_json::json!({"type": "agent", "name": "coder"}));
    let id = asked["id"].as_str().expect("an id");
    let status = stage.masked(&stage.run(&["status"]).ok().stdout);
    assert!(status.contains("The normal thread 'Which?' waits for a person."), "{status}");
    assert!(status.contains(&format!("git metawsm forum thread {id}")), "{status}");
    // The only open run is meant by people, too; with two they must say which.
    assert_eq!(thread(&stage, &ask(&stage, &["--body", "x"]))["thread"]["run"], "one");
    assert_eq!(thread(&stage, &ask(&stage, &["--body", "x", "--project"]))["thread"]["run"], Value::Null);
    stage.start("two", "Do that");
    let refusal = refused(&stage, &["forum", "ask", "--body", "x"]);
    assert!(refusal.starts_with("2 usage\nerror: Several runs are open, so name one: "), "{refusal}");
    assert!(
        refusal.contains("  git metawsm forum ask --run-id ") && refusal.contains("ask --project"),
        "{refusal}"
    );
    assert_eq!(
        thread(&stage, &ask(&stage, &["--body", "x", "--ticket", "DO-THAT"]))["thread"]["ticket"],
        "do-that"
    );
    let known =
        thread(&stage, &ask(&stage, &["--body", "x", "--run-id", "tw", "--agent", "a"]))["thread"].clone();
    assert_eq!(
        (&known["run"], &known["ticket"], &known["agent"]),
        (&"two".into(), &"do-that".into(), &"a".into())
    );
    assert!(
        refused(&stage, &["forum", "ask", "--body", "x", "--run-id", "no"])
            .contains("There is no run no here")
    );
    let listed = stage.json(&["forum", "list", "--run-id", "two"]);
    assert_eq!(listed["threads"].as_array().map(Vec::len), Some(2));
    stage.run(&["stop", "one"]).ok();
    stage.run(&["stop", "two"]).ok();
}

#[test]
fn an_agent_speaks_for_itself_and_answers_no_question_that_is_for_a_person() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do it");
    let agent = as_agent(&stage, "one", "coder");
    let ask_as = |kind: &str| {
        let value = answer(&agent(&["--json", "forum", "ask", "--body", "May I?", "--kind", kind]).ok());
        value["thread"]["id"].as_str().expect("an id").to_owned()
    };
    let (guidance, question) = (ask_as("guidance"), ask_as("question"));
    for id in [&guidance, &question] {
        let value = answer(&agent(&["--json", "forum", "answer", id, "--body", "Yes, I may."]).ok());
        assert_eq!((&value["event"]["event"], &value["thread"]["posts"]), (&"posted".into(), &2.into()));
        let waits = if *id == guidance { "waiting_human" } else { "new" };
        assert_eq!(value["thread"]["state"], waits, "it has answered itself");
    }
    let other = as_agent(&stage, "one", "reviewer");
    let value = answer(&other(&["--json", "forum", "answer", &question, "--body", "You may."]).ok());
    assert_eq!(value["thread"]["state"], "answered");
    let value = answer(&other(&["--json", "forum", "answer", &guidance, "--body", "You may."]).ok());
    assert_eq!(value["thread"]["state"], "waiting_human");
    // A further question brings the thread back to those who answer.
    let value = answer(&agent(&["--json", "forum", "answer", &question, "--body", "And this?"]).ok());
    assert_eq!(value["thread"]["state"], "waiting_operator");
    for words in [
        &["forum", "ask", "--body", "x", "--actor-type", "human"][..],
        &["forum", "answer", &guidance, "--body", "x", "--actor-name", "Ada"],
    ] {
        let refusal = masked(&stage, &stage.refusal(&agent, words));
        assert!(
            refusal.starts_with("3 refused\nerror: The agent 'coder' speaks for itself only."),
            "{refusal}"
        );
    }
    for words in [
        &["forum", "close", &guidance][..],
        &["forum", "state", &guidance, "--state", "answered"],
        &["forum", "priority", &guidance, "--priority", "low"],
        &["forum", "assign", &guidance, "--assignee", "x"],
    ] {
        let refusal = stage.refusal(&agent, words);
        assert!(
            refusal.starts_with("3 refused\nerror: 'forum' is for people; the agent 'coder'"),
            "{refusal}"
        );
    }
    for words in [&["forum", "thread", &guidance][..], &["forum", "watch"], &["forum", "list"]] {
        agent(words).ok();
    }
}

#[test]
fn a_clock_that_stands_a_year_ahead_hides_no_question_and_wins_no_thread() {
    let stage = Stage::with(WORKS);
    let year = 365 * 24 * 3600;
    let (ahead, behind) = (ask_long_ago(&stage, -year), ask_long_ago(&stage, year));
    for id in [&ahead, &behind] {
        assert_eq!(thread(&stage, id)["thread"]["escalated"], true, "{id}");
        stage.run(&["forum", "answer", id, "--body", "now"]).ok();
        let view = thread(&stage, id);
        assert_eq!(
            (&view["thread"]["state"], &view["thread"]["escalated"]),
            (&"answered".into(), &false.into())
        );
    }
    // Behind a cursor at the answer nothing is left, whatever the clocks said.
    let heard =
        |words: &[&str]| stage.run(&[&["--json", "forum", "watch"], words].concat()).ok().json_lines();
    let all = heard(&[]);
    let of = |id: &str| all.iter().filter(|e| e["thread"] == id).collect::<Vec<_>>();
    let (first, second) = (of(&ahead)[0]["cursor"].clone(), of(&ahead)[1].clone());
    let after = heard(&["--cursor", first.as_str().expect("a cursor")]);
    assert_eq!((after.len(), &after[0]["id"], &second["event"]), (1, &second["id"], &"answered".into()));
    plain(&stage.run(&["forum", "list"]).ok());
}
