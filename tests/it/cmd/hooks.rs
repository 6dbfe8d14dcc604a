//! `hooks`: install, uninstall, status, ack; and what `run` does inside git.

use super::stage::{LEAVES, Stage, WORKS, answer};
use crate::kit::World;

#[test]
fn what_was_installed_is_said_and_can_be_taken_out_again() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["hooks", "install"]), @"
    $WORLD/repos/api
      installed pre-commit
      installed commit-msg
      installed pre-merge-commit
      installed pre-push
    ");
    insta::assert_snapshot!(stage.said(&["hooks", "install"]), @"
    $WORLD/repos/api
      unchanged pre-commit
      unchanged commit-msg
      unchanged pre-merge-commit
      unchanged pre-push
    ");
    insta::assert_snapshot!(stage.said(&["hooks", "uninstall"]), @"
    $WORLD/repos/api
      removed pre-commit
      removed commit-msg
      removed pre-merge-commit
      removed pre-push
    ");
    insta::assert_snapshot!(stage.said(&["hooks", "uninstall"]), @"
    $WORLD/repos/api
      no hook of ours
    ");
    let hooks = &stage.json(&["hooks", "install", "--server"])["repos"][0]["hooks"];
    assert_eq!(*hooks, serde_json::json!([{ "hook": "update", "change": "installed", "why": null }]));
}

#[test]
fn status_proves_each_hook_in_each_worktree_by_running_it() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let proven = stage.json(&["hooks", "status"]);
    let repo = &proven["repos"][0];
    assert_eq!(repo["open"], serde_json::json!(["one"]));
    let hooks = repo["hooks"].as_array().expect("a list");
    assert_eq!(hooks.len(), 10, "five in the main worktree, five in the one of the run: {proven:#}");
    for hook in hooks {
        assert_eq!((&hook["is"], &hook["fires"]), (&"ours".into(), &true.into()), "{hook}");
        assert!(hook["micros"].as_u64().is_some_and(|micros| micros > 0));
    }
    let said = stage.run(&["hooks", "status", "api"]).ok();
    assert!(said.stdout.contains("pre-merge-commit       fires ("), "{said}");
    // A hook that git no longer reaches.
    stage.repo.git(["config", "extensions.worktreeConfig", "true"]);
    let tree = stage.repo.seen_from(stage.tree("one"));
    tree.git(["config", "--worktree", "core.hooksPath", ".husky"]);
    let proven = stage.json(&["hooks", "status"]);
    let missing = |hook: &&serde_json::Value| hook["is"] == "missing";
    let hooks = proven["repos"][0]["hooks"].as_array().expect("a list").clone();
    assert_eq!(hooks.iter().filter(missing).count(), 4, "{proven:#}");
}

#[test]
fn a_probe_never_runs_what_somebody_else_wrote() {
    let stage = Stage::with(WORKS);
    stage.repo.write(".git/hooks/pre-commit", "#!/bin/sh\ntouch ran\n");
    let path = stage.repo.file(".git/hooks/pre-commit");
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    stage.run(&["hooks", "status"]).ok().says("not ours:");
    stage.run(&["hooks", "install"]).ok();
    stage.run(&["hooks", "status"]).ok().says("fires");
    assert!(!stage.repo.file("ran").exists());
    // Who sets the probe by himself gets nothing done.
    let mut commit = stage.world.command("git");
    commit
        .args(["commit", "--allow-empty", "-m", "x"])
        .env("METAWSM_PROBE", "1")
        .current_dir(stage.repo.path());
    assert!(!commit.output().expect("git runs").status.success());
}

#[test]
fn somebody_answers_for_a_bypass() {
    let stage = Stage::with(&format!("{WORKS}\n{LEAVES}"));
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    stage.run(&["status"]).ok();
    stage.repo.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "task/do-the-work"]);
    let view = stage.json(&["status"]);
    let command = view["runs"][0]["needs"][0]["command"].as_str().expect("a command").to_owned();
    let id = command.split(' ').nth(4).expect("an id").to_owned();
    insta::assert_snapshot!(stage.refuses(&["hooks", "ack", "nonsense", "--reason", "x"]), @"
    1 failed
    error: No open run has a bypass 'nonsense'.
    next:
      git metawsm status
    ");
    insta::assert_snapshot!(stage.refuses(&["hooks", "ack", &id, "--reason", " "]).replace(&id, "ID"), @"
    2 usage
    error: An answer needs a reason.
    next:
      git metawsm hooks ack ID --reason '<why it may stand>'
    ");
    insta::assert_snapshot!(stage.said(&["hooks", "ack", &id, "--reason", "It was agreed"]).replace(&id, "ID"), @"one: ID stands: It was agreed");
    let view = stage.json(&["status"]);
    assert!(!view.to_string().contains("around the hooks"), "{view:#}");
    stage.run(&["log", "one"]).ok().says("It was agreed");
}

#[test]
fn an_unanswered_bypass_blocks_the_close_and_a_server_takes_no_such_work() {
    let stage = Stage::with(&format!("{WORKS}\n{LEAVES}"));
    let origin = stage.repo.with_origin();
    stage.world.run(["hooks", "install", "--server"]).at(&origin).ok().says("installed update");
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    stage.run(&["status"]).ok();
    stage.repo.git([
        "-c",
        "core.hooksPath=/dev/null",
        "merge",
        "-q",
        "--no-ff",
        "-m",
        "x",
        "task/do-the-work",
    ]);
    stage.run(&["status"]).ok().says("around the hooks");
    stage.run(&["commit", "one", "-m", "The rest"]).ok();
    let refused = stage.run(&["close", "one"]).code(3);
    assert!(refused.stderr.contains("BLOCK  bypass") && refused.stderr.contains("hooks ack "), "{refused}");
    let pushed = stage.repo.try_git(["push", "-q", "--no-verify", "origin", "main"]).code(1);
    assert!(pushed.stderr.contains("would bring into 'main' what no run has let in"), "{pushed}");
    let id =
        refused.stderr.split("hooks ack ").nth(1).and_then(|rest| rest.split(' ').next()).expect("an id");
    stage.run(&["hooks", "ack", id, "--reason", "It was agreed"]).ok();
    stage.run(&["close", "one"]).ok();
    stage.repo.git(["push", "-q", "origin", "main"]);
}

#[test]
fn a_reason_lets_one_command_pass_and_is_written_down() {
    let stage = Stage::with(&format!("{WORKS}\n{LEAVES}"));
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    stage.run(&["status"]).ok();
    let merge = |below: bool| {
        let mut merge = stage.world.command("git");
        merge.args(["merge", "--no-ff", "-m", "Merge", "task/do-the-work"]).current_dir(stage.repo.path());
        merge.env("METAWSM_BYPASS", "The customer waits");
        if below {
            merge.env("METAWSM_AGENT", "agent");
        }
        crate::kit::Output::of(&mut merge, "git")
    };
    let refused = merge(true).code(1);
    assert!(refused.stderr.contains("METAWSM_BYPASS is for people"), "{refused}");
    stage.repo.git(["merge", "--abort"]);
    merge(false).ok().tells("passes: The customer waits");
    stage.run(&["status"]).ok().lacks("around the hooks");
    let log = stage.run(&["log", "one"]).ok().says("The customer waits");
    assert!(log.stdout.contains("hooks bypassed"), "{log}");
    let record = stage.repo.read(".git/metawsm/runs/one/run.toml");
    assert!(
        record.contains("[[bypasses]]") && record.contains("reason = \"The customer waits\""),
        "{record}"
    );
}

#[test]
fn in_the_worktree_of_a_run_commits_name_it_and_hold_nothing_forbidden() {
    let stage = Stage::with("exit 0");
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    let tree = stage.repo.seen_from(stage.tree("one"));
    tree.commit("work.txt", "work\n");
    assert!(tree.git(["log", "-1", "--format=%(trailers)"]).contains("Metawsm-Run: one"));
    tree.git(["commit", "-q", "--amend", "--no-edit"]);
    assert_eq!(tree.git(["log", "-1", "--format=%B"]).matches("Metawsm-Run").count(), 1);
    stage.repo.commit("base.txt", "base\n");
    assert!(!stage.repo.git(["log", "-1", "--format=%B"]).contains("Metawsm-Run"));
    for (file, why) in
        [(".env", "forbidden by"), ("deep/id_rsa", "forbidden by"), (".metawsm/policy.json", "on base only")]
    {
        tree.write(file, "{}\n");
        tree.git(["add", "-f", file]);
        let said = tree.try_git(["commit", "-m", "x"]).code(1);
        assert!(said.stderr.contains(file) && said.stderr.contains(why), "{said}");
        // What is only in somebody's hand is nobody's business.
        tree.git(["commit", "-q", "--allow-empty", "-m", "y", "--only"]);
        let restore =
            said.stderr.lines().find_map(|l| l.strip_prefix("  git -C ")).expect("a command").to_owned();
        let mut sh = stage.world.command("sh");
        crate::kit::Output::of(sh.args(["-c", &format!("git -C {restore}")]), "sh").ok();
        assert_eq!(tree.git(["diff", "--cached", "--name-only"]), "");
    }
    // What base holds comes in with a merge of base.
    stage.repo.commit(".env.shared", "base\n");
    stage.repo.commit(".metawsm/policy.json", "{ \"version\": 2 }\n");
    std::fs::remove_dir_all(tree.file(".metawsm")).expect("removed");
    tree.git(["merge", "-q", "--no-edit", "main"]);
    tree.git(["commit", "-q", "--amend", "--no-edit"]);
}

#[test]
fn a_commit_without_a_message_stays_impossible() {
    let stage = Stage::with("exit 0");
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    let tree = stage.repo.seen_from(stage.tree("one"));
    tree.write("x", "x");
    tree.git(["add", "x"]);
    let mut commit = stage.world.command("git");
    commit.args(["commit"]).env("GIT_EDITOR", "true").current_dir(tree.path());
    let said = crate::kit::Output::of(&mut commit, "git").code(1);
    assert!(said.stderr.contains("empty commit message"), "{said}");
}

#[test]
fn an_agent_may_not_touch_hooks() {
    let world = World::new();
    let repo = world.repo("api");
    for words in [
        &["hooks", "install"][..],
        &["hooks", "uninstall"],
        &["hooks", "status"],
        &["hooks", "ack", "x", "--reason", "y"],
    ] {
        let said = world.run(words).at(&repo).env("METAWSM_AGENT", "agent").code(3);
        assert!(said.stderr.contains("is for people"), "{said}");
    }
    world.run(["hooks", "run", "pre-commit"]).at(&repo).env("METAWSM_AGENT", "agent").ok();
    let failed = world.run(["hooks", "run", "no-such-hook"]).at(&repo).ok();
    assert_eq!(failed.stdout, "", "where no run is open there is nothing to say");
    answer(&world.run(["hooks", "status", "--json"]).at(&repo).ok());
}

#[test]
fn a_policy_may_leave_hooks_and_trailers_to_people() {
    let stage = Stage::with(WORKS);
    let policy = "{ \"version\": 2, \"hooks\": { \"install\": \"manual\", \"trailer\": false } }\n";
    stage.repo.commit(".metawsm/policy.json", policy);
    stage.run(&["policy", "check"]).ok().lacks("not used yet");
    stage.run(&["run", "Do the work", "--run-id", "one"]).ok().lacks("hooks:");
    assert!(!stage.repo.file(".git/hooks/pre-commit").exists());
    stage.wait("one", "completed");
    stage.run(&["hooks", "install"]).ok().says("installed reference-transaction");
    let tree = stage.repo.seen_from(stage.tree("one"));
    tree.git(["commit", "-q", "--allow-empty", "-m", "By hand"]);
    assert!(!tree.git(["log", "-1", "--format=%B"]).contains("Metawsm-Run"));
}
