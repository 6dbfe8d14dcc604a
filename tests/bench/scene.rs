//! What is measured on: repositories of some size, runs in them, agents that stay.

use crate::kit::{BINARY, Repo, World};
use crate::measure::{Failed, run};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

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

    /// git in this repository, in the environment of the world.
    pub fn git(&self, repo: &Repo, args: &[&str]) -> Command {
        let mut command = self.world.command("git");
        command.args(args).current_dir(repo.path());
        command
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
