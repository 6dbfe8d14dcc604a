//! What the keeper of a process tree needs: sessions, orphans, the foreground of a terminal, reaping, wake-ups.

use super::{Exit, SysError, SysResult};
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, setpgid, setsid, tcsetpgrp};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Makes us the leader of a session of our own, away from the terminal we were started on; nothing where we
/// lead one already.
pub fn lead_session() {
    let _ = setsid();
}

/// From now on (or no longer) our orphaned descendants become our children instead of init's, so that nothing
/// below us leaves our sight by forking twice.
pub fn adopt_orphans(on: bool) -> SysResult<()> {
    nix::sys::prctl::set_child_subreaper(on)
        .map_err(|e| SysError::Other(format!("Orphaned processes cannot be adopted: {e}")))
}

/// Puts us into a process group of our own.
pub fn lead_group() {
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
}

/// Makes our own process group the foreground group of the terminal on standard input; nothing without one.
pub fn take_terminal() {
    give_terminal(getpid().as_raw());
}

/// Makes a process group the foreground group of the terminal on standard input; nothing without one.
pub fn give_terminal(group: i32) {
    // Who is in the background and moves the foreground is stopped by SIGTTOU unless it blocks that signal.
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGTTOU);
    let before = blocked.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK);
    let _ = tcsetpgrp(std::io::stdin(), Pid::from_raw(group));
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
}

/// Lets a stopped process group go on.
pub fn resume_group(group: i32) {
    if group > 1 {
        let _ = kill(Pid::from_raw(-group), Signal::SIGCONT);
    }
}

/// Tells a process group that its terminal is gone; `false` where no such group exists (yet).
pub fn hang_up_group(group: i32) -> bool {
    group > 1 && kill(Pid::from_raw(-group), Signal::SIGHUP) != Err(Errno::ESRCH)
}

/// What became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It ended.
    Ended(Exit),
    /// Its terminal stopped it (Ctrl-Z, or reading from the background).
    Suspended,
}

/// Takes one change of any child, without waiting; `None` when there is none. Must not run beside code that
/// waits for children of its own.
pub fn reap() -> Option<(i32, Change)> {
    loop {
        let change = match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid.as_raw(), Change::Ended(Exit::Code(code))),
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                (pid.as_raw(), Change::Ended(Exit::Signal(signal as i32)))
            }
            Ok(WaitStatus::Stopped(pid, Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU)) => {
                (pid.as_raw(), Change::Suspended)
            }
            Ok(WaitStatus::StillAlive) => return None,
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(_) => return None,
        };
        return Some(change);
    }
}

/// Why a supervisor was woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// A child changed.
    Child,
    /// SIGTERM or SIGINT asked us to stop.
    Stop,
    /// The terminal is gone (SIGHUP).
    Hangup,
}

/// Calls `wake` on a thread of its own for each SIGCHLD, SIGTERM, SIGINT and SIGHUP from now on; none of them ends
/// us any more. What we start afterwards does not inherit that.
pub fn on_wake(wake: impl Fn(Wake) + Send + 'static) -> SysResult<()> {
    let mut signals = Signals::new([SIGCHLD, SIGTERM, SIGINT, SIGHUP])
        .map_err(|e| SysError::Other(format!("Signals could not be taken: {e}")))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGCHLD => wake(Wake::Child),
                SIGTERM | SIGINT => wake(Wake::Stop),
                _ => wake(Wake::Hangup),
            }
        }
    });
    Ok(())
}
