//! What is measured on: repositories of some size, runs in them, agents that stay.

use crate::kit::{self, BINARY, Repo, World};
use crate::measure::{Failed, run};
use git_metawsm::model::{Run, RunId, TicketId};
use git_metawsm::store;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The ticket of every run in [`Scene::add_history`].
pub const TICKET: &str = "HISTORY-1";

/// A record as history holds it.
const RECORD: &str = include_str!("../../fixtures/store/v1/published.toml");

/// A world with repositories that have files, and an agent that does nothing for ever.
pub struct Scene {
    /// The world.
    pub world: World,
    /// The repositories; the first is the control repository.
    pub repos: Vec<Repo>,
}

impl Scene {
    /// Makes `repos` repositories of `files` files each.
    pub fn new(repos: usize, files: usize) -> Self {
        let world = World::new();
        world.script("claude", "exec sleep 100000");
        let repos = (0..repos).map(|n| world.repo(&format!("repo{n}"))).collect::<Vec<_>>();
        for repo in &repos {
            fill(repo, files);
        }
        Self { world, repos }
    }

    /// Our binary in the control repository.
    pub fn ours(&self, args: &[&str]) -> Command {
        let mut command = self.world.command(BINARY);
        command.args(args).current_dir(self.repos[0].path());
        command
    }

    /// How often our command starts this program, itself or by whatever it starts.
    pub fn starts(&self, program: &str, args: &[&str]) -> Result<usize, Failed> {
        let real = kit::find(program).ok_or_else(|| format!("{program} is not installed."))?;
        let log = self.world.root().join("starts");
        let _ = std::fs::remove_file(&log);
        let (log_text, real) = (log.to_string_lossy(), real.to_string_lossy());
        self.world.script(program, &format!("echo start >>'{log_text}'\nexec '{real}' \"$@\""));
        let ran = run(&mut self.ours(args), &[0]);
        self.world.unscript(program);
        ran?;
        Ok(std::fs::read_to_string(&log).unwrap_or_default().lines().count())
    }

    /// git in this repository, in the environment of the world.
    pub fn git(&self, repo: &Repo, args: &[&str]) -> Command {
        let mut command = self.world.command("git");
        command.args(args).current_dir(repo.path());
        command
    }

    /// Commits the records of as many closed runs to the base of the control repository, over several months. Nobody
    /// has them checked out: writing and removing so many files would take longer than all that is measured.
    pub fn add_history(&self, records: usize) -> Result<(), Failed> {
        run_git(self, &["checkout", "--quiet", "-b", "elsewhere"])?;
        let mut run = store::parse_run(RECORD).map_err(|e| e.to_string())?;
        run.tickets[0].id = TicketId::parse(TICKET).map_err(|e| e.to_string())?;
        let mut git = self.git(&self.repos[0], &["fast-import", "--quiet"]);
        let mut git = git.stdin(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
        let pipe = git.stdin.take().ok_or("There is no pipe to git.")?;
        let mut pipe = std::io::BufWriter::new(pipe);
        let mut write = |pipe: &mut dyn std::io::Write| {
            let head =
                "commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 7\nHistory\n";
            pipe.write_all(format!("{head}from refs/heads/main^0\n").as_bytes())?;
            for number in 0..records {
                let (path, text) = record(&mut run, number);
                pipe.write_all(format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len()).as_bytes())?;
            }
            pipe.flush()
        };
        write(&mut pipe).map_err(|e| e.to_string())?;
        drop(pipe);
        let ended = git.wait().map_err(|e| e.to_string())?;
        if ended.success() { Ok(()) } else { Err(format!("git fast-import ended with {ended}.")) }
    }

    /// Has git read as many records of [`Scene::add_history`] from the tree of the base.
    pub fn read_history(&self, records: usize) -> Result<(), Failed> {
        let repo = &self.repos[0];
        let listed = run(&mut self.git(repo, &["ls-tree", "-r", "main", ".metawsm/runs"]), &[0])?;
        let ids: Vec<_> = listed.lines().filter_map(|line| line.split([' ', '\t']).nth(2)).collect();
        if ids.len() != records {
            return Err(format!("The tree holds {} records.", ids.len()));
        }
        let list = self.world.root().join("ids");
        std::fs::write(&list, ids.join("\n") + "\n").map_err(|e| e.to_string())?;
        let mut git = self.git(repo, &["cat-file", "--batch", "--buffer"]);
        let ids = std::fs::File::open(&list).map_err(|e| e.to_string())?;
        let mut git = git.stdin(ids).stdout(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
        let mut pipe = git.stdout.take().ok_or("There is no pipe from git.")?;
        std::io::copy(&mut pipe, &mut std::io::sink()).map_err(|e| e.to_string())?;
        let ended = git.wait().map_err(|e| e.to_string())?;
        if ended.success() { Ok(()) } else { Err(format!("git cat-file ended with {ended}.")) }
    }

    /// The names of all repositories, with commas.
    pub fn repo_paths(&self) -> String {
        let paths: Vec<_> = self.repos.iter().map(|r| r.path().to_string_lossy().into_owned()).collect();
        paths.join(",")
    }

    /// Starts a run on these tickets in all repositories.
    pub fn start_run(&self, tickets: &[String]) -> Result<(), Failed> {
        let (tickets, repos) = (tickets.join(","), self.repo_paths());
        run(&mut self.ours(&["run", "--ticket", &tickets, "--repos", &repos]), &[0]).map(drop)
    }

    /// Every linked worktree of every repository.
    pub fn worktrees(&self) -> Vec<PathBuf> {
        let list = |repo: &Repo| {
            let text = repo.git(["worktree", "list", "--porcelain"]);
            let paths = text.lines().filter_map(|l| l.strip_prefix("worktree ")).map(PathBuf::from);
            paths.skip(1).collect::<Vec<_>>()
        };
        self.repos.iter().flat_map(list).collect()
    }
}

fn run_git(scene: &Scene, args: &[&str]) -> Result<(), Failed> {
    run(&mut scene.git(&scene.repos[0], args), &[0]).map(drop)
}

/// The path and the text of one record; the runs are a quarter of an hour apart.
fn record(run: &mut Run, number: usize) -> (String, String) {
    let since = i64::try_from(number).unwrap_or(0) * 900;
    run.id = RunId::parse(&format!("run-h-{number:06}")).expect("a run id");
    run.created = jiff::Timestamp::from_second(1_600_000_000 + since).expect("a time");
    (store::published_path(run), store::published_form(run))
}

/// Commits `files` files of a few hundred bytes in folders of a hundred.
fn fill(repo: &Repo, files: usize) {
    for number in 0..files {
        let mut text = String::new();
        for line in 0..12 {
            writeln!(text, "line {line} of file {number} in a repository of a bench").expect("a string");
        }
        repo.write(&format!("src/part{}/file{number}.txt", number / 100), &text);
    }
    repo.git(["add", "-A"]);
    repo.git(["commit", "-q", "-m", "Add files"]);
}
