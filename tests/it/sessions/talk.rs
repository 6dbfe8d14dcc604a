//! Entering, talking to and reading sessions; starts that cannot be; what the wrapper tells.

use super::place::*;
use git_metawsm::model::Session;
use git_metawsm::sessions::{
    self, Launch, Observation, Occasion, SessionBackend, SessionError, SessionFiles,
};
use git_metawsm::sys::{Cmd, procs, random};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn an_agent_reads_its_terminal_and_is_told_text_as_text() {
    isolated("talk::an_agent_reads_its_terminal_and_is_told_text_as_text", |place| {
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
    isolated("talk::a_shell_is_left_where_the_agent_was_and_gives_way_to_the_next", |place| {
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
    isolated("talk::a_start_that_cannot_be_is_refused_before_or_named_after", |place| {
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
    isolated("talk::a_directory_that_reads_like_a_format_is_only_a_directory", |place| {
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
    isolated("talk::a_process_session_has_a_log_and_no_terminal", |place| {
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
    isolated("talk::a_record_of_another_boot_or_start_is_no_sign_of_life", |place| {
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
    isolated("talk::the_wrapper_tells_of_signals_and_of_the_end", |place| {
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
                // As a notification is: started by us, known by its words, and none of the agent's.
                let output = fs::File::create(place.path("mail.log")).expect("a file");
                fs::write(place.path("agent"), "trap '' HUP; sleep 600 & wait").expect("a script");
                let mail = Cmd::new("sh").args(["agent", "notify"]).cwd(&place.dir);
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
    isolated("talk::an_agent_that_was_first_to_call_tmux_does_not_take_the_users_server_along", |place| {
        let launch = place.launch("first", "tmux new-session -d -s users -- sleep 600; exit 0");
        let session = sessions::start(SessionBackend::Process, &launch).expect("started");
        assert_eq!(end_of(&session, &launch.files), (Some(0), None, false));
        assert!(has_session("users"));
    });
}
