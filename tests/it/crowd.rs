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
fn of_sixteen_who_commit_in_one_run_every_commit_is_noted_and_every_file_kept() {
    let scene = Scene::new(IDLES).with_run();
    let tree = scene.app.seen_from(scene.worktree());
    let start = Barrier::new(16);
    std::thread::scope(|scope| {
        for n in 0..16 {
            let (scene, tree, start) = (&scene, &tree, &start);
            scope.spawn(move || {
                let whole = scene.world.root().join(format!("file-{n}"));
                std::fs::write(&whole, format!("{n}\n")).expect("a file");
                start.wait();
                std::fs::rename(&whole, tree.file(&format!("file-{n}.txt"))).expect("it moves in");
                scene.metawsm(["--wait", "100", "commit", TICKET, "-m", "Keep it"]).ok();
            });
        }
    });
    assert_eq!(tree.git(["status", "--porcelain"]), "");
    for n in 0..16 {
        assert_eq!(tree.git(["show", &format!("HEAD:file-{n}.txt")]), n.to_string());
    }
    let commits = tree.git(["log", "--format=%H", "--grep=^Keep it"]);
    let noted: Vec<_> =
        scene.journal(&scene.id(TICKET)).into_iter().filter(|line| line["event"] == "committed").collect();
    let is_noted = |id: &str| noted.iter().any(|line| line["text"].as_str().is_some_and(|t| t.ends_with(id)));
    assert!(commits.lines().all(is_noted) && commits.lines().count() == noted.len(), "{commits}\n{noted:#?}");
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
