//! The one process runner: argument vectors, no shell, a time limit, captured output.

use super::{SysError, SysResult};
use crate::model::Child as ProcessRef;
pub use crate::model::quoted;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A child process to be started: program, arguments, place, environment, time limit.
#[derive(Debug, Clone)]
pub struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    cwd: Option<PathBuf>,
    envs: Vec<(OsString, OsString)>,
    removed: Vec<OsString>,
    clear: bool,
    stdin: Vec<u8>,
    limit: Duration,
    leads: bool,
    kept: Option<usize>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// Whether the status is 0.
    pub fn is_ok(self) -> bool {
        self == Self::Code(0)
    }

    /// The status, `None` for a signal.
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Code(code) => Some(code),
            Self::Signal(_) => None,
        }
    }

    /// From what the standard library knows.
    pub fn of(status: ExitStatus) -> Self {
        status.signal().map_or_else(|| Self::Code(status.code().unwrap_or(-1)), Self::Signal)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// What a process left.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, invalid UTF-8 replaced, without the final newline.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }
}

impl Cmd {
    /// A command without arguments, with a limit of two minutes and an empty standard input.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            cwd: None,
            envs: Vec::new(),
            removed: Vec::new(),
            clear: false,
            stdin: Vec::new(),
            limit: Duration::from_secs(120),
            leads: false,
            kept: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, dir: &Path) -> Self {
        self.cwd = Some(dir.to_owned());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Removes inherited variables.
    #[must_use]
    pub fn without_env<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, names: I) -> Self {
        self.removed.extend(names.into_iter().map(|n| n.as_ref().to_owned()));
        self
    }

    /// Removes every variable that points git at a repository or configures it from outside, and every one of
    /// our own (`METAWSM_*`); what is set by [`Cmd::env`] stays. `GIT_EXEC_PATH` goes with them: git sets it for
    /// us, and in a session it would outlive that git.
    #[must_use]
    pub fn without_outside(self) -> Self {
        let foreign = |name: &OsString| {
            let name = name.to_string_lossy();
            let starts = ["METAWSM_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"];
            starts.iter().any(|s| name.starts_with(s))
                || super::env::GIT_LOCAL.contains(&&*name)
                || name == "GIT_EXEC_PATH"
        };
        let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).filter(foreign).collect();
        self.without_env(names)
    }

    /// Marks the child as part of what we hold locks for: should we be killed, our locks count as held until it has
    /// ended (see [`super::lock`]). For children that are run to their end.
    #[must_use]
    pub fn awaited(self) -> Self {
        self.env(super::env::STARTER, super::procs::mark_of(super::procs::own()))
    }

    /// Starts from an empty environment.
    #[must_use]
    pub fn clear_env(mut self) -> Self {
        self.clear = true;
        self
    }

    /// Gives bytes on standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets the time limit.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// For a child that makes itself the leader of a session, and so of a process group; a group leader could not.
    #[must_use]
    pub fn leading(mut self) -> Self {
        self.leads = true;
        self
    }

    /// Keeps only about the last so many bytes of each stream: whatever a foreign program says, memory is bounded.
    #[must_use]
    pub fn keep_last(mut self, bytes: usize) -> Self {
        self.kept = Some(bytes);
        self
    }

    /// The command line for people: arguments joined by spaces, quoted where needed.
    pub fn display(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        let words: Vec<_> = words.map(|w| quoted(&w.to_string_lossy())).collect();
        words.join(" ")
    }

    /// How long it may take.
    pub(super) fn time_limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        if self.clear {
            command.env_clear();
        }
        for name in &self.removed {
            command.env_remove(name);
        }
        command.envs(self.envs.iter().map(|(k, v)| (k, v)));
        command
    }

    pub(super) fn start_error(&self, source: std::io::Error) -> SysError {
        SysError::Start { program: self.program.to_string_lossy().into_owned(), source }
    }

    /// Runs the command to its end and returns what it left, whatever its exit status.
    pub fn output(&self) -> SysResult<Output> {
        self.output_watched(&mut |_| {})
    }

    /// As [`Cmd::output`], telling the child's process once it has started.
    pub fn output_watched(&self, on_start: &mut dyn FnMut(ProcessRef)) -> SysResult<Output> {
        let mut command = self.command();
        command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C reaches us, and we decide; a time limit ends the whole group.
        if !self.leads {
            command.process_group(0);
        }
        let mut child = command.spawn().map_err(|e| self.start_error(e))?;
        on_start(super::procs::of_child(&child));
        self.feed(&mut child);
        let (sender, receiver) = mpsc::channel();
        let out = drain(child.stdout.take(), self.kept, sender.clone());
        let err = drain(child.stderr.take(), self.kept, sender);
        let deadline = Instant::now() + self.limit;
        for _ in 0..2 {
            let left = deadline.saturating_duration_since(Instant::now());
            if receiver.recv_timeout(left).is_err_and(|e| e == mpsc::RecvTimeoutError::Timeout) {
                super::procs::kill_group(i32::try_from(child.id()).unwrap_or(0));
                // Its own group has not begun where it was stopped on the way to leading one.
                let _ = child.kill();
                let _ = child.wait();
                return Err(SysError::TimedOut { command: self.display(), seconds: self.limit.as_secs() });
            }
        }
        let status = child.wait().map_err(|e| self.start_error(e))?;
        Ok(Output {
            exit: Exit::of(status),
            stdout: out.join().unwrap_or_default(),
            stderr: err.join().unwrap_or_default(),
        })
    }

    fn feed(&self, child: &mut Child) {
        if let Some(mut pipe) = child.stdin.take() {
            let bytes = self.stdin.clone();
            // A child that ends without reading its input is not an error of ours.
            std::thread::spawn(move || pipe.write_all(&bytes));
        }
    }

    /// Runs the command and requires exit 0.
    pub fn run(&self) -> SysResult<Output> {
        let output = self.output()?;
        self.require_ok(output)
    }

    /// As [`Cmd::run`], telling the child's process once it has started.
    pub fn run_watched(&self, on_start: &mut dyn FnMut(ProcessRef)) -> SysResult<Output> {
        let output = self.output_watched(on_start)?;
        self.require_ok(output)
    }

    /// Turns an exit other than 0 into an error that quotes the end of standard error.
    pub fn require_ok(&self, output: Output) -> SysResult<Output> {
        if output.exit.is_ok() {
            return Ok(output);
        }
        Err(SysError::Failed {
            command: self.display(),
            exit: output.exit,
            stderr: last_lines(&output.stderr),
        })
    }

    /// Runs the command on our own terminal (a pager, a tmux client) and returns how it ended.
    pub fn on_terminal(&self) -> SysResult<Exit> {
        let status = self.command().status().map_err(|e| self.start_error(e))?;
        Ok(Exit::of(status))
    }

    /// Runs the command on our own terminal with the bytes of [`Cmd::stdin`] as its input.
    pub fn feed_terminal(&self) -> SysResult<Exit> {
        let mut child = self.command().stdin(Stdio::piped()).spawn().map_err(|e| self.start_error(e))?;
        if let Some(mut pipe) = child.stdin.take() {
            let _ = pipe.write_all(&self.stdin);
        }
        let status = child.wait().map_err(|e| self.start_error(e))?;
        Ok(Exit::of(status))
    }

    /// Starts the command and leaves it: input and output are given files, a session of its own keeps it alive
    /// after us.
    pub fn start_detached(&self, output: std::fs::File) -> SysResult<ProcessRef> {
        let errors = output.try_clone().map_err(|e| self.start_error(e))?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        let child = command.spawn().map_err(|e| self.start_error(e))?;
        Ok(super::procs::of_child(&child))
    }

    /// As [`Cmd::start_detached`] for a child that makes itself the leader of a session; a group leader could not.
    /// Its end is taken note of, so that it never stays behind as a zombie of a long-lived process of ours.
    pub fn start_session(&self, output: std::fs::File) -> SysResult<ProcessRef> {
        let errors = output.try_clone().map_err(|e| self.start_error(e))?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let mut child = command.spawn().map_err(|e| self.start_error(e))?;
        let process = super::procs::of_child(&child);
        std::thread::spawn(move || child.wait());
        Ok(process)
    }

    /// Starts the command on our own standard streams, for the wrapper that waits for it.
    pub fn start_inherited(&self) -> SysResult<Child> {
        self.command().spawn().map_err(|e| self.start_error(e))
    }

    /// Becomes the command; returns only when that fails.
    pub fn exec(&self) -> SysError {
        let source = self.command().exec();
        self.start_error(source)
    }
}

fn drain<R: Read + Send + 'static>(
    pipe: Option<R>,
    kept: Option<usize>,
    done: mpsc::Sender<()>,
) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        match (pipe, kept) {
            (Some(mut pipe), None) => {
                let _ = pipe.read_to_end(&mut bytes);
            }
            (Some(pipe), Some(kept)) => bytes = last_of(pipe, kept),
            (None, _) => {}
        }
        let _ = done.send(());
        bytes
    })
}

/// Reads to the end and gives the last `kept` bytes.
fn last_of(mut pipe: impl Read, kept: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match pipe.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
        if bytes.len() > kept.saturating_mul(2) {
            bytes.drain(..bytes.len() - kept);
        }
    }
    bytes.drain(..bytes.len().saturating_sub(kept));
    bytes
}

fn last_lines(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<_> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_exit_are_told_apart() {
        let output = Cmd::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).output().expect("sh runs");
        assert_eq!((output.exit, output.text().as_str()), (Exit::Code(3), "out"));
        assert_eq!(output.stderr, b"err\n");
    }

    #[test]
    fn a_child_over_its_limit_is_ended_with_its_group() {
        let cmd = Cmd::new("sh").args(["-c", "sleep 60 & sleep 60"]).limit(Duration::from_millis(100));
        assert!(matches!(cmd.output(), Err(SysError::TimedOut { .. })));
    }

    #[test]
    fn only_the_end_of_a_long_output_is_kept() {
        let cmd =
            Cmd::new("sh").args(["-c", "i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done"]);
        let output = cmd.keep_last(100).output().expect("sh runs");
        assert!(output.stdout.len() == 100 && output.text().ends_with("line 8999"), "{}", output.text());
    }

    #[test]
    fn input_larger_than_a_pipe_reaches_the_child() {
        let bytes = vec![b'x'; 1 << 20];
        let output = Cmd::new("cat").stdin(bytes.clone()).output().expect("cat runs");
        assert_eq!(output.stdout, bytes);
    }
}
