//! Many copies of a ticket become one line. Pure.
//!
//! The copy that counts is that of the highest [`Rank`], then the newest by what it says of itself, then the one whose
//! index is newest, then the first by the name of its source. A workspace's copy counts although the repository's is
//! newer, because agents write there, and a server's although the files are newer; but then it is marked.

use super::Found;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::cmp::{Ordering, Reverse};
use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a copy comes from, the one that counts most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A server over a workspace.
    WorkspaceServer,
    /// The files of a workspace.
    Workspace,
    /// A server over a repository.
    RepoServer,
    /// The files of a repository.
    Repo,
    /// A server over a workspace that is gone.
    Gone,
}

impl Rank {
    /// Whether the copy is read from files, not from a server.
    pub fn is_files(self) -> bool {
        matches!(self, Self::Workspace | Self::Repo)
    }

    fn is_repo(self) -> bool {
        matches!(self, Self::RepoServer | Self::Repo)
    }
}

/// Where copies come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// How much its copies count.
    pub rank: Rank,
    /// Its name.
    pub source: String,
    /// The repository whose documents these are.
    pub repo: String,
    /// The workspace; empty for a repository's own.
    pub workspace: String,
    /// When it read the documents, as it says; empty for files.
    pub indexed_at: String,
}

/// One copy of a ticket. All texts are foreign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocCopy {
    /// What it says.
    pub found: Found,
    /// Where it comes from; shared, because there may be many from one.
    pub origin: Arc<Origin>,
}

impl DocCopy {
    /// What makes copies the same ticket: the upper-case id and the lower-case repository.
    pub fn key(&self) -> (String, String) {
        (self.found.ticket.as_str().to_ascii_uppercase(), self.origin.repo.to_lowercase())
    }
}

/// A ticket of the merged view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The copy that counts.
    pub copy: DocCopy,
    /// Whether an open run works on it.
    pub active: bool,
    /// Where a copy in the repository lies that is newer than the one that counts.
    pub older_than: Option<Arc<Origin>>,
    /// How many copies there are.
    pub copies: usize,
}

/// Merges copies by ticket and repository. `active` holds the upper-case tickets and lower-case doc homes of open runs.
/// Active tickets come first, then by ticket and repository.
pub fn merge(copies: Vec<DocCopy>, active: &BTreeSet<(String, String)>) -> Vec<Entry> {
    let mut entries: BTreeMap<(String, String), Gathered> = BTreeMap::new();
    for copy in copies {
        match entries.entry(copy.key()) {
            Slot::Occupied(mut slot) => slot.get_mut().add(copy),
            Slot::Vacant(slot) => {
                slot.insert(Gathered::of(copy));
            }
        }
    }
    // One ticket has one line in each repository, so that the order by source never has to decide.
    let mut merged = Vec::with_capacity(entries.len());
    for (key, gathered) in entries {
        merged.push(gathered.into_entry(active.contains(&key)));
    }
    merged.sort_by_key(|entry| Reverse(entry.active));
    merged
}

/// The copies of one ticket so far: the best, and the newest of the repository's.
struct Gathered {
    best: DocCopy,
    newest: Option<(Timestamp, Arc<Origin>)>,
    copies: usize,
}

impl Gathered {
    fn of(copy: DocCopy) -> Self {
        Self { newest: newest_of(&copy), best: copy, copies: 1 }
    }

    fn add(&mut self, copy: DocCopy) {
        let newest = newest_of(&copy);
        if newest.as_ref().map(|(at, _)| at) > self.newest.as_ref().map(|(at, _)| at) {
            self.newest = newest;
        }
        if compare(&copy, &self.best) == Ordering::Less {
            self.best = copy;
        }
        self.copies += 1;
    }

    fn into_entry(self, active: bool) -> Entry {
        let own = time_of(&self.best.found.updated);
        let newer = self.newest.filter(|(at, _)| Some(*at) > own);
        Entry { copy: self.best, active, older_than: newer.map(|(_, origin)| origin), copies: self.copies }
    }
}

fn newest_of(copy: &DocCopy) -> Option<(Timestamp, Arc<Origin>)> {
    let at = time_of(&copy.found.updated).filter(|_| copy.origin.rank.is_repo())?;
    Some((at, Arc::clone(&copy.origin)))
}

/// The copy that counts comes first.
fn compare(a: &DocCopy, b: &DocCopy) -> Ordering {
    let times =
        |copy: &DocCopy| (Reverse(time_of(&copy.found.updated)), Reverse(time_of(&copy.origin.indexed_at)));
    let by_rank = a.origin.rank.cmp(&b.origin.rank);
    by_rank.then_with(|| times(a).cmp(&times(b))).then_with(|| a.origin.source.cmp(&b.origin.source))
}

/// The moment that a text names: RFC 3339, or a date as its first moment in UTC. `None` for anything else, which
/// counts as older than everything.
pub fn time_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let moment = text.parse().ok().or_else(|| if text.len() == 10 { day() } else { None });
    // A program that knows no time writes the year 1.
    moment.filter(|at: &Timestamp| at.as_second() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TicketId;

    fn copy(ticket: &str, repo: &str, rank: Rank, updated: &str) -> DocCopy {
        let found = Found {
            ticket: TicketId::parse(ticket).expect("an id"),
            title: String::new(),
            status: "active".to_owned(),
            updated: updated.to_owned(),
        };
        DocCopy { found, origin: Arc::new(origin(repo, rank)) }
    }

    fn origin(repo: &str, rank: Rank) -> Origin {
        Origin {
            rank,
            source: format!("{rank:?}"),
            repo: repo.to_owned(),
            workspace: String::new(),
            indexed_at: String::new(),
        }
    }

    fn merged(copies: Vec<DocCopy>) -> Entry {
        let mut entries = merge(copies, &BTreeSet::new());
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    #[test]
    fn times_are_read_in_every_way_that_docmgr_writes_them() {
        let same = ["2026-07-08T12:00:00Z", "2026-07-08T14:00:00.000+02:00", " 2026-07-08T12:00:00.0Z "];
        for text in same {
            assert_eq!(time_of(text), time_of(same[0]), "{text}");
        }
        assert!(time_of("2026-07-08") < time_of("2026-07-08T00:00:00.1Z"));
        assert!(time_of("2026-07-08") > time_of("2026-07-07T23:59:59.999999999Z"));
        for none in ["", "yesterday", "0001-01-01T00:00:00Z", "2026-13-01", "1", "99999-01-01T00:00:00Z"] {
            assert_eq!(time_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_workspace_counts_before_its_repository_and_a_gone_one_after_it() {
        let ranks = [Rank::WorkspaceServer, Rank::Workspace, Rank::RepoServer, Rank::Repo, Rank::Gone];
        for (index, rank) in ranks.into_iter().enumerate() {
            let rest = ranks[index..].iter().map(|&rank| copy("T", "r", rank, "")).rev().collect();
            let entry = merged(rest);
            assert_eq!((entry.copy.origin.rank, entry.copies), (rank, ranks.len() - index));
        }
    }

    #[test]
    fn among_equals_the_newest_counts_then_the_newest_index_then_the_name() {
        let made = |updated: &str, indexed: &str, source: &str| {
            let copy = copy("T", "r", Rank::RepoServer, updated);
            let origin = Origin {
                indexed_at: indexed.to_owned(),
                source: source.to_owned(),
                ..origin("r", Rank::RepoServer)
            };
            DocCopy { origin: Arc::new(origin), ..copy }
        };
        let cases = [
            (made("2026-01-02", "", "z"), made("2026-01-01", "2026-02-02", "a")),
            (made("2026-01-01", "", "z"), made("never", "2026-02-02", "a")),
            (made("", "2026-02-02", "z"), made("", "2026-02-01", "a")),
            (made("", "x", "a"), made("", "", "b")),
        ];
        for (first, second) in cases {
            assert_eq!(merged(vec![first.clone(), second.clone()]).copy, first);
            assert_eq!(merged(vec![second, first.clone()]).copy, first);
        }
    }

    #[test]
    fn a_workspace_copy_that_is_older_than_the_repositorys_counts_and_is_marked() {
        let pair = |ours: &str, theirs: &str| {
            let copies =
                vec![copy("T", "r", Rank::Workspace, ours), copy("t", "R", Rank::RepoServer, theirs)];
            let entry = merged(copies);
            assert_eq!(entry.copy.origin.rank, Rank::Workspace);
            entry.older_than.map(|origin| origin.source.clone())
        };
        assert_eq!(pair("2026-01-01", "2026-01-02").as_deref(), Some("RepoServer"));
        assert_eq!(pair("", "2026-01-02").as_deref(), Some("RepoServer"));
        assert_eq!(pair("2026-01-02", "2026-01-02"), None);
        assert_eq!(pair("2026-01-03", "2026-01-02"), None);
        assert_eq!(pair("2026-01-03", ""), None);
        let files =
            vec![copy("T", "r", Rank::RepoServer, "2026-01-01"), copy("T", "r", Rank::Repo, "2026-01-02")];
        assert_eq!(merged(files).older_than.map(|origin| origin.rank), Some(Rank::Repo));
        let gone =
            vec![copy("T", "r", Rank::Workspace, "2026-01-01"), copy("T", "r", Rank::Gone, "2026-01-02")];
        assert_eq!(merged(gone).older_than, None);
    }

    #[test]
    fn distinct_doc_homes_stay_apart_and_active_tickets_come_first() {
        let copies = ["b-1 one", "A-1 two", "a-1 ONE", "C-1 one"]
            .map(|words| words.split_once(' ').expect("two words"))
            .map(|(ticket, repo)| copy(ticket, repo, Rank::Repo, ""));
        let active = BTreeSet::from([("C-1".to_owned(), "one".to_owned())]);
        let entries = merge(copies.to_vec(), &active);
        let shown: Vec<_> = entries
            .iter()
            .map(|e| (e.copy.found.ticket.as_str(), e.copy.origin.repo.as_str(), e.active))
            .collect();
        assert_eq!(
            shown,
            [("C-1", "one", true), ("a-1", "ONE", false), ("A-1", "two", false), ("b-1", "one", false)]
        );
    }
}
