//! The forum's live files: `forum/<yyyy-mm>/<thread-id>/<event-id>.toml`, each written once and never changed.
//!
//! A new thread needs no lock, because nobody else knows its id. What is added to a thread is added under the lock of
//! that thread, so that a move that was allowed here still is when it lies there. The locks are a handful of files
//! for all threads: lock files are never unlinked, and threads are many.

use super::forum_event::{EVENT_CAP, event_bytes, parse_event};
use super::{Store, StoreError, StoreResult};
use crate::model::{FiledEvent, ForumEvent, ThreadId, sha256_hex};
use crate::sys::{SysError, clock, files, lock, random};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The end of the name of an event's file.
const SUFFIX: &str = ".toml";

/// The events of one thread in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadFiles {
    /// The thread.
    pub id: ThreadId,
    /// The month of its directory, `yyyy-mm`.
    pub month: String,
    /// Its files, without `.toml`, sorted.
    pub names: Vec<String>,
}

impl ThreadFiles {
    /// Where the file of this name is published.
    pub fn published_path(&self, name: &str) -> String {
        format!("{}/{}/{}/{name}{SUFFIX}", FORUM_TREE, self.month, self.id)
    }
}

/// Where published threads lie in a tree.
pub const FORUM_TREE: &str = ".metawsm/forum";

/// The name of an event's file without its ending; `None` for what is no event.
pub fn event_name(file: &str) -> Option<&str> {
    file.strip_suffix(SUFFIX).filter(|name| !name.starts_with('.'))
}

/// Whether a name is a month of the forum.
pub fn is_month(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    name.split_once('-').is_some_and(|(y, m)| y.len() == 4 && m.len() == 2 && digits(y) && digits(m))
}

/// Whether a directory lies there, and no link to one: a link may lead anywhere.
pub(super) fn is_real_dir(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
}

/// An id for a new thread, and the month it belongs to.
pub fn new_thread_id() -> StoreResult<ThreadId> {
    let text = format!("fthr-{}-{}", clock::compact(clock::now()), random::base32(8));
    ThreadId::parse(&text).map_err(|e| StoreError::Event { thread: text, why: e.to_string() })
}

/// The month in the id of a thread that we made.
pub fn month_of(id: &ThreadId) -> Option<String> {
    let date = id.as_str().strip_prefix("fthr-")?.split('-').next().filter(|d| d.len() == 8)?;
    let month = format!("{}-{}", date.get(..4)?, date.get(4..6)?);
    is_month(&month).then_some(month)
}

/// Whether a thread belongs in this month: where somebody has put it into several, this one counts, else the first.
pub fn is_its_month(id: &ThreadId, month: &str) -> bool {
    month_of(id).as_deref() == Some(month)
}

impl Store {
    /// The directory of live threads.
    pub fn forum_dir(&self) -> PathBuf {
        self.dir().join("forum")
    }

    /// The directory of a thread.
    pub fn thread_dir(&self, month: &str, id: &ThreadId) -> PathBuf {
        self.forum_dir().join(month).join(id.as_str())
    }

    /// Every live thread that holds an event, by month and id. Names that are none of ours go to `odd`.
    pub fn threads(&self, odd: &mut Vec<String>) -> StoreResult<Vec<ThreadFiles>> {
        let mut found = Vec::new();
        let top = self.forum_dir();
        for month in files::names_in(&top)? {
            let dir = top.join(&month);
            if !is_month(&month) || !is_real_dir(&dir) {
                odd.push(format!("{} is no month of the forum.", dir.display()));
                continue;
            }
            for name in files::names_in(&dir)?.into_iter().filter(|n| !n.starts_with(files::TEMP_PREFIX)) {
                match ThreadId::parse(&name) {
                    Ok(id) => found.extend(self.files_of(&month, id)?),
                    Err(_) => odd.push(format!("{} is no thread.", dir.join(&name).display())),
                }
            }
        }
        Ok(found)
    }

    /// The files of a thread; `None` where it has no live event.
    pub fn find_thread(&self, id: &ThreadId) -> StoreResult<Option<ThreadFiles>> {
        if let Some(month) = month_of(id)
            && let Some(found) = self.files_of(&month, id.clone())?
        {
            return Ok(Some(found));
        }
        for month in files::names_in(&self.forum_dir())?.into_iter().filter(|m| is_month(m)) {
            if let Some(found) = self.files_of(&month, id.clone())? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    pub(super) fn files_of(&self, month: &str, id: ThreadId) -> StoreResult<Option<ThreadFiles>> {
        let dir = self.thread_dir(month, &id);
        // What lies in the place of a directory holds no events.
        if !is_real_dir(&dir) {
            return Ok(None);
        }
        let listed = match files::names_in(&dir) {
            Err(_) if !dir.is_dir() => return Ok(None),
            listed => listed?,
        };
        let names: Vec<_> = listed.iter().filter_map(|n| event_name(n)).map(str::to_owned).collect();
        Ok((!names.is_empty()).then(|| ThreadFiles { id, month: month.to_owned(), names }))
    }

    /// The bytes of a live event; `None` where it was retired meanwhile.
    pub fn event_bytes(&self, thread: &ThreadFiles, name: &str) -> StoreResult<Option<Vec<u8>>> {
        read_capped(&self.thread_dir(&thread.month, &thread.id).join(format!("{name}{SUFFIX}")))
    }

    /// The live events of a thread; what cannot be used goes to `odd`, as sentences, and hides no other.
    pub fn thread_events(
        &self,
        thread: &ThreadFiles,
        odd: &mut Vec<OddEvent>,
    ) -> StoreResult<Vec<FiledEvent>> {
        let mut events = Vec::with_capacity(thread.names.len());
        for name in &thread.names {
            let place = self.thread_dir(&thread.month, &thread.id).join(format!("{name}{SUFFIX}"));
            match read_capped(&place) {
                Ok(Some(bytes)) => {
                    let place = place.display().to_string();
                    take_event(&thread.id, name, &bytes, &place, (&mut events, odd));
                }
                Ok(None) => {}
                Err(error) => odd.push(OddEvent { why: error.to_string(), newer: None }),
            }
        }
        Ok(events)
    }

    /// Takes the lock under which events are added to this thread.
    pub fn lock_thread(&self, id: &ThreadId, command: &str, wait: Duration) -> StoreResult<lock::Lock> {
        Ok(lock::take(&self.thread_lock(id), &format!("The thread {id}"), command, "", wait)?)
    }

    fn thread_lock(&self, id: &ThreadId) -> PathBuf {
        let hash = sha256_hex(id.as_str().as_bytes());
        // A dot in front: no run has such an id.
        self.dir().join("locks").join(format!(".forum-{}.lock", hash.get(..2).unwrap_or("00")))
    }

    /// Writes an event; durable when this returns. The caller holds the thread's lock unless the event opens it.
    pub fn add_event(&self, month: Option<&str>, event: &ForumEvent) -> StoreResult<FiledEvent> {
        let bytes = event_bytes(event)?;
        let refused = |why: String| StoreError::Event { thread: event.thread.to_string(), why };
        let id = FiledEvent::id_of(event.lamport, &bytes).map_err(|e| refused(e.to_string()))?;
        let month = month.map(str::to_owned).or_else(|| month_of(&event.thread));
        let month = month.unwrap_or_else(|| clock::month(event.at));
        let dir = self.thread_dir(&month, &event.thread);
        files::write_new(&dir.join(format!("{id}{SUFFIX}")), &bytes)?;
        Ok(FiledEvent { id, event: event.clone() })
    }

    /// Writes an event that another clone made, with the very bytes of its file; `false` where it is there already. It
    /// counts wherever it lands in the thread, so nobody's lock is waited for.
    pub fn take_event_bytes(&self, month: &str, filed: &FiledEvent, bytes: &[u8]) -> StoreResult<bool> {
        let dir = self.thread_dir(month, &filed.event.thread);
        Ok(files::write_new(&dir.join(format!("{}{SUFFIX}", filed.id)), bytes)?)
    }

    /// Removes live events that history holds, byte for byte, and their directory when it is empty. The caller holds
    /// the thread's lock.
    pub fn forget_events(&self, thread: &ThreadFiles, names: &[String]) -> StoreResult<()> {
        let dir = self.thread_dir(&thread.month, &thread.id);
        for name in names {
            let path = dir.join(format!("{name}{SUFFIX}"));
            std::fs::remove_file(&path).map_err(|e| SysError::file("remove", &path, e))?;
        }
        // It stays where somebody left something in it.
        let _ = std::fs::remove_dir(&dir);
        Ok(())
    }
}

/// An event that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddEvent {
    /// Why, a sentence.
    pub why: String,
    /// Its format, where a newer version wrote it.
    pub newer: Option<u32>,
}

/// Takes an event out of bytes into `events`, or says in `odd` why it cannot be used; `place` names it for people.
pub fn take_event(
    thread: &ThreadId,
    name: &str,
    bytes: &[u8],
    place: &str,
    (events, odd): (&mut Vec<FiledEvent>, &mut Vec<OddEvent>),
) {
    match parse_event(name, bytes) {
        Ok(event) if event.event.thread == *thread => events.push(event),
        Ok(event) => {
            let why = format!("{place} cannot be used: it is of the thread {}.", event.event.thread);
            odd.push(OddEvent { why, newer: None });
        }
        Err(error) => {
            let newer = match &error {
                super::RecordError::Newer { format } => Some(*format),
                super::RecordError::Broken { .. } => None,
            };
            odd.push(OddEvent { why: format!("{place} cannot be used: {error}."), newer });
        }
    }
}

fn read_capped(path: &Path) -> StoreResult<Option<Vec<u8>>> {
    let foreign = |why: &str| Err(StoreError::Broken { path: path.to_owned(), why: why.to_owned() });
    match path.symlink_metadata() {
        Ok(meta) if !meta.is_file() => return foreign("it is not a regular file"),
        Ok(meta) if meta.len() > EVENT_CAP as u64 => return foreign("it is too large to be an event"),
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(SysError::file("read", path, e).into()),
    }
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|e| SysError::file("read", path, e))?,
    };
    let cap = EVENT_CAP as u64 + 1;
    file.take(cap).read_to_end(&mut bytes).map_err(|e| SysError::file("read", path, e))?;
    Ok(Some(bytes))
}
