//! The decided runs that are still kept here. There may be as many as history has, so nothing here holds them all; only
//! their names.

use super::index::Fault;
use super::index_rows::{Decided, DecidedRow, Look};
use super::live::{Folder, Store};
use super::summary::Summary;
use super::sweep::key_of;
use super::{Entry, StoreError, StoreResult};
use crate::model::{Run, RunId, content_hash};
use rusqlite::{Connection, params};

impl Store {
    /// The ids of the decided runs that are kept here, sorted; also of those whose close was cut short before their
    /// directory moved.
    pub fn closed_ids(&self) -> StoreResult<Vec<RunId>> {
        let names = self.names(Folder::Closed)?;
        let mut ids: Vec<_> = names.iter().filter_map(|name| RunId::parse(name).ok()).collect();
        ids.extend(self.unarchived_runs()?.into_iter().map(|run| run.id));
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// Reads the record of each decided run that is kept here, one after the other, by name; also of those whose close
    /// was cut short before their directory moved.
    pub fn each_closed(&self, take: &mut dyn FnMut(Entry)) -> StoreResult<()> {
        for name in self.names(Folder::Closed)? {
            match self.closed_run(&name) {
                Ok(run) => run.into_iter().for_each(|run| take(Entry::Run(Box::new(run)))),
                Err(error) => take(Entry::broken(&name, &error)),
            }
        }
        self.unarchived_runs()?.into_iter().for_each(|run| take(Entry::Run(Box::new(run))));
        Ok(())
    }

    /// The decided run in the directory of this name; `None` where it was moved away meanwhile.
    pub(super) fn closed_run(&self, name: &str) -> StoreResult<Option<Run>> {
        if self.look(Folder::Closed, name)?.is_none() {
            return Ok(None);
        }
        let bytes = self.read_record(Folder::Closed, name)?;
        bytes.map(|bytes| self.run_of(Folder::Closed, name, &bytes)).transpose()
    }
}

/// What one look at one record came to.
enum Verdict {
    /// Its row stands.
    Stands,
    /// It was moved away meanwhile.
    Gone,
    /// Its row is to be this one.
    Changed { mark: String, look: Look, entry: Entry<Summary> },
}

/// Whether the rows are exactly those of the records in the directories of these names. A row that says the right thing
/// of a record that was young when it was made is no proof later on; it counts where it was just `renewed`.
pub(super) fn is_current(
    store: &Store,
    conn: &Connection,
    names: &[String],
    renewed: bool,
) -> Result<bool, Fault> {
    let mut stand = 0_i64;
    for name in names {
        match judge(store, conn, name, renewed)? {
            Verdict::Stands => stand += 1,
            Verdict::Gone => {}
            Verdict::Changed { .. } => return Ok(false),
        }
    }
    Ok(count(conn)? == stand)
}

/// Makes the rows exactly those of the records in the directories of these names.
pub(super) fn bring_up(store: &Store, conn: &Connection, names: &[String]) -> Result<(), Fault> {
    let mut drop = conn.prepare("DELETE FROM closed WHERE id = ?1 AND path = ?2")?;
    let mut kept = 0_i64;
    for name in names {
        let path = key_of(Folder::Closed, name);
        match judge(store, conn, name, false)? {
            Verdict::Stands => kept += 1,
            Verdict::Gone => {
                drop.execute(params![name, path])?;
            }
            Verdict::Changed { mark, look, entry } => {
                drop.execute(params![name, path])?;
                Decided::Closed.put(conn, (&path, name), (&mark, look), &entry)?;
                kept += 1;
            }
        }
    }
    if count(conn)? != kept {
        drop_others(conn, names)?;
    }
    if count(conn)? == kept { Ok(()) } else { Err(Fault::Damaged("a record has two rows".to_owned())) }
}

fn drop_others(conn: &Connection, names: &[String]) -> Result<(), Fault> {
    let mut others = Vec::new();
    let mut ask = conn.prepare("SELECT id FROM closed")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        if names.binary_search(&id).is_err() {
            others.push(id);
        }
    }
    let mut drop = conn.prepare("DELETE FROM closed WHERE id = ?1")?;
    for id in others {
        drop.execute([id])?;
    }
    Ok(())
}

fn count(conn: &Connection) -> Result<i64, Fault> {
    Ok(conn.prepare_cached("SELECT count(*) FROM closed")?.query_row([], |row| row.get(0))?)
}

fn judge(store: &Store, conn: &Connection, name: &str, renewed: bool) -> Result<Verdict, Fault> {
    let mut ask = conn.prepare_cached("SELECT * FROM closed WHERE id = ?1 AND path = ?2")?;
    let mut rows = ask.query(params![name, key_of(Folder::Closed, name)])?;
    let found = rows.next()?;
    let row = found.map(DecidedRow::at).transpose()?.flatten().map(|(row, _)| row);
    Ok(compared(store, name, row.as_ref(), renewed))
}

fn compared(store: &Store, name: &str, row: Option<&DecidedRow<'_>>, renewed: bool) -> Verdict {
    let unreadable = |error: &StoreError| {
        let entry = Entry::broken(name, error);
        let stands = row.is_some_and(|row| row.mark.is_empty() && row.entry().as_ref() == Some(&entry));
        let changed = || Verdict::Changed { mark: String::new(), look: Look::default(), entry };
        if stands { Verdict::Stands } else { changed() }
    };
    let look = match store.look(Folder::Closed, name) {
        Ok(Some(look)) => look,
        Ok(None) => return Verdict::Gone,
        Err(error) => return unreadable(&error),
    };
    if row.is_some_and(|row| !row.mark.is_empty() && row.look.proves(&look)) {
        return Verdict::Stands;
    }
    let bytes = match store.read_record(Folder::Closed, name) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Verdict::Gone,
        Err(error) => return unreadable(&error),
    };
    let mark = content_hash(&bytes);
    // A row that would still not be proof is not worth a write.
    if (renewed || look.is_racy()) && row.is_some_and(|row| row.mark == mark) {
        return Verdict::Stands;
    }
    let entry = match store.run_of(Folder::Closed, name, &bytes) {
        Ok(run) => Entry::Run(Box::new(Summary::of(&run))),
        Err(error) => Entry::broken(name, &error),
    };
    Verdict::Changed { mark, look, entry }
}
