//! What a workspace gets before its agent starts: copied files, set-up commands, and who has to trust them.

use crate::kit::Repo;
use crate::stage::{Stage, WORKER, holds, id, needs, tree, wait_file, workspace};
use serde_json::{Value, json};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// A stage whose policy is committed but not yet trusted.
fn untrusted(more: &Value) -> Stage {
    let stage = Stage::new(&[("coder", WORKER)]);
    let mut rules = stage.rules();
    for (key, value) in more.as_object().expect("an object") {
        rules[key] = value.clone();
    }
    stage.api.commit(".metawsm/policy.json", &(serde_json::to_string_pretty(&rules).expect("JSON") + "\n"));
    stage
}

fn ignored_files(repo: &Repo) {
    repo.commit(".gitignore", ".env*\nsecret/\nbuild/\n*.log\n");
    repo.write(".env", "TOKEN=1\n");
    repo.write(".env.local", "LOCAL=1\n");
    repo.write("secret/key", "key\n");
    repo.write("secret/deep/key", "deep\n");
    repo.write("build/out", "large\n");
    repo.write("x.log", "log\n");
    std::fs::set_permissions(repo.file("secret/key"), Permissions::from_mode(0o600)).expect("permissions");
}

#[test]
fn ignored_files_that_policy_or_the_repository_names_come_along_and_are_no_dirt() {
    let stage = Stage::with(
        &[("coder", WORKER)],
        "process",
        &json!({ "workspace": { "copy": [".env", "secret/**"] } }),
    );
    let web = stage.repo_on("web", "main");
    for repo in [&stage.api, &web] {
        ignored_files(repo);
    }
    web.commit(".worktreeinclude", "# what a worktree needs\n*.log\n!other.log\n");
    let run = stage.run(&["--repos", "api,web", "Copy it"]);
    let (api, web_tree) = (tree(&run, 0, "api"), tree(&run, 0, "web"));
    for place in [&api, &web_tree] {
        let read = |name: &str| std::fs::read_to_string(place.join(name)).unwrap_or_default();
        assert_eq!(
            (read(".env"), read("secret/key"), read("secret/deep/key")),
            ("TOKEN=1\n".into(), "key\n".into(), "deep\n".into())
        );
        assert!(!place.join("build").exists() && !place.join(".env.local").exists());
        let mode = std::fs::metadata(place.join("secret/key")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!api.join("x.log").exists() && web_tree.join("x.log").exists());
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    stage.do_(["cleanup"]).ok();
    assert_eq!(web.read(".env"), "TOKEN=1\n", "the original stays");
}

#[test]
fn setup_commands_run_once_in_the_workspace_before_the_agent_with_its_variables_and_are_trusted_first() {
    let script = r#"pwd > setup.txt; echo "$METAWSM_RUN $METAWSM_TICKET ${METAWSM_AGENT-none}" >> setup.txt; ls -d api web >> setup.txt"#;
    let more = json!({ "workspace": { "setup_commands": [["sh", "-c", script], "echo \"two words\" > second.txt"] } });
    let stage = untrusted(&more);
    stage.repo_on("web", "main");
    let before = stage.api.snapshot();
    let args = ["run", "--repos", "api,web", "Set it up"];
    stage.do_(args).code(3).tells("setup_commands").tells("git metawsm policy trust");
    before.assert_same(&stage.api.snapshot());
    assert!(!stage.world.home().join("workspaces").exists());
    stage.do_(["policy", "trust"]).ok();
    stage.do_(args).ok();
    let run = stage.look("set-it-up");
    let place = workspace(&run, 0);
    let text = wait_file(place.join("setup.txt"));
    assert_eq!(text, format!("{}\n{} set-it-up none\napi\nweb\n", place.display(), id(&run)));
    assert_eq!(wait_file(place.join("second.txt")), "two words\n");
    stage.wait_state(id(&run), "completed");

    // Another content has to be trusted again; the same one has not.
    stage.api.commit("other", "x\n");
    stage.do_(["run", "--repos", "api,web", "Once more"]).ok();
    let mut rules: Value = serde_json::from_str(&stage.api.read(".metawsm/policy.json")).expect("JSON");
    rules["workspace"]["setup_commands"] = json!([["sh", "-c", "true"]]);
    stage.api.commit(".metawsm/policy.json", &rules.to_string());
    stage.do_(["run", "Third time"]).code(3).tells("policy trust");
}

#[test]
fn a_failing_setup_command_fails_the_run_and_resume_finishes_what_is_mended() {
    let script = "echo try >> tries; [ -e \"$METAWSM_ROOT/.git/mended\" ] || { echo 'the tool is missing' >&2; exit 7; }";
    let more = json!({
        "workspace": { "setup_commands": [["sh", "-c", script]] },
        "execution": { "step_retries": 2 },
    });
    let stage = Stage::with(&[("coder", WORKER)], "process", &more);
    let failed = stage.do_(["run", "Set it up"]).output();
    assert!(matches!(failed.status, Some(1 | 5)), "{failed}");
    holds(
        &failed.stderr,
        &["exit 7", "the tool is missing", "git metawsm resume run-", "git metawsm discard run-"],
    );
    let view = stage.look("set-it-up");
    assert_eq!(view["state"], "failed");
    holds(&needs(&view), &["the tool is missing", &format!("git metawsm resume {}", id(&view))]);
    let tries = workspace(&view, 0).join("tries");
    let count = || std::fs::read_to_string(&tries).unwrap_or_default().lines().count();
    assert_eq!(count(), 3, "once and two retries");
    assert!(tree(&view, 0, "api").join("README.md").is_file(), "what was made is kept");
    stage.do_(["resume"]).output();
    assert_eq!(stage.look(id(&view))["state"], "failed");
    std::fs::write(stage.api.file(".git/mended"), "").expect("mended");
    stage.do_(["resume"]).ok();
    assert_eq!(count(), 7);
    stage.wait_state(id(&view), "completed");
    stage.do_(["close"]).ok();
}

#[test]
fn one_tickets_failure_does_not_keep_the_other_from_starting() {
    let script = "[ $METAWSM_TICKET != BAD ] || exit 1";
    let more = json!({ "workspace": { "setup_commands": [["sh", "-c", script]] }, "execution": { "step_retries": 0 } });
    let stage = Stage::with(&[("coder", WORKER)], "process", &more);
    stage.do_(["run", "--ticket", "BAD,GOOD"]).output();
    let view = stage.look("GOOD");
    assert_eq!(view["state"], "failed");
    assert_eq!(view["agents"][0]["health"], "not started");
    stage.wait_health("GOOD", 1, "ended");
    assert!(tree(&view, 1, "api").join("coder-GOOD.txt").is_file());
    stage.do_(["discard", id(&view)]).ok();
    assert_eq!(stage.api.git(["branch", "--format=%(refname:short)"]), "main");
    assert!(stage.api.git(["for-each-ref", "--format=%(refname)", "refs/metawsm/rescue"]).contains("good"));
}

#[test]
fn a_trusted_policy_whose_program_changed_is_asked_about_again_at_resume() {
    let stage = Stage::new(&[("coder", "exit 1")]);
    let run = stage.run(&["Go on"]);
    stage.wait_ended(id(&run));
    std::fs::remove_dir_all(stage.world.home().join(".local/state")).expect("what was trusted is forgotten");
    stage.do_(["resume"]).code(3).tells("policy trust");
    stage.do_(["restart"]).code(3).tells("policy trust");
    stage.do_(["policy", "trust"]).ok();
    stage.do_(["resume"]).ok();
}
