//! Many at once: nothing is lost, of two that want the same one wins, and two that land on one base both land.

use crate::crash::{IDLES, Scene, TICKET};
use crate::kit::{Output, all};
use std::sync::Barrier;

/// An agent that leaves a file of its own ticket.
const OWN_FILE: &str = "\
echo \"$METAWSM_TICKET\" > \"$METAWSM_TICKET.txt\"
git add -- \"$METAWSM_TICKET.txt\"
git commit --quiet -m \"The work on $METAWSM_TICKET\"";

/// Runs these commands at the same moment, each in a process of its own.
fn at_once(scene: &Scene, commands: &[Vec<String>]) -> Vec<Output> {
    let start = Barrier::new(commands.len());
    let go = |args: &Vec<String>| {
        start.wait();
        scene.world.run(args).at(&scene.app).output()
    };
    std::thread::scope(|scope| {
        let go = &go;
        let tasks: Vec<_> = commands.iter().map(|args| scope.spawn(move || go(args))).collect();
        tasks.into_iter().map(|task| task.join().expect("a thread of the test")).collect()
    })
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn sixteen_who_write_to_one_store_at_once_lose_nothing() {
    let scene = Scene::new(IDLES);
    let tickets: Vec<_> = (0..16).map(|n| format!("C-{n}")).collect();
    let each = |line: &dyn Fn(usize, &str) -> String| -> Vec<Vec<String>> {
        tickets.iter().enumerate().map(|(n, ticket)| words(&line(n, ticket))).collect()
    };
    for output in at_once(&scene, &each(&|_, t| format!("--wait 100 run --ticket {t} --create Work"))) {
        output.ok();
    }
    scene.wait_until_quiet();
    let known: Vec<_> = tickets.iter().map(|t| (scene.id(t), scene.journal(&scene.id(t)))).collect();
    assert_eq!(scene.runs().len(), 17, "every run and the one before are there");
    let verb = |n: usize| if n.is_multiple_of(2) { "stop" } else { "complete --reason=enough" };
    for output in at_once(&scene, &each(&|n, t| format!("--wait 100 {} {t}", verb(n)))) {
        output.ok();
    }
    for (n, (ticket, (id, lines))) in tickets.iter().zip(known).enumerate() {
        assert_eq!(scene.state(ticket), if n.is_multiple_of(2) { "stopped" } else { "completed" });
        assert!(scene.journal(&id).starts_with(&lines), "{id} has lost lines");
    }
    scene.require_whole();
    let worktrees = scene.app.git(["worktree", "list", "--porcelain"]);
    assert_eq!(worktrees.matches("branch refs/heads/task/c-").count(), 16, "{worktrees}");
}

#[test]
fn sixteen_who_note_something_on_one_run_are_all_heard() {
    let scene = Scene::new(IDLES).with_run();
    let commands = vec![words(&format!("--wait 100 stop {TICKET}")); 16];
    for output in at_once(&scene, &commands) {
        output.ok();
    }
    let lines = scene.journal(&scene.id(TICKET));
    // Its agent had ended by itself: one of them stopped the run, and the others asked for what held already.
    let heard = lines.iter().filter(|line| line["event"] == "stop asked").count();
    assert_eq!(heard, 15, "each that did not stop it said so: {lines:#?}");
    assert_eq!(lines.iter().filter(|line| line["state"] == "stopped").count(), 1);
    scene.require_whole();
}

#[test]
fn of_two_who_close_one_run_one_wins_and_the_other_is_told() {
    let scene = Scene::new(OWN_FILE);
    for round in 0..if all() { 30 } else { 5 } {
        let ticket = format!("W-{round}");
        scene.metawsm(["run", "--ticket", &ticket, "--create", "Do it"]).ok();
        scene.wait_for_state(&ticket, "completed");
        scene.wait_until_quiet();
        let outputs = at_once(&scene, &vec![words(&format!("--wait 0 close {ticket}")); 2]);
        let won = |output: &&Output| output.status == Some(0) && output.stdout.contains("merged");
        assert_eq!(outputs.iter().filter(won).count(), 1, "exactly one wins: {outputs:#?}");
        let id = scene.id(&ticket);
        for output in outputs.into_iter().filter(|output| !won(&output)) {
            if output.status == Some(0) {
                output.says("closed already");
            } else {
                output.code(4).tells("'close' (process ");
            }
        }
        assert_eq!(scene.state(&ticket), "closed");
        let merged = scene.app.git(["log", "--format=%(trailers:key=Metawsm-Merged,valueonly)"]);
        assert_eq!(merged.lines().filter(|line| *line == id).count(), 1, "{merged}");
    }
}

#[test]
fn two_runs_that_close_onto_one_checked_out_base_both_land() {
    let scene = Scene::new(OWN_FILE);
    for round in 0..if all() { 100 } else { 10 } {
        let tickets = ["A", "B"].map(|name| format!("{name}-{round}"));
        for ticket in &tickets {
            scene.metawsm(["run", "--ticket", ticket, "--create", "Do it"]).ok();
        }
        for ticket in &tickets {
            scene.wait_for_state(ticket, "completed");
        }
        scene.wait_until_quiet();
        // What the user has under way beside it is nobody else's business.
        scene.app.write("mine.txt", &format!("{round}\n"));
        let closes = tickets.clone().map(|ticket| words(&format!("--wait 100 close {ticket}")));
        for output in at_once(&scene, &closes) {
            output.ok();
        }
        assert_eq!(scene.app.git(["status", "--porcelain"]), "?? mine.txt", "round {round}");
        for ticket in &tickets {
            assert_eq!(scene.app.read(&format!("{ticket}.txt")), format!("{ticket}\n"));
            assert_eq!(scene.state(ticket), "closed");
            let id = scene.id(ticket);
            let published = scene.app.git(["ls-tree", "-r", "--name-only", "HEAD", ".metawsm/runs"]);
            assert!(published.contains(&id), "{published}");
        }
        scene.app.git(["fsck", "--no-dangling", "--connectivity-only"]);
    }
}
