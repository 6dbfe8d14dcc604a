//! What our hooks cost in everyday git commands, asleep and awake.

use crate::measure::{Extra, Failed, Ratio, in_turns, run};
use crate::scene::Scene;
use crate::{Line, line, times};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Commits of one turn: one alone is too short to be measured.
const COMMITS: u32 = 10;

/// Refs that one fetch brings.
const REFS: usize = 1000;

fn extra(work: &str, (floor, ours): (Duration, Duration), millis: u64) -> Line {
    let line = Extra {
        work: work.to_owned(),
        against: "the same without hooks".to_owned(),
        floor: floor / COMMITS,
        ours: ours / COMMITS,
        budget: Duration::from_millis(millis),
    };
    (line.to_string(), line.holds())
}

fn commits(scene: &Scene, place: &Path) -> Result<(), Failed> {
    for _ in 0..COMMITS {
        let mut command: Command = scene.world.command("git");
        command.args(["commit", "-q", "--allow-empty", "-m", "Work"]).current_dir(place);
        run(&mut command, &[0])?;
    }
    Ok(())
}

fn paired(scene: &Scene, floor: &Path, ours: &Path) -> Result<(Duration, Duration), Failed> {
    in_turns(times(), |_| commits(scene, floor), |_| commits(scene, ours))
}

/// Commits with sleeping hooks and in the worktree of a run, and a fetch of many refs.
pub fn hooks() -> Result<Vec<Line>, Failed> {
    let mut lines = Vec::new();
    let scene = Scene::new(2, 200);
    let (plain, hooked) = (&scene.repos[0], &scene.repos[1]);
    let place = hooked.path().to_string_lossy().into_owned();
    run(&mut scene.ours(&["hooks", "install", &place]), &[0])?;
    lines.push(extra("git commit, no run open", paired(&scene, plain.path(), hooked.path())?, 3));
    lines.push(fetch(&scene)?);
    run(&mut scene.ours(&["run", "--ticket", "BENCH-1", "--repos", &place]), &[0])?;
    let bare = scene.world.root().join("bare");
    run(&mut scene.git(plain, &["worktree", "add", "-q", "-b", "bare", &bare.to_string_lossy()]), &[0])?;
    let trees = scene.worktrees();
    let ours: &PathBuf = trees.iter().find(|tree| **tree != bare).ok_or("The run has no worktree.")?;
    let strict = hooked.file(".git/hooks/reference-transaction");
    if !strict.exists() {
        return Err("The run did not install reference-transaction.".into());
    }
    let work = "git commit in a run, with reference-transaction";
    lines.push(extra(work, paired(&scene, &bare, ours)?, 16));
    std::fs::remove_file(&strict).map_err(|e| e.to_string())?;
    lines.push(extra("git commit in a run", paired(&scene, &bare, ours)?, 8));
    Ok(lines)
}

fn fetch(scene: &Scene) -> Result<Line, Failed> {
    let repo = &scene.repos[1];
    let origin = repo.with_origin();
    let id = repo.git(["rev-parse", "HEAD"]);
    let mut text = String::new();
    for n in 0..REFS {
        let _ = writeln!(text, "create refs/heads/many/{n} {id}");
    }
    update_refs(scene, &origin, &text)?;
    let none = scene.world.root().join("no-hooks");
    std::fs::create_dir_all(&none).map_err(|e| e.to_string())?;
    let without = format!("core.hooksPath={}", none.display());
    // One repository for both: how its refs lie on the disk weighs more than any hook.
    let again = |options: &[&str]| {
        let mut text = String::new();
        for n in 0..REFS {
            let _ = writeln!(text, "delete refs/remotes/origin/many/{n}");
        }
        update_refs(scene, repo.path(), &text)?;
        run(&mut scene.git(repo, &[options, &["fetch", "-q", "origin"]].concat()), &[0]).map(drop)
    };
    let (floor, ours) = in_turns(times(), |_| again(&["-c", &without]), |_| again(&[]))?;
    let work = format!("git fetch of {REFS} refs, no run open");
    Ok(line(&Ratio { work, against: "the same without hooks".into(), floor, ours, budget: 1.1 }))
}

fn update_refs(scene: &Scene, repo: &Path, text: &str) -> Result<(), Failed> {
    let mut git: Command = scene.world.command("git");
    let git = git.args(["update-ref", "--stdin"]).current_dir(repo).stdin(Stdio::piped());
    let mut git = git.spawn().map_err(|e| e.to_string())?;
    let mut pipe = git.stdin.take().ok_or("There is no pipe to git.")?;
    std::io::Write::write_all(&mut pipe, text.as_bytes()).map_err(|e| e.to_string())?;
    drop(pipe);
    let ended = git.wait().map_err(|e| e.to_string())?;
    if ended.success() { Ok(()) } else { Err(format!("git update-ref ended with {ended}.")) }
}
