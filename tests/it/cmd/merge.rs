//! `merge`: a run's branches into their bases; the run stays open.

use super::stage::{Stage, WAITS, WORKS};

#[test]
fn the_work_lands_with_its_trailers_and_once_only() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&["merge", "--dry-run"]), @"
      merge 'task/do-the-work' into 'main' of api
    Dry run: nothing was changed.
    -- story
      ok     run-state
      ok     agents-quiet
      ok     clean-tree
      ok     on-branch
      ok     records-untouched
      ok     forbidden-files
      ok     checks
      ok     guidance
      ok     mergeable
      ok     base-ready
      ok     policy-drift
    ");
    before.assert_same(&stage.world.snapshot());
    insta::assert_snapshot!(stage.said(&["merge"]), @"
      merged do-the-work into 'main' of api as OID
    one completed
    -- story
      ok     move 'main' of api
    next:
      git metawsm diff one
      git metawsm check one
      git metawsm close one
    ");
    insta::assert_snapshot!(stage.repo.git(["log", "-1", "--format=%B"]), @"
    Merge do-the-work: Do the work

    Branch 'task/do-the-work' into 'main'.

    Metawsm-Merged: one
    Metawsm-Ticket: do-the-work
    ");
    let landed = stage.repo.rev("main");
    insta::assert_snapshot!(stage.said(&["merge", "one"]), @"
      'main' of api holds the run's branch already: nothing to merge
    one completed
    -- story
    next:
      git metawsm diff one
      git metawsm check one
      git metawsm close one
    ");
    assert_eq!(stage.repo.rev("main"), landed);
    let answer = stage.json(&["merge", "one"]);
    assert_eq!(
        (&answer["run"], &answer["state"], &answer["published"]),
        (&"one".into(), &"completed".into(), &().into())
    );
}

#[test]
fn what_is_in_the_way_is_named_and_nothing_moves() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.repo.commit("work.txt", "theirs\n");
    let landed = stage.repo.rev("main");
    insta::assert_snapshot!(stage.refuses(&["merge"]), @"
    3 refused
    error: one refuses to merge: 1 thing is in the way.
      BLOCK  mergeable
             api: Merging 'task/do-the-work' into 'main' conflicts in work.txt.
               git metawsm update one
    next:
      git metawsm status one
    ");
    assert_eq!(stage.repo.rev("main"), landed);
}

#[test]
fn a_run_that_still_works_or_is_discarded_is_not_merged() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    assert!(stage.refuses(&["merge", "one"]).starts_with("3 refused\n"));
    stage.run(&["discard", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["merge", "one"]), @"
    1 failed
    error: The run one is discarded, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}

#[test]
fn the_first_programs_flag_is_taken_and_explained() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["merge", "--human"]).ok().tells("note: --human is not needed");
}
