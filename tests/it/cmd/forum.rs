//! `forum`: people and agents talk.

use super::stage::{Stage, WORKS, answer, plain};
use git_metawsm::model::{Actor, ActorKind, EventWhat, ForumEvent, Priority};
use git_metawsm::store::Store;
use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;
use std::os::unix::fs::symlink;

/// The text with the ids of threads and events, and how long somebody waits, masked.
pub fn masked(stage: &Stage, text: &str) -> String {
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

pub fn refused(stage: &Stage, words: &[&str]) -> String {
    masked(stage, &stage.refuses(words))
}

/// Opens a thread and gives its id.
pub fn ask(stage: &Stage, words: &[&str]) -> String {
    let value = stage.json(&[&["forum", "ask"], words].concat());
    value["thread"]["id"].as_str().expect("an id").to_owned()
}

pub fn thread(stage: &Stage, id: &str) -> Value {
    stage.json(&["forum", "thread", id])
}

/// A thread that was opened this many seconds ago, or will be where it is negative.
pub fn ask_long_ago(stage: &Stage, seconds: i64) -> String {
    let store = Store::at(&stage.repo.common_dir(), Some(stage.repo.path()));
    let at = Timestamp::from_second(Timestamp::now().as_second() - seconds).expect("a time");
    let thread = git_metawsm::store::new_thread_id().expect("an id");
    let actor = Actor { kind: ActorKind::Human, name: "Ada".to_owned() };
    let mut event = ForumEvent::new(thread.clone(), EventWhat::Opened, 1, at, actor);
    event.title = Some(format!("Asked {seconds} s ago"));
    event.body = Some("Anybody?".to_owned());
    event.priority = Some(Priority::Normal);
    store.add_event(None, &event).expect("it is written");
    thread.to_string()
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
      question, assigned to operator/Bob
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
    // No argument of a program holds a NUL.
    let line = body.replace('\0', "");
    let line = line.as_str();
    let name = "E\u{1b}[1mve\u{202e}";
    let output =
        stage.run(&["forum", "ask", "--json", "--title", line, "--actor-name", name]).stdin(body).ok();
    let id = answer(&output)["thread"]["id"].as_str().expect("an id").to_owned();
    stage.run(&["forum", "assign", &id, "--assignee", name, "--note", line]).ok();
    let shows: [&[&str]; 5] =
        [&["thread", &id], &["list"], &["watch"], &["search", "rtl"], &["answer", &id, "--body", line]];
    for words in shows {
        plain(&stage.run(&[&["forum"], words].concat()).ok());
        plain(&stage.run(&[&["--json", "forum"], words].concat()).ok());
    }
    let view = thread(&stage, &id);
    assert_eq!(view["events"][0]["body"].as_str(), Some(body.trim_end()));
    assert_eq!((&view["events"][0]["actor"], &view["broken"]), (&name.into(), &serde_json::json!([])));
    assert_eq!(view["events"][1]["note"].as_str(), Some(line));
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
    let id = ask_long_ago(&stage, 20 * 60);
    let escalated = || thread(&stage, &id)["thread"]["escalated"].clone();
    assert_eq!(escalated(), false);
    stage.repo.write(".metawsm/policy.json", r#"{"version":2,"forum":{"sla":{"escalation_minutes":20}}}"#);
    assert_eq!(escalated(), true);
    assert_eq!(stage.json(&["forum", "list", "--escalated"])["threads"][0]["id"], id.as_str());
    let told = "needs you\n  1 escalated thread about no run is not answered.\n    git metawsm forum list --escalated\n";
    stage.run(&["status"]).ok().says(told);
    assert_eq!(stage.json(&["status"])["escalated_threads"], 1);
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
fn what_the_first_program_called_signal_says_what_it_means_now() {
    let stage = Stage::with(WORKS);
    let words = ["forum", "signal", "--run-id", "x", "--type", "completion"];
    insta::assert_snapshot!(refused(&stage, &words), @"
    2 usage
    error: 'forum signal' is no more: an agent says by 'git metawsm signal' that it asks, is done or has validated, and a person answers by 'git metawsm guide' or in the thread.
    next:
      git metawsm signal question --question '<the question>'
      git metawsm signal complete --summary '<what was done>'
      git metawsm signal validate --status passed
      git metawsm forum answer <thread>
    ");
}
