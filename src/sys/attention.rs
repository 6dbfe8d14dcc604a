//! What a program that shows a screen waits for: keys on its terminal, and signals.

use super::{SysError, SysResult};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// There is something to read on standard input.
    Keys,
    /// Somebody nudged.
    Nudged,
    /// Nothing, for as long as was asked.
    Nothing,
    /// The terminal is gone.
    Gone,
}

/// Waits for keys, without taking them.
#[derive(Debug)]
pub struct Typing {
    nudged: UnixStream,
}

/// Ends a wait of [`Typing`] from another thread.
#[derive(Debug)]
pub struct Nudge {
    nudge: UnixStream,
}

/// A wait for keys, and what ends it.
pub fn typing() -> SysResult<(Typing, Nudge)> {
    let failed = |e: std::io::Error| SysError::Other(format!("No pipe could be made: {e}"));
    let (nudged, nudge) = UnixStream::pair().map_err(failed)?;
    nudged.set_nonblocking(true).map_err(failed)?;
    Ok((Typing { nudged }, Nudge { nudge }))
}

impl Typing {
    /// Waits without waking up in between, at most `limit`. A nudge comes before keys.
    pub fn wait(&mut self, limit: Option<Duration>) -> Typed {
        let limit =
            limit.map_or(PollTimeout::NONE, |limit| PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX));
        let stdin = std::io::stdin();
        loop {
            let mut asked = [
                PollFd::new(self.nudged.as_fd(), PollFlags::POLLIN),
                PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut asked, limit) {
                Err(nix::errno::Errno::EINTR) => continue,
                Err(_) => return Typed::Gone,
                Ok(0) => return Typed::Nothing,
                Ok(_) => {}
            }
            let came = asked.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
            if !came[0].is_empty() {
                let _ = self.nudged.read(&mut [0; 16]);
                return Typed::Nudged;
            }
            // A terminal that hangs up may still hold what was typed before; nobody reads the answer.
            if came[1].intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
                return Typed::Gone;
            }
            if came[1].contains(PollFlags::POLLIN) {
                return Typed::Keys;
            }
        }
    }
}

/// What can be read on standard input now, past every buffer: whoever reads it next finds nothing taken away. Empty at
/// its end.
pub fn read_typed() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    loop {
        match nix::unistd::read(std::io::stdin(), &mut bytes) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return Vec::new(),
            Ok(length) => {
                bytes.truncate(length);
                return bytes;
            }
        }
    }
}

impl Nudge {
    /// Ends the present or the next wait.
    pub fn nudge(&self) {
        let _ = (&self.nudge).write_all(&[1]);
    }
}

/// A signal, as a program with a screen sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalled {
    /// The terminal has another size.
    Resized,
    /// Somebody wants us to end, by this signal.
    End(i32),
}

/// Hands out SIGINT, SIGTERM, SIGHUP and SIGWINCH from now on, on a thread of its own, until `take` returns `false`.
pub fn each_signal(mut take: impl FnMut(Signalled) -> bool + Send + 'static) -> SysResult<()> {
    let taken = |e: std::io::Error| SysError::Other(format!("Signals could not be taken: {e}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH]).map_err(taken)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let what = if signal == SIGWINCH { Signalled::Resized } else { Signalled::End(signal) };
            if !take(what) {
                return;
            }
        }
    });
    Ok(())
}
