//! A Rust source as the house rules see it: tokens without comments, strings and numbers, each knowing its line,
//! the inline modules around it, and whether it is test code.

/// A source file and its tokens.
pub struct Source {
    /// Path from the top of the repository, with `/`.
    pub path: String,
    /// The text as it is.
    pub text: String,
    /// The code.
    pub tokens: Vec<Token>,
}

/// One identifier or punctuation mark; `::` is one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
    /// Whether it stands under `#[cfg(test)]`.
    pub test: bool,
    /// The inline modules around it.
    pub modules: Vec<String>,
}

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// The file.
    pub path: String,
    /// The line, 0 for the whole file.
    pub line: usize,
    /// What is wrong, and what to do instead.
    pub why: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.why)
    }
}

impl Source {
    /// Reads a text as the source at this path.
    pub fn new(path: &str, text: &str) -> Self {
        let mut tokens = tokens(text);
        mark_tests(&mut tokens);
        mark_modules(&mut tokens);
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// The violation at this token.
    pub fn violation(&self, index: usize, why: impl Into<String>) -> Violation {
        let line = self.tokens.get(index).map_or(0, |t| t.line);
        Violation { path: self.path.clone(), line, why: why.into() }
    }

    /// The token at this place, or an empty text past either end.
    pub fn at(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |t| t.text.as_str())
    }

    /// The token before this place, or an empty text.
    pub fn before(&self, index: usize) -> &str {
        index.checked_sub(1).map_or("", |i| self.at(i))
    }

    /// The directory below `src`, such as `git`; `None` for `src/lib.rs` and everything outside `src`.
    pub fn room(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split_once('/').map(|(room, _)| room)
    }

    /// Marks the whole file as test code.
    pub fn into_test(mut self) -> Self {
        self.tokens.iter_mut().for_each(|t| t.test = true);
        self
    }

    /// The module path of the file: `src/git/refs.rs` is `[git, refs]`.
    pub fn module(&self) -> Vec<String> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|l| l == "mod" || l == "lib" || l == "main") {
            module.pop();
        }
        module
    }

    /// The files that this one declares as `#[cfg(test)] mod name;`, without their ending.
    pub fn test_modules(&self) -> Vec<String> {
        let declared = self.tokens.windows(3).filter(|w| w[0].test && w[0].text == "mod" && w[2].text == ";");
        let path = |w: &[Token]| format!("src/{}/{}", self.module().join("/"), w[1].text);
        declared.map(path).collect()
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let end = skipped(&chars, at);
        let end = if end > at { end } else { token_end(&chars, at) };
        let word: String = chars[at..end].iter().collect();
        let code = !word.starts_with(['"', '\'', '/']) || word == "/";
        let text = word.trim_start_matches("r#");
        if code && !text.trim().is_empty() && !is_literal(text) {
            found.push(Token { text: text.to_owned(), line, test: false, modules: Vec::new() });
        }
        line += word.matches('\n').count();
        at = end;
    }
    found
}

fn is_literal(word: &str) -> bool {
    word.contains('"') || word.contains('\'') || word.starts_with(|c: char| c.is_ascii_digit())
}

/// The end of the comment, string or character that starts here; `at` itself where none does.
pub fn skipped(chars: &[char], at: usize) -> usize {
    let next = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
    match (next(0), next(1)) {
        ('/', '/') => (at..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len()),
        ('/', '*') => block_end(chars, at),
        ('"', _) => string_end(chars, at + 1),
        ('b' | 'c', '"') => string_end(chars, at + 2),
        ('b', '\'') => char_end(chars, at + 1),
        ('r', '"' | '#') => raw_end(chars, at, at + 1),
        ('b' | 'c', 'r') if matches!(next(2), '"' | '#') => raw_end(chars, at, at + 2),
        ('\'', _) => char_end(chars, at),
        _ => at,
    }
}

fn block_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0usize);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') if depth == 1 => return at + 2,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A raw string's end; the start where it is a raw identifier.
fn raw_end(chars: &[char], start: usize, mut at: usize) -> usize {
    let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
    at += hashes;
    if chars.get(at) != Some(&'"') {
        return start;
    }
    let closes = |i: &usize| {
        chars[*i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (at + 1..chars.len()).find(closes).map_or(chars.len(), |i| i + 1 + hashes)
}

/// A character's end; a lifetime is skipped as a whole.
fn char_end(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'\\') {
        let end = (at + 3..chars.len()).find(|i| chars[*i] == '\'');
        return end.map_or(chars.len(), |i| i + 1);
    }
    if chars.get(at + 2) == Some(&'\'') {
        return at + 3;
    }
    word_end(chars, at + 1)
}

fn word_end(chars: &[char], at: usize) -> usize {
    let word = |i: &usize| chars[*i].is_alphanumeric() || chars[*i] == '_';
    (at..chars.len()).find(|i| !word(i)).unwrap_or(chars.len())
}

pub fn token_end(chars: &[char], at: usize) -> usize {
    if chars[at] == 'r' && chars.get(at + 1) == Some(&'#') {
        return word_end(chars, at + 2);
    }
    if chars[at] == ':' && chars.get(at + 1) == Some(&':') {
        return at + 2;
    }
    word_end(chars, at).max(at + 1)
}

/// The index just past the bracket that closes the one at `open`.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

fn mark_tests(tokens: &mut [Token]) {
    let mut at = 0;
    while at < tokens.len() {
        let inner = tokens.get(at + 1).is_some_and(|t| t.text == "!");
        let open = at + 1 + usize::from(inner);
        let attribute = tokens[at].text == "#" && tokens.get(open).is_some_and(|t| t.text == "[");
        if !attribute {
            at += 1;
            continue;
        }
        let end = closing(tokens, open);
        let words: Vec<&str> = tokens[open..end].iter().map(|t| t.text.as_str()).collect();
        let test = words.get(1) == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not");
        if test {
            let last = if inner { tokens.len() } else { item_end(tokens, end) };
            tokens[at..last].iter_mut().for_each(|t| t.test = true);
        }
        at = end;
    }
}

/// The index just past the item that starts here: its `;`, or its block.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at),
            _ => at += 1,
        }
    }
    tokens.len()
}

fn mark_modules(tokens: &mut [Token]) {
    let mut open: Vec<(String, usize)> = Vec::new();
    for at in 0..tokens.len() {
        open.retain(|(_, end)| at < *end);
        tokens[at].modules = open.iter().map(|(name, _)| name.clone()).collect();
        let block = tokens[at].text == "mod" && tokens.get(at + 2).is_some_and(|t| t.text == "{");
        if block {
            open.push((tokens[at + 1].text.clone(), closing(tokens, at + 2)));
        }
    }
}
