//! `rescue`: what was saved is found, looked at, brought back without writing over anything, and let go on request.

use super::stage::{Stage, WORKS};
use crate::kit::Output;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A discarded run whose branch held a commit and whose worktree held more.
fn discarded() -> Stage {
    let stage = Stage::with(WORKS);
    stage.repo.commit(".gitignore", "*.log\nnode_modules/\n");
    stage.repo.commit("gone.txt", "gone\n");
    stage.finish("one", "Do the work");
    let tree = stage.repo.seen_from(stage.tree("one"));
    tree.write("notes/loose.txt", "loose\n");
    tree.write("debug.log", "ignored\n");
    tree.write("node_modules/x/y.js", "made again\n");
    tree.write("work.txt", "staged\n");
    tree.git(["add", "work.txt"]);
    tree.write("work.txt", "not staged\n");
    fs::remove_file(tree.file("gone.txt")).expect("it was there");
    tree.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(tree.file("run.sh"), fs::Permissions::from_mode(0o755)).expect("executable");
    stage.run(&["discard", "one"]).ok();
    stage
}

/// The ids of the rescues of a kind, newest first.
fn ids(stage: &Stage, kind: &str) -> Vec<String> {
    let answer = stage.json(&["rescue", "list"]);
    let all = answer["rescues"].as_array().expect("a list").clone();
    let of_kind = all.iter().filter(|r| r["kind"] == kind);
    of_kind.map(|r| r["id"].as_str().expect("an id")[..10].to_owned()).collect()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

#[test]
fn files_come_back_into_a_new_directory_and_never_over_anything() {
    let stage = discarded();
    let [files] = &ids(&stage, "files")[..] else { panic!("one rescue of files") };
    insta::assert_snapshot!(stage.said(&["rescue", "show", files]), @"
    refs/metawsm/rescue/one/do-the-work/api/STAMP
      holds      5 files, 35 bytes
      of         run one, workspace do-the-work
      in         $WORLD/repos/api
      saved      TIME, before 'discard'
      from       $WORLD/home/workspaces/DATE/do-the-work/api
      on         'task/do-the-work' at OID
      file       debug.log  (8 bytes)
      file       gone.txt  (deleted)
      file       notes/loose.txt  (6 bytes)
      file       run.sh  (10 bytes)
      file       work.txt  (11 bytes; staged with other contents)
      dropped    node_modules/
    -- story
    next:
      git metawsm rescue restore OID
    ");
    let there = stage.world.root().join("there");
    let back =
        || -> Output { stage.world.run(["rescue", "restore", files, "--to"]).at(&stage.repo).output() };
    assert_eq!(back().status, Some(2), "--to wants a directory");
    let restore = |more: &[&str]| {
        let words = [&["rescue", "restore", files.as_str()], more].concat();
        stage.run(&words)
    };
    let to = there.to_str().expect("text");
    insta::assert_snapshot!(stage.told(&restore(&["--to", to]).ok()), @"
      wrote debug.log
      wrote notes/loose.txt
      wrote run.sh
      wrote work.txt
      wrote work.txt.staged
      not there (it was deleted) gone.txt
    $WORLD/there
    ");
    assert_eq!(read(there.join("notes/loose.txt")), "loose\n");
    assert_eq!(read(there.join("debug.log")), "ignored\n");
    assert_eq!(
        (read(there.join("work.txt")), read(there.join("work.txt.staged"))),
        ("not staged\n".into(), "staged\n".into())
    );
    assert!(fs::metadata(there.join("run.sh")).expect("back").permissions().mode() & 0o111 != 0);
    // Once more is fine; over other bytes nothing is written.
    restore(&["--to", to]).ok().says("found unchanged");
    fs::write(there.join("debug.log"), "mine\n").expect("written");
    fs::remove_file(there.join("run.sh")).expect("removed");
    insta::assert_snapshot!(stage.refuses(&["rescue", "restore", files, "--to", to]), @"
    3 refused
    error: Nothing was written, because it would be written over what is in $WORLD/there: debug.log.
    next:
      git metawsm rescue restore OID
    ");
    assert!(!there.join("run.sh").exists() && read(there.join("debug.log")) == "mine\n");
    restore(&["notes", "--to", to]).ok();
    // Without a directory a new one is made here, however often.
    for name in [format!("rescued-{files}"), format!("rescued-{files}-2")] {
        restore(&["notes/loose.txt"]).ok();
        assert_eq!(read(stage.repo.file(&name).join("notes/loose.txt")), "loose\n");
    }
    insta::assert_snapshot!(stage.refuses(&["rescue", "restore", files, "nothing"]), @"
    1 failed
    error: The rescue OID holds none of these files.
    next:
      git metawsm rescue show OID
    ");
}

#[test]
fn one_file_is_printed_as_it_is() {
    let stage = discarded();
    let files = &ids(&stage, "files")[0];
    assert_eq!(stage.run(&["rescue", "show", files, "debug.log"]).ok().stdout, "ignored\n");
    assert_eq!(stage.json(&["rescue", "show", files, "work.txt"])["text"], "not staged\n");
    insta::assert_snapshot!(stage.refuses(&["rescue", "show", files, "gone.txt"]), @"
    1 failed
    error: The rescue OID holds no file 'gone.txt'.
    next:
      git metawsm rescue show OID
    ");
}

#[test]
fn a_branch_comes_back_under_its_name_or_the_next_free_one() {
    let stage = discarded();
    let branch = ids(&stage, "branch").remove(0);
    let head = stage.json(&["rescue", "show", &branch])["head"].clone();
    stage.repo.git(["branch", "task/do-the-work"]);
    let answer = stage.json(&["rescue", "restore", &branch]);
    assert_eq!(answer["branches"][0]["branch"], "task/do-the-work-2");
    assert_eq!(stage.repo.rev("task/do-the-work-2").as_deref(), head.as_str());
    stage.repo.git(["branch", "-D", "task/do-the-work"]);
    insta::assert_snapshot!(stage.said(&["rescue", "restore", &branch]), @"  branch 'task/do-the-work' is at OID");
    stage.run(&["rescue", "restore", &branch, "--to", "x"]).code(2);
}

#[test]
fn rescues_outlive_their_run_and_git_gc_until_they_are_dropped() {
    let stage = discarded();
    stage.repo.git(["reflog", "expire", "--expire=now", "--all"]);
    stage.repo.git(["gc", "-q", "--prune=now"]);
    insta::assert_snapshot!(stage.said(&["rescue", "list"]), @"
    OID  TIME  one  do-the-work/api  the branch 'task/do-the-work'
    OID  TIME  one  do-the-work/api  5 files, 35 bytes
    -- story
    next:
      git metawsm rescue show OID
      git metawsm rescue restore OID
    ");
    let files = ids(&stage, "files").remove(0);
    stage.run(&["rescue", "show", &files[..4]]).ok();
    // The record of the run may be gone; its rescues are not.
    fs::remove_dir_all(stage.repo.common_dir().join("metawsm")).expect("removed");
    assert_eq!(stage.json(&["rescue", "list", "one"])["rescues"].as_array().map(Vec::len), Some(2));
    insta::assert_snapshot!(stage.refuses(&["rescue", "drop", &files]), @"
    3 refused
    error: 'rescue drop' gives up what OID holds; nothing brings it back.
    next:
      git metawsm rescue show OID
      git metawsm rescue drop OID --force
    ");
    stage.run(&["rescue", "drop", &files, "--force"]).ok().says("dropped refs/metawsm/rescue/one/");
    assert_eq!(ids(&stage, "files").len() + ids(&stage, "branch").len(), 1);
    insta::assert_snapshot!(stage.refuses(&["rescue", "show", &files]), @"
    1 failed
    error: There is no rescue 'OID' in the repositories that are known here.
    next:
      git metawsm rescue list
    ");
}

#[test]
fn where_nothing_was_rescued_the_list_says_so() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["rescue", "list"]), @"Nothing was rescued in the repositories that are known here.");
    assert_eq!(stage.json(&["rescue", "list"])["rescues"], serde_json::json!([]));
}
