//! Reading all records of a place, through the index where it is good and from the files where it is not.

use super::index::Index;
use super::index_rows::{LiveRow, Look, Packed, PublishedRow};
use super::live::{Folder, RECORD, Store, understand};
use super::{Entry, StoreError, StoreResult};
use crate::model::{RunId, content_hash};
use crate::sys::files::TEMP_PREFIX;
use crate::sys::{SysError, clock, files};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// More than any record that we write; published records come from others.
const RECORD_CAP: usize = 4 << 20;

/// What a record says, and the row for the index where the one it has does not stand.
type Seen = (Entry, Option<LiveRow>);

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
            if let Some((entry, row)) = self.look_at(folder, name, rows.remove(&key)) {
                entries.push(entry);
                fresh.extend(row);
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
        if let Ok(Some(rows)) = self.index().published_of(tree_id)
            && let Some(mut entries) = rows.iter().map(|row| row.packed.entry()).collect::<Option<Vec<_>>>()
        {
            Entry::newest_first(&mut entries);
            return Ok(entries);
        }
        let texts = read().map_err(StoreError::Published)?;
        let mut known = self.index().published_known();
        let mut entries = Vec::with_capacity(texts.len());
        let mut rows = Vec::with_capacity(texts.len());
        let mut keeps = self.exists() && !self.is_frozen();
        for (path, bytes) in texts {
            let hash = content_hash(&bytes);
            let row = known.remove(&path).filter(|row| row.hash == hash);
            let entry = row.as_ref().and_then(|row| row.packed.entry());
            let entry = entry.unwrap_or_else(|| published(&path, &bytes));
            let row = row.or_else(|| Some(PublishedRow { packed: Packed::of(&entry)?, path, hash }));
            keeps &= row.is_some();
            rows.extend(row);
            entries.push(entry);
        }
        if keeps {
            self.index().put_published(tree_id, &rows);
        }
        Entry::newest_first(&mut entries);
        Ok(entries)
    }
}

fn published(path: &str, bytes: &[u8]) -> Entry {
    let file = Path::new(path);
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or(path);
    let broken = |why: &str| StoreError::Broken { path: file.to_owned(), why: why.to_owned() };
    let run = if bytes.len() > RECORD_CAP {
        Err(broken("it is too large to be a record"))
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8 text"));
        text.and_then(|text| understand(file, stem, text))
    };
    run.map_or_else(|e| Entry::broken(stem, &e), |run| Entry::Run(Box::new(run)))
}

impl Store {
    /// One look at one record; `None` where it was moved away meanwhile.
    fn look_at(&self, folder: Folder, name: &str, row: Option<LiveRow>) -> Option<Seen> {
        let dir = self.folder(folder).join(name);
        let path = dir.join(RECORD);
        let broken = |error: &StoreError| Some((Entry::broken(name, error), None));
        let foreign = |why: &str| broken(&StoreError::Broken { path: path.clone(), why: why.to_owned() });
        let Ok(id) = RunId::parse(name) else { return foreign("the name of its directory is no run id") };
        let seen_ns = i64::try_from(clock::precise().as_nanosecond()).unwrap_or(0);
        let look = match path.symlink_metadata() {
            Ok(meta) if meta.is_file() => Look::of(&meta, seen_ns),
            Ok(_) => return foreign("it is not a regular file"),
            // Moved away, or moved away and its directory made again by a wrapper that outlived the close.
            Err(_) if self.place_of(&id).is_none_or(|place| place != dir) => return None,
            Err(e) => return broken(&SysError::file("read", &path, e).into()),
        };
        if let Some(row) = row.as_ref().filter(|row| row.look.proves(&look))
            && let Some(entry) = row.packed.entry()
        {
            return Some((entry, None));
        }
        let bytes = match read_capped(&path) {
            Ok(bytes) => bytes,
            Err(_) if !dir.is_dir() => return None,
            Err(error) => return broken(&error),
        };
        let hash = content_hash(&bytes);
        if let Some(row) = row.filter(|row| row.hash == hash)
            && let Some(entry) = row.packed.entry()
        {
            // A row that would still not be proof is not worth a write.
            return Some((entry, (!look.is_racy()).then_some(LiveRow { look, ..row })));
        }
        let Ok(text) = std::str::from_utf8(&bytes) else { return foreign("it is not UTF-8 text") };
        let entry = match understand(&path, name, text) {
            Ok(run) => Entry::Run(Box::new(run)),
            Err(error) => return broken(&error),
        };
        let key = format!("{}/{name}/{RECORD}", folder.name());
        let row = Packed::of(&entry).map(|packed| LiveRow { path: key, look, hash, packed });
        Some((entry, row))
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
