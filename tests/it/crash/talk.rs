//! Answers and feedback that are struck on their way.

use super::scene::{Scene, TICKET};
use super::strikes::Job;

/// Asks; goes on once it finds an answer.
const ASKS: &str = "\
if [ -e ../.metawsm/guidance-response.json ]; then git commit -q --allow-empty -m answered; else
printf '{\"question\": \"Which?\"}' > ../part && mv ../part ../.metawsm/guidance-request.json; fi";

pub fn guide() -> Job {
    Job {
        name: "guide",
        args: &["guide", TICKET, "--answer", "blue"],
        scene: Scene::new(ASKS).with_run().saved(),
        samples: [16, 4, 4],
        finish: |scene| {
            // It was given already, or not at all: both are fine.
            scene.metawsm(["guide", TICKET, "--answer", "blue"]);
            scene.wait_until_quiet();
            scene.metawsm(["resume", TICKET]).ok();
            scene.wait_for_state(TICKET, "completed");
            let file = scene.worktree().join("../.metawsm/guidance-response.json");
            let said = std::fs::read_to_string(file).expect("a response");
            assert!(said.contains("\"answer\": \"blue\""), "{said}");
            let journal = scene.journal(&scene.id(TICKET));
            let count = |event: &str| journal.iter().filter(|line| line["event"] == event).count();
            let (asked, answered) = (count("asked"), count("answered"));
            assert!(asked == 1 && (1..=2).contains(&answered), "{asked} {answered} {journal:?}");
        },
    }
}

pub fn iterate() -> Job {
    Job {
        name: "iterate",
        args: &["iterate", TICKET, "--feedback", "Mind the colours"],
        scene: Scene::new("git commit -q --allow-empty -m again").with_run().saved(),
        samples: [16, 4, 4],
        finish: |scene| {
            scene.metawsm(["iterate", TICKET, "--feedback", "Mind the colours"]).ok();
            scene.wait_until_quiet();
            scene.wait_for_state(TICKET, "completed");
            let tree = scene.app.seen_from(scene.worktree());
            assert_eq!(tree.git(["status", "--porcelain"]), "", "nothing is left half written");
            let found = tree.git(["grep", "-l", "Mind the colours", "--", "ttmp"]);
            let words = scene.journal(&scene.id(TICKET));
            let said = words.iter().filter(|line| line["event"] == "feedback").count();
            assert!((1..=2).contains(&found.lines().count()) && said >= 1, "{found}");
        },
    }
}
