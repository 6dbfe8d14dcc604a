//! `status`: what needs you.

use super::stage::{LEAVES, Stage, WAITS, WORKS};

#[test]
fn with_nothing_there_it_says_what_to_do() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["status"]), @"
    No open runs here. Start one in this repository:
      git metawsm run '<what to do>'
    See what it does without risk:
      git metawsm demo
    ");
    assert_eq!(stage.said(&[]), stage.said(&["status"]), "alone it is status");
}

#[test]
fn all_open_runs_are_shown_and_what_needs_a_person_comes_first() {
    let stage = Stage::with(WAITS);
    stage.start("a-1", "Wait for me");
    stage.wait_for_words("a-1", "waiting for you\n");
    stage.agent("exit 3");
    stage.start("a-2", "Break it");
    stage.wait_for_end("a-2");
    stage.agent("exit 0");
    stage.start("a-3", "Do nothing");
    stage.wait_for_end("a-3");
    stage.agent(LEAVES);
    stage.start("a-4", "Leave it");
    stage.wait_for_end("a-4");
    stage.agent("kill -9 $$");
    stage.start("a-5", "Fall over");
    stage.wait_for_end("a-5");
    // Runs that need a person are sorted by when they changed last, to the second: told apart by their ids here.
    let text = stage.said(&["status"]);
    let mut blocks: Vec<&str> = text.split("\na-").collect();
    let working = blocks.pop().expect("five runs");
    assert!(working.starts_with("1  running  Wait for me\n"), "{text}");
    blocks[0] = blocks[0].trim_start_matches("a-");
    blocks.sort_unstable();
    insta::assert_snapshot!(blocks.join("\n"), @"
    2  running  Break it
      needs you: break-it.agent ended with exit 3.
        git metawsm logs a-2:agent
      break-it.agent  ended (exit 3)
    3  running  Do nothing
      needs you: The agents ended with exit 0, and nothing was changed.
        git metawsm restart a-3
      do-nothing.agent  ended (exit 0)
    4  running  Leave it
      needs you: The agents ended, and 1 file is not committed.
        git metawsm commit a-4
      leave-it.agent  ended (exit 0)
    5  running  Fall over
      needs you: fall-over.agent was ended by signal 9.
        git metawsm logs a-5:agent
      fall-over.agent  ended (signal 9)
    ");
    let answer = stage.json(&["status"]);
    let runs = answer["runs"].as_array().expect("a list");
    assert_eq!((runs.len(), runs[4]["run"].as_str()), (5, Some("a-1")));
    let broken = runs.iter().find(|run| run["run"] == "a-2").expect("it is open");
    assert_eq!((&broken["agents"][0]["exit"], &broken["agents"][0]["health"]), (&3.into(), &"ended".into()));
    assert!(
        broken["needs"][0]["command"].as_str().is_some_and(|c| c.starts_with("git metawsm ")),
        "{broken}"
    );
}

#[test]
fn one_run_is_shown_in_full() {
    let stage = Stage::with(WAITS);
    stage.run(&["run", "Do the work", "--run-id", "one", "--ticket", "T-1,T-2"]).ok();
    insta::assert_snapshot!(stage.said(&["status", "one", "--git"]), @"
    one  running  Do the work
      goal       Do the work
      ticket     T-1  $WORLD/home/workspaces/DATE/t-1
        api  'task/t-1' into 'main'
      ticket     T-2  $WORLD/home/workspaces/DATE/t-2
        api  'task/t-2' into 'main'
      steps      6 of 6 hold
      agent      T-1.agent  working (active AGE ago, index or head moved AGE ago)  claude (process: agent-t-1)
      agent      T-2.agent  working (active AGE ago, index or head moved AGE ago)  claude (process: agent-t-2)
      T-1/api  0 commits, clean
      T-2/api  0 commits, clean
    next:
      git metawsm logs -f one:T-1.agent
      git metawsm diff one
    ");
    stage.run(&["stop", "one"]).ok();
    insta::assert_snapshot!(stage.said(&["status", "one"]), @"
    one  stopped  Do the work
      needs you: The run is stopped (stopped by a person).
        git metawsm resume one
      reason     stopped by a person
      goal       Do the work
      ticket     T-1  $WORLD/home/workspaces/DATE/t-1
        api  'task/t-1' into 'main'
      ticket     T-2  $WORLD/home/workspaces/DATE/t-2
        api  'task/t-2' into 'main'
      steps      6 of 6 hold
      agent      T-1.agent  ended (stopped)  claude (process: agent-t-1)
      agent      T-2.agent  ended (stopped)  claude (process: agent-t-2)
    next:
      git metawsm resume one
      git metawsm discard one
    ");
    let run = stage.json(&["status", "one", "--git"])["runs"][0].clone();
    assert_eq!((&run["state"], &run["holder"]), (&"stopped".into(), &().into()));
    assert_eq!((&run["changes"][0]["place"], &run["changes"][0]["commits"]), (&"T-1/api".into(), &0.into()));
    assert_eq!(run["agents"].as_array().map(Vec::len), Some(2));
    assert_eq!(run["root"].as_str(), stage.repo.path().to_str());
}

#[test]
fn a_look_without_ingesting_writes_nothing() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&["status", "--no-ingest", "--git"]), @"
    one  running  Do the work
      needs you: The agents ended, and 1 file is not committed.
        git metawsm commit one
      do-the-work.agent  ended (exit 0)
      do-the-work/api  0 commits, 1 not committed: left.txt (untracked)
    ");
    before.assert_same(&stage.world.snapshot());
}

#[test]
fn every_control_repository_of_the_user_is_shown_from_anywhere() {
    let stage = Stage::with(WORKS);
    let web = stage.world.repo("web");
    stage.finish("one", "First work");
    stage.world.run(["run", "Second work", "--run-id", "two"]).at(&web).ok();
    let answer = stage.json(&["-C", "/", "status", "-A"]);
    let mut ids: Vec<_> =
        answer["runs"].as_array().expect("a list").iter().filter_map(|r| r["run"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["one", "two"]);
}
