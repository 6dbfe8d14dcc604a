//! Documents that lie in another repository than the control repository: seeded when a run starts, brought home when it
//! is closed.

use super::scene::{Scene, TICKET, WORKS};
use super::strikes::Job;
use crate::kit::{Repo, World};

const DIR: &str = "ttmp/2026/01/02/T-1--a-ticket";
const RUN: [&str; 7] = ["run", "--ticket", TICKET, "--repos", "app,docs", "--doc-home-repo", "docs"];

/// A scene whose control repository has committed the documents of a ticket, and the repository that is to hold them.
fn scene() -> Scene {
    let world = World::new();
    world.repo("docs");
    let scene = Scene::on(world, WORKS);
    let index =
        "---\nTitle: A ticket\nTicket: T-1\nStatus: active\nTopics: [a]\nDocType: index\n---\n\n# A ticket\n";
    scene.app.write(&format!("{DIR}/index.md"), index);
    scene.app.write(&format!("{DIR}/reference/01-long.md"), &"A line of a long document.\n".repeat(500));
    scene.app.write(&format!("{DIR}/changelog.md"), "# Changelog\n\n## 2026-01-02\n\nMade it\n");
    scene.app.git(["add", "."]);
    scene.app.git(["commit", "-qm", "Open T-1"]);
    scene
}

fn docs(scene: &Scene) -> Repo {
    scene.app.seen_from(scene.world.root().join("repos/docs"))
}

/// The doc home's worktree of the run.
fn copy(scene: &Scene) -> Repo {
    let run = scene.find(TICKET).expect("it is there");
    let trees = run["worktrees"].as_array().expect("worktrees");
    let tree = trees.iter().find(|tree| tree["repo"] == "docs").expect("one of the doc home");
    scene.app.seen_from(tree["path"].as_str().expect("a path"))
}

pub fn seed() -> Job {
    Job {
        name: "seed",
        args: &RUN,
        scene: scene().saved(),
        samples: [16, 4, 4],
        finish: |scene| {
            match scene.find(TICKET) {
                None => scene.metawsm(RUN).ok(),
                Some(run) if run["state"] == "completed" => scene.metawsm(["status"]).ok(),
                Some(_) => scene.metawsm(["resume", TICKET]).ok(),
            };
            scene.wait_for_state(TICKET, "completed");
            let copy = copy(scene);
            assert_eq!(copy.git(["status", "--porcelain"]), "", "the worktree is complete and clean");
            let seeded = copy.git(["log", "--format=%s", "--", DIR]);
            assert_eq!(seeded, "Seed the documents of T-1", "once");
            let ids = [&copy, &scene.app].map(|repo| repo.git(["rev-parse", &format!("HEAD:{DIR}")]));
            assert_eq!(ids[0], ids[1]);
            let seen = scene.metawsm(["--json", "status", TICKET]).ok().json();
            assert_eq!(seen["runs"][0]["docs"][0]["state"], "in-sync");
        },
    }
}

pub fn home() -> Job {
    let scene = scene();
    scene.metawsm(RUN).ok();
    scene.wait_for_state(TICKET, "completed");
    copy(&scene).commit(&format!("{DIR}/reference/02-found.md"), "What was found.\n");
    Job {
        name: "docs-home",
        args: &["close", TICKET],
        scene: scene.saved(),
        samples: [16, 4, 4],
        finish: |scene| {
            let closed = scene.metawsm(["close", TICKET]);
            if closed.status != Some(0) {
                scene.metawsm(["close", "--continue", TICKET]).ok();
            }
            scene.metawsm(["close", TICKET]).ok();
            let docs = docs(scene);
            let ids = [&docs, &scene.app].map(|repo| repo.git(["rev-parse", &format!("main:{DIR}")]));
            assert_eq!(ids[0], ids[1], "both bases hold the same documents");
            let log = docs.git(["show", &format!("main:{DIR}/changelog.md")]);
            assert_eq!(log.matches("Closed by").count(), 2, "title and text, once: {log}");
            for repo in [&docs, &scene.app] {
                assert_eq!(repo.git(["status", "--porcelain"]), "", "what is checked out follows");
            }
        },
    }
}
