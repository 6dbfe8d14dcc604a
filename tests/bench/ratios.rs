//! What our everyday commands cost, as ratios to a floor measured in the same run: `cargo bench -- [name]...`;
//! `cargo bench -- --list` tells the names.
//!
//! Absolute times differ from machine to machine; a ratio to what git and tmux need for the bare work does not.
//! A ratio over its budget, or a command that fails, ends with exit 1. `METAWSM_BENCH_RUNS` (100), `METAWSM_BENCH_TIMES`
//! (11) and `METAWSM_BENCH_RECORDS` (100,000) set the size of the first benches, the number of repetitions, and the
//! length of the history in the last two.

mod docs;
mod forum;
mod hooks;
#[allow(dead_code, unused_imports, reason = "the kit also serves the tests")]
#[path = "../it/kit/mod.rs"]
mod kit;
mod measure;
mod scene;
#[allow(dead_code, reason = "the servers also serve the tests")]
#[path = "../it/federation/server.rs"]
mod server;

use measure::{Failed, Peak, Ratio, in_turns, on_two_threads, peak_of, run};
use scene::Scene;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// The status that gates stand on where git2 may not judge.
const STATUS: [&str; 8] = [
    "-c",
    "core.fsmonitor=false",
    "--no-optional-locks",
    "status",
    "--porcelain=v2",
    "-z",
    "--untracked-files=all",
    "--ignore-submodules=none",
];

/// Workspaces that one turn of the second bench makes.
const WORKSPACES: usize = 4;

/// Decided runs in the history of the second bench.
const CLOSED: usize = 10_000;

/// The most memory that a command may hold, in kibibytes.
const MOST_KIB: u64 = 64 * 1024;

/// One line of the table, and whether its budget holds.
type Line = (String, bool);
type Bench = fn() -> Result<Vec<Line>, Failed>;

const BENCHES: [(&str, Bench); 8] = [
    ("status", status),
    ("provisioning", provisioning),
    ("gates", gates),
    ("index", index),
    ("forum", forum::forum),
    ("hooks", hooks::hooks),
    ("memory", memory),
    ("docs", docs::docs),
];

fn line(ratio: &Ratio) -> Line {
    (ratio.to_string(), ratio.holds())
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn times() -> usize {
    number("METAWSM_BENCH_TIMES", 11).max(1)
}

fn main() -> ExitCode {
    if std::env::args().any(|arg| arg == "--list") {
        for (name, _) in BENCHES {
            println!("{name}: bench");
        }
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(odd) = wanted.iter().find(|w| !BENCHES.iter().any(|(name, _)| name == w)) {
        eprintln!("There is no bench '{odd}'; `cargo bench -- --list` tells the names.");
        return ExitCode::from(2);
    }
    let chosen = BENCHES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name));
    let mut good = true;
    println!("{}", measure::head());
    for (name, bench) in chosen {
        let begun = Instant::now();
        match bench() {
            Ok(lines) => {
                for (line, holds) in lines {
                    println!("{line}");
                    good &= holds;
                }
            }
            Err(failed) => {
                println!("{name}: not measured. {failed}");
                good = false;
            }
        }
        eprintln!("{name}: {} s", begun.elapsed().as_secs());
    }
    println!("{}", measure::load());
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `status` with many open runs, each with a live tmux session: against itself in a repository whose history holds
/// many decided runs too, and, beside many threads, against two process starts.
fn status() -> Result<Vec<Line>, Failed> {
    let runs = number("METAWSM_BENCH_RUNS", 100);
    let (scene, live) = busy(runs)?;
    let (with_history, _) = busy(runs)?;
    with_history.add_history(CLOSED)?;
    run(&mut with_history.ours(&["list", "--all"]), &[0])?;
    forum::settle(&[&scene, &with_history])?;
    let (floor, ours) = in_turns(
        2 * times(),
        |_| run(&mut scene.ours(&["status"]), &[0]).map(drop),
        |_| run(&mut with_history.ours(&["status"]), &[0]).map(drop),
    )?;
    let work = format!("status, {runs} open runs, {CLOSED} closed ones");
    let history = Ratio { work, against: "status without them".into(), floor, ours, budget: 1.1 };
    drop(with_history);
    forum::add_threads(&scene)?;
    forum::settle(&[&scene])?;
    let (floor, ours) = in_turns(
        2 * times(),
        |_| {
            run(scene.world.command("git").arg("--version"), &[0])?;
            run(scene.world.command("tmux").args(["list-panes", "-a"]), &[0]).map(drop)
        },
        |_| run(&mut scene.ours(&["status"]), &[0]).map(drop),
    )?;
    let work = format!("status, {runs} open runs, {live} live tmux, {} threads", forum::THREADS);
    let against = "git --version + tmux list-panes -a".into();
    let busy = Ratio { work, against, floor, ours, budget: 3.0 };
    let mut lines = vec![line(&busy), line(&history)];
    for (program, most) in [("tmux", 1), ("git", 0)] {
        let count = scene.starts(program, &["status"])?;
        let starts = measure::Count { work: format!("status, starts of {program}"), starts: count, most };
        lines.push((starts.to_string(), starts.holds()));
    }
    Ok(lines)
}

/// A scene with as many open runs, each with a live session; and how many sessions that makes.
fn busy(runs: usize) -> Result<(Scene, usize), Failed> {
    let scene = Scene::new(1, 20);
    for n in 0..runs {
        scene.start_run(&[format!("BENCH-{n}")])?;
    }
    let panes = scene.world.tmux(["list-panes", "-a"]);
    let live = panes.stdout.lines().count();
    if live < runs {
        return Err(format!("{live} of {runs} tmux sessions are alive."));
    }
    Ok((scene, live))
}

/// `run` that makes N workspaces of M repositories, against the same worktrees made by git alone.
fn provisioning() -> Result<Vec<Line>, Failed> {
    let scene = Scene::new(3, 2000);
    let bare = |turn: usize| {
        for workspace in 0..WORKSPACES {
            for (index, repo) in scene.repos.iter().enumerate() {
                let branch = format!("bare/{turn}-{workspace}");
                let place = scene.world.root().join(format!("bare/{turn}-{workspace}/{index}"));
                let place = place.to_string_lossy();
                run(&mut scene.git(repo, &["worktree", "add", "-q", "-b", &branch, &place, "main"]), &[0])?;
            }
        }
        Ok(())
    };
    let ours = |turn: usize| {
        let tickets: Vec<_> = (0..WORKSPACES).map(|n| format!("BENCH-{turn}-{n}")).collect();
        scene.start_run(&tickets)
    };
    // Each turn leaves 24 worktrees behind: fewer turns than elsewhere.
    let turns = times().min(5);
    let (floor, ours) = in_turns(turns, bare, ours)?;
    // What costs nothing may have done nothing.
    let (made, wanted) = (scene.worktrees().len(), 2 * (turns + 1) * WORKSPACES * scene.repos.len());
    if made != wanted {
        return Err(format!("Both sides together made {made} worktrees, not {wanted}."));
    }
    let work = format!("run, {WORKSPACES} workspaces x {} repos x 2000 files", scene.repos.len());
    let against = "git worktree add, one after the other".into();
    Ok(vec![line(&Ratio { work, against, floor, ours, budget: 1.2 })])
}

/// `check` over the worktrees of one run, against `git status` over the same trees on two threads.
fn gates() -> Result<Vec<Line>, Failed> {
    let scene = Scene::new(3, 2000);
    let tickets: Vec<_> = (0..4).map(|n| format!("BENCH-{n}")).collect();
    scene.start_run(&tickets)?;
    let trees = scene.worktrees();
    if trees.len() != tickets.len() * scene.repos.len() {
        return Err(format!(
            "{} worktrees were made, not {}.",
            trees.len(),
            tickets.len() * scene.repos.len()
        ));
    }
    let git = |args: &'static [&'static str]| {
        let command = |tree| {
            let mut command: Command = scene.world.command("git");
            command.args(args).current_dir(tree);
            command
        };
        trees.iter().map(command).collect::<Vec<_>>()
    };
    // Refreshes every index once, so that neither side reads files only because they are as young as the index.
    on_two_threads(git(&["status", "--porcelain"]))?;
    let (floor, ours) = in_turns(
        times(),
        |_| on_two_threads(git(&STATUS)),
        // The agents are still at work, so the run is refused (3): the gates are judged all the same.
        |_| run(&mut scene.ours(&["check"]), &[0, 3]).map(drop),
    )?;
    let work = format!("check, {} worktrees x 2000 files", trees.len());
    Ok(vec![line(&Ratio { work, against: "git status on 2 threads".into(), floor, ours, budget: 1.3 })])
}

/// The first `list --all` over a long history, which makes the index and tells all of it, against git reading the same
/// records from the same tree.
fn index() -> Result<Vec<Line>, Failed> {
    let records = number("METAWSM_BENCH_RECORDS", 100_000);
    let scene = Scene::new(1, 20);
    scene.start_run(&["BENCH-0".to_owned()])?;
    scene.add_history(records)?;
    let index = scene.repos[0].path().join(".git/metawsm/index.db");
    let (floor, ours) = in_turns(
        times().min(7),
        |_| scene.read_history(records),
        |_| {
            if index.exists() {
                std::fs::remove_file(&index).map_err(|e| e.to_string())?;
            }
            let told = run(&mut scene.ours(&["list", "--all"]), &[0])?.lines().count();
            if told == records + 1 { Ok(()) } else { Err(format!("{told} runs were told.")) }
        },
    )?;
    let work = format!("index rebuild and list --all, {records} records");
    let against = "git ls-tree + git cat-file --batch";
    let first = Ratio { work, against: against.into(), floor, ours, budget: 3.0 };
    let size = std::fs::metadata(&index).map_err(|e| e.to_string())?.len();
    let bytes =
        format!("index.db: {:.1} MiB", Duration::from_millis(size * 1000 / 1024 / 1024).as_secs_f64());
    let (floor, ours) = in_turns(
        times().min(7),
        |_| scene.read_history(records),
        |_| run(&mut scene.ours(&["list", "--all"]), &[0]).map(drop),
    )?;
    let work = format!("the same once more ({bytes})");
    let second = Ratio { work, against: against.into(), floor, ours, budget: 1.0 };
    Ok(vec![line(&first), line(&second)])
}

/// The memory of commands over a long history: when its records are read for the first time, and afterwards.
fn memory() -> Result<Vec<Line>, Failed> {
    let records = number("METAWSM_BENCH_RECORDS", 100_000);
    let scene = Scene::new(1, 20);
    scene.start_run(&["BENCH-0".to_owned()])?;
    scene.add_history(records)?;
    let commands: [(&str, &[&str]); 5] = [
        ("status", &["status"]),
        ("list --all, for the first time", &["list", "--all"]),
        ("list --all", &["list", "--all"]),
        ("list --all --json", &["list", "--all", "--json"]),
        ("log of a closed run's ticket", &["log", "--ticket", scene::TICKET]),
    ];
    let mut lines = Vec::new();
    for (name, args) in commands {
        // The journal of a run of somebody else is not here (1); that is known only after all records were looked at.
        let kib = peak_of(&mut scene.ours(args), &[0, 1])?;
        let peak = Peak { work: format!("{name}, {records} records"), kib, budget_kib: MOST_KIB };
        lines.push((peak.to_string(), peak.holds()));
    }
    Ok(lines)
}
