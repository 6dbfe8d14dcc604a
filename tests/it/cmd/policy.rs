//! `policy show|check|trust|apply`.

use super::stage::{Stage, WORKS};

const PROGRAMS: &str = r#"{
  "version": 2,
  "workspace": { "setup_commands": [["true"]] },
  "notify": { "command": ["echo", "a b"] }
}
"#;

#[test]
fn the_defaults_are_shown_as_a_policy_that_could_be_written() {
    let stage = Stage::with(WORKS);
    let output = stage.run(&["policy", "show"]).ok();
    assert_eq!(output.stderr, "# defaults (no policy file)\n");
    assert!(output.stdout.starts_with("version = 2\n"), "{output}");
    stage.repo.write(".metawsm/policy.toml", &output.stdout);
    insta::assert_snapshot!(stage.said(&["policy", "check"]), @"ok: $WORLD/repos/api/.metawsm/policy.toml");
    let answer = stage.json(&["policy", "show"]);
    assert_eq!((&answer["trusted"], &answer["programs"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(answer["policy"]["sessions"]["backend"], "process", "personal keys count");
    assert!(answer["path"].as_str().is_some_and(|p| p.ends_with("/.metawsm/policy.toml")), "{answer}");
}

#[test]
fn programs_are_trusted_by_their_content_before_they_start() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["policy", "trust"]), @"The policy starts no programs of its own; there is nothing to trust.");
    stage.repo.write(".metawsm/policy.json", PROGRAMS);
    insta::assert_snapshot!(stage.refuses(&["run", "Do the work"]), @"
    3 refused
    error: The policy starts programs that you have not trusted yet: workspace.setup_commands[0] = true; notify.command = echo 'a b'.
    next:
      git metawsm policy trust
    ");
    insta::assert_snapshot!(stage.said(&["policy", "check"]), @"
    ok: $WORLD/repos/api/.metawsm/policy.json
    -- story
    These programs are not trusted yet:
      workspace.setup_commands[0] = true
      notify.command = echo 'a b'
      git metawsm policy trust
    ");
    insta::assert_snapshot!(stage.said(&["policy", "trust"]), @"
    trusted:
      workspace.setup_commands[0] = true
      notify.command = echo 'a b'
    ");
    assert_eq!(stage.json(&["policy", "check"])["trusted"], true);
    stage.finish("one", "Do the work");
    stage.repo.write(".metawsm/policy.json", &PROGRAMS.replace("true", "false"));
    assert_eq!(stage.json(&["policy", "show"])["trusted"], false, "other content is not trusted");
}

#[test]
fn every_problem_is_named_at_once_and_fix_mends_what_it_can() {
    let stage = Stage::with(WORKS);
    let policy = r#"{
  "version": 2,
  "workspace": { "fetch_second": 5 },
  "close": { "gates": { "clean-tree": "maybe" } },
  "sessions": { "backend": "screen" }
}
"#;
    stage.repo.write(".metawsm/policy.json", policy);
    insta::assert_snapshot!(stage.refuses(&["policy", "check"]), @r#"
    2 policy
    error: The policy $WORLD/repos/api/.metawsm/policy.json has 3 problems.
      The policy has no key workspace.fetch_second; did you mean workspace.fetch_seconds?
      close.gates.clean-tree is "maybe", but it must be one of off, warn, block.
      sessions.backend is "screen", but it must be one of auto, tmux, process.
    next:
      git metawsm --policy $WORLD/repos/api/.metawsm/policy.json policy check --fix
      ${EDITOR:-vi} $WORLD/repos/api/.metawsm/policy.json
    "#);
    assert_eq!(stage.refuses(&["policy", "show"]), stage.refuses(&["policy", "check"]));
    let error = stage.run(&["policy", "check", "--json"]).code(2).json()["error"].clone();
    assert_eq!((&error["kind"], error["details"].as_array().map(Vec::len)), (&"policy".into(), Some(3)));
    // What cannot be mended is still refused, and what could be is mended.
    insta::assert_snapshot!(stage.refuses(&["policy", "check", "--fix"]), @r#"
    2 policy
    error: The policy $WORLD/repos/api/.metawsm/policy.json has 2 problems.
      close.gates.clean-tree is "maybe", but it must be one of off, warn, block.
      sessions.backend is "screen", but it must be one of auto, tmux, process.
    next:
      ${EDITOR:-vi} $WORLD/repos/api/.metawsm/policy.json
    "#);
    assert!(stage.repo.read(".metawsm/policy.json").contains("\"fetch_seconds\": 5"));
    stage.repo.write(".metawsm/policy.json", "{\n  \"version\": 2,\n  \"nonsense\": 1\n}\n");
    insta::assert_snapshot!(stage.said(&["policy", "check", "--fix"]), @"
      Removed nonsense, which was 1.
    ok: $WORLD/repos/api/.metawsm/policy.json
    ");
    insta::assert_snapshot!(stage.said(&["policy", "check", "--fix"]), @"ok: $WORLD/repos/api/.metawsm/policy.json");
}

#[test]
fn a_run_takes_the_present_policy_of_base() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.said(&["policy", "apply"]), @r#"
      sessions.backend: "process" -> "auto"
    applied
    "#);
    stage.repo.commit(".metawsm/policy.json", "{\"version\":2,\"health\":{\"idle_seconds\":7}}\n");
    let before = stage.repo.snapshot();
    insta::assert_snapshot!(stage.said(&["policy", "apply", "one", "--dry-run"]), @"
      health.idle_seconds: 300 -> 7
    Dry run: nothing was changed.
    ");
    before.assert_same(&stage.repo.snapshot());
    insta::assert_snapshot!(stage.said(&["policy", "apply", "do-the-work"]), @"
      health.idle_seconds: 300 -> 7
    applied
    ");
    let answer = stage.json(&["policy", "apply", "one"]);
    assert_eq!(
        (&answer["run"], &answer["dry_run"], &answer["changes"]),
        (&"one".into(), &false.into(), &serde_json::json!([]))
    );
    stage.run(&["discard", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["policy", "apply", "one"]), @"
    1 failed
    error: The run one is discarded, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
}
