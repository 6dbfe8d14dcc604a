//! A box in which one writes: several lines, pasted text, the keys that shells know.

use crate::render::columns;

/// The most that may be written, in bytes.
const CAP: usize = crate::service::forum::BODY_CAP;

/// A text and the place in it where the next letter goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Editor {
    letters: Vec<char>,
    at: usize,
}

impl Editor {
    /// An editor that holds a text, at its end.
    pub fn of(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        Self { at: letters.len(), letters }
    }

    /// What was written.
    pub fn text(&self) -> String {
        self.letters.iter().collect()
    }

    /// Writes a text; line ends of any kind become line feeds, and what a terminal would obey is left out.
    pub fn write(&mut self, text: &str) {
        let room = CAP.saturating_sub(self.text().len());
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut taken = 0;
        let fits = |c: &char| {
            taken += c.len_utf8();
            taken <= room
        };
        let clean = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        let letters: Vec<char> = clean.take_while(fits).collect();
        let count = letters.len();
        self.letters.splice(self.at..self.at, letters);
        self.at += count;
    }

    /// Takes away the letter before the cursor, with what combines with it.
    pub fn erase(&mut self) {
        let end = self.at;
        self.left();
        self.letters.drain(self.at..end);
    }

    /// Takes away the letter under the cursor.
    pub fn delete(&mut self) {
        let begin = self.at;
        self.right();
        self.letters.drain(begin..self.at);
        self.at = begin;
    }

    /// Takes away the word before the cursor.
    pub fn erase_word(&mut self) {
        let end = self.at;
        while self.at > 0 && self.letters[self.at - 1].is_whitespace() {
            self.at -= 1;
        }
        while self.at > 0 && !self.letters[self.at - 1].is_whitespace() {
            self.at -= 1;
        }
        self.letters.drain(self.at..end);
    }

    /// Takes away the line up to the cursor.
    pub fn erase_line(&mut self) {
        let end = self.at;
        self.home();
        self.letters.drain(self.at..end);
    }

    /// Goes one letter to the left.
    pub fn left(&mut self) {
        self.at = self.at.saturating_sub(1);
        while self.at > 0 && combines(self.letters[self.at]) {
            self.at -= 1;
        }
    }

    /// Goes one letter to the right.
    pub fn right(&mut self) {
        self.at = (self.at + 1).min(self.letters.len());
        while self.at < self.letters.len() && combines(self.letters[self.at]) {
            self.at += 1;
        }
    }

    /// Goes to the beginning of the line.
    pub fn home(&mut self) {
        while self.at > 0 && self.letters[self.at - 1] != '\n' {
            self.at -= 1;
        }
    }

    /// Goes to the end of the line.
    pub fn end(&mut self) {
        while self.at < self.letters.len() && self.letters[self.at] != '\n' {
            self.at += 1;
        }
    }

    /// Goes to the line above, as far in as it is now where that is possible.
    pub fn up(&mut self) {
        let inset = self.inset();
        self.home();
        if self.at > 0 {
            self.at -= 1;
            self.home();
            self.go_in(inset);
        }
    }

    /// Goes to the line below.
    pub fn down(&mut self) {
        let inset = self.inset();
        self.end();
        if self.at < self.letters.len() {
            self.at += 1;
            self.go_in(inset);
        }
    }

    fn inset(&self) -> usize {
        self.letters[..self.at].iter().rev().take_while(|c| **c != '\n').count()
    }

    fn go_in(&mut self, inset: usize) {
        let rest = self.letters[self.at..].iter().take(inset).take_while(|c| **c != '\n').count();
        self.at += rest;
    }

    /// Its rows for a width, and the row and column of the cursor.
    pub fn rows(&self, width: usize) -> (Vec<String>, (usize, usize)) {
        let width = width.max(2);
        let (mut rows, mut taken, mut cursor) = (vec![String::new()], 0, (0, 0));
        for (index, c) in self.letters.iter().enumerate() {
            let wide = if *c == '\t' { 4 } else { columns(c.encode_utf8(&mut [0; 4])) };
            // The cursor needs a cell of its own behind the last letter.
            if *c != '\n' && taken + wide >= width {
                rows.push(String::new());
                taken = 0;
            }
            if index == self.at {
                cursor = (rows.len() - 1, taken);
            }
            match (*c, rows.last_mut()) {
                ('\n', _) => {
                    rows.push(String::new());
                    taken = 0;
                }
                ('\t', Some(row)) => row.push_str("    "),
                (c, Some(row)) => row.push(c),
                (_, None) => {}
            }
            taken += if *c == '\n' { 0 } else { wide };
        }
        if self.at == self.letters.len() {
            cursor = (rows.len() - 1, taken);
        }
        (rows, cursor)
    }
}

fn combines(c: char) -> bool {
    c != '\n' && columns(c.encode_utf8(&mut [0; 4])) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_words_and_lines_come_and_go() {
        let mut editor = Editor::default();
        editor.write("one two\r\nthree\rfour\u{1b}[31m");
        assert_eq!(editor.text(), "one two\nthree\nfour[31m");
        editor.erase_line();
        editor.erase();
        assert_eq!(editor.text(), "one two\nthree");
        editor.up();
        editor.erase_word();
        assert_eq!(editor.text(), "one wo\nthree", "the cursor was as far in as before");
        editor.home();
        editor.delete();
        editor.end();
        editor.write("!");
        assert_eq!(editor.text(), "ne wo!\nthree");
        editor.down();
        editor.write(".");
        assert_eq!(editor.text(), "ne wo!\nthree.");
    }

    #[test]
    fn a_letter_goes_with_what_combines_with_it() {
        let mut editor = Editor::of("ae\u{301}漢");
        editor.erase();
        editor.erase();
        assert_eq!(editor.text(), "a");
        editor.erase();
        editor.erase();
        assert_eq!(editor.text(), "");
    }

    #[test]
    fn rows_fit_and_the_cursor_is_where_the_next_letter_goes() {
        let editor = Editor::of("abcdef\n漢字漢");
        let (rows, cursor) = editor.rows(5);
        assert_eq!(rows, ["abcd", "ef", "漢字", "漢"]);
        assert_eq!(cursor, (3, 2));
        let mut editor = Editor::of(&"x".repeat(10_000));
        editor.home();
        assert_eq!(editor.rows(81).1, (0, 0));
        assert_eq!(Editor::default().rows(1), (vec![String::new()], (0, 0)));
    }

    #[test]
    fn more_than_a_post_may_hold_is_not_taken() {
        let mut editor = Editor::default();
        editor.write(&"ä".repeat(CAP));
        assert_eq!(editor.text().len(), CAP);
        editor.write("more");
        assert_eq!(editor.text().len(), CAP);
    }
}
