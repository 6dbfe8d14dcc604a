//! What talking costs: a question until it is on disk, and `status` beside many threads, live and in history.

use crate::measure::{Failed, Ratio, in_turns, run};
use crate::scene::Scene;
use crate::{Line, line, times};
use git_metawsm::model::{Actor, ActorKind, EventWhat, ForumEvent, Priority, ThreadId};
use git_metawsm::store::{Store, ThreadFiles, event_bytes};
use std::fs::File;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Live threads beside which `status` is asked.
pub const THREADS: usize = 1000;

/// Closed threads in history.
const CLOSED: usize = 10_000;

/// Open runs beside those.
const RUNS: usize = 10;

/// All of it.
pub fn forum() -> Result<Vec<Line>, Failed> {
    Ok(vec![line(&ask()?), line(&status()?)])
}

/// `forum ask` against one process start and one durable file.
fn ask() -> Result<Ratio, Failed> {
    let scene = Scene::new(1, 20);
    scene.start_run(&["BENCH-0".to_owned()])?;
    let place = scene.world.root().join("durable");
    std::fs::create_dir(&place).map_err(|e| e.to_string())?;
    let durable = |turn: usize| -> std::io::Result<()> {
        let temp = place.join("temp");
        let mut file = File::create(&temp)?;
        file.write_all(&[b'x'; 400])?;
        file.sync_all()?;
        std::fs::rename(&temp, place.join(turn.to_string()))?;
        File::open(&place)?.sync_all()
    };
    let (floor, ours) = in_turns(
        times() * 3,
        |turn| {
            run(scene.world.command("git").arg("--version"), &[0])?;
            durable(turn).map_err(|e| e.to_string())
        },
        |_| run(&mut scene.ours(&["forum", "ask", "--body", "Which one?"]), &[0]).map(drop),
    )?;
    let against = "git --version + a file made durable".into();
    Ok(Ratio { work: "forum ask".into(), against, floor, ours, budget: 3.0 })
}

/// Writes live threads in which nobody waits.
pub fn add_threads(scene: &Scene) -> Result<(), Failed> {
    let store = Store::at(&scene.repos[0].common_dir(), Some(scene.repos[0].path()));
    for number in 0..THREADS {
        for event in events(number, 3, false) {
            store.add_event(None, &event).map_err(|e| e.to_string())?;
        }
    }
    run(&mut scene.ours(&["forum", "list"]), &[0]).map(drop)
}

/// `status` with many closed threads in history, against the same without them.
fn status() -> Result<Ratio, Failed> {
    let (bare, old) = (with_runs()?, with_runs()?);
    add_history(&old)?;
    run(&mut old.ours(&["forum", "list"]), &[0])?;
    settle(&[&bare, &old])?;
    let (floor, ours) = in_turns(
        2 * times(),
        |_| run(&mut bare.ours(&["status"]), &[0]).map(drop),
        |_| run(&mut old.ours(&["status"]), &[0]).map(drop),
    )?;
    let work = format!("status, {RUNS} open runs, {CLOSED} closed threads");
    Ok(Ratio { work, against: "status without them".into(), floor, ours, budget: 1.1 })
}

/// Asks until what was just written is older than the grain of clocks: before, nobody may trust a time of change.
pub fn settle(scenes: &[&Scene]) -> Result<(), Failed> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        scenes.iter().try_for_each(|scene| run(&mut scene.ours(&["status"]), &[0]).map(drop))?;
    }
    Ok(())
}

fn with_runs() -> Result<Scene, Failed> {
    let scene = Scene::new(1, 20);
    for n in 0..RUNS {
        scene.start_run(&[format!("BENCH-{n}")])?;
    }
    Ok(scene)
}

/// The events of one thread: its opening, posts, and its end where it has one.
fn events(number: usize, count: usize, closed: bool) -> Vec<ForumEvent> {
    let thread =
        ThreadId::parse(&format!("fthr-2025{:02}01-000000-{number:08}", 1 + number % 12)).expect("an id");
    let at = jiff::Timestamp::from_second(1_740_000_000).expect("a time");
    let actor = Actor { kind: ActorKind::Agent, name: "coder".to_owned() };
    let event = |nth: usize| {
        let what = match nth {
            0 => EventWhat::Opened,
            nth if closed && nth + 1 == count => EventWhat::Closed,
            _ => EventWhat::Posted,
        };
        let lamport = u64::try_from(nth).expect("few") + 1;
        let mut event = ForumEvent::new(thread.clone(), what, lamport, at, actor.clone());
        event.nonce = format!("{number}-{nth}");
        if nth == 0 {
            event.title = Some(format!("Question {number}"));
            event.priority = Some(Priority::Normal);
        }
        event.body = Some("Some words that are said in a thread, and some more of them.".to_owned());
        event
    };
    (0..count).map(event).collect()
}

/// Commits closed threads on main, which nobody has checked out.
fn add_history(scene: &Scene) -> Result<(), Failed> {
    run(&mut scene.git(&scene.repos[0], &["checkout", "--quiet", "-b", "elsewhere"]), &[0])?;
    let mut git = scene.git(&scene.repos[0], &["fast-import", "--quiet"]);
    let mut git = git.stdin(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
    let mut pipe = std::io::BufWriter::new(git.stdin.take().ok_or("git fast-import has no input.")?);
    let mut write = || -> std::io::Result<()> {
        let head = "commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 7\nThreads\n";
        pipe.write_all(format!("{head}from refs/heads/main^0\n").as_bytes())?;
        for number in 0..CLOSED {
            for event in events(number, 3, true) {
                let bytes = event_bytes(&event).map_err(std::io::Error::other)?;
                let id = git_metawsm::model::FiledEvent::id_of(event.lamport, &bytes);
                let id = id.map_err(std::io::Error::other)?.to_string();
                let month = format!("2025-{:02}", 1 + number % 12);
                let files = ThreadFiles { id: event.thread.clone(), month, names: Vec::new() };
                let path = files.published_path(&id);
                pipe.write_all(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).as_bytes())?;
                pipe.write_all(&bytes)?;
                pipe.write_all(b"\n")?;
            }
        }
        pipe.flush()
    };
    write().map_err(|e| e.to_string())?;
    drop(pipe);
    let ended = git.wait().map_err(|e| e.to_string())?;
    if ended.success() { Ok(()) } else { Err(format!("git fast-import ended with {ended}.")) }
}
