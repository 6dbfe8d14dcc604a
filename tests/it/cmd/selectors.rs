//! Which run is meant: the words that name one, and what happens without any.

use super::stage::{Stage, WAITS, WORKS};
use crate::kit::Repo;

fn run_of(stage: &Stage, words: &[&str]) -> String {
    let answer = stage.json(words);
    answer["runs"][0]["run"].as_str().expect("a run").to_owned()
}

#[test]
fn a_run_is_named_by_id_prefix_or_ticket_in_any_case() {
    let stage = Stage::with(WORKS);
    stage.finish("alpha-1", "Fix the parser");
    stage.finish("alpha-2", "Teach it more");
    let named: [&[&str]; 8] = [
        &["status", "alpha-1"],
        &["status", "fix-the-parser"],
        &["status", "FIX-the-Parser"],
        &["status", "--run-id", "alpha-1"],
        &["status", "--ticket", "Fix-The-PARSER"],
        &["status", "--run-id", "alpha-1", "--ticket", "fix-the-parser"],
        &["status", "alpha-1", "--ticket", "fix-the-parser"],
        &["status", "fix-the-parser", "--run-id", "alpha-1"],
    ];
    for words in named {
        assert_eq!(run_of(&stage, words), "alpha-1", "{words:?}");
    }
    stage.run(&["close", "alpha-1"]).ok();
    assert_eq!(run_of(&stage, &["status", "fix-the-parser"]), "alpha-1", "its newest run, though closed");
    stage.start("beta-1", "Fix the parser");
    assert_eq!(run_of(&stage, &["status", "fix-the-parser"]), "beta-1", "its newest open run");
    assert_eq!(run_of(&stage, &["status", "b"]), "beta-1", "a unique prefix");
    assert_eq!(run_of(&stage, &["status", "--run-id", "bet"]), "beta-1", "a unique prefix");
    assert_eq!(
        run_of(&stage, &["status", "alpha-1", "--ticket", "fix-the-parser"]),
        "alpha-1",
        "a ticket beside an id need not be meant by its newest run"
    );
}

#[test]
fn words_that_disagree_are_refused() {
    let stage = Stage::with(WORKS);
    stage.finish("alpha-1", "Fix the parser");
    stage.finish("alpha-2", "Teach it more");
    let wrong: [&[&str]; 5] = [
        &["stop", "alpha-1", "--run-id", "alpha-2"],
        &["stop", "alpha-1", "--ticket", "teach-it-more"],
        &["stop", "--run-id", "alpha-1", "--ticket", "teach-it-more"],
        &["stop", "teach-it-more", "--run-id", "alpha-1"],
        &["stop", "teach-it-more", "--ticket", "fix-the-parser"],
    ];
    for words in wrong {
        let refusal = stage.refuses(words);
        assert!(
            refusal.starts_with("2 usage\nerror: The words given mean two runs, alpha-"),
            "{words:?}: {refusal}"
        );
    }
    insta::assert_snapshot!(stage.refuses(&["stop", "alpha-1", "--ticket", "teach-it-more"]), @"
    2 usage
    error: The words given mean two runs, alpha-1 and alpha-2.
    next:
      git metawsm stop alpha-1
      git metawsm stop alpha-2
    ");
    insta::assert_snapshot!(stage.refuses(&["log", "alpha"]), @"
    2 usage
    error: 'alpha' is the beginning of several runs: alpha-2, alpha-1.
    next:
      git metawsm log alpha-2
      git metawsm log alpha-1
    ");
}

#[test]
fn without_a_word_the_only_run_is_meant_and_several_are_listed() {
    let stage = Stage::with(WAITS);
    stage.start("one", "First work");
    assert!(stage.said(&["stop"]).starts_with("one stopped"));
    stage.start("two", "Second work");
    insta::assert_snapshot!(stage.refuses(&["stop"]), @"
    2 usage
    error: Several runs are open, so name one: two (Second work, running); one (First work, stopped).
    next:
      git metawsm stop two
      git metawsm stop one
    ");
    insta::assert_snapshot!(stage.refuses(&["complete", "--reason", "because"]), @"
    2 usage
    error: Several runs are open, so name one: two (Second work, running); one (First work, stopped).
    next:
      git metawsm complete two --reason '<why the work is done>'
      git metawsm complete one --reason '<why the work is done>'
    ");
    insta::assert_snapshot!(stage.refuses(&["policy", "apply"]), @"
    2 usage
    error: Several runs are open, so name one: two (Second work, running); one (First work, stopped).
    next:
      git metawsm policy apply two
      git metawsm policy apply one
    ");
    stage.run(&["complete", "one", "--reason", "it is done"]).ok();
    assert!(stage.said(&["resume"]).starts_with("two running"), "resume cannot act on a completed run");
}

#[test]
fn inside_a_workspace_its_run_is_meant() {
    let stage = Stage::with(WAITS);
    stage.start("one", "First work");
    stage.start("two", "Second work");
    let tree = stage.tree("two");
    let workspace = tree.parent().expect("it lies in a workspace").to_owned();
    std::fs::create_dir_all(tree.join("deep/er")).expect("folders");
    for place in [&workspace, &tree, &tree.join("deep/er")] {
        let output = stage.world.run(["path"]).at(place).ok();
        assert_eq!(output.stdout.trim_end(), workspace.to_string_lossy(), "{}", place.display());
        let answer = stage.world.run(["check", "--json"]).at(place).code(3).json();
        assert_eq!(answer["run"], "two", "{}", place.display());
    }
    // The records are those of the control repository, not of the worktree around us.
    let list = stage.world.run(["list", "--json"]).at(&tree).ok().json();
    assert_eq!(list["runs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn inside_a_session_its_run_is_meant() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "First work");
    stage.finish("two", "Second work");
    let output = stage.run(&["log"]).env("METAWSM_RUN", "one").ok();
    assert!(output.stdout.contains("First work"), "{output}");
    let refusal = stage.refusal(&|words| stage.run(words).env("METAWSM_RUN", "gone"), &["log"]);
    assert!(refusal.starts_with("2 usage\nerror: Several runs are open"), "{refusal}");
}

#[test]
fn the_control_repository_is_named_from_anywhere() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "First work");
    let web: Repo = stage.world.repo("web");
    let top = stage.repo.path();
    let root = top.to_str().expect("UTF-8");
    let listed = |output: crate::kit::Output| output.json()["runs"].as_array().map(Vec::len);
    assert_eq!(listed(stage.world.run(["list", "--json"]).at(&web).ok()), Some(0));
    assert_eq!(listed(stage.world.run(["list", "--json", "--root", root]).at(&web).ok()), Some(1));
    assert_eq!(listed(stage.world.run(["list", "--json", "--root", "../api"]).at(&web).ok()), Some(1));
    assert_eq!(listed(stage.world.run(["list", "--json", "-C", "../api"]).at(&web).ok()), Some(1));
    assert_eq!(listed(stage.world.run(["list", "--json"]).at(&web).env("METAWSM_ROOT", root).ok()), Some(1));
    let both = stage.world.run(["list", "--json", "--root", "."]).at(&web).env("METAWSM_ROOT", root);
    assert_eq!(listed(both.ok()), Some(0), "the flag goes before the variable");
    assert_eq!(listed(stage.world.run(["status", "-A", "--json"]).at("/").ok()), Some(1), "from anywhere");
    let here = |words: &[&str]| stage.world.run(words).at(&web);
    insta::assert_snapshot!(stage.refusal(&here, &["--root", "/", "list"]), @"
    1 failed
    error: The control repository / is not a git repository.
    next:
      git metawsm --root <repository> status
    ");
    insta::assert_snapshot!(stage.refusal(&here, &["-C", "nowhere", "list"]), @"
    2 usage
    error: $WORLD/repos/web/nowhere is not a directory.
    next:
      git metawsm -C <directory> status
    ");
}
