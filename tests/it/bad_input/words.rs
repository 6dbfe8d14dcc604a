//! Words that no command was made for: empty, without end, not text, in every script.

use crate::cmd::every::COMMANDS;
use crate::cmd::stage::{Stage, WAITS, WORKS, plain};
use crate::kit::Output;
use clap::{ArgAction, CommandFactory};
use git_metawsm::cmd::Cli;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The exit codes of the table; 70 would be a bug of ours.
const CODES: [i32; 7] = [0, 1, 2, 3, 4, 5, 6];

/// Requires an exit code of the table and nothing of our inside.
#[track_caller]
fn decent(output: &Output) {
    plain(output);
    assert!(output.status.is_some_and(|code| CODES.contains(&code)), "{output}");
    assert!(output.status == Some(0) || !output.stderr.is_empty() || !output.stdout.is_empty(), "{output}");
}

/// Every option of a command that takes a value.
fn options_of(words: &[&str]) -> Vec<String> {
    let mut program = Cli::command();
    program.build();
    let named = words.iter().take_while(|word| !word.starts_with('-'));
    let command = named.fold(&program, |command, word| command.find_subcommand(word).unwrap_or(command));
    let taking =
        command.get_arguments().filter(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append));
    // The directory to run in, and what the whole program waits for, have tests of their own.
    let taking = taking.filter(|arg| !["wait", "color"].contains(&arg.get_id().as_str()));
    taking.filter_map(|arg| arg.get_long().map(|long| format!("--{long}"))).collect()
}

fn without(words: &[&str], option: &str) -> Vec<String> {
    let mut rest = words.iter();
    let mut kept = Vec::new();
    while let Some(word) = rest.next() {
        if *word == option {
            rest.next();
        } else {
            kept.push((*word).to_owned());
        }
    }
    kept
}

/// Runs every option of every command with this value.
fn every_option_with(value: &str) {
    let stage = Stage::with(WORKS);
    let mut tried = 0;
    for command in COMMANDS.iter().filter(|command| command[0] != "demo") {
        for option in options_of(command) {
            let mut words = without(command, &option);
            words.push(format!("{option}={value}"));
            let output = stage.world.run(&words).at(&stage.repo).env("EDITOR", "true").output();
            let output = Output { command: output.command.chars().take(200).collect(), ..output };
            decent(&output);
            assert!(output.stderr.len() < 20_000, "{} bytes: {}", output.stderr.len(), output.command);
            tried += 1;
        }
    }
    assert!(tried > 100, "only {tried} options were found");
}

#[test]
fn an_option_without_a_value_in_it_is_told_or_means_nothing() {
    every_option_with("");
}

#[test]
fn a_value_of_100_kb_is_told_in_words_that_fit_a_screen() {
    every_option_with(&"x".repeat(100_000));
}

#[test]
fn arguments_that_are_no_text_are_usage_errors() {
    let stage = Stage::with(WORKS);
    for command in COMMANDS {
        let mut words: Vec<OsString> = command.iter().map(OsString::from).collect();
        words.push(OsString::from_vec(vec![b'-', b'-', 0xff, 0xfe]));
        let output = stage.world.run(&words).at(&stage.repo).output();
        assert_eq!(output.status, Some(2), "{output}");
        // The byte that is no text is shown as what it is in any terminal.
        assert!(output.stderr.contains("error: ") && output.stderr.contains("\nnext:\n  "), "{output}");
        assert!(!output.stderr.contains("panicked") && !output.stderr.contains("Os"), "{output}");
        words.pop();
        words.push(OsString::from_vec(vec![b'a', 0xff]));
        let output = stage.world.run(&words).at(&stage.repo).output();
        assert!(output.status.is_some_and(|code| CODES.contains(&code)), "{output}");
        assert!(!output.stderr.contains("panicked"), "{output}");
    }
}

/// Titles as people and programs write them.
fn titles() -> [String; 6] {
    [
        "long ".repeat(2_000),
        "x".repeat(10_000),
        "\u{6f22}\u{5b57}\u{306e}\u{984c}\u{540d} \u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(40),
        format!("Zalgo{}", "\u{300}\u{301}\u{316}".repeat(300)),
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{202e}reversed\u{202c} \u{627}\u{644}".repeat(20),
        "tabs\tand\u{b}\u{c}breaks\u{2028}and\u{85}controls\u{1b}]0;x\u{7}".to_owned(),
    ]
}

#[test]
fn titles_in_every_script_and_of_any_length_are_shown_in_lines_that_can_be_read() {
    let stage = Stage::with(WAITS);
    for (number, title) in titles().iter().enumerate() {
        let id = format!("r{number}");
        plain(&stage.run(&["run", "--run-id", &id, "--", title]).ok());
        plain(&stage.run(&["forum", "ask", "--run-id", &id, "--body", title]).ok());
        let short: String = title.chars().filter(|c| !c.is_control()).take(150).collect();
        plain(&stage.run(&["forum", "ask", "--project", "--title", &short, "--body", title]).output());
    }
    let readers: [&[&str]; 9] = [
        &["status"],
        &["status", "r0"],
        &["status", "r3", "--git"],
        &["list", "--all"],
        &["log", "r1"],
        &["check", "r2"],
        &["forum", "list"],
        &["docs"],
        &["stop", "r4"],
    ];
    for words in readers {
        for columns in ["1", "20", "80", "10000"] {
            let output = stage.run(words).env("COLUMNS", columns).output();
            decent(&output);
            let longest = output.stdout.lines().map(|line| line.chars().count()).max().unwrap_or_default();
            // One title of a page is whole at most, in a journal or in a page about one run.
            assert!(longest < 10_500, "a line of {longest} characters: {}", output.command);
        }
        decent(&stage.run(&[words, &["--json"]].concat()).output());
    }
    for line in stage.run(&["list", "--all"]).env("COLUMNS", "80").ok().stdout.lines() {
        assert!(line.chars().count() < 400, "a row of a list is a row: {line}");
    }
}
