//! `publish`: records that wait go into history.

use super::stage::{Stage, WORKS};

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

    Closed by Ada Tester <ada@example.org>: 15 gates passed.

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
