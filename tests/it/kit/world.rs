//! A world: the temporary directory in which one test lives.

use super::{Output, Repo, Run, Snapshot, find, mask};
use git_metawsm::sys::procs;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tempfile::TempDir;

/// A temporary directory with its own HOME (an empty `.gitconfig`, XDG folders), its own tmux server and a
/// `bin/` in front of PATH. Dropping it ends every process that was started below its HOME.
pub struct World {
    dir: TempDir,
    root: PathBuf,
    path: OsString,
    repos: Mutex<Vec<PathBuf>>,
}

impl World {
    /// A world with the machine's programs behind its own `bin/`.
    pub fn new() -> Self {
        Self::with_path(&std::env::var_os("PATH").unwrap_or_default())
    }

    /// A world in which only these programs (and those of [`World::script`]) can be found.
    pub fn with_only(programs: &[&str]) -> Self {
        let world = Self::with_path(OsStr::new(""));
        for name in programs {
            let program = find(name).unwrap_or_else(|| panic!("{name} is not installed"));
            symlink(program, world.bin().join(name)).expect("a link in bin");
        }
        world
    }

    fn with_path(behind: &OsStr) -> Self {
        let dir = tempfile::Builder::new().prefix("mw-").tempdir().expect("a temporary directory");
        let root = dir.path().canonicalize().expect("it exists");
        for below in
            ["home/.config", "home/.cache", "home/.local/share", "home/.local/state", "bin", "tmux", "repos"]
        {
            std::fs::create_dir_all(root.join(below)).expect("a folder");
        }
        std::fs::write(root.join("home/.gitconfig"), "").expect("an empty git configuration");
        let mut path = root.join("bin").into_os_string();
        if !behind.is_empty() {
            path.push(":");
            path.push(behind);
        }
        Self { dir, root, path, repos: Mutex::default() }
    }

    /// The world's directory, without links in its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// HOME.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The folder in front of PATH.
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// The whole environment of every process of this world.
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        let home = self.home();
        let zone = |name: &str| home.join(name).into_os_string();
        vec![
            ("HOME", home.clone().into_os_string()),
            ("XDG_CONFIG_HOME", zone(".config")),
            ("XDG_CACHE_HOME", zone(".cache")),
            ("XDG_DATA_HOME", zone(".local/share")),
            ("XDG_STATE_HOME", zone(".local/state")),
            ("PATH", self.path.clone()),
            ("SHELL", "/bin/sh".into()),
            ("TERM", "xterm-256color".into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
            ("TMUX_TMPDIR", self.root.join("tmux").into_os_string()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
        ]
    }

    /// A program of this world, in its root, with its environment and nothing else.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env()).current_dir(&self.root);
        command
    }

    /// The real `git metawsm` with these arguments, in the world's root unless [`Run::at`] says otherwise.
    pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Run {
        let args = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        Run::new(args, self.root.clone(), self.env())
    }

    /// A repository on branch main with one commit.
    pub fn repo(&self, name: &str) -> Repo {
        self.repo_on(name, "main")
    }

    /// A repository on this branch with one commit.
    pub fn repo_on(&self, name: &str, branch: &str) -> Repo {
        let path = self.root.join("repos").join(name);
        self.repos.lock().expect("no test panicked here").push(path.clone());
        Repo::init(path, branch, self.env())
    }

    /// Installs an executable in the world's `bin/`; a body without `#!` is `sh -eu`.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.bin().join(name);
        let text = if body.starts_with("#!") { body.to_owned() } else { format!("#!/bin/sh -eu\n{body}\n") };
        // A new file each time: a running script keeps the old one, and nobody sees half of it.
        let new = self.root.join(format!("{name}.new"));
        std::fs::write(&new, text).expect("the script is written");
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).expect("it is executable");
        std::fs::rename(&new, &path).expect("it is in bin");
        path
    }

    /// Removes a program from the world's `bin/`.
    pub fn unscript(&self, name: &str) {
        std::fs::remove_file(self.bin().join(name)).expect("it was there");
    }

    /// A tmux command on this world's own server.
    pub fn tmux<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Output {
        Output::of(self.command("tmux").args(args), "tmux")
    }

    /// Every byte of the world, to compare with later; tmux sockets are left out.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.root).without("tmux")
    }

    /// The text with this world's paths, object ids, run ids and times masked.
    pub fn masked(&self, text: &str) -> String {
        let repos = self.repos.lock().expect("no test panicked here");
        mask(text, &self.root, &repos)
    }

    fn end_processes(&self) {
        if self.root.join("tmux").read_dir().is_ok_and(|mut d| d.next().is_some()) {
            let _ = self.command("tmux").arg("kill-server").output();
        }
        for _ in 0..20 {
            let left = procs::marked("HOME", &self.home().to_string_lossy());
            if left.is_empty() {
                break;
            }
            left.into_iter().for_each(procs::kill_hard);
        }
    }

    /// Keeps the directory on disk and tells where: for looking at a failure by hand.
    pub fn keep(&mut self) -> PathBuf {
        self.dir.disable_cleanup(true);
        self.root.clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_processes();
        if std::env::var_os("METAWSM_TEST_KEEP").is_some() {
            let kept = self.keep();
            eprintln!("kept {}", kept.display());
        }
    }
}
