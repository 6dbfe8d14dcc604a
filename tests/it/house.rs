//! The house rules, read from the sources: imports only go down, each outside thing has one room, commands have
//! tests, rooms have name plates, files stay knowable. Every rule is also shown a text that breaks it.

mod bans;
mod layout;
mod rooms;
pub mod source;

use source::{Source, Violation};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Places that no tracked file may name; put together here so that this file does not name them.
const PLACES: [&str; 2] = [concat!("/", "root"), concat!("/", "work")];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(below: &str) -> Vec<PathBuf> {
    let (mut found, mut next) = (Vec::new(), vec![top().join(below)]);
    while let Some(dir) = next.pop() {
        for entry in dir.read_dir().expect("the folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                next.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn load(path: &Path) -> Source {
    let name = path.strip_prefix(top()).expect("it lies below the top").to_string_lossy();
    Source::new(&name, &std::fs::read_to_string(path).expect("sources are text"))
}

/// Every source below `src` and `tests`; files declared `#[cfg(test)] mod name;` count as test code.
pub fn sources() -> Vec<Source> {
    let paths = ["src", "tests"].into_iter().flat_map(rust_files);
    let all: Vec<Source> = paths.map(|path| load(&path)).collect();
    let test_files: Vec<String> = all.iter().flat_map(Source::test_modules).collect();
    let is_test = |path: &str| {
        test_files.iter().any(|t| path == format!("{t}.rs") || path.starts_with(&format!("{t}/")))
    };
    all.into_iter().map(|s| if is_test(&s.path) { s.into_test() } else { s }).collect()
}

fn tracked_files() -> Vec<String> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(list).current_dir(top()).output().expect("git runs");
    if !output.status.success() {
        // An unpacked source archive: no repository, the sources are all there is.
        return sources().into_iter().map(|s| s.path).collect();
    }
    String::from_utf8_lossy(&output.stdout).split_terminator('\0').map(str::to_owned).collect()
}

fn judge_all(rule: impl Fn(&Source) -> Vec<Violation>) {
    require_none(&sources().iter().flat_map(rule).collect::<Vec<_>>());
}

fn require_none(found: &[Violation]) {
    let lines: Vec<_> = found.iter().map(Violation::to_string).collect();
    assert!(found.is_empty(), "the house rules are broken:\n{}", lines.join("\n"));
}

#[test]
fn imports_only_go_down() {
    judge_all(rooms::imports);
    judge_all(rooms::hidden_roots);
}

#[test]
fn rooms_do_not_import_each_other_in_a_circle() {
    assert_eq!(rooms::circle(&rooms::edges(&sources())), None);
}

#[test]
fn outside_crates_are_used_in_their_own_room() {
    judge_all(bans::foreign_crates);
}

#[test]
fn processes_are_started_by_sys_only() {
    judge_all(bans::processes);
}

#[test]
fn only_render_prints() {
    judge_all(bans::printing);
}

#[test]
fn forbidden_words_stand_nowhere() {
    judge_all(bans::nowhere);
}

#[test]
fn no_test_sleeps() {
    judge_all(bans::sleeping_tests);
}

#[test]
fn every_command_has_a_test_file() {
    let paths: Vec<String> = sources().into_iter().map(|s| s.path).collect();
    require_none(&layout::untested_commands(&paths, &load(&top().join("tests/it/cmd/mod.rs"))));
}

#[test]
fn every_room_has_a_name_plate_and_every_file_is_knowable() {
    judge_all(|s| {
        [layout::plate(s), layout::size(s), layout::drawer(&s.path)].into_iter().flatten().collect()
    });
}

#[test]
fn no_tracked_file_names_a_place_of_somebodys_machine() {
    let judge = |path: String| {
        let bytes = std::fs::read(top().join(&path)).unwrap_or_default();
        layout::foreign_places(&path, &String::from_utf8_lossy(&bytes), &PLACES)
    };
    require_none(&tracked_files().into_iter().flat_map(judge).collect::<Vec<_>>());
}

#[test]
fn the_rules_see_the_sources() {
    let (sources, tracked) = (sources(), tracked_files());
    for path in ["src/lib.rs", "src/sys/process.rs", "tests/it/house.rs"] {
        assert!(sources.iter().any(|s| s.path == path && !s.tokens.is_empty()), "{path} is not read");
        assert!(tracked.iter().any(|t| t == path), "{path} is not listed");
    }
    let rooms = std::fs::read_dir(top().join("src")).expect("src can be read").flatten();
    for room in rooms.filter(|e| e.path().is_dir()).map(|e| e.file_name()) {
        assert!(rooms::FLOORS.iter().any(|(name, _)| *name == room), "{} has no floor", room.display());
    }
}

mod each_rule_finds {
    use super::*;

    type Rule = fn(&Source) -> Vec<Violation>;

    fn lines(rule: Rule, path: &str, text: &str) -> Vec<usize> {
        rule(&Source::new(path, text)).into_iter().map(|v| v.line).collect()
    }

    #[track_caller]
    fn finds(rule: Rule, path: &str, text: &str) {
        assert!(!lines(rule, path, text).is_empty(), "nothing is found in {path}: {text}");
    }

    #[track_caller]
    fn passes(rule: Rule, path: &str, text: &str) {
        assert_eq!(lines(rule, path, text), [0usize; 0], "found in {path}: {text}");
    }

    #[test]
    fn upward_and_sideways_imports_however_they_are_written() {
        let bad = [
            ("src/git/mod.rs", "use crate::service::close;"),
            ("src/git/mod.rs", "use crate::store::Store;"),
            ("src/git/refs.rs", "fn f() { let x = crate::tickets::open(); }"),
            ("src/git/refs.rs", "use super::super::store;"),
            ("src/git/mod.rs", "use super::store::Store;"),
            ("src/git/refs.rs", "mod inner { use super::super::super::plan; }"),
            ("src/git/refs.rs", "use {std::fs, crate::{model::Run, render}};"),
            ("src/git/refs.rs", "use super::{super::{store::X, model}, own};"),
            ("src/git/refs.rs", "fn f(x: &git_metawsm::plan::Plan) {}"),
            ("src/git/refs.rs", "use self::super::super::plan;"),
            ("src/model/run.rs", "use crate::sys::Cmd;"),
            ("src/sys/mod.rs", "use crate::*;"),
            ("src/sys/mod.rs", "use crate::Cmd;"),
            ("src/sys/mod.rs", "use super::*;"),
            ("src/attic/mod.rs", "use crate::model::Run;"),
            ("src/git/mod.rs", "#[cfg(test)] mod tests { use crate::store::Store; }"),
            ("src/git/mod.rs", "#[cfg(not(test))] use crate::store::Store;"),
            ("src/git/mod.rs", "#[cfg(test)] mod tests { use super::*; } use crate::plan::P;"),
        ];
        for (path, text) in bad {
            finds(rooms::imports, path, text);
        }
        finds(rooms::hidden_roots, "src/git/mod.rs", "use crate as all;");
        finds(rooms::hidden_roots, "src/git/mod.rs", "extern crate self as all;");
    }

    #[test]
    fn no_fault_in_downward_imports_comments_and_strings() {
        let good = [
            ("src/git/refs.rs", "use crate::{model::Run, sys::Cmd, git::worktree};"),
            ("src/git/refs.rs", "use super::{GitError, worktree}; use super::super::model;"),
            ("src/git/refs.rs", "// crate::store\n/* crate::store /* nested */ crate::plan */ fn f() {}"),
            ("src/git/refs.rs", "//! [`crate::store`]\nconst A: &str = \"crate::store \\\" crate::plan\";"),
            ("src/git/refs.rs", "const A: &str = r#\"crate::store \" crate::plan\"#; const B: char = '\"';"),
            ("src/git/refs.rs", "fn f<'a>(x: &'a str) -> char { '\\'' } pub(crate) fn g() {}"),
            ("src/git/refs.rs", "#[cfg(test)] mod tests { use super::*; use crate::sys::Cmd; }"),
            ("src/policy/mod.rs", "#[cfg(test)] mod tests { use crate::sys::Cmd; }"),
            ("src/model/mod.rs", "#[cfg(test)] mod tests { use super::*; use crate::sys::Cmd; }"),
            ("src/main.rs", "fn main() { git_metawsm::cmd::main() }"),
            ("src/lib.rs", "pub mod git; pub use crate::git::Git;"),
        ];
        for (path, text) in good {
            passes(rooms::imports, path, text);
        }
        passes(rooms::imports, "src/policy/x.rs", "use crate::model::Run;");
        finds(rooms::imports, "src/policy/x.rs", "use crate::sys::Cmd;");
    }

    #[test]
    fn circles() {
        let files = [
            ("src/git/mod.rs", "use crate::store::A;"),
            ("src/store/mod.rs", "use crate::plan::A;"),
            ("src/plan/mod.rs", "use crate::git::A;"),
        ];
        let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        let circle = rooms::circle(&rooms::edges(&sources)).expect("a circle");
        assert_eq!(circle, ["git", "store", "plan", "git"]);
        assert_eq!(rooms::circle(&rooms::edges(&sources[..2])), None);
    }

    #[test]
    fn crates_outside_their_room() {
        finds(bans::foreign_crates, "src/store/mod.rs", "use git2::Repository;");
        finds(bans::foreign_crates, "src/git/mod.rs", "fn f() { rusqlite::Connection::open(p); }");
        finds(bans::foreign_crates, "src/lib.rs", "pub use git2;");
        finds(bans::foreign_crates, "src/service/mod.rs", "fn f() { redis::cmd(\"PING\"); }");
        passes(
            bans::foreign_crates,
            "src/policy/mod.rs",
            "struct P { redis: R } fn f(p: P) { p.redis.url; }",
        );
        passes(bans::foreign_crates, "src/git/mod.rs", "use git2::Repository; // rusqlite");
        passes(bans::foreign_crates, "src/store/mod.rs", "const A: &str = \"git2\"; use rusqlite::Row;");
    }

    #[test]
    fn processes_outside_sys() {
        let bad = [
            "use std::process::Command;",
            "use std::process::{Child, Command};",
            "use std::{fs, process::{self, Command as C}};",
            "fn f() { std::process::Command::new(\"git\"); }",
            "fn f() { Command::new(\"git\"); }",
            "use std::os::unix::process::CommandExt;",
            "fn f() { libc::fork(); }",
            "use nix::unistd::{execvp, getpid};",
        ];
        for text in bad {
            finds(bans::processes, "src/git/mod.rs", text);
            passes(bans::processes, "src/sys/process.rs", text);
        }
        let good =
            "use std::process::{Child, ExitCode}; fn f() { Cmd::new(\"git\").exec(); GitCommand::new(); }";
        passes(bans::processes, "src/git/mod.rs", good);
    }

    #[test]
    fn printing_outside_render() {
        for text in [
            "fn f() { println!(\"x\"); }",
            "fn f() { eprint!(\"x\"); }",
            "fn f() { std::io::stdout().write_all(b\"x\"); }",
            "fn f() { let err = stderr(); }",
            "fn f() { dbg!(1); }",
        ] {
            finds(bans::printing, "src/service/mod.rs", text);
            finds(bans::printing, "src/main.rs", text);
            finds(bans::printing, "src/sys/term.rs", text);
            passes(bans::printing, "src/render/mod.rs", text);
        }
        passes(bans::printing, "src/sys/term.rs", "fn f() -> bool { std::io::stdout().is_terminal() }");
        finds(bans::printing, "src/cmd/mod.rs", "fn f() -> bool { std::io::stdout().is_terminal() }");
        passes(bans::printing, "src/tui/terminal.rs", "fn f() { CrosstermBackend::new(stdout()); }");
        finds(bans::printing, "src/tui/terminal.rs", "fn f() { println!(\"x\"); stderr(); }");
        finds(bans::printing, "src/tui/work.rs", "fn f() { stdout(); }");
        passes(bans::printing, "src/sys/x.rs", "fn f() { command.stdout(out); out.stdout(); }");
        passes(bans::printing, "src/git/x.rs", "#[cfg(test)] mod tests { fn f() { println!(); } }");
    }

    #[test]
    fn words_that_belong_nowhere() {
        for text in [
            "fn f() { unsafe { g() } }",
            "fn f() { todo!() }",
            "fn f() { unimplemented!(\"later\") }",
            "fn f() { x.unwrap(); }",
            "fn f() { x.map(Option::unwrap); }",
        ] {
            finds(bans::nowhere, "src/git/mod.rs", text);
        }
        finds(bans::nowhere, "tests/it/main.rs", "fn f() { todo!() }");
        let good = "#[cfg(test)] mod tests { fn f() { x.unwrap(); } } fn g() { x.unwrap_or(1); } // todo!()";
        passes(bans::nowhere, "src/git/mod.rs", good);
        passes(bans::nowhere, "tests/it/main.rs", "fn f() { x.unwrap(); }");
    }

    #[test]
    fn sleeping() {
        finds(bans::sleeping_tests, "tests/it/x.rs", "fn f() { std::thread::sleep(d); }");
        finds(bans::sleeping_tests, "tests/it/x.rs", "use std::thread::{self, sleep};");
        finds(
            bans::sleeping_tests,
            "src/sys/x.rs",
            "#[cfg(test)] mod tests { fn f() { thread::sleep(d); } }",
        );
        passes(bans::sleeping_tests, "src/sys/x.rs", "fn f() { std::thread::sleep(d); }");
        passes(bans::sleeping_tests, "tests/it/x.rs", "fn f() { sh(\"sleep 60\"); } // thread::sleep");
    }

    #[test]
    fn commands_without_tests() {
        let paths = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let declared = Source::new("tests/it/cmd/mod.rs", "mod close; // mod run;");
        let judge = |names: &[&str]| layout::untested_commands(&paths(names), &declared).len();
        assert_eq!(judge(&["src/cmd/mod.rs", "src/cmd/failure.rs", "src/git/refs.rs"]), 0);
        assert_eq!(judge(&["src/cmd/close.rs"]), 1);
        assert_eq!(judge(&["src/cmd/close.rs", "tests/it/cmd/close.rs"]), 0);
        assert_eq!(judge(&["src/cmd/run.rs", "tests/it/cmd/run.rs"]), 1, "the test file is not declared");
        assert_eq!(judge(&["src/cmd/forum/mod.rs", "src/cmd/forum/ask.rs"]), 1);
    }

    #[test]
    fn rooms_without_a_name_plate() {
        let plate = |path, text: &str| layout::plate(&Source::new(path, text)).is_some();
        assert!(plate("src/git/mod.rs", "//! Short.\nmod refs;"));
        assert!(!plate("src/git/mod.rs", "//! a\n//! b\n//! c\n//! d\nmod refs;"));
        assert!(!plate("src/git/refs.rs", "//! Short.\nfn f() {}"));
        assert!(!plate("src/git/mod.rs", "//! (no code yet)"));
    }

    #[test]
    fn files_past_knowing_and_drawers() {
        let long = |lines| layout::size(&Source::new("src/git/x.rs", &"\n".repeat(lines))).is_some();
        assert_eq!((long(layout::LINES), long(layout::LINES + 1)), (false, true));
        let bad = ["src/git/util.rs", "src/helpers/x.rs", "tests/it/common/mod.rs", "src/git/ref_manager.rs"];
        for path in bad {
            assert!(layout::drawer(path).is_some(), "{path} is taken");
        }
        for path in ["src/git/refs.rs", "src/git/utility_pole.rs", "src/sys/commoner.rs"] {
            assert!(layout::drawer(path).is_none(), "{path} is refused");
        }
    }

    #[test]
    fn places_of_somebodys_machine() {
        let judge = |line: &str| layout::foreign_places("README.md", line, &["/srv/me", "/me"]).len();
        for line in ["cd /me", "see /me/notes", "`/srv/me/x`", "PATH=/bin:/me/bin"] {
            assert_eq!(judge(line), 1, "{line}");
        }
        for line in ["/menu", "a/me/b", "~/me", "$HOME/me", "--me", "https://x.org/me", "/me.txt"] {
            assert_eq!(judge(line), 0, "{line}");
        }
    }

    #[test]
    fn files_that_are_test_code_as_a_whole() {
        let parent = Source::new("src/git/mod.rs", "#[cfg(test)]\nmod tests;\nmod refs;");
        assert_eq!(parent.test_modules(), ["src/git/tests"]);
        assert!(Source::new("src/git/tests.rs", "use crate::sys::Cmd;").into_test().tokens[0].test);
        assert!(Source::new("src/git/tests.rs", "#![cfg(test)] fn f() {}").tokens.iter().all(|t| t.test));
    }

    #[test]
    fn the_line_it_names() {
        let text = "fn a() {}\n/* two\nlines */\nconst S: &str = \"x\n y\";\nuse crate::store::A;\n";
        assert_eq!(lines(rooms::imports, "src/git/x.rs", text), [6]);
    }
}
