//! Every text that the program can say is listed in `fixtures/messages.txt` and was read once as a user would. A new
//! or changed one fails here until somebody has read it: METAWSM_BLESS=1 cargo test --test it errors::

mod literals;

use clap::Parser;
use clap::error::ErrorKind;
use git_metawsm::cmd::Cli;
use literals::{Kind, Said, texts};
use regex::Regex;
use std::fmt::Write as _;
use std::path::PathBuf;

fn list() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages.txt")
}

/// Every source of the program with its texts.
fn all() -> Vec<(String, Vec<Said>)> {
    let sources = crate::house::sources();
    let ours = sources.iter().filter(|source| source.path.starts_with("src/"));
    let mut all: Vec<_> = ours.map(|source| (source.path.clone(), texts(source))).collect();
    all.retain(|(_, texts)| !texts.is_empty());
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn every_message_of_the_program_is_listed_and_was_read() {
    let mut listed = String::new();
    for (path, mut texts) in all() {
        texts.sort_by(|a, b| (a.kind, &a.text).cmp(&(b.kind, &b.text)));
        texts.dedup_by(|a, b| (a.kind, &a.text) == (b.kind, &b.text));
        let _ = writeln!(listed, "{path}");
        for text in texts {
            let _ = writeln!(listed, "  {:5}  {}", text.kind.word(), text.text.replace('\n', "\\n"));
        }
    }
    if std::env::var_os("METAWSM_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(list(), &listed).expect("the list is written");
    }
    let read = std::fs::read_to_string(list()).unwrap_or_default();
    let known: Vec<_> = read.lines().collect();
    let said: Vec<_> = listed.lines().collect();
    let new: Vec<_> = said.iter().filter(|line| !known.contains(line)).collect();
    let gone: Vec<_> = known.iter().filter(|line| !said.contains(line)).collect();
    assert!(
        read == listed,
        "read what is new as somebody who is tired, then METAWSM_BLESS=1 cargo test --test it errors::\n\
         new: {new:#?}\ngone: {gone:#?}"
    );
}

/// Every text of this kind with its place.
fn of_kind(kind: Kind) -> impl Iterator<Item = (String, String)> {
    all().into_iter().flat_map(move |(path, texts)| {
        let of_kind = texts.into_iter().filter(move |text| text.kind == kind);
        of_kind.map(move |text| (format!("{path}:{}", text.line), text.text))
    })
}

/// How the ends of sentences begin that errors put together.
const PARTS: [&str; 12] = [
    "has ",
    "is ",
    "it has ",
    "it is ",
    "it nests ",
    "one text in ",
    "the time ",
    "the directory that ",
    "runs ",
    "list its panes",
    "start the session",
    "reach the session",
];
/// So many errors are about the only thing of their kind, which their words name; this number only goes down.
const NAME_THEIR_THING: usize = 50;

#[test]
fn every_error_is_a_sentence_that_names_its_thing() {
    let mut broken = Vec::new();
    let mut without_thing = Vec::new();
    let mut count = 0;
    for (place, text) in of_kind(Kind::Error) {
        count += 1;
        let begins_small = text.starts_with(char::is_lowercase) && !PARTS.iter().any(|p| text.starts_with(p));
        let first = text.split(' ').next().unwrap_or_default();
        // What begins small is the name of a program or of a key.
        if begins_small && !["git", "tmux", "wsm", "docmgr"].contains(&first) && !first.contains('.') {
            broken.push(format!("{place}: begins small: {text}"));
        }
        if text.contains(":?}") {
            broken.push(format!("{place}: shows a value as Rust writes it: {text}"));
        }
        if text.ends_with(' ') || text.contains("  ") {
            broken.push(format!("{place}: has a space too many: {text}"));
        }
        let words = text.to_lowercase();
        for empty in
            ["something went wrong", "an error occurred", "unexpected error", "invalid input", "oops"]
        {
            if words.contains(empty) {
                broken.push(format!("{place}: says nothing: {text}"));
            }
        }
        if !text.contains('{') && !text.contains('\'') && !text.contains("--") {
            without_thing.push(format!("{place}: {text}"));
        }
    }
    assert!(count > 150, "only {count} errors were found; the reader of sources is too narrow");
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(without_thing.len() <= NAME_THEIR_THING, "these name nothing: {without_thing:#?}");
}

#[test]
fn no_text_is_of_use_to_programmers_only() {
    let odd = Regex::new(r"Option<|Some\(|None\b.*\(|Err\(|unwrap|\bmutex|struct |serde_json|::new")
        .expect("a pattern");
    let shown = of_kind(Kind::Words).chain(of_kind(Kind::Error)).chain(of_kind(Kind::Hint));
    let found: Vec<_> = shown.filter(|(_, text)| odd.is_match(text)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_command_to_paste_is_one_that_the_program_takes() {
    let (mut broken, mut count) = (Vec::new(), 0);
    let shown = of_kind(Kind::Hint).chain(of_kind(Kind::Words));
    let told = Regex::new(r"git metawsm(?: [^&;\n]*)?").expect("a pattern");
    for (place, text) in shown {
        let lines = text.lines().filter(|line| line.trim_start().starts_with("git metawsm "));
        // What a command is for may stand behind it.
        for line in lines.map(|line| line.trim_start().split("  ").next().unwrap_or(line)) {
            let line = told.find(line).map_or(line, |found| found.as_str());
            count += 1;
            if let Some(why) = refused(line) {
                broken.push(format!("{place}: {line}: {why}"));
            }
        }
    }
    assert!(count > 200, "only {count} commands were found; the reader of sources is too narrow");
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Why the program's own parser does not take a command that stands in a text; what is put in later is `x`.
fn refused(line: &str) -> Option<String> {
    let put_in = Regex::new(r"\{[^{}]*\}").expect("a pattern");
    let filled = put_in.replace_all(line, "x");
    let words = words(&filled);
    // The verb, or an option, is put in later: whoever puts it in has a test of his own.
    if words.get(2).is_none_or(|word| word.contains('x') && word.len() <= 2) {
        return None;
    }
    let error = Cli::try_parse_from(&words[1..]).err()?;
    let later = line.contains('{') || line.contains("...");
    let is_open = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        // A list in brackets stands for one of its words.
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => later || line.contains('<'),
        ErrorKind::MissingRequiredArgument | ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            later
        }
        _ => false,
    };
    (!is_open).then(|| error.to_string())
}

/// The words of a line, as a shell takes them apart; what stands in `<...>` is one word.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut inside) = (Vec::new(), String::new(), None);
    for char in line.chars() {
        match (inside, char) {
            (None, '\'' | '"' | '<') => inside = Some(if char == '<' { '>' } else { char }),
            (Some(end), char) if char == end => {
                inside = None;
                word.push('x');
            }
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => words.push(std::mem::take(&mut word)),
            (Some(_), _) => {}
            (None, char) => word.push(char),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words.retain(|word| word != "...");
    words
}
