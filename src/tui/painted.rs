//! Text as `render` paints it, taken apart into stretches of one look, and broken into rows that fit.

use crate::render::{Paint, columns};

/// A stretch of text in one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The look; `None` is plain.
    pub paint: Option<Paint>,
    /// The text.
    pub text: String,
}

/// One row of a page.
pub(super) type Row = Vec<Stretch>;

/// How far apart tab stops are.
const TAB: usize = 8;

/// The rows of a painted text. Only what `render` itself paints is understood: everything foreign in it is escaped.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let mut paint = None;
    text.lines().map(|line| row(line, &mut paint)).collect()
}

fn row(line: &str, paint: &mut Option<Paint>) -> Row {
    let (mut row, mut part, mut taken) = (Row::new(), String::new(), 0);
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if let Some((look, after)) = look(rest) {
            push(&mut row, *paint, std::mem::take(&mut part));
            (*paint, rest) = (look, after);
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c == '\t' {
            let blanks = TAB - taken % TAB;
            part.extend(std::iter::repeat_n(' ', blanks));
            taken += blanks;
        } else {
            taken += width(c);
            part.push(c);
        }
    }
    push(&mut row, *paint, part);
    row
}

fn push(row: &mut Row, paint: Option<Paint>, text: String) {
    if text.is_empty() {
        return;
    }
    match row.last_mut() {
        Some(last) if last.paint == paint => last.text.push_str(&text),
        _ => row.push(Stretch { paint, text }),
    }
}

/// The look that begins here, and what follows it.
fn look(text: &str) -> Option<(Option<Paint>, &str)> {
    let (code, after) = text.strip_prefix("\x1b[")?.split_once('m')?;
    let look = match code {
        "0" => None,
        "1" => Some(Paint::Bold),
        "2" => Some(Paint::Dim),
        "31" => Some(Paint::Bad),
        "32" => Some(Paint::Good),
        "33" => Some(Paint::Warn),
        _ => return None,
    };
    Some((look, after))
}

fn width(c: char) -> usize {
    columns(c.encode_utf8(&mut [0; 4]))
}

/// How many columns a row takes.
pub(super) fn row_columns(row: &Row) -> usize {
    row.iter().map(|part| columns(&part.text)).sum()
}

/// A row in rows of at most `limit` columns: broken at blanks where that does not waste half of one; what follows stands
/// a little further in than the first, so that one sees where a row begins.
pub(super) fn broken(row: &Row, limit: usize) -> Vec<Row> {
    let limit = limit.max(4);
    if row_columns(row) <= limit {
        return vec![row.clone()];
    }
    let cells: Vec<(char, Option<Paint>)> =
        row.iter().flat_map(|part| part.text.chars().map(|c| (c, part.paint))).collect();
    let indent = (cells.iter().take_while(|(c, _)| *c == ' ').count() + 2).min(limit / 2);
    let (mut rows, mut from) = (Vec::new(), 0);
    while from < cells.len() {
        let inset = if rows.is_empty() { 0 } else { indent };
        let end = from + end_of(&cells[from..], limit - inset);
        let mut next = Row::new();
        push(&mut next, None, " ".repeat(inset));
        for (c, paint) in &cells[from..end] {
            push(&mut next, *paint, c.to_string());
        }
        rows.push(next);
        from = end;
        while from < cells.len() && cells[from].0 == ' ' {
            from += 1;
        }
    }
    rows
}

/// How many cells go into a row of so many columns.
fn end_of(cells: &[(char, Option<Paint>)], limit: usize) -> usize {
    let (mut taken, mut blank) = (0, None);
    for (index, (c, _)) in cells.iter().enumerate() {
        taken += width(*c);
        if taken > limit && *c == ' ' {
            return index;
        }
        if taken > limit {
            return blank.filter(|at| *at > limit / 2).unwrap_or(index.max(1));
        }
        if *c == ' ' {
            blank = Some(index);
        }
    }
    cells.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|row| row.iter().map(|part| part.text.as_str()).collect()).collect()
    }

    #[test]
    fn what_is_painted_is_taken_apart_and_nothing_else_is_believed() {
        let rows = rows("\x1b[1mrun\x1b[0m  \x1b[33mneeds you:\x1b[0m x\ny\\x1b[31m");
        let stretch = |paint, text: &str| Stretch { paint, text: text.to_owned() };
        assert_eq!(
            rows[0],
            [
                stretch(Some(Paint::Bold), "run"),
                stretch(None, "  "),
                stretch(Some(Paint::Warn), "needs you:"),
                stretch(None, " x")
            ]
        );
        assert_eq!(rows[1], [stretch(None, "y\\x1b[31m")]);
        assert_eq!(plain(&super::rows("a\tb")), ["a       b"]);
    }

    #[test]
    fn rows_break_at_blanks_and_keep_their_inset() {
        let of = |text: &str, limit| plain(&broken(&rows(text)[0], limit));
        assert_eq!(of("  one two three", 9), ["  one two", "    three"]);
        assert_eq!(of("abcdefghij", 6), ["abcdef", "  ghij"]);
        assert_eq!(of("漢字漢字", 5), ["漢字", "  漢", "  字"]);
        for limit in 4..30 {
            for row in broken(&rows("   a漢b字c e\u{301} שלום a-very-long-word-that-is-cut")[0], limit)
            {
                assert!(row_columns(&row) <= limit, "{limit}: {row:?}");
            }
        }
        assert_eq!(of(&"x".repeat(10_000), 80).len(), 129);
    }
}
