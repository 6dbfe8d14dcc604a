//! The man pages in `man/` are what clap's definitions say; with METAWSM_BLESS=1 they are written anew. And what
//! the program tells people to type exists.

use crate::kit::{Output, World, require};
use clap::CommandFactory;
use git_metawsm::cmd::{Cli, manual};
use regex::Regex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every page by its file name.
fn pages() -> BTreeMap<String, String> {
    manual().into_iter().collect()
}

#[test]
fn the_man_pages_are_those_of_the_commands() {
    let (pages, dir) = (pages(), top().join("man"));
    if std::env::var_os("METAWSM_BLESS").is_some_and(|v| v == "1") {
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("the folder of the pages");
        for (name, page) in &pages {
            fs::write(dir.join(name), page).expect("a page is written");
        }
    }
    let written: BTreeMap<_, _> = fs::read_dir(&dir)
        .expect("man/ is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (file_name(&path), fs::read_to_string(&path).expect("a page")))
        .collect();
    let how = "write them anew: METAWSM_BLESS=1 cargo test --test it man::";
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&written), names(&pages), "{how}");
    for (name, page) in &pages {
        assert_eq!(&written[name], page, "man/{name} is not what the command says; {how}");
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[test]
fn every_page_has_a_name_a_synopsis_and_where_to_read_on() {
    for (name, page) in pages() {
        let mut expected = vec![".SH NAME", ".SH DESCRIPTION", ".SH \"SEE ALSO\""];
        if name.ends_with(".1") {
            expected.extend([".SH SYNOPSIS", ".SH \"EXIT STATUS\"", ".SH EXAMPLES"]);
        }
        for heading in expected {
            assert!(page.lines().any(|line| line == heading), "{name} has no {heading}");
        }
        let stem = name.rsplit_once('.').expect("a section").0.replace('-', "\\-");
        let title = page.lines().find(|l| l.starts_with(".TH")).unwrap_or_default();
        assert!(title.contains(&stem), "{name}: {title}");
    }
}

#[test]
fn pages_name_only_pages_that_exist() {
    let pages = pages();
    let named = Regex::new(r"(git\\-metawsm[a-z\\-]*)(?:\\fR)?\((\d)\)").expect("a pattern");
    let mut found = 0;
    for (name, page) in &pages {
        for other in named.captures_iter(page) {
            let file = format!("{}.{}", other[1].replace('\\', ""), &other[2]);
            assert!(pages.contains_key(&file), "{name} names {file}");
            found += 1;
        }
    }
    assert!(found > 200, "only {found} were found; the pattern is too narrow");
}

#[test]
fn no_page_is_of_a_command_that_is_no_more() {
    let pages = pages();
    for former in ["pr", "auth", "review", "operator", "serve", "hooks-run", "forum-signal"] {
        assert!(!pages.contains_key(&format!("git-metawsm-{former}.1")), "{former}");
    }
}

#[test]
fn every_page_renders_without_a_warning() {
    let (Some(_), Some(_)) = (require("man"), require("groff")) else { return };
    let world = World::new();
    let mut files = Vec::new();
    for (name, page) in pages() {
        fs::write(world.root().join(&name), page).expect("a page is written");
        files.push(name);
    }
    for name in &files {
        let mut man = world.command("man");
        let shown = Output::of(man.args(["--warnings", "-l", name]).env("MANWIDTH", "80"), "man").ok();
        assert_eq!(shown.stderr, "", "{name}");
        assert!(shown.stdout.lines().count() > 10, "{shown}");
        for odd in ["\\fB", "\\fR", "\\&", "\\*(", "\u{1b}"] {
            assert!(!shown.stdout.contains(odd), "{name} shows {odd:?}");
        }
    }
    let mut groff = world.command("groff");
    let output = Output::of(groff.args(["-man", "-ww", "-Tutf8", "-z"]).args(&files), "groff").ok();
    assert_eq!(output.stderr, "", "groff warns");
    let mut lexgrog = world.command("lexgrog");
    let known = Output::of(lexgrog.args(&files), "lexgrog").ok();
    for name in &files {
        let stem = name.rsplit_once('.').expect("a section").0;
        assert!(
            known.stdout.contains(&format!("{name}: \"{stem} - ")),
            "apropos does not know {name}: {known}"
        );
    }
}

/// Variables that we set for ourselves alone.
const PRIVATE: [&str; 5] = ["SESSION", "STEP", "STARTER", "HOLD", "PROBE"];

#[test]
fn every_variable_of_ours_is_on_the_first_page() {
    let register = include_str!("../../src/sys/env.rs");
    let variable = Regex::new(r#"= "(METAWSM_([A-Z_]+))";"#).expect("a pattern");
    let page = &pages()["git-metawsm.1"];
    let mut found = 0;
    for variable in variable.captures_iter(register).filter(|v| !PRIVATE.contains(&&v[2])) {
        found += 1;
        assert!(page.contains(&variable[1]), "{} is not explained", &variable[1]);
    }
    assert!(found >= 12, "only {found} were found; the pattern is too narrow");
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_command_that_the_program_tells_people_to_type_exists() {
    let program = Cli::command();
    let known = |word: &str| word == "help" || program.find_subcommand(word).is_some();
    // Global options with their value may stand before the command.
    let told = Regex::new(r"git metawsm(?: --?[a-zA-Z-]+ [^ '\x22]+)* ([a-z][a-z-]*)").expect("a pattern");
    let mut files = Vec::new();
    sources(&top().join("src"), &mut files);
    let mut found = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("a source");
        for line in text.lines().filter(|l| l.contains('"') && !l.trim_start().starts_with("//")) {
            for word in told.captures_iter(line).map(|c| c[1].to_owned()) {
                found += 1;
                // "git metawsm did not start it" is no command to type.
                let is_prose = ["did", "for", "below"].contains(&word.as_str());
                assert!(
                    is_prose || known(&word),
                    "{}: 'git metawsm {word}' is no command: {line}",
                    file.display()
                );
            }
        }
    }
    assert!(found > 50, "only {found} hints were found; the pattern is too narrow");
}
