//! The text form of a forum event: writing, reading, migrating.
//!
//! A field that is added to the event raises `EVENT_FORMAT`, as in `record`. An event is never written again, so an
//! older one stays as it is for ever and is migrated in memory only.

use super::record::RecordError;
use super::{StoreError, StoreResult};
use crate::model::{EVENT_FORMAT, EVENT_KIND, FiledEvent, ForumEvent};
use serde::Deserialize;

/// More than any event that we write: a body of a megabyte, every character of it escaped.
pub(super) const EVENT_CAP: usize = 8 << 20;

/// Turns an event of one format into the next one, in memory.
type Migration = fn(toml::Table) -> Result<toml::Table, String>;

/// Step `n` (counted from 0) turns format `n + 1` into format `n + 2`. Each format ever released has a frozen event
/// under `fixtures/store/event-v<format>/`, and a test reads it through this table.
const MIGRATIONS: &[Migration] = &[];

#[derive(Deserialize)]
struct Head {
    format: Option<i64>,
    kind: Option<String>,
}

/// The bytes of an event's file: fixed key order, one field a line, LF, a final newline.
pub fn event_bytes(event: &ForumEvent) -> StoreResult<Vec<u8>> {
    let refused = |why: String| StoreError::Event { thread: event.thread.to_string(), why };
    event.check().map_err(&refused)?;
    let text = toml::to_string_pretty(event).map_err(|e| refused(e.to_string()))?;
    Ok(text.into_bytes())
}

/// Reads an event from the bytes of the file of this name (without `.toml`). The name must be the one that its
/// content gives it; a newer format is returned where it parses, and its `format` says that nothing may be added to
/// its thread.
pub fn parse_event(name: &str, bytes: &[u8]) -> Result<FiledEvent, RecordError> {
    parse_with(name, bytes, MIGRATIONS)
}

fn parse_with(name: &str, bytes: &[u8], migrations: &[Migration]) -> Result<FiledEvent, RecordError> {
    let broken = |why: String| RecordError::Broken { why };
    if bytes.len() > EVENT_CAP {
        return Err(broken("it is too large to be an event".to_owned()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8 text".to_owned()))?;
    let event = understand(text, migrations)?;
    let id = FiledEvent::id_of(event.lamport, bytes).map_err(|e| broken(e.to_string()))?;
    if id.as_str() != name {
        return Err(broken("its content is not the one that its name was made from".to_owned()));
    }
    Ok(FiledEvent { id, event })
}

fn understand(text: &str, migrations: &[Migration]) -> Result<ForumEvent, RecordError> {
    let broken = |why: String| RecordError::Broken { why };
    let reason = |e: &toml::de::Error| broken(super::record::toml_reason(text, e));
    let head: Head = toml::from_str(text).map_err(|e| reason(&e))?;
    let format = head.format.and_then(|f| u32::try_from(f).ok()).filter(|f| *f > 0);
    let format = format.ok_or_else(|| broken("it does not say its format".to_owned()))?;
    if format > EVENT_FORMAT {
        let parsed: Result<ForumEvent, _> = toml::from_str(text);
        return parsed.ok().filter(|e| e.check().is_ok()).ok_or(RecordError::Newer { format });
    }
    if head.kind.as_deref() != Some(EVENT_KIND) {
        return Err(broken("it is not the record of a forum event".to_owned()));
    }
    let mut event: ForumEvent = migrated(text, format, migrations).map_err(broken)?;
    event.format = EVENT_FORMAT;
    event.check().map_err(broken)?;
    Ok(event)
}

fn migrated(text: &str, format: u32, migrations: &[Migration]) -> Result<ForumEvent, String> {
    let reason = |e: &toml::de::Error| super::record::toml_reason(text, e);
    let first = usize::try_from(format).unwrap_or(usize::MAX) - 1;
    if first >= migrations.len() {
        return toml::from_str(text).map_err(|e| reason(&e));
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|e| reason(&e))?;
    for step in &migrations[first..] {
        table = step(table)?;
    }
    table.try_into().map_err(|e: toml::de::Error| reason(&e))
}
