//! Doc-sync records: `docs/<ticket>.toml` in a run's directory, what is known of a ticket's two copies.

use super::record::toml_reason;
use super::{Hold, Store, StoreError, StoreResult};
use crate::model::{DOC_SYNC_FORMAT, DOC_SYNC_KIND, DocSync, RunId, TicketId};

fn name_of(ticket: &TicketId) -> String {
    format!("docs/{ticket}.toml")
}

impl Store {
    /// What is known of the documents of a run's ticket; `None` where nothing was seeded. A record of a newer version
    /// is an error that says so, as is one that cannot be read.
    pub fn find_doc_sync(&self, run: &RunId, ticket: &TicketId) -> StoreResult<Option<DocSync>> {
        let name = name_of(ticket);
        let Some(text) = self.find_part(run, &name)? else { return Ok(None) };
        let path = || self.run_dir(run).join(&name);
        let broken = |why: String| StoreError::Broken { path: path(), why };
        let table: toml::Table = toml::from_str(&text).map_err(|e| broken(toml_reason(&text, &e)))?;
        let format =
            table.get("format").and_then(toml::Value::as_integer).and_then(|f| u32::try_from(f).ok());
        match format {
            Some(format) if format > DOC_SYNC_FORMAT => {
                return Err(StoreError::Newer { path: path(), format });
            }
            Some(1..) => {}
            _ => return Err(broken("it does not say its format".to_owned())),
        }
        let record: DocSync =
            table.try_into().map_err(|e: toml::de::Error| broken(toml_reason(&text, &e)))?;
        if record.kind != DOC_SYNC_KIND || record.ticket != *ticket {
            return Err(broken(format!("it is no record of the documents of {ticket}")));
        }
        Ok(Some(record))
    }
}

impl Hold {
    /// Replaces what is known of a ticket's documents. Once this returns it survives a power cut.
    pub fn save_doc_sync(&mut self, record: &DocSync) -> StoreResult<()> {
        let text = toml::to_string_pretty(record).map_err(|e| StoreError::Refused {
            id: self.run().id.to_string(),
            why: format!("what is known of the documents of {} cannot be written: {e}", record.ticket),
        })?;
        self.save_part(&name_of(&record.ticket), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Place;
    use super::*;
    use crate::model::{DocSyncState, RepoName};

    fn record(ticket: &TicketId) -> DocSync {
        DocSync {
            format: DOC_SYNC_FORMAT,
            kind: DOC_SYNC_KIND.to_owned(),
            ticket: ticket.clone(),
            repo: RepoName::parse("app").expect("name"),
            dir: "ttmp/2025/03/04/MW-1--login".to_owned(),
            source: String::new(),
            state: DocSyncState::Synced,
            base: "b".repeat(40),
            revision: "c".repeat(40),
            at: "2025-03-04T05:06:07Z".parse().expect("time"),
            error: String::new(),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_newer_one_is_named() {
        let place = Place::new();
        let mut hold = place.made("run-20250304-050607-abcd");
        let (store, run) = (place.store(), hold.run().clone());
        let ticket = TicketId::parse("MW-1").expect("name");
        assert_eq!(store.find_doc_sync(&run.id, &ticket).expect("look"), None);
        hold.save_doc_sync(&record(&ticket)).expect("save");
        assert_eq!(store.find_doc_sync(&run.id, &ticket).expect("look"), Some(record(&ticket)));
        let path = hold.dir().join("docs/MW-1.toml");
        let text = std::fs::read_to_string(&path).expect("read");
        std::fs::write(&path, text.replacen("format = 1", "format = 2", 1)).expect("write");
        assert!(matches!(store.find_doc_sync(&run.id, &ticket), Err(StoreError::Newer { format: 2, .. })));
        for bad in ["", "format = 1\n", "kind = \"docs\"\n", "\u{0}"] {
            std::fs::write(&path, bad).expect("write");
            assert!(matches!(store.find_doc_sync(&run.id, &ticket), Err(StoreError::Broken { .. })));
        }
    }
}
