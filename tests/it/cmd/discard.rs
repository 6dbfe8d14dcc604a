//! `discard`: a run is given up, its work is kept.

use super::stage::{Stage, WAITS, WORKS};

#[test]
fn worktree_and_branch_go_and_the_work_stays_under_rescue_refs() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let head = stage.repo.rev("task/do-the-work").expect("the run's branch");
    let tree = stage.tree("one");
    std::fs::write(tree.join("loose.txt"), "loose\n").expect("a file");
    insta::assert_snapshot!(stage.said(&["discard", "--reason", "it was the wrong idea"]), @"
      removed workspace $WORLD/home/workspaces/DATE/do-the-work
      removed branch 'task/do-the-work' of api
      saved api: refs/metawsm/rescue/one/do-the-work/api/STAMP
      saved api: refs/metawsm/rescue/one/do-the-work/api/STAMP
    one discarded
    -- story
      ok     remove workspace do-the-work
    next:
      git metawsm rescue list one
    ");
    assert!(!tree.exists() && stage.repo.rev("task/do-the-work").is_none());
    let refs = stage.repo.git(["for-each-ref", "--format=%(refname)", "refs/metawsm/rescue/one"]);
    assert!(
        refs.lines().any(|r| stage.repo.rev(&format!("{r}^{{commit}}")).as_deref() == Some(&head)),
        "{refs}"
    );
    assert!(
        refs.lines().any(|r| stage.repo.try_git(["show", &format!("{r}:loose.txt")]).stdout == "loose\n")
    );
    assert_eq!(stage.json(&["status", "one"])["runs"][0]["reason"], "it was the wrong idea");
    insta::assert_snapshot!(stage.said(&["discard", "one"]), @"
      nothing was left to remove
    one discarded
    ");
}

#[test]
fn a_live_agent_is_ended_first_and_programs_hear_what_went() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    let answer = stage.json(&["discard", "do-the-work"]);
    assert_eq!((&answer["run"], &answer["state"]), (&"one".into(), &"discarded".into()));
    assert_eq!(answer["removed"].as_array().map(Vec::len), Some(2), "{answer}");
    assert_eq!(answer["rescued"], serde_json::json!([]), "nothing was made");
    assert_eq!(stage.json(&["list"])["runs"], serde_json::json!([]));
    let left = git_metawsm::sys::procs::marked("METAWSM_RUN", "one");
    let here = git_metawsm::sys::procs::marked("HOME", &stage.world.home().to_string_lossy());
    assert!(!left.iter().any(|p| here.contains(p)), "the agent still lives");
}

#[test]
fn a_closed_run_cannot_be_discarded() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    insta::assert_snapshot!(stage.refuses(&["discard", "one"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
