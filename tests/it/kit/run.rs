//! Runs of the binary, and what they leave.

use super::{schema, wait_until};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_git-metawsm");

/// How long a command of a test may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A run of the binary that has not begun.
#[must_use]
pub struct Run {
    args: Vec<OsString>,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    limit: Duration,
}

/// What a process left.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// Its exit status, `None` when a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    pub(super) fn new(args: Vec<OsString>, dir: PathBuf, env: Vec<(&'static str, OsString)>) -> Self {
        let env = env.into_iter().map(|(k, v)| (k.into(), v)).collect();
        Self { args, dir, env, stdin: Vec::new(), limit: LIMIT }
    }

    /// In this directory or repository.
    pub fn at(mut self, dir: impl AsRef<Path>) -> Self {
        dir.as_ref().clone_into(&mut self.dir);
        self
    }

    /// With this variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// With this standard input; otherwise it is empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// With this time limit instead of two minutes.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn line(&self) -> String {
        let words: Vec<_> = self.args.iter().map(|a| a.to_string_lossy()).collect();
        format!("git-metawsm {}", words.join(" "))
    }

    /// Runs it, whatever comes of it; over its time limit it is killed and the test fails. An answer in JSON must be what
    /// its published schema says.
    #[track_caller]
    pub fn output(self) -> Output {
        let words: Vec<_> = self.args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let output = self.unchecked();
        schema::require_valid(&words, &output.stdout);
        output
    }

    /// As [`Run::output`]; nobody asks whether an answer in JSON is what its schema says.
    #[track_caller]
    pub fn unchecked(self) -> Output {
        let line = self.line();
        let mut command = assert_cmd::Command::new(BINARY);
        command.args(&self.args).current_dir(&self.dir).env_clear().envs(self.env);
        let output = command.write_stdin(self.stdin).timeout(self.limit).output();
        let output = output.unwrap_or_else(|e| panic!("`{line}` did not run to its end: {e}"));
        Output::from_process(line, &output)
    }

    /// Runs it and requires exit 0.
    #[track_caller]
    pub fn ok(self) -> Output {
        self.output().ok()
    }

    /// Runs it and requires this exit status.
    #[track_caller]
    pub fn code(self, status: i32) -> Output {
        self.output().code(status)
    }

    /// Starts it and goes on; its output is kept for [`Running::end`].
    #[track_caller]
    pub fn start(self) -> Running {
        let line = self.line();
        let mut command = Command::new(BINARY);
        command.args(&self.args).current_dir(&self.dir).env_clear().envs(self.env);
        Running::start(command, line, self.limit)
    }
}

impl Output {
    /// Runs a command to its end; `name` stands in the message when it cannot start.
    #[track_caller]
    pub fn of(command: &mut Command, name: &str) -> Self {
        let output = ended(command.stdin(Stdio::null())).unwrap_or_else(|e| panic!("{name}: {e}"));
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        Self::from_process(format!("{name} {}", words.join(" ")), &output)
    }

    fn from_process(command: String, output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            command,
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Requires exit 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// Requires this exit status.
    #[track_caller]
    pub fn code(self, status: i32) -> Self {
        assert!(self.status == Some(status), "expected exit {status} of {self}");
        self
    }

    /// Requires this text on standard output.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "expected {text:?} on the standard output of {self}");
        self
    }

    /// Requires this text on standard error.
    #[track_caller]
    pub fn tells(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "expected {text:?} on the standard error of {self}");
        self
    }

    /// Requires that this text stands on neither stream.
    #[track_caller]
    pub fn lacks(self, text: &str) -> Self {
        let both = [&self.stdout, &self.stderr];
        assert!(!both.iter().any(|s| s.contains(text)), "did not expect {text:?} from {self}");
        self
    }

    /// Standard output as the one JSON object it must be.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let value = serde_json::from_str(&self.stdout);
        value.unwrap_or_else(|e| panic!("expected one JSON value ({e}) on the standard output of {self}"))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("no JSON line ({e}): {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.status.map_or_else(|| "a signal".to_owned(), |s| format!("exit {s}"));
        write!(f, "`{}`: {status}\n-- stdout\n{}\n-- stderr\n{}", self.command, self.stdout, self.stderr)
    }
}

/// A process in the background; killed when dropped.
pub struct Running {
    child: Child,
    command: String,
    limit: Duration,
    readers: Vec<std::thread::JoinHandle<Vec<u8>>>,
}

impl Running {
    fn start(mut command: Command, line: String, limit: Duration) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("`{line}` did not start: {e}"));
        let readers = vec![reader(child.stdout.take()), reader(child.stderr.take())];
        Self { child, command: line, limit, readers }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("a process of ours can be killed");
        self.child.wait().expect("a process of ours can be waited for");
    }

    /// Waits for its end, within its limit.
    #[track_caller]
    pub fn end(mut self) -> Output {
        let mut status = None;
        wait_until(&self.command, self.limit, || {
            status = self.child.try_wait().expect("a process of ours can be waited for");
            status.is_some()
        });
        let mut texts = self.readers.drain(..).map(|r| r.join().unwrap_or_default());
        let mut text = || String::from_utf8_lossy(&texts.next().unwrap_or_default()).into_owned();
        let (stdout, stderr) = (text(), text());
        let words: Vec<_> = self.command.split(' ').map(str::to_owned).collect();
        schema::require_valid(&words, &stdout);
        Output { command: self.command.clone(), status: status.and_then(|s| s.code()), stdout, stderr }
    }
}

fn reader<R: std::io::Read + Send + 'static>(pipe: Option<R>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end. A program that was copied just now is busy while a child of another test, forked in the
/// same moment and not begun yet, still holds the file that was open for writing.
fn ended(command: &mut Command) -> std::io::Result<std::process::Output> {
    let began = Instant::now();
    loop {
        match command.output() {
            Err(e) if e.kind() == ErrorKind::ExecutableFileBusy && began.elapsed() < LIMIT => {
                std::thread::yield_now();
            }
            done => return done,
        }
    }
}
