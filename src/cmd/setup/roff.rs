//! A man page as text. Whatever is said on it goes through the escapes of the page generator.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// What the generator puts before each of its pieces; a page needs it once.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// A page that grows.
pub(super) struct Page {
    text: String,
}

impl Page {
    /// An empty page of a section of the manual.
    pub(super) fn new(name: &str, section: u8) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let title = name.replace('-', "\\-");
        let text =
            format!("{PREAMBLE}.TH {title} {section} \"\" \"git\\-metawsm {version}\" \"git metawsm\"\n");
        Self { text }
    }

    /// The page as it is written to a file.
    pub(super) fn text(self) -> String {
        self.text
    }

    fn add(&mut self, piece: &Roff) {
        let piece = piece.render();
        self.text.push_str(piece.strip_prefix(PREAMBLE).unwrap_or(&piece));
    }

    fn say(&mut self, words: Vec<Inline>) {
        self.add(Roff::new().text(words));
    }

    /// A heading.
    pub(super) fn heading(&mut self, words: &str) {
        self.add(Roff::new().control("SH", [words]));
    }

    /// A heading below a heading.
    pub(super) fn below(&mut self, words: &str) {
        self.add(Roff::new().control("SS", [words]));
    }

    /// The section NAME, in the form that indexes of pages read.
    pub(super) fn name(&mut self, name: &str, about: &str) {
        self.heading("NAME");
        self.add(Roff::new().text([roman(format!("{name} - {about}"))]));
    }

    /// A line of words to type, and what may follow them.
    pub(super) fn words(&mut self, words: &str, rest: &str) {
        self.say(vec![bold(words), roman(rest)]);
    }

    /// Paragraphs, with an empty line between them.
    pub(super) fn paragraphs(&mut self, text: &str) {
        for (at, paragraph) in text.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).enumerate() {
            if at > 0
                || !self
                    .text
                    .lines()
                    .last()
                    .is_some_and(|line| line.starts_with(".SH") || line.starts_with(".SS"))
            {
                self.text.push_str(".PP\n");
            }
            self.say(vec![roman(paragraph.split_whitespace().collect::<Vec<_>>().join(" "))]);
        }
    }

    /// A term and what it is.
    pub(super) fn item(&mut self, term: &str, what: &str) {
        self.text.push_str(".TP\n");
        self.say(vec![bold(term)]);
        self.say(vec![roman(what)]);
    }

    /// A line in the item above, in its own line.
    pub(super) fn aside(&mut self, words: &str, value: &str) {
        self.text.push_str(".br\n");
        self.say(vec![roman(words), italic(value)]);
    }

    /// Lines as they are.
    pub(super) fn verbatim(&mut self, text: &str) {
        self.text.push_str(".nf\n");
        for line in text.lines() {
            if line.is_empty() {
                self.text.push_str(".sp\n");
            } else {
                self.say(vec![roman(line)]);
            }
        }
        self.text.push_str(".fi\n");
    }

    /// A heading with terms.
    pub(super) fn table(&mut self, heading: &str, rows: &[(&str, &str)]) {
        self.heading(heading);
        for (term, what) in rows {
            match *term {
                "" => self.paragraphs(what),
                term => self.item(term, what),
            }
        }
    }

    /// Pages to read next.
    pub(super) fn references(&mut self, pages: &[String]) {
        let mut words = Vec::new();
        for (at, page) in pages.iter().enumerate() {
            let (name, section) = page.split_once('(').unwrap_or((page, ""));
            words.push(bold(name));
            let comma = if at + 1 < pages.len() { ", " } else { "" };
            words.push(roman(format!("({section}{comma}")));
        }
        self.say(words);
    }

    /// A piece of the page generator's own.
    pub(super) fn generated(&mut self, piece: &str) {
        let piece = piece.strip_prefix(PREAMBLE).unwrap_or(piece);
        self.text.push_str(&piece.replace("\n.br\n\n.br\n", "\n.br\n"));
    }
}
