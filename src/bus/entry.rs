//! What an entry of the stream looks like. The event travels as the very bytes of its file, so that its id, which is
//! made from them, holds on the other side.

use super::Names;
use crate::model::{EVENT_FORMAT, EventId, EventWhat, FiledEvent, ThreadId, title_of};
use crate::store;

/// The fields of an entry.
const FIELDS: [&str; 5] = ["topic", "project", "thread", "event", "toml"];

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Its id.
    pub id: EventId,
    /// Its thread.
    pub thread: ThreadId,
    /// What it is.
    pub what: EventWhat,
    /// The bytes of its file.
    pub bytes: Vec<u8>,
}

impl Posting {
    /// The event in these bytes; `None` where nobody on the other side could use it.
    pub fn of(name: &str, bytes: Vec<u8>) -> Option<Self> {
        let filed = store::parse_event(name, &bytes).ok()?;
        Some(Self { id: filed.id, thread: filed.event.thread, what: filed.event.what, bytes })
    }

    /// Its fields, in order.
    pub(super) fn fields(&self, names: &Names) -> [(&'static str, Vec<u8>); 5] {
        let [topic, project, thread, event, toml] = FIELDS;
        let text = |text: &str| text.as_bytes().to_vec();
        [
            (topic, names.topic(self.what).into_bytes()),
            (project, text(&names.project)),
            (thread, text(self.thread.as_str())),
            (event, text(self.id.as_str())),
            (toml, self.bytes.clone()),
        ]
    }
}

/// Why an entry is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, a sentence.
    pub why: String,
    /// Whether a newer version wrote it: it may be taken after an update.
    pub newer: bool,
}

/// The event in an entry with these fields, checked as what a stranger wrote.
pub fn understand(fields: &[(Vec<u8>, Vec<u8>)], names: &Names) -> Result<(FiledEvent, Vec<u8>), Refusal> {
    let refuse = |why: String| Err(Refusal { why, newer: false });
    let mut found: [Option<&[u8]>; 5] = [None; 5];
    for (name, value) in fields {
        let Some(at) = FIELDS.iter().position(|field| field.as_bytes() == name.as_slice()) else { continue };
        if found[at].replace(value).is_some() {
            return refuse(format!("it has the field '{}' twice", FIELDS[at]));
        }
    }
    let text = |at: usize| {
        let text = found[at].and_then(|value| std::str::from_utf8(value).ok());
        text.ok_or_else(|| Refusal {
            why: format!("it has no field '{}' with text", FIELDS[at]),
            newer: false,
        })
    };
    let (topic, project) = (text(0)?, text(1)?);
    if project != names.project {
        return refuse(format!("it is of another project ('{}')", title_of(project, 40)));
    }
    let thread = ThreadId::parse(text(2)?).map_err(|e| Refusal { why: e.to_string(), newer: false })?;
    // Its events lie in the month that its id names, everywhere.
    if store::month_of(&thread).is_none() {
        return refuse(format!("'{thread}' is no id of a thread that git-metawsm made"));
    }
    let id = EventId::parse(text(3)?).map_err(|e| Refusal { why: e.to_string(), newer: false })?;
    let bytes = found[4].unwrap_or_default();
    let filed = match store::parse_event(id.as_str(), bytes) {
        Ok(filed) => filed,
        Err(error) => {
            let newer = matches!(error, store::RecordError::Newer { .. });
            return Err(Refusal { why: title_of(&error.to_string(), 200), newer });
        }
    };
    if filed.event.format > EVENT_FORMAT {
        let why = format!("a newer git-metawsm wrote it (format {})", filed.event.format);
        return Err(Refusal { why, newer: true });
    }
    if filed.event.thread != thread {
        return refuse(format!("it is of the thread {}, and says {thread}", filed.event.thread));
    }
    if topic != names.topic(filed.event.what) {
        return refuse(format!("its topic '{}' is not the one of such an event", title_of(topic, 40)));
    }
    Ok((filed, bytes.to_vec()))
}
