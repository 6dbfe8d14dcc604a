//! `forum`: people and agents talk.

use super::stage::{Stage, WAITS, WORKS, answer, plain};
use crate::kit::{Output, Run, wait_until};
use regex::Regex;
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::time::Duration;

/// The text with the ids of threads and events, and how long somebody waits, masked.
fn masked(stage: &Stage, text: &str) -> String {
    let masks = [
        (r"fthr-\d{8}-\d{6}-[a-z2-7]{8}", "THREAD"),
        (r"\d+\.fevt-(\d{6})-[0-9a-f]{32}", "CURSOR-$1"),
        (r"waiting \d+ (s|min)", "waiting AGE"),
    ];
    let text = stage.masked(text);
    masks.iter().fold(text, |text, (pattern, to)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *to).into_owned()
    })
}

fn said(stage: &Stage, words: &[&str]) -> String {
    let output = stage.run(words).ok();
    plain(&output);
    let story = if output.stderr.is_empty() { "" } else { "-- story\n" };
    masked(stage, &format!("{}{story}{}", output.stdout, output.stderr))
}

fn refused(stage: &Stage, words: &[&str]) -> String {
    masked(stage, &stage.refuses(words))
}

/// Opens a thread and gives its id.
fn ask(stage: &Stage, words: &[&str]) -> String {
    let value = stage.json(&[&["forum", "ask"], words].concat());
    value["thread"]["id"].as_str().expect("an id").to_owned()
}

fn thread(stage: &Stage, id: &str) -> Value {
    stage.json(&["forum", "thread", id])
}

/// A run of an agent's words, as if inside its session.
fn as_agent<'a>(stage: &'a Stage, run: &'a str, name: &'a str) -> impl Fn(&[&str]) -> Run + 'a {
    move |words| {
        let run_of = stage.run(words).env("METAWSM_AGENT", name).env("METAWSM_RUN", run);
        run_of.env("METAWSM_TICKET", "do-it")
    }
}

#[test]
fn a_thread_goes_its_way_from_question_to_end() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(said(&stage, &["forum", "list"]), @"No threads.");
    let ask_words =
        ["forum", "ask", "--title", "Which name", "--body", "Red or blue?\n\nOr none?", "--priority", "high"];
    insta::assert_snapshot!(said(&stage, &ask_words), @"
    THREAD  high    new               -  1 post  waiting AGE  Which name
    -- story
    next:
      git metawsm forum thread THREAD
      git metawsm forum answer THREAD --body '<the answer>'
    ");
    let id = stage.json(&["forum", "list"])["threads"][0]["id"].as_str().expect("an id").to_owned();
    let last = id.rsplit('-').next().expect("a part");
    insta::assert_snapshot!(said(&stage, &["forum", "assign", last, "--assignee", "Bob", "--note", "He knows"]), @"THREAD  high    new               -  1 post  waiting AGE  Which name");
    insta::assert_snapshot!(said(&stage, &["forum", "answer", &id, "--body", "Blue."]), @"THREAD  high    answered          -  2 posts  Which name");
    said(&stage, &["forum", "state", &id, "--state", "waiting_human"]);
    said(&stage, &["forum", "priority", "--thread-id", &id, "--priority", "low"]);
    insta::assert_snapshot!(said(&stage, &["forum", "close", &id]), @"THREAD  low     closed            -  2 posts  Which name");
    insta::assert_snapshot!(said(&stage, &["forum", "close", &id]), @"
    THREAD  low     closed            -  2 posts  Which name
    -- story
    It was like that already; nothing was changed.
    ");
    insta::assert_snapshot!(said(&stage, &["forum", "thread", &id]), @"
    THREAD  low     closed            -  2 posts  Which name
      a question, assigned to operator/Bob
    TIME  operator/Ada Tester <ada@example.org>  opened
        Red or blue?

        Or none?
    TIME  operator/Ada Tester <ada@example.org>  assigned to operator/Bob: He knows
    TIME  operator/Ada Tester <ada@example.org>  answered (new -> answered)
        Blue.
    TIME  operator/Ada Tester <ada@example.org>  state (answered -> waiting_human)
    TIME  operator/Ada Tester <ada@example.org>  priority (high -> low)
    TIME  operator/Ada Tester <ada@example.org>  closed (waiting_human -> closed)
    ");
    insta::assert_snapshot!(said(&stage, &["forum", "watch"]), @"
    CURSOR-000001  THREAD  operator/Ada Tester <ada@example.org>  opened  Red or blue?
    CURSOR-000002  THREAD  operator/Ada Tester <ada@example.org>  assigned to operator/Bob: He knows  Which name
    CURSOR-000003  THREAD  operator/Ada Tester <ada@example.org>  answered (new -> answered)  Blue.
    CURSOR-000004  THREAD  operator/Ada Tester <ada@example.org>  state (answered -> waiting_human)  Which name
    CURSOR-000005  THREAD  operator/Ada Tester <ada@example.org>  priority (high -> low)  Which name
    CURSOR-000006  THREAD  operator/Ada Tester <ada@example.org>  closed (waiting_human -> closed)  Which name
    ");
    let view = thread(&stage, &id);
    assert_eq!(view["thread"]["assignee"], serde_json::json!({"type": "operator", "name": "Bob"}));
    assert_eq!(
        (view["thread"]["lamport"].as_u64(), view["events"][2]["body"].as_str()),
        (Some(6), Some("Blue."))
    );
}

#[test]
fn what_the_table_of_states_does_not_hold_is_refused() {
    let stage = Stage::with(WORKS);
    let id = ask(&stage, &["--body", "What now?"]);
    said(&stage, &["forum", "answer", &id, "--body", "This"]);
    insta::assert_snapshot!(refused(&stage, &["forum", "state", &id, "--state", "triaged"]), @"
    1 failed
    error: A thread cannot go from answered to triaged; from answered it can go to waiting_operator, waiting_human, closed.
    next:
      git metawsm forum thread THREAD
    ");
    said(&stage, &["forum", "state", &id, "--state", "closed"]);
    let late: [&[&str]; 4] = [
        &["answer", &id, "--body", "late"],
        &["assign", &id, "--assignee", "Bob"],
        &["priority", &id, "--priority", "urgent"],
        &["state", &id, "--state", "new"],
    ];
    for words in late {
        let refusal = refused(&stage, &[&["forum"], words].concat());
        assert!(refusal.starts_with("1 failed\nerror: "), "{refusal}");
        assert!(
            refusal.contains("closed, and that is final") || refusal.contains("closed is final"),
            "{refusal}"
        );
    }
    assert_eq!(thread(&stage, &id)["events"].as_array().map(Vec::len), Some(3), "nothing was added");
    let legal = "the states are new, triaged, waiting_operator, waiting_human, answered, closed";
    assert!(refused(&stage, &["forum", "state", &id, "--state", "open"]).contains(legal));
    assert!(
        refused(&stage, &["forum", "ask", "--body", "x", "--priority", "top"])
            .contains("urgent, high, normal, low")
    );
    let types = "the types are agent, operator, human, system";
    assert!(refused(&stage, &["forum", "ask", "--body", "x", "--actor-type", "god"]).contains(types));
}

#[test]
fn a_thread_that_is_not_there_is_named_and_no_path_is_taken_for_one() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(refused(&stage, &["forum", "thread", "fthr-none"]), @"
    1 failed
    error: There is no thread fthr-none here.
    next:
      git metawsm forum list
    ");
    for bad in ["../x", "../../../../etc", "a/b", "-x", ".", "x\u{1b}[31m", ""] {
        let refusal = refused(&stage, &["forum", "answer", "--body", "x", &format!("--thread-id={bad}")]);
        assert!(refusal.starts_with("2 usage\nerror: "), "{bad:?}: {refusal}");
    }
    for words in [&["forum", "thread"][..], &["forum", "answer", "a", "--thread-id", "b", "--body", "x"]] {
        assert!(refused(&stage, words).starts_with("2 usage\n"), "{words:?}");
    }
    assert!(!stage.repo.common_dir().join("metawsm/forum").exists(), "nothing was made");
    let first = ask(&stage, &["--body", "x"]);
    let second = ask(&stage, &["--body", "y"]);
    let common =
        first.chars().zip(second.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect::<String>();
    let refusal = refused(&stage, &["forum", "thread", common.trim_end_matches('-')]);
    assert!(
        refusal.starts_with("2 usage\nerror: '") && refusal.contains("may mean several threads"),
        "{refusal}"
    );
}

#[test]
fn words_come_from_a_flag_a_file_or_standard_input() {
    let stage = Stage::with(WORKS);
    stage.repo.write("words.md", "\n\n# From a file\r\nwith lines\n\n");
    symlink(stage.repo.file("words.md"), stage.repo.file("link.md")).expect("a link");
    let body = |id: &str| thread(&stage, id)["events"][0]["body"].as_str().expect("a body").to_owned();
    for file in ["words.md", "link.md"] {
        let id = ask(&stage, &["--body-file", file]);
        assert_eq!(body(&id), "# From a file\nwith lines");
        assert_eq!(thread(&stage, &id)["thread"]["title"], "# From a file");
    }
    for words in [&["forum", "ask", "--json"][..], &["forum", "ask", "--json", "--body-file", "-"]] {
        let value = answer(&stage.run(words).stdin("piped in\n").ok());
        assert_eq!(body(value["thread"]["id"].as_str().expect("an id")), "piped in");
    }
    let id = ask(&stage, &["--body", "-v is no flag here", "--title", "  two\nlines "]);
    assert_eq!(
        (body(&id).as_str(), &thread(&stage, &id)["thread"]["title"]),
        ("-v is no flag here", &"two lines".into())
    );
    let missing = refused(&stage, &["forum", "ask", "--body-file", "none.md"]);
    assert!(
        missing.starts_with("1 failed\nerror: Could not read ") && missing.contains("none.md"),
        "{missing}"
    );
    let both = refused(&stage, &["forum", "ask", "--body", "x", "--body-file", "words.md"]);
    assert!(both.starts_with("2 usage"), "{both}");
}

#[test]
fn words_that_say_nothing_or_too_much_or_are_no_text_are_refused() {
    let stage = Stage::with(WORKS);
    let id = ask(&stage, &["--body", "What now?"]);
    let bodies: [(Vec<u8>, &str); 7] = [
        (Vec::new(), "The post is empty."),
        (b" \n\t\r\n ".to_vec(), "The post is empty."),
        ("\u{200b}\u{202e}\u{feff}\u{1b}".into(), "The post is empty."),
        (b"\0\0".to_vec(), "The post is empty."),
        (vec![b'x', 0xff, 0xfe], "The post is not UTF-8 text."),
        (vec![b'x'; 10 << 20], "The post has more than 1048576 bytes"),
        (vec![b'x'; (1 << 20) + 1], "The post has more than 1048576 bytes"),
    ];
    for (body, why) in bodies {
        for words in [&["forum", "ask"][..], &["forum", "answer", &id]] {
            let output = stage.run(words).stdin(body.clone()).code(2);
            plain(&output);
            assert!(output.stderr.contains(why), "{output}");
        }
    }
    assert_eq!(stage.json(&["forum", "list"])["threads"].as_array().map(Vec::len), Some(1));
    assert_eq!(thread(&stage, &id)["thread"]["posts"], 1);
    for title in ["", " ", "\u{200b}", &"x".repeat(201)] {
        assert!(
            refused(&stage, &["forum", "ask", "--body", "x", "--title", title])
                .contains("The title is empty or")
        );
    }
    // The most that is taken, each character of it twelve times as long in its file.
    let most = "\u{1}".repeat((1 << 20) - 1) + "x";
    let output = stage.run(&["forum", "ask", "--json"]).stdin(most.clone()).ok();
    let id = answer(&output)["thread"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(thread(&stage, &id)["events"][0]["body"], most.as_str());
}

#[test]
fn hostile_words_are_kept_whole_and_reach_no_terminal() {
    let stage = Stage::with(WORKS);
    let body = "red \u{1b}[31m\u{1b}]0;title\u{7}\n\u{202e}rtl\u{2066} \u{200b}\0nul \r over\n'''\n\"\"\"\n";
    let name = "E\u{1b}[1mve\u{202e}";
    let output =
        stage.run(&["forum", "ask", "--json", "--title", body, "--actor-name", name]).stdin(body).ok();
    let id = answer(&output)["thread"]["id"].as_str().expect("an id").to_owned();
    stage.run(&["forum", "assign", &id, "--assignee", name, "--note", body]).ok();
    let shows: [&[&str]; 5] =
        [&["thread", &id], &["list"], &["watch"], &["search", "rtl"], &["answer", &id, "--body", body]];
    for words in shows {
        plain(&stage.run(&[&["forum"], words].concat()).ok());
        plain(&stage.run(&[&["--json", "forum"], words].concat()).ok());
    }
    let view = thread(&stage, &id);
    assert_eq!(view["events"][0]["body"].as_str(), Some(body.trim_end()));
    assert_eq!((&view["events"][0]["actor"], &view["broken"]), (&name.into(), &serde_json::json!([])));
    assert_eq!(view["events"][1]["note"].as_str(), Some(body));
    for bad in ["", "a\nb", &"x".repeat(201)] {
        assert!(refused(&stage, &["forum", "assign", &id, "--assignee", bad]).starts_with("2 usage"));
        assert!(refused(&stage, &["forum", "close", &id, "--actor-name", bad]).starts_with("2 usage"));
    }
}

#[test]
fn threads_are_listed_by_priority_then_age_and_by_what_is_asked() {
    let stage = Stage::with(WORKS);
    let make =
        |title: &str, more: &[&str]| ask(&stage, &[&["--title", title, "--body", "words"], more].concat());
    let low = make("low", &["--priority", "low"]);
    let first = make("first", &["--ticket", "T-1"]);
    make("second", &["--ticket", "t-2"]);
    let urgent = make("urgent", &["--priority", "urgent"]);
    let over = make("over", &["--priority", "urgent"]);
    said(&stage, &["forum", "close", &over]);
    said(&stage, &["forum", "state", &first, "--state", "triaged"]);
    said(&stage, &["forum", "assign", &low, "--assignee", "Bob", "--assignee-type", "human"]);
    // Ages are told in whole seconds: those of one second are in no order.
    let titles = |words: &[&str]| {
        let listed = stage.json(&[&["forum", "list"], words].concat());
        let all = listed["threads"].as_array().expect("a list").clone();
        all.iter().map(|t| t["title"].as_str().expect("a title").to_owned()).collect::<Vec<_>>()
    };
    let all = titles(&[]);
    assert_eq!(
        (all.first().map(String::as_str), all.last().map(String::as_str)),
        (Some("urgent"), Some("over"))
    );
    assert_eq!((all.len(), all[3].as_str()), (5, "low"));
    assert_eq!(titles(&["--ticket", "T-2"]), ["second"]);
    assert_eq!(titles(&["--state", "triaged"]), ["first"]);
    assert_eq!(titles(&["--priority", "urgent"]), ["urgent", "over"]);
    assert_eq!(titles(&["--assignee", "bob"]), ["low"]);
    assert_eq!(titles(&["--assignee", "human/bob"]), ["low"]);
    assert_eq!(titles(&["--escalated"]), ["urgent"]);
    assert_eq!(titles(&["--run-id", "run-none"]), [""; 0]);
    assert_eq!(titles(&["--limit", "1"]), ["urgent"]);
    let cut = stage.run(&["forum", "list", "--limit", "2"]).ok();
    assert_eq!((cut.stdout.lines().count(), cut.stderr.as_str()), (2, "3 more; show them with --limit 5\n"));
    assert_eq!(stage.json(&["forum", "list", "--limit", "0"])["more"], 5);
    let view = thread(&stage, &urgent);
    assert_eq!((&view["thread"]["escalated"], &view["thread"]["state"]), (&true.into(), &"new".into()));
}

#[test]
fn a_thread_is_escalated_after_the_time_that_the_policy_gives() {
    let stage = Stage::with(WORKS);
    let id = ask(&stage, &["--body", "x"]);
    let escalated = || thread(&stage, &id)["thread"]["escalated"].clone();
    assert_eq!(escalated(), false);
    stage.repo.write(".metawsm/policy.json", r#"{"version":2,"forum":{"sla":{"escalation_minutes":0}}}"#);
    assert_eq!(stage.json(&["policy", "check"])["problems"], serde_json::json!([]), "minutes may be none");
    assert_eq!(escalated(), true);
    said(&stage, &["forum", "answer", &id, "--body", "y"]);
    assert_eq!(escalated(), false);
    stage.repo.write(".metawsm/policy.json", r#"{"version":2,"forum":{"enabled":false}}"#);
    insta::assert_snapshot!(refused(&stage, &["forum", "ask", "--body", "x"]), @"
    1 failed
    error: The policy has switched the forum off (forum.enabled is false).
    next:
      git metawsm policy show
      git metawsm forum list
    ");
    assert_eq!(escalated(), false, "what was said can be read");
}

#[test]
fn titles_and_posts_are_searched() {
    let stage = Stage::with(WORKS);
    let id = ask(&stage, &["--title", "About names", "--body", "Shall it be RED\nor blue?"]);
    ask(&stage, &["--title", "About numbers", "--body", "Seven?"]);
    said(&stage, &["forum", "answer", &id, "--body", "Green, for the naïve ÄPFEL."]);
    insta::assert_snapshot!(said(&stage, &["forum", "search", "red", "GREEN"]), @"
    THREAD  normal  answered          -  2 posts  About names
        Shall it be RED
    ");
    let found = |words: &[&str]| {
        let listed = stage.json(&[&["forum", "search"], words].concat());
        listed["threads"].as_array().expect("a list").len()
    };
    assert_eq!(
        [found(&["about"]), found(&["äpfel"]), found(&["seven red"]), found(&["nothing"])],
        [2, 1, 0, 0]
    );
    assert_eq!(
        [found(&["about", "--state", "new"]), found(&["about", "--limit", "1"]), found(&[""])],
        [1, 1, 0]
    );
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
                .contains("The cursor is none that")
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
    assert!(status.contains("needs you: The normal thread 'Which?' waits for a person."), "{status}");
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
fn what_the_first_program_called_signal_says_what_it_means_now() {
    let stage = Stage::with(WORKS);
    let words = ["forum", "signal", "--run-id", "x", "--type", "completion"];
    insta::assert_snapshot!(refused(&stage, &words), @"
    2 usage
    error: 'forum signal' is no more: an agent that asks, is done or has validated writes a file below .metawsm/ of its workspace (guidance-request.json, implementation-complete.json, validation-result.json), and a person answers in the thread.
    next:
      git metawsm forum ask --kind guidance
      git metawsm forum answer <thread>
      git metawsm forum list
    ");
}
