//! `cleanup`: what a run that is over leaves on disk goes, and no work with it.

use super::stage::{LEAVES, Stage, WAITS, WORKS};

#[test]
fn a_closed_run_leaves_nothing_behind() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let tree = stage.tree("one");
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.said(&["cleanup"]), @"
      removed workspace $WORLD/home/workspaces/DATE/do-the-work
      removed branch 'task/do-the-work' of api
    -- story
      ok     remove workspace do-the-work
    ");
    assert!(!tree.exists() && stage.repo.rev("task/do-the-work").is_none());
    assert_eq!(stage.repo.git(["status", "--porcelain"]), "");
    insta::assert_snapshot!(stage.refuses(&["cleanup"]), @"
    1 failed
    error: No closed or discarded run has a workspace left to clean up.
    next:
      git metawsm list --all
    ");
    insta::assert_snapshot!(stage.said(&["cleanup", "one"]), @"  nothing was left to remove");
}

#[test]
fn the_answer_for_programs_lists_what_went() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    let answer = stage.json(&["cleanup", "do-the-work"]);
    assert_eq!((&answer["run"], &answer["state"]), (&"one".into(), &"closed".into()));
    assert_eq!(answer["removed"].as_array().map(Vec::len), Some(2), "{answer}");
    assert_eq!(answer["kept"], serde_json::json!([]));
}

#[test]
fn work_that_is_nowhere_else_is_named_and_kept_until_forced() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let tree = stage.tree("one");
    let head = stage.repo.rev("task/do-the-work").expect("the run's branch");
    std::fs::write(tree.join("more.txt"), "more\n").expect("a file");
    insta::assert_snapshot!(stage.refuses(&["cleanup", "one"]), @"
    3 refused
    error: Cleaning up one would lose work: not committed in $WORLD/home/workspaces/DATE/do-the-work/api: more.txt; 1 commit of 'task/do-the-work' that 'main' of api does not hold.
    next:
      git metawsm diff one
      git metawsm close one
      git metawsm cleanup one --force
    ");
    assert!(tree.join("more.txt").is_file());
    insta::assert_snapshot!(stage.said(&["cleanup", "one", "--force"]), @"
      removed workspace $WORLD/home/workspaces/DATE/do-the-work
      removed branch 'task/do-the-work' of api
      saved api: refs/metawsm/rescue/one/do-the-work/api/STAMP
      saved api: refs/metawsm/rescue/one/do-the-work/api/STAMP
    -- story
      ok     remove workspace do-the-work
    next:
      git metawsm rescue list one
    ");
    assert!(!tree.exists());
    let refs = stage.repo.git(["for-each-ref", "--format=%(refname)", "refs/metawsm/rescue/one"]);
    let refs: Vec<_> = refs.lines().collect();
    assert!(
        refs.iter().any(|r| stage.repo.try_git(["merge-base", "--is-ancestor", &head, r]).status == Some(0))
    );
    assert!(refs.iter().any(|r| stage.repo.try_git(["show", &format!("{r}:more.txt")]).stdout == "more\n"));
}

#[test]
fn a_run_that_still_goes_on_is_not_cleaned_up() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    insta::assert_snapshot!(stage.refuses(&["cleanup", "one"]), @"
    1 failed
    error: The run one is running; only a run that is over is cleaned up.
    next:
      git metawsm close one
      git metawsm stop one
      git metawsm discard one
    ");
}

#[test]
fn sessions_alone_can_be_ended() {
    let stage = Stage::with(LEAVES);
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    stage.run(&["stop", "one"]).ok();
    insta::assert_snapshot!(stage.said(&["cleanup", "one", "--keep-workspaces"]), @"  kept the workspaces (asked for)");
    assert!(stage.tree("one").join("left.txt").is_file());
}

#[test]
fn several_runs_that_are_over_are_listed() {
    let stage = Stage::with(WORKS);
    for (id, text) in [("one", "First work"), ("two", "Second work")] {
        stage.finish(id, text);
        stage.run(&["close", id]).ok();
    }
    insta::assert_snapshot!(stage.refuses(&["cleanup"]), @"
    2 usage
    error: Several closed or discarded runs have workspaces; name one.
    next:
      git metawsm cleanup two
      git metawsm cleanup one
    ");
}
