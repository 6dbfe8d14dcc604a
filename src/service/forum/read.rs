//! Reading threads: live files and base's tree, as one.

use super::super::base::control_base;
use super::super::{Control, ServiceResult};
use crate::git::{Blobs, EntryKind};
use crate::model::{FiledEvent, Folded, RunId, Thread, ThreadId, fold};
use crate::store::{self, FORUM_TREE, OddEvent, ThreadFiles};
use std::collections::{BTreeMap, BTreeSet};

/// A thread in base's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    /// The month of its directory.
    pub month: String,
    /// The id of its directory's tree: equal ids hold equal events.
    pub tree: String,
}

/// Where the events of one thread are.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    pub live: Option<ThreadFiles>,
    pub published: Option<Published>,
}

impl Places {
    /// The month of its directories: a clone that got the thread from history goes on where it was begun.
    pub fn month(&self) -> Option<&str> {
        let live = self.live.as_ref().map(|files| files.month.as_str());
        live.or(self.published.as_ref().map(|published| published.month.as_str()))
    }
}

/// The events of one thread.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub events: Vec<FiledEvent>,
    /// What cannot be used.
    pub odd: Vec<OddEvent>,
}

/// Reads threads, with base as it was when it was made.
pub(super) struct Reader<'a> {
    pub control: &'a Control,
    blobs: Blobs<'a>,
    /// Base's commit.
    base: Option<String>,
}

impl<'a> Reader<'a> {
    pub fn new(control: &'a Control) -> ServiceResult<Self> {
        let base = control_base(control)?.map(|base| base.id);
        Ok(Self { control, blobs: control.repo.blobs(), base })
    }

    /// A reader of another commit instead of base.
    pub fn at(control: &'a Control, commit: String) -> Self {
        Self { control, blobs: control.repo.blobs(), base: Some(commit) }
    }

    /// Every published thread.
    pub fn published(&self) -> ServiceResult<BTreeMap<ThreadId, Published>> {
        let mut found = BTreeMap::new();
        let Some(base) = &self.base else { return Ok(found) };
        for month in self.control.repo.list_tree(base, FORUM_TREE, false)? {
            let path = month.path.to_string();
            let name = last(&path).to_owned();
            if month.kind != EntryKind::Tree || !store::is_month(&name) {
                continue;
            }
            for thread in self.control.repo.list_tree(base, &path, false)? {
                let id = ThreadId::parse(last(&thread.path.to_string())).ok();
                let Some(id) = id.filter(|_| thread.kind == EntryKind::Tree) else { continue };
                if store::is_its_month(&id, &name) || !found.contains_key(&id) {
                    found.insert(id, Published { month: name.clone(), tree: thread.id });
                }
            }
        }
        Ok(found)
    }

    /// The id of the tree that holds all published threads.
    pub fn tree(&self) -> ServiceResult<Option<String>> {
        let Some(base) = &self.base else { return Ok(None) };
        Ok(self.control.repo.path_id(base, FORUM_TREE)?)
    }

    /// One published thread.
    pub fn find_published(&self, id: &ThreadId) -> ServiceResult<Option<Published>> {
        let Some(base) = &self.base else { return Ok(None) };
        let at = |month: &str| -> ServiceResult<Option<Published>> {
            let tree = self.control.repo.path_id(base, &format!("{FORUM_TREE}/{month}/{id}"))?;
            Ok(tree.map(|tree| Published { month: month.to_owned(), tree }))
        };
        if let Some(month) = store::month_of(id)
            && let Some(found) = at(&month)?
        {
            return Ok(Some(found));
        }
        for month in self.control.repo.list_tree(base, FORUM_TREE, false)? {
            if let Some(found) = at(last(&month.path.to_string()))? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Where the events of a thread are.
    pub fn places(&self, id: &ThreadId) -> ServiceResult<Places> {
        // Live first: what is retired meanwhile is in base already.
        let live = self.control.store.find_thread(id)?;
        Ok(Places { live, published: self.find_published(id)? })
    }

    /// The events of a thread, each once.
    pub fn events(&self, id: &ThreadId, places: &Places) -> ServiceResult<Events> {
        let mut found = Events::default();
        if let Some(live) = &places.live {
            found.events = self.control.store.thread_events(live, &mut found.odd)?;
        }
        if let Some(published) = &places.published {
            let known: BTreeSet<String> = found.events.iter().map(|e| e.id.to_string()).collect();
            self.add_published(id, published, &known, &mut found)?;
        }
        Ok(found)
    }

    fn add_published(
        &self,
        id: &ThreadId,
        published: &Published,
        known: &BTreeSet<String>,
        found: &mut Events,
    ) -> ServiceResult<()> {
        for entry in self.control.repo.list_tree(&published.tree, "", false)? {
            let file = entry.path.to_string();
            let Some(name) = store::event_name(&file).filter(|_| entry.kind == EntryKind::Blob) else {
                continue;
            };
            if known.contains(name) {
                continue;
            }
            let place = format!("{FORUM_TREE}/{}/{id}/{file} of base", published.month);
            match self.blobs.read(&entry.id)? {
                Some(bytes) => {
                    store::take_event(id, name, &bytes, &place, (&mut found.events, &mut found.odd));
                }
                None => found.odd.push(OddEvent { why: format!("{place} is missing."), newer: None }),
            }
        }
        Ok(())
    }

    /// The names of the events of a thread that base holds.
    pub fn published_names(&self, published: &Published) -> ServiceResult<BTreeMap<String, String>> {
        let entries = self.control.repo.list_tree(&published.tree, "", false)?;
        let named = |entry: crate::git::TreeEntry| {
            let file = entry.path.to_string();
            store::event_name(&file).map(|name| (name.to_owned(), entry.id.clone()))
        };
        Ok(entries.into_iter().filter_map(named).collect())
    }

    /// The bytes of a blob.
    pub fn blob(&self, id: &str) -> ServiceResult<Option<Vec<u8>>> {
        Ok(self.blobs.read(id)?)
    }

    /// One thread with all its events; `None` where there is no such thread. One whose opening event is missing is
    /// an error that says so.
    pub fn folded(&self, id: &ThreadId, places: &Places) -> ServiceResult<Option<(Folded, Vec<OddEvent>)>> {
        let Events { events, mut odd } = self.events(id, places)?;
        let nothing = events.is_empty();
        match fold(events) {
            Some(folded) => Ok(Some((folded, odd))),
            None if nothing && odd.is_empty() => Ok(None),
            None => {
                odd.push(OddEvent { why: no_opening(id), newer: None });
                let why: Vec<_> = odd.into_iter().map(|odd| odd.why).collect();
                Err(super::super::ServiceError::failed(why.join(" "), &["git metawsm forum list"]))
            }
        }
    }

    /// Where the events of every thread are; names that are none of ours go to `odd`.
    pub fn all(&self, odd: &mut Vec<String>) -> ServiceResult<BTreeMap<ThreadId, Places>> {
        // Live first: what is retired meanwhile is in base already.
        let live = self.control.store.threads(odd)?;
        let mut places: BTreeMap<ThreadId, Places> = BTreeMap::new();
        for (id, published) in self.published()? {
            places.entry(id).or_default().published = Some(published);
        }
        for files in live {
            let place = &mut places.entry(files.id.clone()).or_default().live;
            if place.is_none() || store::is_its_month(&files.id, &files.month) {
                *place = Some(files);
            }
        }
        Ok(places)
    }
}

pub(super) fn no_opening(id: &ThreadId) -> String {
    format!("The thread {id} has no event that opens it.")
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a thread is about this run.
pub(super) fn is_of(thread: &Thread, run: &RunId) -> bool {
    thread.run.as_ref() == Some(run)
}
