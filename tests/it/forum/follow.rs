//! Following: every event is heard once, whatever happens to its file.

use super::history::retire;
use crate::cmd::forum::{ask, ask_long_ago};
use crate::cmd::stage::{Stage, WORKS};
use crate::kit::wait_until;
use git_metawsm::model::{Actor, ActorKind, EventWhat, ForumEvent, Priority, ThreadId};
use git_metawsm::store::Store;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

/// A watch that goes on until it is ended.
struct Follower<'a> {
    stage: &'a Stage,
    log: PathBuf,
    child: Child,
}

impl<'a> Follower<'a> {
    fn start(stage: &'a Stage, name: &str, words: &[&str]) -> Self {
        let log = stage.world.root().join(name);
        let file = std::fs::File::create(&log).expect("a file");
        let mut watch = stage.world.command(crate::kit::BINARY);
        watch.args(["--json", "forum", "watch", "--follow"]).args(words);
        let child = watch.current_dir(stage.repo.path()).stdout(file).spawn().expect("it starts");
        Self { stage, log, child }
    }

    fn heard(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).expect("what was heard");
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    fn bodies(&self) -> Vec<String> {
        self.heard().iter().filter_map(|e| e["body"].as_str().map(str::to_owned)).collect()
    }

    fn wait_for(&self, body: &str) {
        wait_until(&format!("{body} is heard"), Duration::from_secs(60), || {
            self.bodies().iter().any(|heard| heard == body)
        });
    }

    fn end(mut self) -> Vec<Value> {
        let pid = self.child.id().to_string();
        self.stage.world.command("kill").arg(pid).status().expect("it can be asked to end");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
        self.heard()
    }
}

/// Opens a thread of another month, as somebody whose clock says so.
fn ask_in(stage: &Stage, month: &str, body: &str) -> ThreadId {
    let store = Store::at(&stage.repo.common_dir(), Some(stage.repo.path()));
    let date = month.replace('-', "");
    let id = ThreadId::parse(&format!("fthr-{date}15-000000-aaaaaaaa")).expect("an id");
    let actor = Actor { kind: ActorKind::Human, name: "Ada".to_owned() };
    let at = format!("{month}-15T00:00:00Z").parse().expect("a time");
    let mut event = ForumEvent::new(id.clone(), EventWhat::Opened, 1, at, actor);
    event.title = Some("Of another month".to_owned());
    event.body = Some(body.to_owned());
    event.priority = Some(Priority::Normal);
    store.add_event(None, &event).expect("it is written");
    id
}

#[test]
fn nothing_is_lost_or_heard_twice_across_publication_retirement_and_months() {
    let stage = Stage::with(WORKS);
    stage.repo.with_origin();
    stage.repo.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    let id = ask(&stage, &["--body", "first"]);
    ask_long_ago(&stage, 3600);
    let all = Follower::start(&stage, "all", &["--cursor", "0"]);
    all.wait_for("first");
    let cursor = all.heard().last().expect("events")["cursor"].as_str().expect("a cursor").to_owned();
    stage.run(&["forum", "answer", &id, "--body", "second"]).ok();
    all.wait_for("second");
    // Into history, out of the live files, and on beside both.
    stage.run(&["publish"]).ok();
    stage.run(&["forum", "answer", &id, "--body", "third"]).ok();
    stage.repo.git(["push", "-q", "origin", "main"]);
    assert!(retire(&stage) > 0, "what upstream holds goes");
    stage.run(&["forum", "answer", &id, "--body", "fourth"]).ok();
    all.wait_for("fourth");
    let past = ask_in(&stage, "2025-01", "in a month that was not there");
    all.wait_for("in a month that was not there");
    stage.run(&["forum", "answer", past.as_str(), "--body", "fifth"]).ok();
    all.wait_for("fifth");
    // What comes by git alone, with no file event.
    stage.run(&["publish"]).ok();
    let there = stage.repo.rev("main").expect("a commit");
    stage.repo.git(["push", "-q", "origin", "main"]);
    assert!(retire(&stage) > 0);
    ask(&stage, &["--body", "last"]);
    all.wait_for("last");
    let heard = all.end();
    let ids: Vec<_> = heard.iter().map(|e| e["id"].as_str().expect("an id")).collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "none twice: {ids:#?}");
    let once = stage.run(&["--json", "forum", "watch", "--limit", "1000"]).ok().json_lines();
    let told: std::collections::BTreeSet<_> = once.iter().map(|e| e["id"].as_str().expect("an id")).collect();
    assert_eq!(told, ids.into_iter().collect(), "none lost");
    assert_eq!(stage.repo.rev("main"), Some(there));
    // Whoever was away catches up from its cursor, in one go and by following.
    let after = stage.run(&["--json", "forum", "watch", "--cursor", &cursor]).ok().json_lines();
    let follower = Follower::start(&stage, "late", &["--cursor", &cursor]);
    follower.wait_for("last");
    let late = follower.end();
    let ids = |events: &[Value]| events.iter().map(|e| e["id"].to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&late), ids(&after));
    for body in ["second", "third", "fourth", "last"] {
        assert!(late.iter().any(|e| e["body"] == body), "{body}");
    }
}

#[test]
fn events_that_git_brings_are_heard_without_any_live_file() {
    let stage = Stage::with(WORKS);
    let follower = Follower::start(&stage, "heard", &["--cursor", "0"]);
    let here = ask(&stage, &["--body", "asked here"]);
    follower.wait_for("asked here");
    let other = stage.world.root().join("repos/other");
    stage.repo.git(["clone", "-q", &stage.repo.path().to_string_lossy(), &other.to_string_lossy()]);
    let other = stage.repo.seen_from(&other);
    other.git(["config", "user.name", "Bob"]);
    other.git(["config", "user.email", "bob@example.org"]);
    stage.world.run(["forum", "ask", "--body", "asked there"]).at(&other).ok();
    stage.world.run(["publish"]).at(&other).ok();
    stage.repo.git(["pull", "-q", "--ff-only", &other.path().to_string_lossy(), "main"]);
    follower.wait_for("asked there");
    stage.run(&["forum", "close", &here]).ok();
    wait_until("the end is heard", Duration::from_secs(60), || {
        follower.heard().iter().any(|e| e["event"] == "closed")
    });
    assert_eq!(follower.end().len(), 3);
}
