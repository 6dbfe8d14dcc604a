//! Terminals.

use std::io::IsTerminal;
use std::os::fd::AsFd;

/// The columns and lines of the terminal that standard output is; what the terminal does not tell, `COLUMNS` and
/// `LINES` do, else it is 80 by 24. `None` where standard output is no terminal.
pub fn stdout_size() -> Option<(usize, usize)> {
    if !stdout_is_terminal() {
        return None;
    }
    // What is on the way to a terminal is asked of the terminal that controls us: they are the same wherever a person
    // looks, and no program is started for it.
    let told = ratatui::crossterm::terminal::window_size().ok();
    let of = |told: Option<u16>, name: &str, usual: usize| {
        let given = || super::env::text(name)?.parse::<usize>().ok();
        told.filter(|n| *n > 0).map(usize::from).or_else(given).filter(|n| *n > 0).unwrap_or(usual)
    };
    let (columns, lines) = (told.as_ref().map(|size| size.columns), told.as_ref().map(|size| size.rows));
    Some((of(columns, "COLUMNS", 80), of(lines, "LINES", 24)))
}

/// Whether standard output is a terminal on which something can be drawn in place.
pub fn stdout_can_draw() -> bool {
    stdout_is_terminal() && super::env::text("TERM").is_some_and(|term| term != "dumb")
}

/// Calls `closed` on a thread of its own once nobody reads standard output any more: its pipe is closed, its
/// terminal gone. For a file that is never.
pub fn on_stdout_closed(closed: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        let stdout = std::io::stdout();
        let mut asked = [nix::poll::PollFd::new(stdout.as_fd(), nix::poll::PollFlags::empty())];
        loop {
            match nix::poll::poll(&mut asked, nix::poll::PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => return closed(),
                Err(_) => return,
            }
        }
    });
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Throws away what was typed on standard input's terminal and nobody has read: it was meant for somebody else.
pub fn forget_typed() {
    let _ = nix::sys::termios::tcflush(std::io::stdin(), nix::sys::termios::FlushArg::TCIFLUSH);
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether standard input is a terminal.
pub fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}
