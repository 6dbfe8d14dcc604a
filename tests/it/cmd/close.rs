//! `close`: merge, close the ticket, publish the record.

use super::stage::{LEAVES, Stage, WORKS};

#[test]
fn a_completed_run_is_merged_and_published() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&["close", "--dry-run"]), @"
      merge 'task/do-the-work' into 'main' of api
      publish .metawsm/runs/MONTH/one.toml
    Dry run: nothing was changed.
    -- story
      ok     run-state
      ok     agents-quiet
      ok     clean-tree
      ok     on-branch
      ok     records-untouched
      ok     forbidden-files
      ok     checks
      ok     docs-synced
      ok     docs-fresh
      ok     brief
      ok     validation
      ok     guidance
      ok     forum-quiet
      ok     mergeable
      ok     base-ready
      ok     bypass
      ok     policy-drift
    ");
    before.assert_same(&stage.world.snapshot());
    insta::assert_snapshot!(stage.said(&["close"]), @"
      merged do-the-work into 'main' of api as OID
      published .metawsm/runs/MONTH/one.toml as OID
    one closed
    -- story
      ok     move 'main' of api
    next:
      git metawsm cleanup one
      git metawsm log one
    ");
    insta::assert_snapshot!(stage.masked(&stage.repo.git(["log", "--format=%B", "--no-merges", "-1"])), @"
    Close one: Do the work

    api: 1 merge into 'main' (OID..OID).

    Closed by Ada Tester <ada@example.org>: 17 gates passed.

    Metawsm-Closed: one
    Metawsm-Ticket: do-the-work
    ");
    assert_eq!(stage.repo.read("work.txt"), "work of one\n");
    assert_eq!(stage.repo.git(["status", "--porcelain"]), "");
    insta::assert_snapshot!(stage.said(&["close", "one"]), @"one is closed already.");
    assert_eq!(stage.json(&["close", "one"])["already"], true);
}

#[test]
fn the_answer_for_programs_holds_gates_acts_and_receipt() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let dry = stage.json(&["close", "one", "--dry-run"]);
    assert_eq!(
        (&dry["dry_run"], &dry["state"], &dry["published"]),
        (&true.into(), &"completed".into(), &().into())
    );
    let answer = stage.json(&["close", "--ticket", "DO-THE-WORK"]);
    assert_eq!(
        (&answer["dry_run"], &answer["state"], &answer["already"]),
        (&false.into(), &"closed".into(), &false.into())
    );
    assert_eq!(answer["gates"].as_array().map(Vec::len), Some(git_metawsm::gate::ALL.len()));
    assert_eq!(answer["published"].as_str(), stage.repo.rev("HEAD").as_deref());
    let landed = &answer["receipt"]["repos"][0];
    assert_eq!((&landed["repo"], &landed["base"]), (&"api".into(), &"main".into()));
    assert_eq!(landed["merges"][0].as_str(), stage.repo.rev("HEAD~1").as_deref(), "{answer}");
}

#[test]
fn what_is_in_the_way_is_named_at_once() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    insta::assert_snapshot!(stage.refuses(&["close", "one"]), @"
    3 refused
    error: one refuses to close: 2 things are in the way.
      BLOCK  run-state
             The run is running, not completed.
               git metawsm complete one --reason '<why the work is done>'
      BLOCK  clean-tree
             api ($WORLD/home/workspaces/DATE/do-the-work/api): 1 file is not committed: left.txt (untracked).
               git metawsm commit one
    next:
      git metawsm status one
    ");
    let error = stage.run(&["close", "one", "--json"]).code(3).json()["error"].clone();
    let blocked = error["gates"].as_array().expect("gates").iter().filter(|gate| gate["verdict"] == "block");
    assert_eq!(blocked.count(), 2, "{error}");
}

#[test]
fn a_waiver_needs_a_gate_that_exists_and_a_reason() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.refuses(&["close", "--waive", "clean-tree"]), @"
    2 usage
    error: Invalid value 'clean-tree' for '--waive <GATE=REASON>': write it as gate=reason.
    next:
      git metawsm close -h
    ");
    insta::assert_snapshot!(stage.refuses(&["close", "--waive", "nope=because"]), @"
    2 usage
    error: There is no gate 'nope'; the gates are run-state, agents-quiet, clean-tree, on-branch, records-untouched, forbidden-files, checks, docs-synced, docs-fresh, brief, validation, guidance, forum-quiet, mergeable, base-ready, bypass, policy-drift.
    next:
      git metawsm check
    ");
    insta::assert_snapshot!(stage.refuses(&["close", "--waive", "clean-tree="]), @"
    2 usage
    error: The waiver of 'clean-tree' gives no reason.
    next:
      git metawsm close --waive 'clean-tree=<why it may pass>'
    ");
    insta::assert_snapshot!(stage.refuses(&["close", "--waive", "mergeable=because"]), @"
    3 refused
    error: The gate 'mergeable' cannot be waived: no reason makes such a merge possible.
    next:
      git metawsm check
    ");
    std::fs::write(stage.tree("one").join("more.txt"), "more\n").expect("a file");
    insta::assert_snapshot!(stage.said(&["close", "--waive", "clean-tree=it is a note"]), @"
      merged do-the-work into 'main' of api as OID
      published .metawsm/runs/MONTH/one.toml as OID
    one closed
    -- story
      ok     move 'main' of api
      waived clean-tree
             api ($WORLD/home/workspaces/DATE/do-the-work/api): 1 file is not committed: more.txt (untracked).
               git metawsm commit one
    next:
      git metawsm cleanup one
      git metawsm log one
    ");
    let message = stage.repo.git(["log", "-1", "--format=%B", "HEAD~1"]);
    assert!(message.contains("Metawsm-Waived: clean-tree=it is a note"), "{message}");
}

#[test]
fn a_discarded_run_is_not_closed() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["discard", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["close", "one"]), @"
    1 failed
    error: The run one is discarded, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
    assert_eq!(stage.refuses(&["close", "one", "--dry-run"]), stage.refuses(&["close", "one"]));
}
