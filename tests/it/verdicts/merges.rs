//! What a merge comes to.

use super::{Real, git, our_merge, really_merge};
use crate::kit::{Repo, World};
use git_metawsm::git::Repository;
use std::path::Path;

/// A merge of some kind: what both sides do, `main` first, after a common start. `None` has the start's word.
struct Kind {
    name: &'static str,
    start: fn(&Repo),
    ours: fn(&Repo),
    theirs: fn(&Repo),
}

fn nothing(_: &Repo) {}

fn lines(repo: &Repo, file: &str, edit: &[(usize, &str)]) {
    let mut lines: Vec<_> = (0..12).map(|n| format!("line {n} of {file}")).collect();
    for (at, text) in edit {
        (*text).clone_into(&mut lines[*at]);
    }
    repo.commit(file, &(lines.join("\n") + "\n"));
}

fn moved(repo: &Repo, from: &str, to: &str) {
    let parent = Path::new(to).parent().expect("a parent");
    std::fs::create_dir_all(repo.file(&parent.display().to_string())).expect("a folder");
    repo.git(["mv", from, to]);
    repo.git(["commit", "-q", "-m", &format!("Move {from}")]);
}

fn removed(repo: &Repo, file: &str) {
    repo.git(["rm", "-q", "-r", file]);
    repo.git(["commit", "-q", "-m", &format!("Remove {file}")]);
}

fn executable(repo: &Repo, file: &str) {
    repo.git(["update-index", "--chmod=+x", file]);
    repo.git(["commit", "-q", "-m", "Executable"]);
    repo.git(["checkout", "-q", "--", file]);
}

fn with_submodule(repo: &Repo) {
    let place = repo.path().with_file_name("inner");
    repo.git(["init", "-q", "-b", "main", &place.display().to_string()]);
    let inner = repo.seen_from(place);
    inner.git(["config", "user.name", "T"]);
    inner.git(["config", "user.email", "t@e"]);
    inner.commit("one", "one");
    inner.commit("two", "two");
    inner.commit("three", "three");
    let url = inner.path().display().to_string();
    repo.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
    repo.git(["-C", "sub", "checkout", "-q", "origin/main~2"]);
    repo.git(["add", "sub"]);
    repo.git(["commit", "-q", "-m", "A submodule"]);
}

fn submodule_at(repo: &Repo, commit: &str) {
    let id = repo.git(["-C", "../inner", "rev-parse", commit]);
    repo.git(["update-index", "--cacheinfo", &format!("160000,{id},sub")]);
    repo.git(["commit", "-q", "-m", "Move the submodule"]);
    repo.try_git(["-C", "sub", "checkout", "-q", &id]);
}

const KINDS: [Kind; 32] = [
    Kind {
        name: "different files",
        start: nothing,
        ours: |r| lines(r, "x", &[]),
        theirs: |r| lines(r, "y", &[]),
    },
    Kind {
        name: "different lines",
        start: |r| lines(r, "x", &[]),
        ours: |r| lines(r, "x", &[(1, "ours")]),
        theirs: |r| lines(r, "x", &[(9, "theirs")]),
    },
    Kind {
        name: "the same line",
        start: |r| lines(r, "x", &[]),
        ours: |r| lines(r, "x", &[(5, "ours")]),
        theirs: |r| lines(r, "x", &[(5, "theirs")]),
    },
    Kind {
        name: "the same change",
        start: |r| lines(r, "x", &[]),
        ours: |r| lines(r, "x", &[(5, "both")]),
        theirs: |r| lines(r, "x", &[(5, "both")]),
    },
    Kind {
        name: "added twice",
        start: nothing,
        ours: |r| lines(r, "x", &[(0, "ours")]),
        theirs: |r| lines(r, "x", &[(0, "theirs")]),
    },
    Kind {
        name: "modified and deleted",
        start: |r| lines(r, "x", &[]),
        ours: |r| lines(r, "x", &[(5, "ours")]),
        theirs: |r| removed(r, "x"),
    },
    Kind {
        name: "deleted twice",
        start: |r| lines(r, "x", &[]),
        ours: |r| removed(r, "x"),
        theirs: |r| removed(r, "x"),
    },
    Kind {
        name: "renamed and modified",
        start: |r| lines(r, "x", &[]),
        ours: |r| lines(r, "x", &[(5, "ours")]),
        theirs: |r| moved(r, "x", "y"),
    },
    Kind {
        name: "renamed to two names",
        start: |r| lines(r, "x", &[]),
        ours: |r| moved(r, "x", "ours"),
        theirs: |r| moved(r, "x", "theirs"),
    },
    Kind {
        name: "two files renamed to one name",
        start: |r| {
            lines(r, "x", &[]);
            lines(r, "y", &[(0, "y"), (1, "y"), (2, "y"), (3, "y"), (4, "y"), (5, "y"), (6, "y"), (7, "y")]);
        },
        ours: |r| moved(r, "x", "z"),
        theirs: |r| moved(r, "y", "z"),
    },
    Kind {
        name: "renamed and deleted",
        start: |r| lines(r, "x", &[]),
        ours: |r| moved(r, "x", "y"),
        theirs: |r| removed(r, "x"),
    },
    Kind {
        name: "a directory renamed, a file added to the old one",
        start: |r| {
            lines(r, "old/a", &[]);
            lines(r, "old/b", &[]);
        },
        ours: |r| moved(r, "old", "new"),
        theirs: |r| lines(r, "old/c", &[]),
    },
    Kind {
        name: "a directory renamed on both sides",
        start: |r| {
            lines(r, "old/a", &[]);
            lines(r, "old/b", &[]);
        },
        ours: |r| moved(r, "old", "ours"),
        theirs: |r| moved(r, "old", "theirs"),
    },
    Kind {
        name: "a directory rename with merge.directoryRenames=true",
        start: |r| {
            r.git(["config", "merge.directoryRenames", "true"]);
            lines(r, "old/a", &[]);
            lines(r, "old/b", &[]);
        },
        ours: |r| moved(r, "old", "new"),
        theirs: |r| lines(r, "old/c", &[]),
    },
    Kind {
        name: "a rename with merge.renames=false",
        start: |r| {
            r.git(["config", "merge.renames", "false"]);
            lines(r, "x", &[]);
        },
        ours: |r| lines(r, "x", &[(5, "ours")]),
        theirs: |r| moved(r, "x", "y"),
    },
    Kind {
        name: "a file and a directory of one name",
        start: nothing,
        ours: |r| lines(r, "x", &[]),
        theirs: |r| lines(r, "x/below", &[]),
    },
    Kind {
        name: "a mode on one side",
        start: |r| lines(r, "x", &[]),
        ours: |r| executable(r, "x"),
        theirs: |r| lines(r, "x", &[(5, "theirs")]),
    },
    Kind {
        name: "a file and a link of one name",
        start: nothing,
        ours: |r| lines(r, "x", &[]),
        theirs: |r| {
            std::os::unix::fs::symlink("README.md", r.file("x")).expect("a link");
            r.git(["add", "x"]);
            r.git(["commit", "-q", "-m", "A link"]);
        },
    },
    Kind {
        name: "binary on both sides",
        start: |r| drop(r.commit("x", "\0start\n")),
        ours: |r| drop(r.commit("x", "\0ours\n")),
        theirs: |r| drop(r.commit("x", "\0theirs\n")),
    },
    Kind {
        name: "merge=union",
        start: |r| {
            r.commit(".gitattributes", "list merge=union\n");
            r.commit("list", "one\n");
        },
        ours: |r| drop(r.commit("list", "one\nours\n")),
        theirs: |r| drop(r.commit("list", "one\ntheirs\n")),
    },
    Kind {
        name: "merge=union that only the other side has",
        start: |r| drop(r.commit("list", "one\n")),
        ours: |r| drop(r.commit("list", "one\nours\n")),
        theirs: |r| {
            r.commit(".gitattributes", "list merge=union\n");
            r.commit("list", "one\ntheirs\n");
        },
    },
    Kind {
        name: "merge=binary and -merge",
        start: |r| {
            r.commit(".gitattributes", "x merge=binary\ny -merge\n");
            lines(r, "x", &[]);
            lines(r, "y", &[]);
        },
        ours: |r| {
            lines(r, "x", &[(1, "ours")]);
            lines(r, "y", &[(1, "ours")]);
        },
        theirs: |r| {
            lines(r, "x", &[(9, "theirs")]);
            lines(r, "y", &[(9, "theirs")]);
        },
    },
    Kind {
        name: "a driver of one's own",
        start: |r| {
            r.git(["config", "merge.both.driver", "cat %A %B > %A.new && mv %A.new %A"]);
            r.commit(".gitattributes", "x merge=both\n");
            r.commit("x", "start\n");
        },
        ours: |r| drop(r.commit("x", "ours\n")),
        theirs: |r| drop(r.commit("x", "theirs\n")),
    },
    Kind {
        name: "a driver that refuses",
        start: |r| {
            r.git(["config", "merge.no.driver", "false"]);
            r.commit(".gitattributes", "x merge=no\n");
            lines(r, "x", &[]);
        },
        ours: |r| lines(r, "x", &[(1, "ours")]),
        theirs: |r| lines(r, "x", &[(9, "theirs")]),
    },
    Kind {
        name: "merge.renormalize over ends of lines",
        start: |r| {
            r.git(["config", "merge.renormalize", "true"]);
            r.git(["config", "core.autocrlf", "false"]);
            r.commit("x", "one\r\ntwo\r\nthree\r\n");
        },
        ours: |r| {
            r.commit(".gitattributes", "* text=auto\n");
            r.git(["add", "--renormalize", "."]);
            r.git(["commit", "-q", "-m", "Normal ends"]);
        },
        theirs: |r| drop(r.commit("x", "one\r\ntwo\r\nthree\r\nfour\r\n")),
    },
    Kind {
        name: "a larger conflict marker",
        start: |r| {
            r.commit(".gitattributes", "x conflict-marker-size=20\n");
            lines(r, "x", &[]);
        },
        ours: |r| lines(r, "x", &[(5, "ours")]),
        theirs: |r| lines(r, "x", &[(5, "theirs")]),
    },
    Kind {
        name: "merge.conflictStyle=diff3 and a clean merge",
        start: |r| {
            r.git(["config", "merge.conflictStyle", "diff3"]);
            lines(r, "x", &[]);
        },
        ours: |r| lines(r, "x", &[(1, "ours")]),
        theirs: |r| lines(r, "x", &[(9, "theirs")]),
    },
    Kind {
        name: "a submodule moved forward on both sides",
        start: with_submodule,
        ours: |r| submodule_at(r, "main~1"),
        theirs: |r| submodule_at(r, "main"),
    },
    Kind {
        name: "a submodule moved forward on one side",
        start: with_submodule,
        ours: |r| lines(r, "x", &[]),
        theirs: |r| submodule_at(r, "main"),
    },
    Kind {
        name: "everything removed",
        start: |r| lines(r, "x", &[]),
        ours: nothing,
        theirs: |r| removed(r, "."),
    },
    Kind {
        name: "both merged each other before",
        start: |r| lines(r, "x", &[]),
        ours: |r| {
            lines(r, "x", &[(1, "ours")]);
            r.git(["branch", "first"]);
        },
        theirs: |r| {
            lines(r, "x", &[(9, "theirs")]);
            r.try_git(["merge", "-q", "-m", "Criss-cross", "first"]);
            lines(r, "x", &[(1, "ours"), (5, "again"), (9, "theirs")]);
        },
    },
    Kind {
        name: "contained already",
        start: |r| lines(r, "x", &[]),
        ours: |r| lines(r, "y", &[]),
        theirs: nothing,
    },
];

#[test]
fn a_merge_of_any_kind_comes_to_what_git_comes_to() {
    let mut wrong = Vec::new();
    for (number, kind) in KINDS.iter().enumerate() {
        let world = World::new();
        let repo = world.repo(&format!("kind{number}"));
        (kind.start)(&repo);
        repo.git(["branch", "task"]);
        (kind.ours)(&repo);
        repo.git(["switch", "-q", "task"]);
        (kind.theirs)(&repo);
        if let Some(difference) = difference(&repo, "main", "task") {
            wrong.push(format!("{}: {difference}", kind.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In what our verdict differs from a real merge, made where base's submodules are checked out.
fn difference(repo: &Repo, base: &str, head: &str) -> Option<String> {
    let (base, head) = (repo.rev(base).expect("base"), repo.rev(head).expect("head"));
    git(repo.path(), &["checkout", "-q", "--detach", &base]).ok();
    let real = named_alike(really_merge(repo.path(), &base, &head));
    let ours = named_alike(our_merge(&Repository::require(repo.path()).expect("found"), &base, &head));
    (ours != real).then(|| format!("{ours:?} instead of {real:?}"))
}

/// A file that has to make way is named after what it came from: HEAD for the one, its id for the other.
fn named_alike(real: Real) -> Real {
    match real {
        Real::Unmerged(files) => {
            let stem = |file: String| file.split('~').next().unwrap_or_default().to_owned();
            Real::Unmerged(files.into_iter().map(stem).collect())
        }
        real => real,
    }
}

#[test]
fn histories_without_a_common_commit_are_refused_as_git_refuses_them() {
    let world = World::new();
    let repo = world.repo("api");
    repo.git(["switch", "-q", "--orphan", "other"]);
    repo.commit("x", "x");
    assert_eq!(difference(&repo, "main", "other"), None);
}

#[test]
fn sha256_bare_shallow_and_partial_repositories_merge_as_git_merges() {
    let world = World::new();
    let plain = world.repo("plain");
    let sha256 = plain.path().with_file_name("sha256");
    plain.git(["init", "-q", "-b", "main", "--object-format=sha256", &sha256.display().to_string()]);
    let repo = plain.seen_from(&sha256);
    repo.git(["config", "user.name", "T"]);
    repo.git(["config", "user.email", "t@e"]);
    repo.git(["config", "uploadpack.allowFilter", "true"]);
    repo.git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
    lines(&repo, "x", &[]);
    repo.git(["branch", "task"]);
    lines(&repo, "x", &[(1, "ours")]);
    repo.git(["switch", "-q", "task"]);
    lines(&repo, "x", &[(9, "theirs")]);
    lines(&repo, "y", &[]);
    assert_eq!(difference(&repo, "main", "task"), None);
    let real = really_merge(repo.path(), "main", "task");
    assert!(matches!(real, Real::Tree(_)), "{real:?}");
    let url = format!("file://{}", repo.path().display());
    for (name, options) in [
        ("bare", &["--bare"][..]),
        ("partial", &["--filter=blob:none", "--no-checkout"]),
        ("treeless", &["--filter=tree:0", "--no-checkout"]),
    ] {
        let to = plain.path().with_file_name(name);
        plain.git([&["clone", "-q"], options, &[&url, &to.display().to_string()]].concat());
        let found = Repository::require(&to).expect("found");
        let (base, head) = (repo.rev("main").expect("base"), repo.rev("task").expect("head"));
        assert_eq!(our_merge(&found, &base, &head), real, "{name}");
    }
}
