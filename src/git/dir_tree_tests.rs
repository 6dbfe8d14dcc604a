use super::super::testing::{Sandbox, git_in};
use super::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

type Make<'a> = &'a dyn Fn(&Path);

const DOCS: &str = "ttmp/MW-1";

/// What git stores of the directory when asked to store everything, in a copy of the whole worktree.
fn by_adding(sandbox: &Sandbox) -> Option<String> {
    let copy = tempfile::tempdir().expect("a temporary directory");
    let copy = copy.path().join("copy");
    let cmd = Cmd::new("cp").arg("-a").arg(sandbox.dir()).arg(&copy);
    cmd.run().expect("copied");
    git_in(&copy, &["add", "--all", "--", "."]);
    let tree = git_in(&copy, &["write-tree"]);
    let line = git_in(&copy, &["ls-tree", "-d", &tree, DOCS]);
    line.split_whitespace().nth(2).map(str::to_owned)
}

fn both(sandbox: &Sandbox) -> Option<String> {
    let objects = || sandbox.git(&["count-objects"]);
    let before = (objects(), sandbox.git(&["status", "--porcelain"]));
    let found = sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect("looked");
    let git = sandbox.repo().asking_git_only().dir_tree(&sandbox.dir(), DOCS).expect("looked");
    assert_eq!(found, git, "libgit2 and git");
    assert_eq!(before, (objects(), sandbox.git(&["status", "--porcelain"])), "looking writes nothing");
    assert_eq!(found, by_adding(sandbox), "as git would store it");
    found
}

#[test]
fn a_directory_has_the_tree_of_its_files_committed_or_not() {
    let sandbox = Sandbox::new();
    assert_eq!(both(&sandbox), None);
    sandbox.commit("ttmp/MW-1/index.md", "# Index\n");
    sandbox.commit("ttmp/MW-1/design/01.md", "design\n");
    sandbox.commit("ttmp/MW-1/design.md", "sorts before the directory\n");
    sandbox.commit("ttmp/MW-10/index.md", "another ticket\n");
    assert_eq!(both(&sandbox), Some(sandbox.id("HEAD:ttmp/MW-1")));
    let clean = both(&sandbox);
    sandbox.write("ttmp/MW-1/index.md", "# Edited\n");
    sandbox.write("ttmp/MW-1/new/deep/file", "new\n");
    sandbox.write("ttmp/MW-1/staged", "staged\n");
    sandbox.git(&["add", "ttmp/MW-1/staged"]);
    sandbox.git(&["rm", "--quiet", "--cached", "ttmp/MW-1/design.md"]);
    fs::remove_file(sandbox.dir().join("ttmp/MW-1/design/01.md")).expect("removed");
    let dirty = both(&sandbox);
    assert_ne!(dirty, clean);
    sandbox.git(&["add", "--all", "."]);
    sandbox.git(&["commit", "--quiet", "-m", "All"]);
    assert_eq!(dirty, Some(sandbox.id("HEAD:ttmp/MW-1")));
    fs::remove_dir_all(sandbox.dir().join(DOCS)).expect("removed");
    assert_eq!(both(&sandbox), None);
    fs::create_dir_all(sandbox.dir().join("ttmp/MW-1/empty")).expect("directory");
    assert_eq!(both(&sandbox), None);
}

#[test]
fn modes_links_odd_names_and_ignored_files_are_taken_as_git_takes_them() {
    let sandbox = Sandbox::new();
    sandbox.commit(".gitignore", "*.log\nscratch/\n");
    sandbox.commit("ttmp/MW-1/run.sh", "#!/bin/sh\n");
    sandbox.commit("ttmp/MW-1/file", "a file\n");
    let dir = sandbox.dir().join(DOCS);
    fs::set_permissions(dir.join("run.sh"), fs::Permissions::from_mode(0o755)).expect("mode");
    symlink("run.sh", dir.join("link")).expect("a link");
    symlink("nowhere", dir.join("dangling")).expect("a link");
    fs::create_dir_all(dir.join("sub")).expect("directory");
    symlink("../run.sh", dir.join("sub/up")).expect("a link");
    fs::write(dir.join(OsStr::from_bytes(b"n\xff\n")), "odd").expect("written");
    sandbox.write("ttmp/MW-1/noise.log", "ignored\n");
    sandbox.write("ttmp/MW-1/scratch/x", "ignored\n");
    let tree = both(&sandbox).expect("a tree");
    fs::remove_file(dir.join("noise.log")).expect("removed");
    assert_eq!(both(&sandbox), Some(tree));
    fs::remove_file(dir.join("file")).expect("removed");
    sandbox.write("ttmp/MW-1/file/now/a/dir", "x\n");
    both(&sandbox);
}

#[test]
fn filters_attributes_flags_and_split_indexes_are_left_to_git() {
    let configs: [&[&str]; 4] = [
        &["core.autocrlf", "true"],
        &["core.splitIndex", "true"],
        &["filter.upper.clean", "tr a-z A-Z"],
        &["core.safecrlf", "true"],
    ];
    for config in configs {
        let sandbox = Sandbox::new();
        sandbox.commit(".gitattributes", "*.up filter=upper\n*.txt text eol=crlf\n");
        sandbox.commit("ttmp/MW-1/index.md", "one\ntwo\n");
        sandbox.git(&[&["config"], config].concat());
        if config[0] == "core.splitIndex" {
            sandbox.git(&["update-index", "--split-index"]);
        }
        sandbox.write("ttmp/MW-1/crlf.md", "one\r\ntwo\r\n");
        sandbox.write("ttmp/MW-1/text.txt", "one\r\ntwo\r\n");
        sandbox.write("ttmp/MW-1/shout.up", "words\n");
        if config[0] == "core.safecrlf" {
            let tree = sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect("looked");
            assert!(tree.is_some(), "{config:?}");
        } else {
            assert!(both(&sandbox).is_some(), "{config:?}");
        }
    }
    let sandbox = Sandbox::new();
    sandbox.commit("ttmp/MW-1/index.md", "one\n");
    let clean = both(&sandbox);
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        sandbox.git(&["update-index", flag, "ttmp/MW-1/index.md"]);
        sandbox.write("ttmp/MW-1/index.md", "hidden edit\n");
        let seen = sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect("looked");
        assert!(seen.is_some() && seen != clean, "{flag}");
        sandbox.git(&["update-index", &flag.replace("--", "--no-"), "ttmp/MW-1/index.md"]);
    }
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_still_there() {
    let sandbox = Sandbox::new();
    sandbox.commit("ttmp/MW-1/index.md", "one\n");
    sandbox.commit("src/x", "x\n");
    sandbox.git(&["sparse-checkout", "set", "src"]);
    assert!(!sandbox.dir().join(DOCS).exists());
    let seen = sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect("looked");
    assert_eq!(seen, Some(sandbox.id("HEAD:ttmp/MW-1")));
}

#[test]
fn a_file_in_conflict_counts_as_it_lies_there() {
    let sandbox = Sandbox::new();
    sandbox.commit("ttmp/MW-1/a", "base\n");
    sandbox.commit_on("side", "main", &[("ttmp/MW-1/a", "side\n")]);
    sandbox.commit("ttmp/MW-1/a", "main\n");
    assert!(!super::super::testing::try_git_in(&sandbox.dir(), &["merge", "side"]));
    assert!(both(&sandbox).is_some());
}

#[test]
fn pipes_sockets_repositories_and_links_that_lead_out_are_named() {
    let make: [(&str, Make<'_>); 5] = [
        ("a named pipe", &|at| {
            Cmd::new("mkfifo").arg(at).run().expect("made");
        }),
        ("a socket", &|at| drop(std::os::unix::net::UnixListener::bind(at).expect("bound"))),
        ("a link that leads out", &|at| symlink("../../a.txt", at).expect("a link")),
        ("a link that leads out", &|at| symlink("/etc/passwd", at).expect("a link")),
        ("a repository of its own", &|at| {
            fs::create_dir(at).expect("directory");
            git_in(at, &["init", "--quiet"]);
        }),
    ];
    for (what, make) in make {
        let sandbox = Sandbox::new();
        sandbox.commit("ttmp/MW-1/index.md", "one\n");
        make(&sandbox.dir().join("ttmp/MW-1/odd"));
        let said = sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect_err("refused").to_string();
        assert!(said.contains(what) && said.contains("ttmp/MW-1/odd"), "{said}");
        sandbox.write(".gitignore", "odd\n");
        let clean = sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect("ignored, so no part of it");
        assert_eq!(clean, Some(sandbox.id("HEAD:ttmp/MW-1")), "{what}");
    }
}

#[test]
fn a_directory_behind_a_link_and_a_file_in_its_place_are_errors() {
    let sandbox = Sandbox::new();
    sandbox.commit("real/MW-1/index.md", "one\n");
    symlink("real", sandbox.dir().join("ttmp")).expect("a link");
    let said = sandbox.repo().dir_tree(&sandbox.dir(), DOCS).expect_err("refused").to_string();
    assert!(said.contains("is a link"), "{said}");
    sandbox.commit("plain/MW-1", "a file\n");
    let said = sandbox.repo().dir_tree(&sandbox.dir(), "plain/MW-1").expect_err("refused").to_string();
    assert!(said.contains("not a directory"), "{said}");
    for wild in ["", "..", "a/../b", "/etc", ".git/x"] {
        assert!(sandbox.repo().dir_tree(&sandbox.dir(), wild).is_err(), "{wild:?}");
    }
}

#[test]
fn a_tree_with_a_submodule_or_a_link_out_of_it_is_named() {
    let sandbox = Sandbox::new();
    sandbox.commit("ttmp/MW-1/index.md", "one\n");
    symlink("sub/../index.md", sandbox.dir().join("ttmp/MW-1/inside")).expect("a link");
    sandbox.git(&["add", "."]);
    let tree = |prefix: &str| sandbox.git(&["write-tree", prefix]);
    let plain = tree("--prefix=ttmp/MW-1/");
    assert_eq!(sandbox.repo().require_plain_tree(&plain).expect("plain").len(), 2);
    symlink("../../a.txt", sandbox.dir().join("ttmp/MW-1/out")).expect("a link");
    sandbox.git(&["add", "."]);
    let said =
        sandbox.repo().require_plain_tree(&tree("--prefix=ttmp/MW-1/")).expect_err("refused").to_string();
    assert!(said.contains("out is a link"), "{said}");
    sandbox.git(&["rm", "--quiet", "-f", "ttmp/MW-1/out"]);
    let head = sandbox.id("HEAD");
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},ttmp/MW-1/module")]);
    let said =
        sandbox.repo().require_plain_tree(&tree("--prefix=ttmp/MW-1/")).expect_err("refused").to_string();
    assert!(said.contains("module is a submodule"), "{said}");
}
