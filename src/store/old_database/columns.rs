//! One row as texts, each capped, with what was odd about them.

use super::{OldDatabase, StoreResult, TEXT_CAP};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Row, params};

/// What is more than this is not even read.
const READ_CAP: usize = 16 << 20;

/// The most rows that are read for one run or thread.
pub(super) const ROWS_CAP: usize = 10_000;

/// The most bytes that are kept of those rows.
pub(super) const ROWS_BYTES: usize = 64 << 20;

/// The most oddities that are told of one run or thread.
const ODD_CAP: usize = 50;

/// Notes down what is odd, once, and not without end.
pub(super) fn tell(odd: &mut Vec<String>, what: String) {
    if odd.len() < ODD_CAP && !odd.contains(&what) {
        odd.push(what);
        if odd.len() == ODD_CAP - 1 {
            odd.push("More is odd about its rows than is told here".to_owned());
        }
    }
}

/// A row of a table, by the names of the columns that were asked for.
pub(super) struct Cells {
    columns: &'static [&'static str],
    texts: Vec<String>,
}

impl Cells {
    /// The text of a column.
    pub(super) fn text(&self, column: &str) -> String {
        let at = self.columns.iter().position(|name| *name == column);
        at.and_then(|at| self.texts.get(at)).cloned().unwrap_or_default()
    }

    /// The number in a column; 0 where it holds none.
    pub(super) fn number(&self, column: &str) -> i64 {
        self.text(column).trim().parse().unwrap_or(0)
    }
}

/// Which rows of which table.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub table: &'static str,
    pub columns: &'static [&'static str],
    /// The column that is compared, and with what.
    pub key: &'static str,
    pub is: &'a Value,
    pub order: &'static str,
}

impl OldDatabase {
    /// The rows that are asked for, at most [`ROWS_CAP`]; none where there is no such table. A column that the table
    /// does not have is empty. Oddities go to `odd`, as sentences.
    pub(super) fn cells(&self, ask: Ask<'_>, odd: &mut Vec<String>) -> StoreResult<Vec<Cells>> {
        if !self.tables.has_column(ask.table, ask.key) {
            return Ok(Vec::new());
        }
        let parts: Vec<_> = ask
            .columns
            .iter()
            .map(|column| {
                if self.tables.has_column(ask.table, column) {
                    format!(
                        "CASE WHEN octet_length(\"{column}\") > {READ_CAP} THEN NULL ELSE \"{column}\" END, octet_length(\"{column}\")"
                    )
                } else {
                    "'', 0".to_owned()
                }
            })
            .collect();
        let order = if self.tables.has_column(ask.table, ask.order) { ask.order } else { ask.key };
        let sql = format!(
            "SELECT {} FROM main.\"{}\" WHERE \"{}\" IS ?1 ORDER BY \"{order}\" LIMIT {}",
            parts.join(", "),
            ask.table,
            ask.key,
            ROWS_CAP + 1
        );
        let mut query = self.conn.prepare_cached(&sql).map_err(|e| self.failed(&e))?;
        let mut rows = query.query(params![ask.is]).map_err(|e| self.failed(&e))?;
        let mut found = Vec::new();
        let mut size = 0;
        while let Some(row) = rows.next().map_err(|e| self.failed(&e))? {
            if found.len() == ROWS_CAP {
                tell(odd, format!("{} has more than {ROWS_CAP} rows here; the rest was left out", ask.table));
                break;
            }
            if size > ROWS_BYTES {
                tell(
                    odd,
                    format!("{} has more than {ROWS_BYTES} bytes here; the rest was left out", ask.table),
                );
                break;
            }
            let texts = (0..ask.columns.len())
                .map(|at| text_at(row, at, (ask.table, ask.columns[at]), odd))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| self.failed(&e))?;
            size += texts.iter().map(String::len).sum::<usize>();
            found.push(Cells { columns: ask.columns, texts });
        }
        Ok(found)
    }
}

fn text_at(
    row: &Row<'_>,
    at: usize,
    (table, column): (&str, &str),
    odd: &mut Vec<String>,
) -> Result<String, rusqlite::Error> {
    let length: Option<i64> = row.get(at * 2 + 1)?;
    let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
        tell(odd, format!("{table}.{column} held nothing (NULL) where a text belongs"));
        return Ok(String::new());
    };
    let (mut text, is_odd) = match row.get_ref(at * 2)? {
        ValueRef::Null => {
            tell(odd, format!("{table}.{column} had {length} bytes and was left out"));
            return Ok(String::new());
        }
        ValueRef::Integer(number) => (number.to_string(), false),
        ValueRef::Real(number) => (number.to_string(), false),
        ValueRef::Text(bytes) => lossy(bytes),
        ValueRef::Blob(bytes) => (lossy(bytes).0, true),
    };
    if is_odd {
        tell(odd, format!("{table}.{column} was no clean text; what could not be read is marked in it"));
    }
    if text.len() > TEXT_CAP {
        let cut = (0..=TEXT_CAP).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
        text.push('…');
        tell(odd, format!("{table}.{column} had {length} bytes and was cut to {TEXT_CAP}"));
    }
    Ok(text)
}

/// The bytes as text; zero bytes, which no text holds, are marked by `?` like bytes that are no text.
fn lossy(bytes: &[u8]) -> (String, bool) {
    let text = String::from_utf8_lossy(bytes);
    let is_odd = matches!(text, std::borrow::Cow::Owned(_)) || text.contains('\0');
    if is_odd { (text.replace(['\0', '\u{fffd}'], "?"), true) } else { (text.into_owned(), false) }
}
