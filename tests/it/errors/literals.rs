//! The texts in a Rust source, each with the calls around it: what the program can say, and to whom.

use crate::house::source::{Source, skipped, token_end};

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The whole message of an error.
    Error,
    /// A command to paste.
    Hint,
    /// Any other words that people may see: reasons, verdicts, notes.
    Words,
}

impl Kind {
    /// The word for the list.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Hint => "hint",
            Self::Words => "words",
        }
    }
}

/// A text of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is for.
    pub kind: Kind,
    /// Its line.
    pub line: usize,
    /// The text, with its placeholders.
    pub text: String,
}

/// A bracket that is open, what stands before it, and which of its parts we are in.
struct Open {
    name: String,
    part: usize,
    let_name: String,
}

/// What passes a text on unchanged.
const THROUGH: [&str; 7] = ["format!", "concat!", "Some", "Ok", "Err", "from", "("];
/// The constructors of errors; their second part holds commands.
const ERRORS: [&str; 5] = ["wrong", "failed", "forbidden", "odd", "error"];
/// What is said to nobody: invariants, SQL, and what a test says.
const UNSAID: [&str; 9] = [
    "expect",
    "assert!",
    "debug_assert!",
    "unreachable!",
    "execute",
    "execute_batch",
    "prepare",
    "prepare_cached",
    "query_row",
];
/// How SQL begins.
const SQL: [&str; 9] =
    ["SELECT ", "INSERT ", "DELETE ", "CREATE ", "PRAGMA ", "CASE ", "(created ", "UPDATE ", "REPLACE "];
/// The words of git behind which a command goes on.
const OF_GIT: [&str; 16] = [
    "metawsm",
    "-C",
    "config",
    "commit",
    "fetch",
    "push",
    "init",
    "log",
    "show",
    "rm",
    "--version",
    "merge",
    "branch",
    "status",
    "check-ref-format",
    "add",
];

/// Every text of the code that is not test code, with what it is for. Texts without words are left out.
pub fn texts(source: &Source) -> Vec<Said> {
    let chars: Vec<char> = source.text.chars().collect();
    let (mut found, mut open): (Vec<Said>, Vec<Open>) = (Vec::new(), Vec::new());
    let (mut at, mut line, mut last) = (0, 1, Vec::<String>::new());
    while at < chars.len() {
        let end = skipped(&chars, at);
        let end = if end > at { end } else { token_end(&chars, at) };
        let word: String = chars[at..end].iter().collect();
        let starts_at = line;
        line += word.matches('\n').count();
        at = end;
        if word.starts_with("//") || word.starts_with("/*") || word.trim().is_empty() {
            continue;
        }
        if let Some(text) = value(&word).filter(|text| is_said(text, &open) && !is_test(source, starts_at)) {
            found.push(Said { kind: kind(&open, &last, &text), line: starts_at, text });
        }
        match word.as_str() {
            "(" | "[" | "{" => {
                open.push(Open { name: name(&last, &word), part: 0, let_name: let_name(&last) });
            }
            ")" | "]" | "}" => drop(open.pop()),
            "," => open.iter_mut().next_back().into_iter().for_each(|o| o.part += 1),
            _ => {}
        }
        last.push(word);
    }
    found
}

fn is_said(text: &str, open: &[Open]) -> bool {
    let unsaid = open.iter().rev().take(3).any(|o| UNSAID.contains(&o.name.as_str()));
    has_words(text) && !unsaid && !SQL.iter().any(|sql| text.starts_with(sql))
}

/// What stands before a bracket: `format!`, `wrong`, or the bracket itself.
fn name(last: &[String], bracket: &str) -> String {
    let is_name = |word: &str| word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    match last {
        [.., name, mark] if mark == "!" && is_name(name) => format!("{name}!"),
        [.., name] if is_name(name) => name.clone(),
        _ => bracket.to_owned(),
    }
}

/// The name behind `let`, where what comes is its value: `let message = format!(`, `message: format!(`.
fn let_name(last: &[String]) -> String {
    let before = last.iter().rev().skip_while(|word| matches!(word.as_str(), "!" | "format"));
    let mut before = before.take(2);
    match (before.next().map(String::as_str), before.next()) {
        (Some("=" | ":"), Some(name)) => name.clone(),
        _ => String::new(),
    }
}

fn kind(open: &[Open], last: &[String], text: &str) -> Kind {
    let mut words = text.split_whitespace();
    if words.next() == Some("git") && words.next().is_some_and(|word| OF_GIT.contains(&word)) {
        return Kind::Hint;
    }
    let through = |o: &&Open| THROUGH.contains(&o.name.as_str()) && o.part == 0;
    let around = open.iter().rev().find(|o| !through(o));
    let is_error = around.is_some_and(|o| ERRORS.contains(&o.name.as_str()) && o.part == 0);
    let formatted = open.last().filter(|o| through(o) && o.part == 0).map(|o| o.let_name.as_str());
    let is_message = let_name(last) == "message" || formatted == Some("message");
    if is_error || is_message { Kind::Error } else { Kind::Words }
}

/// The text of a string literal; `None` for anything else.
fn value(word: &str) -> Option<String> {
    if word.starts_with("r\"") || word.starts_with("r#") {
        let inner = word.trim_start_matches('r').trim_matches('#');
        return Some(inner.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let inner = word.strip_prefix('"')?.strip_suffix('"')?;
    let (mut text, mut chars) = (String::new(), inner.chars().peekable());
    while let Some(char) = chars.next() {
        if char != '\\' {
            text.push(char);
            continue;
        }
        match chars.next()? {
            '\n' => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            'n' => text.push('\n'),
            't' => text.push('\t'),
            other @ ('"' | '\\' | '\'') => text.push(other),
            other => text.extend(['\\', other]),
        }
    }
    Some(text)
}

/// Whether a person is meant: three words at least, or a command.
fn has_words(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    words >= 3 || (text.starts_with("git metawsm") && words >= 2)
}

fn is_test(source: &Source, line: usize) -> bool {
    if source.path.ends_with("_tests.rs") || source.path.ends_with("/testing.rs") {
        return true;
    }
    let before = source.tokens.iter().take_while(|token| token.line <= line).last();
    before.is_some_and(|token| token.test)
}
