//! Databases of every kind, made by the library that reads them; the tests of the command make them by `sqlite3`.

use super::*;
use std::fs;

const SCHEMA: &str = include_str!("../../../fixtures/import/schema.sql");

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("temp") }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("metawsm.db")
    }

    /// A database with the old tables and these rows; the connection stays open, with the rows in its log.
    fn with(&self, rows: &str) -> Connection {
        let conn = Connection::open(self.path()).expect("made");
        conn.execute_batch(SCHEMA).expect("the tables");
        conn.execute_batch(rows).expect("the rows");
        conn
    }

    fn open(&self) -> StoreResult<OldDatabase> {
        OldDatabase::open(&self.path(), Duration::ZERO)
    }

    #[track_caller]
    fn refused(&self) -> String {
        self.open().expect_err("it is refused").to_string()
    }

    fn names(&self) -> Vec<String> {
        crate::sys::files::names_in(self.dir.path()).expect("listed")
    }
}

const ROW: &str = "INSERT INTO runs VALUES ('r-1', 'running', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '{}', '{}', '');";

#[test]
fn rows_that_are_only_in_the_log_are_read_and_nothing_is_made_beside_the_file() {
    let place = Place::new();
    let conn = place.with(ROW);
    let before = (place.names(), fs::read(place.path()).expect("read"));
    assert!(before.0.contains(&"metawsm.db-wal".to_owned()), "{before:?}");
    let old = place.open().expect("opened");
    assert_eq!(old.runs().expect("runs").len(), 1);
    drop(old);
    assert_eq!((place.names(), fs::read(place.path()).expect("read")), before);
    drop(conn);
    let before = place.names();
    assert_eq!(before, ["metawsm.db"]);
    assert_eq!(place.open().expect("opened").runs().expect("runs").len(), 1);
    assert_eq!(place.names(), before);
}

#[test]
fn what_is_no_database_of_the_first_program_says_why() {
    let place = Place::new();
    assert!(place.refused().ends_with("it does not exist"));
    fs::write(place.path(), "").expect("written");
    assert!(place.refused().ends_with("it is empty: no program has made a table in it"));
    fs::write(place.path(), "a text that is long enough to be something").expect("written");
    assert!(place.refused().ends_with("it is not an SQLite database"));
    fs::remove_file(place.path()).expect("removed");
    fs::create_dir(place.path()).expect("made");
    assert!(place.refused().ends_with("it is not a regular file"));
    fs::remove_dir(place.path()).expect("removed");
    let conn = Connection::open(place.path()).expect("made");
    conn.execute_batch(
        "CREATE TABLE runs (run_id TEXT); CREATE VIEW run_tickets AS SELECT 1 AS run_id, 2 AS ticket",
    )
    .expect("tables");
    drop(conn);
    let why = place.refused();
    assert!(
        why.contains("it is not a database of the first metawsm: it lacks the column runs.status, ")
            && why.ends_with("the table run_tickets"),
        "{why}"
    );
}

#[test]
fn a_database_that_is_cut_off_or_damaged_says_so() {
    let place = Place::new();
    drop(place.with(ROW));
    let whole = fs::read(place.path()).expect("read");
    fs::write(place.path(), &whole[..whole.len() / 2]).expect("written");
    assert!(place.refused().contains("it is cut off: it should have "), "{}", place.refused());
    let mut damaged = whole.clone();
    for byte in &mut damaged[4096..8192] {
        *byte = 0xa5;
    }
    fs::write(place.path(), &damaged).expect("written");
    assert!(place.refused().contains("it is damaged ("), "{}", place.refused());
    fs::write(place.path(), &whole[..60]).expect("written");
    assert!(place.open().is_err());
}

#[test]
fn a_later_schema_is_left_alone() {
    let place = Place::new();
    drop(place.with("INSERT INTO schema_migrations VALUES (3, '2027-01-01T00:00:00Z');"));
    let error = place.open().expect_err("newer");
    assert!(error.is_newer() && error.to_string().contains("has schema version 3"), "{error}");
    fs::remove_file(place.path()).expect("removed");
    drop(place.with("PRAGMA user_version = 9;"));
    assert!(place.open().expect_err("newer").is_newer());
}

#[test]
fn what_is_too_large_is_not_copied() {
    let place = Place::new();
    let file = fs::File::create(place.path()).expect("made");
    file.set_len(DATABASE_CAP + 1).expect("a hole");
    assert!(place.refused().contains("it has 2147483649 bytes, and at most 2147483648 are taken"));
}

#[test]
fn odd_columns_are_named_and_spoil_no_other() {
    let place = Place::new();
    let rows = "
        INSERT INTO runs VALUES (x'00ff', 7, 3.5, x'', '{}', '{}', '');
        INSERT INTO runs VALUES ('r-2', 'running', 'a' || char(0) || 'b', '', '{}', '{}', '');
        INSERT INTO run_briefs VALUES ('r-2', 'T', printf('%.*c', 10485760, 'x'), printf('%.*c', 17000000, 'y'), 'd', '', '',
            '', '', '');
        INSERT INTO run_tickets VALUES ('r-2', 'T-2');
        INSERT INTO run_tickets VALUES (x'00ff', 'T-1');";
    drop(place.with(rows));
    let old = place.open().expect("opened");
    let runs: Vec<_> =
        old.runs().expect("runs").into_iter().map(|row| old.run(row).expect("a run")).collect();
    assert_eq!(runs.len(), 2);
    let first = runs.iter().find(|run| run.tickets == ["T-1"]).expect("found by its odd id");
    assert_eq!((first.id.as_str(), first.status.as_str()), ("??", "7"));
    let second = runs.iter().find(|run| run.id == "r-2").expect("there");
    let brief = second.brief.as_ref().expect("a brief");
    assert_eq!(
        (brief.goal.len(), brief.scope.as_str(), brief.done_criteria.as_str()),
        (TEXT_CAP + '…'.len_utf8(), "", "d")
    );
    assert_eq!(
        second.odd,
        [
            "runs.created_at was no clean text; what could not be read is marked in it",
            "run_briefs.goal had 10485760 bytes and was cut to 1048576",
            "run_briefs.scope had 17000000 bytes and was left out",
        ]
    );
}

#[test]
fn null_where_a_text_belongs_is_named() {
    let place = Place::new();
    let conn = Connection::open(place.path()).expect("made");
    conn.execute_batch(
        "CREATE TABLE runs (run_id, status, created_at, updated_at, spec_json, policy_json, error_text);
         CREATE TABLE run_tickets (run_id, ticket);
         INSERT INTO runs (run_id) VALUES ('r-1');",
    )
    .expect("tables");
    drop(conn);
    let old = place.open().expect("opened");
    let run = old.run(old.runs().expect("runs")[0]).expect("a run");
    assert_eq!((run.id.as_str(), run.odd.len()), ("r-1", 6));
    assert_eq!(run.odd[0], "runs.status held nothing (NULL) where a text belongs");
    assert!(old.threads().expect("none").is_empty() && !old.has_forum());
}

#[test]
fn the_rows_of_one_run_are_read_up_to_a_size_and_their_oddities_told_once() {
    let place = Place::new();
    let rows = "DROP TABLE events; CREATE TABLE events (id INTEGER PRIMARY KEY, run_id, message, created_at);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)
          INSERT INTO events SELECT i, 'r-1', printf('%.*c', 1048576, 'x'), NULL FROM n;
        DROP TABLE steps; CREATE TABLE steps (run_id, step_index, kind, command_text, ticket, workspace_name);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
          INSERT INTO steps SELECT 'r-1', i, 'shell', zeroblob(1048577 + i), NULL, NULL FROM n;";
    drop(place.with(&[ROW, rows].concat()));
    let old = place.open().expect("opened");
    let run = old.run(old.runs().expect("runs")[0]).expect("read");
    assert_eq!(run.past.len(), 65, "about 64 MiB");
    assert!(run.odd.len() <= 50, "{}", run.odd.len());
    let is_told = |words: &str| run.odd.iter().filter(|odd| odd.contains(words)).count() == 1;
    assert!(is_told("steps.ticket held nothing") && is_told("More is odd"), "{:?}", run.odd);
}
