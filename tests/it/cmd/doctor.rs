//! `doctor`: names what is wrong with what mends it, changes nothing unasked, and mends what loses nothing.

use super::stage::{Stage, WAITS, WORKS, answer, plain};
use crate::kit::{Output, World};
use serde_json::Value;
use std::fs;

/// The checks about a thing, as `condition: what` and the command.
fn about(stage: &Stage, words: &[&str], thing: &str) -> Vec<(String, String)> {
    let answer = answer(&stage.run(&[&["--json", "doctor"], words].concat()).output());
    let checks = answer["checks"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |check: &Value| {
        (format!("{}: {}", text(&check["condition"]), text(&check["what"])), text(&check["command"]))
    };
    checks.iter().filter(|check| check["about"] == thing).map(row).collect()
}

/// Requires that `doctor` finds this, changes nothing by looking, and that `--repair` mends it once and for all.
#[track_caller]
fn mends(stage: &Stage, found: &str, mended: &str) -> Output {
    let before = stage.world.snapshot();
    let looked = stage.run(&["doctor"]).output();
    plain(&looked);
    assert!(looked.stdout.contains(found), "not found: {found}\n{looked}");
    before.assert_same(&stage.world.snapshot());
    let repaired = stage.run(&["doctor", "--repair"]).output();
    assert!(repaired.stdout.contains(&format!("mended   {mended}")), "{repaired}");
    assert!(!repaired.stdout.contains(found), "still there: {repaired}");
    let after = stage.world.snapshot();
    let again = stage.run(&["doctor", "--repair"]).output();
    assert!(!again.stdout.contains("mended "), "{again}");
    after.assert_same(&stage.world.snapshot());
    repaired
}

fn identity(stage: &Stage) {
    for (key, value) in [("user.name", "A Person"), ("user.email", "person@example.org")] {
        stage.repo.git(["config", key, value]);
    }
}

/// A stage with a run that waits, and everything as it should be.
fn well() -> Stage {
    let stage = Stage::with(WAITS);
    identity(&stage);
    stage.run(&["run", "Do the work", "--run-id", "one"]).ok();
    stage.wait_for_words("one", "waiting for you");
    // Whoever asks makes the index.
    stage.run(&["list"]).ok();
    stage
}

#[test]
fn all_is_well_where_nothing_is_wrong_and_looking_changes_nothing() {
    let stage = well();
    let before = stage.world.snapshot();
    let output = stage.run(&["doctor"]).ok();
    plain(&output);
    for line in [
        "good     git: git ",
        "good     control: records lie in ",
        "good     policy: the defaults hold: there is no policy file\n",
        "good     agents: 'agent' starts claude\n",
        "good     index: the index is whole\n",
        "good     records: 1 run open and 0 decided here can be read\n",
        "good     link: .metawsm/live leads to the live records\n",
        "good     repositories: one: 1 repository and its worktrees are there\n",
        "each of which answered\n",
        "note     setup: man pages and completions are not installed\n           git metawsm setup\n",
    ] {
        assert!(output.stdout.contains(line), "no {line:?} in\n{output}");
    }
    output.says("All is well.\n");
    before.assert_same(&stage.world.snapshot());
    let json = answer(&stage.run(&["doctor", "--json"]).ok());
    assert_eq!(json["well"], true);
    before.assert_same(&stage.world.snapshot());
    // An agent may look, and no more.
    let as_agent = |words: &[&str]| stage.run(words).env("METAWSM_AGENT", "agent").env("METAWSM_RUN", "one");
    as_agent(&["doctor"]).ok();
    as_agent(&["doctor", "--repair"]).code(3).tells("'doctor' is for people");
    as_agent(&["doctor", "--rebuild-index"]).code(3).tells("'doctor' is for people");
}

#[test]
fn outside_a_repository_it_looks_at_programs() {
    let output = World::new().run(["doctor"]).ok();
    assert!(output.stdout.contains("note     control: no repository is around this directory"), "{output}");
    let poor = World::with_only(&["sh"]);
    let output = poor.run(["doctor"]).code(1);
    assert!(output.stdout.contains("wrong    git: "), "{output}");
}

#[test]
fn a_damaged_index_is_built_anew() {
    let stage = well();
    stage.run(&["list", "--all"]).ok();
    let index = stage.repo.common_dir().join("metawsm/index.db");
    fs::write(&index, "no database at all").expect("written");
    mends(&stage, "wrong    index: ", "built the index anew from 1 record");
    let output = stage.run(&["doctor", "--rebuild-index"]).ok();
    assert!(output.stdout.starts_with("rebuilt  the index, from 1 records in "), "{output}");
    stage.run(&["list"]).ok().says("one  running");
}

#[test]
fn entries_of_open_runs_come_back_and_those_of_others_go() {
    let stage = well();
    let open = stage.repo.common_dir().join("metawsm/open");
    let entry = fs::read_to_string(open.join("one")).expect("an entry");
    fs::remove_file(open.join("one")).expect("it was there");
    mends(&stage, "wrong    entries: the hooks of 'api' do not know of one\n", "wrote the entries of one");
    assert_eq!(fs::read_to_string(open.join("one")).expect("it is back"), entry);
    fs::write(open.join("gone"), entry.replace("run = \"one\"", "run = \"gone\"")).expect("an old entry");
    mends(&stage, "has an entry for gone, which is over\n", "took the entry of gone");
    // One of a control repository that is gone may come back with its disk.
    let elsewhere = entry
        .replace("run = \"one\"", "run = \"far\"")
        .replace(&format!("root = \"{}\"", stage.repo.path().display()), "root = \"/nowhere/at/all\"");
    fs::write(open.join("far"), elsewhere).expect("an entry from elsewhere");
    let found = about(&stage, &["--repair"], "entries");
    assert_eq!(found[0].0, "warn: far is open in /nowhere/at/all, which is gone");
    assert!(found[0].1.starts_with("rm ") && open.join("far").exists(), "{found:?}");
    fs::write(open.join("odd"), "nonsense").expect("a broken entry");
    assert!(about(&stage, &[], "entries").iter().any(|(what, _)| what.contains("open/odd cannot be used")));
}

#[test]
fn the_link_and_the_hooks_are_made_again() {
    let stage = well();
    fs::remove_file(stage.repo.path().join(".metawsm/live")).expect("a link");
    mends(
        &stage,
        "warning  link: .metawsm/live does not lead to the live records\n",
        "made .metawsm/live anew",
    );
    let hook = stage.repo.common_dir().join("hooks/pre-push");
    let block = fs::read_to_string(&hook).expect("our hook");
    fs::remove_file(&hook).expect("it was there");
    mends(&stage, "lacks pre-push\n", "wrote the entries of one");
    assert_eq!(fs::read_to_string(&hook).expect("it is back"), block);
    // One that does not fire is found by asking git.
    fs::write(&hook, block.replace("#!/bin/sh\n", "#!/bin/sh\nexit 0\n")).expect("written");
    let found = about(&stage, &[], "hooks");
    assert!(found.iter().any(|(what, _)| what.starts_with("bad: pre-push does not fire in ")), "{found:?}");
    stage.run(&["doctor"]).code(1);
    fs::write(&hook, block).expect("written");
    stage.repo.git(["config", "core.hooksPath", "elsewhere"]);
    let found = about(&stage, &[], "hooks");
    assert!(found[0].0.contains("none of ours, because core.hooksPath names"), "{found:?}");
}

#[test]
fn what_a_kill_left_is_finished() {
    let stage = well();
    let live = stage.repo.common_dir().join("metawsm");
    fs::write(live.join("runs/one/.tmp-left"), "x").expect("a leftover");
    fs::create_dir(live.join("runs/.tmp-half~abcdefgh")).expect("a half-made run");
    mends(&stage, "2 temporary files of commands that were cut off", "removed 2 leftovers");
    let journal = live.join("runs/one/journal.jsonl");
    let whole = fs::read_to_string(&journal).expect("a journal");
    fs::write(&journal, format!("{whole}{{\"seq\":9")).expect("a torn line");
    mends(&stage, "the last line of the journal of one is torn", "brought the record and the journal of one");
    let record = live.join("runs/one/run.toml");
    let text = fs::read_to_string(&record).expect("a record");
    fs::write(&record, text.replace("state = \"running\"", "state = \"paused\""))
        .expect("a record without its line");
    mends(
        &stage,
        "one is paused by its record and running by its journal",
        "brought the record and the journal of one",
    );
}

#[test]
fn a_run_that_was_decided_and_not_moved_leaves_the_open_ones() {
    let stage = Stage::with(WORKS);
    identity(&stage);
    stage.finish("one", "Do the work");
    stage.wait_for_end("one");
    stage.run(&["discard", "one"]).ok();
    let live = stage.repo.common_dir().join("metawsm");
    fs::rename(live.join("closed/one"), live.join("runs/one")).expect("as before the last step");
    mends(
        &stage,
        "one is discarded and still lies among the open runs",
        "finished what a decided run had left",
    );
    assert!(live.join("closed/one").is_dir());
}

#[test]
fn hooks_of_runs_that_are_over_go() {
    let stage = Stage::with(WORKS);
    identity(&stage);
    stage.finish("one", "Do the work");
    stage.wait_for_end("one");
    let hook = stage.repo.common_dir().join("hooks/pre-commit");
    let block = fs::read_to_string(&hook).expect("our hook");
    stage.run(&["close", "one"]).ok();
    fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    fs::write(&hook, block).expect("as a kill leaves it");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    mends(&stage, "has hooks of runs, and no run is open there", "took hooks that no run needs out of");
    assert!(!hook.exists());
}

#[test]
fn worktrees_and_branches_that_are_gone_are_named() {
    let stage = well();
    stage.run(&["stop", "one"]).ok();
    let tree = stage.tree("one");
    let away = tree.with_extension("away");
    fs::rename(&tree, &away).expect("moved");
    let found = about(&stage, &[], "worktrees");
    assert!(found[0].0.ends_with(" of one is gone; its branch holds what was committed"), "{found:?}");
    assert_eq!(found[0].1, "git metawsm resume one");
    fs::rename(&away, &tree).expect("moved back");
    // A worktree of nobody's that is gone, on a branch: git may forget it.
    stage.repo.git(["worktree", "add", "-q", "-b", "side", "../side"]);
    fs::remove_dir_all(stage.world.root().join("repos/side")).expect("gone");
    mends(&stage, "note     worktrees: git lists the worktree ", "git no longer lists the worktree ");
    // One with commits that nothing else holds is no leftover.
    stage.repo.git(["worktree", "add", "-q", "--detach", "../loose"]);
    let loose = stage.world.root().join("repos/loose");
    let commit = ["commit", "-q", "--allow-empty", "-m", "only here"];
    stage.repo.git([&["-C", &loose.display().to_string()][..], &commit].concat());
    fs::remove_dir_all(&loose).expect("gone");
    let found = about(&stage, &["--repair"], "worktrees");
    assert!(
        found[0].0.starts_with("warn: ") && found[0].0.ends_with("commits that no branch holds"),
        "{found:?}"
    );
}

#[test]
fn what_nobody_can_mend_is_named_and_left_alone() {
    let stage = well();
    stage.run(&["run", "Other work", "--run-id", "two"]).ok();
    let runs = stage.repo.common_dir().join("metawsm/runs");
    let (record, journal) = (runs.join("two/run.toml"), runs.join("one/journal.jsonl"));
    fs::write(&record, "no record").expect("written");
    let changed = fs::read_to_string(&journal).expect("a journal").replacen("created", "Created", 1);
    fs::write(&journal, &changed).expect("written");
    let output = stage.run(&["doctor", "--repair"]).code(1);
    assert!(
        output.stdout.contains("wrong    journals: the journal of one was changed by somebody: line "),
        "{output}"
    );
    assert!(
        output.stdout.contains("wrong    records: ") && output.stdout.contains("two/run.toml"),
        "{output}"
    );
    assert_eq!(fs::read_to_string(&record).expect("as it was"), "no record");
    assert_eq!(fs::read_to_string(&journal).expect("as it was"), changed);
    fs::write(&record, "format = 99\nkind = \"run\"\nid = \"two\"\n").expect("written");
    assert!(about(&stage, &[], "records").iter().any(|(_, command)| command == "git metawsm --version"));
}

#[test]
fn policies_and_the_programs_they_want_are_looked_at() {
    let stage = Stage::with(WORKS);
    identity(&stage);
    stage.repo.write(".metawsm/policy.json", r#"{"version":2,"workspce":{}}"#);
    let found = about(&stage, &[], "policy");
    assert!(found[0].0.starts_with("bad: ") && found[0].0.contains("workspce"), "{found:?}");
    assert_eq!(found[0].1, "git metawsm policy check");
    let policy = r#"{"version":2,"tickets":{"provider":"docmgr"},"workspace":{"provider":"wsm"},"sessions":{"backend":"tmux"},
        "notify":{"command":["tell-me"]}}"#;
    stage.repo.write(".metawsm/policy.json", policy);
    fs::write(stage.world.home().join(".gitconfig"), "").expect("no backend of the user's own");
    let bare = World::with_only(&["git", "sh"]);
    let output = stage.run(&["doctor"]).env("PATH", bare.bin()).code(1);
    for line in [
        "wrong    sessions: the policy wants tmux, which is not installed\n",
        "wrong    programs: tickets.provider is docmgr, which is not on PATH\n",
        "wrong    programs: workspace.provider is wsm, which is not on PATH\n",
        "warning  agents: for 'agent' neither claude nor codex is on PATH\n",
        "warning  trust: The policy starts programs that you have not trusted yet",
    ] {
        assert!(output.stdout.contains(line), "no {line:?} in\n{output}");
    }
}

#[test]
fn a_place_where_no_workspace_can_be_made_is_named_and_what_was_not_made_is_not_said_to_be_there() {
    let stage = Stage::with(WORKS);
    identity(&stage);
    stage.repo.git(["config", "metawsm.workspace.root", "/proc/self/none"]);
    stage.run(&["run", "Do the work", "--run-id", "one"]).code(1);
    let output = stage.run(&["doctor"]).code(1);
    for line in [
        "wrong    workspaces: /proc/self is no place for workspaces: ",
        "           git config metawsm.workspace.root <directory>\n",
        "note     repositories: one: 1 repository there, and not every worktree is made yet\n           git metawsm status one\n",
    ] {
        assert!(output.stdout.contains(line), "no {line:?} in\n{output}");
    }
}
