//! Tickets between us and docmgr, both ways: with the real program where it is installed, and with its stand-in.

use super::doctor::assert_healthy;
use super::stand_in::{StandIn, docmgr};
use crate::kit::{Output, Repo, World, require};
use crate::stage::{Stage, WORKER, holds, id};
use git_metawsm::model::TicketId;
use git_metawsm::tickets::{
    Created, Found, NewTicket, Reference, Ticket, closed_bytes, create, docs_root, find, parse_index,
    reference_document, reference_name,
};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// A repository, and a docmgr.
struct Place<'a> {
    world: &'a World,
    repo: Repo,
    program: PathBuf,
    is_real: bool,
}

/// The same test with the real program and with the stand-in.
macro_rules! both {
    ($name:ident, $check:path) => {
        mod $name {
            use super::*;

            #[test]
            fn with_docmgr() {
                let Some(program) = require("docmgr") else { return };
                let world = World::new();
                let repo = world.repo("app");
                $check(&Place { world: &world, repo, program, is_real: true });
            }

            #[test]
            fn with_a_stand_in() {
                let world = World::new();
                StandIn::install(&world);
                let (repo, program) = (world.repo("app"), world.bin().join("docmgr"));
                $check(&Place { world: &world, repo, program, is_real: false });
            }
        }
    };
}

impl Place<'_> {
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

    fn docmgr(&self, args: &[&str]) -> Output {
        docmgr(self.world, &self.program, self.repo.path(), args)
    }

    fn rows(&self, args: &[&str]) -> Vec<Value> {
        let args = [args, &["--with-glaze-output", "--output", "json"]].concat();
        serde_json::from_str(&self.docmgr(&args).stdout).expect("docmgr prints a list of rows")
    }

    /// Asserts that doctor has nothing to say, ours and the real one.
    fn assert_healthy(&self) {
        assert_healthy(self.repo.path());
        if self.is_real {
            let rows = self.rows(&["doctor", "--all", "--fail-on", "warning"]);
            let bad: Vec<_> = rows.iter().filter(|r| r["severity"] != "ok").collect();
            assert!(bad.is_empty(), "{bad:?}");
        }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.repo.path().join(relative)
    }
}

const TITLES: [(&str, &str); 5] = [
    ("MW-12", "Add login: phase 1"),
    ("mw_13.b", "it's #1 {{TITLE}} 'quoted' twice"),
    ("MW-14", "日本語"),
    ("15", "2026-07-06"),
    ("no", "true"),
];

both!(they_list_the_tickets_we_create, tickets_are_listed);

fn tickets_are_listed(place: &Place<'_>) {
    for (id, title) in TITLES {
        let created = place.create(id, title, &["core", "a: topic"]);
        let rows = place.rows(&["ticket", "list", "--ticket", id]);
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!((&rows[0]["ticket"], &rows[0]["title"]), (&Value::from(id), &Value::from(title)));
        assert_eq!(rows[0]["status"], "active");
        assert_eq!(rows[0]["path"].as_str().map(|p| format!("ttmp/{p}")), Some(created.dir));
        if place.is_real {
            let shown = place.rows(&["ticket", "show", "--ticket", id]);
            assert_eq!((&shown[0]["ticket"], &shown[0]["title"]), (&Value::from(id), &Value::from(title)));
        }
    }
    let rows = place.rows(&["ticket", "list"]);
    assert_eq!(rows.len(), TITLES.len(), "{rows:?}");
    place.assert_healthy();
}

both!(we_read_the_tickets_they_create, tickets_are_read);

fn tickets_are_read(place: &Place<'_>) {
    for (id, title) in TITLES {
        place.docmgr(&["ticket", "create-ticket", "--ticket", id, "--title", title, "--topics", "core,cli"]);
        let ticket = place.find(&id.to_uppercase());
        assert_eq!((&*ticket.id, &*ticket.title, &*ticket.status), (id, title, "active"));
        assert_eq!(ticket.topics, ["core", "cli"]);
        assert!(place.path(&ticket.index).is_file());
    }
}

both!(what_they_close_we_read_as_closed, closed_by_them);

fn closed_by_them(place: &Place<'_>) {
    for (id, title) in TITLES {
        let created = place.create(id, title, &["core"]);
        place.docmgr(&["ticket", "close", "--ticket", id, "--changelog-entry", "Done: all of it"]);
        let ticket = place.find(id);
        assert_eq!((&*ticket.id, &*ticket.title, &*ticket.dir), (id, title, &*created.dir));
        assert!(ticket.is_closed());
        assert_eq!(ticket.topics, ["core"]);
    }
    place.assert_healthy();
}

both!(what_we_close_they_read_as_complete, closed_by_us);

fn closed_by_us(place: &Place<'_>) {
    if place.is_real {
        place.docmgr(&["init", "--seed-vocabulary"]);
    }
    let words = ["create-ticket", "--ticket", "D-1", "--title", "Made: by docmgr", "--topics", "chat"];
    place.docmgr(&[&["ticket"], &words[..]].concat());
    let ticket = place.find("d-1");
    let at = place.path(&ticket.dir);
    let read = |name: &str| fs::read(at.join(name)).expect("a document");
    let (index, changelog) = (read("index.md"), read("changelog.md"));
    let now = jiff::Timestamp::now();
    let closing = closed_bytes(&index, Some(&changelog), "Merged.", "Closed", now).expect("it closes");
    fs::write(at.join("index.md"), closing.index).expect("write");
    fs::write(at.join("changelog.md"), closing.changelog).expect("write");
    let rows = place.rows(&["ticket", "list", "--ticket", "D-1"]);
    assert_eq!(rows[0]["status"], "complete", "{rows:?}");
    place.assert_healthy();
}

both!(they_take_our_reference_documents_and_number_theirs_behind, references);

fn references(place: &Place<'_>) {
    let created = place.create("R-1", "A ticket", &["core"]);
    let at = place.path(&created.dir).join("reference");
    fs::create_dir(&at).expect("a directory");
    let (title, topics, now) = ("Feedback: round 1", ["core".to_owned()], jiff::Timestamp::now());
    let reference = Reference { ticket: "R-1", title, topics: &topics, summary: "s", body: "Do it.", now };
    fs::write(at.join(reference_name(&[], title)), reference_document(&reference)).expect("write");
    place.docmgr(&["doc", "add", "--ticket", "R-1", "--doc-type", "reference", "--title", "By: docmgr"]);
    let theirs = fs::read(at.join("02-by-docmgr.md")).expect("its document");
    let head = parse_index(&theirs).expect("frontmatter");
    assert_eq!((&*head.ticket, &*head.title, &*head.doc_type), ("R-1", "By: docmgr", "reference"));
    let names = ["01-feedback-round-1.md", "02-by-docmgr.md"].map(str::to_owned);
    assert_eq!(reference_name(&names, "Next"), "03-next.md");
    if place.is_real {
        let rows = place.rows(&["doc", "list", "--ticket", "R-1", "--doc-type", "reference"]);
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(rows.iter().any(|row| row["title"] == title), "{rows:?}");
    }
    place.assert_healthy();
}

both!(our_tickets_survive_their_rewrites, rewrites);

fn rewrites(place: &Place<'_>) {
    let created = place.create("S-1", "Survives: all of it", &["core"]);
    place.repo.write("main.go", "package main\n");
    place.repo.write(&format!("{}/tasks.md", created.dir), "# Tasks\n\n## TODO\n\n- [ ] one\n- [ ] two\n");
    let before = place.find("S-1");
    place.docmgr(&["meta", "update", "--ticket", "S-1", "--field", "Summary", "--value", "A: summary"]);
    place.docmgr(&["doc", "relate", "--ticket", "S-1", "--file-note", "main.go:where it: starts"]);
    place.docmgr(&["task", "check", "--ticket", "S-1", "--id", "2"]);
    place.docmgr(&["changelog", "update", "--ticket", "S-1", "--entry", "Did: it"]);
    assert_eq!(place.find("S-1"), before);
    let read = |name: &str| place.repo.read(&format!("{}/{name}", created.dir));
    holds(&read("tasks.md"), &["- [ ] one", "- [x] two"]);
    holds(&read("changelog.md"), &["Ticket created", "Did: it"]);
    holds(&read("index.md"), &["Goal.", "- [Tasks](./tasks.md)"]);
    place.assert_healthy();
    // And what we do next with a document of theirs.
    let index = fs::read(place.path(&before.index)).expect("the index");
    let now = jiff::Timestamp::now();
    let closing = closed_bytes(&index, None, "Merged.", "Closed", now).expect("it closes");
    fs::write(place.path(&before.index), closing.index).expect("write");
    assert!(place.find("S-1").is_closed());
    place.assert_healthy();
}

#[test]
fn their_server_serves_the_tickets_we_create() {
    let Some(program) = require("docmgr") else { return };
    let world = World::new();
    let place = Place { world: &world, repo: world.repo("app"), program, is_real: true };
    let created = place.create("V-1", "Served: too", &["core"]);
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let address = format!("127.0.0.1:{port}");
    let mut server = world.command(&place.program);
    server.args(["api", "serve", "--addr", &address]).current_dir(place.repo.path());
    let mut server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let answer = crate::kit::wait_for("docmgr serves", Duration::from_secs(60), || {
        let mut stream = TcpStream::connect(&address).ok()?;
        let path = "/api/v1/workspace/tickets?includeArchived=true&pageSize=1000";
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    });
    let _ = server.kill();
    let _ = server.wait();
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let row = &answer["results"][0];
    assert_eq!((&row["ticket"], &row["title"]), (&Value::from("V-1"), &Value::from("Served: too")));
    assert_eq!(row["ticketDir"].as_str().map(|dir| format!("ttmp/{dir}")), Some(created.dir));
}

/// A run on a ticket that docmgr made, from its begin to its close.
fn run_on_their_ticket(stage: &Stage, program: &Path, is_real: bool) {
    let place = Place { world: &stage.world, repo: stage.api.clone(), program: program.to_owned(), is_real };
    if is_real {
        place.docmgr(&["init", "--seed-vocabulary"]);
    }
    let words = ["create-ticket", "--ticket", "D-1", "--title", "Made: by docmgr", "--topics", "chat"];
    place.docmgr(&[&["ticket"], &words[..]].concat());
    place.docmgr(&["doc", "add", "--ticket", "D-1", "--doc-type", "design-doc", "--title", "Plan"]);
    stage.api.git(["add", "ttmp"]);
    stage.api.git(["commit", "-qm", "A ticket"]);
    let run = stage.run(&["--ticket", "d-1"]);
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    stage.wait_state(id(&run), "completed");
    stage.do_(["close", id(&run)]).ok();
    let rows = place.rows(&["list", "tickets"]);
    assert_eq!((rows.len(), &rows[0]["status"]), (1, &Value::from("complete")), "{rows:?}");
    assert!(place.find("D-1").is_closed());
    let changed = stage.api.git(["diff", "--name-only", "--diff-filter=DM", "HEAD~2", "HEAD", "--", "ttmp"]);
    let dir = place.find("D-1").dir;
    assert_eq!(changed, format!("{dir}/changelog.md\n{dir}/index.md"), "nothing else of it was touched");
    place.assert_healthy();
}

#[test]
fn a_run_on_a_ticket_that_docmgr_made_is_begun_and_closed() {
    let Some(program) = require("docmgr") else { return };
    run_on_their_ticket(&Stage::new(&[("coder", WORKER)]), &program, true);
}

#[test]
fn a_run_on_a_ticket_of_the_stand_in_is_begun_and_closed() {
    let stage = Stage::new(&[("coder", WORKER)]);
    StandIn::install(&stage.world);
    run_on_their_ticket(&stage, &stage.world.bin().join("docmgr"), false);
}

#[test]
fn doctor_finds_nothing_in_the_projects_own_tickets() {
    let Some(program) = require("docmgr") else { return };
    let world = World::new();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Age is no fault of a decision that still holds.
    docmgr(&world, &program, top, &["doctor", "--all", "--stale-after", "36500", "--fail-on", "warning"]);
}
