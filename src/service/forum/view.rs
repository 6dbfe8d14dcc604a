//! One thread in full; and which thread is meant.

use super::super::{Caller, Control, ServiceError, ServiceResult, control};
use super::read::Reader;
use super::{sla, travel};
use crate::model::{Folded, ThreadId};
use std::collections::BTreeSet;

/// One thread in full.
#[derive(Debug, Clone)]
pub struct ThreadView {
    /// The thread and its events.
    pub folded: Folded,
    /// Whether it should have been answered by now.
    pub escalated: bool,
    /// Events that cannot be used, as sentences.
    pub odd: Vec<String>,
}

/// Shows one thread; named by its id, or a unique beginning of the id or of the id's last part.
pub fn thread(caller: &Caller, named: &str) -> ServiceResult<ThreadView> {
    let control = control(caller)?;
    let left_out = travel::glance(caller, &control);
    let reader = Reader::new(&control)?;
    let id = require_thread(&reader, named)?;
    let mut view = view(caller, &reader, &id)?;
    view.odd.extend(left_out);
    Ok(view)
}

pub(super) fn view(caller: &Caller, reader: &Reader<'_>, id: &ThreadId) -> ServiceResult<ThreadView> {
    let places = reader.places(id)?;
    let (folded, odd) = reader.folded(id, &places)?.ok_or_else(|| unknown(id.as_str()))?;
    let escalated = sla::clock(caller, reader.control).is_escalated(&folded.thread);
    Ok(ThreadView { folded, escalated, odd: odd.into_iter().map(|odd| odd.why).collect() })
}

pub(super) fn unknown(named: &str) -> ServiceError {
    ServiceError::failed(format!("There is no thread {named} here."), &["git metawsm forum list"])
}

/// The thread that is meant.
pub(super) fn require_thread(reader: &Reader<'_>, named: &str) -> ServiceResult<ThreadId> {
    let id = ThreadId::parse(named)?;
    let places = reader.places(&id)?;
    if places.live.is_some() || places.published.is_some() {
        return Ok(id);
    }
    let all = ids(reader.control, reader)?;
    let means = |id: &&ThreadId| {
        let last = id.as_str().rsplit('-').next().unwrap_or_default();
        id.as_str().starts_with(named) || last.starts_with(named)
    };
    let found: Vec<_> = all.iter().filter(means).collect();
    match found.as_slice() {
        [] => Err(unknown(named)),
        [only] => Ok((*only).clone()),
        several => {
            let words: Vec<_> = several.iter().take(20).map(ToString::to_string).collect();
            let message = format!("'{named}' may mean several threads: {}.", words.join(", "));
            let hints = words.iter().take(5).map(|id| format!("git metawsm forum thread {id}")).collect();
            Err(ServiceError::Wrong { message, hints })
        }
    }
}

fn ids(control: &Control, reader: &Reader<'_>) -> ServiceResult<BTreeSet<ThreadId>> {
    let live = control.store.threads(&mut Vec::new())?;
    let published = reader.published()?;
    Ok(live.into_iter().map(|files| files.id).chain(published.into_keys()).collect())
}
