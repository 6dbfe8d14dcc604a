//! One index at a glance: what stands in its head, and when it last changed.

use super::document::{IndexHead, parse_index};
use super::front::Front;
use super::{TicketError, TicketResult};
use crate::sys::foreign;
use jiff::Timestamp;
use std::path::Path;

const INDEX_CAP: u64 = 1 << 20;

/// What an index says of its ticket. All texts are foreign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Its head.
    pub head: IndexHead,
    /// When it last changed: its `LastUpdated`, else when the file was written, as docmgr takes it too.
    pub updated: String,
}

/// Looks at an index; `None` where it is not there. Follows no link.
pub fn glance(index: &Path) -> TicketResult<Option<Glance>> {
    let Some(found) = foreign::find(index, INDEX_CAP).map_err(TicketError::from)? else { return Ok(None) };
    let head = parse_index(&found.bytes)?;
    let mut updated = Front::of_document(&found.bytes)?.text("LastUpdated");
    if updated.is_empty() {
        let (seconds, nanos) = found.mark.modified();
        let written = Timestamp::new(seconds, i32::try_from(nanos).unwrap_or_default());
        updated = written.map(|at| at.to_string()).unwrap_or_default();
    }
    Ok(Some(Glance { head, updated }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_index_tells_when_it_changed_or_its_file_does() {
        let dir = tempfile::tempdir().expect("temp");
        let index = dir.path().join("index.md");
        assert_eq!(glance(&index).expect("a look"), None);
        fs::write(&index, "---\nTicket: A-1\nLastUpdated: 2026-07-08T12:00:00Z\n---\n").expect("write");
        let seen = glance(&index).expect("a look").expect("it is there");
        assert_eq!((seen.head.ticket.as_str(), seen.updated.as_str()), ("A-1", "2026-07-08T12:00:00Z"));
        fs::write(&index, "---\nTicket: A-1\n---\n").expect("write");
        let seen = glance(&index).expect("a look").expect("it is there");
        let written = seen.updated.parse::<Timestamp>().expect("a time");
        assert!(written.duration_until(Timestamp::now()).as_secs() < 600);
        fs::remove_file(&index).expect("it was there");
        std::os::unix::fs::symlink("/etc/hostname", &index).expect("a link");
        assert!(glance(&index).is_err());
    }
}
