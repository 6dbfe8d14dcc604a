use super::*;
use crate::git::testing::{Sandbox, git_in, write_in};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

type Make<'a> = &'a dyn Fn(&Sandbox);

const DOCS: &str = "ttmp/MW-1";

fn order<'a>(worktree: &'a Path, tree: &'a str) -> DirOrder<'a> {
    DirOrder { worktree, branch: "main", dir: DOCS, tree, message: "Docs\n\nKey: value\n", since: None }
}

/// A repository with a tree for the directory that no branch holds yet: two files, one executable, and a link.
fn planned() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.commit("ttmp/MW-1/index.md", "old\n");
    sandbox.commit("ttmp/MW-1/gone/deep", "gone\n");
    sandbox.git(&["switch", "--quiet", "-c", "side"]);
    sandbox.git(&["rm", "--quiet", "-r", "ttmp/MW-1/gone"]);
    sandbox.write("ttmp/MW-1/index.md", "new\n");
    sandbox.write("ttmp/MW-1/new/run.sh", "#!/bin/sh\n");
    let script = sandbox.dir().join("ttmp/MW-1/new/run.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("mode");
    symlink("run.sh", sandbox.dir().join("ttmp/MW-1/new/link")).expect("a link");
    sandbox.git(&["add", "--all", "."]);
    sandbox.git(&["commit", "--quiet", "-m", "Side"]);
    let tree = sandbox.id("HEAD:ttmp/MW-1");
    sandbox.git(&["switch", "--quiet", "main"]);
    (sandbox, tree)
}

#[test]
fn a_directory_is_put_with_one_commit_and_nothing_else_changes() {
    let (sandbox, tree) = planned();
    sandbox.write("a.txt", "edited\n");
    sandbox.write("staged", "staged\n");
    sandbox.git(&["add", "staged"]);
    let old = sandbox.id("HEAD");
    let done = sandbox.repo().put_dir(&order(&sandbox.dir(), &tree)).expect("put").expect("a commit");
    assert_eq!(sandbox.id("main"), done);
    assert_eq!(sandbox.id("HEAD~1"), old);
    assert_eq!(sandbox.id("HEAD:ttmp/MW-1"), tree);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), " M a.txt\nA  staged");
    assert_eq!(sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect("looked"), Some(tree.clone()));
    assert!(!sandbox.dir().join("ttmp/MW-1/gone").exists());
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s %(trailers:key=Key,valueonly)"]).trim(), "Docs value");
    assert_eq!(sandbox.repo().put_dir(&order(&sandbox.dir(), &tree)).expect("there already"), None);
}

#[test]
fn a_hook_that_refuses_leaves_everything_as_it_was() {
    let (sandbox, tree) = planned();
    let hook = sandbox.dir().join(".git/hooks/reference-transaction");
    fs::write(&hook, "#!/bin/sh\n[ \"$1\" != prepared ]\n").expect("a hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("mode");
    let old = sandbox.id("HEAD");
    assert!(sandbox.repo().put_dir(&order(&sandbox.dir(), &tree)).is_err());
    assert_eq!((sandbox.id("HEAD"), sandbox.git(&["status", "--porcelain"])), (old, String::new()));
    assert_eq!(sandbox.read("ttmp/MW-1/gone/deep"), "gone\n");
}

#[test]
fn a_commit_that_somebody_makes_meanwhile_stays_below_ours() {
    let (sandbox, tree) = planned();
    sandbox.write("theirs", "theirs\n");
    sandbox.git(&["add", "theirs"]);
    let staged = sandbox.git(&["write-tree"]);
    // Whoever writes the file lets somebody else commit first.
    let theirs = sandbox.git(&["commit-tree", "-p", "HEAD", "-m", "Theirs", &staged]);
    sandbox.write(".git/info/attributes", "index.md filter=race\n");
    sandbox.write(
        ".git/race",
        &format!("[ -e .git/met ] || git update-ref refs/heads/main {theirs}\n: > .git/met\nexec cat\n"),
    );
    sandbox.git(&["config", "filter.race.smudge", "sh .git/race"]);
    let done = sandbox.repo().put_dir(&order(&sandbox.dir(), &tree)).expect("put").expect("a commit");
    assert_eq!([sandbox.id("HEAD"), sandbox.id("HEAD~1")], [done, theirs]);
    assert_eq!((sandbox.id("HEAD:ttmp/MW-1"), sandbox.read("theirs")), (tree, "theirs\n".to_owned()));
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn what_lies_in_the_way_is_named_and_kept() {
    let ways: [(&str, Make<'_>); 5] = [
        ("ttmp/MW-1/index.md", &|s| s.write("ttmp/MW-1/index.md", "edited\n")),
        ("ttmp/MW-1/new/run.sh", &|s| s.write("ttmp/MW-1/new/run.sh", "mine\n")),
        ("ttmp/MW-1/new", &|s| {
            s.write(".git/info/exclude", "new\n");
            s.write("ttmp/MW-1/new", "an ignored file\n");
        }),
        ("index.lock", &|s| s.write(".git/index.lock", "")),
        ("merge", &|s| s.write(".git/MERGE_HEAD", &s.id("side"))),
    ];
    for (named, make) in ways {
        let (sandbox, tree) = planned();
        make(&sandbox);
        let before = snapshot(&sandbox);
        let said = sandbox.repo().put_dir(&order(&sandbox.dir(), &tree)).expect_err("refused").to_string();
        assert!(said.contains(named), "{named}: {said}");
        assert_eq!(snapshot(&sandbox), before, "{named}");
    }
    let (sandbox, tree) = planned();
    sandbox.git(&["switch", "--quiet", "side"]);
    let said = sandbox.repo().put_dir(&order(&sandbox.dir(), &tree)).expect_err("refused").to_string();
    assert!(said.contains("not on the branch 'main'"), "{said}");
}

fn snapshot(sandbox: &Sandbox) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![sandbox.dir()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("listed") {
            let path = entry.expect("entry").path();
            // Computed objects are no change.
            if path.ends_with(".git/objects") {
                continue;
            }
            if path.is_dir() && !path.is_symlink() {
                dirs.push(path);
            } else {
                found.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_a_kill_left_half_written_is_finished() {
    let halves: [Make<'_>; 5] = [
        &|s| s.write("ttmp/MW-1/index.md", "ne"),
        &|s| s.write("ttmp/MW-1/new/run.sh", ""),
        &|s| fs::remove_dir_all(s.dir().join("ttmp/MW-1/gone")).expect("removed"),
        &|s| {
            s.git(&["restore", "--source=side", "--staged", "--worktree", "--", DOCS]);
        },
        &|s| s.write(".git/index.lock", ""),
    ];
    for (number, half) in halves.iter().enumerate() {
        let (sandbox, tree) = planned();
        let since = Timestamp::now();
        half(&sandbox);
        let dir = sandbox.dir();
        let again = DirOrder { since: Some(since), ..order(&dir, &tree) };
        sandbox.repo().put_dir(&again).expect("finished").expect("a commit");
        assert_eq!(sandbox.id("HEAD:ttmp/MW-1"), tree, "{number}");
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "{number}");
    }
    let (sandbox, tree) = planned();
    sandbox.write("ttmp/MW-1/index.md", "somebody's own words\n");
    let dir = sandbox.dir();
    let again = DirOrder { since: Some(Timestamp::now()), ..order(&dir, &tree) };
    assert!(sandbox.repo().put_dir(&again).is_err());
    assert_eq!(sandbox.read("ttmp/MW-1/index.md"), "somebody's own words\n");
}

#[test]
fn a_tree_is_copied_whole_and_put_elsewhere() {
    let (from, tree) = planned();
    let (to, repo) = (Sandbox::new(), from.repo());
    for _ in 0..2 {
        to.repo().copy_tree(&repo, &tree).expect("copied");
    }
    to.git(&["fsck", "--strict"]);
    to.repo().put_dir(&order(&to.dir(), &tree)).expect("put").expect("a commit");
    assert_eq!(to.read("ttmp/MW-1/index.md"), "new\n");
    assert_eq!(to.git(&["ls-files", "-s", "ttmp/MW-1/new/run.sh"]).split(' ').next(), Some("100755"));
    let other = Sandbox::empty(&["--object-format=sha256"]);
    let said = other.repo().copy_tree(&repo, &tree).expect_err("refused").to_string();
    assert!(said.contains("SHA-256"), "{said}");
    assert!(to.repo().copy_tree(&repo, &"1".repeat(40)).is_err());
}

#[test]
fn an_earlier_state_of_a_directory_is_known() {
    let sandbox = Sandbox::new();
    sandbox.commit("ttmp/MW-1/index.md", "one\n");
    let one = sandbox.id("HEAD:ttmp/MW-1");
    sandbox.commit_on("side", "main", &[("ttmp/MW-1/index.md", "side\n")]);
    let side = sandbox.id("side:ttmp/MW-1");
    sandbox.commit("ttmp/MW-1/index.md", "two\n");
    sandbox.commit("other", "x");
    sandbox.git(&["rm", "--quiet", "-r", "ttmp"]);
    sandbox.git(&["commit", "--quiet", "-m", "Away"]);
    let repo = sandbox.repo();
    let held = |tree: &str| repo.dir_has_held(&sandbox.id("HEAD"), DOCS, tree).expect("asked");
    assert!(held(&one) && !held(&side));
    sandbox.git(&["merge", "--quiet", "-s", "ours", "side"]);
    let repo = sandbox.repo();
    assert!(repo.dir_has_held(&sandbox.id("HEAD"), DOCS, &side).expect("asked"), "through a merge");
    assert!(!repo.dir_has_held(&sandbox.id("HEAD"), "ttmp/none", &one).expect("asked"));
}

#[test]
fn a_linked_worktree_of_a_run_gets_the_directory() {
    let (sandbox, tree) = planned();
    let linked = sandbox.worktree("linked", "task");
    write_in(&linked, "a.txt", "an agent at work\n");
    let order = DirOrder { branch: "task", ..order(&linked, &tree) };
    sandbox.repo().put_dir(&order).expect("put").expect("a commit");
    assert_eq!(git_in(&linked, &["status", "--porcelain"]), " M a.txt");
    assert_eq!(sandbox.id("task:ttmp/MW-1"), tree);
    assert_eq!(sandbox.read("ttmp/MW-1/index.md"), "old\n");
}
