//! A command of somebody else's whose answer is read: no more of it than we are willing to hold.

use super::process::{Cmd, Exit, Output};
use super::{SysError, SysResult, procs};
use std::io::Read;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;

impl Cmd {
    /// Runs the command to its end with an empty standard input, whatever its exit status. Each of its outputs may have
    /// `cap` bytes at most: one that prints more is ended with all it started, which is an error, as is one that is not
    /// done within its limit.
    pub fn output_capped(&self, cap: u64) -> SysResult<Output> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| self.start_error(e))?;
        let (sender, receiver) = mpsc::channel();
        read_capped(child.stdout.take(), cap, 0, sender.clone());
        read_capped(child.stderr.take(), cap, 1, sender);
        let deadline = Instant::now() + self.time_limit();
        let mut texts = [Vec::new(), Vec::new()];
        let mut wrong = None;
        for _ in 0..texts.len() {
            match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((_, None)) => wrong = Some(self.too_much(cap)),
                Ok((at, Some(bytes))) => texts[at] = bytes,
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = self.time_limit().as_secs();
                    wrong = Some(SysError::TimedOut { command: self.display(), seconds });
                }
                Err(RecvTimeoutError::Disconnected) => {}
            }
            if wrong.is_some() {
                break;
            }
        }
        if let Some(wrong) = wrong {
            procs::kill_group(i32::try_from(child.id()).unwrap_or(0));
            let _ = child.wait();
            return Err(wrong);
        }
        let status = child.wait().map_err(|e| self.start_error(e))?;
        let [stdout, stderr] = texts;
        Ok(Output { exit: Exit::of(status), stdout, stderr })
    }

    fn too_much(&self, cap: u64) -> SysError {
        SysError::Other(format!("'{}' printed more than {cap} bytes and was ended", self.display()))
    }
}

/// What a reader of one of the two outputs says: which one, and its bytes, or that there are too many.
type Said = (usize, Option<Vec<u8>>);

fn read_capped<R: Read + Send + 'static>(pipe: Option<R>, cap: u64, at: usize, done: mpsc::Sender<Said>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(cap + 1).read_to_end(&mut bytes);
        }
        let fits = bytes.len() as u64 <= cap;
        let _ = done.send((at, fits.then_some(bytes)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sh(script: &str) -> Cmd {
        Cmd::new("sh").args(["-c", script])
    }

    #[test]
    fn both_outputs_and_the_exit_are_told_apart() {
        let output = sh("echo out; echo err >&2; exit 3").output_capped(100).expect("sh runs");
        assert_eq!((output.exit, output.text().as_str()), (Exit::Code(3), "out"));
        assert_eq!(output.stderr, b"err\n");
    }

    #[test]
    fn who_prints_without_end_is_ended_and_no_more_than_the_cap_is_held() {
        for script in ["exec cat /dev/zero", "exec cat /dev/zero >&2"] {
            let error = sh(script).output_capped(1 << 20).expect_err("too much");
            assert!(error.to_string().ends_with("printed more than 1048576 bytes and was ended"), "{error}");
        }
    }

    #[test]
    fn who_does_not_end_is_ended() {
        let cmd = sh("echo a; exec sleep 600").limit(Duration::from_millis(100));
        assert!(matches!(cmd.output_capped(100), Err(SysError::TimedOut { .. })));
    }
}
