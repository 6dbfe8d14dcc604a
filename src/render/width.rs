//! How wide text is on a terminal, and how it is made to fit.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns escaped text takes: wide characters take two, combining ones none.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Escaped text in at most `limit` columns; where something is left out, the last column is an ellipsis.
pub fn cut(text: &str, limit: usize) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if taken + width >= limit {
            break;
        }
        taken += width;
        kept.push(c);
    }
    if limit > 0 {
        kept.push('…');
    }
    kept
}

/// Escaped text in lines of at most `limit` columns, broken at blanks; a word that is longer is broken anywhere.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(2);
    let (mut lines, mut line, mut taken) = (Vec::new(), String::new(), 0);
    for word in text.split_whitespace() {
        let width = columns(word);
        if taken > 0 && taken + 1 + width > limit {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        if taken > 0 {
            line.push(' ');
            taken += 1;
        }
        for c in word.chars() {
            let width = c.width().unwrap_or(0);
            if taken + width > limit {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            line.push(c);
            taken += width;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_ends_with_an_ellipsis() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("漢字漢字", 4), "漢…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 3), "e\u{301}e\u{301}e\u{301}");
        assert_eq!(cut("x", 0), "");
        for limit in 0..12 {
            assert!(columns(&cut("a漢b字c e\u{301} שלום", limit)) <= limit, "{limit}");
        }
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap(&"x".repeat(10_000), 80).len(), 125);
    }
}
