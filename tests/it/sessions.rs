//! Sessions with the real binary as their wrapper, real processes and a real tmux server.
//!
//! Each test runs in a process of its own whose environment is hostile where a user's may be, and whose tmux server
//! is its own: no server of the user is ever seen.

mod place;
mod talk;

use git_metawsm::model::Session;
use git_metawsm::sessions::{self, Observation, SessionBackend, SessionError, Stopped};
use git_metawsm::sys::procs;
use place::*;
use std::fs;
use std::path::Path;

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
