use super::*;
use crate::store::journal::{Chain, FILE};
use crate::store::testing::{LONG, Place, closed_runs, full, plain, run_id};
use crate::store::{Entry, Journal};
use std::fs;
use std::sync::Barrier;
use std::thread;

const NOW: Duration = Duration::ZERO;

fn journal(place: &Place, id: &str) -> Journal {
    place.store().journal(&run_id(id)).expect("journal")
}

#[test]
fn a_new_run_is_there_whole_and_its_id_is_used_once() {
    let place = Place::new();
    let store = place.store();
    assert!(!store.exists());
    let run = full("r1");
    let hold = store.create_run(&run, "run", NOW).expect("create");
    assert_eq!((hold.run(), store.find_run(&run.id).expect("find")), (&run, Some(run.clone())));
    assert_eq!(journal(&place, "r1").entries[0].event, "created");
    assert_eq!(files::names_in(&store.dir().join("runs")).expect("list"), ["r1"]);
    drop(hold);
    let again = store.create_run(&run, "run", NOW).expect_err("used");
    assert!(matches!(again, StoreError::Exists { .. }), "{again}");
    place.held("r1").archive(true).expect("archive");
    let again = store.create_run(&run, "run", NOW).expect_err("used, though closed");
    assert!(matches!(again, StoreError::Exists { .. }), "{again}");
    let reserved = store.create_run(&plain("Repo"), "run", NOW).expect_err("reserved");
    assert!(matches!(reserved, StoreError::Reserved { .. }), "{reserved}");
}

#[test]
fn of_sixteen_who_make_one_run_exactly_one_does() {
    let place = Place::new();
    let start = Barrier::new(16);
    let made = thread::scope(|scope| {
        let make = || {
            start.wait();
            place.store().create_run(&plain("same"), "run", LONG).is_ok()
        };
        let all: Vec<_> = (0..16).map(|_| scope.spawn(make)).collect();
        all.into_iter().filter_map(|t| t.join().ok()).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
    assert_eq!(journal(&place, "same").chain, Chain::Whole);
}

#[test]
fn sixteen_writers_lose_nothing_while_readers_see_whole_records() {
    let place = Place::new();
    let mut run = full("r1");
    run.state = RunState::Running;
    drop(place.store().create_run(&run, "run", NOW).expect("create"));
    let start = Barrier::new(18);
    thread::scope(|scope| {
        for n in 0..16 {
            let (place, start) = (&place, &start);
            scope.spawn(move || {
                start.wait();
                for m in 0..6 {
                    let mut hold = place.store().hold(&run_id("r1"), "count", LONG).expect("hold");
                    hold.update(|run| run.agents[0].starts += 1).expect("update");
                    hold.note("count", &format!("{n}.{m}")).expect("note");
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..40 {
                    let runs = place.store().open_runs().expect("sweep");
                    assert!(matches!(&runs[..], [Entry::Run(_)]), "{runs:?}");
                    assert!(matches!(journal(&place, "r1").chain, Chain::Whole | Chain::TornTail));
                }
            });
        }
    });
    assert_eq!(place.held("r1").run().agents[0].starts, 2 + 16 * 6);
    let journal = journal(&place, "r1");
    let mut counts: Vec<_> = journal.entries.iter().filter(|e| e.event == "count").map(|e| &e.text).collect();
    counts.sort();
    counts.dedup();
    assert_eq!((journal.chain, counts.len()), (Chain::Whole, 16 * 6));
}

#[test]
fn a_held_run_names_its_holder_and_an_unknown_one_leaves_no_trace() {
    let place = Place::new();
    let store = place.store();
    let unknown = store.hold(&run_id("typo"), "close", NOW).expect_err("unknown");
    assert!(matches!(unknown, StoreError::NotFound { .. }) && !store.exists(), "{unknown}");
    let hold = place.made("r1");
    let busy = store.hold(&run_id("r1"), "stop", NOW).expect_err("held");
    assert!(busy.is_busy() && busy.to_string().starts_with("Run r1 is in use by 'run' (process "), "{busy}");
    assert_eq!(store.holder(&run_id("r1")).expect("held").command, "run");
    drop(hold);
    assert_eq!(store.holder(&run_id("r1")), None);
}

#[test]
fn a_hold_token_counts_while_its_hold_lives() {
    let place = Place::new();
    let hold = place.made("r1");
    let token = hold.token().to_owned();
    let check = |token: &str| verify_hold_token(&place.common(), &run_id("r1"), token);
    assert!(check(&token) && !check("") && !check("other"));
    let lock = fs::read_to_string(run_lock(&place.common(), &run_id("r1"))).expect("lock file");
    assert!(!lock.contains(&token), "only its hash stands there");
    drop(hold);
    assert!(!check(&token));
    drop(place.held("r1"));
    assert!(!check(&token));
}

#[test]
fn illegal_moves_foreign_ids_and_newer_formats_leave_the_record_as_it_is() {
    let place = Place::new();
    let mut hold = place.made("r1");
    let path = hold.dir().join(RECORD);
    let before = fs::read(&path).expect("record");
    assert!(matches!(hold.go(RunState::Closed, "no"), Err(StoreError::Illegal(_))));
    assert!(matches!(hold.update(|r| r.state = RunState::Closed), Err(StoreError::Illegal(_))));
    assert!(matches!(hold.save(plain("r2")), Err(StoreError::Refused { .. })));
    assert!(matches!(hold.update(|r| r.format = 5), Err(StoreError::Newer { format: 5, .. })));
    assert!(matches!(hold.save_part("../x", ""), Err(StoreError::Refused { .. })));
    assert!(matches!(hold.save_part("run.toml", ""), Err(StoreError::Refused { .. })));
    assert!(matches!(hold.archive(false), Err(StoreError::Refused { .. })));
    assert_eq!(fs::read(&path).expect("record"), before);
    assert_eq!(journal(&place, "r1").entries.len(), 1);
}

#[test]
fn a_record_of_a_newer_version_is_shown_and_never_written() {
    let place = Place::new();
    let path = place.made("r1").dir().join(RECORD);
    let text = fs::read_to_string(&path).expect("record");
    let newer = text.replacen("format = 4", "format = 7\nlater = 1", 1);
    fs::write(&path, &newer).expect("write");
    let runs = place.store().open_runs().expect("sweep");
    assert!(matches!(&runs[..], [Entry::Run(run)] if run.format == 7), "{runs:?}");
    let refused = place.store().hold(&run_id("r1"), "stop", NOW).expect_err("newer");
    assert!(refused.is_newer(), "{refused}");
    fs::write(&path, "format = 7\nkind = \"run\"\nid = 1\n").expect("write");
    let runs = place.store().open_runs().expect("sweep");
    assert!(matches!(&runs[..], [Entry::Broken { newer: true, .. }]), "{runs:?}");
}

#[test]
fn a_move_that_the_journal_does_not_know_is_added_to_it() {
    let place = Place::new();
    let mut hold = place.made("r1");
    hold.go(RunState::Planning, "planning it").expect("go");
    let path = hold.dir().join(FILE);
    drop(hold);
    let text = fs::read_to_string(&path).expect("journal");
    let first = text.split_inclusive('\n').next().expect("a line");
    // As after a kill between the record and its line, once without a byte of it and once with half of it.
    for left in [first.to_owned(), format!("{first}{{\"seq\":2,\"at\"")] {
        fs::write(&path, left).expect("cut");
        let hold = place.held("r1");
        assert_eq!(hold.run().state, RunState::Planning);
        let journal = journal(&place, "r1");
        let last = journal.entries.last().expect("a line");
        assert_eq!((last.event.as_str(), last.text.as_str()), ("recovered", "planning it"));
        assert_eq!((last.at, last.state.as_deref()), (hold.run().changed, Some("planning")));
        assert_eq!((journal.chain, journal.entries.len()), (Chain::Whole, 2));
    }
    drop(place.held("r1"));
    assert_eq!(journal(&place, "r1").entries.len(), 2, "once is enough");
}

#[test]
fn a_directory_that_takes_no_file_leaves_the_old_bytes() {
    let place = Place::new();
    let mut hold = place.made("r1");
    let (dir, aside) = (hold.dir().to_owned(), place.path().join("aside"));
    let before = fs::read(dir.join(RECORD)).expect("record");
    fs::rename(&dir, &aside).expect("move");
    // Nobody makes files there, not even root.
    std::os::unix::fs::symlink("/proc/self/fdinfo", &dir).expect("link");
    hold.go(RunState::Planning, "").expect_err("nothing can be written");
    fs::remove_file(&dir).expect("unlink");
    fs::rename(&aside, &dir).expect("move back");
    assert_eq!(fs::read(dir.join(RECORD)).expect("record"), before);
    assert_eq!(files::names_in(&dir).expect("list"), [FILE, RECORD]);
    assert_eq!(hold.run().state, RunState::Created);
    hold.go(RunState::Planning, "").expect("now it can");
}

#[test]
fn a_decided_run_moves_out_of_the_sweep_and_waits_for_publication() {
    let place = Place::new();
    let store = place.store();
    let mut hold = place.made("r1");
    hold.save_part("intent.toml", "x = 1\n").expect("part");
    hold.save_part("docs/MW-1.toml", "y = 1\n").expect("part");
    hold.go(RunState::Discarded, "not wanted").expect("discard");
    assert_eq!(store.open_runs().expect("sweep"), []);
    assert_eq!(store.unarchived_runs().expect("sweep").len(), 1, "killed here, it is still found");
    assert_eq!(closed_runs(&store).expect("sweep").len(), 1);
    assert_eq!(store.pending_publication().expect("sweep").len(), 1);
    for _ in 0..2 {
        hold.archive(false).expect("archive");
        hold.note("cleanup", "done").expect("the journal moved along");
    }
    assert_eq!(store.run_dir(&run_id("r1")), store.dir().join("closed/r1"));
    assert_eq!(store.find_part(&run_id("r1"), "docs/MW-1.toml").expect("part").as_deref(), Some("y = 1\n"));
    assert_eq!(store.pending_publication().expect("sweep").len(), 1);
    assert!(store.unarchived_runs().expect("sweep").is_empty());
    hold.mark_published("c0ffee").expect("mark");
    hold.archive(false).expect("a commit is never taken back");
    assert_eq!(store.publication(&run_id("r1")).expect("mark"), Some(Publication::Done("c0ffee".to_owned())));
    assert!(store.pending_publication().expect("sweep").is_empty());
    hold.forget().expect("forget");
    assert_eq!(
        (store.find_run(&run_id("r1")).expect("find"), closed_runs(&store).expect("sweep")),
        (None, vec![])
    );
}

#[test]
fn a_wrapper_that_outlives_the_close_hides_no_record() {
    let place = Place::new();
    let mut hold = place.made("r1");
    hold.go(RunState::Discarded, "").expect("discard");
    hold.archive(false).expect("archive");
    drop(hold);
    files::write_atomic(&place.store().dir().join("runs/r1/agents/late"), b"").expect("a late exit file");
    assert_eq!(place.store().open_runs().expect("sweep"), []);
    assert!(place.store().find_run(&run_id("r1")).expect("find").is_some());
    assert_eq!(place.held("r1").dir(), place.store().dir().join("closed/r1"));
}
