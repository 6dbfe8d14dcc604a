//! `watch`: what needs you, as it comes.

use super::stage::{LEAVES, Stage, WAITS, WORKS, plain};
use crate::kit::{BINARY, Repo, Run, World, wait_for, wait_until};
use crate::stage::{holds, id, rules};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long something may take to be told.
const PATIENCE: Duration = Duration::from_secs(90);

/// An agent that asks, waits for the answer, and does the work.
const ASKS: &str = r#"printf '{"question": "Red or blue?"}' > "$METAWSM_WORKSPACE/.metawsm/guidance-request.json"
until [ -e "$METAWSM_WORKSPACE/.metawsm/guidance-response.json" ]; do sleep 0.1; done
echo blue > work.txt
git add work.txt
git commit -q -m 'Do the work'"#;

/// A watch that goes on until it is ended; what it says is read while it does.
pub struct Watcher {
    child: Child,
    answer: PathBuf,
    story: PathBuf,
}

impl Watcher {
    /// The program with these words, for which `run` makes the command.
    pub fn start(world: &World, dir: &Path, words: &[&str]) -> Self {
        Self::with(world.command(BINARY), world, dir, words)
    }

    fn with(mut command: Command, world: &World, dir: &Path, words: &[&str]) -> Self {
        let file = |name: &str| tempfile::Builder::new().prefix(name).tempfile_in(world.root());
        let [answer, story] =
            ["answer-", "story-"].map(|name| file(name).expect("a file").keep().expect("it is kept").1);
        let open = |path: &Path| std::fs::File::create(path).expect("a file");
        command.args(["watch"]).args(words).current_dir(dir).stdin(Stdio::null());
        let child = command.stdout(open(&answer)).stderr(open(&story)).spawn().expect("it starts");
        Self { child, answer, story }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.answer).expect("what it said")
    }

    fn told(&self) -> String {
        std::fs::read_to_string(&self.story).expect("what it told")
    }

    /// The alerts of a watch in JSON.
    pub fn alerts(&self) -> Vec<Value> {
        let text = self.said();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let parse =
            |line: &str| serde_json::from_str::<Value>(line).expect("a line of JSON")["alert"].clone();
        whole.lines().map(parse).collect()
    }

    /// `run kind subject`, one for each alert.
    fn kinds(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        self.alerts()
            .iter()
            .map(|alert| format!("{} {}", text(&alert["run"]), text(&alert["kind"])))
            .collect()
    }

    #[track_caller]
    pub fn wait_for(&self, kind: &str) -> Value {
        self.wait_for_several(kind, 1)
    }

    /// Waits until so many of a kind were told, and gives the last.
    #[track_caller]
    fn wait_for_several(&self, kind: &str, count: usize) -> Value {
        wait_for(&format!("{count} of {kind} in {:?}, {}", self.kinds(), self.told()), PATIENCE, || {
            let found: Vec<_> = self.alerts().into_iter().filter(|alert| alert["kind"] == kind).collect();
            (found.len() >= count).then(|| found.last().cloned().unwrap_or_default())
        })
    }

    #[track_caller]
    fn wait_for_words(&self, words: &str) {
        wait_until(&format!("{words} is told"), PATIENCE, || self.told().contains(words));
    }

    /// Its exit code, by itself or after a signal.
    #[track_caller]
    pub fn end(&mut self, signal: Option<Signal>) -> i32 {
        if let Some(signal) = signal {
            kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
        }
        let mut code = None;
        wait_until("the watch ends", PATIENCE, || {
            code = self.child.try_wait().expect("it can be waited for").and_then(|status| status.code());
            code.is_some()
        });
        code.unwrap_or(-1)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn watcher(stage: &Stage, words: &[&str]) -> Watcher {
    Watcher::start(&stage.world, stage.repo.path(), words)
}

/// The stage's repository with agents by policy, and a run of it.
fn by_policy(script: &str, backend: &str, more: &Value) -> (World, Repo) {
    let world = World::new();
    let repo = world.repo("api");
    let rules = rules(&world, &[("coder", script)], backend, more);
    repo.commit(".metawsm/policy.json", &rules.to_string());
    world.run(["policy", "trust"]).at(&repo).ok();
    (world, repo)
}

#[test]
fn each_thing_is_told_once_with_the_command_that_goes_on_and_again_after_it_had_gone_away() {
    let stage = Stage::with(ASKS);
    let mut watch = watcher(&stage, &["--json"]);
    stage.start("one", "Do the work");
    let asked = watch.wait_for("question");
    assert_eq!(asked["commands"], json!(["git metawsm guide one --answer '<the answer>'"]));
    assert_eq!((&asked["run"], &asked["state"]), (&json!("one"), &json!("awaiting_guidance")));
    assert_eq!((&asked["title"], &asked["tickets"]), (&json!("Do the work"), &json!(["do-the-work"])));
    assert!(asked["what"].as_str().is_some_and(|what| what.ends_with("Red or blue?")), "{asked}");
    assert!(asked["subject"].as_str().is_some_and(|thread| thread.starts_with("fthr-")), "{asked}");
    // Who begins now is told of what is there already; looking wakes nobody.
    let mut late = watcher(&stage, &["--json"]);
    assert_eq!(late.wait_for("question")["subject"], asked["subject"]);
    for _ in 0..3 {
        stage.said(&["status"]);
    }
    stage.run(&["guide", "--answer", "Blue"]).ok();
    let done = watch.wait_for("completed");
    assert_eq!(done["commands"], json!(["git metawsm diff one"]));
    late.wait_for("completed");
    assert_eq!(watch.kinds(), ["one question", "one completed"]);
    assert_eq!(late.kinds(), ["one question", "one completed"]);
    // It goes on, and asks and completes once more.
    stage.run(&["iterate", "one", "--feedback", "Darker"]).ok();
    assert_ne!(watch.wait_for_several("question", 2)["subject"], asked["subject"]);
    stage.run(&["stop", "one"]).ok();
    assert_eq!((watch.end(Some(Signal::SIGINT)), late.end(Some(Signal::SIGTERM))), (130, 143));
    assert_eq!((watch.told(), late.told()), (String::new(), String::new()));
}

#[test]
fn people_read_lines() {
    let stage = Stage::with(WAITS);
    stage.agent("exit 3");
    stage.start("one", "Break it");
    stage.wait_for_end("one");
    let output = stage.run(&["watch", "--once"]).code(3);
    let time = regex::Regex::new(r"^\S+Z").expect("a pattern");
    insta::assert_snapshot!(time.replace(&stage.told(&output), "TIME"), @"
    TIME  one  unhealthy    break-it.agent ended with exit 3.
        git metawsm logs one:agent
    -- story
    1 run is open and needs somebody
    ");
    stage.agent(LEAVES);
    stage.start("two", "Leave it");
    stage.wait_for_end("two");
    let only = stage.run(&["watch", "--once", "--ticket", "leave-it"]).code(3);
    only.clone()
        .says("The agents ended, and 1 file is not committed.\n    git metawsm commit two\n")
        .lacks("one");
    stage.run(&["watch", "--once", "--kind", "question,failed", "-q"]).ok().lacks("exit");
    stage.run(&["discard", "one"]).ok();
    stage.run(&["discard", "two"]).ok();
    let none = stage.run(&["watch", "--once"]).ok();
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no run is open\n"));
    insta::assert_snapshot!(stage.refuses(&["watch", "--kind", "nothing"]), @"
    2 usage
    error: Invalid value 'nothing' for '--kind <KIND>': the kinds are question, waiting, escalated, failed, unhealthy, undelivered, stopped, half-done, unvalidated, completed, reverted, signal, bypass, gone, docs, journal, unreadable, lost, unknown.
    next:
      git metawsm watch -h
    ");
}

#[test]
fn the_exit_code_says_how_a_run_has_come_out() {
    let stage = Stage::with(ASKS);
    stage.start("one", "Do the work");
    let mut asked = watcher(&stage, &["one", "--exit"]);
    assert_eq!(asked.end(None), 3);
    assert!(asked.said().contains("question"), "{}", asked.said());
    stage.run(&["guide", "--answer", "Blue"]).ok();
    let mut done = watcher(&stage, &["--exit", "--json"]);
    assert_eq!(done.end(None), 0);
    assert_eq!(done.kinds(), ["one completed"]);
    // One that is not ended by itself is, by the end of the run.
    let mut closed = watcher(&stage, &["one"]);
    closed.wait_for_words("1 run is open");
    stage.run(&["close", "one"]).ok();
    assert_eq!(closed.end(None), 0);
    assert!(closed.told().ends_with("one is closed; the watch is over\n"), "{}", closed.told());
    stage.run(&["watch", "one", "--exit"]).ok();
    stage.agent(WAITS);
    stage.start("two", "Wait for me");
    let mut given_up = watcher(&stage, &["--exit", "two"]);
    given_up.wait_for_words("1 run is open");
    stage.run(&["discard", "two"]).ok();
    assert_eq!(given_up.end(None), 1);
    let refusal = stage.refuses(&["watch", "--exit"]);
    assert!(refusal.starts_with("1 failed\nerror: No run is open here."), "{refusal}");
    stage.run(&["watch", "--exit", "--all"]).code(2);
}

#[test]
fn a_run_whose_records_are_gone_is_told_of() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you\n");
    let (mut all, mut one) = (watcher(&stage, &["--json"]), watcher(&stage, &["one", "--exit", "--json"]));
    stage.run(&["stop", "one"]).ok();
    all.wait_for("stopped");
    assert_eq!(one.end(None), 3, "it was stopped");
    let mut one = watcher(&stage, &["one", "--json"]);
    one.wait_for("stopped");
    std::fs::remove_dir_all(stage.repo.common_dir().join("metawsm/runs/one")).expect("it was there");
    assert_eq!(all.wait_for("lost")["commands"], json!(["git metawsm list --all"]));
    assert_eq!(one.end(None), 1);
    assert_eq!(one.kinds(), ["one stopped", "one lost"]);
    assert_eq!(all.end(Some(Signal::SIGINT)), 130);
}

#[test]
fn a_program_is_told_without_a_shell_and_one_that_fails_is_named_once() {
    let stage = Stage::with("exit 3");
    let log = stage.world.root().join("told");
    stage.world.script(
        "tell-me",
        &format!(
            "printf '%s|' \"$#\" \"$1\" \"$METAWSM_EVENT\" \"$METAWSM_RUN_ID\" \"$METAWSM_RUN_STATUS\" \\\n\
             \"$METAWSM_TICKETS\" \"$METAWSM_COMMAND\" >> {0}\nprintf '%s\\n' \"$METAWSM_MESSAGE\" >> {0}",
            log.display()
        ),
    );
    stage.start("one", "Break it");
    stage.wait_for_end("one");
    stage.run(&["watch", "--once", "--notify-cmd", r#"tell-me '$HOME; touch x' "a b""#]).code(3);
    assert_eq!(
        std::fs::read_to_string(&log).expect("it was told"),
        "2|$HOME; touch x|agent_unhealthy|one|running|break-it|git metawsm logs one:agent|\
         break-it.agent ended with exit 3\n"
    );
    assert!(!stage.repo.path().join("x").exists());
    stage.world.script("fails", "echo 'no display' >&2\nexit 4");
    let mut watch = watcher(&stage, &["--notify-cmd", "fails"]);
    watch.wait_for_words("no display");
    stage.agent(LEAVES);
    stage.start("two", "Leave it");
    wait_until("the stream goes on", PATIENCE, || watch.said().contains("1 file is not committed"));
    watch.end(Some(Signal::SIGINT));
    assert_eq!(watch.told().matches("notify: ").count(), 1, "{}", watch.told());
    for (words, said) in [
        ("no-such-program", "1 failed\nerror: The program to notify with, 'no-such-program', is not found."),
        ("'open", "2 usage\nerror: ''open' is no command: a quote is not closed."),
        (" ", "2 usage\nerror: The command to notify with is empty."),
    ] {
        let refusal = stage.refuses(&["watch", "--notify-cmd", words]);
        assert!(refusal.starts_with(said), "{refusal}");
    }
    // What hangs is ended with the watch.
    stage.world.script("hangs", "echo begun >> \"$HOME/hangs\"\nexec sleep 600");
    let mut watch = watcher(&stage, &["--notify-cmd", "hangs"]);
    wait_until("it hangs", PATIENCE, || stage.world.home().join("hangs").exists());
    assert_eq!(watch.end(Some(Signal::SIGINT)), 130);
}

#[test]
fn below_an_agent_it_only_looks() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    let asks = stage.tree("one").parent().expect("a workspace").join(".metawsm/guidance-request.json");
    stage.run(&["stop", "one"]).ok();
    std::fs::write(&asks, r#"{"question": "Red or blue?"}"#).expect("a file");
    let before = stage.world.snapshot();
    let as_agent = |words: &[&str]| -> Run { stage.run(words).env("METAWSM_AGENT", "agent") };
    as_agent(&["watch", "--once"]).code(3).says("Red or blue?");
    before.assert_same(&stage.world.snapshot());
    let refused = as_agent(&["watch", "--once", "--notify-cmd", "true"]).code(3);
    refused.tells("'watch' is for people; the agent 'agent' cannot do it.");
}

#[test]
fn all_control_repositories_of_a_user_are_watched() {
    let stage = Stage::with(WAITS);
    let web = stage.world.repo("web");
    stage.start("one", "Wait here");
    stage.world.run(["run", "Wait there", "--run-id", "two"]).at(&web).ok();
    let mut all = watcher(&stage, &["-A", "--json"]);
    let mut here = watcher(&stage, &["--json"]);
    stage.world.run(["stop", "two"]).at(&web).ok();
    assert_eq!(all.wait_for("stopped")["run"], "two");
    stage.run(&["stop", "one"]).ok();
    here.wait_for("stopped");
    all.wait_for_several("stopped", 2);
    assert_eq!(
        (here.kinds(), all.kinds()),
        (vec!["one stopped".into()], vec!["two stopped".into(), "one stopped".into()])
    );
    // A run may be found again by its repository.
    assert_eq!(all.alerts()[0]["root"].as_str().map(Path::new), Some(web.path()));
    all.end(Some(Signal::SIGINT));
    here.end(Some(Signal::SIGINT));
}

#[test]
fn what_time_alone_brings_is_told_too() {
    let limits = json!({ "health": { "progress_stalled_seconds": 3, "activity_stalled_seconds": 3600 } });
    let (world, repo) = by_policy("exec sleep 600", "process", &limits);
    world.run(["run", "Wait for me", "--run-id", "one"]).at(&repo).ok();
    let mut watch = Watcher::start(&world, repo.path(), &["--exit", "--json"]);
    assert_eq!(watch.end(None), 3);
    let alerts = watch.alerts();
    let what = alerts[0]["what"].as_str().expect("a sentence");
    assert!(what.starts_with("wait-for-me.coder seems to be stalled"), "{what}");
}

#[test]
fn a_terminal_server_that_is_killed_takes_agents_with_it_and_that_is_told() {
    if crate::kit::find("tmux").is_none() {
        return;
    }
    let (world, repo) = by_policy("exec sleep 600", "tmux", &json!({}));
    world.run(["run", "Wait for me", "--run-id", "one"]).at(&repo).ok();
    let mut watch = Watcher::start(&world, repo.path(), &["one", "--json"]);
    world.tmux(["kill-server"]).ok();
    let dead = watch.wait_for("unhealthy");
    assert_eq!(dead["subject"], "wait-for-me.coder");
    assert!(dead["commands"][0].as_str().is_some_and(|c| c.starts_with("git metawsm ")), "{dead}");
    watch.end(Some(Signal::SIGINT));
}

#[test]
fn a_merge_half_done_and_a_signal_that_cannot_be_taken_are_told() {
    let (stage, _web, run) = crate::story_merge::half_merged("merge");
    let output = stage.do_(["watch", "--once", "--json"]).code(3);
    let alerts: Vec<_> = output.json_lines().iter().map(|line| line["alert"].clone()).collect();
    let half = alerts.iter().find(|alert| alert["kind"] == "half-done").expect("it is told");
    let ways = half["commands"].as_array().expect("a list");
    assert_eq!(ways.len(), 2, "both ways are named: {half}");
    assert!(ways[0].as_str().is_some_and(|way| way.contains("merge --continue")), "{half}");
    assert_eq!(stage.do_(["watch", "--exit", id(&run)]).output().status, Some(3), "not done yet");
    stage.do_(["merge", "--abort", id(&run)]).ok();
    stage.do_(["watch", "--exit", id(&run)]).ok();
    let odd = crate::stage::workspace(&run, 0).join(".metawsm/guidance-request.json");
    std::fs::write(&odd, "no JSON").expect("a file");
    let told = stage.do_(["watch", "--once"]).code(3).stdout;
    holds(&told, &["  signal       The signal ", "    cat -v -- "]);
}

#[test]
fn threads_that_wait_and_records_that_cannot_be_read_are_told() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    let mut watch = watcher(&stage, &["--json"]);
    let ask = |about: &[&str]| {
        let asked =
            stage.json(&[&["forum", "ask", "--priority", "urgent", "--body", "Now?"], about].concat());
        asked["thread"]["id"].as_str().expect("an id").to_owned()
    };
    let thread = ask(&["--run-id", "one"]);
    let told = watch.wait_for("escalated");
    assert_eq!((told["run"].as_str(), told["subject"].as_str()), (Some("one"), Some(thread.as_str())));
    assert_eq!(told["commands"], json!([format!("git metawsm forum thread {thread}")]));
    // Those about no run are counted.
    let others = [ask(&["--project"]), ask(&["--project"])];
    let told = watch.wait_for_several("escalated", 2);
    assert_eq!((&told["run"], &told["root"]), (&Value::Null, &Value::Null));
    wait_until("both are told of", PATIENCE, || {
        watch
            .alerts()
            .last()
            .is_some_and(|alert| alert["what"].as_str().is_some_and(|what| what.starts_with("2 ")))
    });
    for thread in &others {
        stage.run(&["forum", "close", thread]).ok();
    }
    stage.run(&["stop", "one"]).ok();
    watch.wait_for("stopped");
    let record = stage.repo.common_dir().join("metawsm/runs/one/run.toml");
    std::fs::write(&record, "no TOML").expect("a file");
    let told = watch.wait_for("unreadable");
    assert!(told["what"].as_str().is_some_and(|what| what.contains("run.toml")), "{told}");
    assert_eq!(watch.kinds().iter().filter(|kind| kind.ends_with("lost")).count(), 0, "it is there still");
    watch.end(Some(Signal::SIGINT));
}

#[test]
fn hostile_words_reach_no_terminal_and_fit_on_it() {
    let stage = Stage::with("exit 3");
    let title = format!("Make \u{1b}[31mred\u{202e} {}", "漢字 ".repeat(3000));
    stage.run(&["run", &title, "--run-id", "one"]).ok();
    stage.wait_for_end("one");
    for words in [&["watch", "--once"][..], &["watch", "--once", "--json"]] {
        plain(&stage.run(words).code(3));
    }
    let line = format!("{BINARY} watch --once; echo code $?; exec sleep 600");
    let dir = stage.repo.path().display().to_string();
    stage
        .world
        .tmux(["new-session", "-d", "-x", "80", "-y", "24", "-s", "w", "-c", &dir, "sh", "-c", &line])
        .ok();
    let shown = wait_for("the watch has ended on a terminal", PATIENCE, || {
        let shown = stage.world.tmux(["capture-pane", "-p", "-t", "=w:"]).stdout;
        shown.contains("code 3").then_some(shown)
    });
    let lines: Vec<_> = shown.lines().skip(1).take_while(|line| !line.starts_with("code 3")).collect();
    assert!(
        lines.len() < 12 && lines[0].contains("unhealthy") && lines[0].contains("Make \\x1b[31m"),
        "{shown}"
    );
    assert!(lines.contains(&"    git metawsm logs one:agent"), "{shown}");
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let stage = Stage::with(WORKS);
    stage.start("one", "Do the work");
    let mut command = stage.world.command(BINARY);
    command.args(["watch", "-q"]).current_dir(stage.repo.path()).stdin(Stdio::null());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().expect("it ends");
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()),
        (Some(0), String::new())
    );
}
