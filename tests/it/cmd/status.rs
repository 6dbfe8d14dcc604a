//! `status`: what needs you.

use super::stage::{LEAVES, Stage, WAITS, WORKS};
use crate::kit::wait_until;
use std::time::Duration;

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
    // Among equals those that need a person are sorted by when they changed, to the second: told apart by their ids.
    let text = stage.said(&["status"]);
    let (needs, runs) = text.split_once("\n5 runs\n").expect("needs before runs");
    let (head, needs) = needs.split_once('\n').expect("a heading");
    assert_eq!(head, "needs you");
    let mut blocks: Vec<_> =
        format!("\n{needs}").split("\n  a-").skip(1).map(|b| b.trim_end().to_owned()).collect();
    blocks.sort_unstable();
    insta::assert_snapshot!(blocks.join("\n"), @"
    2  break-it  Break it
        break-it.agent ended with exit 3.
          git metawsm logs a-2:agent
    3  do-nothing  Do nothing
        The agents ended with exit 0, and nothing was changed.
          git metawsm restart a-3
    4  leave-it  Leave it
        The agents ended, and 1 file is not committed.
          git metawsm commit a-4
    5  fall-over  Fall over
        fall-over.agent was ended by signal 9.
          git metawsm logs a-5:agent
    ");
    let mut blocks: Vec<_> =
        format!("\n{runs}").split("\n  a-").skip(1).map(|b| b.trim_end().to_owned()).collect();
    assert!(blocks[4].starts_with("1  running"), "what needs nobody comes last: {text}");
    blocks[4] = blocks[4].split("\n\n").next().expect("the run").to_owned();
    blocks.sort_unstable();
    insta::assert_snapshot!(blocks.join("\n"), @"
    1  running  AGE ago  Wait for me
        wait-for-me.agent  working  printed AGE ago  work moved AGE ago
    2  running  AGE ago  Break it
        break-it.agent  ended    exit 3, AGE ago
    3  running  AGE ago  Do nothing
        do-nothing.agent  ended    exit 0, AGE ago
    4  running  AGE ago  Leave it
        leave-it.agent  ended    exit 0, AGE ago
    5  running  AGE ago  Fall over
        fall-over.agent  ended    signal 9, AGE ago
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
    Do the work
    one  running  AGE ago  by Ada Tester <ada@example.org>

    tickets    T-1  ~/workspaces/DATE/t-1
                 api  task/t-1 into main  0 commits  clean
               T-2  ~/workspaces/DATE/t-2
                 api  task/t-2 into main  0 commits  clean
    steps      6 of 6 done
    agents     T-1.agent  working  printed AGE ago  work moved AGE ago
                 claude in process agent-t-1
               T-2.agent  working  printed AGE ago  work moved AGE ago
                 claude in process agent-t-2
    journal    AGE ago  created  Do the work
               AGE ago  planning  planned
               AGE ago  running  started

    next
      git metawsm logs -f one:T-1.agent
      git metawsm diff one
    ");
    stage.run(&["stop", "one"]).ok();
    insta::assert_snapshot!(stage.said(&["status", "one"]), @"
    Do the work
    one  stopped  AGE ago  by Ada Tester <ada@example.org>
    stopped by a person

    needs you
      The run is stopped (stopped by a person).
        git metawsm resume one

    tickets    T-1  ~/workspaces/DATE/t-1
                 api  task/t-1 into main
               T-2  ~/workspaces/DATE/t-2
                 api  task/t-2 into main
    steps      6 of 6 done
    agents     T-1.agent  ended    stopped AGE ago
                 claude in process agent-t-1
               T-2.agent  ended    stopped AGE ago
                 claude in process agent-t-2
    journal    AGE ago  session ended  T-1.agent
               AGE ago  session ended  T-2.agent
               AGE ago  stopped  stopped by a person

    next
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
    needs you
      one  do-the-work  Do the work
        The agents ended, and 1 file is not committed.
          git metawsm commit one

    1 run
      one  running  AGE ago  Do the work
        do-the-work.agent  ended    exit 0, AGE ago
        do-the-work/api  0 commits  1 not committed
          untracked  left.txt

    next
      git metawsm status one
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
    // What is said of a repository elsewhere works from here, and one that is gone is a line.
    let needs = answer["runs"][0]["needs"][0]["command"].as_str().expect("the work is done");
    let words: Vec<_> = needs.split(' ').skip(2).collect();
    stage.world.run(words).at("/").ok().says("work.txt");
    stage.run(&["stop", "two", "-C", &web.path().to_string_lossy()]).ok();
    // The wrapper of the agent that was stopped may write down its end just now.
    wait_until("the repository is gone for good", Duration::from_secs(60), || {
        let _ = std::fs::remove_dir_all(web.path());
        stage.said(&["status", "-A"]).contains("it is gone")
    });
    insta::assert_snapshot!(stage.said(&["status", "-A"]), @"
    needs you
      one  $WORLD/repos/api  first-work  First work
        The work is done; look at it, then close.
          git metawsm diff one

    1 run

    $WORLD/repos/api
      one  completed  AGE ago  First work
        first-work.agent  ended    exit 0, AGE ago

    unreadable
      $WORLD/repos/web: it is gone.

    next
      git metawsm status one
    ");
    assert_eq!(stage.json(&["status", "-A"])["away"][0]["root"].as_str(), web.path().to_str());
}

/// The commands of a page, as they would be pasted.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().map(str::trim_start).filter(|line| line.starts_with("git metawsm "));
    lines.map(|line| shell_words(line).split_off(2)).collect()
}

/// The words of a command whose quotes hold no quotes.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_command_that_is_told_is_one_and_those_that_only_look_work() {
    let stage = Stage::with(LEAVES);
    let mut count = 0;
    let mut look = |words: &[&str]| {
        for words in commands(&stage.run(words).ok().stdout) {
            count += 1;
            let program = git_metawsm::cmd::program();
            let line = std::iter::once("git-metawsm").chain(words.iter().map(String::as_str));
            let parsed = program.try_get_matches_from(line);
            assert!(parsed.is_ok(), "{words:?}: {}", parsed.expect_err("it was refused"));
            if ["status", "diff", "check", "log", "path"].contains(&words[0].as_str()) {
                let output = stage.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).output();
                assert!(matches!(output.status, Some(0 | 3)), "{output}");
            }
        }
    };
    stage.start("left", "Leave it");
    stage.wait_for_end("left");
    look(&["status"]);
    look(&["status", "left"]);
    stage.agent(WAITS);
    stage.start("waits", "Wait");
    stage.wait_for_words("waits", "waiting for you\n");
    look(&["status", "waits"]);
    stage.run(&["stop", "waits"]).ok();
    look(&["status", "waits"]);
    stage.agent(WORKS);
    stage.finish("done", "Work");
    look(&["status", "done"]);
    stage.run(&["discard", "waits"]).ok();
    look(&["status", "waits"]);
    assert!(count >= 12, "{count}");
}
