//! A page of lines that fit: parts beside each other as far as there is room, sentences wrapped, titles cut. Where
//! nobody looks through a window (a pipe), every line is as long as it is.

use super::escape::escape;
use super::screen::{Paint, Screen};
use super::width::{columns, cut, wrap};

/// A cut part is at least this wide, else it gets a line of its own.
const LEAST: usize = 12;
/// Below this width labels stand above what they name, and nothing is aligned.
const NARROW: usize = 56;
/// How wide the column of labels is.
const LABELS: usize = 11;

/// A line as it is printed, and how many columns it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The text, colours included.
    pub text: String,
    /// The columns it takes.
    pub columns: usize,
}

/// A piece of a line.
#[derive(Debug, Clone)]
pub(super) struct Part {
    paint: Option<Paint>,
    text: String,
    pad: usize,
    cut: bool,
}

impl Part {
    /// Foreign or own words.
    pub fn new(text: &str) -> Self {
        Self { paint: None, text: escape(text), pad: 0, cut: false }
    }

    /// The same in a colour.
    pub fn painted(paint: Paint, text: &str) -> Self {
        Self { paint: Some(paint), ..Self::new(text) }
    }

    /// Words whose end may be left out, such as a title.
    pub fn cut(paint: Option<Paint>, text: &str) -> Self {
        Self { paint, cut: true, ..Self::new(text) }
    }

    /// At least this wide, where there is room for columns.
    pub fn padded(mut self, pad: usize) -> Self {
        self.pad = pad;
        self
    }

    /// How many columns its text takes.
    pub fn columns(&self) -> usize {
        columns(&self.text)
    }
}

/// A page under way.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    screen: &'a Screen,
    width: Option<usize>,
    lines: Vec<Line>,
    /// Where all lines of the present block begin.
    margin: usize,
    /// What stands in front of the next line.
    label: Option<String>,
}

impl<'a> Sheet<'a> {
    /// An empty page for lines of at most this width; of any, without one.
    pub fn new(screen: &'a Screen, width: Option<usize>) -> Self {
        Self { screen, width, lines: Vec::new(), margin: 0, label: None }
    }

    /// The page's lines.
    pub fn lines(self) -> Vec<Line> {
        self.lines
    }

    /// Whether a person looks through a window.
    pub fn is_fitted(&self) -> bool {
        self.width.is_some()
    }

    fn is_narrow(&self) -> bool {
        self.width.is_some_and(|width| width < NARROW)
    }

    /// How many columns are left behind this indentation; a sliver at the least.
    fn room(&self, indent: usize) -> usize {
        self.width.map_or(usize::MAX, |width| width.saturating_sub(self.margin + indent).max(2))
    }

    /// Indentation that leaves something to read.
    fn shift(&self, indent: usize) -> usize {
        self.width.map_or(indent, |width| indent.min(width / 8))
    }

    fn push(&mut self, indent: usize, text: &str, taken: usize) {
        let lead = self.margin + indent;
        let line = match self.label.take() {
            Some(label) => {
                let gap = " ".repeat(lead.saturating_sub(columns(&label)).max(1));
                format!("{}{gap}{text}", self.screen.paint(Paint::Dim, &label))
            }
            None => format!("{}{text}", " ".repeat(lead)),
        };
        self.lines.push(Line { text: line, columns: lead + taken });
    }

    /// A blank line between what stands above and what comes.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.text.is_empty()) {
            self.lines.push(Line { text: String::new(), columns: 0 });
        }
    }

    /// A heading of its own.
    pub fn heading(&mut self, paint: Paint, text: &str) {
        self.flow(0, &[Part::cut(Some(paint), text)]);
    }

    /// What `fill` writes, with a label in front of its first line; nothing where it writes nothing.
    pub fn block(&mut self, label: &str, fill: impl FnOnce(&mut Self)) {
        let before = self.lines.len();
        let margin = self.margin;
        if self.is_narrow() {
            self.push(0, &self.screen.paint(Paint::Dim, label), columns(label));
            self.margin += self.shift(2);
            fill(self);
            if self.lines.len() == before + 1 {
                self.lines.pop();
            }
        } else {
            self.margin += LABELS;
            self.label = Some(label.to_owned());
            fill(self);
            self.label = None;
        }
        self.margin = margin;
    }

    /// Parts beside each other, two blanks between them. What does not fit goes on in the next line; what may be cut
    /// is cut, where enough of it is left.
    pub fn flow(&mut self, indent: usize, parts: &[Part]) {
        let mut at = self.shift(indent);
        let (mut line, mut taken) = (String::new(), 0);
        for part in parts.iter().filter(|part| !part.text.is_empty()) {
            let mut room = self.room(at);
            let gap = if taken == 0 { 0 } else { 2 };
            let width = part.columns();
            let left = room.saturating_sub(taken + gap);
            let fits = width <= left || (part.cut && left >= LEAST);
            if !fits && taken > 0 {
                self.end(at, &line, taken);
                (line, taken) = (String::new(), 0);
                at = self.shift(indent + 2);
                room = self.room(at);
            }
            if taken > 0 {
                line.push_str("  ");
                taken += 2;
            }
            let left = room.saturating_sub(taken);
            if width > left && !part.cut {
                let mut pieces = wrap(&part.text, left);
                let last = pieces.pop().unwrap_or_default();
                for piece in pieces {
                    self.push(at, &self.paint(part.paint, &piece), columns(&piece));
                }
                taken = columns(&last);
                line = self.paint(part.paint, &last);
                continue;
            }
            let text = cut(&part.text, left);
            let width = columns(&text);
            line.push_str(&self.paint(part.paint, &text));
            taken += width;
            let pad = part.pad.saturating_sub(width);
            if pad > 0 && !self.is_narrow() && taken + pad < room {
                line.push_str(&" ".repeat(pad));
                taken += pad;
            }
        }
        if taken > 0 {
            self.end(at, &line, taken);
        }
    }

    /// Adds a line without the blanks at its end.
    fn end(&mut self, at: usize, line: &str, taken: usize) {
        let bare = line.trim_end_matches(' ');
        self.push(at, bare, taken - (line.len() - bare.len()));
    }

    /// A sentence, wrapped.
    pub fn sentence(&mut self, indent: usize, paint: Option<Paint>, text: &str) {
        let at = self.shift(indent);
        let text = escape(text);
        let lines = if self.is_fitted() { wrap(&text, self.room(at)) } else { vec![text] };
        for line in lines {
            self.push(at, &self.paint(paint, &line), columns(&line));
        }
    }

    /// Words of several lines, each wrapped; of more than `most` lines of a window the rest is counted.
    pub fn words(&mut self, text: &str, most: usize) {
        let before = self.lines.len();
        text.trim().lines().map(str::trim_end).filter(|line| !line.is_empty()).for_each(|line| {
            self.sentence(0, None, line);
        });
        let over = (self.lines.len() - before).saturating_sub(most);
        if self.is_fitted() && over > 1 {
            self.lines.truncate(before + most);
            let s = if over == 1 { "" } else { "s" };
            self.sentence(0, Some(Paint::Dim), &format!("… and {over} more line{s}"));
        }
    }

    /// A command to paste. Where it is too long it goes on behind backslashes, as a shell reads it.
    pub fn command(&mut self, indent: usize, command: &str) {
        let at = self.shift(indent);
        let text = escape(command);
        let room = self.room(at);
        if columns(&text) <= room {
            self.push(at, &text, columns(&text));
            return;
        }
        let mut line = String::new();
        let words = shell_words(&text);
        let last = words.len().saturating_sub(1);
        for (index, word) in words.iter().enumerate() {
            // All lines but the last end in a blank and a backslash.
            let end = if index == last { 0 } else { 2 };
            if !line.is_empty() && columns(&line) + 1 + columns(word) + end > room {
                line.push_str(" \\");
                self.push(at, &line, columns(&line));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.push(at, &line, columns(&line));
    }

    fn paint(&self, paint: Option<Paint>, text: &str) -> String {
        paint.map_or_else(|| text.to_owned(), |paint| self.screen.paint(paint, text))
    }
}

/// A command at the blanks that separate its words: those between quotes do not.
fn shell_words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut is_escaped = false;
    for c in command.chars() {
        match (c, quote) {
            _ if is_escaped => is_escaped = false,
            ('\\', None | Some('"')) => is_escaped = true,
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::ColorChoice;
    use proptest::prelude::*;

    fn lines(width: Option<usize>, fill: impl FnOnce(&mut Sheet<'_>)) -> Vec<String> {
        let screen = Screen::new(false, false, ColorChoice::Never);
        let mut sheet = Sheet::new(&screen, width);
        fill(&mut sheet);
        sheet.lines().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn parts_stand_beside_each_other_as_far_as_there_is_room() {
        let parts = [Part::new("one").padded(6), Part::new("two"), Part::cut(None, "a title that is long")];
        let at = |width| lines(width, |sheet| sheet.flow(2, &parts));
        assert_eq!(at(None), ["  one     two  a title that is long"]);
        assert_eq!(at(Some(60)), ["  one     two  a title that is long"]);
        assert_eq!(at(Some(28)), ["  one  two  a title that is…"]);
        assert_eq!(at(Some(16)), ["  one  two", "  a title that …"]);
    }

    #[test]
    fn a_long_command_goes_on_as_a_shell_reads_it() {
        let command = "git metawsm guide run-1 --answer '<the answer>'";
        let at = |width| lines(width, |sheet| sheet.command(2, command));
        assert_eq!(at(Some(80)), [format!("  {command}")]);
        assert_eq!(at(Some(30)), ["  git metawsm guide run-1 \\", "  --answer '<the answer>'"]);
        assert_eq!(at(None), [format!("  {command}")]);
        assert_eq!(shell_words(r"a 'b c' d\ e"), ["a", "'b c'", r"d\ e"]);
    }

    #[test]
    fn a_label_stands_before_or_above_what_it_names() {
        let fill = |sheet: &mut Sheet<'_>| {
            sheet.block("goal", |sheet| sheet.words("one two\nthree", 9));
            sheet.block("none", |_| {});
            sheet.block("next", |sheet| sheet.command(0, "git"));
        };
        assert_eq!(lines(Some(80), fill), ["goal       one two", "           three", "next       git"]);
        assert_eq!(lines(Some(40), fill), ["goal", "  one two", "  three", "next", "  git"]);
    }

    #[test]
    fn many_lines_are_counted_in_a_window_and_all_told_in_a_pipe() {
        let text = "x\n".repeat(50);
        let shown = lines(Some(80), |sheet| sheet.words(&text, 3));
        assert_eq!(shown, ["x", "x", "x", "… and 47 more lines"]);
        assert_eq!(lines(None, |sheet| sheet.words(&text, 3)).len(), 50);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_window(
            words in prop::collection::vec("[a漢e\u{301}ש ]{0,30}|\\PC{0,12}", 1..6), width in 20..90_usize
        ) {
            let shown = {
                let screen = Screen::new(false, false, ColorChoice::Never);
                let mut sheet = Sheet::new(&screen, Some(width));
                let parts: Vec<_> = words.iter().map(|word| Part::new(word).padded(9)).collect();
                sheet.flow(4, &parts);
                sheet.block("label", |sheet| {
                    for word in &words {
                        sheet.flow(2, &[Part::new("state"), Part::cut(None, word)]);
                        sheet.sentence(2, None, word);
                    }
                });
                sheet.lines()
            };
            for line in shown {
                prop_assert!(line.columns <= width, "{} > {width}: {:?}", line.columns, line.text);
                prop_assert_eq!(line.columns, columns(&line.text), "{:?}", line.text);
            }
        }
    }
}
