//! Where a test of sessions plays: a process, a home and a tmux server of its own.

use crate::kit::require;
use git_metawsm::model::Session;
use git_metawsm::sessions::{self, Launch, Observation, SessionBackend, SessionFiles};
use git_metawsm::sys::{procs, random};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub(super) const PLACE: &str = "IT_SESSIONS_PLACE";
pub(super) const BOTH: [SessionBackend; 2] = [SessionBackend::Tmux, SessionBackend::Process];
pub(super) const GRACE: Duration = Duration::from_millis(300);

/// Runs the test (by its path below this module) again in a process of its own, with its own tmux server, which is ended with it.
pub(super) fn isolated(name: &str, body: fn(&Place)) {
    if let Some(dir) = std::env::var_os(PLACE) {
        return body(&Place { dir: dir.into() });
    }
    if require("tmux").is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let bin = dir.path().join("bin");
    for made in [&home, &bin, &dir.path().join("tmux"), &dir.path().join("agents")] {
        fs::create_dir(made).expect("a directory");
    }
    let real = which("tmux");
    let shim = format!("#!/bin/sh\necho \"$*\" >> '{}/tmux.log'\nexec {real} \"$@\"\n", dir.path().display());
    fs::write(bin.join("tmux"), shim).expect("a shim");
    Command::new("chmod").arg("+x").arg(bin.join("tmux")).status().expect("chmod runs");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH"));
    let hostile = [
        ("METAWSM_BYPASS", "because"),
        ("METAWSM_HOLD", "token"),
        ("METAWSM_ROOT", "/elsewhere"),
        ("METAWSM_UNHEARD_OF", "1"),
        ("GIT_DIR", "/elsewhere/.git"),
        ("GIT_CONFIG_PARAMETERS", "'user.name'='somebody'"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "user.name"),
        ("GIT_CONFIG_VALUE_0", "somebody"),
        ("TMUX", "/elsewhere/default,1,0"),
    ];
    let output = Command::new(std::env::current_exe().expect("we are a program"))
        .args(["--exact", &format!("sessions::{name}"), "--nocapture", "--test-threads=1"])
        .envs(hostile)
        .env(PLACE, dir.path())
        .env("HOME", &home)
        .env("SHELL", "/bin/sh")
        .env("PATH", path)
        .env("TMUX_TMPDIR", dir.path().join("tmux"))
        .output()
        .expect("the test runs");
    let _ = Command::new(&real)
        .arg("kill-server")
        .env_remove("TMUX")
        .env("TMUX_TMPDIR", dir.path().join("tmux"))
        .output();
    for left in procs::marked(PLACE, &dir.path().to_string_lossy()) {
        procs::kill_hard(left);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "the test did not run: {text}");
}

pub(super) fn which(name: &str) -> String {
    let output = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().expect("sh runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(super) struct Place {
    pub(super) dir: PathBuf,
}

impl Place {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn launch(&self, name: &str, script: &str) -> Launch {
        let workspace = self.dir.join("ws").join(name);
        fs::create_dir_all(&workspace).expect("a workspace");
        Launch {
            run: "run-1".to_owned(),
            ticket: "T-1".to_owned(),
            agent: "coder".to_owned(),
            name: name.to_owned(),
            token: random::base32(20),
            root: self.dir.clone(),
            cwd: workspace.clone(),
            workspace,
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            path_var: std::env::var("PATH").ok(),
            keep_shell: false,
            signal_roots: Vec::new(),
            notify: Vec::new(),
            conversation: None,
            given: sessions::Given::default(),
            program: Some(PathBuf::from(env!("CARGO_BIN_EXE_git-metawsm"))),
            files: SessionFiles::of(&self.path("agents"), &self.path("logs"), name),
        }
    }

    pub(super) fn tmux_calls(&self) -> usize {
        fs::read_to_string(self.path("tmux.log")).unwrap_or_default().lines().count()
    }

    pub(super) fn pid(&self, file: &str) -> i32 {
        let path = self.path(file);
        let read = || fs::read_to_string(&path).ok().filter(|t| t.ends_with('\n'));
        until(&format!("{file} is written"), || read().is_some());
        read().and_then(|t| t.trim().parse().ok()).expect("a process id")
    }
}

pub(super) fn tmux(args: &[&str]) -> Output {
    Command::new("tmux").args(args).env_remove("TMUX").output().expect("tmux runs")
}

pub(super) fn tmux_text(args: &[&str]) -> String {
    String::from_utf8_lossy(&tmux(args).stdout).trim().to_owned()
}

pub(super) fn has_session(name: &str) -> bool {
    tmux(&["has-session", "-t", &format!("={name}")]).status.success()
}

pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

pub(super) fn observe(session: &Session, files: &SessionFiles) -> Observation {
    sessions::observe_all(&[(session, files)]).remove(0)
}

pub(super) fn end_of(session: &Session, files: &SessionFiles) -> (Option<i32>, Option<i32>, bool) {
    until("the agent has ended", || matches!(observe(session, files), Observation::Ended(_)));
    match observe(session, files) {
        Observation::Ended(ended) => (ended.status, ended.signal, ended.stopped),
        other => panic!("{other:?}"),
    }
}

pub(super) fn is_alive(session: &Session, files: &SessionFiles) -> bool {
    matches!(observe(session, files), Observation::Alive { .. })
}

pub(super) fn lives(pid: i32) -> bool {
    procs::is_alive(procs::of_pid(pid))
}

pub(super) fn wrapper_of(files: &SessionFiles) -> i32 {
    let text = fs::read_to_string(&files.exit).expect("a record");
    let record: toml::Table = text.parse().expect("TOML");
    record["wrapper"]["pid"].as_integer().and_then(|pid| i32::try_from(pid).ok()).expect("a process id")
}

pub(super) fn kill(signal: &str, pid: i32) {
    Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill runs");
}
