//! A text that one can scroll through.

use super::painted::{Row, broken, row_columns, rows};

/// A text, broken for a width, and where it is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    source: Vec<Row>,
    rows: Vec<Row>,
    width: usize,
    height: usize,
    top: usize,
    /// Whether the end stays in sight as text is added.
    follows: bool,
}

impl Page {
    /// A page that begins at its top.
    pub fn of(painted: &str) -> Self {
        let mut page = Self::default();
        page.say(painted);
        page
    }

    /// A page whose end stays in sight.
    pub fn following() -> Self {
        Self { follows: true, ..Self::default() }
    }

    /// Holds another text; what is looked at stays where it is.
    pub fn say(&mut self, painted: &str) {
        self.source = rows(painted);
        self.break_rows();
    }

    /// Adds a line.
    pub fn add(&mut self, painted: &str) {
        self.source.extend(rows(painted));
        self.break_rows();
    }

    /// Breaks its rows for this many columns and lines. An end that stays in sight does so in less room too.
    pub fn fit(&mut self, width: usize, height: usize) {
        let was_at_end = self.is_at_end();
        self.measure(width);
        self.height = height;
        if self.follows && was_at_end {
            self.top = usize::MAX;
        }
        self.clamp();
    }

    /// How many rows it has in this many columns.
    pub fn measure(&mut self, width: usize) -> usize {
        if self.width != width {
            self.width = width;
            self.break_rows();
        }
        self.rows.len()
    }

    /// The columns of its longest line, unbroken.
    pub fn columns(&self) -> usize {
        self.source.iter().map(row_columns).max().unwrap_or(0)
    }

    fn break_rows(&mut self) {
        if self.width == 0 {
            return;
        }
        let was_at_end = self.is_at_end();
        self.rows = self.source.iter().flat_map(|row| broken(row, self.width)).collect();
        if self.follows && was_at_end {
            self.top = usize::MAX;
        }
        self.clamp();
    }

    fn last_top(&self) -> usize {
        self.rows.len().saturating_sub(self.height.max(1))
    }

    fn clamp(&mut self) {
        self.top = self.top.min(self.last_top());
    }

    fn is_at_end(&self) -> bool {
        self.top >= self.last_top()
    }

    /// Moves by so many rows; negative is up.
    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by);
        self.clamp();
    }

    /// Moves by almost a whole height, `1` down, `-1` up.
    pub fn turn(&mut self, direction: isize) {
        let by = self.height.saturating_sub(1).max(1);
        self.scroll(direction * isize::try_from(by).unwrap_or(1));
    }

    /// Goes to its top.
    pub fn go_to_top(&mut self) {
        self.top = 0;
    }

    /// Goes to its end.
    pub fn go_to_end(&mut self) {
        self.top = self.last_top();
    }

    /// The rows in sight.
    pub fn in_sight(&self) -> &[Row] {
        let end = (self.top + self.height).min(self.rows.len());
        &self.rows[self.top.min(end)..end]
    }

    /// How many rows it has at its width.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many rows are below those in sight.
    pub fn below(&self) -> usize {
        self.rows.len().saturating_sub(self.top + self.height)
    }

    /// How many rows are above those in sight.
    pub fn above(&self) -> usize {
        self.top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> String {
        (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_page_never_scrolls_past_its_ends() {
        let mut page = Page::of(&numbers(10));
        page.fit(20, 4);
        page.scroll(-3);
        assert_eq!((page.above(), page.below()), (0, 6));
        page.turn(1);
        assert_eq!((page.above(), page.below()), (3, 3));
        page.scroll(100);
        assert_eq!((page.above(), page.below(), page.in_sight().len()), (6, 0, 4));
        page.say("short");
        assert_eq!((page.above(), page.in_sight().len()), (0, 1));
        page.fit(20, 0);
        assert!(page.in_sight().is_empty());
    }

    #[test]
    fn the_end_of_an_output_stays_in_sight_unless_somebody_looks_further_up() {
        let mut page = Page::following();
        page.fit(20, 4);
        page.say(&numbers(10));
        assert_eq!(page.below(), 0);
        page.scroll(-2);
        page.say(&numbers(12));
        assert_eq!((page.above(), page.below()), (4, 4));
        page.go_to_end();
        page.say(&numbers(20));
        assert_eq!(page.below(), 0);
        page.fit(20, 2);
        assert_eq!((page.above(), page.below()), (18, 0), "in less room too");
        page.scroll(-2);
        page.fit(30, 1);
        assert_eq!(page.above(), 16);
    }
}
