//! Two clones talk in the same threads without knowing of each other, and git brings their histories together.

use crate::kit::{Repo, World, all, seed};
use serde_json::Value;

/// A clone whose branch publishes what is said in it.
struct Clone<'a> {
    world: &'a World,
    repo: Repo,
}

impl Clone<'_> {
    fn json(&self, words: &[&str]) -> Value {
        self.world.run([&["--json", "forum"], words].concat()).at(&self.repo).ok().json()
    }

    /// Brings what was said into the history of this clone's main.
    fn publish(&self) {
        self.world.run(["publish"]).at(&self.repo).ok();
    }

    /// Says, assigns and moves in all threads, and publishes now and then.
    fn talk(&self, name: &str, threads: &[String], posts: usize) {
        let states = ["waiting_human", "waiting_operator", "answered"];
        let priorities = ["urgent", "high", "normal", "low"];
        for n in 0..posts {
            let closes = name == "bob" && n >= posts / 2;
            if closes {
                self.json(&["close", &threads[0]]);
            }
            // Who has closed a thread says nothing more in it; the other one knows nothing of that.
            let thread = threads[if closes { 1 + n % 2 } else { n % threads.len() }].as_str();
            let body = format!("{name} says {n}\n\nand more");
            self.json(&["answer", thread, "--body", &body, "--actor-name", name]);
            match n % 5 {
                0 => drop(self.json(&["assign", thread, "--assignee", &format!("{name}{n}")])),
                1 => drop(self.json(&["state", thread, "--state", states[n % 2]])),
                2 => drop(self.json(&["priority", thread, "--priority", priorities[n % 4]])),
                _ => {}
            }
            if n % (posts / 4) == 0 {
                self.publish();
            }
        }
        self.publish();
    }

    /// What every thread is, as this clone's base tells it.
    fn folded(&self, threads: &[String]) -> Vec<Value> {
        let view = |id: &String| {
            let mut view = self.json(&["thread", id]);
            // How long somebody has been waiting differs from one second to the next.
            view["thread"]["waiting_seconds"] = Value::Null;
            view
        };
        threads.iter().map(view).collect()
    }
}

fn clone<'a>(world: &'a World, of: &Repo, name: &str) -> Clone<'a> {
    let place = world.root().join("repos").join(name);
    of.git(["clone", "-q", &of.path().to_string_lossy(), &place.to_string_lossy()]);
    let repo = of.seen_from(&place);
    repo.git(["config", "user.name", name]);
    repo.git(["config", "user.email", &format!("{name}@example.org")]);
    Clone { world, repo }
}

/// The commits of both sides in an order that the seed gives, as somebody who picks what he likes.
fn pick_at_random(repo: &Repo, salt: u64) {
    let list = |branch: &str| repo.git(["rev-list", "--reverse", &format!("origin/start..{branch}")]);
    let mut commits: Vec<String> = ["origin/ann", "origin/bob"]
        .iter()
        .flat_map(|b| list(b).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut state = seed().wrapping_add(salt);
    for at in (1..commits.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let to = usize::try_from((state >> 33) % (at as u64 + 1)).expect("small");
        commits.swap(at, to);
    }
    for commit in commits {
        repo.git(["cherry-pick", "--allow-empty", &commit]);
    }
}

/// One way in which the two branches come together on main.
type Way = (&'static str, fn(&Repo));

fn pick_all(repo: &Repo, branch: &str) {
    let commits = repo.git(["rev-list", "--reverse", &format!("origin/start..{branch}")]);
    for commit in commits.lines() {
        repo.git(["cherry-pick", "--allow-empty", commit]);
    }
}

const WAYS: [Way; 7] = [
    ("merge, the first one first", |repo| {
        repo.git(["merge", "-q", "--no-edit", "origin/ann"]);
        repo.git(["merge", "-q", "--no-edit", "origin/bob"]);
    }),
    ("merge, the second one first", |repo| {
        repo.git(["merge", "-q", "--no-edit", "origin/bob"]);
        repo.git(["merge", "-q", "--no-edit", "origin/ann"]);
    }),
    ("rebase of the second", |repo| {
        repo.git(["reset", "-q", "--hard", "origin/bob"]);
        repo.git(["rebase", "-q", "origin/ann"]);
    }),
    ("rebase of the first", |repo| {
        repo.git(["reset", "-q", "--hard", "origin/ann"]);
        repo.git(["rebase", "-q", "origin/bob"]);
    }),
    ("cherry-pick of all", |repo| {
        pick_all(repo, "origin/bob");
        pick_all(repo, "origin/ann");
    }),
    ("squash and merge", |repo| {
        repo.git(["merge", "-q", "--squash", "origin/ann"]);
        repo.git(["commit", "-q", "-m", "All of it"]);
        repo.git(["merge", "-q", "--no-edit", "origin/bob"]);
    }),
    ("cherry-pick and merge", |repo| {
        pick_all(repo, "origin/ann");
        repo.git(["merge", "-q", "--no-edit", "origin/ann"]);
        repo.git(["merge", "-q", "--no-edit", "origin/bob"]);
    }),
];

#[test]
fn what_two_clones_said_comes_together_in_any_order_without_a_conflict() {
    let world = World::new();
    let hub = world.repo("hub");
    let first = clone(&world, &hub, "ann");
    let threads: Vec<String> = (0..3)
        .map(|n| {
            let asked = first.json(&["ask", "--title", &format!("Thread {n}"), "--body", "What?"]);
            asked["thread"]["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    first.publish();
    first.repo.git(["push", "-q", "origin", "HEAD:refs/heads/start"]);
    hub.git(["reset", "-q", "--hard", "start"]);
    let second = clone(&world, &hub, "bob");
    assert_eq!(
        second.folded(&threads),
        first.folded(&threads),
        "what is published is read like what is live"
    );
    let posts = 50;
    for (clone, name) in [(&first, "ann"), (&second, "bob")] {
        clone.talk(name, &threads, posts);
        clone.repo.git(["push", "-q", "origin", &format!("main:refs/heads/{name}")]);
    }
    let mut all_folds: Vec<(&str, Vec<Value>, String)> = Vec::new();
    for (nth, (way, go)) in WAYS.iter().enumerate() {
        let clone = clone(&world, &hub, &format!("way-{nth}"));
        go(&clone.repo);
        let tree = clone.repo.git(["rev-parse", "HEAD:.metawsm/forum"]);
        all_folds.push((way, clone.folded(&threads), tree));
    }
    for salt in 0..if all() { 12 } else { 1 } {
        let clone = clone(&world, &hub, &format!("random-{salt}"));
        pick_at_random(&clone.repo, salt);
        let tree = clone.repo.git(["rev-parse", "HEAD:.metawsm/forum"]);
        all_folds.push(("cherry-pick at random", clone.folded(&threads), tree));
    }
    let (_, expected, tree) = &all_folds[0];
    for (way, folds, other) in &all_folds {
        assert_eq!((folds, other), (expected, tree), "{way}");
    }
    let posts_of = |view: &Value| view["thread"]["posts"].as_u64().expect("a number");
    assert_eq!(expected.iter().map(posts_of).sum::<u64>(), 3 + 2 * posts as u64, "every post is there once");
    assert!(expected.iter().all(|view| view["broken"] == serde_json::json!([])));
    // Who merges the other's branch reads the same beside what is live here.
    first.repo.git(["fetch", "-q", "origin"]);
    first.repo.git(["reset", "-q", "--hard", "origin/ann"]);
    first.repo.git(["merge", "-q", "--no-edit", "origin/bob"]);
    assert_eq!(&first.folded(&threads), expected);
    assert_eq!(expected[0]["thread"]["state"], "closed");
    let late =
        expected[0]["events"].as_array().expect("events").iter().filter(|e| !e["superseded"].is_null());
    assert!(late.count() > 0, "what came after the end is kept and shown as such");
    require_immutable(&first.repo);
}

/// No commit ever changed or removed a published event.
fn require_immutable(repo: &Repo) {
    let touched =
        repo.git(["log", "--format=", "--name-status", "--diff-filter=a", "main", "--", ".metawsm/forum"]);
    assert_eq!(touched, "");
}
