//! Whether a worktree is clean.

use super::{fields, git};
use crate::kit::{Repo, World};
use git_metawsm::git::Repository;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A repository of some kind: its name, what makes it out of one with a few files, and what git itself does not see
/// there and we do. Gives the worktree to look at, where it is not the repository's own.
type Kind = (&'static str, fn(&Repo) -> Option<PathBuf>, &'static [&'static str]);

pub(super) fn beside(repo: &Repo, name: &str) -> PathBuf {
    repo.path().with_file_name(name)
}

pub(super) fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}

pub(super) fn dirt(repo: &Repo) {
    repo.write("a.txt", "edited\n");
    repo.write("dir/b.txt", "staged\n");
    repo.git(["add", "dir/b.txt"]);
    repo.write("dir/new.txt", "new\n");
    std::fs::remove_file(repo.file("c.txt")).expect("removed");
}

fn configured(repo: &Repo, pairs: &[(&str, &str)]) -> Option<PathBuf> {
    for (key, value) in pairs {
        repo.git(["config", key, value]);
    }
    dirt(repo);
    None
}

/// A clone of a clone, made with these options.
fn cloned(repo: &Repo, options: &[&str]) -> PathBuf {
    repo.git(["config", "uploadpack.allowFilter", "true"]);
    let to = beside(repo, "clone");
    let url = format!("file://{}", repo.path().display());
    let place = text(&to);
    repo.git([&["clone", "-q"], options, &[&url, &place]].concat());
    std::fs::write(to.join("a.txt"), "edited\n").expect("written");
    to
}

fn attributes(repo: &Repo, line: &str, file: &str, bytes: &str) -> Option<PathBuf> {
    repo.commit(".gitattributes", line);
    repo.commit(file, bytes);
    repo.write(file, bytes);
    repo.write("a.txt", "edited\n");
    None
}

const KINDS: [Kind; 40] = [
    ("plain and clean", |_| None, &[]),
    (
        "plain and dirty",
        |r| {
            dirt(r);
            None
        },
        &[],
    ),
    ("status.showUntrackedFiles=no", |r| configured(r, &[("status.showUntrackedFiles", "no")]), &[]),
    (
        "core.fsmonitor that says that nothing changed",
        |r| {
            r.write("lying-monitor", "#!/bin/sh\nprintf '2\\0'\n");
            chmod(r, "lying-monitor");
            r.git(["config", "core.fsmonitor", "./lying-monitor"]);
            dirt(r);
            None
        },
        &[],
    ),
    ("core.fsmonitor=true", |r| configured(r, &[("core.fsmonitor", "true")]), &[]),
    (
        "core.untrackedCache",
        |r| {
            r.git(["update-index", "--force-untracked-cache"]);
            dirt(r);
            None
        },
        &[],
    ),
    (
        "index version 4",
        |r| {
            r.git(["update-index", "--index-version", "4"]);
            dirt(r);
            None
        },
        &[],
    ),
    (
        "split index",
        |r| {
            r.git(["update-index", "--split-index"]);
            dirt(r);
            None
        },
        &[],
    ),
    ("split index by configuration", |r| configured(r, &[("core.splitIndex", "true")]), &[]),
    (
        "sparse checkout by cone",
        |r| {
            r.git(["sparse-checkout", "set", "--cone", "other"]);
            r.write("a.txt", "edited\n");
            None
        },
        &[],
    ),
    (
        "sparse checkout by patterns",
        |r| {
            r.git(["sparse-checkout", "set", "--no-cone", "/a.txt", "/dir/"]);
            r.write("dir/b.txt", "edited\n");
            None
        },
        &[],
    ),
    (
        "sparse index",
        |r| {
            r.git(["sparse-checkout", "set", "--cone", "--sparse-index", "other"]);
            r.write("other/new.txt", "new\n");
            None
        },
        &[],
    ),
    (
        "assume-unchanged hides an edit",
        |r| {
            r.git(["update-index", "--assume-unchanged", "a.txt"]);
            r.write("a.txt", "hidden\n");
            None
        },
        &["a.txt"],
    ),
    (
        "skip-worktree hides an edit",
        |r| {
            r.git(["update-index", "--skip-worktree", "a.txt"]);
            r.write("a.txt", "hidden\n");
            None
        },
        &["a.txt"],
    ),
    (
        "flags that hide nothing",
        |r| {
            r.git(["update-index", "--skip-worktree", "a.txt"]);
            r.git(["update-index", "--assume-unchanged", "c.txt"]);
            None
        },
        &[],
    ),
    (
        "a filter as of LFS, its file touched",
        |r| {
            r.git(["config", "filter.up.clean", "tr a-z A-Z"]);
            r.git(["config", "filter.up.smudge", "tr A-Z a-z"]);
            attributes(r, "*.up filter=up\n", "x.up", "text\n")
        },
        &[],
    ),
    (
        "a filter that is required and missing",
        |r| attributes(r, "*.none filter=none\n", "x.none", "text\n"),
        &[],
    ),
    (
        "text=auto with CRLF on disk",
        |r| {
            r.commit(".gitattributes", "* text=auto\n");
            r.commit("crlf.txt", "one\ntwo\n");
            r.write("crlf.txt", "one\r\ntwo\r\n");
            None
        },
        &[],
    ),
    ("eol=crlf", |r| attributes(r, "*.win text eol=crlf\n", "x.win", "one\r\ntwo\r\n"), &[]),
    ("core.autocrlf=true", |r| configured(r, &[("core.autocrlf", "true")]), &[]),
    (
        "core.autocrlf=input and a CRLF file",
        |r| {
            r.git(["config", "core.autocrlf", "input"]);
            r.write("c.txt", "c\r\n");
            None
        },
        &[],
    ),
    ("ident", |r| attributes(r, "*.id ident\n", "x.id", "$Id$\n"), &[]),
    (
        "working-tree-encoding",
        |r| attributes(r, "*.utf text working-tree-encoding=UTF-8\n", "x.utf", "\u{fc}\n"),
        &[],
    ),
    (
        "core.fileMode=false and a changed mode",
        |r| {
            r.git(["config", "core.fileMode", "false"]);
            chmod(r, "a.txt");
            None
        },
        &[],
    ),
    (
        "a changed mode",
        |r| {
            chmod(r, "a.txt");
            None
        },
        &[],
    ),
    (
        "a link in place of a file",
        |r| {
            std::fs::remove_file(r.file("a.txt")).expect("removed");
            std::os::unix::fs::symlink("c.txt", r.file("a.txt")).expect("a link");
            None
        },
        &[],
    ),
    (
        "a directory in place of a file",
        |r| {
            std::fs::remove_file(r.file("a.txt")).expect("removed");
            r.write("a.txt/below", "x");
            None
        },
        &[],
    ),
    (
        "a staged rename",
        |r| {
            r.git(["mv", "a.txt", "renamed.txt"]);
            None
        },
        &[],
    ),
    (
        "intent to add",
        |r| {
            r.write("new.txt", "x");
            r.git(["add", "-N", "new.txt"]);
            None
        },
        &[],
    ),
    (
        "removed from the index alone",
        |r| {
            r.git(["rm", "-q", "--cached", "a.txt"]);
            None
        },
        &[],
    ),
    (
        "a nested repository",
        |r| {
            r.git(["init", "-q", "nested"]);
            r.write("nested/x", "x");
            None
        },
        &[],
    ),
    (
        "a submodule with ignore=all and an edit",
        |r| {
            with_submodule(r);
            r.git(["config", "-f", ".gitmodules", "submodule.sub.ignore", "all"]);
            r.git(["commit", "-q", "-a", "-m", "Ignore all"]);
            r.write("sub/README.md", "edited");
            None
        },
        &[],
    ),
    (
        "a submodule at another commit",
        |r| {
            with_submodule(r);
            r.git([
                "-C",
                "sub",
                "-c",
                "user.name=T",
                "-c",
                "user.email=t@e",
                "commit",
                "-q",
                "--allow-empty",
                "-m",
                "x",
            ]);
            None
        },
        &[],
    ),
    (
        "a linked worktree",
        |r| {
            let place = beside(r, "linked");
            r.git(["worktree", "add", "-q", &text(&place)]);
            dirt(&r.seen_from(&place));
            Some(place)
        },
        &[],
    ),
    (
        "a linked worktree of a bare repository, with configuration of its own",
        |r| {
            let (bare, place) = (beside(r, "bare.git"), beside(r, "linked"));
            r.git(["clone", "-q", "--bare", ".", &text(&bare)]);
            let bare = r.seen_from(&bare);
            bare.git(["config", "extensions.worktreeConfig", "true"]);
            bare.git(["config", "--worktree", "core.bare", "true"]);
            bare.git(["config", "--unset", "core.bare"]);
            bare.git(["worktree", "add", "-q", &text(&place), "main"]);
            let linked = r.seen_from(&place);
            linked.git(["config", "--worktree", "status.showUntrackedFiles", "no"]);
            dirt(&linked);
            Some(place)
        },
        &[],
    ),
    ("a partial clone", |r| Some(cloned(r, &["--filter=blob:none"])), &[]),
    ("a shallow clone", |r| Some(cloned(r, &["--depth=1"])), &[]),
    ("a clone that shares objects", |r| Some(cloned(r, &["--shared", "--no-local"])), &[]),
    (
        "an index.lock, and excludes that hide everything",
        |r| {
            dirt(r);
            std::fs::write(r.file(".git/index.lock"), "").expect("written");
            std::fs::write(r.file(".git/info/exclude"), "*\n").expect("written");
            None
        },
        &[],
    ),
    (
        "conflicts",
        |r| {
            r.git(["switch", "-q", "-c", "side"]);
            r.commit("a.txt", "side\n");
            r.git(["switch", "-q", "main"]);
            r.commit("a.txt", "main\n");
            r.try_git(["merge", "-q", "side"]);
            None
        },
        &[],
    ),
];

fn chmod(repo: &Repo, file: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(repo.file(file), std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn with_submodule(repo: &Repo) {
    let inner = repo.seen_from(beside(repo, "inner"));
    repo.git(["init", "-q", "-b", "main", &text(inner.path())]);
    inner.git(["config", "user.name", "T"]);
    inner.git(["config", "user.email", "t@e"]);
    inner.commit("README.md", "inner\n");
    let url = text(inner.path());
    repo.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
    repo.git(["commit", "-q", "-m", "A submodule"]);
}

pub(super) fn seen_by_git(top: &std::path::Path) -> BTreeSet<String> {
    let words = ["-c", "core.fsmonitor=false", "--no-optional-locks", "status", "--porcelain=v2", "-z"];
    let more = ["--untracked-files=all", "--ignore-submodules=none", "--no-renames"];
    let lines = fields(&git(top, &[&words[..], &more[..]].concat()).ok());
    let path = |line: &String| {
        let words = match line.as_bytes()[0] {
            b'1' => 8,
            b'u' => 10,
            _ => 1,
        };
        line.splitn(words + 1, ' ').nth(words).expect("a path").to_owned()
    };
    lines.iter().map(path).collect()
}

#[test]
fn a_worktree_of_any_kind_is_as_dirty_as_git_says_and_hidden_edits_are_found() {
    let mut wrong = Vec::new();
    let mut judges = Vec::new();
    for (number, (name, make, hidden)) in KINDS.into_iter().enumerate() {
        let world = World::new();
        let repo = world.repo(&format!("kind{number}"));
        for file in ["a.txt", "dir/b.txt", "c.txt", "other/d.txt"] {
            repo.commit(file, &format!("{file}\n"));
        }
        let top = make(&repo).unwrap_or_else(|| repo.path().to_owned());
        let mut expected = seen_by_git(&top);
        expected.extend(hidden.iter().map(|path| (*path).to_owned()));
        let repository = Repository::require(&top).expect("found");
        let state = repository.clean_state(&top).expect("judged");
        let found: BTreeSet<_> = state.dirty.iter().map(|dirty| dirty.path.to_string()).collect();
        if found != expected {
            wrong.push(format!("{name} ({}): {found:?} instead of {expected:?}", state.judge));
        }
        judges.push(format!("{}: {name}", state.judge));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Where libgit2 is known to lie it is not asked; where it is known to agree it is.
    let by_git2 = judges.iter().filter(|line| line.starts_with("git2")).count();
    assert!((8..30).contains(&by_git2), "{}", judges.join("\n"));
}
