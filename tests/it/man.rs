//! The man pages in `man/` are what clap's definitions say; with METAWSM_BLESS=1 they are written anew. And what
//! the program tells people to type exists.

use clap::{Command, CommandFactory};
use git_metawsm::cmd::Cli;
use regex::Regex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every page by its file name.
fn pages() -> BTreeMap<String, String> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = BTreeMap::new();
    render(&program, &mut pages);
    pages
}

fn render(command: &Command, pages: &mut BTreeMap<String, String>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    pages.insert(format!("{name}.1"), page(command).expect("a page in memory"));
    for below in command.get_subcommands() {
        render(below, pages);
    }
}

/// One page, with the usage line as its synopsis: the renderer's own names every option there.
fn page(command: &Command) -> std::io::Result<String> {
    let source = concat!("git-metawsm ", env!("CARGO_PKG_VERSION"));
    let man = clap_mangen::Man::new(command.clone()).manual("git metawsm").source(source);
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().replace('-', "\\-");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    page.extend(format!(".SH SYNOPSIS\n{usage}\n").bytes());
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if command.get_after_help().is_some() {
        man.render_extra_section(&mut page)?;
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
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
fn every_page_has_a_name_and_a_synopsis() {
    for (name, page) in pages() {
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
        let stem = name.trim_end_matches(".1");
        let title = page.lines().find(|l| l.starts_with(".TH")).unwrap_or_default();
        assert!(title.contains(stem), "{name}: {title}");
    }
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
                let is_prose = ["did"].contains(&word.as_str());
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
