//! What the index knows of threads, so that those that did not change are not read again.
//!
//! An event never changes and is named by its content: the names of a thread's live files and the id of its published
//! tree say together what it is. Each row is sealed; a row that is missing or does not fit is read anew. Questions
//! that only concern threads in which somebody waits do not look at the rest of history: for them the rows of
//! published threads in which somebody waits are sealed together, with the id of the tree that they were made from.

use super::index::Fault;
use super::{Store, ThreadFiles};
use crate::model::{Thread, ThreadId, sha256_hex};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;

/// Made when the first row is written, in whatever index there is.
const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS threads(id TEXT PRIMARY KEY, live TEXT NOT NULL, tree TEXT NOT NULL,
    waits INTEGER NOT NULL, said TEXT NOT NULL, seal TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS threads_wait ON threads(waits, tree);";

/// What was read of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRow {
    /// The thread.
    pub id: ThreadId,
    /// Which live files, as [`ThreadFiles::seal`] says; empty where there are none.
    pub live: String,
    /// The id of the published tree; empty where there is none.
    pub tree: String,
    /// The thread; `None` where nothing opens it.
    pub thread: Option<Thread>,
    /// What could not be used, as sentences.
    pub odd: Vec<String>,
}

impl ThreadFiles {
    /// A short text that is another one for other files.
    pub fn seal(&self) -> String {
        let mut hash = sha256_hex(format!("{}\n{}", self.month, self.names.join("\n")).as_bytes());
        hash.truncate(32);
        hash
    }
}

impl ThreadRow {
    fn waits(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| thread.state.waits())
    }

    /// The columns, the seal last; `None` where they would not come back the same.
    fn columns(&self) -> Option<(String, String)> {
        let said = serde_json::to_string(&(&self.thread, &self.odd)).ok()?;
        let seal = seal_of(&[self.id.as_str(), &self.live, &self.tree, flag(self.waits()), &said]);
        Some((said, seal))
    }

    /// The row and its seal, where that fits.
    fn at(row: &Row<'_>) -> rusqlite::Result<Option<(Self, String)>> {
        let text = |at: usize| row.get::<_, String>(at);
        let (id, live, tree, said, seal) = (text(0)?, text(1)?, text(2)?, text(4)?, text(5)?);
        let waits: bool = row.get(3)?;
        if seal != seal_of(&[&id, &live, &tree, flag(waits), &said]) {
            return Ok(None);
        }
        let said: Option<(Option<Thread>, Vec<String>)> = serde_json::from_str(&said).ok();
        let row = said.zip(ThreadId::parse(&id).ok());
        Ok(row.map(|((thread, odd), id)| (Self { id, live, tree, thread, odd }, seal)))
    }
}

fn flag(waits: bool) -> &'static str {
    if waits { "1" } else { "0" }
}

fn seal_of(parts: &[&str]) -> String {
    sha256_hex(parts.join("\0").as_bytes())
}

fn has_table(conn: &Connection) -> Result<bool, Fault> {
    let ask = "SELECT 1 FROM sqlite_schema WHERE name = 'threads'";
    Ok(conn.query_row(ask, [], |_| Ok(())).optional()?.is_some())
}

const WAITING: &str = "SELECT * FROM threads WHERE waits = 1 AND tree <> '' ORDER BY id";

/// The published threads in which somebody waits, sealed together.
fn head_of(tree: &str, seals: &[String]) -> String {
    format!("{tree} {}", sha256_hex(seals.join(" ").as_bytes()))
}

fn is_of(head: &str, tree: &str) -> bool {
    head.split(' ').next() == Some(tree)
}

fn head(conn: &Connection) -> Result<Option<String>, Fault> {
    let ask = "SELECT value FROM meta WHERE key = 'threads'";
    Ok(conn.query_row(ask, [], |row| row.get(0)).optional()?)
}

fn put_head(conn: &Connection, tree: &str) -> Result<(), Fault> {
    let mut ask = conn.prepare("SELECT seal FROM threads WHERE waits = 1 AND tree <> '' ORDER BY id")?;
    let seals = ask.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let head = head_of(tree, &seals);
    conn.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('threads', ?1)", [head])?;
    Ok(())
}

impl Store {
    /// The rows of threads after one id and up to another one (`None`: to the end), as far as they are good.
    pub fn known_threads(&self, after: &str, to: Option<&ThreadId>) -> BTreeMap<ThreadId, ThreadRow> {
        let ask = |conn: &Connection| {
            let mut found = BTreeMap::new();
            if !has_table(conn)? {
                return Ok(found);
            }
            let mut ask = conn.prepare("SELECT * FROM threads WHERE id > ?1 AND (?2 IS NULL OR id <= ?2)")?;
            let mut rows = ask.query(params![after, to.map(ThreadId::as_str)])?;
            while let Some(row) = rows.next()? {
                if let Some((row, _)) = ThreadRow::at(row)? {
                    found.insert(row.id.clone(), row);
                }
            }
            Ok(found)
        };
        self.index().read(ask).unwrap_or_default()
    }

    /// The rows of live threads, and of all published ones in which somebody waits, where the index was filled from
    /// this tree; else `None`.
    pub fn known_waiting(&self, tree: &str) -> Option<BTreeMap<ThreadId, ThreadRow>> {
        let ask = |conn: &Connection| -> Result<Option<BTreeMap<ThreadId, ThreadRow>>, Fault> {
            if !has_table(conn)? {
                return Ok(None);
            }
            let mut found = BTreeMap::new();
            let mut seals = Vec::new();
            let mut ask = conn.prepare(WAITING)?;
            let mut rows = ask.query([])?;
            while let Some(row) = rows.next()? {
                let Some((row, seal)) = ThreadRow::at(row)? else { return Ok(None) };
                seals.push(seal);
                found.insert(row.id.clone(), row);
            }
            if head(conn)? != Some(head_of(tree, &seals)) {
                return Ok(None);
            }
            let mut ask = conn.prepare("SELECT * FROM threads WHERE live <> ''")?;
            let mut rows = ask.query([])?;
            while let Some(row) = rows.next()? {
                if let Some((row, _)) = ThreadRow::at(row)? {
                    found.insert(row.id.clone(), row);
                }
            }
            Ok(Some(found))
        };
        self.index().read(ask).ok().flatten()
    }

    /// Keeps these rows and forgets those; what goes wrong is of no account. `tree` is the one that [`Store::known_waiting`]
    /// was asked for and answered: then the rows are of it still.
    pub fn keep_threads(&self, fresh: &[ThreadRow], gone: &[ThreadId], tree: Option<&str>) {
        if self.is_frozen() || !self.exists() || fresh.is_empty() && gone.is_empty() {
            return;
        }
        self.index().write(|conn| {
            conn.execute_batch(TABLE)?;
            let mut put = conn.prepare("INSERT OR REPLACE INTO threads VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?;
            for row in fresh {
                if let Some((said, seal)) = row.columns() {
                    put.execute(params![row.id.as_str(), row.live, row.tree, row.waits(), said, seal])?;
                }
            }
            let mut forget = conn.prepare("DELETE FROM threads WHERE id = ?1")?;
            for id in gone {
                forget.execute([id.as_str()])?;
            }
            let same = head(conn)?.filter(|head| tree.is_some_and(|tree| is_of(head, tree)));
            match (same, tree) {
                (Some(_), Some(tree)) => put_head(conn, tree),
                // Nobody has compared the rows with a tree.
                _ => Ok(conn.execute("DELETE FROM meta WHERE key = 'threads'", []).map(drop)?),
            }
        });
    }

    /// Notes that the rows are those of this tree, if they are: `published` holds each thread and its own tree,
    /// by id.
    pub fn seal_threads(&self, tree: &str, published: &[(&str, &str)]) {
        if self.is_frozen() || !self.exists() {
            return;
        }
        self.index().write(|conn| {
            conn.execute_batch(TABLE)?;
            let mut ask = conn.prepare("SELECT id, tree FROM threads WHERE tree <> '' ORDER BY id")?;
            let mut rows = ask.query([])?;
            let mut expected = published.iter().copied();
            while let Some(row) = rows.next()? {
                let (id, own): (String, String) = (row.get(0)?, row.get(1)?);
                if expected.next() != Some((id.as_str(), own.as_str())) {
                    return Err(Fault::Unusable("the rows are not those of the tree".to_owned()));
                }
            }
            if expected.next().is_some() {
                return Err(Fault::Unusable("rows are missing".to_owned()));
            }
            put_head(conn, tree)
        });
    }
}
