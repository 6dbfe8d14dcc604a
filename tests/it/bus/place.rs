//! Clones that talk over a server.

use crate::kit::{Output, Repo, Run, World, require, wait_until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// As long as anything may take on a loaded machine.
pub const LONG: Duration = Duration::from_secs(120);

/// The world of a test, or `None` where there is no Redis and nobody requires one.
pub fn world() -> Option<World> {
    require("redis-server").map(|_| World::new())
}

/// A project whose policy sends events through this server.
pub fn project(world: &World, name: &str, url: &str) -> Repo {
    let repo = world.repo(name);
    // Two projects that begin alike are one.
    repo.git(["commit", "-q", "--amend", "-m", &format!("Begin {name}")]);
    let policy = serde_json::json!({ "forum": { "transport": "redis", "redis": { "url": url } } });
    repo.commit(".metawsm/policy.json", &policy.to_string());
    repo
}

/// A clone that talks.
pub struct Talker<'a> {
    pub world: &'a World,
    pub repo: Repo,
}

impl<'a> Talker<'a> {
    /// The project itself.
    pub fn of(world: &'a World, repo: &Repo) -> Self {
        Self { world, repo: repo.clone() }
    }

    /// A clone of it.
    pub fn clone_of(world: &'a World, of: &Repo, name: &str) -> Self {
        Self::clone_with(world, of, name, &[])
    }

    /// A clone of it, made with these options.
    pub fn clone_with(world: &'a World, of: &Repo, name: &str, options: &[&str]) -> Self {
        let place = world.root().join("repos").join(name);
        let url = format!("file://{}", of.path().display());
        let at = place.to_string_lossy();
        of.git([&["clone", "-q"], options, &[url.as_str(), &at]].concat());
        let repo = of.seen_from(&place);
        repo.git(["config", "user.name", name]);
        repo.git(["config", "user.email", &format!("{name}@example.org")]);
        Self { world, repo }
    }

    pub fn run(&self, words: &[&str]) -> Run {
        self.world.run(words).at(&self.repo)
    }

    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Value {
        self.run(&[&["--json"], words].concat()).ok().json()
    }

    /// Opens a thread, and gives its id.
    #[track_caller]
    pub fn ask(&self, body: &str) -> String {
        let asked = self.json(&["forum", "ask", "--project", "--body", body]);
        asked["thread"]["id"].as_str().expect("an id").to_owned()
    }

    #[track_caller]
    pub fn answer(&self, thread: &str, body: &str) {
        self.json(&["forum", "answer", thread, "--body", body]);
    }

    /// Carries what there is; gives the news.
    #[track_caller]
    pub fn relay(&self) -> Vec<Value> {
        self.run(&["--json", "forum", "relay", "--once"]).ok().json_lines()
    }

    /// The sentences of the last relay about entries that were left out.
    #[track_caller]
    pub fn left_out(&self) -> Vec<String> {
        let why = |news: Value| (news["news"] == "left_out").then(|| news["why"].as_str().map(str::to_owned));
        self.relay().into_iter().filter_map(why).flatten().collect()
    }

    /// Every live event: its name, and its bytes.
    pub fn events(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut next = vec![self.metawsm().join("forum")];
        while let Some(dir) = next.pop() {
            for path in std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    next.push(path);
                } else if let Some(name) =
                    path.file_name().and_then(|n| n.to_str()).filter(|n| n.starts_with('f'))
                {
                    let bytes = std::fs::read(&path).expect("an event");
                    assert!(found.insert(name.to_owned(), bytes).is_none(), "{name} lies there twice");
                }
            }
        }
        found
    }

    /// The names of all live events.
    pub fn names(&self) -> BTreeSet<String> {
        self.events().into_keys().collect()
    }

    pub fn metawsm(&self) -> PathBuf {
        self.repo.common_dir().join("metawsm")
    }

    /// The events that wait to be sent.
    pub fn waiting(&self) -> usize {
        let names = std::fs::read_dir(self.metawsm().join("bus/out")).into_iter().flatten().flatten();
        names.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).count()
    }

    pub fn status(&self) -> Value {
        self.json(&["status"])["forum_bus"].clone()
    }
}

/// Waits until all of them hold the same events, and so many.
#[track_caller]
pub fn wait_for_all(talkers: &[&Talker<'_>], count: usize) {
    wait_until(&format!("everybody has the same {count} events"), LONG * 2, || {
        let first = talkers[0].names();
        first.len() == count && talkers.iter().all(|talker| talker.names() == first)
    });
}

/// No output, and no file below these, holds a text.
#[track_caller]
pub fn require_secret(secret: &str, outputs: &[Output], below: &[PathBuf]) {
    for output in outputs {
        assert!(!format!("{output}").contains(secret), "{output}");
    }
    let mut next: Vec<PathBuf> = below.to_vec();
    while let Some(path) = next.pop() {
        if path.is_dir() {
            next.extend(path.read_dir().expect("a folder").flatten().map(|entry| entry.path()));
        } else {
            require_not_in(&path, secret);
        }
    }
}

fn require_not_in(path: &Path, secret: &str) {
    let bytes = std::fs::read(path).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{} holds the password", path.display());
}
