//! What wsm's users are used to holds for the workspaces that we make: `go.work`, `AGENT.md`, `.wsm/wsm.json`, set-up
//! scripts; and wsm sees, describes and deletes them.

use super::stand_in::{calls, config, even, install, odd};
use crate::kit::Repo;
use crate::stage::{Stage, WORKER, holds, id, needs, tree, workspace};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_default()
}

/// Commits an executable script.
fn script(repo: &Repo, path: &str, body: &str) {
    repo.write(path, body);
    fs::set_permissions(repo.file(path), Permissions::from_mode(0o755)).expect("executable");
    repo.git(["add", "--", path]);
    repo.git(["commit", "-q", "-m", "A script"]);
}

#[test]
fn modules_see_each_other_and_notes_for_agents_lie_on_top() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    stage.api.commit("go.mod", "module example.org/api\n\ngo 1.21\n");
    web.commit("go.mod", "module example.org/web\n\ngo 1.24.2\n");
    stage.api.commit("AGENT.md", "Be brief.\n");
    stage.api.write("AGENT.md", "Not committed.\n");
    let run = stage.run(&["--repos", "api,web", "First part"]);
    let dir = workspace(&run, 0);
    holds(&read(dir.join("go.work")), &["go 1.24.2\n", "\t./api\n\t./web\n"]);
    assert_eq!(read(dir.join("AGENT.md")), "Be brief.\n");
    let file: Value =
        serde_json::from_str(&read(config(&stage.world).join("workspaces/first-part.json"))).expect("JSON");
    assert_eq!(file["go_workspace"], true);
    assert_eq!(file["agent_md"].as_str(), stage.api.file("AGENT.md").to_str());
    let own: Value = serde_json::from_str(&read(dir.join(".wsm/wsm.json"))).expect("JSON");
    assert_eq!((&own["goWorkspace"], &own["baseBranch"]), (&json!(true), &json!("main")));
    assert_eq!(own["environment"]["WSM_WORKSPACE_REPOS"], "api,web");
    stage.wait_state(id(&run), "completed");
    fs::write(dir.join("go.work.sum"), "x h1:y=\n").expect("as go writes it");
    stage.api.git(["checkout", "-q", "--", "AGENT.md"]);
    stage.do_(["close", id(&run)]).ok();
    stage.do_(["cleanup", id(&run)]).ok();
    assert!(!dir.exists());

    let second = stage.run(&["--repos", "api,web", "Second part"]);
    stage.wait_state(id(&second), "completed");
    let notes = workspace(&second, 0).join("AGENT.md");
    fs::write(&notes, "Be brief, and kind.\n").expect("edited");
    stage.do_(["discard", id(&second)]).ok();
    assert_eq!(read(&notes), "Be brief, and kind.\n", "what somebody edited stays");
    assert!(!workspace(&second, 0).join(".wsm").exists() && !workspace(&second, 0).join("go.work").exists());
}

const TELLS: &str = "#!/bin/sh\necho \"$(basename \"$0\") in $(basename \"$PWD\") of $WSM_WORKSPACE_NAME on \
                     $WSM_WORKSPACE_BRANCH from $WSM_WORKSPACE_BASE_BRANCH with $WSM_WORKSPACE_REPOS, run \
                     ${METAWSM_RUN:+known}\" >> \"$WSM_WORKSPACE_PATH/told\"\n";

#[test]
fn set_up_scripts_run_only_after_trust_and_in_the_order_of_wsm() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    script(&stage.api, ".wsm/setup.sh", TELLS);
    script(&stage.api, ".wsm/setup.d/20-api", TELLS);
    script(&web, ".wsm/setup.d/10-web", TELLS);
    script(&web, ".wsm/setup.d/30-fails", "echo it went wrong >&2\nexit 3\n");
    web.commit(".wsm/setup.d/00-not-executable", TELLS);

    let plan = stage.do_(["run", "--repos", "api,web", "--dry-run", "First part"]).ok();
    holds(&plan.stderr, &["not trusted .wsm/setup.sh, web/.wsm/setup.d/10-web, api/.wsm/setup.d/20-api"]);
    let first = stage.do_(["run", "--json", "--repos", "api,web", "First part"]).ok();
    let first = first.json();
    let notes = |run: &Value| run["notes"].to_string();
    holds(&notes(&first), &["No set-up script runs", "git metawsm policy trust --repos api,web"]);
    assert!(!workspace(&first, 0).join("told").exists());

    stage.do_(["policy", "show"]).ok().tells("set-up scripts are not trusted yet");
    let trusted = stage.do_(["policy", "trust", "--repos", "api,web"]).ok();
    holds(
        &trusted.stdout,
        &["web/.wsm/setup.d/30-fails (sha256:", "    echo it went wrong >&2", ".wsm/setup.sh (sha256:"],
    );
    assert!(!trusted.stdout.contains("00-not-executable"));
    let plan = stage.do_(["run", "--repos", "api,web", "--dry-run", "Second part"]).ok();
    holds(&plan.stderr, &["Set-up scripts run in each new workspace"]);

    let second = stage.do_(["run", "--json", "--repos", "api,web", "Second part"]).ok();
    let second = second.json();
    holds(&notes(&second), &["web/.wsm/setup.d/30-fails ended with exit 3: it went wrong."]);
    let rest = "of second-part on task/second-part from main with api,web, run known\n";
    let expected = format!("setup.sh in second-part {rest}10-web in web {rest}20-api in api {rest}");
    assert_eq!(read(workspace(&second, 0).join("told")), expected);
    let log = stage.do_(["log", id(&second)]).ok().stdout;
    holds(&log, &["30-fails ended with exit 3"]);

    // Other content is another thing to trust.
    script(&web, ".wsm/setup.d/10-web", &format!("{TELLS}# more\n"));
    let third = stage.do_(["run", "--repos", "api,web", "--run-id", "three", "Third part"]).ok();
    holds(&third.stderr, &["note: No set-up script runs", "not trusted web/.wsm/setup.d/10-web yet"]);
    assert!(!workspace(&stage.look("three"), 0).join("told").exists());
    for run in [&first, &second] {
        stage.wait_state(id(run), "completed");
        fs::remove_file(workspace(run, 0).join("told")).unwrap_or_default();
        stage.do_(["discard", id(run)]).ok();
        assert!(!workspace(run, 0).exists());
    }
}

#[test]
fn what_an_agent_changed_is_no_set_up_script() {
    let agent = "printf 'touch \"$WSM_WORKSPACE_PATH/ran\"\\n' > .wsm/setup.d/10-x; git commit -qam Mine";
    let stage = Stage::new(&[("coder", agent)]);
    script(&stage.api, ".wsm/setup.d/10-x", "echo once >> ../told\n");
    stage.do_(["policy", "trust"]).ok();
    let first = stage.run(&["First part"]);
    stage.wait_state(id(&first), "completed");
    assert_eq!(read(workspace(&first, 0).join("told")), "once\n");
    // A fork starts from the agent's branch: its scripts are another thing to trust.
    let args = ["run", "--json", "--workspace-strategy", "fork", "--from", id(&first), "Second part"];
    let fork = stage.do_(args).ok().json();
    holds(&fork["notes"].to_string(), &["No set-up script runs"]);
    assert!(!workspace(&fork, 0).join("ran").exists());
}

#[test]
fn wsm_that_runs_scripts_itself_does_so_after_trust_and_alone() {
    let stage = Stage::with(&[("coder", WORKER)], "process", &json!({ "workspace": { "provider": "wsm" } }));
    install(&stage.world, &[&stage.api]);
    odd(&stage.world, "newer", "");
    script(&stage.api, ".wsm/setup.d/10-x", "echo once >> told\n");
    let refused = stage.do_(["run", "First part"]).code(3);
    holds(&refused.stderr, &["wsm runs set-up scripts", "api/.wsm/setup.d/10-x", "policy trust --repos api"]);
    assert!(!calls(&stage.world).contains("create"));
    stage.do_(["policy", "trust"]).ok();
    let run = stage.run(&["First part"]);
    assert_eq!(read(tree(&run, 0, "api").join("told")), "once\n");
    assert_eq!(read(workspace(&run, 0).join(".wsm/wsm.json")), "{\"name\": \"first-part\"}\n");
    stage.wait_ended(id(&run));
    stage.do_(["discard", id(&run)]).ok();
    assert!(!workspace(&run, 0).exists());
}

/// wsm runs scripts, and may only where everything that it would run is trusted.
fn run_by_newer_wsm() -> Stage {
    let provider = json!({ "workspace": { "provider": "wsm" } });
    let stage = Stage::with(&[("coder", WORKER)], "process", &provider);
    install(&stage.world, &[&stage.api]);
    odd(&stage.world, "newer", "");
    stage
}

fn assert_wsm_is_not_asked(stage: &Stage, why: &str) {
    let refused = stage.do_(["run", "First part"]).code(3);
    holds(&refused.stderr, &[why]);
    assert!(!calls(&stage.world).contains("create"));
}

#[test]
fn wsm_is_not_asked_where_it_would_follow_a_link_to_what_it_runs() {
    let stage = run_by_newer_wsm();
    let commit = || {
        stage.api.git(["add", "-A"]);
        stage.api.git(["commit", "-q", "-m", "A link"]);
    };
    stage.api.write("payload", "touch ran\n");
    let link = stage.api.file(".wsm/setup.d/10-x");
    fs::create_dir_all(link.parent().expect("a folder")).expect("made");
    symlink("../../payload", &link).expect("linked");
    commit();
    stage.do_(["policy", "trust"]).ok();
    assert_wsm_is_not_asked(
        &stage,
        "wsm would run api/.wsm/setup.d/10-x, which cannot be trusted: it is a link",
    );
    stage.api.git(["rm", "-q", "-r", ".wsm"]);
    symlink("elsewhere", stage.api.file(".wsm")).expect("linked");
    commit();
    assert_wsm_is_not_asked(&stage, "wsm would run api/.wsm, which cannot be trusted: it is a link");
}

#[test]
fn what_wsm_would_run_is_what_its_local_base_holds_when_it_begins() {
    let stage = run_by_newer_wsm();
    // It starts from there, whatever is newer upstream.
    script(&stage.api, ".wsm/setup.d/20-y", "echo twice >> told\n");
    let origin = stage.api.with_origin();
    let clone = stage.world.root().join("clone");
    let (origin, clone) = (origin.display().to_string(), clone.display().to_string());
    stage.git(stage.world.root(), &["clone", "-q", &origin, &clone]).ok();
    stage.git(&clone, &["rm", "-q", "-r", ".wsm"]).ok();
    stage.git(&clone, &["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", "None"]).ok();
    stage.git(&clone, &["push", "-q", "origin", "main"]).ok();
    assert_wsm_is_not_asked(&stage, "set-up scripts that you have not trusted yet: api/.wsm/setup.d/20-y.");
    stage.do_(["policy", "trust"]).ok().says("20-y");

    // What moves between the plan and wsm is looked at once more.
    odd(&stage.world, "fail", "0");
    let failed = stage.do_(["run", "First part"]).output();
    assert_ne!(failed.status, Some(0), "{failed}");
    script(&stage.api, ".wsm/setup.d/30-z", "touch ran\n");
    even(&stage.world);
    odd(&stage.world, "newer", "");
    let before = calls(&stage.world);
    let resumed = stage.do_(["resume"]).output();
    holds(&resumed.stderr, &["that you have not trusted yet: api/.wsm/setup.d/30-z."]);
    assert_eq!(calls(&stage.world), before, "wsm was not asked");
    stage.do_(["policy", "trust"]).ok();
    stage.do_(["resume"]).ok();
    assert!(calls(&stage.world).len() > before.len(), "now it was");
}

#[test]
fn wsm_sees_our_workspace_and_may_delete_it() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    install(&stage.world, &[&stage.api, &web]);
    let run = stage.run(&["--repos", "api,web", "First part"]);
    stage.wait_state(id(&run), "completed");
    let ask = |args: &[&str]| super::wsm(&stage.world, args).stdout;
    holds(&ask(&["list", "workspaces"]), &["first-part"]);
    holds(&ask(&["info", "first-part", "--field", "path"]), &[workspace(&run, 0).to_str().expect("UTF-8")]);
    holds(&ask(&["status", "first-part"]), &["api task/first-part 0", "web task/first-part 0"]);
    ask(&["delete", "first-part", "--force", "--force-worktrees", "--remove-files"]);
    assert!(!workspace(&run, 0).exists());
    let view = stage.status(id(&run));
    holds(&needs(&view), &["The workspace", "is gone"]);
    // Whoever wants to look at the work, or close the run, gets the workspace back.
    stage.do_(["close", id(&run)]).code(3).tells("git metawsm resume");
    stage.do_(["resume", id(&run)]).ok();
    assert!(!needs(&stage.status(id(&run))).contains("is gone"));
    holds(&ask(&["status", "first-part"]), &["api task/first-part 0", "web task/first-part 0"]);
    ask(&["delete", "first-part", "--force", "--force-worktrees", "--remove-files"]);
    let refused = stage.do_(["cleanup", id(&run)]).output();
    assert!(refused.stderr.contains("task/first-part"), "{refused}");
    stage.do_(["discard", id(&run)]).ok();
    for repo in [&stage.api, &web] {
        assert_eq!(repo.git(["worktree", "list"]).lines().count(), 1);
        assert_eq!(repo.git(["branch", "--list", "task/*"]), "");
        assert!(!repo.git(["for-each-ref", "refs/metawsm/rescue"]).is_empty(), "the work is saved");
    }
}
