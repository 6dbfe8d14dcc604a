//! `status --watch`: on a real terminal, through pipes, and doing nothing while nothing happens.

use crate::cmd::stage::{Stage, WAITS};
use crate::kit::{BINARY, require, wait_until};
use serde_json::Value;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// A terminal of a tmux server of its own, so that the one of the agents may end.
struct Window<'a> {
    stage: &'a Stage,
}

impl<'a> Window<'a> {
    /// Opens a terminal of this size; the watch with these words runs below a shell.
    fn open(stage: &'a Stage, (width, height): (u16, u16), words: &str) -> Self {
        let window = Self { stage };
        let dir = stage.repo.path().display();
        let line = format!(
            "trap : INT; cd '{dir}'; echo before; '{BINARY}' status --watch {words}; echo \"ended $?\"; exec cat"
        );
        let (width, height) = (width.to_string(), height.to_string());
        window.tmux(&["new-session", "-d", "-s", "watch", "-x", &width, "-y", &height, &line]);
        window
    }

    fn tmux(&self, words: &[&str]) -> String {
        let all = [&["-L", "window", "-f", "/dev/null"], words].concat();
        self.stage.world.tmux(all).ok().stdout
    }

    fn shown(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "watch"])
    }

    #[track_caller]
    fn wait_for(&self, words: &str) -> String {
        wait_until(&format!("{words:?} is shown, not {}", self.shown()), SOON, || {
            self.shown().contains(words)
        });
        self.shown()
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let _ = self.stage.world.tmux(["-L", "window", "kill-server"]);
    }
}

fn ask(stage: &Stage, id: &str, question: &str) {
    let root = stage.tree(id).parent().expect("a workspace").join(".metawsm");
    let text = serde_json::json!({ "question": question }).to_string();
    std::fs::write(root.join("guidance-request.json"), text).expect("a question");
}

#[test]
fn a_terminal_is_drawn_anew_for_a_question_and_a_resize_and_given_back() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you\n");
    let window = Window::open(&stage, (80, 24), "");
    let first = window.wait_for("Ctrl-C ends");
    assert!(first.contains("1 run\n  one  running") && !first.contains("before"), "{first}");
    ask(&stage, "one", "Left or right, at the very end of a line that is to be wrapped where it is narrow?");
    let asked = window.wait_for("has asked");
    assert!(asked.starts_with("needs you\n  one  wait-for-me  Wait for me\n"), "{asked}");
    assert!(asked.contains("git metawsm guide one --answer '<the answer>'"), "{asked}");
    window.tmux(&["resize-window", "-t", "watch", "-x", "20", "-y", "5"]);
    let small = window.wait_for("more lines");
    assert_eq!(small.lines().count(), 5, "{small}");
    assert!(small.starts_with("needs you\n"), "{small}");
    window.tmux(&["resize-window", "-t", "watch", "-x", "100", "-y", "30"]);
    window.wait_for("awaiting_guidance");
    window.tmux(&["send-keys", "-t", "watch", "C-c"]);
    let after = window.wait_for("ended 0");
    assert!(after.starts_with("before\n"), "the terminal is as it was: {after}");
    let cursor = window.tmux(&["display-message", "-p", "-t", "watch", "#{cursor_flag} #{alternate_on}"]);
    assert_eq!(cursor, "1 0\n");
}

#[test]
fn a_run_that_goes_while_it_is_shown_is_shown_as_it_is() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you\n");
    let window = Window::open(&stage, (80, 24), "one --git");
    window.wait_for("one  running");
    stage.run(&["discard", "one"]).ok();
    window.wait_for("one  discarded");
    let metawsm = stage.repo.common_dir().join("metawsm");
    std::fs::remove_dir_all(metawsm.join("closed/one")).expect("the record goes");
    stage.start("two", "Make something happen");
    let gone = window.wait_for("'one'");
    assert!(!gone.contains("discarded"), "{gone}");
}

/// A watch that writes into a file.
struct Pipe {
    file: PathBuf,
    child: Child,
}

impl Pipe {
    fn open(stage: &Stage, words: &[&str]) -> Self {
        let file = stage.world.root().join("watched");
        let mut watch = stage.world.command(BINARY);
        watch.args(["status", "--watch"]).args(words).current_dir(stage.repo.path());
        watch.stdin(Stdio::null()).stdout(File::create(&file).expect("a file"));
        Self { child: watch.spawn().expect("it starts"), file }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).expect("what was written")
    }

    fn runs(&self) -> Vec<Value> {
        let text = self.text();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    #[track_caller]
    fn wait_for(&self, what: &str, is_there: impl Fn(&Value) -> bool) {
        wait_until(what, SOON, || self.runs().last().is_some_and(|last| is_there(&last["runs"])));
    }

    fn end(mut self, stage: &Stage) {
        stage
            .world
            .command("kill")
            .arg(self.child.id().to_string())
            .status()
            .expect("it can be asked to end");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn programs_get_a_line_for_each_change_and_none_for_a_look() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you\n");
    let pipe = Pipe::open(&stage, &["--json"]);
    pipe.wait_for("the first line", |runs| runs[0]["state"] == "running");
    ask(&stage, "one", "Which way?");
    pipe.wait_for("the question", |runs| runs[0]["needs"][0]["kind"] == "question");
    let before = pipe.runs().len();
    for look in [&["status"][..], &["status", "--git"], &["list"], &["status", "one", "--json"]] {
        stage.run(look).ok();
    }
    stage.run(&["guide", "one", "--answer", "left", "--no-restart"]).ok();
    pipe.wait_for("the answer", |runs| runs[0]["needs"] == serde_json::json!([]));
    let lines = pipe.runs();
    assert!(lines.len() - before <= 3, "one line for each change: {lines:#?}");
    stage.run(&["stop", "one"]).ok();
    pipe.wait_for("the stop", |runs| runs[0]["state"] == "stopped");
    pipe.end(&stage);
}

#[test]
fn in_a_file_each_page_follows_behind_the_time() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you\n");
    let pipe = Pipe::open(&stage, &[]);
    wait_until("the first page", SOON, || pipe.text().contains("one  running"));
    stage.run(&["stop", "one"]).ok();
    wait_until("the next page", SOON, || pipe.text().contains("one  stopped"));
    let text = stage.masked(&pipe.text());
    assert!(text.starts_with("-- TIME\n") && text.matches("-- TIME\n").count() >= 2, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    pipe.end(&stage);
}

#[test]
fn sessions_that_die_with_their_tmux_server_are_shown_as_ended() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(WAITS);
    std::fs::write(stage.world.home().join(".gitconfig"), "").expect("the usual backend");
    stage.start("one", "Wait for me");
    stage.wait_for_words("one", "waiting for you");
    let pipe = Pipe::open(&stage, &["--json"]);
    pipe.wait_for("the session", |runs| runs[0]["agents"][0]["health"] == "working");
    stage.world.tmux(["kill-server"]).ok();
    pipe.wait_for("its end", |runs| {
        runs[0]["agents"][0]["health"] != "working" && runs[0]["needs"][0]["command"].is_string()
    });
    pipe.end(&stage);
}

#[test]
fn who_reads_no_more_ends_the_watch() {
    let stage = Stage::with(WAITS);
    let mut watch = stage.world.command(BINARY);
    watch.args(["status", "--watch"]).current_dir(stage.repo.path()).stdin(Stdio::null());
    let mut child = watch.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut first = [0; 3];
    let mut pipe = child.stdout.take().expect("a pipe");
    std::io::Read::read_exact(&mut pipe, &mut first).expect("the first page");
    drop(pipe);
    // Nothing happens: it ends all the same.
    wait_until("the watch ends", SOON, || child.try_wait().expect("ours").is_some());
    assert_eq!(child.wait().expect("it has ended").code(), Some(0));
}
