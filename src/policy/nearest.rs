//! Which known word a mistyped one may have meant.

/// The word of `known` that is nearest to `word`, if it is close: a third of the letters may be wrong. Case and
/// `-` for `_` cost nothing.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    if word.len() > 64 {
        return None;
    }
    let allowed = |other: &str| (word.len().max(other.len()) / 3).max(1);
    known
        .into_iter()
        .map(|other| (distance(&word, &plain(other)), other))
        .filter(|(far, other)| *far <= allowed(other))
        // Of two equally near words the one of the same length: letters are swapped more often than left out.
        .min_by_key(|(far, other)| (*far, other.len().abs_diff(word.len())))
        .map(|(_, other)| other)
}

fn plain(word: &str) -> Vec<char> {
    word.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word_and_a_foreign_word_finds_none() {
        let known = ["idle_seconds", "activity_stalled_seconds", "mode", "model", "root", "repos"];
        let cases = [
            ("idel_seconds", Some("idle_seconds")),
            ("idleSeconds", Some("idle_seconds")),
            ("IDLE-SECONDS", Some("idle_seconds")),
            ("mod", Some("mode")),
            ("modle", Some("model")),
            ("repo", Some("repos")),
            ("colour", None),
            ("", None),
            ("日本語", None),
        ];
        for (word, found) in cases {
            assert_eq!(nearest(word, known), found, "{word:?}");
        }
    }
}
