//! Names made from free text.

/// A ticket id made from free text: ASCII letters and digits in lower case, everything else one `-`, cut at a
/// word near 40 characters. `None` where no ASCII letter is left.
pub fn slug_of(text: &str) -> Option<String> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut slug = String::new();
    for c in first.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let mut slug = slug.trim_matches('-');
    if slug.len() > 40 {
        let cut = slug[..41].rfind('-').filter(|&at| at >= 12).unwrap_or(40);
        slug = slug[..cut].trim_end_matches('-');
    }
    slug.bytes().any(|b| b.is_ascii_alphabetic()).then(|| slug.to_owned())
}

/// A one-line title made from free text: its first line without the final dot, cut to `max` characters.
pub fn title_of(text: &str, max: usize) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let first = first.trim_end_matches('.');
    if first.chars().count() <= max {
        return first.to_owned();
    }
    let cut: String = first.chars().take(max.saturating_sub(1)).collect();
    let at = cut.rfind(' ').filter(|&at| at > max / 2).unwrap_or(cut.len());
    format!("{}…", cut[..at].trim_end())
}

/// The stem of a workspace's name: the ticket in lower case, cut to 48 characters (behaviour 3).
pub fn workspace_stem(ticket: &str) -> String {
    let lower: String = ticket.to_ascii_lowercase().chars().take(48).collect();
    lower.trim_end_matches(['-', '.', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_words() {
        let cases = [
            ("Add a login page.", Some("add-a-login-page")),
            ("  \n  Fix #12: crash!  \nmore", Some("fix-12-crash")),
            ("日本語", None),
            ("1234", None),
            ("", None),
            (
                "one two three four five six seven eight nine ten eleven",
                Some("one-two-three-four-five-six-seven-eight"),
            ),
        ];
        for (text, slug) in cases {
            assert_eq!(slug_of(text).as_deref(), slug, "{text:?}");
        }
    }

    #[test]
    fn a_title_is_one_line_and_cut_between_words() {
        assert_eq!(title_of("Do it.\nNow", 72), "Do it");
        assert_eq!(title_of("alpha beta gamma delta", 14), "alpha beta…");
    }

    #[test]
    fn a_workspace_stem_never_ends_in_a_mark() {
        assert_eq!(workspace_stem("MW-12"), "mw-12");
        assert_eq!(workspace_stem(&format!("{}-b", "a".repeat(47))), "a".repeat(47));
    }
}
