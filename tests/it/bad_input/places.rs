//! Places and terminals that are not as one has them at home, for every command that looks.

use crate::cmd::every::COMMANDS;
use crate::cmd::stage::{Stage, WORKS, plain};
use crate::kit::{BINARY, Output};
use crate::stage::PATIENCE;
use std::io::{BufRead, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// Commands that look, with their answer on standard output.
const READERS: [&[&str]; 14] = [
    &["status"],
    &["status", "one", "--git"],
    &["list", "--all"],
    &["log", "one"],
    &["diff", "one", "--stat"],
    &["path", "one"],
    &["logs", "one"],
    &["check", "one"],
    &["docs"],
    &["forum", "list"],
    &["rescue", "list"],
    &["policy", "show"],
    &["hooks", "status"],
    &["-h"],
];

#[test]
fn a_terminal_that_is_dumb_narrow_wide_or_missing_changes_no_word() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let strange: [&[(&str, &str)]; 8] = [
        &[("TERM", "dumb")],
        &[("TERM", "")],
        &[("NO_COLOR", "1"), ("TERM", "no-such-terminal")],
        &[("COLUMNS", "1"), ("LINES", "1")],
        &[("COLUMNS", "20"), ("LINES", "5")],
        &[("COLUMNS", "10000")],
        &[("COLUMNS", "-3"), ("LINES", "many")],
        &[("LANG", "C"), ("LC_ALL", "C")],
    ];
    for words in READERS {
        let usual = stage.run(words).ok();
        for env in strange {
            let run = env.iter().fold(stage.run(words), |run, (name, value)| run.env(name, value));
            let output = run.ok();
            plain(&output);
            assert_eq!(output.stdout.is_empty(), usual.stdout.is_empty(), "{env:?}: {output}");
            let strange = env.iter().fold(stage.run(&[words, &["--json"]].concat()), |r, (n, v)| r.env(n, v));
            plain(&strange.ok());
        }
    }
}

#[test]
fn a_home_that_is_missing_or_cannot_be_written_stops_nobody_who_looks() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let zones = ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];
    for words in READERS {
        for home in [None, Some("/dev/null/home"), Some("/proc/1/nowhere"), Some("relative/home"), Some("")] {
            let mut command = stage.world.command(BINARY);
            command
                .args(words)
                .current_dir(stage.repo.path())
                .env_remove("HOME")
                .env("TMPDIR", "/nonexistent");
            for zone in zones {
                command.env_remove(zone);
            }
            command.envs(home.map(|home| ("HOME", home)));
            let output = Output::of(&mut command, "git-metawsm").ok();
            plain(&output);
        }
    }
}

#[test]
fn every_command_ends_with_a_code_of_the_table_when_nobody_reads_on() {
    let stage = Stage::with(WORKS);
    for words in COMMANDS.iter().filter(|words| words[0] != "demo") {
        let mut command = stage.world.command(BINARY);
        command.args(*words).current_dir(stage.repo.path()).stdin(Stdio::null());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        // As `head -c1` does.
        let mut answer = child.stdout.take().expect("a pipe");
        let _ = answer.read(&mut [0]);
        drop(answer);
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code < 7), "{words:?}: {told}");
        for word in ["panicked", "Broken pipe", "os error", "written"] {
            assert!(!told.contains(word), "{words:?}: {told}");
        }
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let mut command = stage.world.command(BINARY);
        command.args(*words).current_dir(stage.repo.path()).stdin(Stdio::null());
        let output = command.stdout(full).output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code < 7), "{words:?}: {told}");
        assert!(!told.contains("panicked"), "{words:?}: {told}");
        if told.contains("could not be written") {
            assert_eq!(output.status.code(), Some(1), "{words:?}: {told}");
        }
    }
}

#[test]
fn a_watch_that_nobody_reads_any_more_ends_before_there_is_news() {
    let stage = Stage::with("exec sleep 600");
    stage.world.run(["run", "Wait"]).at(&stage.repo).ok();
    for words in [&["watch"][..], &["watch", "--json"]] {
        let mut command = stage.world.command(BINARY);
        command.args(words).current_dir(stage.repo.path()).stdin(Stdio::null());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut story = String::new();
        let mut told = std::io::BufReader::new(child.stderr.take().expect("a pipe"));
        if words.len() == 1 {
            told.read_line(&mut story).expect("what it tells");
            assert!(story.contains("Ctrl-C ends the watch"), "it waits: {story}");
        }
        drop(child.stdout.take());
        let mut status = None;
        crate::kit::wait_until(&format!("{words:?} ends"), PATIENCE, || {
            status = child.try_wait().expect("it is our child");
            status.is_some()
        });
        assert_eq!(status.and_then(|status| status.code()), Some(0));
    }
    stage.world.run(["stop"]).at(&stage.repo).ok();
}

#[test]
fn records_that_cannot_be_read_or_written_are_named() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let live = stage.repo.common_dir().join("metawsm");
    // What lies where a directory belongs stops a person of any rights.
    std::fs::rename(live.join("locks"), live.join("locks.old")).expect("it moves");
    std::fs::write(live.join("locks"), "no directory\n").expect("a file");
    let refusal = stage.refuses(&["stop", "one"]);
    assert!(refusal.contains("locks") && refusal.contains("\n  ls -ld "), "{refusal}");
    stage.run(&["list"]).ok();
    std::fs::remove_file(live.join("locks")).expect("a file");
    std::fs::rename(live.join("locks.old"), live.join("locks")).expect("it moves back");
    stage.run(&["stop", "one"]).ok();
    assert!(live.join("runs/one/run.toml").metadata().expect("the record").permissions().mode() & 0o400 != 0);
}

#[test]
fn a_repository_of_another_user_is_named_with_what_opens_it() {
    let stage = Stage::with(WORKS);
    let other = stage.world.repo("of another");
    // Only root may give files away.
    let given = [other.path().to_owned(), other.file(".git")];
    if given.iter().any(|path| std::os::unix::fs::chown(path, Some(65534), None).is_err()) {
        return;
    }
    let here = |words: &[&str]| stage.world.run(words).at(&other);
    insta::assert_snapshot!(stage.refusal(&here, &["status"]), @"
    1 failed
    error: git opens no repository at $WORLD/repos/of another: it belongs to another user.
    next:
      git config --global --add safe.directory '$WORLD/repos/of another'
    ");
}
