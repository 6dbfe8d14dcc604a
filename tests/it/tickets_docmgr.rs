//! Ticket trees and docmgr: the real program reads what we write, and we read what it writes. Without docmgr on
//! PATH the tests of the real program say so and pass, unless `METAWSM_TEST_REQUIRE` names it; the same is then shown
//! with a stand-in, and judged by the rules that docmgr's doctor checks.

mod doctor;
mod stand_in;
mod stories;

use crate::kit::{Output, Repo, World, require};
use git_metawsm::model::TicketId;
use git_metawsm::tickets::{
    Created, Found, NewTicket, Reference, Ticket, closed_bytes, create, docs_root, find, list,
    reference_document, reference_name,
};
use std::fs;
use std::path::{Path, PathBuf};

/// A world with a repository in it, where docmgr is installed.
struct Place {
    world: World,
    repo: Repo,
    docmgr: PathBuf,
}

impl Place {
    /// `None` where the test is skipped because docmgr is not installed.
    fn new() -> Option<Self> {
        let docmgr = require("docmgr")?;
        let world = World::new();
        let repo = world.repo("app");
        Some(Self { world, repo, docmgr })
    }

    fn create(&self, id: &str, title: &str, topics: &[&str]) -> Created {
        let id = TicketId::parse(id).expect("an id");
        let topics: Vec<String> = topics.iter().map(|&t| t.to_owned()).collect();
        let now = jiff::Timestamp::now();
        let new = NewTicket { id: &id, title, topics: &topics, summary: "One: line", body: "Goal.", now };
        create(self.repo.path(), &new).expect("the ticket is created")
    }

    fn find(&self, id: &str) -> Ticket {
        let root = docs_root(self.repo.path()).expect("a docs root").expect("it is there");
        match find(&root, id).expect("the tickets can be read") {
            Found::One(ticket) => ticket,
            other => panic!("{id} must be found once, not {other:?}"),
        }
    }

    fn docmgr(&self, top: &Path, args: &[&str]) -> Output {
        Output::of(self.world.command(&self.docmgr).args(args).current_dir(top), "docmgr").ok()
    }

    fn rows(&self, args: &[&str]) -> Vec<serde_json::Value> {
        let args = [args, &["--with-glaze-output", "--output", "json"]].concat();
        let output = self.docmgr(self.repo.path(), &args);
        serde_json::from_str(&output.stdout).expect("docmgr prints a list of rows")
    }

    /// Asserts that doctor has nothing to say about a ticket.
    fn assert_healthy(&self, id: &str) {
        let rows = self.rows(&["doctor", "--ticket", id, "--fail-on", "warning"]);
        let bad: Vec<_> = rows.iter().filter(|r| r["severity"] != "ok").collect();
        assert!(bad.is_empty(), "{id}: {bad:?}");
    }
}

const TITLES: [(&str, &str); 5] = [
    ("MW-12", "Add login: phase 1"),
    ("mw_13.b", "it's #1 {{TITLE}} 'quoted' \"twice\""),
    ("MW-14", "日本語"),
    ("15", "2026-07-06"),
    ("no", "true"),
];

#[test]
fn docmgr_lists_the_tickets_we_create_and_doctor_finds_nothing() {
    let Some(place) = Place::new() else { return };
    for (id, title) in TITLES {
        let created = place.create(id, title, &["core", "a: topic"]);
        let rows = place.rows(&["ticket", "list", "--ticket", id]);
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0]["ticket"], id);
        assert_eq!(rows[0]["title"], title);
        assert_eq!(rows[0]["status"], "active");
        assert_eq!(rows[0]["path"].as_str().map(|p| format!("ttmp/{p}")), Some(created.dir));
        place.assert_healthy(id);
    }
    let rows = place.rows(&["ticket", "list"]);
    assert_eq!(rows.len(), TITLES.len(), "{rows:?}");
}

#[test]
fn what_docmgr_closes_we_read_as_closed() {
    let Some(place) = Place::new() else { return };
    for (id, title) in TITLES {
        let created = place.create(id, title, &["core"]);
        place.docmgr(
            place.repo.path(),
            &["ticket", "close", "--ticket", id, "--changelog-entry", "Done: all of it"],
        );
        let ticket = place.find(id);
        assert_eq!((&*ticket.id, &*ticket.title, &*ticket.dir), (id, title, &*created.dir));
        assert!(ticket.is_closed());
        assert_eq!(ticket.topics, ["core"]);
    }
}

#[test]
fn what_we_close_docmgr_reads_as_complete() {
    let Some(place) = Place::new() else { return };
    // A ticket of docmgr's own making, so that its style of writing is what we edit.
    place.docmgr(place.repo.path(), &["init", "--seed-vocabulary"]);
    place.docmgr(
        place.repo.path(),
        &["create-ticket", "--ticket", "D-1", "--title", "Made: by docmgr", "--topics", "chat"],
    );
    let ticket = place.find("d-1");
    assert_eq!((ticket.title.as_str(), ticket.status.as_str()), ("Made: by docmgr", "active"));
    let at = place.repo.path().join(&ticket.dir);
    let index = fs::read(at.join("index.md")).expect("the index");
    let changelog = fs::read(at.join("changelog.md")).expect("the changelog");
    let now = jiff::Timestamp::now();
    let closing = closed_bytes(&index, Some(&changelog), "Merged.", "Closed", now).expect("it closes");
    fs::write(at.join("index.md"), closing.index).expect("write");
    fs::write(at.join("changelog.md"), closing.changelog).expect("write");
    let rows = place.rows(&["ticket", "list", "--ticket", "D-1"]);
    assert_eq!(rows[0]["status"], "complete", "{rows:?}");
    place.assert_healthy("D-1");
}

#[test]
fn docmgr_takes_our_reference_documents() {
    let Some(place) = Place::new() else { return };
    let created = place.create("R-1", "A ticket", &["core"]);
    let at = place.repo.path().join(created.dir).join("reference");
    fs::create_dir(&at).expect("a directory");
    let (title, topics, now) = ("Feedback: round 1", ["core".to_owned()], jiff::Timestamp::now());
    let reference = Reference { ticket: "R-1", title, topics: &topics, summary: "s", body: "Do it.", now };
    fs::write(at.join(reference_name(&[], title)), reference_document(&reference)).expect("write");
    let rows = place.rows(&["doc", "list", "--ticket", "R-1", "--doc-type", "reference"]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["title"], title);
    place.assert_healthy("R-1");
}

#[test]
fn doctor_finds_nothing_in_the_projects_own_tickets() {
    let Some(place) = Place::new() else { return };
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Age is no fault of a decision that still holds.
    let args = ["doctor", "--all", "--stale-after", "36500", "--fail-on", "warning"];
    place.docmgr(top, &args);
}

#[test]
fn the_projects_own_tickets_keep_the_rules_of_doctor() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = docs_root(top).expect("a docs root").expect("it is there");
    let listing = list(&root).expect("the tickets");
    assert_eq!(listing.problems, [] as [String; 0]);
    assert!(!listing.tickets.is_empty());
    assert_eq!(doctor::findings(top, false), []);
}
