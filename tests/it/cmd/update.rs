//! `update`: base into every branch of a run.

use super::stage::{Stage, WAITS, WORKS};

#[test]
fn base_is_taken_into_the_branch_and_a_second_time_changes_nothing() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.said(&["update", "one"]), @"  'task/do-the-work' of api holds 'main' already");
    stage.repo.commit("theirs.txt", "theirs\n");
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&["update", "--dry-run"]), @"
      take 'main' into 'task/do-the-work' of api
    Dry run: nothing was changed.
    ");
    before.assert_same(&stage.world.snapshot());
    insta::assert_snapshot!(stage.said(&["update"]), @"
      took 'main' into 'task/do-the-work' of api: OID
    -- story
      ok     take 'main' into 'task/do-the-work' of api
    ");
    let tree = stage.repo.seen_from(stage.tree("one"));
    assert_eq!(tree.read("theirs.txt"), "theirs\n");
    insta::assert_snapshot!(tree.git(["log", "-1", "--format=%B"]), @"
    Merge 'main' into 'task/do-the-work'

    Metawsm-Run: one
    Metawsm-Made: yes
    ");
    assert_eq!(stage.json(&["update", "one"])["updates"][0]["outcome"], "already");
    stage.run(&["close", "one"]).ok();
}

#[test]
fn conflicts_are_left_in_the_worktree_and_named() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.repo.commit("work.txt", "theirs\n");
    insta::assert_snapshot!(stage.told(&stage.run(&["update", "--dry-run"]).code(1)), @"
      'main' into 'task/do-the-work' of api would conflict in work.txt
    Dry run: nothing was changed.
    ");
    insta::assert_snapshot!(stage.told(&stage.run(&["update"]).code(1)), @"
      'main' into 'task/do-the-work' of api conflicts in work.txt
    -- story
      failed take 'main' into 'task/do-the-work' of api: conflicts in work.txt
    next:
      git -C $WORLD/home/workspaces/DATE/do-the-work/api status
      git -C $WORLD/home/workspaces/DATE/do-the-work/api merge --abort
    ");
    assert!(stage.refuses(&["update"]).contains("a merge is half done in"));
    let tree = stage.repo.seen_from(stage.tree("one"));
    tree.write("work.txt", "both\n");
    tree.git(["commit", "-q", "-a", "-m", "Both"]);
    stage.run(&["close", "one"]).ok();
    assert_eq!(stage.repo.read("work.txt"), "both\n");
}

#[test]
fn nothing_is_touched_under_an_agent_at_work_or_over_what_is_not_committed() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    stage.wait_for_words("one", "waiting");
    stage.repo.commit("theirs.txt", "theirs\n");
    std::fs::write(stage.tree("one").join("left.txt"), "left\n").expect("a file");
    insta::assert_snapshot!(stage.refuses(&["update", "one"]), @"
    1 failed
    error: Nothing was updated: do-the-work.agent still works; left.txt (untracked) is not committed in $WORLD/home/workspaces/DATE/do-the-work/api.
    next:
      git metawsm stop one
      git metawsm commit one
    ");
    assert!(!stage.tree("one").join("theirs.txt").exists());
}
