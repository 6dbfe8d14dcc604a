//! A long command of somebody else's, with its output in a file: ended with all it started when its time is over or
//! somebody asks for it.

use super::process::Cmd;
use super::{Exit, SysError, SysResult, procs};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often is looked whether somebody wants an end.
const LOOK: Duration = Duration::from_millis(50);

/// How a logged command came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Ended(Exit),
    /// Its time limit was over.
    TimedOut,
    /// `stop` said so.
    Stopped,
}

impl Cmd {
    /// Runs the command with an empty standard input and both outputs into a file. It has a process group of its own,
    /// and whatever is left of that group when the command ends is ended too: nobody looks after it any more.
    pub fn run_into(&self, output: File, stop: &dyn Fn() -> bool) -> SysResult<Ending> {
        let failed = |e: std::io::Error| self.start_error(e);
        let errors = output.try_clone().map_err(failed)?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let pid = i32::try_from(child.id()).unwrap_or(0);
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Only waited for, not taken: until it is, no other process can have its number.
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(Pid::from_raw(pid)), flags) == Err(nix::errno::Errno::EINTR) {}
            let _ = sender.send(());
        });
        let deadline = Instant::now() + self.time_limit();
        let ending = loop {
            match receiver.recv_timeout(LOOK) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) if stop() => break Some(Ending::Stopped),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= deadline => break Some(Ending::TimedOut),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        procs::kill_group(pid);
        let status = child.wait().map_err(|e| SysError::Other(format!("{}: {e}", self.display())))?;
        Ok(ending.unwrap_or_else(|| Ending::Ended(Exit::of(status))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn run(script: &str, limit: Duration, stop: &dyn Fn() -> bool) -> (Ending, String) {
        let dir = tempfile::tempdir().expect("temp");
        let log = dir.path().join("log");
        let cmd = Cmd::new("sh").args(["-c", script]).limit(limit);
        let ending = cmd.run_into(File::create(&log).expect("a file"), stop).expect("sh runs");
        (ending, std::fs::read_to_string(log).expect("the log"))
    }

    #[test]
    fn both_outputs_are_kept_in_order_with_the_exit() {
        let said = run("echo out; echo err >&2; exit 3", Duration::from_secs(60), &|| false);
        assert_eq!(said, (Ending::Ended(Exit::Code(3)), "out\nerr\n".to_owned()));
    }

    #[test]
    fn a_command_over_its_limit_is_ended() {
        let (ending, _) = run("exec sleep 600", Duration::from_millis(100), &|| false);
        assert_eq!(ending, Ending::TimedOut);
    }

    #[test]
    fn somebody_may_end_it_with_all_it_started() {
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > 2
        };
        let (ending, said) = run("sleep 600 & echo $!; wait", Duration::from_secs(600), &stop);
        assert_eq!(ending, Ending::Stopped);
        let left: i32 = said.trim().parse().expect("a pid");
        let gone = || procs::command_line(left).is_none_or(|line| !line.contains("sleep"));
        let deadline = Instant::now() + Duration::from_secs(60);
        while !gone() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(gone(), "{left} is left");
    }
}
