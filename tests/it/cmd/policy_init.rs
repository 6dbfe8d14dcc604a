//! `policy-init`: a policy file with every key at its default.

use super::stage::{Stage, WORKS};

#[test]
fn the_file_is_written_once_and_is_valid() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["policy-init"]), @"
    wrote $WORLD/repos/api/.metawsm/policy.json
    -- story
      git metawsm policy check
    ");
    insta::assert_snapshot!(stage.said(&["policy", "check"]), @"ok: $WORLD/repos/api/.metawsm/policy.json");
    insta::assert_snapshot!(stage.refuses(&["policy-init"]), @"
    1 failed
    error: $WORLD/repos/api/.metawsm/policy.json exists and is not overwritten.
    next:
      git metawsm policy show
      git metawsm policy-init --force
    ");
    insta::assert_snapshot!(stage.refuses(&["policy-init", "--toml"]), @"
    1 failed
    error: $WORLD/repos/api/.metawsm/policy.json holds the policy already, and only one file can.
    next:
      git rm $WORLD/repos/api/.metawsm/policy.json
    ");
    stage.repo.write(".metawsm/policy.json", "{\n  \"version\": 2\n}\n");
    let output = stage.run(&["policy-init", "--force"]).ok();
    assert!(output.stdout.starts_with("--- before\n+++ after\n"), "{output}");
    assert_eq!(stage.json(&["policy-init", "--force"])["diff"], "", "it is the same again");
}

#[test]
fn toml_carries_comments() {
    let stage = Stage::with(WORKS);
    let answer = stage.json(&["policy-init", "--toml"]);
    assert!(answer["path"].as_str().is_some_and(|p| p.ends_with("/.metawsm/policy.toml")), "{answer}");
    assert!(stage.repo.read(".metawsm/policy.toml").contains("\n# "));
    stage.run(&["policy", "check"]).ok();
}

#[test]
fn another_place_is_written_and_checked_by_its_name() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["policy-init", "--path", "my policy.json"]), @"
    wrote $WORLD/repos/api/my policy.json
    -- story
      git metawsm --policy '$WORLD/repos/api/my policy.json' policy check
    ");
    stage.run(&["--policy", "my policy.json", "policy", "check"]).ok();
    insta::assert_snapshot!(stage.refuses(&["policy-init", "--path", "my policy.json"]), @"
    1 failed
    error: $WORLD/repos/api/my policy.json exists and is not overwritten.
    next:
      git metawsm policy show
      git metawsm policy-init --force
    ");
}

#[test]
fn a_bare_repository_has_no_place_for_it() {
    let stage = Stage::with(WORKS);
    let bare = stage.repo.with_origin();
    insta::assert_snapshot!(stage.refusal(&|words| stage.world.run(words).at(&bare), &["policy-init"]), @"
    1 failed
    error: A bare repository has no worktree to write a policy into.
    next:
      git metawsm policy-init --path <file>
    ");
}
