//! `bootstrap`: agree on what is to be done, then start agents on it.

use super::stage::{Stage, WAITS, WORKS, answer, plain};
use crate::kit::{Output, on_terminal};

const BRIEF: [&str; 4] = ["--goal", "Add a greeting.", "--done", "it greets"];

fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["bootstrap", "--run-id", "one"], &BRIEF[..], more].concat()
}

fn typed(stage: &Stage, words: &[&str], keys: &str) -> Output {
    on_terminal(&stage.world, &stage.repo, &[&["--color", "never"], words].concat(), keys)
}

const INDEX: &str =
    "---\nTitle: Fix the parser\nTicket: API-12\nStatus: active\nDocType: index\n---\n\n# Fix the parser\n";

/// A ticket that is there already.
fn with_ticket(stage: &Stage, index: &str) {
    stage.repo.commit("ttmp/2026/01/02/API-12--fix-the-parser/index.md", index);
}

#[test]
fn flags_are_enough_and_the_brief_is_there_before_the_agent() {
    let stage = Stage::with(
        "cat ttmp/*/*/*/T-1--*/reference/*.md ../.metawsm/brief.md\ngit status --short\nexec sleep 600",
    );
    let all =
        ["--ticket", "T-1", "--scope", "src", "--constraints", "no new crates", "--merge-intent", "default"];
    insta::assert_snapshot!(stage.said(&words(&all)), @"
    one running
      ticket     T-1  $WORLD/home/workspaces/DATE/t-1
      agent      T-1.agent  claude (process: agent-t-1)
    next:
      git metawsm status one
      git metawsm logs -f one
      git metawsm diff one
    -- story
    hooks: api: installed pre-commit, commit-msg, pre-merge-commit, pre-push, reference-transaction
      ok     verify ticket T-1
      ok     worktree of api for T-1
      ok     documents of T-1
      ok     set up the workspace of T-1
      ok     start agent on T-1
    ");
    stage.wait_for_words("one", "This brief has the id");
    let said = stage.run(&["logs", "one"]).ok().stdout;
    let brief = "- Run: one\n- Brief: brief-";
    assert!(said.contains(brief), "{said}");
    for part in ["## Goal\n\nAdd a greeting.\n", "## Scope\n\nsrc\n", "## Done criteria\n\nit greets\n"] {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
    assert!(
        said.contains("## Constraints\n\nno new crates\n") && said.contains("## Merge intent\n\ndefault\n")
    );
    let tree = stage.repo.seen_from(stage.tree("one"));
    assert_eq!(tree.git(["status", "--porcelain"]), "", "all of it is committed");
    assert_eq!(
        tree.git(["log", "-1", "--format=%B"]).trim_end(),
        "Add 'Bootstrap brief one' to T-1\n\nMetawsm-Run: one\nMetawsm-Made: yes"
    );
    let record = std::fs::read_to_string(stage.repo.common_dir().join("metawsm/runs/one/run.toml"));
    let record = record.expect("the record");
    for part in ["mode = \"bootstrap\"", "done_criteria = \"it greets\"", "constraints = \"no new crates\""] {
        assert!(record.contains(part), "{part} is missing in {record}");
    }
    assert!(
        record.contains(&format!("start = \"{}\"", tree.git(["rev-parse", "HEAD"]))),
        "the work starts here"
    );
}

#[test]
fn a_pipe_needs_goal_and_done_criteria_as_flags() {
    let stage = Stage::with(WORKS);
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.refuses(&["bootstrap", "--ticket", "T-1"]), @"
    2 usage
    error: The brief lacks --goal and --done; off a terminal nobody can be asked.
    next:
      git metawsm bootstrap --ticket T-1 --goal '<what to build>' --done '<what says that it is done>'
    ");
    let refusal = stage.refuses(&["bootstrap", "--ticket", "T-1", "--goal", "x", "--done-criteria", " "]);
    assert!(refusal.starts_with("2 usage\nerror: The brief lacks --done;"), "{refusal}");
    insta::assert_snapshot!(stage.refuses(&["bootstrap", "--goal", "x"]), @"
    2 usage
    error: The following required arguments were not provided: --ticket <TICKET>.
      Usage: git metawsm bootstrap --ticket <TICKET> --goal <TEXT>
    next:
      git metawsm bootstrap -h
    ");
    let odd = stage.refuses(&words(&["--ticket", "../x"]));
    assert!(odd.starts_with("2 usage\nerror: The ticket '../x' is not usable"), "{odd}");
    before.assert_same(&stage.world.snapshot());
}

#[test]
fn a_dry_run_shows_the_brief_and_changes_nothing() {
    let stage = Stage::with(WORKS);
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&words(&["--ticket", "T-1", "--dry-run"])), @"
    plan Add a greeting
      repository api from 'main' (OID)
      workspace $WORLD/home/workspaces/DATE/t-1
      ticket T-1 (new) Add a greeting
      goal: Add a greeting.
      scope: none stated
      done when: it greets
      constraints: none stated
      merge intent: none stated
      step verify ticket T-1
      step worktree of api for T-1
      step documents of T-1
      step set up the workspace of T-1
      step start agent on T-1
    Dry run: nothing was changed.
    ");
    let value =
        answer(&stage.run(&[&["--json"], &words(&["--ticket", "T-1", "--dry-run"])[..]].concat()).ok());
    assert_eq!(value["brief"]["done_criteria"], "it greets");
    assert_eq!(value["next"], serde_json::json!([]), "no command finds what was only planned");
    assert!(value["brief"]["id"].as_str().is_some_and(|id| id.starts_with("brief-")), "{value}");
    let shown = typed(&stage, &["bootstrap", "--ticket", "T-1", "--dry-run"], "Do\n\nDone\n\n\n").ok();
    assert!(shown.stdout.ends_with("Dry run: nothing was changed.\n"), "{shown}");
    before.assert_same(&stage.world.snapshot());
}

#[test]
fn a_terminal_is_asked_in_order_until_it_says_enough() {
    let stage = Stage::with(WAITS);
    let keys = "\n  \nAdd a menu\\\nwith two entries\nsrc\n\nall tests pass\n\n\n";
    let output = typed(&stage, &["bootstrap", "--ticket", "T-1", "--run-id", "one", "--json"], keys).ok();
    let asked: Vec<_> = output
        .stderr
        .lines()
        .map(|line| line.trim_start_matches(['>', ' ']))
        .filter(|line| line.ends_with('?') || line.contains("? ("))
        .collect();
    assert_eq!(
        asked,
        [
            "Ticket T-1 goal: what should be built/changed?",
            "Ticket T-1 goal: what should be built/changed?",
            "Ticket T-1 goal: what should be built/changed?",
            "Scope: which areas/files are in scope? (Enter: none stated)",
            "Done criteria: which tests/checks define complete?",
            "Done criteria: which tests/checks define complete?",
            "Constraints/non-goals/risk boundaries? (Enter: none stated)",
            "Merge intent? (type 'default' for normal close flow) (Enter: none stated)",
        ]
    );
    assert_eq!(output.stderr.matches("Please provide a non-empty answer.").count(), 3);
    let value = answer(&Output { stderr: String::new(), ..output });
    let brief = &value["brief"];
    assert_eq!((&brief["goal"], &brief["scope"]), (&"Add a menu\nwith two entries".into(), &"src".into()));
    assert_eq!(brief["done_criteria"], "all tests pass");
    assert_eq!((brief.get("constraints"), brief.get("merge_intent")), (None, None), "none stated");
    assert_eq!(value["tickets"][0]["title"], "Add a menu");
}

#[test]
fn what_flags_say_is_not_asked_and_an_end_of_input_makes_nothing() {
    let stage = Stage::with(WAITS);
    let before = stage.world.snapshot();
    let flags = ["bootstrap", "--ticket", "T-1", "--goal", "x", "--scope", "y"];
    let output = typed(&stage, &flags, "\x04").code(1);
    assert!(!output.stderr.contains("goal: what should"), "{output}");
    assert!(!output.stderr.contains("Scope:"), "{output}");
    output.tells(
        "error: The intake ended at 'Done criteria: which tests/checks define complete?'; nothing was made.",
    );
    before.assert_same(&stage.world.snapshot());
    // What cannot be is said before anybody is asked.
    let output = typed(&stage, &["bootstrap", "--ticket", "T-1", "--agent", "nobody"], "").code(2);
    assert!(!output.stderr.contains("goal:"), "{output}");
    stage.run(&words(&["--ticket", "T-1"])).ok();
    let output = typed(&stage, &["bootstrap", "--ticket", "t-1"], "").code(1);
    assert!(!output.stderr.contains("goal:"), "{output}");
    output.tells("The ticket T-1 has an open run already: one (running).");
}

#[test]
fn a_ticket_that_is_there_is_named_and_confirmed() {
    let stage = Stage::with(WAITS);
    with_ticket(&stage, INDEX);
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.refuses(&words(&["--ticket", "api-12"])), @"
    1 failed
    error: The ticket API-12 is there already: 'Fix the parser' (active).
    next:
      git metawsm bootstrap --existing --ticket API-12 --goal 'Add a greeting.' --done 'it greets'
      git metawsm bootstrap --ticket '<a new one>' --goal 'Add a greeting.' --done 'it greets'
    ");
    let no = typed(&stage, &words(&["--ticket", "API-12"]), "\n").code(1);
    no.clone().tells("The ticket API-12 is there already: 'Fix the parser' (active). Work on it? [y/N]");
    no.tells("and it was not meant; nothing was made.");
    let refusal = stage.refuses(&words(&["--ticket", "API-13", "--existing"]));
    assert!(refusal.contains("The ticket 'API-13' does not exist. Near to it: API-12."), "{refusal}");
    before.assert_same(&stage.world.snapshot());
    let yes = typed(&stage, &words(&["--ticket", "api-12"]), "y\n\n\n\n").ok();
    assert!(yes.stdout.contains("ticket     API-12"), "{yes}");
    let tree = stage.repo.seen_from(stage.tree("one"));
    let files = tree.git(["ls-files", "ttmp"]);
    assert_eq!(
        files,
        "ttmp/2026/01/02/API-12--fix-the-parser/index.md\n\
         ttmp/2026/01/02/API-12--fix-the-parser/reference/01-bootstrap-brief-one.md"
    );
}

#[test]
fn a_closed_ticket_says_so_and_can_be_meant() {
    let stage = Stage::with(WAITS);
    with_ticket(
        &stage,
        &INDEX.replace("active", "complete").replace("Fix the parser\nT", "\u{1b}[31mFix\nT"),
    );
    let refusal = stage.refuses(&words(&["--ticket", "API-12"]));
    assert!(refusal.contains("is there already: '[31mFix' (closed, complete)."), "{refusal}");
    plain(&stage.run(&words(&["--ticket", "API-12", "--existing"])).ok());
}

#[test]
fn one_ticket_is_meant() {
    let stage = Stage::with(WAITS);
    let refusal = stage.refuses(&words(&["--ticket", "T-1", "--ticket", "T-2"]));
    assert!(refusal.starts_with("2 usage\n"), "{refusal}");
    let refusal = stage.refuses(&words(&["--ticket", "T-1,T-2"]));
    assert!(refusal.starts_with("2 usage\n"), "{refusal}");
}
