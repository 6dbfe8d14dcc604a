//! Threads that another program kept: its events become ours, once.

use super::super::{Caller, Control, ServiceError, ServiceResult};
use super::read::Reader;
use crate::model::{FiledEvent, ForumEvent};
use crate::store;
use crate::sys::clock;
use std::collections::BTreeSet;

/// Writes past events, with base as it was when this was made.
pub(in super::super) struct PastThreads<'a> {
    reader: Reader<'a>,
}

impl<'a> PastThreads<'a> {
    pub(in super::super) fn new(control: &'a Control) -> ServiceResult<Self> {
        Ok(Self { reader: Reader::new(control)? })
    }

    /// Writes the events of one thread that are not there yet, live or in history, and gives how many those are. They
    /// are not sent to other machines: each clone that imports the same writes the same bytes. A dry run only counts.
    pub(in super::super) fn take(&self, caller: &Caller, events: &[ForumEvent]) -> ServiceResult<usize> {
        let Some(first) = events.first() else { return Ok(0) };
        let control = self.reader.control;
        let places = self.reader.places(&first.thread)?;
        let _lock = if places.live.is_some() && !control.store.is_frozen() {
            Some(control.store.lock_thread(&first.thread, "import", caller.wait)?)
        } else {
            None
        };
        let known: BTreeSet<_> =
            self.reader.events(&first.thread, &places)?.events.into_iter().map(|event| event.id).collect();
        let month = places.month().map_or_else(|| clock::month(first.at), str::to_owned);
        let mut new = 0;
        for event in events {
            let id = FiledEvent::id_of(event.lamport, &store::event_bytes(event)?)?;
            if known.contains(&id) {
                continue;
            }
            if let Some(signal) = caller.interrupt.signal() {
                return Err(ServiceError::Interrupted {
                    signal,
                    hints: vec!["git metawsm import".to_owned()],
                });
            }
            new += 1;
            if !control.store.is_frozen() {
                control.store.add_event(Some(&month), event)?;
            }
        }
        Ok(new)
    }
}
