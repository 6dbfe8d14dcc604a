//! Sessions from day to day: stopped, resumed, restarted, looked into, talked to, and never mistaken for another.

use crate::kit::{all, require, wait_for, wait_until};
use crate::stage::{PATIENCE, Stage, WORKER, holds, id, needs, wait_file, workspace};
use git_metawsm::sys::procs;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::process::Stdio;

const SLEEPER: &str = "exec sleep 600";

fn backends() -> Vec<&'static str> {
    if require("tmux").is_some() { vec!["process", "tmux"] } else { vec!["process"] }
}

/// Processes that carry this run's mark.
fn left(run: &str) -> Vec<String> {
    let found = procs::marked("METAWSM_RUN", run);
    found.iter().map(|c| procs::command_line(c.pid).unwrap_or_default()).collect()
}

fn wait_started(run: &Value, mark: &str) {
    wait_file(workspace(run, 0).join(mark));
}

#[test]
fn agents_that_ignore_signals_or_slip_away_are_gone_after_stop_and_everything_is_kept() {
    let stubborn = r#"trap '' HUP TERM INT
body='trap "" HUP TERM INT; while :; do sleep 1; done'
setsid sh -c "$body" & nohup sh -c "$body" >/dev/null 2>&1 & (setsid sh -c "$body" & ) &
env -i PATH="$PATH" setsid sh -c "$body" &
echo work > left.txt
sleep 0.2; echo > "$METAWSM_WORKSPACE/begun"
while :; do sleep 1; done"#;
    for backend in backends() {
        let stage = Stage::with(&[("stubborn", stubborn)], backend, &json!({}));
        let run = stage.run(&["Hold on"]);
        wait_started(&run, "begun");
        let wrapper = left(id(&run)).len();
        assert!(wrapper >= 4, "{wrapper} processes");
        stage.do_(["stop"]).ok().says("stopped");
        assert_eq!(left(id(&run)), Vec::<String>::new(), "{backend}");
        assert!(
            procs::marked("HOME", &stage.world.home().to_string_lossy())
                .iter()
                .all(|c| { procs::command_line(c.pid).is_none_or(|line| line.contains("tmux")) })
        );
        let view = stage.look(id(&run));
        assert_eq!(view["state"], "stopped");
        assert_eq!(view["agents"][0]["health"], "ended");
        holds(&needs(&view), &[&format!("git metawsm resume {}", id(&run))]);
        let tree = crate::stage::tree(&run, 0, "api");
        assert_eq!(std::fs::read_to_string(tree.join("left.txt")).expect("kept"), "work\n");
        stage.do_(["stop", id(&run)]).ok();
        assert_eq!(stage.look(id(&run))["state"], "stopped", "stopping twice is stopping once");
    }
}

#[test]
fn a_stopped_run_goes_on_where_it_was_and_a_completed_one_stays_completed() {
    // The first start waits, the second one works.
    let script = format!("if [ -e ../again ]; then\n{WORKER}\nelse echo > ../again; exec sleep 600; fi");
    for backend in backends() {
        let stage = Stage::with(&[("coder", &script)], backend, &json!({}));
        let run = stage.run(&["Go on"]);
        wait_started(&run, "again");
        stage.do_(["stop"]).ok();
        stage.do_(["resume"]).ok();
        stage.wait_state(id(&run), "completed");
        stage.do_(["stop", id(&run)]).ok();
        assert_eq!(stage.look(id(&run))["state"], "completed");
        stage.do_(["resume", id(&run)]).ok();
        assert_eq!(stage.look(id(&run))["state"], "completed");
        stage.do_(["close"]).ok();
    }
}

#[test]
fn after_a_restart_of_the_machine_everything_that_was_at_work_starts_again() {
    if require("tmux").is_none() {
        return;
    }
    let script = "echo >> \"$METAWSM_WORKSPACE/starts\"; exec sleep 600";
    let stage = Stage::with(&[("coder", script), ("worker", WORKER)], "tmux", &json!({}));
    let runs = ["One", "Two"].map(|text| stage.run(&["--agent", "coder", text]));
    let done = stage.run(&["--agent", "worker", "Done already"]);
    stage.wait_state(id(&done), "completed");
    for run in &runs {
        wait_started(run, "starts");
    }
    // What a power cut does to processes: all at once, so that none sees another one end.
    let all = procs::marked("HOME", &stage.world.home().to_string_lossy());
    for child in &all {
        let _ = kill(Pid::from_raw(child.pid), Signal::SIGSTOP);
    }
    all.into_iter().for_each(procs::kill_hard);
    for run in &runs {
        let view = stage.wait_health(id(run), 0, "dead");
        holds(&needs(&view), &["git metawsm restart"]);
    }
    stage.do_(["resume", "--all"]).ok();
    for run in &runs {
        stage.wait_health(id(run), 0, "working");
        let starts = workspace(run, 0).join("starts");
        wait_until("it starts again", PATIENCE, || {
            std::fs::read_to_string(&starts).is_ok_and(|t| t.lines().count() == 2)
        });
    }
    assert_eq!(stage.look(id(&done))["state"], "completed");
    stage.do_(["resume", "--all"]).ok();
    for run in &runs {
        let starts = std::fs::read_to_string(workspace(run, 0).join("starts")).expect("a file");
        assert_eq!(starts.lines().count(), 2, "what is alive is not started twice");
    }
}

#[test]
fn restart_ends_what_works_and_starts_it_again() {
    let script = "echo $$ >> \"$METAWSM_WORKSPACE/starts\"; exec sleep 600";
    for backend in backends() {
        let stage = Stage::with(&[("coder", script)], backend, &json!({}));
        let run = stage.run(&["Again"]);
        wait_started(&run, "starts");
        stage.do_(["restart"]).ok();
        let starts = workspace(&run, 0).join("starts");
        let pids = wait_for("it starts again", PATIENCE, || {
            let text = std::fs::read_to_string(&starts).ok()?;
            let pids: Vec<i32> = text.lines().filter_map(|l| l.parse().ok()).collect();
            (pids.len() == 2).then_some(pids)
        });
        assert!(!procs::is_alive(procs::of_pid(pids[0])));
        assert!(procs::is_alive(procs::of_pid(pids[1])));
        stage.wait_health(id(&run), 0, "working");
    }
}

#[test]
fn stopping_one_of_many_never_touches_another_of_a_similar_name() {
    let count = if all() { 100 } else { 12 };
    for backend in backends() {
        let stage = Stage::with(&[("agent", SLEEPER)], backend, &json!({}));
        let tickets: Vec<_> = (1..=count).map(|at| format!("ws{at}")).collect();
        // One run each for those whose names begin alike, one for all the others.
        let single = ["ws1", "ws10", "ws11"];
        let others: Vec<_> = tickets.iter().map(String::as_str).filter(|t| !single.contains(t)).collect();
        let others = others.join(",");
        for tickets in single.iter().copied().chain([others.as_str()]) {
            stage.run(&["--ticket", tickets]);
        }
        let working = |run: &str| {
            let view = stage.look(run);
            view["agents"].as_array().expect("agents").iter().filter(|a| a["health"] == "working").count()
        };
        stage.do_(["stop", "ws1"]).ok();
        assert_eq!(working("ws1"), 0);
        assert_eq!((working("ws10"), working("ws11")), (1, 1), "{backend}");
        assert_eq!(working("ws2"), count - 3);
        if backend == "tmux" {
            let names = stage.world.tmux(["list-sessions", "-F", "#{session_name}"]).ok().stdout;
            let names: Vec<_> = names.lines().collect();
            assert!(!names.contains(&"agent-ws1") && names.contains(&"agent-ws10"), "{names:?}");
            assert_eq!(names.len(), count - 1);
        }
        stage.do_(["resume", "ws1"]).ok();
        assert_eq!(working("ws1"), 1);
        stage.do_(["discard", "ws10"]).ok();
        assert_eq!((working("ws1"), working("ws11"), working("ws2")), (1, 1, count - 3));
    }
}

#[test]
fn a_session_of_somebody_else_is_never_taken_over() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(&[("agent", SLEEPER)], "tmux", &json!({}));
    stage.world.tmux(["new-session", "-d", "-s", "agent-mine", "sleep 600"]).ok();
    let failed = stage.do_(["run", "--ticket", "mine"]).code(1);
    failed.tells("agent-mine").tells("resume");
    stage.world.tmux(["has-session", "-t", "=agent-mine"]).ok();
    stage.do_(["stop", "mine"]).output();
    stage.do_(["discard", "mine"]).ok();
    stage.world.tmux(["has-session", "-t", "=agent-mine"]).ok();
}

/// A run in tmux whose agent reads lines and answers each.
fn listener(stage: &Stage) -> Value {
    let run = stage.run(&["Listen well"]);
    wait_until("it listens", PATIENCE, || {
        stage.do_(["logs", "listen-well"]).ok().stdout.contains("listening")
    });
    run
}

const LISTENER: &str = r#"echo "listening"; while read -r line; do printf "heard <%s>\n" "$line"; [ "$line" = end ] && exit 0; done"#;

#[test]
fn a_line_told_reaches_a_live_agent_as_it_is_and_logs_show_and_follow_it() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(&[("ear", LISTENER)], "tmux", &json!({}));
    let run = listener(&stage);
    let follower = stage.start(["logs", "-f", "listen-well"]);
    let odd = r#"$(touch /tmp/x) #{pane_id} ; C-c Enter 'q' "d" \n -t"#;
    stage.do_(["tell", "listen-well", odd]).ok();
    wait_until("the words arrive", PATIENCE, || {
        stage.do_(["logs", id(&run)]).ok().stdout.contains(&format!("heard <{odd}>"))
    });
    stage.do_(["tell", &format!("{}:ear", id(&run)), "end"]).ok();
    let text = follower.end().ok().stdout;
    holds(&text, &["listening", &format!("heard <{odd}>"), "heard <end>"]);
    assert_eq!(text.matches("listening").count(), 1, "each line once: {text}");
    stage.wait_ended(id(&run));
    let few = stage.do_(["logs", "-n", "2", "listen-well"]).ok().stdout;
    assert!(few.lines().count() <= 2, "{few}");
    stage.do_(["tell", "listen-well", "more"]).code(1).tells("not running");
    holds(&stage.do_(["log", "listen-well"]).ok().stdout, &["told"]);
}

#[test]
fn the_output_of_a_process_is_kept_and_followed_and_nothing_can_be_told_to_it() {
    let script = "echo one; until [ -e ../go ]; do sleep 0.05; done; echo two; printf 'no newline'";
    let stage = Stage::new(&[("talker", script)]);
    let run = stage.run(&["Talk"]);
    let follower = stage.start(["logs", "-f", "talk"]);
    wait_until("it talks", PATIENCE, || stage.do_(["logs"]).ok().stdout.contains("one"));
    let refused = stage.do_(["tell", "talk", "hello"]).output();
    assert!(refused.status != Some(0) && refused.stderr.contains("without a terminal"), "{refused}");
    stage.do_(["attach", "talk"]).output().tells("git metawsm logs");
    std::fs::write(workspace(&run, 0).join("go"), "").expect("a file");
    holds(&follower.end().ok().stdout, &["one\n", "two\n", "no newline"]);
    stage.wait_ended(id(&run));
    holds(&stage.do_(["logs", "talk"]).ok().stdout, &["one", "two", "no newline"]);
}

#[test]
fn attach_goes_into_the_session_from_outside_and_switches_the_client_inside_tmux() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(&[("one", SLEEPER), ("two", SLEEPER)], "tmux", &json!({}));
    let run = stage.run(&["Look inside"]);
    let word = format!("{}:two", id(&run));
    let argv = |out: crate::kit::Output| out.ok().json()["argv"].to_string();
    let outside = argv(stage.do_(["attach", "--json", &word]).output());
    holds(&outside, &["attach-session"]);
    stage.world.tmux(["new-session", "-d", "-s", "mine", "sleep 600"]).ok();
    let asked = |what| stage.world.tmux(["display-message", "-p", "-t", "=mine:", what]).ok().stdout;
    let (socket, pane) = (asked("#{socket_path},#{pid},0"), asked("#{pane_id}"));
    let inside =
        stage.do_(["attach", "--json", &word]).env("TMUX", socket.trim()).env("TMUX_PANE", pane.trim());
    let inside = argv(inside.output());
    holds(&inside, &["switch-client"]);
    let several = stage.do_(["attach", id(&run)]).code(2);
    several.tells("look-inside.one").tells("look-inside.two");
    stage.do_(["attach", &format!("{}:three", id(&run))]).code(2).tells("three");
    if require("script").is_none() {
        return;
    }
    // A terminal of a person really gets there.
    let line = format!("'{}' attach {word}", crate::kit::BINARY);
    let mut person = stage.world.command("script");
    person
        .args(["-qfc", &line, "/dev/null"])
        .current_dir(&stage.api)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut person = person.spawn().expect("script runs");
    wait_until("the person is in the session", PATIENCE, || {
        let clients = stage.world.tmux(["list-clients", "-F", "#{session_name}"]);
        clients.stdout.lines().any(|name| name == "two-look-inside")
    });
    stage.do_(["stop", id(&run)]).ok();
    wait_until("the person is out again", PATIENCE, || person.try_wait().is_ok_and(|s| s.is_some()));
}

#[test]
fn a_session_that_was_started_and_not_written_down_is_found_again() {
    let stage = Stage::with(&[("sleeper", SLEEPER)], "process", &json!({}));
    let run = stage.run(&["Sleep"]);
    let before = left(id(&run));
    // The record as a kill between the start and the word of it would have left it.
    let record = stage.api.common_dir().join("metawsm/runs").join(id(&run)).join("run.toml");
    let text = std::fs::read_to_string(&record).expect("the record");
    let mut table: toml::Table = toml::from_str(&text).expect("TOML");
    table["agents"][0].as_table_mut().expect("an agent").remove("live").expect("it was started");
    let steps = table["steps"].as_array_mut().expect("steps");
    steps.last_mut().expect("a step")["state"] = "running".into();
    std::fs::write(&record, toml::to_string(&table).expect("TOML")).expect("the record is written");
    stage.do_(["resume"]).ok();
    assert_eq!(stage.look(id(&run))["agents"][0]["health"], "working");
    assert_eq!(left(id(&run)), before, "nothing was started beside it");
    stage.do_(["stop"]).ok();
    assert_eq!(left(id(&run)), Vec::<String>::new());
}
