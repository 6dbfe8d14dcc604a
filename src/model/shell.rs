//! Words of commands that people paste.

/// A word as it would be typed in a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,^~".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('~') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Takes a command line apart, by a rule smaller than a shell's: blanks stand between words, a backslash takes the next
/// character as it is, so do single quotes all between them, and double quotes all but the backslash. Nothing is
/// expanded, and every other character means itself.
pub fn split_words(line: &str) -> Result<Vec<String>, &'static str> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None | Some('"'), '\\') => {
                let next = letters.next().ok_or("a backslash stands at its end")?;
                word.get_or_insert_default().push(next);
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{quoted, split_words};
    use proptest::prelude::*;

    #[test]
    fn a_command_line_is_taken_apart_and_nothing_is_expanded() {
        let table: [(&str, &[&str]); 7] = [
            ("notify-send -u critical", &["notify-send", "-u", "critical"]),
            ("  a\t'b c'  ", &["a", "b c"]),
            (r#"sh -c 'echo "$X"; ls *'"#, &["sh", "-c", r#"echo "$X"; ls *"#]),
            (r#"a"b c"'d'\ e"#, &["ab cd e"]),
            (r#""a\"b""#, &["a\"b"]),
            ("'' \"\"", &["", ""]),
            ("", &[]),
        ];
        for (line, words) in table {
            assert_eq!(split_words(line).expect("it can be taken apart"), words, "{line}");
        }
        for line in ["'a", "a \"b", "a\\"] {
            assert!(split_words(line).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in proptest::collection::vec("\\PC*", 0..5)) {
            let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split_words(&line), Ok(words));
        }
    }

    #[test]
    fn words_are_quoted_as_a_shell_wants_them() {
        assert_eq!(quoted("a-b/c"), "a-b/c");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("~x"), "'~x'");
        assert_eq!(quoted(""), "''");
    }
}
