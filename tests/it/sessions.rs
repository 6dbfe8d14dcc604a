//! Sessions with the real binary as their wrapper, real processes and a real tmux server.
//!
//! Each test runs in a process of its own whose environment is hostile where a user's may be, and whose tmux server
//! is its own: no server of the user is ever seen.

use git_metawsm::model::Session;
use git_metawsm::sessions::{
    self, Launch, Observation, Occasion, SessionBackend, SessionError, SessionFiles, Stopped,
};
use git_metawsm::sys::{Cmd, procs, random};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const PLACE: &str = "IT_SESSIONS_PLACE";
const BOTH: [SessionBackend; 2] = [SessionBackend::Tmux, SessionBackend::Process];
const GRACE: Duration = Duration::from_millis(300);

/// Runs the test again in a process of its own, with its own tmux server, which is ended with it.
fn isolated(name: &str, body: fn(&Place)) {
    if let Some(dir) = std::env::var_os(PLACE) {
        return body(&Place { dir: dir.into() });
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
    let module = module_path!().split_once("::").map_or(module_path!(), |(_, rest)| rest);
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
        .args(["--exact", &format!("{module}::{name}"), "--nocapture", "--test-threads=1"])
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

fn which(name: &str) -> String {
    let output = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().expect("sh runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

struct Place {
    dir: PathBuf,
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn launch(&self, name: &str, script: &str) -> Launch {
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
            program: Some(PathBuf::from(env!("CARGO_BIN_EXE_git-metawsm"))),
            files: SessionFiles::of(&self.path("agents"), &self.path("logs"), name),
        }
    }

    fn tmux_calls(&self) -> usize {
        fs::read_to_string(self.path("tmux.log")).unwrap_or_default().lines().count()
    }

    fn pid(&self, file: &str) -> i32 {
        let path = self.path(file);
        let read = || fs::read_to_string(&path).ok().filter(|t| t.ends_with('\n'));
        until(&format!("{file} is written"), || read().is_some());
        read().and_then(|t| t.trim().parse().ok()).expect("a process id")
    }
}

fn tmux(args: &[&str]) -> Output {
    Command::new("tmux").args(args).env_remove("TMUX").output().expect("tmux runs")
}

fn tmux_text(args: &[&str]) -> String {
    String::from_utf8_lossy(&tmux(args).stdout).trim().to_owned()
}

fn has_session(name: &str) -> bool {
    tmux(&["has-session", "-t", &format!("={name}")]).status.success()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn observe(session: &Session, files: &SessionFiles) -> Observation {
    sessions::observe_all(&[(session, files)]).remove(0)
}

fn end_of(session: &Session, files: &SessionFiles) -> (Option<i32>, Option<i32>, bool) {
    until("the agent has ended", || matches!(observe(session, files), Observation::Ended(_)));
    match observe(session, files) {
        Observation::Ended(ended) => (ended.status, ended.signal, ended.stopped),
        other => panic!("{other:?}"),
    }
}

fn is_alive(session: &Session, files: &SessionFiles) -> bool {
    matches!(observe(session, files), Observation::Alive { .. })
}

fn lives(pid: i32) -> bool {
    procs::is_alive(procs::of_pid(pid))
}

fn wrapper_of(files: &SessionFiles) -> i32 {
    let text = fs::read_to_string(&files.exit).expect("a record");
    let record: toml::Table = text.parse().expect("TOML");
    record["wrapper"]["pid"].as_integer().and_then(|pid| i32::try_from(pid).ok()).expect("a process id")
}

fn kill(signal: &str, pid: i32) {
    Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill runs");
}

#[test]
fn every_way_to_end_is_reported_as_it_was() {
    isolated("every_way_to_end_is_reported_as_it_was", |place| {
        let cases = [
            ("exit 0", (Some(0), None, false)),
            ("exit 3", (Some(3), None, false)),
            ("exit 255", (Some(255), None, false)),
            ("kill -TERM $$", (None, Some(15), false)),
            ("kill -KILL $$", (None, Some(9), false)),
            ("sleep 0.3; exit 4", (Some(4), None, false)),
        ];
        for backend in BOTH {
            for (at, (script, expected)) in cases.iter().enumerate() {
                let launch = place.launch(&format!("{}-{at}", backend.as_str()), script);
                let session = sessions::start(backend, &launch).expect("started");
                assert_eq!(end_of(&session, &launch.files), *expected, "{backend:?} {script}");
                let again = sessions::stop(&session, &launch.files, GRACE).expect("stopped");
                assert!(!again.was_alive && again.ended.is_some(), "{again:?}");
            }
        }
    });
}

#[test]
fn a_hundred_agents_that_end_at_once_are_all_reported() {
    isolated("a_hundred_agents_that_end_at_once_are_all_reported", |place| {
        let gate = place.path("go");
        let started: Vec<_> = (0..100)
            .map(|at| {
                let backend = BOTH[at % 2];
                let script = format!("until [ -e '{}' ]; do sleep 0.2; done; exit {at}", gate.display());
                let launch = place.launch(&format!("many-{at}"), &script);
                (sessions::start(backend, &launch).expect("started"), launch.files)
            })
            .collect();
        let asked: Vec<_> = started.iter().map(|(session, files)| (session, files)).collect();
        let before = place.tmux_calls();
        let alive = sessions::observe_all(&asked);
        assert!(
            alive.iter().all(|o| matches!(o, Observation::Alive { last_activity: Some(_), .. })),
            "{alive:?}"
        );
        assert_eq!(place.tmux_calls(), before + 1, "one call for all of them");
        fs::write(&gate, "").expect("a file");
        for (at, (session, files)) in started.iter().enumerate() {
            let status = i32::try_from(at).expect("small");
            assert_eq!(end_of(session, files), (Some(status), None, false));
        }
        let before = place.tmux_calls();
        sessions::observe_all(&asked);
        assert_eq!(place.tmux_calls(), before, "no call for those that have ended");
    });
}

#[test]
fn stopping_one_never_touches_another_whose_name_begins_alike() {
    isolated("stopping_one_never_touches_another_whose_name_begins_alike", |place| {
        for backend in BOTH {
            let [one, ten] = ["ws1", "ws10"].map(|name| {
                let launch = place.launch(&format!("{name}-{}", backend.as_str()), "exec sleep 600");
                (sessions::start(backend, &launch).expect("started"), launch.files)
            });
            let stopped = sessions::stop(&one.0, &one.1, GRACE).expect("stopped");
            assert!(stopped.was_alive);
            assert_eq!(end_of(&one.0, &one.1), (None, Some(15), true));
            assert!(is_alive(&ten.0, &ten.1));
            assert_eq!(has_session("ws10-tmux"), backend == SessionBackend::Tmux);
            assert!(!has_session("ws1-tmux"));
            sessions::stop(&ten.0, &ten.1, GRACE).expect("stopped");
        }
    });
}

/// Starts children that leave in all the ways there are; each writes its process id into a file.
fn fugitives(place: &Place, mark: &str) -> (String, Vec<String>) {
    let dir = place.dir.display();
    let body = |name: &str| {
        format!("trap \"\" HUP TERM INT; echo $$ > {dir}/{mark}-{name}; while :; do sleep 1; done")
    };
    let script = format!(
        "setsid sh -c '{}' & nohup sh -c '{}' >/dev/null 2>&1 & (setsid sh -c '{}' &) & \
         env -i PATH=\"$PATH\" setsid sh -c '{}' & sh -c '{}' & wait",
        body("setsid"),
        body("nohup"),
        body("fork"),
        body("bare"),
        body("plain")
    );
    let names = ["setsid", "nohup", "fork", "bare", "plain"].map(|name| format!("{mark}-{name}"));
    (script, names.to_vec())
}

#[test]
fn nothing_below_an_agent_outlives_a_stop() {
    isolated("nothing_below_an_agent_outlives_a_stop", |place| {
        for backend in BOTH {
            let (script, names) = fugitives(place, backend.as_str());
            let launch = place.launch(&format!("flight-{}", backend.as_str()), &script);
            let session = sessions::start(backend, &launch).expect("started");
            let pids: Vec<_> = names.iter().map(|name| place.pid(name)).collect();
            assert!(pids.iter().all(|pid| lives(*pid)));
            let wrapper = wrapper_of(&launch.files);
            let stopped = sessions::stop(&session, &launch.files, GRACE).expect("stopped");
            assert!(stopped.was_alive && stopped.ended.is_some_and(|e| e.stopped));
            assert_eq!(pids.iter().filter(|pid| lives(**pid)).count(), 0, "{backend:?}");
            assert!(!lives(wrapper) && !has_session(&launch.name));
            let again = sessions::stop(&session, &launch.files, GRACE).expect("stopped again");
            assert!(!again.was_alive);
        }
    });
}

#[test]
fn what_an_agent_leaves_behind_ends_with_it() {
    isolated("what_an_agent_leaves_behind_ends_with_it", |place| {
        for backend in BOTH {
            let file = format!("left-{}", backend.as_str());
            let script = format!(
                "setsid sh -c 'echo $$ > {}/{file}; exec sleep 600' & sleep 0.3; exit 5",
                place.dir.display()
            );
            let launch = place.launch(&file, &script);
            let session = sessions::start(backend, &launch).expect("started");
            let pid = place.pid(&file);
            assert_eq!(end_of(&session, &launch.files), (Some(5), None, false));
            assert!(!lives(pid), "it would go on writing");
        }
    });
}

#[test]
fn strays_of_a_killed_wrapper_are_found_by_their_token() {
    isolated("strays_of_a_killed_wrapper_are_found_by_their_token", |place| {
        for backend in BOTH {
            let (script, names) = fugitives(place, backend.as_str());
            let launch = place.launch(&format!("stray-{}", backend.as_str()), &script);
            let other = place.launch(&format!("other-{}", backend.as_str()), "exec sleep 600");
            let session = sessions::start(backend, &launch).expect("started");
            let bystander = sessions::start(backend, &other).expect("started");
            let pids: Vec<_> = names.iter().map(|name| (name, place.pid(name))).collect();
            kill("-KILL", wrapper_of(&launch.files));
            until("the wrapper is gone", || !is_alive(&session, &launch.files));
            assert!(matches!(observe(&session, &launch.files), Observation::Dead { .. }));
            let stopped = sessions::stop(&session, &launch.files, GRACE).expect("stopped");
            assert!(stopped.strays > 0 && stopped.ended.is_none(), "{stopped:?}");
            // Who clears its environment and has lost its wrapper is beyond what can be known.
            let left = pids.iter().filter(|(name, pid)| !name.ends_with("bare") && lives(*pid));
            assert_eq!(left.count(), 0, "{backend:?}");
            for (_, pid) in &pids {
                kill("-KILL", *pid);
            }
            assert!(is_alive(&bystander, &other.files));
            sessions::stop(&bystander, &other.files, GRACE).expect("stopped");
        }
    });
}

#[test]
fn a_new_server_with_the_same_ids_is_not_touched() {
    isolated("a_new_server_with_the_same_ids_is_not_touched", |place| {
        let launch = place.launch("old", "exec sleep 600");
        let session = sessions::start(SessionBackend::Tmux, &launch).expect("started");
        tmux(&["kill-server"]);
        until("the agent has ended with its terminal", || !is_alive(&session, &launch.files));
        assert_eq!(end_of(&session, &launch.files), (None, Some(1), false));
        until("the server is gone", || !procs::is_alive(session.process));
        tmux(&["new-session", "-d", "-s", "mine", "--", "sleep", "600"]);
        assert_eq!(
            tmux_text(&["display-message", "-p", "-t", "=mine:", "#{session_id} #{pane_id}"]),
            "$0 %0"
        );
        assert_eq!((session.id.as_str(), session.pane.as_str()), ("$0", "%0"));
        sessions::stop(&session, &launch.files, GRACE).expect("nothing to stop");
        // Even a mark on the other session and a reused process id do not make it ours.
        tmux(&["set-option", "-t", "=mine:", "@metawsm_token", &session.token]);
        sessions::stop(&session, &launch.files, GRACE).expect("nothing to stop");
        assert!(has_session("mine"));
        assert!(matches!(sessions::attach_argv(&session, &launch.files), Err(SessionError::Gone)));
    });
}

#[test]
fn a_session_without_our_mark_is_never_touched() {
    isolated("a_session_without_our_mark_is_never_touched", |place| {
        let ids = "#{session_id} #{pane_id} #{pid}";
        let made = tmux_text(&["new-session", "-d", "-P", "-F", ids, "-s", "taken", "--", "sleep", "600"]);
        let words: Vec<_> = made.split(' ').collect();
        let launch = place.launch("taken", "exec sleep 600");
        let error = sessions::start(SessionBackend::Tmux, &launch).expect_err("the name is taken");
        assert!(matches!(&error, SessionError::Duplicate { name, .. } if name == "taken"), "{error}");
        let forged = Session {
            backend: SessionBackend::Tmux,
            id: words[0].to_owned(),
            pane: words[1].to_owned(),
            process: procs::of_pid(words[2].parse().expect("a process id")),
            token: launch.token.clone(),
        };
        assert_eq!(sessions::stop(&forged, &launch.files, GRACE).expect("nothing done"), Stopped::default());
        assert!(matches!(sessions::tell(&forged, &launch.files, "x"), Err(SessionError::Gone)));
        assert!(has_session("taken"));
        assert_eq!(
            observe(&forged, &launch.files),
            Observation::Unknown {
                why: format!("the record of this start is not in {}", launch.files.exit.display())
            }
        );
    });
}

#[test]
fn what_the_starter_knew_does_not_reach_the_agent() {
    isolated("what_the_starter_knew_does_not_reach_the_agent", |place| {
        for backend in BOTH {
            let file = place.path(&format!("env-{}", backend.as_str()));
            let script = format!("pwd > {0}.cwd; env > {0}", file.display());
            let launch = place.launch(&format!("env-{}", backend.as_str()), &script);
            let session = sessions::start(backend, &launch).expect("started");
            end_of(&session, &launch.files);
            let env = fs::read_to_string(&file).expect("the agent's environment");
            let mut seen: Vec<_> = env
                .lines()
                .filter(|l| ["METAWSM_", "GIT_DIR", "GIT_CONFIG", "TMUX="].iter().any(|p| l.starts_with(p)))
                .map(|l| l.split('=').next().expect("a name"))
                .collect();
            seen.sort_unstable();
            let ours =
                ["AGENT", "ROOT", "RUN", "SESSION", "TICKET", "WORKSPACE"].map(|n| format!("METAWSM_{n}"));
            assert_eq!(seen, ours, "{backend:?}");
            assert!(env.contains(&format!("METAWSM_ROOT={}\n", place.dir.display())));
            assert!(env.contains(&format!("METAWSM_SESSION={}\n", launch.token)));
            let cwd = fs::read_to_string(format!("{}.cwd", file.display())).expect("a directory");
            assert_eq!(Path::new(cwd.trim()), launch.cwd);
        }
        let global = tmux_text(&["show-environment", "-g"]);
        assert!(!global.contains("METAWSM_") && !global.contains("GIT_DIR"), "{global}");
    });
}

#[test]
fn an_agent_reads_its_terminal_and_is_told_text_as_text() {
    isolated("an_agent_reads_its_terminal_and_is_told_text_as_text", |place| {
        let file = place.path("heard");
        let script =
            format!("while IFS= read -r line; do printf '%s\\n' \"$line\" >> {}; done", file.display());
        let launch = Launch { keep_shell: true, ..place.launch("listener", &script) };
        let session = sessions::start(SessionBackend::Tmux, &launch).expect("started");
        let text = "Enter C-c; $(touch x) #(touch y)\u{3}\u{4}\u{1b}[201~ -t é;";
        sessions::tell(&session, &launch.files, text).expect("told");
        let heard = || fs::read_to_string(&file).unwrap_or_default();
        until("the line is heard", || heard().ends_with('\n'));
        assert_eq!(heard(), "Enter C-c; $(touch x) #(touch y)[201~ -t é;\n");
        let shown = sessions::capture(&session, &launch.files, 50).expect("captured");
        assert!(shown.contains("#(touch y)") && shown.contains('é'), "{shown}");
        // Ctrl-Z is no way out of an agent: nothing above it could bring it back.
        tmux(&["send-keys", "-t", &session.pane, "C-z"]);
        sessions::tell(&session, &launch.files, "two\nthree").expect("told");
        until("both lines are heard", || heard().ends_with("two\nthree\n"));
        tmux(&["send-keys", "-t", &session.pane, "C-d"]);
        assert_eq!(end_of(&session, &launch.files), (Some(0), None, false));
        // A shell is there now, and what is meant for the agent must not be run by it.
        until("the shell is there", || {
            sessions::capture(&session, &launch.files, 50).is_ok_and(|t| t.contains("ended with exit 0"))
        });
        assert!(matches!(sessions::tell(&session, &launch.files, "touch z"), Err(SessionError::Gone)));
        let kept = fs::read_to_string(&launch.files.log).expect("the screen was kept");
        assert!(kept.contains("#(touch y)"), "{kept}");
    });
}

#[test]
fn a_shell_is_left_where_the_agent_was_and_gives_way_to_the_next() {
    isolated("a_shell_is_left_where_the_agent_was_and_gives_way_to_the_next", |place| {
        let launch = Launch { keep_shell: true, ..place.launch("again", "echo worked; exit 2") };
        let session = sessions::start(SessionBackend::Tmux, &launch).expect("started");
        assert_eq!(end_of(&session, &launch.files), (Some(2), None, false));
        assert_eq!(sessions::find_running(&launch.files).expect("read"), None);
        let file = place.path("shell-env");
        until("the shell has its prompt", || {
            sessions::capture(&session, &launch.files, 50).is_ok_and(|t| t.contains("ended with exit 2"))
        });
        let line = format!("env > {0}.tmp; mv {0}.tmp {0}", file.display());
        tmux(&["send-keys", "-t", &session.pane, &line, "Enter"]);
        until("the shell obeys", || file.exists());
        let env = fs::read_to_string(&file).expect("the shell's environment");
        assert!(env.contains("METAWSM_RUN=run-1") && !env.contains("METAWSM_AGENT"), "{env}");
        assert!(!env.contains("METAWSM_SESSION") && !env.contains("METAWSM_BYPASS"), "{env}");

        let next = Launch { token: random::base32(20), ..place.launch("again", "exec sleep 600") };
        let second = sessions::start(SessionBackend::Tmux, &next).expect("the name is free");
        assert!(
            is_alive(&second, &next.files) && (&second.id, second.process) != (&session.id, session.process)
        );
        assert_eq!(sessions::find_running(&next.files).expect("read").as_ref(), Some(&second));
        // What is known of the first start must not end the second.
        sessions::stop(&session, &next.files, GRACE).expect("nothing to stop");
        assert!(is_alive(&second, &next.files));
        let third = Launch { token: random::base32(20), ..next.clone() };
        let error = sessions::start(SessionBackend::Tmux, &third).expect_err("it is running");
        assert!(matches!(error, SessionError::Running { .. }), "{error}");
        let stopped = sessions::stop(&second, &next.files, GRACE).expect("stopped");
        assert!(stopped.was_alive && !has_session("again"));
    });
}

#[test]
fn a_start_that_cannot_be_is_refused_before_or_named_after() {
    isolated("a_start_that_cannot_be_is_refused_before_or_named_after", |place| {
        for backend in BOTH {
            let base = place.launch(&format!("no-{}", backend.as_str()), "exit 0");
            let missing = Launch { argv: vec!["no-such-program".to_owned()], ..base.clone() };
            assert!(matches!(sessions::start(backend, &missing), Err(SessionError::NoProgram { .. })));
            let nowhere = Launch { cwd: place.path("nowhere"), ..base.clone() };
            assert!(matches!(sessions::start(backend, &nowhere), Err(SessionError::Sys(_))));
            let named = Launch { name: "a:b #(touch x)".to_owned(), ..base.clone() };
            assert!(matches!(sessions::start(backend, &named), Err(SessionError::BadName { .. })));
            assert!(!base.files.launch.exists(), "nothing was begun");
            let silent = Launch { program: Some("/bin/false".into()), ..base };
            let error = sessions::start(backend, &silent).expect_err("no wrapper");
            assert!(matches!(error, SessionError::NotBegun { .. }), "{backend:?} {error}");
        }
    });
}

#[test]
fn a_directory_that_reads_like_a_format_is_only_a_directory() {
    isolated("a_directory_that_reads_like_a_format_is_only_a_directory", |place| {
        let base = place.launch("format", "pwd > pwd.txt; exit 0");
        let cwd = place.path("#(touch pwned) $(touch pwned);");
        fs::create_dir_all(&cwd).expect("a directory");
        let files = SessionFiles::of(&cwd.join("agents"), &cwd.join("logs"), "key;");
        let launch = Launch { cwd: cwd.clone(), workspace: cwd.clone(), files, ..base };
        let session = sessions::start(SessionBackend::Tmux, &launch).expect("started");
        assert_eq!(end_of(&session, &launch.files), (Some(0), None, false));
        let told = fs::read_to_string(cwd.join("pwd.txt")).expect("it ran there");
        assert_eq!(Path::new(told.trim_end()), cwd);
        let found =
            Command::new("find").arg(&place.dir).args(["-name", "pwned"]).output().expect("find runs");
        assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    });
}

#[test]
fn a_process_session_has_a_log_and_no_terminal() {
    isolated("a_process_session_has_a_log_and_no_terminal", |place| {
        let go = place.path("go");
        let script =
            format!("echo one; until [ -e {} ]; do sleep 0.1; done; echo two >&2; exit 7", go.display());
        let launch = place.launch("process", &script);
        let session = sessions::start(SessionBackend::Process, &launch).expect("started");
        let refused = sessions::tell(&session, &launch.files, "x");
        assert!(matches!(refused, Err(SessionError::NoTerminal { .. })));
        let mut text = String::new();
        let followed = sessions::follow(&session, &launch.files, &mut |part| {
            text.push_str(part);
            if text.contains("one") {
                fs::write(&go, "").expect("a file");
            }
            true
        });
        followed.expect("followed to its end");
        assert_eq!(text, "one\ntwo\n");
        assert_eq!(sessions::capture(&session, &launch.files, 1).expect("captured"), "two");
        assert_eq!(end_of(&session, &launch.files), (Some(7), None, false));
        assert_eq!(place.tmux_calls(), 0, "tmux has no part in it");
    });
}

#[test]
fn a_record_of_another_boot_or_start_is_no_sign_of_life() {
    isolated("a_record_of_another_boot_or_start_is_no_sign_of_life", |place| {
        let launch = place.launch("boot", "exec sleep 600");
        let session = sessions::start(SessionBackend::Process, &launch).expect("started");
        let other = Session { token: random::base32(20), ..session.clone() };
        assert!(matches!(observe(&other, &launch.files), Observation::Unknown { .. }));
        let text = fs::read_to_string(&launch.files.exit).expect("a record");
        let rebooted = text.replace(&procs::boot_id(), "another-boot");
        fs::write(&launch.files.exit, rebooted).expect("write");
        let seen = observe(&session, &launch.files);
        assert!(matches!(&seen, Observation::Dead { why } if why.contains("started again")), "{seen:?}");
        assert_eq!(sessions::find_running(&launch.files).expect("read"), None);
        fs::write(&launch.files.exit, text).expect("write");
        sessions::stop(&session, &launch.files, GRACE).expect("stopped");
        let never = SessionFiles::of(&place.path("agents"), &place.path("logs"), "never");
        assert_eq!(observe(&session, &never), Observation::NotStarted);
    });
}

#[test]
fn the_wrapper_tells_of_signals_and_of_the_end() {
    isolated("the_wrapper_tells_of_signals_and_of_the_end", |place| {
        let roots = [place.path("ws/wrapped/.metawsm"), place.path("nowhere/.metawsm")];
        let script = format!(
            "echo '{{}}' > .metawsm/q.json; until [ -e {}/seen ]; do sleep 0.1; done",
            place.dir.display()
        );
        let launch = Launch { signal_roots: roots.to_vec(), ..place.launch("wrapped", &script) };
        fs::write(&launch.files.launch, toml::to_string(&launch).expect("TOML")).expect("write");
        let (mut told, mut mails) = (Vec::new(), Vec::new());
        let words = ["exec".into(), launch.files.launch.clone().into_os_string()];
        let code = sessions::dispatch(&words, &mut |_, occasion| {
            if place.path("ws/wrapped/.metawsm/q.json").exists() {
                fs::write(place.path("seen"), "").expect("a file");
            }
            if told.is_empty() {
                // As a notification would be: started by us, and none of the agent's.
                let output = fs::File::create(place.path("mail.log")).expect("a file");
                let mail = Cmd::new("sh").args(["-c", "trap '' HUP; sleep 600 & wait"]);
                mails.push(mail.start_detached(output).expect("started"));
            }
            told.push(occasion);
            true
        });
        assert_eq!(code.expect("the agent ran"), 0);
        assert!(procs::is_alive(mails[0]), "what we started ourselves goes on");
        procs::kill_group(mails[0].pid);
        assert!(told.contains(&Occasion::Signals));
        let Some(Occasion::Ended(ended)) = told.last() else { panic!("the last word is the end: {told:?}") };
        assert_eq!((ended.status, ended.stopped), (Some(0), false));
    });
}

#[test]
fn an_agent_that_was_first_to_call_tmux_does_not_take_the_users_server_along() {
    isolated("an_agent_that_was_first_to_call_tmux_does_not_take_the_users_server_along", |place| {
        let launch = place.launch("first", "tmux new-session -d -s users -- sleep 600; exit 0");
        let session = sessions::start(SessionBackend::Process, &launch).expect("started");
        assert_eq!(end_of(&session, &launch.files), (Some(0), None, false));
        assert!(has_session("users"));
    });
}
