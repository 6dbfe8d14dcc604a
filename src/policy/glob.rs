//! Which files a pattern means. Patterns and paths are foreign text: the time is bounded by pattern times path.

/// Endings of the examples that stand in for a secret file and are meant to be committed.
const EXAMPLES: [&str; 4] = [".example", ".sample", ".template", ".dist"];

/// Whether a path (relative, `/` between parts, unquoted) is forbidden by one of the patterns. A pattern without a
/// slash matches any part of the path, so also a directory and all below it; one with a slash matches from the root,
/// the whole path or a directory above it. `*` and `?` stay within a part, `**` does not, `[a-z]` is a set, `\` takes
/// the next character as it is. Case does not matter. `.env.example` and its like pass, unless a pattern names them
/// without a wildcard.
pub fn matches_forbidden(patterns: &[String], path: &str) -> bool {
    let path = path.to_lowercase();
    let path = path.trim_start_matches("./").trim_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    let example = name.starts_with(".env.") && EXAMPLES.iter().any(|end| name.ends_with(end));
    patterns.iter().any(|pattern| {
        let pattern = pattern.trim().to_lowercase();
        let is_glob = pattern.contains(['*', '?', '[']);
        if example && is_glob {
            return reaches_directory(&pattern, path);
        }
        reaches(&pattern, path)
    })
}

/// Whether a pattern matches the path or a directory above it.
fn reaches(pattern: &str, path: &str) -> bool {
    let rooted = pattern.trim_end_matches('/');
    let (rooted, anywhere) = match rooted.strip_prefix('/') {
        Some(rest) => (rest, false),
        None => (rooted.trim_start_matches("./"), !rooted.contains('/')),
    };
    if rooted.is_empty() || path.is_empty() {
        return false;
    }
    let tokens = tokens(rooted);
    if anywhere {
        return path.split('/').any(|part| matches(&tokens, part));
    }
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| matches(&tokens, &path[..end]))
}

fn reaches_directory(pattern: &str, path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(directory, _)| reaches(pattern, directory))
}

enum Token {
    Char(char),
    /// `?`: one character of a part.
    Any,
    /// `*`: any characters of a part.
    Part,
    /// `**`: any characters.
    Path,
    /// `[...]`, turned round by `!` or `^`.
    Set {
        ranges: Vec<(char, char)>,
        inside: bool,
    },
}

fn tokens(pattern: &str) -> Vec<Token> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '\\' if at < chars.len() => {
                tokens.push(Token::Char(chars[at]));
                at += 1;
            }
            '?' => tokens.push(Token::Any),
            '*' if chars.get(at) == Some(&'*') => {
                while chars.get(at) == Some(&'*') {
                    at += 1;
                }
                // `**/x` is x too: the slash belongs to what may be nothing.
                let opens = tokens.is_empty() || matches!(tokens.last(), Some(Token::Char('/')));
                if opens && chars.get(at) == Some(&'/') {
                    at += 1;
                }
                tokens.push(Token::Path);
            }
            '*' => tokens.push(Token::Part),
            '[' => match set(&chars[at..]) {
                Some((set, length)) => {
                    tokens.push(set);
                    at += length;
                }
                None => tokens.push(Token::Char('[')),
            },
            _ => tokens.push(Token::Char(c)),
        }
    }
    tokens
}

/// A set and how many characters it took after its opening bracket; none where the bracket is never closed.
fn set(chars: &[char]) -> Option<(Token, usize)> {
    let turned = matches!(chars.first(), Some('!' | '^'));
    let start = usize::from(turned);
    // A closing bracket that comes first is meant as a character.
    let end = start + 1 + chars.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let mut ranges = Vec::new();
    let mut at = start;
    while at < end {
        if chars.get(at + 1) == Some(&'-') && at + 2 < end {
            ranges.push((chars[at], chars[at + 2]));
            at += 3;
        } else {
            ranges.push((chars[at], chars[at]));
            at += 1;
        }
    }
    Some((Token::Set { ranges, inside: !turned }, end + 1))
}

/// Whether the tokens match the whole text: one pass over the text with the set of reachable tokens.
fn matches(tokens: &[Token], text: &str) -> bool {
    let mut live = vec![false; tokens.len() + 1];
    live[0] = true;
    skip_stars(tokens, &mut live);
    for c in text.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (i, token) in tokens.iter().enumerate().filter(|(i, _)| live[*i]) {
            match token {
                Token::Path => next[i] = true,
                Token::Part => next[i] |= c != '/',
                Token::Any => next[i + 1] |= c != '/',
                Token::Char(wanted) => next[i + 1] |= c == *wanted,
                Token::Set { ranges, inside } => {
                    let found = ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                    next[i + 1] |= c != '/' && found == *inside;
                }
            }
        }
        skip_stars(tokens, &mut next);
        live = next;
        if !live.contains(&true) {
            return false;
        }
    }
    live[tokens.len()]
}

/// Stars may stand for nothing.
fn skip_stars(tokens: &[Token], live: &mut [bool]) {
    for (i, token) in tokens.iter().enumerate() {
        if live[i] && matches!(token, Token::Part | Token::Path) {
            live[i + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use proptest::prelude::*;

    fn one(pattern: &str, path: &str) -> bool {
        matches_forbidden(&[pattern.to_owned()], path)
    }

    #[test]
    fn a_pattern_matches_paths_names_and_directories() {
        let hits = [
            ("*.pem", "x.pem"),
            ("*.pem", "a/b/x.pem"),
            ("*.pem", "A/X.PEM"),
            ("secrets", "secrets/a/b"),
            ("secrets/", "secrets/a"),
            ("secrets/", "deep/secrets/a"),
            ("id_rsa", "keys/id_rsa"),
            ("a/b", "a/b/c"),
            ("a/*", "a/x"),
            ("a/*", "a/x/y"),
            ("/a", "a/b"),
            ("**/x", "x"),
            ("**/x", "a/b/x"),
            ("a/**/x", "a/x"),
            ("a/**/x", "a/b/c/x"),
            ("a/**", "a/b/c"),
            ("?.key", "a.key"),
            ("[ab].key", "b.key"),
            ("[!ab].key", "c.key"),
            ("[a-c]x", "bx"),
            ("[]]x", "]x"),
            (r"\*.x", "*.x"),
            ("[x", "[x"),
            (".env.*", ".env.local"),
            ("ünï*", "ÜNÏcode"),
        ];
        for (pattern, path) in hits {
            assert!(one(pattern, path), "{pattern:?} must match {path:?}");
        }
    }

    #[test]
    fn a_pattern_does_not_reach_further_than_it_says() {
        let misses = [
            ("*.pem", "x.pem.txt"),
            ("/a", "b/a"),
            ("a/b", "x/a/b"),
            ("a/*.key", "a/b/c.key"),
            ("?", "ab"),
            ("[ab]", "c"),
            ("[!ab].key", "a.key"),
            (r"\*.x", "a.x"),
            ("", "a"),
            ("/", "a"),
            (" ", "a"),
            ("secrets", "mysecrets/a"),
            (".env.*", ".envrc"),
            ("*", ""),
        ];
        for (pattern, path) in misses {
            assert!(!one(pattern, path), "{pattern:?} must not match {path:?}");
        }
    }

    #[test]
    fn examples_of_secret_files_pass_the_default_patterns() {
        let patterns = Policy::default().git_pr.forbidden_file_patterns;
        for path in
            [".env", "a/.env", ".env.local", "x/.ENV.prod", "k.pem", "id_rsa", "a/id_ed25519", "b.p12"]
        {
            assert!(matches_forbidden(&patterns, path), "{path}");
        }
        for path in
            [".env.example", "a/.env.sample", ".env.template", ".env.dist", ".env.local.example", "env"]
        {
            assert!(!matches_forbidden(&patterns, path), "{path}");
        }
    }

    #[test]
    fn an_example_is_forbidden_where_a_pattern_names_it_or_its_directory() {
        assert!(one(".env.example", "a/.env.example"));
        assert!(one("secret*", "secrets/.env.example"));
        assert!(one("secrets/", "secrets/.env.example"));
        assert!(one(".env", ".env/.env.example"));
    }

    #[test]
    fn many_stars_cost_no_time() {
        let pattern = "*a".repeat(500);
        assert!(!one(&pattern, &"a".repeat(3000)[..2999].replace('a', "b")));
    }

    proptest! {
        #[test]
        fn any_pattern_and_path_give_an_answer(pattern in ".{0,40}", path in ".{0,40}") {
            let _ = one(&pattern, &path);
        }

        #[test]
        fn a_path_matches_itself(path in "[a-z0-9_.]{1,8}(/[a-z0-9_.]{1,8}){0,3}") {
            prop_assume!(!path.starts_with("./") && path != ".");
            let rooted = format!("/{path}");
            prop_assert!(one(&rooted, &path));
            prop_assert!(one("**", &path) && one("*", &path));
        }
    }
}
