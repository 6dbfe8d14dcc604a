//! `publish`: records that wait go into history.

use super::forum::{ask, masked, thread};
use super::stage::{Stage, WAITS, WORKS};

#[test]
fn a_record_that_would_alone_put_base_ahead_waits_until_it_is_asked_for() {
    let stage = Stage::with(WORKS);
    stage.repo.with_origin();
    stage.repo.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    insta::assert_snapshot!(stage.said(&["publish"]), @"Nothing waits: every decided run and every thread is in history.");
    stage.finish("one", "Do the work");
    // The server squashed the branch, and base has only followed it.
    stage.repo.git(["merge", "-q", "--squash", "task/do-the-work"]);
    stage.repo.git(["commit", "-q", "-m", "Squashed by the server (#1)"]);
    stage.repo.git(["push", "-q", "origin", "main"]);
    insta::assert_snapshot!(stage.said(&["close", "one"]), @"
      'main' of api holds the run's branch already: nothing to merge
      the record waits for the next merge: by itself it would put base ahead of its upstream
    one closed
    -- story
    next:
      git metawsm cleanup one
      git metawsm log one
    ");
    assert_eq!(stage.repo.rev("main"), stage.repo.rev("origin/main"));
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&["publish", "--dry-run"]), @"
      one (closed): .metawsm/runs/MONTH/one.toml
    Dry run: nothing was changed.
    ");
    before.assert_same(&stage.world.snapshot());
    let answer = stage.json(&["publish"]);
    assert_eq!(answer["commit"].as_str(), stage.repo.rev("main").as_deref(), "{answer}");
    assert_eq!(answer["runs"][0]["run"], "one");
    assert_eq!(stage.repo.git(["status", "--porcelain"]), "");
    insta::assert_snapshot!(stage.masked(&stage.repo.git(["log", "-1", "--format=%B"])), @"
    Record one (closed): Do the work

    api: nothing to merge into 'main' (OID).

    Closed by Ada Tester <ada@example.org>: 17 gates passed.

    Metawsm-Closed: one
    Metawsm-Ticket: do-the-work
    ");
    assert_eq!(stage.json(&["publish"])["runs"], serde_json::json!([]));
}

#[test]
fn discarded_runs_go_with_the_next_publication() {
    let stage = Stage::with(WORKS);
    for id in ["one", "two"] {
        stage.finish(id, &format!("Do {id}"));
        stage.run(&["discard", id, "--reason", "not wanted"]).ok();
    }
    insta::assert_snapshot!(stage.said(&["publish"]), @"
      one (discarded): .metawsm/runs/MONTH/one.toml
      two (discarded): .metawsm/runs/MONTH/two.toml
    published on 'main' as OID
    -- story
      ok     move 'main' of api
    ");
    insta::assert_snapshot!(stage.repo.git(["log", "-1", "--format=%B"]), @"
    Record 2 decided runs

    one (discarded): Do one
    two (discarded): Do two

    Metawsm-Discarded: one
    Metawsm-Ticket: do-one
    Metawsm-Discarded: two
    Metawsm-Ticket: do-two
    ");
}

#[test]
fn records_stay_out_of_history_where_the_policy_says_so() {
    let stage = Stage::with(WORKS);
    stage.repo.commit(".metawsm/policy.json", "{\"version\":2,\"state\":{\"track\":\"never\"}}\n");
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.said(&["close", "one"]), @"
      merged do-the-work into 'main' of api as OID
      the record stays out of history, as state.track = never says
    one closed
    -- story
      ok     move 'main' of api
    next:
      git metawsm cleanup one
      git metawsm log one
    ");
    insta::assert_snapshot!(stage.said(&["publish"]), @"
      one (closed): .metawsm/runs/MONTH/one.toml
    Nothing was published: state.track = never keeps records out of history.
    ");
    assert_eq!(stage.repo.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/runs"]), "");
    assert_eq!(stage.json(&["list", "--all"])["runs"][0]["state"], "closed");
}

#[test]
fn threads_go_into_history_whenever_they_wait_and_their_live_files_when_upstream_holds_them() {
    let stage = Stage::with(WAITS);
    stage.repo.with_origin();
    stage.repo.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    stage.start("one", "Do it");
    let about_nothing = ask(&stage, &["--body", "About the project", "--project"]);
    let about_run = ask(&stage, &["--body", "About the run"]);
    stage.run(&["forum", "answer", &about_run, "--body", "Yes"]).ok();
    let before = stage.world.snapshot();
    // Threads of one second are in no order.
    let sorted = |text: &str| {
        let mut lines: Vec<_> = masked(&stage, text).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let said = stage.said(&["publish", "--dry-run"]);
    let lines = ["  THREAD (1 event): About the project", "  THREAD (2 events): About the run"];
    assert_eq!(sorted(&said), [&lines[..], &["Dry run: nothing was changed."]].concat());
    before.assert_same(&stage.world.snapshot());
    let answer = stage.json(&["publish"]);
    assert_eq!(answer["commit"].as_str(), stage.repo.rev("main").as_deref(), "{answer}");
    assert_eq!(answer["threads"].as_array().map(Vec::len), Some(2), "{answer}");
    assert_eq!(stage.repo.git(["status", "--porcelain"]), "");
    let message = stage.repo.git(["log", "-1", "--format=%B"]);
    let lines =
        ["", "Record 3 forum events of 2 threads", "THREAD: About the project", "THREAD: About the run"];
    assert_eq!(sorted(&message), lines);
    let published = stage.repo.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/forum"]);
    assert_eq!(published.lines().count(), 3, "{published}");
    insta::assert_snapshot!(stage.said(&["publish"]), @"Nothing waits: every decided run and every thread is in history.");
    // Upstream does not hold them yet.
    let live = stage.repo.common_dir().join("metawsm/forum");
    let left = || {
        std::fs::read_dir(&live)
            .expect("the forum")
            .flatten()
            .map(|month| std::fs::read_dir(month.path()).expect("a month").count())
            .sum::<usize>()
    };
    assert_eq!(left(), 2);
    stage.repo.git(["push", "-q", "origin", "main"]);
    stage.run(&["publish"]).ok();
    assert_eq!(left(), 0, "history keeps them");
    for (id, posts) in [(&about_nothing, 1), (&about_run, 2)] {
        assert_eq!(thread(&stage, id)["thread"]["posts"], posts);
    }
    stage.run(&["stop", "one"]).ok();
}

#[test]
fn threads_are_not_published_where_that_would_write_over_somebodys_file() {
    let stage = Stage::with(WORKS);
    let id = ask(&stage, &["--body", "What?"]);
    let live = stage.repo.common_dir().join("metawsm/forum");
    let month = std::fs::read_dir(&live).expect("the forum").flatten().next().expect("a month").file_name();
    let place = format!(".metawsm/forum/{}/{id}", month.to_string_lossy());
    let event =
        std::fs::read_dir(live.join(&month).join(&id)).expect("it").flatten().next().expect("it").file_name();
    stage.repo.write(&format!("{place}/{}", event.to_string_lossy()), "mine\n");
    let head = stage.repo.rev("main");
    let refusal = stage.refuses(&["publish"]);
    assert!(refusal.contains("error: "), "{refusal}");
    assert_eq!(stage.repo.rev("main"), head);
    assert!(!stage.repo.common_dir().join("metawsm/publication.toml").exists());
    assert_eq!(thread(&stage, &id)["thread"]["posts"], 1);
    std::fs::remove_dir_all(stage.repo.file(".metawsm/forum")).expect("it was there");
    stage.run(&["publish"]).ok();
}

#[test]
fn a_lock_of_another_program_is_waited_for_and_never_taken_away() {
    let stage = Stage::with(WORKS);
    ask(&stage, &["--body", "Which?", "--project"]);
    // No git of ours is behind it: an editor with a library of its own, or somebody who was killed.
    let lock = stage.repo.common_dir().join("index.lock");
    std::fs::write(&lock, "").expect("a lock");
    stage.run(&["publish"]).code(4).tells("Another git command is at work").tells("index.lock behind");
    assert!(lock.exists(), "it is not ours");
    assert_eq!(stage.repo.git(["status", "--porcelain", "--ignored"]), "");
    let running = stage.run(&["publish"]).start();
    std::fs::remove_file(&lock).expect("it goes");
    running.end().ok().says("published on 'main'");
}
