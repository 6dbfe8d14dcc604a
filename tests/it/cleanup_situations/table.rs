//! The situations, and how each command is to end in them.

use super::scene::Scene;
use git_metawsm::sys::env;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With exit 0.
    Goes,
    /// With exit 3, everything in place, and these words.
    Refuses(&'static str),
    /// One or the other: it depends on who we are.
    Either,
}

use End::{Either, Goes, Refuses};

/// What was done in a worktree.
pub struct Situation {
    /// For messages.
    pub name: &'static str,
    /// What is done before a close.
    pub before: Option<fn(&mut Scene)>,
    /// What is done last.
    pub set_up: fn(&mut Scene),
    /// The end of `cleanup`.
    pub cleanup: End,
    /// The end of `cleanup --force`.
    pub force: End,
    /// The end of `discard`.
    pub discard: End,
    /// The end of `restart`.
    pub restart: End,
}

/// A situation that `cleanup` names and that everything else saves.
const fn named(name: &'static str, words: &'static str, set_up: fn(&mut Scene)) -> Situation {
    Situation { cleanup: Refuses(words), ..saved(name, set_up) }
}

/// A situation that is no hindrance: what is at stake is saved or stays.
const fn saved(name: &'static str, set_up: fn(&mut Scene)) -> Situation {
    let (cleanup, force, discard, restart) = (Goes, Goes, Goes, Goes);
    Situation { name, before: None, set_up, cleanup, force, discard, restart }
}

/// A situation that nothing can save: everything that removes refuses.
const fn refused(name: &'static str, words: &'static str, set_up: fn(&mut Scene)) -> Situation {
    let end = Refuses(words);
    Situation { cleanup: end, force: end, discard: end, ..saved(name, set_up) }
}

fn nothing(_: &mut Scene) {}

/// A worktree in which an agent has committed `work.txt`, and then this.
pub const SITUATIONS: &[Situation] = &[
    saved("ignored data", |s| s.tree.write("debug.log", "ignored\n")),
    saved("unread signals", |s| {
        let dir = s.workspace().join(".metawsm");
        fs::write(dir.join("guidance-request.json"), "{\"question\": \"why?\"}\n").expect("written");
        fs::write(dir.join("implementation-complete-x.json"), "not even JSON").expect("written");
        s.tree.write(".metawsm/validation-result.json", "{}");
    }),
    saved("a stash", |s| {
        s.tree.write("work.txt", "stashed\n");
        s.tree.git(["stash", "-q"]);
        s.keep("refs/stash");
    }),
    named("unpushed commits", "1 commit of 'task/do-the-work'", |s| {
        s.tree.commit("more.txt", "more\n");
        s.keep("HEAD");
    }),
    named("a detached HEAD with commits", "that no branch holds", |s| {
        s.tree.git(["switch", "-q", "--detach"]);
        s.tree.commit("lonely.txt", "lonely\n");
        s.keep("HEAD");
    }),
    named("another branch with changes", "loose.txt", |s| {
        s.tree.git(["switch", "-q", "-c", "mine"]);
        s.tree.commit("mine.txt", "mine\n");
        s.keep("HEAD");
        s.tree.write("loose.txt", "loose\n");
    }),
    Situation {
        discard: Refuses("is locked"),
        ..named("a locked worktree", "is locked", |s| {
            s.tree.git(["worktree", "lock", "."]);
            s.tree.write("debug.log", "ignored\n");
        })
    },
    refused("a submodule with a commit of its own", "sub", |s| {
        submodule(s);
        let sub = s.tree.seen_from(s.tree.file("sub"));
        sub.git(["config", "user.name", "S"]);
        sub.git(["config", "user.email", "s@example.org"]);
        sub.commit("own.txt", "own\n");
    }),
    Situation {
        cleanup: Refuses("1 commit of"),
        ..refused("a submodule with an ignored file", "sub (a submodule with files of its own)", |s| {
            submodule(s);
            let sub = s.tree.seen_from(s.tree.file("sub"));
            fs::write(sub.common_dir().join("info/exclude"), "*.tmp\n").expect("written");
            sub.write("x.tmp", "ignored in the submodule\n");
        })
    },
    refused("a nested repository", "nested", |s| {
        fs::create_dir(s.tree.file("nested")).expect("made");
        let nested = s.tree.seen_from(s.tree.file("nested"));
        nested.git(["init", "-q"]);
        nested.write("file", "x\n");
    }),
    refused("a nested repository where git ignores it", "deep.log/nested", |s| {
        fs::create_dir_all(s.tree.file("deep.log/nested")).expect("made");
        s.tree.seen_from(s.tree.file("deep.log/nested")).git(["init", "-q"]);
    }),
    refused("a repository inside a tracked directory", "dir (a repository", |s| {
        s.tree.seen_from(s.tree.file("dir")).git(["init", "-q"]);
        s.tree.write("dir/.git/precious", "x\n");
    }),
    named("a rebase in progress, with an autostash", "a rebase is half done", |s| {
        s.tree.git(["config", "rebase.autoStash", "true"]);
        s.tree.commit("more.txt", "more\n");
        s.keep("HEAD");
        s.tree.write("work.txt", "stashed by the rebase\n");
        let script = s.stage.world.script("editor", "sed -i '1s/^pick/edit/' \"$1\"");
        let set = format!("sequence.editor={}", script.display());
        s.tree.git(["-c", &set, "rebase", "-q", "-i", "HEAD~1"]);
        s.tree.git(["commit", "-q", "--amend", "-m", "Rewritten"]);
        s.keep("HEAD");
        let dir = s.tree.git(["rev-parse", "--absolute-git-dir"]);
        let autostash = fs::read_to_string(format!("{dir}/rebase-merge/autostash")).expect("it is there");
        s.commits.push(autostash.trim().to_owned());
    }),
    named("a merge in progress", "a merge is half done", |s| {
        s.tree.git(["branch", "-q", "side", "HEAD~1"]);
        s.tree.git(["switch", "-q", "side"]);
        s.tree.commit("work.txt", "side\n");
        let side = s.tree.git(["rev-parse", "HEAD"]);
        s.tree.git(["switch", "-q", "task/do-the-work"]);
        s.tree.git(["branch", "-q", "-D", "side"]);
        s.tree.try_git(["merge", "-q", &side]).code(1);
        s.commits.push(side);
        s.tree.write("dir/file.txt", "half resolved\n");
    }),
    named("a bisect", "a bisect is half done", |s| {
        s.tree.git(["bisect", "start"]);
        s.tree.write("debug.log", "ignored\n");
    }),
    saved("a * in info/exclude", |s| {
        fs::write(s.tree.common_dir().join("info/exclude"), "*\n").expect("written");
        s.tree.write("new/work.txt", "nobody sees it\n");
    }),
    named("an edit behind skip-worktree", "work.txt", |s| {
        s.tree.git(["update-index", "--skip-worktree", "work.txt"]);
        s.tree.write("work.txt", "hidden\n");
    }),
    named("an edit behind assume-unchanged", "work.txt", |s| {
        s.tree.git(["update-index", "--assume-unchanged", "work.txt"]);
        s.tree.write("work.txt", "hidden\n");
    }),
    named("a sparse checkout", "out/loose.txt", |s| {
        s.tree.git(["sparse-checkout", "set", "dir"]);
        s.tree.write("out/loose.txt", "outside of the cone\n");
    }),
    refused("a file over 10 MiB", "big.log", |s| sparse(s, "big.log", 11)),
    refused("over 100 MiB in all", "bytes in all", |s| {
        (0..11).for_each(|n| sparse(s, &format!("part-{n}.log"), 10));
    }),
    saved("a disposable folder", |s| {
        s.tree.write("node_modules/x/y.js", "made again\n");
        s.may_go.push("api/node_modules/");
    }),
    saved("a folder with CACHEDIR.TAG", |s| {
        s.tree.write("cache.log/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
        s.tree.write("cache.log/x", "made again\n");
        s.may_go.push("api/cache.log/");
    }),
    named("a new folder that is only called like a disposable one", "target/new.rs", |s| {
        s.tree.write("src/target/new.rs", "work\n");
    }),
    named("a link out of the worktree", "link", |s| {
        let outside = s.stage.world.root().join("outside");
        fs::write(&outside, "not ours\n").expect("written");
        symlink(outside, s.tree.file("link")).expect("a link");
        symlink("nowhere", s.tree.file("dangling.log")).expect("a link");
    }),
    saved("a FIFO and a socket", |s| {
        let fifo = s.tree.file("fifo.log");
        nix_fifo(s, &fifo);
        drop(UnixListener::bind(s.tree.file("s.log")).expect("a socket"));
    }),
    Situation {
        force: Either,
        discard: Either,
        ..named("a file that cannot be read", "secret.txt", |s| {
            s.tree.write("secret.txt", "secret\n");
            // The superuser reads everything; for anybody else the refusal names it.
            if env::user_id() == 0 {
                fs::set_permissions(s.tree.file("secret.txt"), Permissions::from_mode(0o000)).expect("set");
            }
        })
    },
    saved("a worktree that was moved away", |s| {
        s.tree.write("work.txt", "staged\n");
        s.tree.git(["add", "work.txt"]);
        s.tree.write("loose.txt", "loose\n");
        let place = s.stage.world.root().join("elsewhere");
        fs::rename(s.tree.path(), &place).expect("moved");
        s.moved = Some(place);
    }),
    saved("a worktree that was deleted, on no branch", |s| {
        s.tree.git(["switch", "-q", "--detach"]);
        s.tree.commit("lonely.txt", "lonely\n");
        s.keep("HEAD");
        fs::remove_dir_all(s.tree.path()).expect("deleted");
    }),
    Situation {
        restart: Either,
        ..named("a branch that was deleted", "not committed", |s| {
            s.tree.git(["update-ref", "-d", "refs/heads/task/do-the-work"]);
        })
    },
    saved("a branch that was renamed", |s| {
        s.tree.git(["branch", "-m", "task/do-the-work", "renamed"]);
        s.tree.write("debug.log", "ignored\n");
    }),
    named("somebody at work inside", "loose.txt", |s| {
        s.tree.write("loose.txt", "loose\n");
        let mut sleep = s.stage.world.command("sleep");
        sleep.arg("600").current_dir(s.tree.path()).stdin(Stdio::null());
        s.child = Some(sleep.spawn().expect("it starts"));
    }),
    Situation {
        force: Either,
        discard: Either,
        ..named("a directory that cannot be written", "locked/loose.txt", |s| {
            s.tree.write("locked/loose.txt", "loose\n");
            fs::set_permissions(s.tree.file("locked"), Permissions::from_mode(0o555)).expect("set");
        })
    },
    Situation {
        before: Some(|s| {
            s.stage.repo.git(["merge", "-q", "--squash", "task/do-the-work"]);
            s.stage.repo.git(["commit", "-q", "-m", "All of it at once"]);
        }),
        ..saved("a branch that landed by a squash", nothing)
    },
    Situation {
        before: Some(|s| {
            s.tree.write("work.txt", "better\n");
            s.tree.git(["commit", "-q", "-a", "--amend", "-m", "Better"]);
            s.keep("HEAD");
        }),
        ..saved("a commit that only reflogs name", nothing)
    },
    named("names that are no text, and executable files", "line", |s| {
        fs::write(s.tree.path().join(OsStr::from_bytes(b"new\nline \xff")), b"\0odd\xff\r\n")
            .expect("written");
        s.tree.write("run.sh", "#!/bin/sh\n");
        fs::set_permissions(s.tree.file("run.sh"), Permissions::from_mode(0o755)).expect("set");
    }),
    saved("files beside the worktrees", |s| {
        fs::write(s.workspace().join("notes.md"), "mine\n").expect("written");
        fs::write(s.workspace().join(".metawsm/draft.md"), "an agent's\n").expect("written");
    }),
    named("staged and changed again", "work.txt", |s| {
        s.tree.write("work.txt", "staged\n");
        s.tree.git(["add", "work.txt"]);
        s.tree.write("work.txt", "not staged\n");
    }),
    named("a filter that would change or refuse the bytes", "x.crlf", |s| {
        s.tree.git(["config", "filter.bad.clean", "false"]);
        s.tree.git(["config", "filter.bad.required", "true"]);
        fs::write(s.tree.common_dir().join("info/attributes"), "*.crlf text eol=crlf\n*.log filter=bad\n")
            .expect("written");
        s.tree.write("x.crlf", "a\r\nb\nc\r\n");
        s.tree.write("y.log", "no filter takes it\n");
    }),
];

fn submodule(s: &mut Scene) {
    let inner = s.stage.world.repo("inner");
    let url = inner.path().display().to_string();
    s.tree.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
    s.tree.git(["commit", "-q", "-m", "Submodule"]);
    s.keep("HEAD");
}

/// A file of so many MiB that takes no room.
fn sparse(s: &Scene, name: &str, mib: u64) {
    File::create(s.tree.file(name)).expect("made").set_len(mib << 20).expect("stretched");
}

fn nix_fifo(s: &Scene, path: &std::path::Path) {
    let status = s.stage.world.command("mkfifo").arg(path).status().expect("it starts");
    assert!(status.success());
}
