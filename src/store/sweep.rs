//! Reading all records of a place, through the index where it is good and from the files where it is not.

use super::index::Index;
use super::index_rows::{LiveRow, Look, PublishedRow, packed};
use super::live::{Folder, RECORD, Store, understand};
use super::{Entry, StoreError, StoreResult};
use crate::model::{RECORD_FORMAT, Run, RunId, content_hash};
use crate::sys::files::TEMP_PREFIX;
use crate::sys::{SysError, clock, files};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// More than any record that we write; published records come from others.
const RECORD_CAP: usize = 4 << 20;

/// One look at one record.
enum Seen {
    /// The row of the index stands.
    Known(Box<Run>),
    /// It was read; the row is for the index, where the record may be kept there.
    Read(Entry, Option<LiveRow>),
    /// It was moved away meanwhile.
    Gone,
}

impl Store {
    /// The index of this store.
    pub fn index(&self) -> Index {
        Index::of(self.common_dir())
    }

    /// Every record in a place, newest first, what is broken last.
    pub(super) fn sweep(&self, folder: Folder) -> StoreResult<Vec<Entry>> {
        let dir = self.folder(folder);
        let mut names = files::names_in(&dir)?;
        names.retain(|n| !n.starts_with(TEMP_PREFIX));
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = self.index().live_rows(folder.name()).unwrap_or_default();
        let mut entries = Vec::with_capacity(names.len());
        let mut fresh = Vec::new();
        for name in &names {
            let key = format!("{}/{name}/{RECORD}", folder.name());
            match look_at(&dir.join(name), name, key.clone(), rows.remove(&key)) {
                Seen::Known(run) => entries.push(Entry::Run(run)),
                Seen::Read(entry, row) => {
                    entries.push(entry);
                    fresh.extend(row);
                }
                Seen::Gone => {}
            }
        }
        let gone: Vec<String> = rows.into_keys().collect();
        if !(self.is_frozen() || fresh.is_empty() && gone.is_empty()) {
            self.index().put_live(&fresh, &gone);
        }
        Entry::newest_first(&mut entries);
        Ok(entries)
    }

    /// The published runs of base, newest first, what is broken last. `tree_id` is the id of base's records tree;
    /// where the index holds its rows nothing is read, else `read` is called once and gives path and bytes of
    /// every record.
    pub fn published_runs(
        &self,
        tree_id: &str,
        read: &mut dyn FnMut() -> Result<Vec<(String, Vec<u8>)>, String>,
    ) -> StoreResult<Vec<Entry>> {
        if let Ok(Some(rows)) = self.index().published_of(tree_id) {
            return Ok(rows.into_iter().map(|row| Entry::Run(Box::new(row.run))).collect());
        }
        let texts = read().map_err(StoreError::Published)?;
        let mut known = self.index().published_known();
        let mut entries = Vec::new();
        let mut rows = Vec::new();
        let mut all_fit = true;
        for (path, bytes) in texts {
            match published(&path, &bytes, &mut known) {
                Ok(row) => {
                    all_fit &= row.run.format == RECORD_FORMAT && packed(&row.run).is_some();
                    rows.push(row);
                }
                Err(entry) => {
                    all_fit = false;
                    entries.push(entry);
                }
            }
        }
        // A set with a broken or newer record is read each time, so that the record is named each time.
        if all_fit && self.exists() && !self.is_frozen() {
            self.index().put_published(tree_id, &rows);
        }
        entries.extend(rows.into_iter().map(|row| Entry::Run(Box::new(row.run))));
        Entry::newest_first(&mut entries);
        Ok(entries)
    }
}

fn published(
    path: &str,
    bytes: &[u8],
    known: &mut HashMap<String, PublishedRow>,
) -> Result<PublishedRow, Entry> {
    let hash = content_hash(bytes);
    if let Some(row) = known.remove(path).filter(|row| row.hash == hash) {
        return Ok(row);
    }
    let file = Path::new(path);
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or(path);
    let broken = |why: &str| StoreError::Broken { path: file.to_owned(), why: why.to_owned() };
    let run = if bytes.len() > RECORD_CAP {
        Err(broken("it is too large to be a record"))
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8 text"));
        text.and_then(|text| understand(file, stem, text))
    };
    let run = run.map_err(|e| Entry::broken(stem, &e))?;
    Ok(PublishedRow { path: path.to_owned(), hash, run })
}

fn look_at(dir: &Path, name: &str, key: String, row: Option<LiveRow>) -> Seen {
    let path = dir.join(RECORD);
    let broken = |why: &str| {
        let error = StoreError::Broken { path: path.clone(), why: why.to_owned() };
        Seen::Read(Entry::broken(name, &error), None)
    };
    if RunId::parse(name).is_err() {
        return broken("the name of its directory is no run id");
    }
    let seen_ns = i64::try_from(clock::precise().as_nanosecond()).unwrap_or(0);
    let look = match path.symlink_metadata() {
        Ok(meta) if meta.is_file() => Look::of(&meta, seen_ns),
        Ok(_) => return broken("it is not a regular file"),
        Err(_) if !dir.is_dir() => return Seen::Gone,
        Err(e) => return Seen::Read(Entry::broken(name, &SysError::file("read", &path, e).into()), None),
    };
    if let Some(row) = row.as_ref().filter(|row| row.look.proves(&look)) {
        return Seen::Known(Box::new(row.run.clone()));
    }
    let bytes = match read_capped(&path) {
        Ok(bytes) => bytes,
        Err(_) if !dir.is_dir() => return Seen::Gone,
        Err(error) => return Seen::Read(Entry::broken(name, &error), None),
    };
    let hash = content_hash(&bytes);
    if let Some(row) = row.filter(|row| row.hash == hash) {
        let settled = !look.is_racy();
        let entry = Entry::Run(Box::new(row.run.clone()));
        return Seen::Read(entry, settled.then_some(LiveRow { look, ..row }));
    }
    let Ok(text) = std::str::from_utf8(&bytes) else { return broken("it is not UTF-8 text") };
    match understand(&path, name, text) {
        Ok(run) => {
            let keeps = run.format == RECORD_FORMAT && packed(&run).is_some();
            let row = keeps.then(|| LiveRow { path: key, look, hash, run: run.clone() });
            Seen::Read(Entry::Run(Box::new(run)), row)
        }
        Err(error) => Seen::Read(Entry::broken(name, &error), None),
    }
}

fn read_capped(path: &Path) -> StoreResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| SysError::file("read", path, e))?;
    let cap = RECORD_CAP as u64 + 1;
    file.take(cap).read_to_end(&mut bytes).map_err(|e| SysError::file("read", path, e))?;
    if bytes.len() > RECORD_CAP {
        let why = "it is too large to be a record".to_owned();
        return Err(StoreError::Broken { path: path.to_owned(), why });
    }
    Ok(bytes)
}
