//! Which tables and columns the copy has, and whether they are those of the first metawsm.

use super::{StoreError, StoreResult, refused};
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Tables without which it is the database of another program, with the columns that they must have.
const NEEDED: [(&str, &[&str]); 2] = [
    ("runs", &["run_id", "status", "created_at", "updated_at", "spec_json", "policy_json", "error_text"]),
    ("run_tickets", &["run_id", "ticket"]),
];

/// Tables in which rows are looked up by a column that they have no index for.
const LOOKED_UP: [(&str, &str); 8] = [
    ("events", "run_id"),
    ("guidance_requests", "run_id"),
    ("steps", "run_id"),
    ("agents", "run_id"),
    ("run_pull_requests", "run_id"),
    ("run_review_feedback", "run_id"),
    ("forum_events", "thread_id"),
    ("forum_posts", "event_id"),
];

/// The tables of the database with their columns.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<String, BTreeSet<String>>);

impl Tables {
    /// Whether there is such a table.
    pub(super) fn has(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// Whether a table has a column.
    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.contains(column))
    }
}

/// Opens the copy at `place` of the database at `path`, checked.
pub(super) fn opened(path: &Path, place: &Path) -> StoreResult<(Connection, Tables)> {
    let damaged = |e: rusqlite::Error| {
        refused(path, format!("it is damaged ({e}); sqlite3's .recover may save what is left"))
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(place, flags).map_err(damaged)?;
    // The schema is foreign too: nothing that it names may run.
    let safe = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA synchronous=OFF";
    conn.execute_batch(safe).map_err(damaged)?;
    let said: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(damaged)?;
    if said != "ok" {
        let said: String = crate::model::plain_line(&said).chars().take(200).collect();
        return Err(refused(
            path,
            format!("it is damaged ({said}); sqlite3's .recover may save what is left"),
        ));
    }
    let tables = tables(&conn).map_err(damaged)?;
    require_ours(path, &tables)?;
    require_known(path, &conn, &tables).map_err(damaged)??;
    for (table, column) in LOOKED_UP.iter().filter(|(table, column)| tables.has_column(table, column)) {
        let make = format!("CREATE INDEX main.\"import_of_{table}\" ON \"{table}\"(\"{column}\")");
        conn.execute_batch(&make).map_err(damaged)?;
    }
    Ok((conn, tables))
}

/// Plain tables only: a view, a virtual table or a computed column would run what somebody else wrote.
fn tables(conn: &Connection) -> Result<Tables, rusqlite::Error> {
    let mut ask =
        conn.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")?;
    let names = ask.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut tables = BTreeMap::new();
    for name in names {
        let mut ask = conn.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")?;
        let columns = ask.query_map([&name], |row| row.get::<_, String>(0))?;
        let columns = columns.collect::<Result<BTreeSet<_>, _>>()?;
        tables.insert(name, columns);
    }
    Ok(Tables(tables))
}

fn require_ours(path: &Path, tables: &Tables) -> StoreResult<()> {
    let mut missing = Vec::new();
    for (table, columns) in NEEDED {
        if !tables.has(table) {
            missing.push(format!("the table {table}"));
            continue;
        }
        let absent = columns.iter().filter(|column| !tables.has_column(table, column));
        missing.extend(absent.map(|column| format!("the column {table}.{column}")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!("it is not a database of the first metawsm: it lacks {}", missing.join(", "));
    Err(refused(path, why))
}

/// No version of the first metawsm ever numbered its schema: one that does came later.
fn require_known(
    path: &Path,
    conn: &Connection,
    tables: &Tables,
) -> Result<StoreResult<()>, rusqlite::Error> {
    let mut version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if tables.has_column("schema_migrations", "version") {
        let ask = "SELECT CAST(COALESCE(max(version), 0) AS INTEGER) FROM main.schema_migrations";
        version = version.max(conn.query_row(ask, [], |row| row.get(0))?);
    }
    Ok(if version > 0 { Err(StoreError::NewerDatabase { path: path.to_owned(), version }) } else { Ok(()) })
}
