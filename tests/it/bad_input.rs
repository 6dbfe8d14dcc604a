//! Bad input: a clear error with its exit code, nothing lost, nothing half done.

mod many;
mod places;
mod words;

use crate::cmd::stage::{Stage, WAITS, WORKS, answer, plain};
use crate::kit::{Repo, World};
use std::fs;

#[test]
fn names_outside_the_allow_list_make_nothing() {
    let stage = Stage::with(WORKS);
    let long = "x".repeat(65);
    let bad = [
        "../x",
        "-x",
        ".x",
        "a/b",
        "a b",
        "a..b",
        "x.lock",
        "a.",
        "nul",
        "a:b",
        "\u{e9}",
        "\u{1b}[31m",
        "a\nb",
        &long,
    ];
    let before = stage.world.snapshot();
    for name in bad {
        for flag in ["--ticket", "--run-id"] {
            let refusal = stage.refuses(&["run", "x", &format!("{flag}={name}")]);
            assert!(
                refusal.starts_with("2 usage\nerror: The ") && refusal.contains("is not usable: "),
                "{refusal}"
            );
        }
    }
    for name in ["-x", ".x", "a b", "nul", &long] {
        let refusal = stage.refuses(&["run", "x", &format!("--repos={name}")]);
        assert!(refusal.starts_with("2 usage\nerror: The repository name "), "{refusal}");
    }
    before.assert_same(&stage.world.snapshot());
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--ticket", "../x"]), @r#"
    2 usage
    error: The ticket '../x' is not usable: it does not start with a letter or a digit. Names start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 64 of them.
    next:
      git metawsm run -h
    "#);
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--ticket", "-x"]), @r#"
    2 usage
    error: The ticket '-x' is not usable: it does not start with a letter or a digit. Names start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 64 of them.
    next:
      git metawsm run -h
    "#);
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--run-id", "a b"]), @r#"
    2 usage
    error: The run id 'a b' is not usable: it holds a character outside the allowed ones. Names start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 64 of them.
    next:
      git metawsm list --all
    "#);
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--ticket", "T-1,t-1"]), @"
    2 usage
    error: The ticket 't-1' is given twice.
    next:
      git metawsm run --ticket t-1 ...
    ");
}

#[test]
fn a_text_without_a_letter_makes_a_name_of_its_own() {
    let stage = Stage::with(WAITS);
    for text in [
        "\u{1f600}",
        "../..",
        "-- ; rm -rf",
        "\u{202e}\u{1b}[31m",
        "\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}",
    ] {
        let output = stage.run(&["run", "--json", "--dry-run", "--", text]).ok();
        let id = answer(&output)["tickets"][0]["ticket"].as_str().expect("an id").to_owned();
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{text:?} became {id:?}");
    }
}

#[test]
fn a_branch_that_git_does_not_take_makes_nothing() {
    let stage = Stage::with(WORKS);
    for prefix in ["a..b", "x.lock", "-x", "a b", "~", "@{"] {
        let policy = serde_json::json!({ "version": 2, "workspace": { "branch_prefix": prefix } });
        stage.repo.write(".metawsm/policy.json", &policy.to_string());
        let before = stage.world.snapshot();
        let refusal = stage.refuses(&["run", "x"]);
        assert!(refusal.starts_with("2 "), "{prefix:?}: {refusal}");
        before.assert_same(&stage.world.snapshot());
    }
    for base in ["a..b", "-x", "nope", "HEAD~1", "@{-1}", "refs/heads/main:x"] {
        fs::remove_file(stage.repo.file(".metawsm/policy.json")).ok();
        let refusal = stage.refuses(&["run", "x", &format!("--base-branch={base}")]);
        assert!(refusal.contains(&format!("has no branch '{base}' to start from.")), "{refusal}");
    }
}

#[test]
fn a_repository_that_cannot_be_used_is_named() {
    let stage = Stage::with(WORKS);
    let top = stage.world.root().to_owned();
    fs::create_dir_all(top.join("plain")).expect("a folder");
    stage.world.command("git").args(["init", "-q", "-b", "main", "empty"]).status().expect("git runs");
    let odd = stage.world.repo_on("odd", "dev");
    odd.git(["branch", "other"]);
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--repos", "nope"]), @"
    1 failed
    error: No repository is called 'nope': it is not in workspace.repos, not in wsm's registry and not beside the control repository.
    next:
      git metawsm run --repos <path to it>
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--repos", "./nope"]), @"
    1 failed
    error: The directory './nope' does not exist.
    next:
      git metawsm run --repos <path to it> ...
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--repos", "../../plain"]), @"
    1 failed
    error: The directory '../../plain' is in no git repository.
    next:
      git metawsm run --repos <path to it> ...
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--repos", "../../empty"]), @"
    1 failed
    error: $WORLD/empty has no commit yet on 'main'.
    next:
      git -C $WORLD/empty commit --allow-empty -m 'First commit'
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--repos", "odd"]), @"
    1 failed
    error: $WORLD/repos/odd has no branch 'main' to start from.
    next:
      git -C $WORLD/repos/odd branch --list --all
      git metawsm run --base-branch <branch> '<what to do>'
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--repos", "api:nope"]), @"
    1 failed
    error: $WORLD/repos/api has no branch 'nope' to start from.
    next:
      git -C $WORLD/repos/api branch --list --all
      git metawsm run --base-branch <branch> '<what to do>'
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--repos", "api,odd:dev,./"]), @"
    2 usage
    error: The repository 'api' is given twice ($WORLD/repos/api).
    next:
      git metawsm run --repos api ...
    ");
    let in_empty = |words: &[&str]| stage.world.run(words).at(top.join("empty"));
    insta::assert_snapshot!(stage.refusal(&in_empty, &["run", "x"]), @"
    1 failed
    error: $WORLD/empty has no commit yet on 'main'.
    next:
      git -C $WORLD/empty commit --allow-empty -m 'First commit'
    ");
    before.assert_same(&stage.world.snapshot());
    in_empty(&["status"]).ok().says("No open runs here.");
    in_empty(&["list", "--all"]).ok().says("No runs.");
}

#[test]
fn a_directory_that_makes_no_name_gets_one_in_the_policy() {
    let stage = Stage::with(WAITS);
    let odd = stage.world.repo("my repo");
    let here = |words: &[&str]| stage.world.run(words).at(&odd);
    insta::assert_snapshot!(stage.refusal(&here, &["run", "x"]), @r#"
    2 usage
    error: The repository name 'my repo' is not usable: it holds a character outside the allowed ones. Names start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 64 of them. Give $WORLD/repos/my repo a name in workspace.repos of the policy.
    next:
      git metawsm policy-init
      git metawsm run --repos <name in workspace.repos> ...
    "#);
    odd.write(".metawsm/policy.json", "{\"version\":2,\"workspace\":{\"repos\":{\"mine\":\".\"}}}");
    let value = answer(&here(&["run", "x", "--json", "--dry-run"]).ok());
    assert_eq!(value["repos"][0]["repo"], "mine");
    let value = answer(&here(&["run", "x", "--json", "--dry-run", "--repos", "mine"]).ok());
    assert_eq!(value["repos"][0]["repo"], "mine");
}

#[test]
fn a_git_that_is_too_old_or_missing_is_told_with_exit_5() {
    let stage = Stage::of(World::with_only(&["git", "sh", "cat"]), WORKS);
    let real = fs::read_link(stage.world.bin().join("git")).expect("a link");
    let before = stage.repo.snapshot();
    let old = format!(
        "if [ \"$1\" = --version ]; then echo 'git version 2.37.9'; else exec '{}' \"$@\"; fi",
        real.display()
    );
    stage.world.script("git", &old);
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    5 outside
    error: git 2.37.9 is installed, and git 2.38 or newer is needed.
    next:
      git --version
    ");
    stage.run(&["status"]).ok();
    stage.world.script("git", "echo 'this is no git'");
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    1 failed
    error: 'git --version' answered 'this is no git', which names no version.
    next:
      git --version
    ");
    stage.world.unscript("git");
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    5 outside
    error: The program 'git' is not on PATH.
    next:
      git --version
    ");
    stage.run(&["status"]).ok();
    stage.world.script("git", &format!("exec '{}' \"$@\"", real.display()));
    before.assert_same(&stage.repo.snapshot());
}

#[test]
fn tmux_that_is_asked_for_and_missing_is_told_before_anything_is_made() {
    let stage = Stage::of(World::with_only(&["git", "sh", "cat"]), WORKS);
    stage.repo.git(["config", "metawsm.sessions.backend", "tmux"]);
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    5 outside
    error: Sessions are to run in tmux, and no program 'tmux' is on PATH.
    next:
      git config metawsm.sessions.backend process
    ");
    before.assert_same(&stage.world.snapshot());
    stage.repo.git(["config", "metawsm.sessions.backend", "screen"]);
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @r#"
    2 policy
    error: The policy in git config has 1 problem.
      metawsm.sessions.backend is "screen", but it must be one of auto, tmux, process.
    next:
      git config --show-origin --get-regexp '^metawsm\.'
    "#);
}

#[test]
fn a_broken_policy_stops_what_needs_it_and_names_every_problem() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let policy = |text: &str| stage.repo.write(".metawsm/policy.json", text);
    policy(
        "{\"version\":2,\"workspce\":{},\"close\":{\"gates\":{\"clean-tre\":\"block\"}},\"agents\":[{\"name\":\"a b\",\"profile\":\"auto\"}]}",
    );
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @r#"
    2 policy
    error: The policy $WORLD/repos/api/.metawsm/policy.json has 3 problems.
      The policy has no key workspce; did you mean workspace?
      The policy has no key close.gates.clean-tre; did you mean close.gates.clean-tree?
      agents[0].name is "a b", but it must be a name: a letter or digit, then letters, digits, '.', '_' or '-', at most 64 of them.
    next:
      git metawsm --policy $WORLD/repos/api/.metawsm/policy.json policy check --fix
      ${EDITOR:-vi} $WORLD/repos/api/.metawsm/policy.json
    "#);
    policy("{\"version\":2,");
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    2 policy
    error: The policy $WORLD/repos/api/.metawsm/policy.json has 1 problem.
      The policy cannot be read: EOF while parsing a value at line 1 column 13.
    next:
      ${EDITOR:-vi} $WORLD/repos/api/.metawsm/policy.json
    ");
    policy("{\"version\":3,\"new_key\":1}");
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    6 newer
    error: The policy $WORLD/repos/api/.metawsm/policy.json has 1 problem.
      The policy has version 3, but this program knows versions up to 2; a newer program is needed.
    next:
      git metawsm --version
    ");
    fs::write(stage.repo.file(".metawsm/policy.json"), [0xff, 0xfe, 0x00]).expect("a file");
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    1 failed
    error: The policy $WORLD/repos/api/.metawsm/policy.json is not UTF-8 text.
    next:
      ${EDITOR:-vi} $WORLD/repos/api/.metawsm/policy.json
    ");
    stage.repo.write(".metawsm/policy.toml", "a = = 1\n");
    insta::assert_snapshot!(stage.refuses(&["run", "x"]), @"
    1 failed
    error: Both .metawsm/policy.json and .metawsm/policy.toml exist, and only one can hold.
    next:
      mv .metawsm/policy.json .metawsm/policy.json.old
    ");
    fs::remove_file(stage.repo.file(".metawsm/policy.json")).expect("it was there");
    insta::assert_snapshot!(stage.refuses(&["policy", "check"]), @"
    2 policy
    error: The policy $WORLD/repos/api/.metawsm/policy.toml has 1 problem.
      The policy cannot be read: TOML parse error at line 1, column 5
        |
      1 | a = = 1
        |     ^
      extra `=`, expected nothing.
    next:
      ${EDITOR:-vi} $WORLD/repos/api/.metawsm/policy.toml
    ");
    insta::assert_snapshot!(stage.refuses(&["--policy", "nowhere.json", "run", "x"]), @"
    1 failed
    error: The policy $WORLD/repos/api/nowhere.json does not exist.
    next:
      git metawsm policy-init --path $WORLD/repos/api/nowhere.json
    ");
    // Looking needs no policy file.
    for words in [["status", "one"], ["log", "one"], ["path", "one"], ["list", "--all"]] {
        stage.run(&words).ok();
        stage.run(&[&["-v"], words.as_slice()].concat()).ok();
    }
}

#[test]
fn a_record_of_a_newer_version_is_shown_and_never_written() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let record = stage.repo.common_dir().join("metawsm/runs/one/run.toml");
    let text = fs::read_to_string(&record).expect("the record").replacen(
        "format = 4",
        "format = 99\nfuture = true",
        1,
    );
    fs::write(&record, &text).expect("the record");
    insta::assert_snapshot!(stage.said(&["list"]), @"one  completed          do-the-work  Do the work");
    stage.run(&["status", "one"]).ok();
    let writing: [&[&str]; 8] = [
        &["stop", "one"],
        &["resume", "one"],
        &["restart", "one"],
        &["complete", "one", "--reason", "x"],
        &["commit", "one"],
        &["merge", "one"],
        &["close", "one"],
        &["discard", "one"],
    ];
    for words in writing {
        let refusal = stage.refuses(words);
        assert!(refusal.starts_with("6 newer\nerror: "), "{words:?}: {refusal}");
        assert!(
            refusal.contains("a newer git-metawsm made it, so it is left alone."),
            "{words:?}: {refusal}"
        );
    }
    insta::assert_snapshot!(stage.refuses(&["stop", "one"]), @"
    6 newer
    error: $WORLD/repos/api/.git/metawsm/runs/one/run.toml has record format 99, and this version writes format 4; a newer git-metawsm made it, so it is left alone.
    next:
      git metawsm --version
    ");
    assert_eq!(fs::read_to_string(&record).expect("the record"), text);
}

#[test]
fn a_record_that_is_broken_is_named_and_the_others_work_on() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "First work");
    stage.finish("two", "Second work");
    let record = stage.repo.common_dir().join("metawsm/runs/one/run.toml");
    for text in ["", "format = 1\n", "\u{0}\u{1b}[31m", "format = 1\nkind = \"run\"\nid = \"../../x\"\n"] {
        fs::write(&record, text).expect("the record");
        let output = stage.run(&["list"]).ok();
        plain(&output);
        assert!(
            output.stdout.starts_with("two ") && output.stderr.contains("unreadable: "),
            "{text:?}: {output}"
        );
        plain(&stage.run(&["status"]).ok());
        let refusal = stage.refuses(&["stop", "one"]);
        assert!(refusal.starts_with("1 failed\n"), "{text:?}: {refusal}");
        assert_eq!(fs::read_to_string(&record).expect("the record"), text, "it is left alone");
    }
    fs::write(&record, "format = 1\n").expect("the record");
    insta::assert_snapshot!(stage.refuses(&["stop", "one"]), @"
    1 failed
    error: $WORLD/repos/api/.git/metawsm/runs/one/run.toml cannot be used: it does not say its kind.
    next:
      ls -ld $WORLD/repos/api/.git/metawsm/runs/one/run.toml
    ");
    stage.run(&["close", "two"]).ok();
}

#[test]
fn a_directory_that_is_gone_is_told_and_another_can_be_named() {
    let stage = Stage::with(WORKS);
    let gone = stage.world.root().join("gone");
    fs::create_dir(&gone).expect("a folder");
    let script = format!(
        "cd '{}' && rmdir '{}' && exec '{}' \"$@\"",
        gone.display(),
        gone.display(),
        crate::kit::BINARY
    );
    let run = |words: &[&str]| {
        fs::create_dir_all(&gone).expect("a folder");
        let mut command = stage.world.command("sh");
        crate::kit::Output::of(command.args(["-c", &script, "sh"]).args(words), "sh")
    };
    let output = run(&["status"]).code(1);
    plain(&output);
    output.tells("error: The current directory is gone.\nnext:\n  cd\n");
    let top = stage.repo.path().to_string_lossy().into_owned();
    run(&["-C", &top, "list"]).ok();
    run(&["--version"]).ok();
}

#[test]
fn a_bare_repository_and_a_linked_worktree_are_places_to_start_from() {
    let stage = Stage::with(WORKS);
    let bare = stage.repo.with_origin();
    let in_bare = stage.world.run(["run", "First work", "--run-id", "one"]).at(&bare).ok();
    plain(&in_bare);
    let listed = stage.world.run(["list", "--json"]).at(&bare).ok().json();
    assert_eq!(listed["runs"][0]["run"], "one");
    let linked = stage.world.root().join("linked");
    stage.repo.git(["worktree", "add", "-q", "-b", "side", linked.to_str().expect("UTF-8")]);
    let linked = Repo::seen_from(&stage.repo, linked);
    stage.world.run(["run", "Second work", "--run-id", "two"]).at(&linked).ok();
    stage.wait("two", "completed");
    let value = stage.json(&["status", "two"]);
    assert_eq!(value["runs"][0]["repos"][0]["base"], "main", "its base is not the branch around us");
    stage.world.run(["close", "two"]).at(&linked).ok();
    assert_eq!(stage.repo.read("work.txt"), "work of two\n");
}

#[test]
fn a_workspace_is_a_place_to_start_from() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "First work");
    let tree = stage.tree("one");
    stage.world.run(["run", "Second work", "--run-id", "two"]).at(&tree).ok();
    stage.wait("two", "completed");
    let value = stage.json(&["status", "two"])["runs"][0].clone();
    assert_eq!((&value["repos"][0]["repo"], &value["repos"][0]["base"]), (&"api".into(), &"main".into()));
}
