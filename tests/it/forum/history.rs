//! Threads in history: what a publication takes, what may go afterwards, and the index that spares reading them.

use crate::cmd::forum::{ask, ask_long_ago, thread};
use crate::cmd::stage::{Stage, WAITS, WORKS};
use git_metawsm::model::RunId;
use git_metawsm::service::{self, Caller, Control, forum};
use git_metawsm::sys::signals::Interrupt;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

fn control(stage: &Stage) -> Control {
    let caller = Caller {
        cwd: stage.repo.path().to_owned(),
        root: Some(stage.repo.path().to_owned()),
        policy: None,
        wait: Duration::from_secs(10),
        interrupt: Interrupt::default(),
        below_agent: None,
        run_hint: None,
    };
    service::control(&caller).expect("the control repository")
}

/// Commits what a publication would take and gives its paths.
fn publish(stage: &Stage, run: Option<&str>) -> Vec<String> {
    let run = run.map(|id| RunId::parse(id).expect("an id"));
    let taken = forum::publishable(&control(stage), run.as_ref()).expect("what is live");
    let taken: Vec<_> = taken.into_iter().flat_map(|thread| thread.files).collect();
    for (path, bytes) in &taken {
        let path = stage.repo.file(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("an event");
    }
    stage.repo.git(["add", "-A", "--", ".metawsm/forum"]);
    stage.repo.git(["commit", "-q", "--allow-empty", "-m", "Publish threads"]);
    taken.into_iter().map(|(path, _)| path).collect()
}

/// Removes the live copies of what history keeps.
pub fn retire(stage: &Stage) -> usize {
    forum::retire(&control(stage)).expect("it looks")
}

fn live_files(stage: &Stage) -> usize {
    let found = stage.repo.common_dir().join("metawsm/forum");
    let count = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten().count();
    let threads = |month: PathBuf| {
        std::fs::read_dir(month).into_iter().flatten().flatten().map(|e| count(e.path())).sum::<usize>()
    };
    std::fs::read_dir(found).into_iter().flatten().flatten().map(|month| threads(month.path())).sum()
}

#[test]
fn a_publication_takes_the_events_of_its_run_once_and_as_they_are() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do it");
    let id = ask(&stage, &["--body", "About the run"]);
    let other = ask(&stage, &["--body", "About the project", "--project"]);
    let taken = publish(&stage, Some("one"));
    let month = &id[5..9];
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].starts_with(&format!(".metawsm/forum/{month}-")) && taken[0].contains(&id), "{taken:?}");
    assert_eq!(publish(&stage, Some("one")), [""; 0], "once");
    stage.run(&["forum", "answer", &id, "--body", "Yes"]).ok();
    let damaged = stage.repo.common_dir().join("metawsm/forum").join(&taken[0][".metawsm/forum/".len()..]);
    std::fs::write(damaged.with_file_name("fevt-000009-abcd.toml"), "no event").expect("litter");
    assert_eq!(publish(&stage, None).len(), 2, "the answer, the other thread, and not the litter");
    assert_eq!(thread(&stage, &other)["events"].as_array().map(Vec::len), Some(1));
    stage.run(&["stop", "one"]).ok();
}

#[test]
fn live_events_go_when_upstream_holds_them_and_not_before() {
    let stage = Stage::with(WORKS);
    let id = ask(&stage, &["--body", "Which?"]);
    let old = ask_long_ago(&stage, 100 * 24 * 3600);
    let retire = || retire(&stage);
    assert_eq!(retire(), 0, "nothing is published");
    publish(&stage, None);
    assert_eq!((retire(), live_files(&stage)), (1, 1), "without an upstream, what is old");
    let bare = stage.repo.with_origin();
    stage.repo.git(["branch", "-q", "--set-upstream-to=origin/main"]);
    stage.run(&["forum", "answer", &id, "--body", "Blue"]).ok();
    let before = (thread(&stage, &id), thread(&stage, &old));
    assert_eq!((retire(), live_files(&stage)), (1, 1), "the answer is not in history");
    publish(&stage, None);
    assert_eq!(retire(), 0, "upstream does not hold it");
    stage.repo.git(["push", "-q", "origin", "main"]);
    assert_eq!((retire(), live_files(&stage)), (1, 0));
    let after = (thread(&stage, &id), thread(&stage, &old));
    assert_eq!(before.0["events"], after.0["events"]);
    assert_eq!(before.1["events"], after.1["events"]);
    // It goes on where it was.
    stage.run(&["forum", "close", &id]).ok();
    assert_eq!(thread(&stage, &id)["thread"]["lamport"], 3);
    assert!(bare.exists());
}

/// What list, search and status say, without what the clock says.
fn answers(stage: &Stage) -> Value {
    let mut list = stage.json(&["forum", "list", "--limit", "1000"]);
    let mut escalated = stage.json(&["forum", "list", "--escalated"]);
    for found in [&mut list, &mut escalated] {
        for thread in found["threads"].as_array_mut().expect("a list") {
            thread["waiting_seconds"] = Value::Null;
        }
    }
    let status = stage.json(&["status"]);
    let needs: Vec<_> =
        status["runs"].as_array().expect("runs").iter().map(|run| run["needs"].clone()).collect();
    json!([list, escalated, needs])
}

/// Requires the same answers without an index, with one that was just made, and with the one that was there.
fn require_same(stage: &Stage, what: &str) {
    let index = stage.repo.common_dir().join("metawsm/index.db");
    let first = answers(stage);
    assert_eq!(answers(stage), first, "{what}: asked again");
    let kept = std::fs::read(&index).expect("the index");
    std::fs::remove_file(&index).expect("it was there");
    std::fs::create_dir(&index).expect("in the way");
    assert_eq!(answers(stage), first, "{what}: without an index");
    std::fs::remove_dir(&index).expect("it is empty");
    assert_eq!(answers(stage), first, "{what}: with a new index");
    std::fs::write(&index, kept).expect("the old index");
}

#[test]
fn the_index_never_changes_an_answer() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do it");
    let all: Vec<_> = (0..6).map(|n| ask(&stage, &["--body", &format!("Question {n}")])).collect();
    stage.run(&["forum", "priority", &all[0], "--priority", "urgent"]).ok();
    require_same(&stage, "live threads");
    publish(&stage, None);
    require_same(&stage, "published threads");
    stage.run(&["forum", "answer", &all[0], "--body", "Yes"]).ok();
    stage.run(&["forum", "priority", &all[1], "--priority", "high"]).ok();
    require_same(&stage, "live events of published threads");
    std::fs::remove_dir_all(stage.repo.common_dir().join("metawsm/forum")).expect("it was there");
    require_same(&stage, "live events that went");
    let old = stage.repo.git(["rev-parse", "HEAD"]);
    stage.run(&["forum", "close", &all[2]]).ok();
    ask_long_ago(&stage, 3600);
    publish(&stage, None);
    require_same(&stage, "more in history");
    stage.repo.git(["reset", "-q", "--hard", &old]);
    require_same(&stage, "less in history");
    let place = stage.repo.git(["ls-files", ".metawsm/forum"]).lines().next().expect("an event").to_owned();
    stage.repo.commit(&place, "damaged\n");
    require_same(&stage, "a damaged event");
    assert_eq!(
        answers(&stage)[0]["broken"].as_array().map(Vec::len),
        Some(2),
        "it is named, and what it opened"
    );
    stage.run(&["stop", "one"]).ok();
}

#[test]
fn a_damaged_index_is_noticed() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do it");
    for n in 0..20 {
        let id = ask(&stage, &["--body", &format!("Question {n}"), "--priority", "urgent"]);
        if n % 2 == 0 {
            stage.run(&["forum", "close", &id]).ok();
        }
    }
    publish(&stage, None);
    std::fs::remove_dir_all(stage.repo.common_dir().join("metawsm/forum")).expect("it was there");
    let expected = answers(&stage);
    assert_eq!(answers(&stage), expected);
    let index = stage.repo.common_dir().join("metawsm/index.db");
    let good = std::fs::read(&index).expect("the index");
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x15;
        std::fs::write(&index, bytes).expect("damage");
        assert_eq!(answers(&stage), expected, "byte {at}");
    }
    stage.run(&["stop", "one"]).ok();
}
