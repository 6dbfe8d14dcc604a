//! `setup`: man pages and completions, written, found, left alone, and taken away again.

use super::stage::{answer, plain};
use crate::kit::{BINARY, Output, Run, World, require};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

/// A world in which the program is found as a user has it: in `~/.local/bin`.
struct User {
    world: World,
}

impl User {
    fn new() -> Self {
        let world = World::new();
        fs::create_dir_all(world.home().join(".local/bin")).expect("a folder");
        symlink(BINARY, world.home().join(".local/bin/git-metawsm")).expect("a link");
        Self { world }
    }

    fn path(&self) -> String {
        let usual = std::env::var("PATH").unwrap_or_default();
        format!("{}:{}:{usual}", self.world.home().join(".local/bin").display(), self.world.bin().display())
    }

    fn run(&self, words: &[&str]) -> Run {
        self.world.run(words).env("PATH", self.path())
    }

    fn home(&self, below: &str) -> PathBuf {
        self.world.home().join(below)
    }

    fn of(&self, program: &str, words: &[&str]) -> Output {
        let mut command = self.world.command(program);
        Output::of(command.args(words).env("PATH", self.path()), program)
    }
}

const BASH: &str = ".local/share/bash-completion/completions/git-metawsm";
const ZSH: &str = ".local/share/zsh/site-functions/_git-metawsm";
const FISH: &str = ".config/fish/conf.d/git-metawsm.fish";
const PAGE: &str = ".local/share/man/man1/git-metawsm.1";
const ALL: [&str; 3] = ["setup", "--shell", "bash,zsh,fish"];

#[test]
fn after_setup_git_shows_the_page_for_help() {
    if require("man").is_none() {
        return;
    }
    let user = User::new();
    user.run(&["setup"]).ok().says("works: 'git metawsm --help' shows the man page\n");
    let shown = user.of("git", &["metawsm", "--help"]).ok();
    assert!(shown.stdout.contains("git-metawsm(1)") && shown.stdout.contains("SYNOPSIS"), "{shown}");
    for page in
        ["git-metawsm-close", "git-metawsm-forum-ask", "git-metawsm-policy.5", "git-metawsm-records.5"]
    {
        let name = page.trim_end_matches(".5");
        let section = if page.ends_with(".5") { "5" } else { "1" };
        user.of("man", &["-w", section, name]).ok();
    }
    user.run(&["setup", "--remove"]).ok();
    let gone = user.of("git", &["metawsm", "--help"]);
    assert!(gone.status != Some(0) && gone.stderr.contains("No manual entry for git-metawsm"), "{gone}");
}

#[test]
fn a_second_setup_changes_nothing_and_remove_leaves_the_home_as_it_was() {
    let user = User::new();
    fs::create_dir_all(user.home(".local/share/zsh")).expect("a folder of the user's own");
    let before = user.world.snapshot();
    let planned = user.run(&[&ALL[..], &["--dry-run"]].concat()).ok();
    assert!(planned.stdout.contains("would write: ") && !planned.stdout.contains("\nwritten: "), "{planned}");
    before.assert_same(&user.world.snapshot());
    let output = user.run(&ALL).ok();
    plain(&output);
    for file in [BASH, ZSH, FISH, PAGE] {
        assert!(user.home(file).is_file(), "{file}");
    }
    let written = user.world.snapshot();
    let again = user.run(&ALL).ok();
    assert!(!again.stdout.contains("written: ") && again.stdout.contains("unchanged: "), "{again}");
    written.assert_same(&user.world.snapshot());
    let planned = user.run(&["setup", "--remove", "--dry-run"]).ok();
    planned.says("would remove: ");
    written.assert_same(&user.world.snapshot());
    user.run(&["setup", "--remove"]).ok().says("removed: ");
    before.assert_same(&user.world.snapshot());
    user.run(&["setup", "--remove"]).ok().says("Nothing of ours is installed.\n");
    before.assert_same(&user.world.snapshot());
}

#[test]
fn a_file_of_somebody_else_is_neither_overwritten_nor_removed() {
    let user = User::new();
    let own = "# mine\n";
    for file in [BASH, PAGE] {
        fs::create_dir_all(user.home(file).parent().expect("a folder")).expect("a folder");
        fs::write(user.home(file), own).expect("a file");
    }
    let output = user.run(&ALL).code(1);
    for file in [BASH, PAGE] {
        let path = user.home(file).display().to_string();
        assert!(output.stdout.contains(&format!("left alone: {path} is not what setup wrote\n")), "{output}");
        assert!(
            output.stdout.contains(&format!("  mv {path} {path}.old && git metawsm setup\n")),
            "{output}"
        );
    }
    // The one that was ours and has been changed is its owner's now.
    fs::write(user.home(FISH), own).expect("a change");
    user.run(&ALL).code(1).says(FISH);
    fs::remove_file(user.home(ZSH)).expect("it was there");
    symlink(user.home(BASH), user.home(ZSH)).expect("a link");
    user.run(&ALL).code(1).says(ZSH);
    let taken = user.run(&["setup", "--remove"]).ok();
    for file in [BASH, PAGE, FISH, ZSH] {
        assert_eq!(fs::read_to_string(user.home(file)).expect("it is there"), own, "{file}: {taken}");
    }
    assert!(!user.home(".local/share/man/man1/git-metawsm-run.1").exists());
    assert!(!user.home(".local/state/git-metawsm/setup").exists());
}

#[test]
fn pages_of_an_older_version_are_replaced_or_taken_away() {
    let user = User::new();
    user.run(&ALL).ok();
    let list = user.home(".local/state/git-metawsm/setup");
    let ours = fs::read_to_string(&list).expect("the list");
    let old = user.home(".local/share/man/man1/git-metawsm-former.1");
    fs::write(&old, "old\n").expect("an old page");
    fs::write(user.home(PAGE), "old\n").expect("an old page");
    let hash = git_metawsm::model::sha256_hex(b"old\n");
    let mut lines: Vec<_> = ours.lines().filter(|line| !line.ends_with(PAGE)).map(str::to_owned).collect();
    for path in [&old, &user.home(PAGE)] {
        lines.push(format!("file {hash} {}", path.display()));
    }
    fs::write(&list, lines.join("\n") + "\n").expect("the list of an older version");
    let answer = answer(&user.run(&[&["--json"], &ALL[..]].concat()).ok());
    let change = |path: &std::path::Path| {
        let files = answer["files"].as_array().expect("files");
        files.iter().find(|f| f["path"] == path.display().to_string()).map(|f| f["change"].clone())
    };
    assert_eq!(change(&user.home(PAGE)), Some("replaced".into()));
    assert_eq!(change(&old), Some("removed".into()));
    assert!(!old.exists());
    assert_eq!(fs::read_to_string(&list).expect("the list"), ours, "it is as a first setup writes it");
}

#[test]
fn a_kill_in_the_middle_leaves_nothing_that_remove_does_not_find() {
    let user = User::new();
    let before = user.world.snapshot();
    user.run(&ALL).ok();
    // As after a kill behind the list and before the last files.
    for file in [FISH, ".local/share/man/man1/git-metawsm-close.1"] {
        fs::remove_file(user.home(file)).expect("it was written");
    }
    user.run(&["setup", "--remove"]).ok();
    before.assert_same(&user.world.snapshot());
}

#[test]
fn without_a_home_that_can_be_written_it_says_what_to_do() {
    let user = User::new();
    let output =
        user.run(&["setup"]).env("HOME", "").env("XDG_STATE_HOME", "").env("XDG_DATA_HOME", "").output();
    assert_eq!(output.status, Some(1), "{output}");
    let output = output.tells("error: HOME is not set, so there is no place of this user's own to write to.");
    output.tells("next:\n  HOME=<your home directory> git metawsm setup\n");
    // A place that is no directory refuses everybody, root too.
    fs::remove_dir_all(user.home(".local/state")).expect("an empty folder");
    fs::write(user.home(".local/state"), "").expect("a file");
    let output = user.run(&["setup"]).code(1);
    output.tells("next:\n  git metawsm setup --prefix <a directory that can be written>");
    let prefix = user.world.root().join("package");
    user.run(&["setup", "--prefix", "package"]).ok();
    for file in [
        "man/man1/git-metawsm.1",
        "bash-completion/completions/git-metawsm",
        "zsh/site-functions/_git-metawsm",
    ] {
        assert!(prefix.join("share").join(file).is_file(), "{file}");
    }
    let mode =
        prefix.join("share/man/man1/git-metawsm.1").metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o444, 0o444, "everybody reads it");
    user.run(&["setup", "--remove", "--prefix", "package"]).ok();
    assert!(!prefix.exists(), "it was made by setup");
}

#[test]
fn man_pages_go_where_man_looks() {
    if require("man").is_none() {
        return;
    }
    // As `cargo install` leaves it.
    let world = World::new();
    fs::create_dir_all(world.home().join(".cargo/bin")).expect("a folder");
    symlink(BINARY, world.home().join(".cargo/bin/git-metawsm")).expect("a link");
    let usual = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{usual}", world.home().join(".cargo/bin").display());
    world.run(["setup"]).env("PATH", &path).ok().says("works: 'git metawsm --help' shows the man page\n");
    assert!(world.home().join(".cargo/share/man/man1/git-metawsm.1").is_file());
    world.run(["setup", "--remove"]).env("PATH", &path).ok();
    // Whoever sets MANPATH has said where to look; the line is the one that helps.
    let output = world.run(["setup"]).env("PATH", &path).env("MANPATH", "/usr/share/man").ok();
    let line =
        output.stdout.lines().find(|l| l.starts_with("  export MANPATH=")).expect("a line to add").to_owned();
    let mut shell = world.command("sh");
    let script = format!("{line}\nman -w git-metawsm");
    shell.args(["-c", &script]).env("PATH", &path).env("MANPATH", "/usr/share/man");
    let found = Output::of(&mut shell, "sh").ok();
    assert!(found.stdout.trim().ends_with("/man1/git-metawsm.1"), "{found}");
}
