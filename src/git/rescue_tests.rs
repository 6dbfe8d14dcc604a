//! Tests of rescues.

use super::*;
use crate::git::testing::{Sandbox, git_in, try_git_in, write_in};
use std::fs;

const REF: &str = "refs/metawsm/rescue/run-1/w/repo/1";

fn limits() -> RescueLimits {
    RescueLimits { disposable: vec!["node_modules".to_owned()], max_file: 1000, max_total: 3000 }
}

fn rescue(sandbox: &Sandbox, worktree: &Path) -> GitResult<Rescue> {
    let limits = limits();
    let order = RescueOrder { worktree, reference: REF, why: "cleanup", limits: &limits, beside: &[] };
    sandbox.repo().rescue(&order)
}

fn reference(rescue: GitResult<Rescue>) -> Option<String> {
    rescue.expect("saved").kept.map(|kept| kept.reference)
}

#[test]
fn dirty_untracked_ignored_and_hidden_files_are_saved_and_nothing_is_touched() {
    let sandbox = Sandbox::new();
    sandbox.commit(".gitignore", "*.env\nout/\nnode_modules/\n");
    for file in ["staged", "hidden", "deleted"] {
        sandbox.commit(file, "old\n");
    }
    let top = sandbox.worktree("w", "task");
    write_in(&top, "a.txt", "dirty\n");
    write_in(&top, "staged", "staged only\n");
    git_in(&top, &["add", "staged"]);
    write_in(&top, "staged", "old\n");
    git_in(&top, &["update-index", "--assume-unchanged", "hidden"]);
    write_in(&top, "hidden", "new\n");
    fs::remove_file(top.join("deleted")).expect("removed");
    write_in(&top, "un/tracked", "u\n");
    write_in(&top, "secret.env", "e\n");
    write_in(&top, "out/deep/o", "o\n");
    write_in(&top, "node_modules/x/y", "n\n");
    let before = git_in(&top, &["status", "--porcelain", "-uall"]);
    let rescue = rescue(&sandbox, &top).expect("saved");
    assert_eq!(rescue.kept.as_ref().map(|k| k.reference.as_str()), Some(REF));
    assert_eq!(rescue.dropped, ["node_modules/"]);
    assert_eq!(git_in(&top, &["status", "--porcelain", "-uall"]), before);
    sandbox.repo().remove_worktree(&top, true).expect("removed");
    let read = |path: &str| {
        let bytes = sandbox.repo().read_file(REF, path).expect("read");
        bytes.map(|b| String::from_utf8_lossy(&b).into_owned())
    };
    for (path, text) in [
        ("a.txt", "dirty\n"),
        ("hidden", "new\n"),
        ("un/tracked", "u\n"),
        ("secret.env", "e\n"),
        ("out/deep/o", "o\n"),
    ] {
        assert_eq!(read(path).as_deref(), Some(text), "{path}");
    }
    assert_eq!((read("deleted"), read("node_modules/x/y")), (None, None));
    assert_eq!(sandbox.id(&format!("{REF}^1")), sandbox.id("task"));
    assert_eq!(sandbox.git(&["show", &format!("{REF}^2:staged")]), "staged only");
}

#[test]
fn a_clean_worktree_needs_no_rescue_and_a_lonely_head_does() {
    let sandbox = Sandbox::new();
    let top = sandbox.worktree("w", "task");
    assert_eq!(reference(rescue(&sandbox, &top)), None);
    git_in(&top, &["switch", "--quiet", "--detach"]);
    assert_eq!(reference(rescue(&sandbox, &top)), None);
    git_in(&top, &["commit", "--quiet", "--allow-empty", "-m", "Lonely"]);
    let lonely = git_in(&top, &["rev-parse", "HEAD"]);
    assert_eq!(reference(rescue(&sandbox, &top)).as_deref(), Some(REF));
    assert_eq!(sandbox.id(&format!("{REF}^{{commit}}")), lonely);
}

#[test]
fn caches_are_dropped_but_never_beside_tracked_files() {
    let sandbox = Sandbox::new();
    sandbox.commit("node_modules/tracked", "t\n");
    sandbox.write("node_modules/work", "w\n");
    sandbox.write("web/node_modules/x", "x\n");
    sandbox.write("lib/node_modules/y", "y\n");
    sandbox.commit(".gitignore", "web/\n");
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
    sandbox.write("target/CACHEDIR.TAG", tag);
    sandbox.write("target/big", &"x".repeat(5000));
    sandbox.write("fake/CACHEDIR.TAG", "no signature");
    let rescue = rescue(&sandbox, &sandbox.dir()).expect("saved");
    assert_eq!(rescue.dropped, ["target/", "web/node_modules/"]);
    let saved = sandbox.repo().changed_paths("HEAD", REF).expect("asked");
    assert_eq!(saved, ["fake/CACHEDIR.TAG", "lib/node_modules/y", "node_modules/work"]);
}

#[test]
fn what_cannot_be_saved_whole_is_refused_by_name() {
    let sandbox = Sandbox::new();
    sandbox.commit(".gitignore", "ignored/\n");
    sandbox.write("big", &"x".repeat(2000));
    sandbox.git(&["init", "--quiet", "nested"]);
    sandbox.git(&["init", "--quiet", "ignored/deep/repo"]);
    let Err(GitError::RescueRefused { names, .. }) = rescue(&sandbox, &sandbox.dir()) else {
        panic!("refused")
    };
    let names = names.join("\n");
    for part in ["big (2000 bytes", "nested (a repository", "ignored/deep/repo (a repository"] {
        assert!(names.contains(part), "{names}");
    }
    assert_eq!(sandbox.repo().ref_id(REF).expect("asked"), None);

    let sandbox = Sandbox::new();
    sandbox.write(".GIT/x", "not a name for git\n");
    let error = rescue(&sandbox, &sandbox.dir()).expect_err("not taken");
    assert!(error.to_string().contains(".GIT/x"), "{error}");

    let sandbox = Sandbox::new();
    for n in 0..4 {
        sandbox.write(&format!("part{n}"), &"x".repeat(900));
    }
    let error = rescue(&sandbox, &sandbox.dir()).expect_err("too much");
    assert!(error.to_string().contains("3600 bytes in all"), "{error}");
}

#[test]
fn a_submodule_with_work_of_its_own_is_refused() {
    let (inner, outer) = (Sandbox::new(), Sandbox::new());
    let url = inner.dir().display().to_string();
    outer.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
    outer.git(&["commit", "--quiet", "-m", "Submodule"]);
    assert_eq!(reference(rescue(&outer, &outer.dir())), None);
    let sub = outer.dir().join("sub");
    git_in(
        &sub,
        &["-c", "user.name=T", "-c", "user.email=t@e", "commit", "--quiet", "--allow-empty", "-m", "x"],
    );
    outer.git(&["commit", "--quiet", "-am", "Newer submodule"]);
    assert!(matches!(rescue(&outer, &outer.dir()), Err(GitError::RescueRefused { .. })));
}

#[test]
fn conflicts_unborn_branches_and_a_nameless_user_are_no_hindrance() {
    let sandbox = Sandbox::new();
    sandbox.commit_on("side", "main", &[("a.txt", "side\n")]);
    sandbox.commit("a.txt", "main\n");
    assert!(!try_git_in(&sandbox.dir(), &["merge", "side"]));
    rescue(&sandbox, &sandbox.dir()).expect("saved");
    assert!(sandbox.git(&["show", &format!("{REF}:a.txt")]).contains("<<<<<<<"));

    let sandbox = Sandbox::empty(&[]);
    for key in ["user.name", "user.email"] {
        sandbox.git(&["config", "--unset", key]);
    }
    sandbox.git(&["config", "user.useConfigOnly", "true"]);
    assert_eq!(reference(rescue(&sandbox, &sandbox.dir())), None);
    sandbox.write("first", "1\n");
    rescue(&sandbox, &sandbox.dir()).expect("saved");
    assert_eq!(sandbox.git(&["show", &format!("{REF}:first")]), "1");
}

#[test]
fn a_branch_is_kept_behind_a_rescue_ref() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo();
    let id = sandbox.commit_on("task", "main", &[("t", "t")]);
    let kept = repo.rescue_branch("task", REF, "discard", false).expect("kept").expect("there was one");
    repo.delete_ref("refs/heads/task", &id).expect("deleted");
    assert_eq!(sandbox.id(&format!("{REF}^{{commit}}")), id);
    let [saved] = &repo.saved_work().expect("read")[..] else { panic!("one") };
    assert_eq!((&saved.reference, &saved.id, &saved.commit), (&kept.reference, &kept.id, &id));
    assert_eq!((saved.note.kind, saved.note.branch.as_deref()), (SavedKind::Branch, Some("task")));
    assert_eq!((saved.note.why.as_str(), saved.parts()), ("discard", ["run-1", "w", "repo", "1"]));
    assert!(saved.at.is_some());
    assert_eq!(repo.rescue_branch("task", "refs/metawsm/rescue/x", "x", false).expect("asked"), None);
}

#[test]
fn commits_that_only_a_reflog_names_are_kept_and_held_ones_are_not() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo();
    let top = sandbox.worktree("w", "task");
    let amend = |text: &str| {
        write_in(&top, "a.txt", text);
        git_in(&top, &["commit", "--quiet", "--amend", "-am", text]);
        git_in(&top, &["rev-parse", "HEAD"])
    };
    git_in(&top, &["commit", "--quiet", "--allow-empty", "-m", "One"]);
    let first = git_in(&top, &["rev-parse", "HEAD"]);
    let second = amend("two");
    let head = amend("three");
    let saved = rescue(&sandbox, &top).expect("saved").kept.expect("two were amended away");
    let saved = repo.saved_work().expect("read").into_iter().find(|s| s.id == saved.id).expect("listed");
    let mut gone = [first, second];
    gone.sort();
    assert_eq!((saved.note.kind, &saved.note.commits[..]), (SavedKind::Commits, &gone[..]));
    for id in &gone {
        assert!(repo.is_ancestor(id, &saved.commit).expect("asked"));
    }
    // They are kept now, and the branch itself stays; nothing is left to save.
    assert_eq!(
        repo.rescue_branch("task", "refs/metawsm/rescue/x", "x", true).expect("asked").map(|_| ()),
        Some(())
    );
    assert_eq!(sandbox.id("refs/metawsm/rescue/x^{commit}"), head, "the head was not held by anything else");
}

#[test]
fn a_file_is_saved_and_found_again_byte_for_byte_whatever_its_name_mode_and_filter() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let sandbox = Sandbox::new();
    sandbox.commit(".gitattributes", "*.crlf text eol=crlf\n*.bad filter=bad\n");
    sandbox.git(&["config", "filter.bad.clean", "false"]);
    sandbox.git(&["config", "filter.bad.required", "true"]);
    let odd = std::ffi::OsStr::from_bytes(b"new\nline \xff");
    fs::write(sandbox.dir().join(odd), b"\0odd\xff").expect("written");
    for (name, text) in [("x.crlf", "a\r\nb\nc\r\n"), ("y.bad", "bad\n"), ("run.sh", "#!/bin/sh\n")] {
        sandbox.write(name, text);
    }
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.dir().join("run.sh"), mode).expect("executable");
    symlink("/somewhere/else", sandbox.dir().join("link")).expect("link");
    rescue(&sandbox, &sandbox.dir()).expect("saved");
    let saved = sandbox.repo().saved_work().expect("read").remove(0);
    let files = sandbox.repo().saved_files(&saved).expect("read");
    let read = |path: &[u8]| {
        let file = files.iter().find(|f| f.path.as_bytes() == path).expect("saved");
        let (mode, id) = file.now.clone().expect("there");
        let bytes = sandbox.repo().read_blob(&id).expect("read").expect("a blob");
        assert_eq!(bytes.len() as u64, file.size);
        (mode, bytes)
    };
    assert_eq!(read(odd.as_bytes()), (0o100_644, b"\0odd\xff".to_vec()));
    assert_eq!(read(b"x.crlf"), (0o100_644, b"a\r\nb\nc\r\n".to_vec()));
    assert_eq!(read(b"y.bad").1, b"bad\n");
    assert_eq!(read(b"run.sh").0, 0o100_755);
    assert_eq!(read(b"link"), (0o120_000, b"/somewhere/else".to_vec()));
    assert_eq!((saved.note.files, files.len()), (5, 5));
}

#[test]
fn a_repository_inside_a_tracked_directory_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.commit("dir/tracked", "t\n");
    sandbox.git(&["init", "--quiet", "dir"]);
    let error = rescue(&sandbox, &sandbox.dir()).expect_err("refused").to_string();
    assert!(error.contains("dir (a repository of its own)"), "{error}");
}

#[test]
fn what_is_staged_in_a_vanished_worktree_is_saved_from_its_registration() {
    let sandbox = Sandbox::new();
    let top = sandbox.worktree("w", "task");
    write_in(&top, "staged", "staged\n");
    git_in(&top, &["add", "staged"]);
    git_in(&top, &["switch", "--quiet", "--detach"]);
    git_in(&top, &["commit", "--quiet", "--allow-empty", "-m", "Lonely"]);
    write_in(&top, "a.txt", "more\n");
    git_in(&top, &["add", "a.txt"]);
    let lonely = git_in(&top, &["rev-parse", "HEAD"]);
    let admin = sandbox.repo().at(&top).expect("linked").git_dir().to_owned();
    fs::remove_dir_all(&top).expect("gone");
    sandbox.repo().rescue_registration(&admin, REF, "cleanup").expect("asked").expect("saved");
    assert_eq!(sandbox.id(&format!("{REF}^1")), lonely);
    assert_eq!(sandbox.git(&["show", &format!("{REF}:a.txt")]), "more");
    assert_eq!(sandbox.git(&["show", &format!("{REF}:staged")]), "staged");
}
