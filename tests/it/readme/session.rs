//! The session that the README shows is recorded from the real program, with its colours.

use super::{Reader, is_blessing, top};
use crate::kit::require;
use regex::Regex;
use std::fmt::Write as _;

/// What is typed.
const TYPED: [&str; 4] =
    ["git metawsm run 'Add a greeting'", "git metawsm status", "git metawsm diff", "git metawsm close"];
const COLUMN: usize = 84;
const LINE: usize = 180;

/// What the program prints on a terminal, line by line, with ids, days and ages of a sample.
fn recorded() -> Vec<String> {
    let reader = Reader::new();
    let mut lines = Vec::new();
    for typed in TYPED {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("\x1b[1m$ {typed}\x1b[0m"));
        let colored = typed.replace("git metawsm", "git metawsm --color always");
        let printed = reader.sh(reader.shop.path(), &colored).ok().stdout;
        lines.extend(sample(&reader.presented(&printed)).lines().map(str::to_owned));
        reader.wait_for_agents(reader.shop.path());
    }
    lines
}

fn sample(text: &str) -> String {
    let masks = [
        (r"run-\d{8}-\d{6}-[a-z2-7]{4}\b", "run-20260102-150405-k3vq"),
        (r"\b20\d\d-\d\d-\d\d\b", "2026-01-02"),
        (r"\bruns/20\d\d-\d\d/", "runs/2026-01/"),
        (r"\bmerged (.*) as [0-9a-f]{12}\b", "merged $1 as 4c21e24fd982"),
        (r"\bpublished (.*) as [0-9a-f]{12}\b", "published $1 as 9a07b35c61ee"),
        (r"\b(index [0-9a-f]{7,}\.\.)[0-9a-f]{7,}", "${1}980a0d5"),
        (r"\b\d+ (s|min|seconds?|minutes?) ago\b", "just now"),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, to)| {
        Regex::new(pattern).expect("a pattern of ours").replace_all(&text, *to).into_owned()
    })
}

/// The lines as a picture of a terminal.
fn picture(lines: &[String]) -> String {
    let plain = Regex::new(r"\x1b\[[0-9;]*[a-zA-Z]").expect("a pattern of ours");
    let widest = lines.iter().map(|line| plain.replace_all(line, "").chars().count()).max().unwrap_or(80);
    let (width, height) = ((widest + 4) * COLUMN / 10, (lines.len() + 2) * LINE / 10);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
         font-size=\"14\">\n<title>A session of git metawsm: run, status, diff, close</title>\n\
         <style>.g{{fill:#7ec77e}}.r{{fill:#e77}}.y{{fill:#e5c07b}}.c{{fill:#6cc}}.d{{fill:#999}}.b{{font-weight:bold}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#1d1f21\"/>\n\
         <g fill=\"#ddd\" xml:space=\"preserve\">\n"
    );
    for (row, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let y = (row + 2) * LINE / 10 - 4;
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{y}\">{}</text>", 2 * COLUMN / 10, spans(line));
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// A line with its colours as spans.
fn spans(line: &str) -> String {
    let (mut text, mut rest, mut class) = (String::new(), line, "");
    loop {
        let (part, behind) = rest.split_once("\x1b[").unwrap_or((rest, ""));
        let shown = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        match class {
            "" => text.push_str(&shown),
            _ if shown.is_empty() => {}
            class => drop(write!(text, "<tspan class=\"{class}\">{shown}</tspan>")),
        }
        let Some((code, behind)) = behind.split_once(|c: char| c.is_ascii_alphabetic()) else { return text };
        class = match code.rsplit(';').next() {
            Some("1") => "b",
            Some("2") => "d",
            Some("31") => "r",
            Some("32") => "g",
            Some("33") => "y",
            Some("34" | "35" | "36") => "c",
            _ => "",
        };
        rest = behind;
    }
}

#[test]
fn the_recorded_session_is_what_the_program_prints() {
    // The sample is that of tmux.
    let Some(_) = require("tmux") else { return };
    let (file, picture) = (top().join("fixtures/session.svg"), picture(&recorded()));
    if is_blessing() {
        std::fs::write(&file, &picture).expect("the picture is written");
    }
    let shown = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(shown, picture, "record it anew: METAWSM_BLESS=1 cargo test --test it readme::");
}
