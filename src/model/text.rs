//! Characters that say one thing to a reader and another to a terminal.

/// Whether a character moves, hides or reverses text instead of being read: C0, DEL and C1 controls; bidirectional
/// embeddings, overrides, isolates and marks; zero-width characters, line separators and invisible tags.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A foreign text as one line of history: deceptive characters become spaces.
pub fn plain_line(text: &str) -> String {
    text.replace(is_deceptive, " ")
}

#[cfg(test)]
mod tests {
    use super::plain_line;

    #[test]
    fn a_line_of_history_holds_nothing_that_deceives() {
        assert_eq!(plain_line("a\nMetawsm-Merged: x\u{202e}y\x1b[31m"), "a Metawsm-Merged: x y [31m");
    }
}
