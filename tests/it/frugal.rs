//! What commands do not start: processes are counted, because a count says the same on every machine.

use crate::kit::{BINARY, Repo, World, all, find, require, wait_until};
use std::path::PathBuf;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// Stand-ins for programs that note each start and become the real one.
struct Counter {
    log: PathBuf,
}

impl Counter {
    /// Begins to count the starts of these programs in this world.
    fn of(world: &World, programs: &[(&str, PathBuf)]) -> Self {
        let log = world.root().join("starts");
        std::fs::write(&log, "").expect("an empty log");
        for (name, real) in programs {
            let (log, real) = (log.display(), real.display());
            world.script(name, &format!("echo \"{name} $*\" >> '{log}'\nexec '{real}' \"$@\""));
        }
        Self { log }
    }

    /// The starts since the last question, of one program.
    fn take(&self, program: &str) -> Vec<String> {
        let text = std::fs::read_to_string(&self.log).expect("the log");
        std::fs::write(&self.log, "").expect("an empty log");
        let begins = format!("{program} ");
        text.lines().filter(|line| line.starts_with(&begins)).map(str::to_owned).collect()
    }

    fn forget(&self) {
        std::fs::write(&self.log, "").expect("an empty log");
    }
}

fn git_and_tmux(world: &World) -> Counter {
    let real = |name: &str| find(name).unwrap_or_else(|| panic!("{name} is not installed"));
    Counter::of(world, &[("git", real("git")), ("tmux", real("tmux"))])
}

fn start(world: &World, repo: &Repo, ticket: &str) {
    world.run(["run", "--ticket", ticket]).at(repo).ok();
}

#[test]
fn status_of_many_runs_asks_tmux_once_and_git_never() {
    if require("tmux").is_none() {
        return;
    }
    let world = World::new();
    world.script("claude", "exec sleep 100000");
    let repo = world.repo("app");
    let runs = if all() { 100 } else { 20 };
    for number in 0..runs {
        start(&world, &repo, &format!("T-{number}"));
    }
    let counter = git_and_tmux(&world);
    for args in [&["status"][..], &["status", "--json"], &["status", "--no-ingest"], &[]] {
        world.run(args).at(&repo).ok();
        let starts = std::fs::read_to_string(&counter.log).expect("the log");
        let starts: Vec<_> = starts.lines().collect();
        assert!(matches!(starts[..], [only] if only.starts_with("tmux ")), "{args:?}: {starts:?}");
        counter.forget();
    }
    let shown = world.run(["status", "--json"]).at(&repo).ok().json();
    let shown = shown["runs"].as_array().expect("runs");
    assert_eq!(shown.len(), runs);
    assert!(shown.iter().all(|run| run["agents"][0]["health"] == "working"), "every session is seen alive");
}

#[test]
fn looking_at_runs_wakes_none_of_their_wrappers() {
    if require("tmux").is_none() {
        return;
    }
    let world = World::new();
    world.script("claude", "exec sleep 100000");
    let repo = world.repo("app");
    start(&world, &repo, "T-1");
    let counter = git_and_tmux(&world);
    let mut statuses = 0;
    for _ in 0..3 {
        world.run(["status"]).at(&repo).ok();
        world.run(["check"]).at(&repo).code(3);
        statuses += 1;
    }
    // A signal that the wrapper has taken is the proof that it is through with whatever woke it before.
    let run = world.run(["status", "--no-ingest", "--json"]).at(&repo).ok().json();
    let workspace = run["runs"][0]["tickets"][0]["path"].as_str().expect("a path").to_owned();
    let signal = PathBuf::from(workspace).join(".metawsm/implementation-complete-agent.json");
    std::fs::write(&signal, "{}").expect("a signal");
    wait_until("the wrapper takes the signal", SOON, || !signal.exists());
    let asked = counter.take("tmux");
    assert_eq!(asked.len(), statuses + 1, "only status asks tmux: {asked:?}");
}

#[test]
fn a_run_that_ended_without_work_costs_status_no_process() {
    let world = World::new();
    world.script("claude", "exit 0");
    let repo = world.repo("app");
    start(&world, &repo, "T-1");
    wait_until("the agent has ended", SOON, || {
        let state = world.run(["status", "--json"]).at(&repo).ok().json();
        state["runs"][0]["agents"][0]["exit"] == 0
    });
    let counter = Counter::of(&world, &[("git", find("git").expect("git"))]);
    world.run(["status"]).at(&repo).ok().says("nothing was changed");
    assert_eq!(counter.take("git"), [] as [String; 0]);
}

#[test]
fn gates_of_plain_repositories_start_no_process() {
    let world = World::new();
    world.script("claude", "exec sleep 100000");
    let (api, web) = (world.repo("api"), world.repo("web"));
    let tickets = ["run", "--ticket", "T-1,T-2", "--repos", "api,web"];
    world.run(tickets).at(&api).ok();
    // Work on one side and on the other, so that there is something to judge.
    web.commit("on-base", "x");
    let counter = Counter::of(&world, &[("git", find("git").expect("git"))]);
    world.run(["check"]).at(&api).code(3).says("ok     clean-tree");
    assert_eq!(counter.take("git"), [] as [String; 0]);
}

#[test]
fn everyday_git_never_starts_us_where_no_run_is_open() {
    let world = World::new();
    world.script("claude", "exit 0");
    let repo = world.repo("app");
    repo.with_origin();
    // Also not where one was open.
    let before = repo.git(["config", "--list", "--local"]);
    start(&world, &repo, "T-1");
    world.run(["discard", "T-1"]).at(&repo).ok();
    assert_eq!(repo.git(["config", "--list", "--local"]), before);
    let counter = Counter::of(&world, &[("git-metawsm", PathBuf::from(BINARY))]);
    everyday(&repo);
    assert_eq!(counter.take("git-metawsm"), [] as [String; 0]);
    world.run(["status"]).at(&repo).ok();
}

/// A copy of the program at a place that hooks name, and then a stand-in there that notes each start.
fn watched_program(world: &World, install: &[&str], repo: &Repo) -> Counter {
    let program = world.root().join("program/git-metawsm");
    std::fs::create_dir_all(program.parent().expect("a folder")).expect("made");
    std::fs::copy(BINARY, &program).expect("a copy");
    let mut command = world.command(&program);
    crate::kit::Output::of(command.args(install).current_dir(repo.path()), "git-metawsm").ok();
    let log = world.root().join("starts");
    std::fs::write(&log, "").expect("an empty log");
    let script = world.script(
        "stand-in",
        &format!("echo \"git-metawsm $*\" >> '{}'\nexec '{BINARY}' \"$@\"", log.display()),
    );
    std::fs::rename(script, &program).expect("in its place");
    Counter { log }
}

#[test]
fn hooks_that_a_person_wants_to_stay_are_asleep_where_no_run_is_open() {
    let world = World::new();
    let repo = world.repo("app");
    repo.with_origin();
    let counter = watched_program(&world, &["hooks", "install"], &repo);
    everyday(&repo);
    assert_eq!(counter.take("git-metawsm"), [] as [String; 0]);
}

#[test]
fn while_a_run_is_open_only_its_worktree_and_its_base_wake_us() {
    let world = World::new();
    world.script("claude", "exit 0");
    let repo = world.repo("app");
    repo.with_origin();
    let counter = watched_program(&world, &["run", "Wait", "--run-id", "r1"], &repo);
    repo.git(["switch", "-q", "-c", "mine"]);
    counter.forget();
    repo.commit("b", "b");
    repo.git(["branch", "other"]);
    repo.git(["tag", "v1"]);
    repo.git(["push", "-q", "origin", "mine", "v1"]);
    repo.git(["fetch", "-q", "origin"]);
    repo.git(["pack-refs", "--all"]);
    // Deleting the loose file of base is no move that a run could be told about, but its name stands there.
    let starts = counter.take("git-metawsm");
    assert!(starts.iter().all(|s| s.contains("reference-transaction")) && starts.len() <= 2, "{starts:?}");
    repo.git(["switch", "-q", "main"]);
    counter.forget();
    repo.git(["commit", "-q", "--allow-empty", "-m", "On base"]);
    assert_eq!(counter.take("git-metawsm"), ["git-metawsm hooks run reference-transaction prepared"]);
}

fn everyday(repo: &Repo) {
    repo.commit("a", "a");
    repo.git(["fetch", "-q", "origin"]);
    repo.git(["switch", "-q", "-c", "side"]);
    repo.git(["push", "-q", "origin", "side", "main"]);
    repo.git(["merge", "-q", "--no-ff", "main", "-m", "Merge"]);
    repo.git(["reset", "-q", "--hard", "main"]);
}
