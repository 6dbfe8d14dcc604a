//! The terminal while the screen is shown: raw, on its other page, and as it was before on every way out.

use crate::service::ServiceError;
use crate::sys::{SysError, env, term};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use ratatui::crossterm::{execute, queue};
use std::io::{self, Stdout, Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The terminal, taken. Dropping it gives the terminal back; so does a panic of any thread, before its words are printed.
pub struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Stdout>>,
    is_taken: Arc<AtomicBool>,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("is_taken", &self.is_taken).finish_non_exhaustive()
    }
}

fn failed(error: io::Error) -> ServiceError {
    let message = format!("The terminal could not be taken: {error}.");
    drop(error);
    ServiceError::failed(message, &["git metawsm status"])
}

/// Refuses where no screen can be shown.
pub(super) fn require(json: bool) -> Result<(), ServiceError> {
    if json {
        let message = "The screen is for people; 'status --json' and 'watch --json' tell programs the same.";
        return Err(ServiceError::wrong(message, &["git metawsm status --json", "git metawsm watch --json"]));
    }
    let instead = &["git metawsm status --watch", "git metawsm status"];
    if !term::stdin_is_terminal() || !term::stdout_is_terminal() {
        let message = "The screen needs a terminal: standard input and output have to be one.";
        return Err(ServiceError::failed(message, instead));
    }
    match env::text("TERM").as_deref() {
        None => {
            let message = "The screen needs a terminal that can move its cursor, and TERM is not set.";
            Err(ServiceError::failed(message, instead))
        }
        Some(kind @ ("dumb" | "unknown")) => {
            let message =
                format!("The screen needs a terminal that can move its cursor, and TERM is '{kind}'.");
            Err(ServiceError::failed(message, instead))
        }
        Some(_) => Ok(()),
    }
}

impl Terminal {
    /// Takes the terminal.
    pub fn take() -> Result<Self, ServiceError> {
        let is_taken = Arc::new(AtomicBool::new(false));
        restore_on_panic(Arc::clone(&is_taken));
        let inner = ratatui::Terminal::new(CrosstermBackend::new(stdout())).map_err(failed)?;
        let mut terminal = Self { inner, is_taken };
        terminal.enter()?;
        Ok(terminal)
    }

    fn enter(&mut self) -> Result<(), ServiceError> {
        self.is_taken.store(true, Ordering::SeqCst);
        enable_raw_mode().map_err(failed)?;
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide).map_err(failed)?;
        self.inner.clear().map_err(failed)
    }

    /// Gives the terminal to another program and takes it again; what was on the screen is drawn anew.
    pub fn lend<T>(&mut self, to: impl FnOnce() -> T) -> Result<T, ServiceError> {
        give_back(&self.is_taken);
        let answer = to();
        self.enter()?;
        Ok(answer)
    }

    /// Draws a frame, unless the terminal was given back by a panic.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), ServiceError> {
        if self.is_taken.load(Ordering::SeqCst) {
            self.inner
                .draw(draw)
                .map_err(|error| SysError::Other(format!("The screen could not be drawn: {error}")))?;
        }
        Ok(())
    }

    /// Draws everything anew at the next frame.
    pub(super) fn forget(&mut self) -> Result<(), ServiceError> {
        self.inner.clear().map_err(failed)
    }

    /// Columns and lines.
    pub(super) fn size() -> (u16, u16) {
        size().unwrap_or((80, 24))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back(&self.is_taken);
    }
}

/// Gives the terminal back, once.
fn give_back(is_taken: &AtomicBool) {
    if is_taken.swap(false, Ordering::SeqCst) {
        let mut out = stdout();
        // The other page is left first: what is printed from now on stays to be read.
        let _ = queue!(out, DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = out.flush();
        let _ = disable_raw_mode();
    }
}

fn restore_on_panic(is_taken: Arc<AtomicBool>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        give_back(&is_taken);
        before(info);
    }));
}
